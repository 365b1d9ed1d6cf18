"""A page for each student: points and messages, neither what an answer printed nor any test."""

from __future__ import annotations

from coursework.classroom import pages
from coursework.classroom.gradebook import Book, Row


def page(book: Book, row: Row) -> str:
    """The page of one student who handed something in."""
    return pages.render(
        "feedback.html", title=book.title, row=row, of=book.of, questions=book.questions
    )
