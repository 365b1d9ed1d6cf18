"""``make notebooks``: what it writes, when it writes the same, and what it reports."""

import difflib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from tools import notebooks

from .conftest import ROOT, SmallBook, copy_small_book

COLAB = "https://colab.research.google.com/github/example/small-book/blob/trunk/notebooks/"
SITE = "https://books.example.org/small/"


def test_the_checked_in_notebooks_are_what_the_chapters_say() -> None:
    """Text and code to the letter; of outputs, which cell has which, in what shape.

    Their bytes hang on the last digits of floats, and those on the machine.
    """
    stale = notebooks.differences(ROOT, notebooks.generate(ROOT))
    assert not stale, "\n".join([*stale, "To write them anew: make notebooks"])


# -- the files -----------------------------------------------------------------------------------


def test_chapters_get_notebooks_and_other_pages_do_not(made: SmallBook) -> None:
    names = sorted(path.name for path in (made.root / "notebooks").iterdir())
    assert names == ["01_first.ipynb", "02_second.ipynb"]


def test_sorted_keys_and_colab_metadata(made: SmallBook) -> None:
    for path in (made.root / "notebooks").iterdir():
        text = path.read_text(encoding="utf-8")
        notebook = json.loads(text)
        assert text == json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        assert notebook["metadata"]["colab"] == {"provenance": [], "toc_visible": True}
        assert notebook["metadata"]["kernelspec"]["name"] == "python3"
        ids = [cell["id"] for cell in notebook["cells"]]
        assert len(ids) == len(set(ids))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                assert cell["execution_count"] is None


def test_first_cells(made: SmallBook) -> None:
    title, install = made.notebook("02_second.ipynb")["cells"][:2]
    heading, origin = "".join(title["source"]).split("\n\n")
    assert heading == "# 2. The second chapter"
    assert f"({SITE}book/02_second.html)" in origin
    assert install["id"] == "install"


@pytest.mark.parametrize(
    ("name", "hardware"),
    [("01_first", "a CPU"), ("02_second", "a CPU; uses a GPU where there is one")],
)
def test_the_facts_of_a_chapter_name_hardware_and_no_times(
    made: SmallBook, name: str, hardware: str
) -> None:
    cells = made.notebook(f"{name}.ipynb")["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    (facts,) = re.findall(r"^Code: .*", text, flags=re.MULTILINE)
    assert facts.startswith(f"Code: runs on {hardware}. To have read: ")
    assert not re.search(r"\d+ ?(s|min|sec)", facts)


def test_the_same_bytes_from_a_slower_machine(made: SmallBook, tmp_path: Path) -> None:
    """Nothing of the machine, the folder or the time that the cells took is in a notebook."""
    book = copy_small_book(tmp_path / "elsewhere")
    book.environment["MINI_BOOK_PAUSE"] = "2.5"
    status, output = book.make_notebooks()
    assert status == 0, output
    for name in ("01_first.ipynb", "02_second.ipynb"):
        assert book.bytes(name) == made.bytes(name)


def test_an_edit_in_the_middle_changes_one_cell(copy: SmallBook) -> None:
    before = copy.notebook("02_second.ipynb")["cells"]
    copy.edit("02_second.md", "Text of the first section.", "Other text of the first section.")
    assert copy.make_notebooks()[0] == 0
    after = copy.notebook("02_second.ipynb")["cells"]
    assert [c["id"] for c in before] == [c["id"] for c in after]
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_a_new_section_leaves_the_other_cells_alone(copy: SmallBook) -> None:
    before = copy.bytes("02_second.ipynb").decode()
    new = (
        "## One in between\n\nNew.\n\n```{code-cell} ipython3\nnew = 0\n```\n\n## A second section"
    )
    copy.edit("02_second.md", "## A second section", new)
    assert copy.make_notebooks()[0] == 0
    after = copy.bytes("02_second.ipynb").decode()
    # Section numbers are text, so the heading after the new section changes; no id does.
    lost = [line for line in difflib.ndiff(before.splitlines(), after.splitlines())
            if line.startswith("- ")]  # fmt: skip
    assert [re.sub(r"[^\w. ]", "", line).strip() for line in lost] == ["2.2. A second sectionn"]


# -- executed once -------------------------------------------------------------------------------


def runs(book: SmallBook) -> int:
    return len(Path(book.environment["MINI_BOOK_RUNS"]).read_text().splitlines())


def test_website_and_notebooks_execute_a_cell_once(made: SmallBook, website: SmallBook) -> None:
    assert website.environment == made.environment
    assert runs(made) == 1
    status, output = website.make_notebooks("--check")
    assert "Traceback" not in output
    assert status == 1  # the website lacks one notebook on purpose
    assert runs(made) == 1


# -- what is reported ----------------------------------------------------------------------------


def test_an_up_to_date_folder_passes(made: SmallBook) -> None:
    status, output = made.make_notebooks("--check")
    assert status == 0, output


def test_stale_missing_and_left_over_are_named(copy: SmallBook) -> None:
    folder = copy.root / "notebooks"
    text = copy.bytes("01_first.ipynb").decode()
    (folder / "01_first.ipynb").write_text(text.replace("seven", "eight"), encoding="utf-8")
    shutil.copy(folder / "01_first.ipynb", folder / "03_gone.ipynb")
    (folder / "02_second.ipynb").unlink()
    status, output = copy.make_notebooks("--check")
    assert status == 1
    assert "notebooks/01_first.ipynb is stale" in output
    assert "notebooks/02_second.ipynb is missing" in output
    assert "notebooks/03_gone.ipynb belongs to no chapter" in output
    assert "eight" in copy.bytes("01_first.ipynb").decode(), "--check must not write"

    assert copy.make_notebooks()[0] == 0
    assert copy.bytes("01_first.ipynb").decode() == text
    assert not (folder / "03_gone.ipynb").exists()
    assert copy.make_notebooks("--check")[0] == 0


def test_a_changed_chapter_makes_its_notebook_stale(copy: SmallBook) -> None:
    copy.edit("01_first.md", "the word is", "the Word is")
    status, output = copy.make_notebooks("--check")
    assert status == 1
    assert "notebooks/01_first.ipynb is stale" in output
    assert "02_second" not in output


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("second = 2", "raise RuntimeError('planted')", "planted"),
        ("{prf:ref}`thm-main`", "{prf:ref}`thm-none`", "thm-none"),
        ("hardware: GPU", "hardware: TPU", "hardware is 'TPU'; it must be one of CPU, GPU"),
        (
            "Text of the second section.",
            "```{hlist}\n- one\n- two\n```",
            "a 'hlist' ('one\\n\\ntwo') has no form in a notebook",
        ),
    ],
    ids=["a cell fails", "a reference is broken", "unknown hardware", "an unknown construct"],
)
def test_a_fault_in_a_chapter_fails(copy: SmallBook, old: str, new: str, message: str) -> None:
    copy.edit("02_second.md", old, new)
    before = copy.bytes("02_second.ipynb")
    status, output = copy.make_notebooks()
    assert status == 2
    assert message in output
    assert copy.bytes("02_second.ipynb") == before


def test_without_an_address_of_the_website_nothing_is_written(copy: SmallBook) -> None:
    config = copy.root / "_config.yml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("  baseurl: https://books.example.org/small/\n", ""))
    status, output = copy.make_notebooks()
    assert status == 2
    assert "the notebooks need html.baseurl" in output


# -- beside the website ---------------------------------------------------------------------------


class Article(HTMLParser):
    """The numbers and the internal links of a page's article."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.numbers: list[str] = []
        self.links: list[str] = []
        self.inside = ""
        self.feed(page[page.index("<article") : page.index("</article")])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        classes = (found.get("class") or "").split()
        if {"caption-number", "section-number", "eqno"} & set(classes):
            self.inside = classes[-1]
        if tag == "a" and "internal" in classes:
            self.links.append(found["href"] or "")

    def handle_data(self, data: str) -> None:
        if self.inside == "eqno":
            data = f"\\tag{{{data.strip('()')}}}"
        if self.inside == "section-number":
            self.sections.append(data.strip())
        elif self.inside:
            self.numbers.append(data.strip())
        self.inside = ""


@pytest.mark.parametrize("name", ["01_first", "02_second"])
def test_numbers_and_links_are_those_of_the_website(
    made: SmallBook, website: SmallBook, name: str
) -> None:
    article = Article(website.page(f"{name}.html"))
    cells = made.notebook(f"{name}.ipynb")["cells"]
    text = "".join("".join(c["source"]) + "\n" for c in cells if c["cell_type"] == "markdown")
    assert len(article.sections) >= 3
    assert len(article.links) >= 2
    for section in article.sections:
        assert re.search(rf"(?m)^#+ {re.escape(section)} ", text), section
    for number in article.numbers:
        assert re.search(rf"(\*\*|<b>|\s|to ){re.escape(number)}", text), number
    base = f"{SITE}book/{name}.html"
    # A solution that folds names its exercise in the summary, where no link can be.
    links = [link for link in article.links if not link.startswith("#ex-")]
    for link in links:
        assert f"({urljoin(base, link)})" in text, link


def test_the_website_carries_the_notebooks(website: SmallBook) -> None:
    folder = website.root / "_build" / "html" / "_notebooks"
    assert [path.name for path in folder.iterdir()] == ["01_first.ipynb"]
    assert (folder / "01_first.ipynb").read_bytes() == website.bytes("01_first.ipynb")
    assert 'href="../_notebooks/01_first.ipynb"' in website.page("01_first.html")
    assert "_notebooks" not in website.page("02_second.html")


def colab_links(page: str) -> list[str]:
    return re.findall(r'href="(https://colab[^"]*)"', page)


def test_the_button_is_on_pages_with_a_notebook_only(website: SmallBook) -> None:
    assert colab_links(website.page("01_first.html")) == [COLAB + "01_first.ipynb"]
    for name in ("02_second", "notation", "bibliography"):
        assert colab_links(website.page(f"{name}.html")) == []


def test_the_button_comes_with_the_notebook(website: SmallBook, tmp_path: Path) -> None:
    book = SmallBook(shutil.copytree(website.root, tmp_path / "book"), website.environment)
    assert book.build_website()[0] == 0  # in the new folder every page is read again, once
    assert colab_links(book.page("02_second.html")) == []
    shutil.copy(book.root / "notebooks" / "01_first.ipynb",
                book.root / "notebooks" / "02_second.ipynb")  # fmt: skip
    assert book.build_website()[0] == 0
    assert colab_links(book.page("02_second.html")) == [COLAB + "02_second.ipynb"]
