"""What is made of a source: whole, the same every time, and without a leak."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml

from coursework import source, test_cells
from coursework.making import assign, listing, wheels
from coursework.making.__main__ import PUBLISHED, ROOT

from .conftest import FOLDERS, SLUGS
from .leaks import found_in, needles, squeezed

PAGES = ROOT / "_build" / "html"


def sources(path: Path) -> str:
    return "\n".join(c.source for c in nbformat.read(path, as_version=4).cells)


@pytest.mark.parametrize("folder", FOLDERS, ids=SLUGS)
def test_a_source_is_complete(folder: Path) -> None:
    assignment = source.read(folder)
    questions = assignment.questions.values()
    assert 4 <= len(questions) <= 8
    assert 60 <= assignment.settings["minutes"] <= 180
    assert assignment.setup
    assert [q.name for q in questions] == [f"q{k}" for k in range(1, len(questions) + 1)]
    for question in questions:
        assert question.objective
        assert question.section
        assert question.points > 0
        if question.manual:
            continue
        tests = [test_cells.read(cell) for cell in question.tests]
        assert sum(t.points for t in tests) == question.points, question.name
        assert any(not t.hidden for t in tests), question.name
        assert sum(t.points for t in tests if t.hidden) > 0.5 * question.points, question.name
        # A student's own text and code hold no test of the grader's.
        assert "coursework" not in question.text
        for cell, test in zip(question.tests, tests, strict=True):
            assert test.hidden or "coursework" not in cell, f"{question.name}: no grader there"


def test_there_are_enough_questions() -> None:
    questions = [q for folder in FOLDERS for q in source.read(folder).questions.values()]
    assert len(FOLDERS) == 6
    assert len(questions) >= 30


@pytest.mark.parametrize("folder", FOLDERS, ids=SLUGS)
def test_two_makings_are_the_same(
    folder: Path, made: dict[str, assign.Made], tmp_path: Path, packed: wheels.Wheels
) -> None:
    again = assign.make(folder, "", tmp_path / "again", ROOT, packed)
    first = made[folder.name]
    for name in assign.Made.__dataclass_fields__:
        assert getattr(again, name).read_bytes() == getattr(first, name).read_bytes(), name


@pytest.mark.parametrize("slug", SLUGS)
def test_published_notebooks_are_those_of_the_sources(
    slug: str, made: dict[str, assign.Made]
) -> None:
    """`make assignments` brings them up to date."""
    published = PUBLISHED / f"{slug}.ipynb"
    assert published.read_bytes() == made[slug].student.read_bytes()


def test_the_list_of_the_website_is_that_of_the_sources() -> None:
    recorded = (ROOT / listing.RECORD).read_text(encoding="utf-8")
    assert recorded == listing.text(FOLDERS)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_secret_changes_instances_and_parameters(
    slug: str, made: dict[str, assign.Made], reseeded: dict[str, assign.Made]
) -> None:
    def facts(path: Path) -> dict[str, object]:
        with zipfile.ZipFile(path) as archive:
            return dict(json.loads(archive.read("files/assignment.json")))

    assert facts(made[slug].archive)["secret"] == ""
    assert facts(reseeded[slug].archive)["secret"] != ""
    for variant in (made, reseeded):
        assert "{{ " not in sources(variant[slug].student)
    assert reseeded[slug].student.read_bytes() != made[slug].student.read_bytes(), (
        "no parameter of this assignment depends on the secret"
    )
    assert "a secret of thirty" not in sources(reseeded[slug].student)


@pytest.mark.parametrize("slug", SLUGS)
def test_links_into_the_book_lead_somewhere(slug: str, made: dict[str, assign.Made]) -> None:
    site = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"]["baseurl"]
    links = set(
        re.findall(
            re.escape(site) + r"(book/[\w/]+\.html)(?:#([\w-]+))?", sources(made[slug].student)
        )
    )
    assert links
    for page, anchor in links:
        text = (PAGES / page).read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in text, f"{page}#{anchor}"


# -- leaks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", FOLDERS, ids=SLUGS)
def test_students_get_neither_solutions_nor_hidden_tests(
    folder: Path, made: dict[str, assign.Made]
) -> None:
    text = made[folder.name].student.read_text(encoding="utf-8")
    assert found_in(json.loads(text), needles(folder)) == []
    # and the instructor's notebook does hold them, so that the search can find something
    solution = json.loads(made[folder.name].solution.read_text(encoding="utf-8"))
    assert found_in(solution, needles(folder)) != []


TEXTS = {".html", ".md", ".txt", ".js", ".ipynb", ".json", ".xml", ".inv", ""}


@pytest.fixture(scope="session")
def published() -> dict[Path, str]:
    """Every text of the built site, with its `_sources`, and of the notebooks."""
    assert (PAGES / "index.html").is_file(), "make book"
    files = [*PAGES.rglob("*"), *(ROOT / "notebooks").rglob("*")]
    read = {p: p.read_text(encoding="utf-8", errors="replace") for p in files if _text(p)}
    assert len(read) > 50
    return {
        p: squeezed(json.loads(text) if p.suffix == ".ipynb" else text, p.suffix == ".html")
        for p, text in read.items()
    }


def _text(path: Path) -> bool:
    return path.is_file() and path.suffix in TEXTS


@pytest.mark.parametrize("folder", FOLDERS, ids=SLUGS)
def test_the_website_holds_neither(folder: Path, published: dict[Path, str]) -> None:
    wanted = needles(folder)
    hits = [f"{path}: {n}" for path, text in published.items() for n in found_in(text, wanted)]
    assert hits == []


def test_the_website_holds_no_file_of_an_instructors() -> None:
    names = [p.name for p in PAGES.rglob("*")]
    marks = re.compile(r"autograder|-solution|assignment\.json|instructor\.html|rubric\.html")
    assert [name for name in names if marks.search(name)] == []
    for wheel in PAGES.rglob("*.whl"):
        assert not [n for n in zipfile.ZipFile(wheel).namelist() if "coursework" in n]
