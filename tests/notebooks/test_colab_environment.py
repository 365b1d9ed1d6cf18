"""Every notebook of the repository runs from top to bottom on a machine like Colab's."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from .colab import (
    INSTALLED,
    ROOT,
    Colab,
    Redirection,
    as_checked_in,
    environment_folder,
    errors,
    instead_of_the_repository,
    redirect_git,
    serve_website,
)

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="session")
def colab() -> Iterator[Colab]:
    """The environment, for one test process at a time."""
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


#: An address at which nobody listens: port 9 of this machine.
NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture
def no_git(tmp_path: Path) -> dict[str, str]:
    return instead_of_the_repository(tmp_path / "nothing")


@pytest.fixture(scope="session")
def git(tmp_path_factory: pytest.TempPathFactory) -> Redirection:
    return redirect_git(tmp_path_factory.mktemp("repository"))


def notebook(*sources: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)


def test_the_versions_are_colabs(colab: Colab) -> None:
    colab.reset()
    found = colab.versions()
    assert found["ipywidgets"] == "7.7.1"
    assert found["ipython"] == "7.34.0"
    assert found["numpy"].startswith("2.1.")
    assert "torch" in found
    tooling = {"pot", "otgen-lite", "jupyter-book", "myst-nb", "myst-parser", "sphinx"}
    assert not tooling & found.keys()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebook(
    colab: Colab, website: str, no_git: dict[str, str], path: Path, tmp_path: Path
) -> None:
    """With the wheel of the website; the repository is out of reach."""
    colab.reset()
    before = colab.versions()
    assert not INSTALLED & before.keys()
    ran = as_checked_in(path, website)
    colab.run(ran, tmp_path, **no_git)
    assert errors(ran) == []
    assert colab.source_of("otgen-lite")["url"].startswith(website)
    after = colab.versions()
    assert after.keys() - before.keys() == INSTALLED
    assert {name: after[name] for name in before} == before, "a package of the runtime was changed"


def test_without_the_website_the_package_comes_from_the_repository(
    colab: Colab, git: Redirection, tmp_path: Path
) -> None:
    colab.reset()
    before = colab.versions()
    install = as_checked_in(NOTEBOOKS[0], NOWHERE).cells[1].source
    ran = notebook(install, "import otgen_lite, ot")
    colab.run(ran, tmp_path, **git.variables)
    assert [cell.outputs for cell in ran.cells] == [[], []]
    assert colab.source_of("otgen-lite")["vcs_info"]["commit_id"] == git.commit
    assert {name: colab.versions()[name] for name in before} == before


def test_without_either_the_reader_sees_one_sentence(
    colab: Colab, no_git: dict[str, str], tmp_path: Path
) -> None:
    """What pip and git said is kept, and not shown."""
    colab.reset()
    install = as_checked_in(NOTEBOOKS[0], NOWHERE).cells[1].source
    ran = notebook(install, "print(answers)")
    ran.cells[0]["metadata"]["tags"] = ["raises-exception"]
    colab.run(ran, tmp_path, **no_git)
    (failed,) = ran.cells[0].outputs
    assert failed.output_type == "error"
    (sentence,) = failed.traceback
    assert sentence.startswith("The package of this book could not be installed: ")
    assert "\n" not in sentence
    (answers,) = ran.cells[1].outputs
    assert "127.0.0.1" in answers.text
    assert "git" in answers.text
    assert not INSTALLED & colab.versions().keys()


def test_every_chapter_is_run() -> None:
    chapters = {path.stem for path in (ROOT / "book").glob("[0-9][0-9]_*.md")}
    assert chapters
    assert {path.stem for path in NOTEBOOKS} == chapters


# -- the checks above see a fault ------------------------------------------------------------------


def test_an_explorer_that_fails_on_a_later_frame_is_seen(
    colab: Colab, website: str, no_git: dict[str, str], tmp_path: Path
) -> None:
    """The last cell of every run moves the explorers; an error there is found in their state.

    Here the first cell does nothing if a notebook has run before.
    """
    checked_in = as_checked_in(NOTEBOOKS[0], website)
    explorer = """
import otgen_lite as otg
from matplotlib.figure import Figure

def frame(k):
    if k == 2:
        raise ValueError("planted")
    return Figure(figsize=(1, 1))

otg.Explorer(axes={"k": [1, 2]}, frame=frame, caption="c", alt="a picture for {k}", name="e")
"""
    ran = notebook(checked_in.cells[1].source, explorer)
    ran.cells.append(checked_in.cells[-1])
    colab.run(ran, tmp_path, **no_git)
    assert any("a widget's stored state holds an error" in error for error in errors(ran))


def test_a_failing_notebook_is_seen(colab: Colab, tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="planted"):
        colab.run(notebook("x = 1", "raise ValueError('planted')"), tmp_path)


def test_a_cell_of_the_build_is_seen(colab: Colab, tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="No module named 'myst_nb'"):
        colab.run(notebook("from myst_nb import glue"), tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        "import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    raise ValueError('planted')",
        "import ipywidgets\n\ndef f(x):\n    raise ValueError('planted')\n\n"
        "ipywidgets.interact(f, x=(0, 3));",
    ],
    ids=["an output widget", "a callback of interact"],
)
def test_an_error_in_a_widget_is_seen(colab: Colab, tmp_path: Path, source: str) -> None:
    ran = notebook(source)
    colab.run(ran, tmp_path)
    assert any("planted" in error for error in errors(ran))
