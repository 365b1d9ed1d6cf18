"""Tables of what ``make gpu`` recorded on an accelerator: steps, trainings, sweeps, solvers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import tables
from docutils import nodes

RECORD = Path("assets") / "bench" / "gpu.json"
#: Columns of the trainings: what a row calls it, and what the table does.
WAYS = {
    "float32": "float32",
    "bf16": "bf16",
    "compiled, float32": "compiled",
    "processor, float32": "Processor",
}

Row = dict[str, Any]


def read(source: Path) -> Row | None:
    """The record of ``make gpu``, or None where no accelerator has been asked."""
    path = source / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def nodes_for(record: Row | None) -> list[nodes.Node]:
    """Machine and date in sentences, then a table for every kind of measurement."""
    if record is None:
        return [nodes.paragraph("", "Not yet run on an accelerator.")]
    found: list[nodes.Node] = [_where(record), _how_it_went(record)]
    rows = record["rows"]
    for title, prefixes, make in (
        ("Images of 28×28 pixels, batches of 512", ("bench methods", "bench compile"), _trainings),
        ("Recipes on the digits", ("bench recipes",), _trainings),
        ("Many models in one sweep", ("bench sweep",), _sweeps),
        ("Solvers on the same card", ("bench solvers",), _solvers),
        ("Chapters", ("chapter ",), _chapters),
    ):
        some = [row for row in rows if row["step"].startswith(prefixes)]
        if some:
            found += [nodes.paragraph("", "", nodes.strong("", f"{title}.")), *make(some)]
    return found


def _where(record: Row) -> nodes.Node:
    facts = record["facts"]
    # The card first; its name says what the rest is about.
    told = [f"{name} {value}" for name, value in facts.items() if name != "card"]
    text = f"{facts.get('card', record['device'])}. Recorded on {record['date']} "
    text += f"at commit {record['commit'][:12]} in {record['seconds']:.0f} s. "
    if record["smoke"]:
        text += "A rehearsal in small sizes: these numbers measure nothing. "
    return nodes.paragraph("", f"{text}There: {'; '.join(told)}.")


def _how_it_went(record: Row) -> nodes.Node:
    steps = record["steps"]
    bad = [f"{s['name']} ({s['outcome']}: {s['why']})" for s in steps if s["outcome"] != "ok"]
    text = f"{len(steps) - len(bad)} of {len(steps)} steps ended well"
    text += f"; the others: {', '.join(bad)}." if bad else "."
    for row in record["rows"]:
        if row["step"] == "tests" and row["case"] == "tests":
            text += f" Tests on the device: {row['value']} passed, {row.get('note', '')}."
    return nodes.paragraph("", text)


def _trainings(rows: Sequence[Row]) -> list[nodes.Node]:
    """A line a method: steps a second in each way."""
    header = ["Steps a second", *WAYS.values(), "Over processor", "Busy"]
    lines: list[list[tables.Cell]] = []
    for case in dict.fromkeys(row["case"] for row in rows):
        mine = {row["what"]: row for row in rows if row["case"] == case}
        ratio = mine.get("processor, float32", {}).get("ratio")
        busy = mine.get("float32", {}).get("busy")
        share = "–" if busy is None else f"{100 * busy:.0f} %"
        cells = [number(mine.get(way, {}).get("value")) for way in WAYS]
        lines.append([case, *cells, nodes.strong("", number(ratio)), share])
    return [_wide(header, lines), *_reasons(rows)]


def _sweeps(rows: Sequence[Row]) -> list[nodes.Node]:
    header = ["Work", "One stack (s)", "One after another (s)", "Times faster", "Goal", ""]
    lines: list[list[tables.Cell]] = [
        [
            row["case"],
            number(_median(row.get("times"))),
            number(_median(row.get("peer_times"))),
            nodes.strong("", number(row["value"])),
            f"≥ {row['bar']:g}" if "bar" in row else "–",
            "✓" if row.get("within") else "✗",
        ]
        for row in rows
    ]
    return [_wide(header, lines), *_reasons(rows)]


def _solvers(rows: Sequence[Row]) -> list[nodes.Node]:
    header = ["Work", "Ours", "Best peer", "Ratio"]
    lines: list[list[tables.Cell]] = [
        [
            row["case"],
            f"{number(row['value'])} ms ({row['what']})",
            f"{number(row.get('peer'))} ms ({row.get('peer_name', 'none')})",
            nodes.strong("", number(row.get("ratio"))),
        ]
        for row in rows
    ]
    every: list[list[tables.Cell]] = [
        [row["case"], one["name"], number(one["median"]), one["error"] or number(one["accuracy"]),
         "✓" if one["reached"] else "✗"]
        for row in rows
        for one in row.get("contestants", [])
    ]  # fmt: skip
    folded = _wide(["Work", "Contestant", "Seconds", "Accuracy", "Got there"], every)
    title = nodes.title("", "Every contestant on the card")
    return [
        _wide(header, lines),
        nodes.admonition("", title, folded, classes=["dropdown"]),
        *_reasons(rows),
    ]


def _chapters(rows: Sequence[Row]) -> list[nodes.Node]:
    header = ["Chapter", "Size", "Seconds", ""]
    lines: list[list[tables.Cell]] = [
        [row["case"], row["what"], number(row.get("value")), row.get("why") or row.get("note", "")]
        for row in rows
    ]
    return [_wide(header, lines)]


def _reasons(rows: Sequence[Row]) -> list[nodes.Node]:
    """Why there is no number, where there is none."""
    items = [
        nodes.list_item("", nodes.paragraph("", f"{row['case']}, {row['what']}: {row['why']}"))
        for row in rows
        if row.get("value") is None and row.get("why")
    ]
    return [nodes.bullet_list("", *items)] if items else []


def _median(times: Sequence[float] | None) -> float | None:
    return median(times) if times else None


def number(value: float | None) -> str:
    """Three digits, without powers of ten as far as tables can do without them."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _wide(header: Sequence[str], lines: Sequence[Sequence[tables.Cell]]) -> nodes.container:
    return nodes.container("", tables.table(header, lines), classes=["otg-wide-table"])
