"""Scores as a table: rows of methods, columns of scores, spreads beside means."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otgen_lite import _checks
from otgen_lite.results._summary import Summary, summary

if TYPE_CHECKING:
    from otgen_lite.results._read import Reference, Run

Row = Mapping[str, "float | str | Summary"]

#: Factors that make numbers short, said in the titles.
_FACTORS = {"mmd2": 1e3, "parameters": 1e-3}

#: From more columns than this on, a page has no room for spreads beside means.
_WIDE = 5

#: A row's name stays in sight when the table is scrolled, and may take several lines.
_STAYS = (
    "position: sticky; left: 0; white-space: normal; text-align: left;"
    " background: var(--pst-color-background, var(--jp-layout-color0, Canvas))"
)

#: Titles of the columns of a table of runs.
TITLES = {
    "w2sq": "W₂²", "mmd2": "10³ MMD²", "sharpness": "sharpness", "confidence": "confidence",
    "classes": "classes", "novelty": "novelty", "share": "share", "modes": "modes",
    "within_std": "std inside", "calibrated_s": "CPU s", "parameters": "10³ par.",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table that a notebook shows as HTML and a terminal as text.

    Attributes:
        rows: the cells of each row by column: texts, numbers, or means with their spread.
        columns: the columns in their order; a row may lack some of them.
        best: the best rows of a column, by column; they are marked with a star.
        below: the rows below a line, such as the scores of real data.

    Chapter: 14.
    """

    rows: Mapping[str, Row]
    columns: Sequence[str]
    best: Mapping[str, tuple[str, ...]]
    below: tuple[str, ...] = ()

    def __repr__(self) -> str:
        lines = [["", *self.columns], *([name, *self._cells(name)] for name in self.rows)]
        wide = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
        return "\n".join(
            "  ".join(f"{text:>{w}}" if k else f"{text:<{w}}"
                      for k, (text, w) in enumerate(zip(line, wide, strict=True))).rstrip()
            for line in lines
        )  # fmt: skip

    def _cells(self, name: str) -> list[str]:
        row = self.rows[name]
        return [
            shown(row[column]) + (" ★" if name in self.best.get(column, ()) else "")
            if column in row
            else "–"
            for column in self.columns
        ]

    def _repr_html_(self) -> str:
        wide = len(self.columns) > _WIDE  # then spreads stand under their means
        air = f' style="padding: 0.2em {0.25 if wide else 0.5}em"'
        head = "".join(f'<th scope="col"{air}>{html.escape(c)}</th>' for c in self.columns)
        least = min(9.0, 0.3 * max(map(len, self.rows)))
        stays = f' style="{_STAYS}; min-width: {least:.1f}em"'
        body = []
        for name in self.rows:
            texts = (html.escape(text) for text in self._cells(name))
            if wide:
                texts = (re.sub(" (± .*)", r"<br><small>\1</small>", text) for text in texts)
            cells = "".join(f"<td{air}>{text}</td>" for text in texts)
            line = ' style="border-top: 2px solid"' if name == next(iter(self.below), None) else ""
            body.append(f'<tr{line}><th scope="row"{stays}>{html.escape(name)}</th>{cells}</tr>')
        return (
            '<div style="overflow-x: auto"><table class="dataframe"'  # what themes give colours
            ' style="white-space: nowrap; font-size: 0.85em">'
            f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        )


def shown(value: float | str | Summary) -> str:
    """A text, a number, or a mean with its spread, with as many digits as the spread leaves.

    Example:
        >>> shown(Summary.of([1.0, 1.1])), shown(Summary.of([8.0, 8.0])), shown(0.12345)
        ('1.05 ± 0.07', '8', '0.123')
    """
    if isinstance(value, str):
        return value
    mean, std = (value.mean, value.std) if isinstance(value, Summary) else (float(value), math.nan)
    if math.isnan(mean):
        return "–"
    if not std > 0:
        text = f"{mean:.0f}" if mean == round(mean) else f"{mean:.3g}"
    else:
        leading = math.floor(math.log10(std) + 1e-9)
        places = (1 if std < 3 * 10.0**leading else 0) - leading  # two digits of a small one
        most = 3 - math.floor(math.log10(abs(mean))) if mean else places  # four digits in all
        places = max(0, min(places, most))
        text = f"{mean:.{places}f} ± {std:.{places}f}"
    return re.sub(r"-(?=0\.?0*\b(?!\.?\d))", "", text).replace("-", "−")


def table(
    rows: Mapping[str, Row],
    *,
    best: Mapping[str, str] | None = None,
    below: Mapping[str, Row] | None = None,
) -> Table:
    """Make a table of scores.

    Args:
        rows: the cells of each row by column: texts, numbers, or :class:`Summary`.
        best: for some columns ``"low"`` or ``"high"``: which values are marked as the best.
        below: rows below a line, which are never marked as the best: the scores of real data.

    Returns:
        :class:`Table`, for a notebook or a terminal.

    Raises:
        ValueError: if there is no row, or ``best`` names a column that does not exist or holds
            another word.

    Chapter: 14.

    Example:
        >>> table({"a": {"loss": 2.0}, "b": {"loss": 1.0}}, best={"loss": "low"})
           loss
        a     2
        b   1 ★
    """
    if not rows:
        raise ValueError("rows must hold at least one row, got none")
    below = below or {}
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    won = {}
    for column, way in (best or {}).items():
        _checks.choice("a column of best", column, columns)
        _checks.choice("best", way, ("low", "high"))
        sign = 1.0 if way == "low" else -1.0
        held = {name: sign * _mean(row[column]) for name, row in rows.items() if column in row}
        won[column] = tuple(name for name, v in held.items() if v == min(held.values()))
    return Table({**rows, **below}, columns, won, tuple(below))


def of_runs(
    runs: Iterable[Run], scores: Sequence[str], names: Mapping[str, str] | None = None
) -> dict[str, dict[str, Summary]]:
    """Make rows for :func:`table`: means and spreads of recorded runs over their seeds.

    Args:
        runs: some of those that :func:`load` returns.
        scores: names of scores, also ``"calibrated_s"`` or ``"parameters"``.
        names: names of the methods in the table; a method without an entry keeps its own name.

    Returns:
        A :class:`Summary` for each method and column, as nested dicts.

    Raises:
        ValueError: if there is no such score.

    Chapter: 14.

    Example:
        >>> from otgen_lite.results import load
        >>> sorted(of_runs(load("digits"), ["w2sq"])["vae"])
        ['W₂²']
    """
    runs = tuple(runs)
    found: dict[str, dict[str, Summary]] = {}
    for score in scores:
        for method, value in summary(runs, score).items():
            row = found.setdefault((names or {}).get(method, method), {})
            row[TITLES.get(score, score)] = _scaled(score, value)
    return found


def of_references(references: Iterable[Reference]) -> dict[str, dict[str, Summary]]:
    """Make the rows for ``below`` in :func:`table`: the scores of real data.

    Args:
        references: some of those that :func:`references` returns.

    Returns:
        A :class:`Summary` for each row and column, as nested dicts.

    Chapter: 14.

    Example:
        >>> from otgen_lite.results import references
        >>> "W₂²" in of_references(references("digits"))["halves"]
        True
    """
    return {
        found.name: {TITLES.get(s, s): _scaled(s, value) for s, value in found.scores.items()}
        for found in references
    }


def _scaled(score: str, value: Summary) -> Summary:
    """In the unit that the title says."""
    factor = _FACTORS.get(score, 1.0)
    return Summary.of(factor * v for v in value.values)


def _mean(value: float | str | Summary) -> float:
    return value.mean if isinstance(value, Summary) else float(value)
