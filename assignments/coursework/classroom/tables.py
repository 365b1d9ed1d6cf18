"""Tables as spreadsheets and course systems read and write them."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

#: A cell that begins so is a formula to a spreadsheet, and could do anything there.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
#: Characters that show nothing, though Unicode counts them among letters and symbols.
BLANK = "\u115f\u1160\u3164\uffa0\u2800"
#: Minus, which is none of the signs that Unicode counts as a form of the hyphen.
MINUS = "\u2212"


class TableError(ValueError):
    """A table that cannot be used; the message says where and why."""


def text(rows: Iterable[Sequence[str]]) -> str:
    """The rows as CSV, a line each, in which no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([harmless(" ".join(cell.splitlines())) for cell in row] for row in rows)
    return out.getvalue()


def harmless(cell: str) -> str:
    """The text of a cell, behind an apostrophe if a spreadsheet would take it for a formula."""
    cell = cell.replace("\0", "")
    formula = cell.lstrip(" ").startswith(FORMULA) or _seen(cell).startswith((*FORMULA, MINUS))
    return f"'{cell}" if formula and cell != "-" and not _number(cell) else cell


def _seen(cell: str) -> str:
    """The first character that shows, in its usual form: full-width signs count as signs."""
    shown = (c for c in cell if not _invisible(c))
    return unicodedata.normalize("NFKC", next(shown, ""))


def _invisible(c: str) -> bool:
    """Whether a character, or a mark with no letter under it, may show nothing."""
    return unicodedata.category(c)[0] in "CZM" or c in BLANK


def meant(cell: str) -> str:
    """The text of a cell without the apostrophe of :func:`harmless`."""
    return cell[1:] if cell.startswith("'") and harmless(cell[1:]) == cell else cell


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of a CSV file, whatever a spreadsheet has made of it.

    Raises:
        FileNotFoundError: there is none.
        TableError: it is no table.
    """
    data = path.read_bytes()
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = data.decode("cp1252", "replace")
    first = content.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise TableError(f"{path}: {error}") from error
    rows = [[meant(c.strip()) for c in row] for row in rows if any(c.strip() for c in row)]
    if not rows:
        raise TableError(f"{path}: it is empty")
    heads, *body = rows
    for number, row in enumerate(body, 2):
        if len(row) > len(heads):
            raise TableError(
                f"{path}, row {number}: {len(row)} cells under {len(heads)} heads: {row}"
            )
    return heads, [row + [""] * (len(heads) - len(row)) for row in body]


def number(value: float) -> str:
    """Points as people write them: 3, 2.5."""
    return f"{round(value, 4):.4f}".rstrip("0").rstrip(".")


def mean(value: float) -> str:
    """A mean of points, as precise as people read it."""
    return number(round(value, 2))


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
