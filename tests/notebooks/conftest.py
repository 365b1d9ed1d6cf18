"""A small book with one of everything, as notebooks and as a website."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTENSIONS = ROOT / "book" / "_ext"


@dataclass
class SmallBook:
    """A book in a folder of its own."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def edit(self, page: str, old: str, new: str) -> None:
        path = self.root / "book" / page
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {page}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def _run(self, folder: Path, *command: str) -> tuple[int, str]:
        done = subprocess.run(
            [*command], cwd=folder, env={**os.environ, **self.environment}, check=False,
            capture_output=True, text=True, encoding="utf-8",
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def make_notebooks(self, *options: str) -> tuple[int, str]:
        """Exit status and output of ``python -m tools.notebooks``."""
        command = [sys.executable, "-m", "tools.notebooks", "--root", str(self.root)]
        return self._run(ROOT, *command, *options)

    def build_website(self) -> tuple[int, str]:
        program = str(Path(sys.executable).with_name("jupyter-book"))
        return self._run(self.root, program, "build", ".", "--nitpick", "--keep-going")

    def bytes(self, name: str) -> bytes:
        return (self.root / "notebooks" / name).read_bytes()

    def notebook(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.bytes(name)))

    def page(self, name: str) -> str:
        return (self.root / "_build" / "html" / "book" / name).read_text(encoding="utf-8")


def copy_small_book(folder: Path) -> SmallBook:
    shutil.copytree(Path(__file__).parent / "mini_book", folder)
    config = folder / "_config.yml"
    text = config.read_text(encoding="utf-8").replace("@EXT@", str(EXTENSIONS))
    config.write_text(text, encoding="utf-8")
    return SmallBook(folder)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> SmallBook:
    """The small book with its notebooks; tests read it and change nothing."""
    book = copy_small_book(tmp_path_factory.mktemp("made") / "book")
    book.environment["MINI_BOOK_RUNS"] = str(book.root / "runs.txt")
    status, output = book.make_notebooks()
    assert status == 0, output
    return book


@pytest.fixture
def copy(made: SmallBook, tmp_path: Path) -> SmallBook:
    """A copy to change, with its executed cells."""
    return SmallBook(shutil.copytree(made.root, tmp_path / "book"))


@pytest.fixture(scope="session")
def website(made: SmallBook, tmp_path_factory: pytest.TempPathFactory) -> SmallBook:
    """The small book as a website, with the notebook of its first chapter only."""
    folder = tmp_path_factory.mktemp("website") / "book"
    book = SmallBook(shutil.copytree(made.root, folder), dict(made.environment))
    (book.root / "notebooks" / "02_second.ipynb").unlink()
    status, output = book.build_website()
    assert status == 0, output
    return book
