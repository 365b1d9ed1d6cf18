"""Tables of the recorded benchmarks: ours beside the best peer, and every contestant's time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tables
from docutils import nodes

RECORD = Path("assets") / "bench" / "bench.json"
#: Titles of the benchmarks on the status page.
TITLES = {
    "bench_sinkhorn": "Sinkhorn",
    "bench_sinkhorn_batch": "Sinkhorn, many problems in one call",
    "bench_divergence": "Sinkhorn divergence, value and gradient",
    "bench_semidiscrete": "Semi-discrete transport",
    "bench_exact": "Exact transport",
    "bench_lp": "Exact transport beside a plain linear programme",
    "bench_memory": "Memory",
    "bench_convergence": "Rates of convergence",
    "bench_fit": "Training: one loop against the plainest one by hand",
    "bench_pythae": "Training beside pythae",
    "bench_sweep": "Training a grid of models in one go",
    "bench_quality": "Quality of the recipes on the ring: squared W_2 over its bar",
    "bench_import": "Import of the package",
}
HEADER = ("Work", "Threads", "Ours", "Best peer", "Ratio", "Bar", "")


def read(source: Path) -> dict[str, Any] | None:
    """The record of ``make bench``, or None where it never ran."""
    path = source / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def nodes_for(record: dict[str, Any] | None) -> list[nodes.Node]:
    """A table a benchmark, the one who did best first named; all contestants fold out below it."""
    if record is None:
        return [nodes.paragraph("", "No benchmark has been recorded yet: `make bench`.")]
    found: list[nodes.Node] = []
    order = [name for name in TITLES if name in record["benches"]]
    for name in [*order, *sorted(set(record["benches"]) - set(order))]:
        found += _bench(TITLES.get(name, name), record["benches"][name])
    found.append(_versions(record))
    return found


def _bench(title: str, bench: dict[str, Any]) -> list[nodes.Node]:
    rows = bench["rows"]
    kept = sum(row["within"] for row in rows)
    when = (
        f"Recorded on {bench['date']}, {bench['cores']} cores. "
        f"{kept} of {len(rows)} rows are within their bar."
    )
    if not rows:
        when = f"Asked for on {bench['date']}: what it measures was not at hand."
    if "error" in bench:
        when += f" The benchmark failed: {bench['error']}."
    if (bench.get("load") or 0) > bench["cores"] + 1:
        when += " The machine was busy: times are noisy."
    head = nodes.paragraph("", "", nodes.strong("", title), nodes.Text(f". {when}"))
    found: list[nodes.Node] = [head]
    if rows:
        found.append(_wide(tables.table(HEADER, [_row(row) for row in rows])))
    contestants = [line for row in rows for line in _contestants(row)]
    if contestants:
        header = ("Work", "Threads", "Contestant", "Seconds", "Accuracy", "Got there")
        folded = _wide(tables.table(header, contestants))
        found.append(_folded("Every contestant", folded))
    return found


def _row(row: dict[str, Any]) -> list[tables.Cell]:
    unit = row["what"].partition(" (")[2].rstrip(")")
    what = "" if row["what"].startswith("time (") else f": {row['what'].partition(' (')[0]}"
    return [
        row["case"] + what,
        str(row["threads"]),
        _number(row["ours"], unit),
        f"{_number(row['peer'], unit)} ({row['peer_name']})",
        nodes.strong("", _number(row["ratio"])),
        str(row["bar"]),
        "✓" if row["within"] else "✗",
    ]


def _contestants(row: dict[str, Any]) -> list[list[tables.Cell]]:
    return [
        [
            row["case"],
            str(row["threads"]),
            one["name"],
            _number(one["median"]),
            one["error"] or _number(one["accuracy"]),
            "✓" if one["reached"] else "✗",
        ]
        for one in row.get("raw", {}).get("contestants", [])
    ]


def _versions(record: dict[str, Any]) -> nodes.Node:
    names = {"ours": "this package", "pot": "POT", "ott": "OTT-JAX", "geomloss": "GeomLoss",
             "pythae": "pythae"}  # fmt: skip
    parts = []
    for peer, found in record["versions"].items():
        listed = ", ".join(f"{name} {version}" for name, version in found.items())
        parts.append(f"{names.get(peer, peer)}: {listed}")
    text = f"Python {record['python']}, {record['machine']}. In each environment: "
    return nodes.paragraph("", text + "; ".join(parts) + ".")


def _number(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{value:.3g} {unit}".strip()


def _wide(table: nodes.table) -> nodes.container:
    return nodes.container("", table, classes=["otg-wide-table"])


def _folded(title: str, *content: nodes.Node) -> nodes.Node:
    return nodes.admonition("", nodes.title("", title), *content, classes=["dropdown"])
