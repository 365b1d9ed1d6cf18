"""Submissions are found as each system names them, and whatever lies in their place is named."""

from __future__ import annotations

import os
import zipfile
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
    wrapped = {f"course/{name}": content for name, content in export().items()}
    below = find(zipped(tmp_path / "below.zip", wrapped))
    named = [(e.id, e.name, e.late, e.problem, e.notes) for e in folder]
    for other in (single, below):
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


def test_an_id_that_two_claim_is_graded_for_neither(tmp_path: Path) -> None:
    twice = moodle() | {"Eve_500123_assignsubmission_file_/y.ipynb": notebook(WRONG)}
    entries = find(written(tmp_path, twice))
    ids = [e.id for e in entries]
    assert len(ids) == len(set(ids))
    first, second = (e for e in entries if e.id.startswith("500123"))
    assert {first.id, second.id} == {"500123", "500123 (2)"}
    for entry in (first, second):
        assert entry.file is None
        assert "2 submissions claim to be of 500123" in entry.problem
        assert "Eve_500123" in entry.problem
        assert "Ada Lovelace_500123" in entry.problem


def test_an_id_that_was_made_up_takes_no_other_entry_s(tmp_path: Path) -> None:
    files = {f"{name}_7_assignsubmission_file_/a.ipynb": notebook(RIGHT) for name in "ab"}
    entries = find(written(tmp_path, files | {"7 (2).ipynb": notebook(RIGHT)}))
    assert sorted(e.id for e in entries) == ["7", "7 (2)", "7 (3)"]
    assert [e.id for e in entries if not e.problem] == ["7 (2)"]


def test_an_email_that_two_claim_is_graded_for_neither(tmp_path: Path) -> None:
    """The roster is searched by email where ids differ."""
    export = gradescope()
    export["submission_metadata.yml"] = str(export["submission_metadata.yml"]).replace(
        "emile@example.org", "ADA@example.org"
    )
    found = by_id(written(tmp_path, export))
    assert "claim" in found["0017"].problem
    assert "claim" in found["0018"].problem
    assert not found["0019"].problem


#: Each makes its own zip or folder say that it is submission x of the student with the number 200.
CLAIM = 'x:\n  :submitters:\n  - {":sid": "200", ":name": "Ada"}\n'
BROKEN = {
    "no YAML": "x: [",
    "a list": "[1, 2]",
    "deep": "[" * 100_000,
    "deep mappings": "{a: " * 100_000,
    "a cycle": "x: &a\n  :submitters: [*a]\n",
    "aliases": "x0: &a [x, x]\n" + "".join(f"x{k + 1}: &a [*a, *a]\n" for k in range(99)),
    "one list of many": "x:\n  :submitters: &a\n"
    + '  - {":sid": "200"}\n' * 20_000
    + "".join(f"x{k}: {{':submitters': *a}}\n" for k in range(20_000)),
    "aliases for a text": 'x:\n  :submitters:\n  - {":name": &a [x, x], ":sid": &a [*a, *a]}\n',
    "no text": 'x:\n  :submitters:\n  - {":sid": [1]}\n',
    "a long id": f'x:\n  :submitters:\n  - {{":sid": "{"1" * 10_000}"}}\n',
    "bytes": "\x00\x01",
}


@pytest.mark.parametrize("text", [CLAIM, *BROKEN.values()], ids=["a claim", *BROKEN])
def test_metadata_of_a_student_says_nothing(text: str, tmp_path: Path) -> None:
    own = {"submission_metadata.yml": text, "x/nb.ipynb": notebook(WRONG)}
    theirs = {f"submission_2001/{name}": content for name, content in own.items()}
    export = gradescope()
    del export["submission_2001/01_sums.ipynb"]
    found = by_id(written(tmp_path / "gradescope", export | theirs))
    assert set(found) == {"0017", "0018", "0019", "0020"}
    assert found["0017"].path == "submission_2001/x/nb.ipynb"

    folder = "Eve_100_assignsubmission_file_"
    theirs = {f"{folder}/{name}": content for name, content in own.items()}
    assert set(by_id(written(tmp_path / "one", theirs))) == {"100"}  # who is a class of one
    found = by_id(written(tmp_path / "moodle", moodle() | theirs))
    assert set(found) == {"500123", "500124", "500125", "500126", "100"}

    root = written(tmp_path / "plain", {"ada.ipynb": notebook(RIGHT)})
    zipped(root / "eve.zip", own)
    found = by_id(root)
    assert set(found) == {"ada", "eve"}
    assert found["eve"].file is not None
    assert found["eve"].file.read().decode() == notebook(WRONG)


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_metadata_that_cannot_be_used_is_an_error(text: str, tmp_path: Path) -> None:
    root = written(tmp_path, gradescope() | {"submission_metadata.yml": text})
    with pytest.raises(NothingFoundError, match=r"submission_metadata\.yml"):
        find(root)


def test_a_student_s_file_is_not_taken_for_another_system_s(tmp_path: Path) -> None:
    evil = "Aevil_100_7002_Ada_200_assignsubmission_file_nb.ipynb"
    assert [e.id for e in find(written(tmp_path / "one", {evil: notebook(RIGHT)}))] == ["100"]
    found = by_id(written(tmp_path / "canvas", canvas() | {evil: notebook(RIGHT)}))
    assert set(found) == {*by_id(written(tmp_path / "c", canvas())), "100"}
    # The other way round, by a file's and by a person's name.
    for k, name in enumerate(
        (
            "Eve_100_assignsubmission_file_x_200_7_y.ipynb",
            "Eve_100_assignsubmission_file_x_200_assignsubmission_file_y.ipynb",
            "Eve_200_7_x_100_assignsubmission_file_y.ipynb",
            "Eve_200_7_x_100_assignsubmission_file_/y.ipynb",
            "Eve_200_assignsubmission_file_x_100_assignsubmission_file_/y.ipynb",
            "Eve_100_assignsubmission_file_/Ada_200_assignsubmission_file_/y.ipynb",
            "Eve_100_assignsubmission_file_/Ada_200_7_y.ipynb",
        )
    ):
        found = by_id(written(tmp_path / f"moodle{k}", moodle() | {name: notebook(RIGHT)}))
        assert set(found) == {"500123", "500124", "500125", "500126", "100"}, name
    theirs = {"eve/Ada_200_7_y.ipynb": notebook(RIGHT), "bob.ipynb": notebook(RIGHT)}
    assert set(by_id(written(tmp_path / "plain", theirs))) == {"eve", "bob"}


def test_in_the_zip_of_a_student_there_are_no_other_students(tmp_path: Path) -> None:
    root = written(tmp_path, {"ada.ipynb": notebook(RIGHT)})
    zipped(root / "eve.zip", canvas())
    found = by_id(root)
    assert set(found) == {"ada", "eve"}
    assert found["eve"].problem.startswith("7 notebooks")


@pytest.mark.parametrize("export", [canvas, moodle, gradescope])
def test_an_export_in_a_folder_is_to_be_named_itself(export, tmp_path: Path) -> None:
    zipped(tmp_path / "submissions.zip", export())
    with pytest.raises(NothingFoundError, match=r"name the zip itself \(.*submissions\.zip\)"):
        find(tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = {"bob.ipynb": b"0" * (files.LARGEST + 1)}
    zipped(tmp_path / "bob.zip", bomb)
    nested = zipped(tmp_path / "inner.zip", {"zip.zip": b"0" * (files.LARGEST + 1)})
    zipped(tmp_path / "eve.zip", {"inner.zip": nested.read_bytes()})
    nested.unlink()
    found = by_id(tmp_path)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(files.UnreadableError, match="34 MB"):
        found["bob"].file.read()
    assert "no notebook" in found["eve"].problem


def test_a_zip_with_too_many_files_is_refused_before_they_are_listed(tmp_path: Path) -> None:
    many = {f"{k}.ipynb": "" for k in range(files.MEMBERS + 1)}
    zipped(tmp_path / "eve.zip", many)
    root = written(tmp_path, {"ada.ipynb": notebook(RIGHT)})
    found = by_id(root)
    assert f"more than {files.MEMBERS} files" in found["eve"].problem
    del many["0.ipynb"]
    zipped(tmp_path / "eve.zip", many)
    problem = by_id(root)["eve"].problem
    assert problem.startswith(f"{files.MEMBERS} notebooks")
    assert len(problem) < 200


def test_a_name_in_a_zip_leads_nowhere(tmp_path: Path) -> None:
    root = written(tmp_path / "in", {"ada.ipynb": notebook(RIGHT)})
    zipped(root / "eve.zip", {"../../ada.ipynb": notebook(WRONG), "..": "", "/etc/x": ""})
    before = {p for p in tmp_path.rglob("*")}
    found = by_id(root)
    assert set(found) == {"ada", "eve"}
    assert found["ada"].file.read().decode() == notebook(RIGHT)
    assert found["eve"].file.read().decode() == notebook(WRONG)
    assert {p for p in tmp_path.rglob("*")} == before
    # And in the zip of a class.
    whole = {"../ada.ipynb": notebook(RIGHT), "..": "", "bob/../eve.ipynb": notebook(RIGHT)}
    assert set(by_id(zipped(tmp_path / "all.zip", whole))) == {"ada", "bob"}


def test_numbers_of_thousands_of_digits_stop_nobody(tmp_path: Path) -> None:
    many = "1" * 5_000
    names = (f"{many}.ipynb", f"a_1_2_x-{many}.ipynb", f"b_2_{many}_x.ipynb", "c_3_4_x.ipynb")
    whole = zipped(tmp_path / "all.zip", dict.fromkeys(names, notebook(RIGHT)))
    assert {"1", "3", many} <= set(by_id(whole))


def test_a_damaged_zip_is_its_student_s_problem(tmp_path: Path) -> None:
    root = written(tmp_path, {"ada.ipynb": notebook(RIGHT)})
    path = zipped(root / "eve.zip", {"eve.ipynb": notebook(RIGHT)})
    data = bytearray(path.read_bytes())
    data[data.index(files.CENTRAL) + 6] = 99  # a version of the format that there is not
    path.write_bytes(data)
    assert "no zip file: zip file version" in by_id(root)["eve"].problem


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
