"""What an instructor wants to know of a class."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from dataclasses import dataclass

from coursework.classroom import messages, tables
from coursework.classroom.gradebook import Book, Row
from coursework.limits import BREACHES
from coursework.source import Question

#: Words of the messages of answers that were ended by a limit, and of those that broke a rule.
LIMITS = re.compile(
    r"still computing after|stood still|it printed more|it wrote more|GB of memory|"
    r"its process (ended|crashed|was lost|was killed)"
)
RULES = re.compile("|".join(re.escape(words) for words in (*BREACHES.values(), "tampered")))
#: Messages of a question that are shown.
FREQUENT = 6
#: Standard deviations from the mean at which a total is looked at.
FAR = 2.5


@dataclass(frozen=True)
class OfQuestion:
    """A question in numbers: the points it is worth and got, and what was said."""

    name: str
    title: str
    manual: bool
    of: float
    values: list[float]
    full: int
    none: int
    visible_only: int
    messages: list[tuple[str, int]]

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.values) if self.values else None

    @property
    def share(self) -> float:
        return (self.mean or 0.0) / self.of if self.of else 1.0


@dataclass(frozen=True)
class Group:
    """Students to look at, each with a remark, and the reason."""

    title: str
    why: str
    rows: list[tuple[Row, str]]


def of_question(question: Question, rows: list[Row]) -> OfQuestion:
    """The numbers of a question, over the submissions that could be graded."""
    points = [r.points(question.name) for r in rows]
    values = [p for p in points if p is not None]
    said: Counter[str] = Counter()
    visible_only = 0
    for row in rows:
        mark = row.marks.get(question.name)
        if mark:
            said.update({_without_numbers(m) for m in messages.shown(mark.messages)})
            visible_only += _visible_only(row, question.name)
    return OfQuestion(
        question.name,
        question.title,
        question.manual,
        question.points,
        values,
        full=sum(v >= question.points for v in values),
        none=sum(v == 0 for v in values),
        visible_only=visible_only,
        messages=sorted(said.items(), key=lambda item: (-item[1], item[0]))[:FREQUENT],
    )


def hardest(questions: list[OfQuestion]) -> OfQuestion | None:
    """The question with the smallest share of its points."""
    graded = [q for q in questions if q.values]
    return min(graded, key=lambda q: q.share) if graded else None


def outliers(book: Book) -> list[Group]:
    """Whom an instructor should look at."""
    rows = list(book.rows)
    graded = [r for r in rows if not r.problem]
    return [
        Group(
            "Could not be graded",
            "0 points for a file that is no notebook, or another one: a mistake in handing in?",
            [(r, r.problem) for r in rows if r.record and r.problem],
        ),
        Group(
            "No question right",
            "Not one point, from a notebook that can be read: a wrong file, or somebody is lost.",
            [(r, "") for r in graded if r.total == 0],
        ),
        Group(
            "Right in visible tests only",
            "The visible tests pass and no hidden one does, in these questions: answers made for "
            "the example, or a test that is stricter than the text.",
            [(r, ", ".join(found)) for r in graded if (found := _for_show(r, book))],
        ),
        Group(
            "Ended by a limit",
            "An answer used too much time or memory, wrote or printed too much, or crashed.",
            [(r, ", ".join(found)) for r in graded if (found := _said(r, LIMITS))],
        ),
        Group(
            "Tried what an answer may not do",
            "It was ended for that. Read the code: a line from an example, or an attempt to cheat.",
            [(r, ", ".join(found)) for r in graded if (found := _said(r, RULES))],
        ),
        Group(
            "Far from the others",
            f"A total more than {FAR} standard deviations from the mean.",
            [(r, f"{tables.number(r.total)} points") for r in _far(graded)],
        ),
        Group("Late", "As the course system says.", [(r, "") for r in rows if r.late]),
        Group(
            "To know",
            "Notes on what was handed in.",
            [(r, "; ".join(r.record.notes)) for r in rows if r.record and r.record.notes],
        ),
        Group(
            "Nothing handed in",
            "In the roster, and not among the submissions.",
            [(r, "") for r in rows if not r.record],
        ),
    ]


def _visible_only(row: Row, question: str) -> bool:
    """Whether the visible tests passed, and no hidden one that gives points did."""
    mark = row.marks.get(question)
    return bool(mark and mark.visible and mark.hidden == 0 and mark.points < mark.of)


def _for_show(row: Row, book: Book) -> list[str]:
    return [q.name for q in book.questions if _visible_only(row, q.name)]


def _said(row: Row, words: re.Pattern[str]) -> list[str]:
    """Questions in whose messages there are such words."""
    return [n for n, m in row.marks.items() if any(words.search(s) for s in m.messages)]


def _far(rows: list[Row]) -> list[Row]:
    totals = [r.total for r in rows]
    if len(totals) < 5 or (spread := statistics.stdev(totals)) == 0:
        return []
    mean = statistics.fmean(totals)
    return [r for r in rows if abs(r.total - mean) > FAR * spread]


def _without_numbers(message: str) -> str:
    """The sentence with … for each number, so that it counts as one whatever these are."""
    return re.sub(r"(?<![\w.])[-−+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)", "…", message)
