"""The class on one page."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from coursework.classroom import figures, pages, summary
from coursework.classroom.gradebook import Book
from coursework.classroom.similar import Comparison
from coursework.classroom.tables import mean, number


@dataclass(frozen=True)
class _Totals:
    mean: float
    median: float


def page(book: Book, comparison: Comparison) -> str:
    """The page for an instructor. Files that could not be graded count in no mean."""
    graded = [r for r in book.rows if not r.problem]
    questions = [summary.of_question(q, graded) for q in book.questions]
    totals = [r.total for r in graded]
    handed = sum(r.record is not None for r in book.rows)
    return pages.render(
        "overview.html",
        book=book,
        rows=book.rows,
        handed=handed,
        missing=len(book.rows) - handed,
        summary=_Totals(statistics.fmean(totals), statistics.median(totals)) if totals else None,
        questions=questions,
        hardest=summary.hardest(questions),
        outliers=summary.outliers(book),
        plots=_plots(book, questions, totals),
        pairs=comparison.pairs,
        threshold=comparison.threshold,
    )


def _plots(
    book: Book, questions: list[summary.OfQuestion], totals: list[float]
) -> list[dict[str, Any]]:
    if not totals:
        return []
    whole = mean(statistics.fmean(totals))
    plots = [
        {
            "svg": figures.of_points(totals, book.of, "total", "Totals"),
            "caption": f"All questions: mean {whole} of {number(book.of)}.",
        }
    ]
    for q in questions:
        if q.values:
            svg = figures.of_points(q.values, q.of, q.name, q.name)
            caption = f"{q.title}: mean {mean(q.mean or 0)} of {number(q.of)}."
            plots.append({"svg": svg, "caption": caption})
    return plots
