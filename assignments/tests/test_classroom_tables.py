"""Tables that spreadsheets and course systems read, and that hold no formula."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursework import archive, source
from coursework.classroom import gradebook, hand, roster, tables
from coursework.classroom.gradebook import Book, Row
from coursework.classroom.records import Mark, Record
from coursework.classroom.submissions import Entry
from coursework.classroom.tables import TableError

from .classes import assignment

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1"]
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207c\u2212"
#: Spaces, marks of direction, fillers, and what no font shows.
BEFORE = "\u00a0\u200b\u200e\u202e\u2060\ufeff\u3000\u00ad\u3164\u2800\ufe0f\u180b\ue000\x7f"


@pytest.fixture
def exam(tmp_path: Path) -> archive.Archive:
    return archive.of_source(source.read(assignment(tmp_path / "01_sums")), "")


def row(id: str, name: str = "", points: float = 3.0, messages: tuple[str, ...] = ()) -> Row:
    mark = Mark("q1", points, 3.0, messages, True, points)
    record = Record("digest", id, name, False, f"{id}.ipynb", "", (), (mark,))
    return Row(id, name, f"{id}@example.org", record, {}, ("q2",))


def book(exam: archive.Archive, rows: list[Row], people: roster.Roster | None = None) -> Book:
    return gradebook.book(exam, rows, people or roster.Roster())


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("bad", FORMULAS)
def test_no_cell_is_a_formula(bad: str, exam: archive.Archive) -> None:
    evil = replace(row(bad, bad, 0.0, (bad,)), email=bad)
    evil = replace(evil, record=replace(evil.record, problem=bad, notes=(bad,)))
    whole = book(exam, [evil])
    for text in (gradebook.grades(whole), gradebook.canvas(whole), gradebook.moodle(whole)):
        lines = text.removeprefix("\ufeff").splitlines()
        assert len(lines) == (3 if "Points Possible" in text else 2)
        for cells in csv.reader(lines):
            for cell in cells:
                assert not cell.strip(" ").startswith(tables.FORMULA), cell


@pytest.mark.parametrize("sign", SIGNS, ids=ascii)
def test_a_sign_counts_in_every_form_and_behind_what_nobody_sees(sign: str) -> None:
    for before in ("", *BEFORE, " \u00a0", BEFORE):
        cell = f"{before}{sign}SUM(A1)"
        assert tables.harmless(cell) == f"'{cell}"
        assert tables.meant(f"'{cell}") == cell
    for cell in (f"a{sign}1", f"\u00a0Ada{sign}", "-", "-2.5", "\u00e9", "", BEFORE):
        assert tables.harmless(cell) == cell


@given(st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8")))
def test_a_guarded_cell_is_read_as_it_was_meant(cell: str) -> None:
    if not cell.startswith("'"):  # which no course's ids do
        assert tables.meant(tables.harmless(cell)) == cell


@given(st.floats(-1e6, 1e6))
def test_numbers_stay_numbers(value: float) -> None:
    text = tables.number(value)
    assert tables.harmless(text) == text
    assert float(text) == pytest.approx(value, abs=5e-5)


def test_grades_have_a_column_for_each_question(exam: archive.Archive) -> None:
    whole = book(exam, [row("1", "Ada", 1.5, ("too small",)), replace(row("2"), hand={"q2": 2.0})])
    first, second = parsed(gradebook.grades(whole))
    assert (first["q1"], first["q2 (by hand)"], first["total"], first["of"]) == (
        "1.5",
        "",
        "1.5",
        "5",
    )
    assert "q1: too small" in first["messages"]
    assert "q2: not read yet" in first["messages"]
    assert (second["q2 (by hand)"], second["total"], second["messages"]) == ("2", "5", "")


def test_canvas_gets_its_own_columns(exam: archive.Archive) -> None:
    """As ``lib/gradebook_importer.rb`` wants them: Student, ID, …, Section, then assignments."""
    heads, possible, ada = list(
        csv.reader(io.StringIO(gradebook.canvas(book(exam, [row("7", "Ada")]))))
    )
    assert heads == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Sums"]
    assert "Points Possible" in possible[0]
    assert possible[-1] == "5"
    assert ada == ["Ada", "7", "", "", "", "3"]


CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework 0 (4700),Sums (4711),Final Score
,,,,,Manual Posting,,
    Points Possible,,,,,10,5,(read only)
"Lovelace, Ada",7,S7,ada,"Monday, early",9,,
"Borel, Émile",8,S8,borel,Tuesday,8,,
"""


def test_a_gradebook_of_canvas_gives_names_columns_and_whoever_is_missing(
    exam: archive.Archive, tmp_path: Path
) -> None:
    path = tmp_path / "gradebook.csv"
    path.write_text(CANVAS, encoding="utf-8-sig")
    people = roster.read(path)
    assert set(people.students) == {"7", "8"}
    ada = replace(row("7"), student=people.students["7"])
    table = list(csv.reader(io.StringIO(gradebook.canvas(book(exam, [ada], people)))))
    assert table[0][-1] == "Sums (4711)"
    assert table[2] == ["Lovelace, Ada", "7", "S7", "ada", "Monday, early", "3"]
    assert table[3] == ["Borel, Émile", "8", "S8", "borel", "Tuesday", ""]  # nothing handed in
    missing = parsed(gradebook.grades(book(exam, [ada], people)))[1]
    assert (missing["total"], missing["messages"]) == ("0", "nothing was handed in")


MOODLE = """\
Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Grade can be changed,\
Last modified (submission),Last modified (grade),Feedback comments
Participant 500123,Ada Lovelace,17,ada@example.org,Submitted for grading,,100.00,Yes,\
"Monday, 5 January 2026, 5:12 PM",-,
"""


def test_a_worksheet_of_moodle_is_filled_in_and_stays_as_it_is(
    exam: archive.Archive, tmp_path: Path
) -> None:
    path = tmp_path / "worksheet.csv"
    path.write_text(MOODLE, encoding="utf-8")
    people = roster.read(path)
    ada = replace(
        row("500123", points=1.0, messages=("<b>small</b>",)), student=people.students["500123"]
    )
    (before,), (after,) = parsed(MOODLE), parsed(gradebook.moodle(book(exam, [ada], people)))
    assert after.pop("Grade") == "1"
    assert after.pop("Feedback comments") == "q1: &lt;b&gt;small&lt;/b&gt;<br>q2: not read yet"
    assert after == {k: v for k, v in before.items() if k not in ("Grade", "Feedback comments")}


def test_moodle_gets_the_columns_without_which_it_refuses(exam: archive.Archive) -> None:
    """``mod/assign/feedback/offline/importgradeslib.php`` wants these three."""
    (ada,) = parsed(gradebook.moodle(book(exam, [row("500123", "Ada")])))
    assert {"Identifier", "Grade", "Last modified (grade)", "Feedback comments"} <= set(ada)
    assert ada["Identifier"] == "Participant 500123"


def test_a_roster_of_gradescope_finds_students_by_email(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("First Name;Last Name;SID;Email\nAda;Lovelace;0017;ada@example.org\n")
    people = roster.read(path)
    assert people.students["0017"].name == "Ada Lovelace"
    assert people.of(Entry("other", email="ada@example.org")) is people.students["0017"]
    assert people.of(Entry("other", email="eve@example.org")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "is an id"),
        ("id,name\n1,a\n1,b\n", "two rows have the id 1"),
        ("", "empty"),
        ("id,name\n1,a,b\n", "row 2"),
    ],
)
def test_a_roster_that_cannot_be_used_says_why(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=said):
        roster.read(path)


def test_points_by_hand_are_read_back(exam: archive.Archive, tmp_path: Path) -> None:
    path = tmp_path / hand.NAME
    hand.write(path, exam, {"007": "Ada", "=8": "=Eve", "9": "Emmy"}, {})
    assert path.read_text(encoding="utf-8-sig").splitlines()[0] == "id,name,q2"
    assert hand.read(path, exam) == {"007": {}, "=8": {}, "9": {}}
    # As a German spreadsheet saves it: without zeros in front, with semicolons and commas.
    path.write_text("id;name;q2\n7;Ada;1,5\n'=8;'=Eve;2\n9;Emmy;\n", encoding="cp1252")
    points = hand.matched(hand.read(path, exam), ["007", "=8", "9"], path)
    assert points == {"007": {"q2": 1.5}, "=8": {"q2": 2.0}, "9": {}}
    hand.write(path, exam, {"007": "Ada", "=8": "=Eve", "9": "Emmy", "10": "Kurt"}, points)
    assert hand.read(path, exam) == points | {"10": {}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,name,q2\n1,a,much\n", "row 2, q2: 'much' is no number"),
        ("id,name,q2\n1,a,3\n", "3 points, and there are 2"),
        ("id,name,q2\n1,a,-1\n", "-1 points"),
        ("id,name,q2\n1,a,nan\n", "nan points"),
        ("id,name,q1\n1,a,1\n", "columns must be id, name, q2"),
        ("id,name,q2\n1,a,1\n1,b,1\n", "second row with the id 1"),
    ],
)
def test_points_by_hand_that_cannot_be_used_say_why(
    text: str, said: str, exam: archive.Archive, tmp_path: Path
) -> None:
    path = tmp_path / hand.NAME
    path.write_text(text)
    with pytest.raises(TableError, match=said):
        hand.read(path, exam)


def test_points_of_nobody_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="id 5"):
        hand.matched({"5": {"q2": 1.0}}, ["1", "2"], tmp_path / hand.NAME)
