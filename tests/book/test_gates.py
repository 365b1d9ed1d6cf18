"""The build does not lie: each gate is proved by planting its fault and seeing the build fail."""

import html
import json
import re
import shutil

import pytest
from PIL import Image

from otgen_lite.statements import REGISTRY
from tests.book.conftest import MiniBook, make_minibook
from tools import calibrate, gates

SMALL, OTHER = "01_small.md", "02_other.md"
CELL = "```{{code-cell}}\n{}\n```\n"


def add(book: MiniBook, text: str, name: str = SMALL) -> None:
    """Append text to a chapter."""
    path = book.root / "book" / name
    path.write_text(path.read_text(encoding="utf-8") + "\n" + text + "\n", encoding="utf-8")


def expect_fault(book: MiniBook, pattern: str) -> str:
    """The build exits with 1 and prints one line that matches."""
    status, output = book.build()
    lines = [line for line in output.splitlines() if line.startswith("FAULT ")]
    assert status == 1, output
    assert any(re.search(pattern, line) for line in lines), output
    return output


def test_a_correct_book_passes(built_minibook):
    assert (built_minibook.root / "_build/html/index.html").is_file()
    assert (built_minibook.root / "_build/html/.nojekyll").is_file()
    ledger = (built_minibook.root / "_build/html/book/claims.html").read_text(encoding="utf-8")
    assert "Theorem 1.1" in ledger
    row = ledger.split("Proposition 1.2")[1].split("</tr>")[0]
    assert "slack 34, up to 35 × ✓" in row
    assert REGISTRY["prop-floor"].computed in html.unescape(row)
    assert REGISTRY["prop-floor"].proved in html.unescape(row)


def test_a_failing_cell(minibook):
    minibook.edit(SMALL, "side = 2", "side = 1 / 0")
    expect_fault(minibook, r"book/01_small\.md, cell 2 \(side = 1 / 0\): ZeroDivisionError")


def test_a_bold_term_without_an_entry_and_an_entry_without_a_bold_term(minibook):
    entries = "```{glossary}\nright angle\n  Ninety degrees.\n\nleft angle\n  None.\n```\n"
    minibook.write("glossary.md", f"# Glossary\n\n{entries}")
    toc = minibook.root / "_toc.yml"
    last = "      - file: book/bibliography\n"
    toc.write_text(toc.read_text("utf-8").replace(last, f"{last}      - file: book/glossary\n"))
    add(minibook, "A **right angle** and a **hypotenuse**.")
    output = expect_fault(minibook, r"01_small\.md: bold, and not in the glossary: hypotenuse")
    assert re.search(r"glossary\.md: in the glossary, and bold in no chapter: left angle", output)
    assert "right angle" not in output


def test_a_failing_certificate(minibook):
    minibook.edit(SMALL, "5**2, tol", "6**2, tol")
    expect_fault(minibook, r"01_small\.md, cell 1 .*CertificateError: ✗ thm-pythagoras: 25 = 36")


def test_a_kernel_that_dies(minibook):
    minibook.edit(SMALL, "side = 2", "import os; os._exit(1)")
    minibook.edit(OTHER, "2 + 2", "2 + 3")
    output = expect_fault(
        minibook,
        r"book/01_small\.md, cell 2 \(import os; os\._exit.*: execution stopped: DeadKernelError",
    )
    assert "1 fault(s)" in output
    # The other chapter came to its end, and stays what it is.
    assert re.search(r"02_other +executed", output)
    assert re.search(r"01_small +FAILED", output)
    minibook.edit(SMALL, "import os; os._exit(1)", "side = 2")
    status, output = minibook.build()
    assert status == 0, output
    assert not re.search(r"02_other +execut", output)


def test_a_kernel_that_does_not_start(minibook):
    minibook.edit(SMALL, "name: python3", "name: no-such-kernel")
    expect_fault(
        minibook, r"book/01_small\.md, before its first cell: execution stopped: NoSuchKernel"
    )


def test_a_failure_is_still_one_in_the_next_build(minibook):
    minibook.edit(SMALL, "side = 2", "side = 1 / 0")
    for _ in range(2):
        expect_fault(minibook, r"cell 2 .*ZeroDivisionError")


def test_a_widget_whose_callback_raised(minibook):
    callback = """import ipywidgets
slider = ipywidgets.IntSlider()
out = ipywidgets.interactive_output(lambda n: 1 // n, {"n": slider})
ipywidgets.VBox([slider, out])"""
    add(minibook, CELL.format(callback))
    expect_fault(
        minibook, r"01_small\.md, cell 4 \(import ipywidgets\): a widget's stored state .*ZeroDiv"
    )


def test_a_widget_that_failed_is_still_one_when_its_page_comes_from_the_cache(minibook):
    callback = """import ipywidgets
ipywidgets.interactive(lambda n: 1 // n, n=0)"""
    add(minibook, CELL.format(callback))
    for _ in range(2):
        expect_fault(minibook, r"01_small\.md, cell 4 .*: a widget's stored state .*ZeroDiv")


def test_a_traceback_in_a_page(minibook):
    add(minibook, CELL.format("import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n"
                              "    print(traceback.format_exc())"))  # fmt: skip
    expect_fault(minibook, r"page book/01_small\.html: a traceback stands in the page")


def test_a_warning_of_python_in_a_page(minibook):
    code = "import sys, warnings\nwarnings.warn('this is slow')\nprint('a bar', file=sys.stderr)"
    add(minibook, CELL.format(code))
    output = expect_fault(
        minibook, r"book/01_small\.md, cell \d+ \(import sys.*\): UserWarning: this is slow"
    )
    assert "a bar" not in output


def test_a_warning_of_sphinx(minibook):
    add(minibook, "# A second title, which breaks the order of the headings\n\n#### Too deep")
    expect_fault(minibook, r"book/01_small\.md:\d+: Non-consecutive header")


def test_a_reference_that_does_not_resolve(minibook):
    add(minibook, "As {prf:ref}`thm-nowhere` says.")
    expect_fault(minibook, r"book/01_small\.md.*thm-nowhere")


def test_a_python_reference_that_does_not_resolve_is_seen_because_of_nitpicking(minibook):
    add(minibook, "Call {py:func}`otgen_lite.no_such_function`.")
    expect_fault(minibook, r"01_small\.md.*no_such_function")


def test_a_citation_that_does_not_resolve(minibook):
    add(minibook, "See {cite:t}`nobody_1900`.")
    expect_fault(minibook, r"01_small\.md.*nobody_1900")


def test_a_chapter_over_its_budget_is_told_and_passes(minibook):
    # Any processor needs longer than this to start a kernel.
    minibook.edit(SMALL, "budget: 60", "budget: 0.01")
    status, output = minibook.build()
    assert status == 0, output
    assert re.search(
        r"NOTE book/01_small\.md, all cells: [\d.]+ calibrated seconds, over its budget of 0\.01 ",
        output,
    )
    assert "FAULT" not in output


def test_a_chapter_over_its_budget_is_a_fault_where_one_asks(minibook):
    minibook.edit(SMALL, "budget: 60", "budget: 0.01")
    status, output = minibook.build("--budgets")
    assert status == 1, output
    assert re.search(r"FAULT book/01_small\.md, all cells: .* over its budget of 0\.01 ", output)
    # The outputs are right, and they stay: with a larger budget nothing is executed.
    minibook.edit(SMALL, "budget: 0.01", "budget: 1000")
    status, output = minibook.build("--budgets")
    assert status == 0, output
    assert "execut" not in output.split("\n", 1)[1]


def test_who_waits_spends_nothing_of_a_budget(minibook):
    minibook.edit(SMALL, "side = 2", "import time; time.sleep(2.5)")
    minibook.edit(SMALL, "budget: 60", "budget: 20")
    status, output = minibook.build("--budgets")
    assert status == 0, output
    took = json.loads((minibook.root / "_build" / "execution.json").read_text())["book/01_small"]
    assert took["seconds"] > 2.5 + took["processor"] / 2
    assert took["calibrated"] == pytest.approx(
        took["processor"] * calibrate.REFERENCE / took["calibration"]
    )


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_jobs_must_be_a_number_of_chapters(minibook, jobs):
    status, output = minibook.build("--jobs", jobs)
    assert status == 2
    assert "--jobs" in output


def test_a_chapter_without_a_budget(minibook):
    minibook.edit(SMALL, "  budget: 60\n", "")
    expect_fault(minibook, r"01_small\.md: it has cells but no time budget")


def test_images_without_alt(minibook):
    Image.new("RGB", (2, 2)).save(minibook.root / "book" / "x.png")
    add(minibook, '<img src="x.png" alt="">\n\n<img src="x.png">\n\n<img src="x.png" alt="  ">')
    add(minibook, CELL.format("import matplotlib.pyplot as plt\nplt.plot([1, 2]);"), OTHER)
    output = expect_fault(minibook, r"page book/01_small\.html: an image has no alt text")
    assert re.search(r"FAULT page book/02_other\.html: an image has no alt text", output)


def test_a_link_inside_the_site_that_leads_nowhere(minibook):
    add(minibook, '<a href="gone.html">gone</a> <a href="02_other.html#nowhere">nowhere</a>')
    output = expect_fault(minibook, r"01_small\.html: a link leads nowhere: gone\.html")
    assert "a link leads to no place on its page: 02_other.html#nowhere" in output


def test_a_launch_link_without_its_notebook(minibook):
    # The button is made only where a notebook exists; nobody checks a link in the text.
    target = "https://colab.research.google.com/github/o/r/blob/main/notebooks/no.ipynb"
    add(minibook, f"[run]({target})")
    expect_fault(minibook, r"a launch link names no existing notebook: notebooks/no\.ipynb")


def test_a_notebook_that_asks_for_a_wheel_which_is_not_there(minibook):
    cell = 'website = "https://books.example.org/small/_wheels/otgen_lite-0.0-py3-none-any.whl"'
    notebook = {"cells": [{"cell_type": "code", "source": [cell]}]}
    path = minibook.root / "notebooks" / "01_small.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    expect_fault(
        minibook,
        r"notebook 01_small\.ipynb: the website does not carry _wheels/otgen_lite-0\.0-py3-.*whl",
    )


def test_an_exercise_without_solution(minibook):
    add(minibook, "```{exercise}\n:label: ex-open\nWhy?\n```")
    expect_fault(minibook, r"book/01_small\.md, ex-open: it has no solution")


def test_statements_without_certificate(minibook):
    kinds = ["theorem", "proposition", "lemma", "corollary"]
    add(minibook, "\n".join(f"```{{prf:{k}}}\n:label: bare-{k}\nSo it is.\n```\n" for k in kinds))
    output = expect_fault(minibook, r"this theorem has no certificate")
    for kind in kinds:
        assert f"book/01_small.md, bare-{kind}: this {kind} has no certificate" in output


def test_a_certificate_without_statement(minibook):
    add(minibook, CELL.format('certificate("thm-typo", 1, 1, tol=0)'))
    expect_fault(minibook, r"book/01_small\.md, thm-typo: this certificate names no statement")


def test_a_page_that_asks_another_host(minibook):
    ways = [
        '<img src="https://a.example/p.png" alt="a picture">',
        '<script src="//b.example/s.js"></script>',
        '<link rel="stylesheet" href="https://c.example/s.css">',
        "<style>@import 'https://d.example/s.css';</style>",
        '<p style="background: url(https://e.example/p.png)">text</p>',
        '<iframe title="t" src="https://f.example/"></iframe>',
        '<img srcset="https://g.example/p.png 2x" src="data:," alt="a picture">',
    ]
    add(minibook, "```{raw} html\n" + "\n".join(ways) + "\n```")
    output = expect_fault(minibook, r"page book/01_small\.html: it asks another host")
    for host in "abcdefg":
        assert re.search(rf"asks another host: (https:)?//{host}\.example/", output), host


def test_a_style_sheet_that_asks_another_host(minibook):
    sheet = minibook.root / "assets" / "web" / "otgen.css"
    font = "@font-face { font-family: F; src: url(https://elsewhere.example/f.woff2); }"
    sheet.write_text(sheet.read_text(encoding="utf-8") + font, encoding="utf-8")
    expect_fault(minibook, r"style sheet _static/otgen\.css: it asks another host")


def test_several_faults_are_all_told(minibook):
    minibook.edit(SMALL, "side = 2", "side = undefined_name")
    minibook.edit(OTHER, "2 + 2", "raise RuntimeError('second chapter')")
    output = expect_fault(minibook, r"01_small\.md, cell 2 .*NameError")
    assert re.search(r"FAULT book/02_other\.md, cell 1 .*RuntimeError: second chapter", output)
    assert "2 fault(s)" in output


def test_a_broken_configuration_is_not_green(minibook):
    (minibook.root / "_toc.yml").write_text("format: jb-book\nroot: book/nothing\n")
    status, output = minibook.build()
    assert status in (1, 2), output
    assert status != 0


def pages(book: MiniBook) -> dict[str, str]:
    """The website without the page that tells how long things took, and what is made from it."""
    html = book.root / "_build" / "html"
    files = [*html.rglob("*.html"), *html.rglob("_images/*"), *html.rglob("_explorers/*")]
    return {
        path.relative_to(html).as_posix(): path.read_bytes().hex()
        for path in files
        if path.stem != "status"
    }


def test_chapters_executed_together_are_those_executed_in_turn(tmp_path):
    made = {}
    picture = """import torch
import otgen_lite as otg
otg.plots.use_book_style()
otg.plots.clouds(target=torch.randn(50, 2, generator=torch.Generator().manual_seed(0)))"""
    header = "---\nmystnb:\n  image:\n    alt: a cloud\n---\n"
    for jobs in ("1", "2"):
        book = make_minibook(tmp_path / jobs)
        for name in (SMALL, OTHER):
            add(book, CELL.format(header + picture), name)
        status, output = book.build("--jobs", jobs)
        assert status == 0, output
        made[jobs] = pages(book)
    assert any("_images" in name for name in made["1"])
    assert made["1"] == made["2"]


def test_kernels_have_one_thread_that_waits_asleep(minibook):
    cell = """import os, torch
from otgen_lite.certify import certificate
certificate("thm-pythagoras", torch.get_num_threads(), 1, tol=0)
assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
"""
    add(minibook, CELL.format(cell))
    status, output = minibook.build(OMP_NUM_THREADS="2", OMP_WAIT_POLICY="ACTIVE")
    assert status == 0, output


def test_what_sphinx_would_execute_is_a_fault(minibook):
    """The outputs must be found under the key that Sphinx asks for."""
    log = "reading sources... /x/book/01_small.md: Executing notebook using local CWD [mystnb]"
    book = gates.Book(minibook.root, log)
    (fault,) = gates.execution.executed_by_sphinx(book)
    assert "Sphinx executed it" in str(fault)


@pytest.fixture
def built_copy(built_minibook, tmp_path):
    """A copy with its build, as a user has it after the first `make book`."""
    root = tmp_path / "book"
    shutil.copytree(built_minibook.root, root)
    book = MiniBook(root)
    status, output = book.build()  # once more here: Sphinx notices that the folder has moved
    assert status == 0, output
    return book


def runs(book: MiniBook) -> dict[str, float]:
    """Page -> when its outputs were computed."""
    manifest = json.loads((book.root / "_build/manifest.json").read_text(encoding="utf-8"))
    pages = manifest["pages"].items()
    return {name: page["execution"]["at"] for name, page in pages if page["execution"]}


def test_an_unchanged_book_executes_nothing(built_copy):
    before = runs(built_copy)
    status, output = built_copy.build()
    assert status == 0, output
    assert "execut" not in output.split("\n", 1)[1]
    assert runs(built_copy) == before


def test_an_edit_of_prose_keeps_the_certificates(built_copy):
    built_copy.edit(SMALL, "\nNo.\n", "\nNo, really.\n")
    status, output = built_copy.build()
    assert status == 0, output
    assert "execut" not in output.split("\n", 1)[1]
    ledger = (built_copy.root / "_build/html/book/claims.html").read_text(encoding="utf-8")
    assert "25" in ledger.split("Theorem 1.1")[1][:600]


def test_one_edited_chapter_is_executed_alone(built_copy):
    built_copy.edit(OTHER, "2 + 2", "2 + 3")
    status, output = built_copy.build()
    assert status == 0, output
    assert re.search(r"02_other +executed", output)
    assert not re.search(r"01_small +execut", output)


def test_the_cache_never_serves_outputs_of_an_older_package(built_copy, tmp_path):
    from tools import cache

    fake = tmp_path / "package"
    fake.mkdir()
    (fake / "module.py").write_text("x = 1")
    lock = tmp_path / "constraints.txt"
    lock.write_text("numpy==2.0")
    before = cache.digest([fake / "module.py", lock])
    (fake / "module.py").write_text("x = 2")
    assert cache.digest([fake / "module.py", lock]) != before
    # and through the front door: another state on record means that everything runs again
    state = built_copy.root / "_build" / cache.STATE
    record = json.loads(state.read_text(encoding="utf-8"))
    state.write_text(json.dumps({**record, "executed": before}), encoding="utf-8")
    status, output = built_copy.build()
    assert status == 0, output
    assert re.search(r"01_small +executed", output)
    assert re.search(r"02_other +executed", output)
    assert runs(built_copy) != {}


def test_an_edited_package_changes_the_key(monkeypatch, tmp_path):
    from tools import cache

    package = tmp_path / "otgen_lite"
    package.mkdir()
    (package / "__init__.py").write_text("value = 1\n")

    class Spec:
        submodule_search_locations = (str(package),)

    monkeypatch.setattr(cache.importlib.util, "find_spec", lambda name: Spec)
    before = cache.executed_digest(tmp_path)
    (package / "__init__.py").write_text("value = 2\n")
    changed = cache.executed_digest(tmp_path)
    assert changed != before
    (tmp_path / "constraints.txt").write_text("torch==2.13.0\n")
    assert cache.executed_digest(tmp_path) != changed
