"""Points that a person gives: a table to fill in, which a second run reads."""

from __future__ import annotations

from pathlib import Path

from coursework.archive import Archive
from coursework.classroom import records, tables
from coursework.classroom.tables import TableError

NAME = "hand.csv"


def read(path: Path, archive: Archive) -> dict[str, dict[str, float]]:
    """For each student's id the points of the questions that have been read so far.

    Raises:
        TableError: a cell is no number of points, or a row or column is of nothing that is known.
    """
    manual = {n: q.points for n, q in archive.questions.items() if q.manual}
    if not path.exists():
        return {}
    heads, rows = tables.read(path)
    unknown = [h for h in heads[2:] if h not in manual]
    if heads[:1] != ["id"] or unknown:
        columns = ", ".join(["id", "name", *manual])
        raise TableError(f"{path}: its columns must be {columns}, and are {', '.join(heads)}")
    found: dict[str, dict[str, float]] = {}
    for number, row in enumerate(rows, 2):
        if row[0] in found:
            raise TableError(f"{path}, row {number}: a second row with the id {row[0]}")
        cells = zip(heads[2:], row[2:], strict=True)
        found[row[0]] = {
            name: _points(cell, manual[name], f"{path}, row {number}, {name}")
            for name, cell in cells
            if cell
        }
    return found


def matched(
    points: dict[str, dict[str, float]], ids: list[str], path: Path
) -> dict[str, dict[str, float]]:
    """The points by the ids of the class; raises ``TableError`` for an id that it does not have.

    A spreadsheet takes the zeros from the beginning of a number: where that leaves no doubt, they
    are put back.
    """
    shortened: dict[str, list[str]] = {}
    for id in ids:
        shortened.setdefault(id.lstrip("0"), []).append(id)
    found = {}
    for id, given in points.items():
        candidates = [id] if id in ids else shortened.get(id, [])
        if len(candidates) != 1 and given:
            raise TableError(
                f"{path}: nobody in this class has the id {id}, which has points there"
            )
        if len(candidates) == 1:
            found[candidates[0]] = given
    return found


def write(
    path: Path,
    archive: Archive,
    names: dict[str, str],
    points: dict[str, dict[str, float]],
) -> None:
    """Write the table with a row for everybody, and the points that have been given."""
    manual = [n for n, q in archive.questions.items() if q.manual]
    rows = [["id", "name", *manual]]
    for id, name in names.items():
        given = points.get(id, {})
        cells = [tables.number(given[q]) if q in given else "" for q in manual]
        rows.append([id, name, *cells])
    content = "\ufeff" + tables.text(rows)  # the mark by which Excel knows UTF-8
    if not path.exists() or path.read_text(encoding="utf-8") != content:
        records.whole(path, content)


def _points(cell: str, of: float, where: str) -> float:
    try:
        value = float(cell.replace(",", "."))
    except ValueError as error:
        raise TableError(f"{where}: {cell!r} is no number of points") from error
    if not 0 <= value <= of:
        raise TableError(f"{where}: {cell} points, and there are {of:g}")
    return value
