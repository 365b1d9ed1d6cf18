"""The class as a table, for people, for Canvas and for Moodle."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from coursework.archive import Archive
from coursework.classroom import messages, records, tables
from coursework.classroom.records import Mark, Record
from coursework.classroom.roster import Roster, Student
from coursework.source import Question

MOODLE = (
    "Identifier",
    "Full name",
    "Email address",
    "Status",
    "Grade",
    "Maximum Grade",
    "Last modified (grade)",  # Moodle refuses a worksheet without this column
    "Feedback comments",
)
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


@dataclass(frozen=True)
class Row:
    """One student.

    Attributes:
        id, name, email: whose row it is.
        record: what the grader found, or None if nothing was handed in.
        hand: points that a person gave, by question.
        manual: questions that a person reads.
        student: the row of the roster.
    """

    id: str
    name: str
    email: str
    record: Record | None
    hand: dict[str, float] = field(default_factory=dict)
    manual: tuple[str, ...] = ()
    student: Student | None = None

    @property
    def marks(self) -> dict[str, Mark]:
        return {m.question: m for m in self.record.marks} if self.record else {}

    @property
    def page(self) -> str:
        """Name of the page of feedback."""
        return records.key(self.id)

    @property
    def late(self) -> bool:
        return bool(self.record and self.record.late)

    @property
    def total(self) -> float:
        automatic = sum(m.points for m in self.marks.values())
        return records.plain(automatic + sum(self.hand.values()))

    @property
    def waits(self) -> tuple[str, ...]:
        """Questions that a person has yet to read."""
        there = self.record is not None and not self.record.problem
        return tuple(q for q in self.manual if there and q not in self.hand)

    def points(self, question: str) -> float | None:
        """Points of a question, or None as long as a person has not given them."""
        if question in self.manual:
            return self.hand.get(question)
        mark = self.marks.get(question)
        return mark.points if mark else 0.0

    @property
    def problem(self) -> str:
        return self.record.problem if self.record else "nothing was handed in"

    def sentences(self) -> list[str]:
        """What the student is to read, a line for each question that lost points."""
        lines = [self.problem] if self.problem else []
        marks = self.marks.items()
        lines += [f"{n}: {'; '.join(messages.shown(m.messages))}" for n, m in marks if m.messages]
        return lines + [f"{q}: not read yet" for q in self.waits]


@dataclass(frozen=True)
class Book:
    """A class and its assignment."""

    title: str
    slug: str
    questions: tuple[Question, ...]
    rows: tuple[Row, ...]
    roster: Roster

    @property
    def of(self) -> float:
        return sum(q.points for q in self.questions)

    @property
    def waiting(self) -> int:
        return sum(bool(r.waits) for r in self.rows)


def book(archive: Archive, graded: list[Row], roster: Roster) -> Book:
    """The book of a class: whoever handed something in, and whoever else is in the roster."""
    manual = tuple(n for n, q in archive.questions.items() if q.manual)
    there = {r.student.id for r in graded if r.student}
    missing = [
        Row(s.id, s.name, s.email, None, {}, manual, s)
        for s in roster.students.values()
        if s.id not in there
    ]
    questions = tuple(archive.questions.values())
    return Book(archive.title, archive.slug, questions, tuple(graded + missing), roster)


def grades(book: Book) -> str:
    """Everything, for people: points of each question, total, messages."""
    heads = ["id", "name", "email"]
    heads += [f"{q.name} (by hand)" if q.manual else q.name for q in book.questions]
    rows = [[*heads, "total", "of", "late", "messages", "notes"]]
    for row in book.rows:
        found = [row.points(q.name) for q in book.questions]
        cells = ["" if p is None else tables.number(p) for p in found]
        notes = "; ".join(row.record.notes) if row.record else ""
        late = "late" if row.late else ""
        total = [tables.number(row.total), tables.number(book.of), late]
        rows.append(
            [row.id, row.name, row.email, *cells, *total, " | ".join(row.sentences()), notes]
        )
    return "\ufeff" + tables.text(rows)  # the mark by which Excel knows UTF-8


def canvas(book: Book, column: str = "") -> str:
    """What Canvas's gradebook imports.

    Students are found by their ids, then by their SIS ids, then by their names. The assignment is
    found by the number in its column's head, or by its title; otherwise Canvas offers to make one.

    Args:
        book: the class.
        column: the head of the assignment's column, such as ``Kantorovich (4711)``.
    """
    heads = [h for h in (*CANVAS, "Integration ID", "Root Account") if h in book.roster.heads]
    if heads[:2] != ["Student", "ID"] or "Section" not in heads:
        heads = list(CANVAS)
    else:
        heads = list(book.roster.heads[: book.roster.heads.index("Section") + 1])
    column = column or _column(book)
    rows = [
        [*heads, column],
        ["    Points Possible", *[""] * (len(heads) - 1), tables.number(book.of)],
    ]
    for row in book.rows:
        known = row.student.cells if row.student else {}
        own = {"Student": row.name, "ID": row.id}
        rows.append([known.get(h) or own.get(h, "") for h in heads] + [_handed(row)])
    return tables.text(rows)


def _column(book: Book) -> str:
    """The head of the assignment's column in the gradebook from which the roster comes."""
    titled = re.compile(re.escape(book.title) + r"( \(\d+\))?", re.IGNORECASE)
    return next((h for h in book.roster.heads if titled.fullmatch(h)), book.title)


def _handed(row: Row) -> str:
    """The total; nothing for whoever handed nothing in: that is the course's to decide."""
    return tables.number(row.total) if row.record else ""


def moodle(book: Book) -> str:
    """What Moodle imports as an offline grading worksheet, or, by email, into its grades.

    With a worksheet as the roster all of its columns stay as they are.
    """
    own = "Identifier" in book.roster.heads and "Grade" in book.roster.heads
    heads = list(book.roster.heads) if own else list(MOODLE)
    if "Feedback comments" not in heads:
        heads.append("Feedback comments")
    rows = [heads]
    for row in book.rows:
        known = row.student.cells if row.student else {}
        identifier = f"Participant {row.id}" if row.id.isdigit() else row.id
        cells = {
            "Identifier": identifier,
            "Full name": row.name,
            "Email address": row.email,
            "Maximum Grade": tables.number(book.of),
            **known,
            "Grade": _handed(row),
            # Moodle shows comments as HTML.
            "Feedback comments": "<br>".join(html.escape(s, quote=False) for s in row.sentences()),
        }
        rows.append([cells.get(h, "") for h in heads])
    return tables.text(rows)
