"""Student notebooks on a machine with Colab's versions: nothing is upgraded, nothing restarted."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from coursework import bank, generic, source
from coursework.making.__main__ import ROOT
from tests.notebooks.colab import (
    INSTALLED,
    Colab,
    environment_folder,
    instead_of_the_repository,
    serve_website,
    settings,
)
from tools import wheel

from .conftest import FOLDERS, SLUGS

#: One process after the other uses the environment.
pytestmark = pytest.mark.xdist_group("colab")


@pytest.fixture(scope="session")
def colab() -> Iterator[Colab]:
    folder = environment_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment = Colab(folder)
        environment.reset()
        yield environment


@pytest.fixture(scope="session")
def website(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_website(tmp_path_factory.mktemp("website")) as address:
        yield address


def ran(notebook: Any, colab: Colab, website: str, folder: Path) -> Any:
    """The notebook with its outputs, and the runtime as it was before."""
    address = settings()["html"]["baseurl"] + wheel.FOLDER
    (first,) = [c for c in notebook.cells if address in c.source]
    first.source = first.source.replace(address, website + wheel.FOLDER)
    colab.reset()
    before = colab.versions()
    colab.run(notebook, folder, **instead_of_the_repository(folder / "nothing"))
    after = colab.versions()
    assert {name: after[name] for name in before} == before, "a package of the runtime was changed"
    assert after.keys() - before.keys() == INSTALLED, "a package was added to the runtime"
    return notebook


def checks(notebook: Any) -> list[tuple[str, str]]:
    """The question of each check, and what it said, in their order."""
    said = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith("grader.check("):
            texts = [o["data"]["text/plain"] for o in cell.outputs if "data" in o]
            assert texts, f"{cell.source} says nothing"
            said.append((cell.source.split('"')[1], texts[0]))
    return said


def answers(folder: Path) -> Iterator[tuple[source.Question, bank.Answer]]:
    """The solution, the bank, and what is wrong to every question; a hang hangs here as well."""
    for question in source.read(folder).questions.values():
        if not question.manual:
            yield question, bank.Answer("the solution", "\n\n".join(question.solution), None)
            for answer in bank.read(folder / "answers" / f"{question.name}.py"):
                yield question, answer
            for answer in generic.answers(question):
                if answer.title != "hangs":
                    yield question, answer


@pytest.mark.parametrize("folder", FOLDERS, ids=SLUGS)
def test_a_student_works_through_the_notebook(
    folder: Path, colab: Colab, website: str, tmp_path: Path
) -> None:
    """As it was handed out, then with every answer of the bank, in one kernel.

    Each check says what it finds, and the notebook goes on: a blank fails, right answers pass.
    """
    path = ROOT / "notebooks" / "assignments" / f"{folder.name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    blanks = len(checks_in(notebook))
    given = list(answers(folder))
    for question, answer in given:
        cell = nbformat.v4.new_code_cell(answer.code)
        cell.metadata["tags"] = ["raises-exception"]
        notebook.cells += [cell, nbformat.v4.new_code_cell(f'grader.check("{question.name}")')]
    said = checks(ran(notebook, colab, website, tmp_path))
    assert blanks
    assert len(said) == blanks + len(given)
    for name, text in said[:blanks]:
        assert "failed" in text, f"{name}: nothing is written, and the visible test passes"
    for (question, answer), (name, text) in zip(given, said[blanks:], strict=True):
        assert name == question.name
        if answer.points is None:
            assert "All test cases passed" in text, f"{name}, {answer.title}: {text}"


def checks_in(notebook: Any) -> list[Any]:
    """The check cells of a notebook."""
    return [c for c in notebook.cells if c.source.startswith("grader.check(")]
