"""Student notebooks on a machine with Colab's versions: nothing is upgraded, nothing restarted."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from coursework import bank, generic, source
from coursework.making import assign
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


def ran(
    path: Path, colab: Colab, website: str, folder: Path, cells: list[Any] | None = None
) -> Any:
    """The notebook with its outputs; ``cells`` in the place of those after the setup."""
    notebook = nbformat.read(path, as_version=4)
    address = settings()["html"]["baseurl"] + wheel.FOLDER
    (first,) = [c for c in notebook.cells if address in c.source]
    first.source = first.source.replace(address, website + wheel.FOLDER)
    if cells is not None:
        code = [c for c in notebook.cells if c.cell_type == "code"]
        notebook.cells = [*code[: code.index(first) + 2], *cells]
    colab.reset()
    before = colab.versions()
    colab.run(notebook, folder, **instead_of_the_repository(folder / "nothing"))
    after = colab.versions()
    assert {name: after[name] for name in before} == before, "a package of the runtime was changed"
    assert after.keys() - before.keys() == INSTALLED, "a package was added to the runtime"
    return notebook


def checked(notebook: Any) -> dict[str, list[str]]:
    """What each check said, by question."""
    said: dict[str, list[str]] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith("grader.check("):
            name = cell.source.split('"')[1]
            texts = [o["data"]["text/plain"] for o in cell.outputs if "data" in o]
            assert texts, f"{name}: the check says nothing"
            said.setdefault(name, []).append(texts[0])
    return said


@pytest.mark.parametrize("slug", SLUGS)
def test_the_solution_passes_all_visible_tests(
    slug: str, made: dict[str, assign.Made], colab: Colab, website: str, tmp_path: Path
) -> None:
    said = checked(ran(made[slug].solution, colab, website, tmp_path))
    assert said
    for name, (text,) in said.items():
        assert "All test cases passed" in text, f"{name}: {text}"


@pytest.mark.parametrize("slug", SLUGS)
def test_the_published_notebook_runs_and_fails_all_visible_tests(
    slug: str, made: dict[str, assign.Made], colab: Colab, website: str, tmp_path: Path
) -> None:
    said = checked(
        ran(ROOT / "notebooks" / "assignments" / f"{slug}.ipynb", colab, website, tmp_path)
    )
    assert said
    for name, (text,) in said.items():
        assert "failed" in text, f"{name}: nothing is written, and the visible test passes"


@pytest.mark.parametrize("folder", FOLDERS, ids=SLUGS)
def test_every_answer_of_the_bank_can_be_checked(
    folder: Path, made: dict[str, assign.Made], colab: Colab, website: str, tmp_path: Path
) -> None:
    """Each wrong answer in one kernel after the other; a check says what it finds, and goes on."""
    cells, passes = [], []
    for question in source.read(folder).questions.values():
        if question.manual:
            continue
        written = bank.read(folder / "answers" / f"{question.name}.py")
        for answer in [*written, *generic.answers(question)]:
            if answer.title == "hangs":
                continue  # it hangs there as well
            cell = nbformat.v4.new_code_cell(answer.code)
            cell.metadata["tags"] = ["raises-exception"]
            cells += [cell, nbformat.v4.new_code_cell(f'grader.check("{question.name}")')]
            passes.append((question.name, answer))
    said = checked(ran(made[folder.name].student, colab, website, tmp_path, cells))
    texts = iter([text for name in said for text in said[name]])
    for name, answer in passes:
        text = next(texts)
        if answer.points is None:
            assert "All test cases passed" in text, f"{name}, {answer.title}: {text}"
