"""A very small book, built through the same command, configuration and gates as the real one."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.book import site
from tools import cache

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class MiniBook:
    """A book in a folder of its own."""

    root: Path

    def write(self, name: str, text: str) -> None:
        (self.root / "book" / name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / "book" / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def build(self, *options: str, **environment: str) -> tuple[int, str]:
        """Exit status and output of ``python -m tools.build``."""
        done = subprocess.run(
            [sys.executable, "-m", "tools.build", "--root", str(self.root), *options],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


def make_minibook(root: Path) -> MiniBook:
    shutil.copytree(Path(__file__).parent / "minibook", root, dirs_exist_ok=True)
    shutil.copy(ROOT / "_config.yml", root)
    shutil.copytree(ROOT / "assets", root / "assets")
    shutil.copytree(ROOT / "book" / "_ext", root / "book" / "_ext")
    (root / "notebooks").mkdir()
    for name in ("claims.md", "status.md", "bibliography.md"):
        shutil.copy(ROOT / "book" / name, root / "book")
    for name in ("01_small", "02_other"):
        (root / "notebooks" / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    return MiniBook(root)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the built book is served."""
    if not (site.HTML / "index.html").is_file():
        pytest.fail("the website is not built: make book")
    with site.served(site.HTML) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of a file."""
    with site.launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def built_minibook(tmp_path_factory: pytest.TempPathFactory) -> MiniBook:
    """Built once, and correct; tests copy it before they change anything."""
    book = make_minibook(tmp_path_factory.mktemp("minibook") / "book")
    status, output = book.build()
    assert status == 0, output
    return book


@pytest.fixture
def minibook(built_minibook: MiniBook, tmp_path: Path) -> MiniBook:
    """A copy in which a test plants its fault: no pages yet, but the outputs of its cells.

    Without the pages that summarise the book, to spare each build the import of the package.
    """
    root = tmp_path / "book"
    shutil.copytree(built_minibook.root, root, ignore=shutil.ignore_patterns("_build"))
    shutil.copytree(built_minibook.root / "_build/.jupyter_cache", root / "_build/.jupyter_cache")
    shutil.copy(built_minibook.root / "_build" / cache.STATE, root / "_build")
    toc = (root / "_toc.yml").read_text(encoding="utf-8")
    short = re.sub(r" +- file: book/(claims|status)\n", "", toc)
    (root / "_toc.yml").write_text(short, encoding="utf-8")
    return MiniBook(root)
