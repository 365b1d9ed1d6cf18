"""The table of exercises: stars, titles, and where each leads."""

from types import SimpleNamespace

from docutils import nodes
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_subtitle, exercise_title

from book._ext import exercises_table


def exercise(title, page="book/01_a", kind="exercise"):
    subtitle = exercise_subtitle("", "", nodes.Text(title))
    node = exercise_enumerable_node("", exercise_title("", "Exercise", subtitle))
    return {"type": kind, "docname": page, "node": node}


APP = SimpleNamespace(
    env=SimpleNamespace(
        metadata={"book/02_b": {"otgen": {"needs": ["01_a"]}}},
        sphinx_exercise_registry={
            "exr-one": exercise("★ By hand"),
            "exr-two": exercise("★★ Predict, then run: $p$"),
            "exr-three": exercise("★ Again"),
            "exr-else": exercise("★ Elsewhere", "book/02_b"),
            "sol-one": exercise("★ By hand", kind="solution"),
        },
    ),
    builder=SimpleNamespace(get_relative_uri=lambda here, there: f"{there}.html"),
)


def found(node):
    return {link.astext(): link["refuri"] for link in node.findall(nodes.reference)}


def test_exercises_stand_under_their_stars_and_solutions_do_not():
    one = exercises_table.links(APP, "book/instructors", "book/01_a", 1)
    assert found(one) == {
        "By hand": "book/01_a.html#exr-one",
        "Again": "book/01_a.html#exr-three",
    }
    two = exercises_table.links(APP, "book/instructors", "book/01_a", 2)
    assert list(found(two)) == ["Predict, then run: $p$"]
    assert exercises_table.links(APP, "book/instructors", "book/01_a", 3).astext() == "—"


def test_what_to_have_read():
    assert found(exercises_table.needs(APP, "x", "book/02_b")) == {"1": "book/01_a.html"}
    assert exercises_table.needs(APP, "x", "book/01_a").astext() == "—"
