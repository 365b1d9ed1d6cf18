"""A class is graded in parallel, whatever is in it, and a killed run goes on where it was."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from coursework import archive, test_cells
from coursework import source as sources
from coursework.classroom import cli, exam, grader, pool, records, run, submissions
from coursework.classroom.exam import Exam
from coursework.classroom.grader import Job

from .classes import HANGS, RIGHT, SLOW, VISIBLE, WRONG, assignment, notebook, written, zipped

CALL = [sys.executable, "-m", "coursework.classroom", "--by-source"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return assignment(tmp_path / "assignments" / "01_sums")


def called(source: Path, folder: Path, *options: str) -> str:
    """What the command says; raises if it does not end well."""
    done = subprocess.run(
        [*CALL, str(source), str(folder), *options], capture_output=True, text=True, timeout=300
    )
    assert not done.returncode, done.stderr + done.stdout
    return done.stdout


def table(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def written_files(out: Path) -> dict[str, bytes]:
    """All that was written, but for the records' own folder."""
    files = [p for p in out.rglob("*") if p.is_file() and p.name != ".lock"]
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in files}


def test_whatever_is_handed_in_is_a_row(source: Path, tmp_path: Path) -> None:
    root = written(
        tmp_path / "in",
        {
            "right.ipynb": notebook(RIGHT),
            "wrong.ipynb": notebook(WRONG),
            "hangs.ipynb": notebook(HANGS),
            "visible.ipynb": notebook(VISIBLE),
            "blank.ipynb": notebook("def total(values):\n    ..."),
            "old.ipynb": notebook(RIGHT, version=3),
            "empty.ipynb": "",
            "text.ipynb": RIGHT,
            "two/a.ipynb": notebook(RIGHT),
            "two/b.ipynb": notebook(RIGHT),
            "none/work.py": RIGHT,
            "=1+1.ipynb": notebook(RIGHT),
            "Émile Borel.ipynb": notebook(RIGHT),
            "exits.ipynb": notebook("import os\nos._exit(3)", RIGHT),
            "forks.ipynb": notebook("import os\ndef total(values):\n    return os.fork()"),
        },
    )
    (root / "link.ipynb").symlink_to(root / "right.ipynb")
    with (root / "large.ipynb").open("wb") as file:
        file.truncate(200 << 20)
    zipped(root / "zip.zip", {"deep/zip.ipynb": notebook(RIGHT)})
    called(source, root, "--out", str(tmp_path / "out"), "--jobs", "2")
    rows = table(tmp_path / "out" / "grades.csv")
    got = {id: row["q1"] for id, row in rows.items()}
    full = {"right", "old", "'=1+1", "Émile Borel", "exits", "zip"}
    nothing = {
        "wrong",
        "hangs",
        "forks",
        "visible",
        "blank",
        "empty",
        "text",
        "two",
        "none",
        "link",
        "large",
    }
    assert got == dict.fromkeys(full, "3") | dict.fromkeys(nothing, "0")
    said = {id: row["messages"] for id, row in rows.items()}
    for id, words in {
        "hangs": "processor time",
        "empty": "the file is empty",
        "text": "not JSON",
        "two": "2 notebooks",
        "none": "only work.py",
        "link": "a link",
        "large": "210 MB",
        "forks": "tried to start another process",
        "wrong": "half of what it must be",
    }.items():
        assert words in said[id]
    overview = (tmp_path / "out" / "overview.html").read_text()
    groups = dict(re.findall(r"<h3>([^<]+) \((\d+)\)</h3>", overview))
    assert groups["Could not be graded"] == "6"
    assert groups["Right in visible tests only"] == "1"
    assert groups["Ended by a limit"] == "1"
    assert groups["Tried what an answer may not do"] == "1"


def test_pages_hold_nothing_that_they_should_not(source: Path, tmp_path: Path) -> None:
    evil = "def total(values):\n    raise ValueError('<script>alert(1)</script>')"
    files = {"ada.ipynb": notebook(WRONG), "<b>eve.ipynb": notebook(evil)}
    called(source, written(tmp_path / "in", files), "--jobs", "1")
    out = tmp_path / "in-grades"
    pages = {p.name: p.read_text() for p in out.rglob("*.html")}
    assert len(pages) == 4  # overview, similar, two of feedback
    for name, text in pages.items():
        assert "<script" not in text, name
        assert "<b>eve" not in text, name
        assert not re.findall(r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//""", text), name
        assert "url(http" not in text, name
    for page in (out / "feedback").iterdir():
        text = page.read_text()
        assert "a word that was printed" not in text
        assert "secret_name_of_a_hidden_test" not in text
        assert "near(" not in text
    assert "half of what it must be" in (out / "feedback" / "ada.html").read_text()


def test_a_second_run_grades_what_has_changed_and_nothing_else(
    source: Path, tmp_path: Path
) -> None:
    root = written(tmp_path / "in", {f"{k}.ipynb": notebook(RIGHT) for k in range(3)})
    out = tmp_path / "in-grades"
    assert "3 graded now, 0 as before" in called(source, root, "--jobs", "1")
    before = written_files(out)
    assert "0 graded now, 3 as before" in called(source, root, "--jobs", "2")
    assert written_files(out) == before
    (root / "1.ipynb").write_text(notebook(WRONG))
    (root / "new.ipynb").write_text(notebook(RIGHT))
    record = out / "records" / "0.json"
    record.write_bytes(record.read_bytes()[:100])  # as after a cut of power
    assert "3 graded now, 1 as before" in called(source, root, "--jobs", "1")
    assert record.read_bytes() == before["records/0.json"]
    assert table(out / "grades.csv")["1"]["q1"] == "0"
    (root / "2.ipynb").unlink()
    assert "0 graded now, 3 as before" in called(source, root)
    assert sorted(p.name for p in (out / "feedback").iterdir()) == ["0.html", "1.html", "new.html"]


def test_points_depend_on_all_that_is_in_the_digest(source: Path, tmp_path: Path) -> None:
    """Another test, secret, student or late submission: graded again."""
    root = written(tmp_path / "in", {"a_1_2_x.ipynb": notebook(RIGHT)})
    (entry,) = submissions.find(root)

    def digest(secret: str = "", student: str = "", **changes: Any) -> str:
        exam_digest = records.of_archive(Exam(source, secret).open())
        job = Job(replace(entry, **changes), exam_digest, student, tmp_path)
        return job.contents()[2]

    first = digest()
    assert digest() == first
    others = [digest("secret"), digest(student="1"), digest(late=True), digest(problem="none")]
    text = (source / "assignment.md").read_text()
    (source / "assignment.md").write_text(text.replace('the sum")', 'the sum", rtol=1e-8)'))
    others.append(digest())
    (source / "assignment.md").write_text(text)
    entry.file.place.write_text(notebook(WRONG))
    others.append(digest())
    assert len({first, *others}) == 7


FILES = {f"{k}.ipynb": notebook(SLOW if k % 2 else WRONG) for k in range(10)}
FILES["hangs.ipynb"] = notebook(HANGS)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """The source of an assignment, and what a run that nobody disturbs writes."""
    path = tmp_path_factory.mktemp("undisturbed")
    source = assignment(path / "assignments" / "01_sums")
    called(source, written(path / "in", FILES), "--jobs", "1")
    return source, written_files(path / "in-grades")


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_killed_goes_on_where_it_was(
    by: signal.Signals, undisturbed: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    source, expected = undisturbed
    root, out = written(tmp_path / "in", FILES), tmp_path / "in-grades"
    first = subprocess.Popen(
        [*CALL, str(source), str(root), "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Where the tests run in the background, an interrupt is ignored, also by what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while len(list((out / "records").glob("*.json"))) < 4:
        assert first.poll() is None, first.communicate()
        time.sleep(0.01)
    started = psutil.Process(first.pid).children(recursive=True)
    assert len(started) > 2
    if by is not signal.SIGKILL:
        os.killpg(first.pid, by)  # as a terminal does
    else:
        first.kill()
    _, said = first.communicate()
    assert b"Traceback" not in said
    if by is not signal.SIGKILL:
        assert first.returncode == 128 + by
    # Nothing that the run has started outlives it for long.
    _, left = psutil.wait_procs(started, timeout=60)
    assert not left
    done = {p.name: p.stat().st_mtime_ns for p in (out / "records").glob("*.json")}
    assert 4 <= len(done) < len(FILES)
    assert not (out / "grades.csv").exists()

    said = called(source, root, "--jobs", "2")
    assert f"{len(FILES) - len(done)} graded now, {len(done)} as before" in said
    after = {p.name: p.stat().st_mtime_ns for p in (out / "records").glob("*.json")}
    assert {name: after[name] for name in done} == done  # these were not graded again
    assert written_files(out) == expected


def test_a_grader_that_dies_costs_its_submission_and_nothing_else(
    source: Path, tmp_path: Path
) -> None:
    root = written(tmp_path / "in", {f"{k}.ipynb": notebook(RIGHT) for k in range(4)})
    text = (source / "assignment.md").read_text()
    # A test that ends the process in which it runs: for one student always, for another once.
    log = tmp_path / "deaths"
    log.touch()
    killer = (
        "    import os, pathlib\n"
        f"    log = pathlib.Path({str(log)!r})\n"
        "    me = hidden.student\n"
        "    if me == '2' or (me == '1' and '1' not in log.read_text()):\n"
        "        log.write_text(log.read_text() + me)\n"
        "        os._exit(7)\n"
    )
    head = "def test_the_secret_name_of_a_hidden_test(total, hidden):\n"
    (source / "assignment.md").write_text(text.replace(head, head + killer))
    call = [*CALL, str(source), str(root), "--per-student", "--jobs", "1"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 1
    assert "3 graded now" in done.stdout
    assert "1 ended a grader twice" in done.stdout
    rows = table(tmp_path / "in-grades" / "grades.csv")
    assert {id: row["q1"] for id, row in rows.items()} == {"0": "3", "1": "3", "2": "0", "3": "3"}
    assert "ended twice while it graded this (exit status 7)" in rows["2"]["messages"]
    # The next run does not die of it again.
    assert log.read_text() == "122"
    assert "0 graded now, 4 as before" in called(source, root, "--per-student", "--jobs", "1")
    assert log.read_text() == "122"


def test_a_grader_that_computes_without_an_end_is_ended(source: Path, tmp_path: Path) -> None:
    text = (source / "assignment.md").read_text()
    head = "def test_the_secret_name_of_a_hidden_test(total, hidden):\n"
    endless = head + "    while hidden.student == 'b':\n        pass\n"
    (source / "assignment.md").write_text(text.replace(head, endless))
    root = written(tmp_path / "in", {"a.ipynb": notebook(RIGHT), "b.ipynb": notebook(RIGHT)})
    jobs = [
        Job(entry, "digest", entry.id, tmp_path / f"{entry.id}.json")
        for entry in submissions.find(root)
    ]
    reasons = {job.entry.id: why for job, why in pool.graded(jobs, 1, Exam(source), 3.0)}
    assert reasons["a"] == ""
    assert "3 s of processor" in reasons["b"]


def test_graders_that_cannot_start_say_so(tmp_path: Path) -> None:
    job = Job(None, "", "", tmp_path / "x.json")  # type: ignore[arg-type]
    with pytest.raises(pool.GraderError, match="could not start"):
        list(pool.graded([job], 1, Exam(tmp_path / "nowhere"), 10.0))


def test_points_by_hand_are_added_in_a_second_run(source: Path, tmp_path: Path) -> None:
    root = written(tmp_path / "in", {"ada.ipynb": notebook(RIGHT), "bob.ipynb": notebook(WRONG)})
    out = tmp_path / "in-grades"
    assert "2 wait for points by hand" in called(source, root, "--jobs", "1")
    assert table(out / "hand.csv") == {
        "ada": {"id": "ada", "name": "ada", "q2": ""},
        "bob": {"id": "bob", "name": "bob", "q2": ""},
    }
    (out / "hand.csv").write_text("id,name,q2\nada,ada,1.5\nbob,bob,\n")
    assert "1 wait for points by hand" in called(source, root)
    rows = table(out / "grades.csv")
    assert (rows["ada"]["q2 (by hand)"], rows["ada"]["total"]) == ("1.5", "4.5")
    assert "1.5 of 2 points" in (out / "feedback" / "ada.html").read_text()
    assert (rows["bob"]["q2 (by hand)"], rows["bob"]["total"]) == ("", "0")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["99_nothing", "{folder}"], "no assignment is called '99_nothing'; there are 01_"),
        (["0", "{folder}"], "more than one assignment begins with '0'"),
        (["", "{folder}"], "no assignment is called ''; there are 01_"),
        (["{source}", "{folder}/nowhere"], "no such file or folder"),
        (["{source}", "{source}"], "Gradescope"),
        (["{source}", "{folder}", "--roster", "{folder}/class.csv"], "is an id"),
    ],
)
def test_errors_name_what_is_wrong(
    arguments: list[str], said: str, source: Path, tmp_path: Path, capsys: Any
) -> None:
    files = {"ada.ipynb": notebook(RIGHT), "class.csv": "first,last\nAda,Lovelace\n"}
    folder = written(tmp_path / "in", files)
    filled = [a.format(source=source, folder=folder) for a in arguments]
    assert cli.main([*filled, "--by-source"]) == 2
    assert said in capsys.readouterr().err


def test_a_secret_is_read_as_it_was_for_making(source: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="cannot be read"):
        cli.main([str(source), str(tmp_path), "--secret", str(tmp_path / "none")])


def test_two_runs_do_not_write_to_one_folder(source: Path, tmp_path: Path) -> None:
    folder = written(tmp_path / "in", {"ada.ipynb": notebook(RIGHT)})
    out = tmp_path / "out"
    out.mkdir()
    with run._alone(out), pytest.raises(run.BusyError, match="another run"):
        run.grade(Exam(source), folder, out, size=1)


def test_an_archive_has_its_own_secret(source: Path, tmp_path: Path) -> None:
    read = sources.read(source, "one secret")
    question = read.questions["q1"]
    files = {
        "files/assignment.json": archive.describe(read, "one secret"),
        "tests/q1.py": test_cells.as_file("q1", question.points, question.tests),
    }
    packed = zipped(tmp_path / "01_sums-autograder.zip", files)
    direct = records.of_archive(Exam(source, "one secret").open())
    assert records.of_archive(Exam(packed).open()) == direct
    assert records.of_archive(Exam(packed, "one secret").open()) == direct
    with pytest.raises(exam.UnknownError, match="another secret"):
        Exam(packed, "other").open()
    with pytest.raises(exam.UnknownError, match="no archive"):
        Exam(zipped(tmp_path / "other.zip", {"a": "b"})).open()


def test_names_of_records_are_names_of_files() -> None:
    ids = ["a/b", "a_b", "..", "ä b", "x" * 300, "x" * 301, "CON", "", "a b", "Ada", "ada", "ADA"]
    ids += ["é" * 60, "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 60, "straße", "STRASSE", "ı", "I", "i"]
    like = [records.key(id) for id in ids if records.key(id) != id]
    ids += [*like, *map(records.key, like)]
    keys = [records.key(id) for id in ids]
    assert len({k.casefold() for k in keys}) == len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[\w-]{1,80}", k) and len(k.encode()) < 240 for k in keys)
    assert records.key("0017") == "0017"
    assert records.key("emmy_noether-2") == "emmy_noether-2"


def test_no_id_has_the_record_of_another() -> None:
    first = records.key("a b")
    assert records.key(first) != first
    assert records.key("a_b-c8687a08") == "a_b-c8687a08"


def test_only_answers_are_kept(source: Path) -> None:
    opened = Exam(source).open()
    cells = [
        "import numpy as np",
        "print('trial')",
        "k = 2",
        "def total(v):\n    return k * sum(v)",
    ]
    assert grader.answers(cells, opened) == "k = 2\n\ndef total(v):\n    return k * sum(v)\n"
