"""Submissions are found as each system names them, and whatever lies in their place is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coursework.classroom import files, submissions
from coursework.classroom import notebook as cells
from coursework.classroom.submissions import Entry, NothingFoundError, find

from .classes import (
    RIGHT,
    WRONG,
    canvas,
    gradescope,
    moodle,
    notebook,
    written,
    zipped,
)


def by_id(root: Path) -> dict[str, Entry]:
    return {entry.id: entry for entry in find(root)}


def test_canvas(tmp_path: Path) -> None:
    found = by_id(written(tmp_path, canvas()))
    assert set(found) == {"11", "12", "13", "14", "aB3x", "zz9"}
    assert found["11"].name == "lovelaceada"
    assert {i for i, e in found.items() if e.late} == {"12", "zz9"}
    assert {e.system for e in found.values()} == {"Canvas"}
    assert "_text.html" in found["14"].problem


def test_of_a_file_that_was_handed_in_again_the_latest_counts(tmp_path: Path) -> None:
    entry = by_id(written(tmp_path, canvas()))["13"]
    assert entry.path == "hoppergrace_13_9010_01_sums-2.ipynb"
    assert "01_sums.ipynb" in " ".join(entry.notes)
    assert not entry.problem


def test_the_tenth_time_is_later_than_the_ninth(tmp_path: Path) -> None:
    # Neither in the order of letters: 100 comes before 99 there.
    for again in ("a_1_99_x-9.ipynb", "a_1_100_x-10.ipynb"), ("b_2_99_x.ipynb", "b_2_100_x.ipynb"):
        written(tmp_path, dict.fromkeys(again, notebook(RIGHT)))
    assert [e.path for e in find(tmp_path)] == ["a_1_100_x-10.ipynb", "b_2_100_x.ipynb"]


def test_moodle(tmp_path: Path) -> None:
    found = by_id(written(tmp_path, moodle()))
    assert set(found) == {"500123", "500124", "500125", "500126"}
    assert found["500124"].name == "Émile Borel"
    assert not found["500125"].problem
    assert "onlinetext.html" in found["500126"].problem


def test_gradescope(tmp_path: Path) -> None:
    found = by_id(written(tmp_path, gradescope("assignment_1_export/")))
    assert set(found) == {"0017", "0018", "0019", "0020"}
    assert found["0018"].name == "Émile Borel"
    assert found["0019"].email == "grace@example.org"
    assert found["0018"].path == found["0019"].path  # handed in together
    assert "together" in found["0018"].notes[0]
    assert found["0020"].problem == "no file was handed in"


def test_plain_names(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {
            "ada.ipynb": notebook(RIGHT),
            "emmy/work.ipynb": notebook(RIGHT),
            "Łukasz Żak (1).ipynb": notebook(RIGHT),
            "roster.csv": "id,name",
            "README.md": "about",
        },
    )
    assert set(by_id(root)) == {"ada", "emmy", "Łukasz Żak (1)"}


@pytest.mark.parametrize("export", [canvas, moodle, gradescope])
def test_a_zip_is_read_as_the_folder_that_it_holds(export, tmp_path: Path) -> None:
    folder = find(written(tmp_path / "folder", export()))
    single = find(zipped(tmp_path / "export.zip", export()))
    inside = find(zipped(tmp_path / "again" / "submissions.zip", export()).parent)
    wrapped = {f"course/{name}": content for name, content in export().items()}
    below = find(zipped(tmp_path / "below.zip", wrapped))
    named = [(e.id, e.name, e.late, e.problem, e.notes) for e in folder]
    for other in (single, inside, below):
        assert [(e.id, e.name, e.late, e.problem, e.notes) for e in other] == named
        for first, second in zip(folder, other, strict=True):
            assert (first.file is None) == (second.file is None)
            if first.file and second.file:
                assert first.file.read() == second.file.read()


def test_a_zip_that_a_student_handed_in_is_opened(tmp_path: Path) -> None:
    zipped(tmp_path / "ada_1_2_work.zip", {"deep/work.ipynb": notebook(RIGHT), "data.csv": "1"})
    (entry,) = find(tmp_path)
    assert entry.file is not None
    assert entry.file.read().decode() == notebook(RIGHT)
    # And the same in an export that is a zip itself.
    outer = zipped(
        tmp_path / "x" / "all.zip", {"ada_1_2_w.zip": (tmp_path / "ada_1_2_work.zip").read_bytes()}
    )
    (entry,) = find(outer)
    assert entry.file is not None
    assert entry.file.read().decode() == notebook(RIGHT)


def test_two_notebooks_are_a_question_for_a_person(tmp_path: Path) -> None:
    names = ("a_1_10_final.ipynb", "a_1_11_draft.ipynb")
    (entry,) = find(written(tmp_path, dict.fromkeys(names, notebook(RIGHT))))
    assert entry.problem.startswith("2 notebooks")
    assert "final.ipynb" in entry.problem
    assert "draft.ipynb" in entry.problem


def test_what_is_no_notebook_is_named(tmp_path: Path) -> None:
    found = by_id(written(tmp_path, {"a_1_10_work.py": RIGHT, "b_2_11_work.zip": b"no zip"}))
    assert "only work.py" in found["1"].problem
    assert "no zip file" in found["2"].problem


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = written(tmp_path / "elsewhere", {"secret.ipynb": notebook(RIGHT)})
    root = written(tmp_path / "in", {"ada.ipynb": notebook(RIGHT)})
    (root / "eve.ipynb").symlink_to(secret / "secret.ipynb")
    (root / "mal").symlink_to(secret)
    found = by_id(root)
    assert set(found) == {"ada", "eve"}
    with pytest.raises(files.UnreadableError, match="link"):
        found["eve"].file.read()


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "ada.ipynb").open("wb") as file:
        file.truncate(200 << 20)
    zipped(tmp_path / "bob.zip", {"bob.ipynb": b"0" * (files.LARGEST + 1)})
    found = by_id(tmp_path)
    for id, said in (("ada", "210 MB"), ("bob", "34 MB")):
        with pytest.raises(files.UnreadableError, match=said):
            found[id].file.read()


def test_a_zip_that_lies_about_sizes_is_not_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bob.zip", {"bob.ipynb": b"0" * (files.LARGEST + 1)})
    true, false = (files.LARGEST + 1).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    assert true in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(true, false))
    (entry,) = find(tmp_path)
    with pytest.raises(files.UnreadableError):
        entry.file.read()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"def total(): pass", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b'{"nbformat": 4}', "no Jupyter notebook"),
        (b'{"nbformat": 4, "cells": [3]}', "no Jupyter notebook"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": {"a": 1}}]}', "no Jupyter"),
        (b"[1, 2]", "no Jupyter notebook"),
        (b'{"nbformat": 2, "worksheets": 7}', "format 2"),
        (notebook().encode(), "no code cell"),
    ],
)
def test_what_is_no_notebook_says_so(data: bytes, said: str) -> None:
    with pytest.raises(files.UnreadableError, match=said):
        cells.code(data)


def test_old_notebooks_are_read() -> None:
    sources, notes = cells.code(notebook(RIGHT, WRONG, version=3).encode())
    assert sources == [RIGHT, WRONG]
    assert "format 3" in notes[0]


def test_ids_are_told_apart(tmp_path: Path) -> None:
    twice = moodle() | {"x_500123_7_y.ipynb": notebook(WRONG)}
    ids = [e.id for e in find(written(tmp_path, twice))]
    assert len(ids) == len(set(ids))
    assert "500123 (2)" in ids


def test_nothing_is_an_error_that_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        find(tmp_path / "nowhere")
    with pytest.raises(NothingFoundError, match="Gradescope"):
        find(written(tmp_path, {"README.md": "about"}))
    with pytest.raises(NothingFoundError, match="no zip"):
        find(tmp_path / "README.md")


def test_names_that_are_no_text_are_read(tmp_path: Path) -> None:
    name = os.fsdecode(b"ada\x1b[2J_1_2_\xff.ipynb")
    (tmp_path / name).write_text(notebook(RIGHT))
    (entry,) = find(tmp_path)
    entry.path.encode()
    assert entry.path.isprintable()
    assert entry.file is not None
    assert entry.file.read()


def test_the_folder_of_what_is_written_holds_no_submission(tmp_path: Path) -> None:
    written(tmp_path, {"ada.ipynb": notebook(RIGHT), "out/records/bob.ipynb": notebook(RIGHT)})
    assert [e.id for e in find(tmp_path, without=[tmp_path / "out"])] == ["ada"]


def test_numbers_come_in_their_order() -> None:
    entries = [Entry(id) for id in ("10", "9", "ada", "007")]
    assert [e.id for e in sorted(entries, key=submissions.order)] == ["007", "9", "10", "ada"]
