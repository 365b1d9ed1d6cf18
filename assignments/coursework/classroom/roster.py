"""The list of a class, as a course system exports it, so that nobody is missing from the tables.

A gradebook of Canvas (``Student, ID, SIS User ID, …``), a grading worksheet of Moodle
(``Identifier, Full name, …``), a roster of Gradescope (``Name, SID, Email`` or ``First Name, Last
Name, …``), or a table with columns ``id`` and ``name``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from coursework.classroom import tables
from coursework.classroom.submissions import Entry

ID = ("ID", "Identifier", "id", "SID", "Student ID")
NAME = ("Student", "Full name", "name", "Name", "First Name")
EMAIL = ("Email address", "Email", "email", "SIS Login ID")


@dataclass(frozen=True)
class Student:
    """A row of a roster: the student's id, name and email, and all cells by their heads."""

    id: str
    name: str
    email: str
    cells: dict[str, str]


@dataclass(frozen=True)
class Roster:
    """A class.

    Attributes:
        heads: of the table from which it comes.
        students: by their ids.
    """

    heads: tuple[str, ...] = ()
    students: dict[str, Student] = field(default_factory=dict)

    def of(self, entry: Entry) -> Student | None:
        """The row of who handed this in, by id or, where systems differ, by email."""
        if found := self.students.get(entry.id):
            return found
        same = [s for s in self.students.values() if s.email and s.email == entry.email]
        return same[0] if len(same) == 1 else None


def read(path: Path) -> Roster:
    """The class in a file; raises ``TableError`` or ``FileNotFoundError``."""
    heads, rows = tables.read(path)
    column = next((heads.index(h) for h in ID if h in heads), None)
    if column is None:
        raise tables.TableError(
            f"{path}: none of its columns ({', '.join(heads)}) is an id: {', '.join(ID)}"
        )
    students: dict[str, Student] = {}
    for row in rows:
        cells = dict(zip(heads, row, strict=True))
        id = _id(row[column])
        if not id or "Points Possible" in row[0]:  # Canvas's second row, or a test student
            continue
        if id in students:
            raise tables.TableError(f"{path}: two rows have the id {id}")
        students[id] = Student(id, _name(cells), _first(cells, EMAIL), cells)
    return Roster(tuple(heads), students)


def _id(cell: str) -> str:
    """Moodle's ``Participant 123456`` by its number, which is all that file names have."""
    match = re.fullmatch(r"\D+ (\d+)", cell)
    return match[1] if match else cell


def _name(cells: dict[str, str]) -> str:
    first, last = cells.get("First Name", ""), cells.get("Last Name", "")
    return f"{first} {last}".strip() if last else _first(cells, NAME)


def _first(cells: dict[str, str], heads: tuple[str, ...]) -> str:
    return next((cells[h] for h in heads if cells.get(h)), "")
