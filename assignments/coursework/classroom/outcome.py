"""Everything that is written for a graded class, and what is said of it at the end of a run."""

from __future__ import annotations

from pathlib import Path

from coursework.archive import Archive
from coursework.classroom import feedback, gradebook, hand, overview, similar
from coursework.classroom.gradebook import Book
from coursework.classroom.records import whole
from coursework.classroom.run import RECORDS, Counts
from coursework.classroom.tables import mean, number


def write(
    book: Book, archive: Archive, counts: Counts, out: Path, column: str, threshold: float
) -> str:
    """Write tables and pages; returns what a person reads at the end.

    Args:
        book: the class.
        archive: the assignment.
        counts: of this run.
        out: the folder.
        column: head of the assignment's column in Canvas.
        threshold: share of common code from which a pair is listed.
    """
    answers = {r.id: r.record.answers for r in book.rows if r.record}
    names = {r.id: r.name for r in book.rows}
    given = "\n\n".join([*archive.setup, *archive.skeleton])
    comparison = similar.compare(answers, names, given, threshold)
    texts = {
        "grades.csv": gradebook.grades(book),
        "canvas.csv": gradebook.canvas(book, column),
        "moodle.csv": gradebook.moodle(book),
        "similar.json": similar.table(comparison),
        "similar.html": similar.page(comparison, book.title),
        "overview.html": overview.page(book, comparison),
    }
    for name, text in texts.items():
        whole(out / name, text)
    _write_feedback(book, out / "feedback")
    return _said(book, counts, out, len(comparison.pairs))


def _write_feedback(book: Book, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    wanted = {f"{row.page}.html": feedback.page(book, row) for row in book.rows if row.record}
    for name, text in wanted.items():
        whole(folder / name, text)
    for stale in folder.glob("*.html"):
        if stale.name not in wanted:
            stale.unlink()


def _said(book: Book, counts: Counts, out: Path, pairs: int) -> str:
    handed = [r for r in book.rows if r.record]
    broken = [r for r in handed if r.problem]
    graded = [r.total for r in handed if not r.problem]
    lines = [f"{len(handed)} submissions: {counts.graded} graded now, {counts.kept} as before."]
    if graded:
        points = f"{mean(sum(graded) / len(graded))} of {number(book.of)}"
        lines.append(f"Mean of the {len(graded)} that could be graded: {points}.")
    if broken:
        lines.append(f"{len(broken)} could not be graded and have 0 points:")
        lines += [f"  {r.name or r.id} ({r.id}): {r.problem}" for r in broken]
    if counts.died:
        lines.append(
            f"{counts.died} ended a grader twice and are not tried again: grade them by hand, or "
            f"delete their records in {out / RECORDS}."
        )
    if missing := len(book.rows) - len(handed):
        lines.append(f"{missing} of the roster handed nothing in.")
    if book.waiting:
        lines.append(
            f"{book.waiting} wait for points by hand: fill in {out / hand.NAME}, run again."
        )
    if pairs:
        lines.append(f"{pairs} pairs of answers are nearly the same: {out / 'similar.html'}")
    lines.append(f"Look at {out / 'overview.html'}; the tables are beside it.")
    return "\n".join(lines)
