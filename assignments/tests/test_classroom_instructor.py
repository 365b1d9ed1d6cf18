"""A first use of `make grade`: what is refused, and what is said."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coursework import archive, test_cells
from coursework import source as sources
from coursework.classroom import cli, exam, figures, grader, messages, pool, run, submissions
from coursework.classroom.grader import Job

from .classes import RIGHT, assignment, notebook, written, zipped


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return assignment(tmp_path / "assignments" / "01_sums")


def packed(source: Path, place: Path, secret: str = "") -> Path:
    """The archive of a source."""
    read = sources.read(source, secret)
    question = read.questions["q1"]
    files: dict[str, str | bytes] = {
        "files/assignment.json": archive.describe(read, secret),
        "tests/q1.py": test_cells.as_file("q1", question.points, question.tests),
    }
    return zipped(place / f"{source.name}-autograder.zip", files)


def test_without_an_archive_nothing_is_graded_unless_one_wants_it(
    source: Path, tmp_path: Path, capsys: Any
) -> None:
    folder = written(tmp_path / "in", {"ada.ipynb": notebook(RIGHT)})
    call = [str(source), str(folder), "--jobs", "1"]
    assert cli.main(call) == 2
    said = capsys.readouterr().err
    assert "no archive of 01_sums in _build/assignments: run `make assignments" in said
    assert "--by-source" in said
    assert not (tmp_path / "in-grades").exists()
    assert cli.main([*call, "--by-source"]) == 0


def test_a_number_is_the_name_of_an_assignment(source: Path, tmp_path: Path) -> None:
    for name in ("03_mke", "10_last"):
        assignment(tmp_path / "assignments" / name)
    for name, slug in [("1", "01_sums"), ("01", "01_sums"), ("3", "03_mke"), ("10", "10_last")]:
        assert exam.find(name, root=tmp_path).place.name == slug
    with pytest.raises(exam.UnknownError, match="no assignment is called '2'"):
        exam.find("2", root=tmp_path)


def test_an_archive_goes_before_the_source(source: Path, tmp_path: Path) -> None:
    made = packed(source, tmp_path / "_build" / "assignments" / "01_sums")
    assert exam.find("1", root=tmp_path).place == made


def test_grades_are_not_written_over_a_file(source: Path, tmp_path: Path, capsys: Any) -> None:
    folder = written(tmp_path / "in", {"ada.ipynb": notebook(RIGHT)})
    out = written(tmp_path, {"out": "mine"}) / "out"
    assert cli.main([str(source), str(folder), "--by-source", "--out", str(out)]) == 2
    assert "out is a file: name a folder" in capsys.readouterr().err
    assert out.read_text() == "mine"


def test_what_is_not_there_is_neither_a_folder_nor_a_file(
    source: Path, tmp_path: Path, capsys: Any
) -> None:
    assert cli.main([str(source), str(tmp_path / "x.zip"), "--by-source"]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_grades_of_two_assignments_do_not_mix(source: Path, tmp_path: Path, capsys: Any) -> None:
    folder = written(tmp_path / "in", {"ada.ipynb": notebook(RIGHT)})
    other = assignment(tmp_path / "assignments" / "02_more")
    call = [str(folder), "--by-source", "--jobs", "1", "--out", str(tmp_path / "out")]
    assert cli.main([str(source), *call]) == 0
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert cli.main([str(other), *call]) == 2
    said = capsys.readouterr().err
    assert "holds grades of 01_sums, and these would be of 02_more" in said
    assert {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == before
    assert cli.main([str(source), *call]) == 0


def test_another_notebook_is_named(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    other = assignment(root / "assignments" / "03_other")
    text = (other / "assignment.md").read_text().replace("total", "product")
    (other / "assignment.md").write_text(text)
    packed(other, root / "_build" / "assignments" / "03_other")
    packed(source, root / "_build" / "assignments" / "01_sums")
    monkeypatch.setattr(exam, "ROOT", root)
    opened = exam.Exam(source).open()
    handed_in = ["import numpy as np", "def product(values):\n    return sum(values)"]
    said = grader.another(handed_in, opened)
    assert said == (
        "this looks like another notebook: it defines none of total; it has answers of 03_other"
    )
    assert grader.another(["x = 1"], opened).endswith("it defines none of total")
    for own in (RIGHT, "def total(values):\n    ...", "def total(:", "from mine import *"):
        assert not grader.another([own], opened)


def test_another_notebook_is_a_row(source: Path, tmp_path: Path) -> None:
    files = {"ada.ipynb": notebook(RIGHT), "bob.ipynb": notebook("product = 1")}
    folder = written(tmp_path / "in", files)
    assert cli.main([str(source), str(folder), "--by-source", "--jobs", "1"]) == 0
    rows = (tmp_path / "in-grades" / "grades.csv").read_text(encoding="utf-8-sig").splitlines()
    assert "this looks like another notebook: it defines none of total" in rows[2]
    page = (tmp_path / "in-grades" / "feedback" / "bob.html").read_text()
    assert "this looks like another notebook" in page


@pytest.mark.parametrize(
    ("values", "of", "bins"),
    [
        ([0.0, 2.0, 5.0, 5.0], 5.0, 6),
        ([0.0, 5.0], 5.0, 2),
        ([0.0, 2.0, 4.0], 4.0, 3),
        ([0.5, 2.0], 3.0, 7),
        ([0.1, 0.3], 1.0, 11),
        ([], 3.0, 2),
    ],
)
def test_each_bar_stands_at_its_points(values: list[float], of: float, bins: int) -> None:
    """The middle of the bin in which points are counted is these points."""
    edges = figures.edges_of_points(values, of)
    assert len(edges) == bins + 1
    middles = (edges[:-1] + edges[1:]) / 2
    counts, _ = np.histogram(values, edges)
    for middle, count in zip(middles, counts, strict=True):
        assert count == sum(abs(v - middle) < 1e-9 for v in values)
    assert middles[0] == 0
    assert middles[-1] == pytest.approx(of, abs=1e-12)


def test_many_sorts_of_points_have_wide_bins() -> None:
    values = [1.0, 1.01, 7.77, 20.0]
    edges = figures.edges_of_points(values, 20.0)
    assert len(edges) == figures.BINS + 2
    assert np.histogram(values, edges)[0].sum() == 4
    assert figures.edges_of_points([0.0], 0.0).tolist() == [-0.5, 0.5]


NONE = "the answer could not be used: TypeError: cannot unpack non-iterable NoneType object"
OWN = "your code raised TypeError: 'NoneType' object is not iterable (line 2: a, b = f(x))"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ((NONE, "the step is None: is there a return?"), [messages.NOTHING]),
        (("`k` has not been written yet", NONE), [messages.NOTHING]),
        (("`k` has not been written yet",), [messages.BLANK]),
        ((NONE, "four slopes"), [NONE, "four slopes"]),
        ((OWN,), [OWN]),
        ((), []),
    ],
)
def test_a_blank_question_is_one_message(said: tuple[str, ...], read: list[str]) -> None:
    assert messages.shown(said) == read


def test_a_cell_as_it_was_handed_out_is_left_blank(source: Path) -> None:
    """Whatever its tests say, one of which says nothing of None here."""
    opened = exam.Exam(source).open()
    (skeleton,) = opened.skeleton

    def said(code: str) -> tuple[str, ...]:
        return grader.marks(["x = 1", code], opened, "")[0].messages

    assert said(skeleton + "\n") == ("left blank",)
    both = ("1 and 2 are 3", "the sum is None: is there a return?")
    assert said(skeleton.replace("...", "values = 3")) == both


def test_backticks_are_code_and_nothing_else_is_html() -> None:
    assert messages.prose("`f` and <b> `<i>` `") == (
        "<code>f</code> and &lt;b&gt; <code>&lt;i&gt;</code> `"
    )


def test_a_syntax_error_names_its_line_once(source: Path) -> None:
    opened = exam.Exam(source).open()
    (mark,) = grader.marks(["x = 1", "def total(values:\n    return 1"], opened, "")
    assert mark.messages == (
        "`total` cannot be had: SyntaxError: '(' was never closed (line 1: def total(values:)",
    )


def test_a_page_of_feedback_reads_well(source: Path, tmp_path: Path) -> None:
    files = {"ada.ipynb": notebook("total = ..."), "bob.ipynb": notebook(RIGHT)}
    folder = written(tmp_path / "in", files)
    assert cli.main([str(source), str(folder), "--by-source", "--jobs", "1"]) == 0
    page = (tmp_path / "in-grades" / "feedback" / "ada.html").read_text()
    assert re.findall(r"<li>(.*)</li>", page) == ["left blank"]
    assert "the same code gets the\nsame messages and points again" in page
    overview = (tmp_path / "in-grades" / "overview.html").read_text()
    for table in re.finditer("<table>", overview):  # a wide one scrolls by itself
        assert re.search(r'<div class="wide"[^>]*>$', overview[: table.start()])
    similar = (tmp_path / "in-grades" / "similar.html").read_text()
    assert "SIMILAR=0.7" in similar


def test_the_first_line_says_what_is_graded_with_what(
    source: Path, tmp_path: Path, capsys: Any
) -> None:
    folder = written(tmp_path / "in", {"a_1_2_x.ipynb": notebook(RIGHT)})
    secret = "a secret of thirty characters."
    made = packed(source, tmp_path / "made", secret)
    assert cli.main([str(made), str(folder), "--jobs", "1"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "1 submission found (Canvas), 01_sums, archive made with a secret"
    assert second.startswith("Guards of this machine")
    made = packed(source, tmp_path / "open")
    written(folder, {"b_2_3_x.ipynb": notebook(RIGHT), "c.ipynb": notebook(RIGHT)})
    assert cli.main([str(made), str(folder), "--jobs", "1"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == (
        "3 submissions found (Canvas, plain files), 01_sums, archive made without a secret"
    )
    assert second.startswith("WARNING: without a secret")


def test_who_is_being_graded_is_named(source: Path, tmp_path: Path) -> None:
    files = {"ada.ipynb": notebook(RIGHT), "bob.ipynb": notebook(RIGHT)}
    entries = submissions.find(written(tmp_path / "in", files))
    jobs = [Job(e, "digest", "", tmp_path / f"{e.id}.json") for e in entries]
    seen: list[list[str]] = []
    done: list[str] = []

    def watch(running: list[Job]) -> None:
        seen.append([job.entry.id for job in running])
        assert not set(done) & set(seen[-1])  # nobody who is finished

    for job, _ in pool.graded(jobs, 1, exam.Exam(source), 60.0, watch):
        done.append(job.entry.id)
    assert [ids for ids, _ in itertools.groupby(seen) if ids] == [["ada"], ["bob"]]
    assert run._named(jobs) == "now ada, bob"
    assert run._named(jobs * 3) == "now ada, bob, ada and 3 more"
    assert run._named([]) == ""
