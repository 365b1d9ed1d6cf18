"""The course assignments on the website: what there is to hand out, and how their tests are tested.

Both come from records: ``make assignments`` writes ``assets/assignments/list.json``, which holds
neither solutions nor tests, and ``make mutants`` writes ``kills.json``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chapters
import tables
from colab_button import COLAB, FOLDER, repository
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RECORDS = Path("assets") / "assignments"
NOTEBOOKS = "assignments"


class Placeholder(nodes.General, nodes.Element):
    """Stands where a table will be, until every page has been read."""


class RecordDirective(SphinxDirective):
    """A table that is made of a record of ``assets/assignments``."""

    record = ""

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / RECORDS / self.record
        self.env.note_dependency(str(path))
        return [Placeholder(kind=self.name, facts=json.loads(path.read_text(encoding="utf-8")))]


class AssignmentsDirective(RecordDirective):
    """``{assignments-table}``: a row for each assignment."""

    record = "list.json"


class QuestionsDirective(RecordDirective):
    """``{questions-tables}``: the questions of each assignment."""

    record = "list.json"


class KillsDirective(RecordDirective):
    """``{kill-table}``: what each right and each wrong answer got."""

    record = "kills.json"


def assignments(app: Sphinx, here: str, facts: list[dict[str, Any]]) -> Iterator[nodes.Node]:
    """A row for each: title and notebook, chapters, questions, points, minutes."""
    rows: list[list[tables.Cell]] = []
    for number, entry in enumerate(facts, start=1):
        questions = entry["questions"]
        rows.append(
            [
                _title(app, f"{number}. {entry['title']}", entry["slug"]),
                _chapters(app, here, entry["chapters"]),
                str(len(questions)),
                f"{sum(q['points'] for q in questions):g}",
                str(entry["minutes"]),
            ]
        )
    header = ["Assignment", "Chapters", "Questions", "Points", "Minutes"]
    yield _wide(tables.table(header, rows))


def questions(app: Sphinx, here: str, facts: list[dict[str, Any]]) -> Iterator[nodes.Node]:
    """For each assignment a table of its questions, folded."""
    for number, entry in enumerate(facts, start=1):
        rows: list[list[tables.Cell]] = []
        for question in entry["questions"]:
            page, _, anchor = question["section"].partition("#")
            uri = app.builder.get_relative_uri(here, f"book/{page}")
            chapter = f"chapter {chapters.number(f'book/{page}')}"
            link = nodes.reference(
                "", chapter, internal=True, refuri=f"{uri}#{anchor}" if anchor else uri
            )
            by = " (read by a person)" if question["manual"] else ""
            rows.append(
                [question["title"] + by, f"{question['points']:g}", question["objective"], link]
            )
        header = ["Question", "Points", "What it trains", "Leans on"]
        yield _folded(f"{number}. {entry['title']}", _wide(tables.table(header, rows)))


def kills(app: Sphinx, here: str, facts: dict[str, Any]) -> Iterator[nodes.Node]:
    """The sums, and for each assignment all answers, folded."""
    rows: list[list[tables.Cell]] = []
    for slug, record in facts.items():
        answers = [a for q in record.values() for a in q["answers"]]
        wrong = [a for a in answers if a["kind"] != "right"]
        right = [a for a in answers if a["kind"] == "right"]
        seeds = sum(len(a["gets"]) for a in answers)
        rows.append(
            [
                slug,
                str(len(record)),
                f"{sum(map(_as_it_must, wrong))} of {len(wrong)}",
                f"{sum(map(_as_it_must, right))} of {len(right)}",
                str(seeds),
            ]
        )
    header = ["Assignment", "Questions", "Wrong answers killed", "Right ones passed", "Gradings"]
    yield _wide(tables.table(header, rows))
    for slug, record in facts.items():
        parts: list[nodes.Node] = []
        for name, question in record.items():
            parts.append(
                nodes.paragraph(
                    "", "", nodes.strong("", f"{name}, {question['points']:g} points: ")
                )
            )
            parts[-1] += nodes.Text(question["title"])
            answers_of = [
                [a["title"], *_points(a, question["points"])] for a in question["answers"]
            ]
            parts.append(_wide(tables.table(["Answer", "Must get", "Gets"], answers_of)))
        yield _folded(slug, *parts)


def _points(answer: dict[str, Any], full: float) -> list[str]:
    must = f"{answer['must']:g}" + (" (all)" if answer["must"] == full else "")
    got = sorted(set(answer["gets"]))
    return [must, ", ".join(f"{g:g}" for g in got)]


def _as_it_must(answer: dict[str, Any]) -> bool:
    return all(abs(got - answer["must"]) < 1e-9 for got in answer["gets"])


def _chapters(app: Sphinx, here: str, names: list[str]) -> nodes.Node:
    cell = nodes.inline()
    for name in names:
        uri = app.builder.get_relative_uri(here, f"book/{name}")
        cell += nodes.Text(", " if len(cell) else "")
        cell += nodes.reference("", str(int(name[:2])), internal=True, refuri=uri)
    return cell


def _title(app: Sphinx, title: str, slug: str) -> nodes.Node:
    """The title, and behind it the links to the notebook, so that a phone shows them."""
    url, branch = repository(app.config)
    owner, name = url.split("/")[-2:]
    colab = f"{COLAB}/github/{owner}/{name}/blob/{branch}/notebooks/{NOTEBOOKS}/{slug}.ipynb"
    cell = nodes.inline("", f"{title}: ")
    cell += nodes.reference("", "Colab", refuri=colab)
    cell += nodes.Text(", ")
    file = f"../{FOLDER}/{NOTEBOOKS}/{slug}.ipynb"
    cell += nodes.reference("", "download", internal=True, refuri=file)
    return cell


def _wide(table: nodes.Node) -> nodes.Node:
    return nodes.container("", table, classes=["otg-wide-table", "full-width"])


def _folded(title: str, *content: nodes.Node) -> nodes.Node:
    return nodes.admonition("", nodes.title("", title), *content, classes=["dropdown"])


KINDS: dict[str, Callable[..., Iterator[nodes.Node]]] = {
    "assignments-table": assignments,
    "questions-tables": questions,
    "kill-table": kills,
}


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the placeholders by their tables."""
    for place in list(doctree.findall(Placeholder)):
        place.replace_self(list(KINDS[place["kind"]](app, docname, place["facts"])))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(Placeholder)
    app.add_directive("assignments-table", AssignmentsDirective)
    app.add_directive("questions-tables", QuestionsDirective)
    app.add_directive("kill-table", KillsDirective)
    app.connect("doctree-resolved", fill_in)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
