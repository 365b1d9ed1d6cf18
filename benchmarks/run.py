"""Run the benchmarks and record them: ``make bench``, or ``make bench ONLY=sinkhorn`` for some.

Each ``bench_*.py`` beside this file has a function ``run()`` that returns rows; a row compares this
package with the best peer that reached the asked accuracy in the same run. Peers live in their own
environments (``peers/*.txt``, made on the first run). Rows, the times of every contestant,
versions, date and number of cores go to ``assets/bench/bench.json``, which the book's status page
shows, and to ``_build/bench/bench.md``. Exits 1 where a row misses its bar, a benchmark fails, or a
peer is missing; the others run all the same. Every single time of the run is in
``_build/bench/bench.json``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmarks import contest
from benchmarks.problems import OUT, ROOT
from tools.threads import PASSIVE

HERE = Path(__file__).resolve().parent
RECORD = ROOT / "assets" / "bench" / "bench.json"


def number(value: float | None) -> str:
    """A measured number, or a dash where there is none."""
    return "–" if value is None else f"{value:.3g}"


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    lines = ["| work | threads | what | ours | best peer | ratio | bar | |", "|" + "---|" * 8]
    for r in rows:
        lines.append(
            f"| {r['bench']}: {r['case']} | {r['threads']} | {r['what']} | {number(r['ours'])} "
            f"| {number(r['peer'])} ({r['peer_name']}) | **{number(r['ratio'])}** | {r['bar']} "
            f"| {'✓' if r['within'] else '✗'} |"
        )
    return "\n".join(lines)


#: Benchmarks with a record of their own: ``make gpu`` runs them.
ELSEWHERE = ("bench_gpu",)


def selected(only: str) -> list[str]:
    """Names of the benchmarks; those that contain ``only``."""
    names = sorted(path.stem for path in HERE.glob("bench_*.py") if path.stem not in ELSEWHERE)
    return [name for name in names if only in name]


def measure(name: str) -> dict[str, Any]:
    """One benchmark: its rows, or why it failed, with the time of the measurement."""
    print(f"{name} ...", flush=True)
    start = time.monotonic()
    record: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "cores": contest.CORES,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "rows": [],
    }
    try:
        record["rows"] = importlib.import_module(f"benchmarks.{name}").run()
    except Exception as error:
        traceback.print_exc()
        record["error"] = f"{type(error).__name__}: {error}"
    record["seconds"] = round(time.monotonic() - start, 1)
    print(table(record["rows"]) + f"\n{name}: {record['seconds']:.0f} s\n", flush=True)
    return record


def passed(record: dict[str, Any]) -> bool:
    """Every bar is met, and nothing failed or was missing."""
    complete = all("error" not in bench for bench in record["benches"].values())
    present = all("missing" not in found for found in record["versions"].values())
    rows = [row for bench in record["benches"].values() for row in bench["rows"]]
    return complete and present and all(row["within"] for row in rows)


def brief(bench: dict[str, Any]) -> dict[str, Any]:
    """The record of a benchmark: of each contestant what the status page shows."""
    shown = ("name", "median", "accuracy", "reached", "error")
    rows = []
    for row in bench["rows"]:
        contestants = row.get("raw", {}).get("contestants", [])
        short = [{key: one[key] for key in shown} for one in contestants]
        rows.append({k: v for k, v in row.items() if k != "raw"} | {"raw": {"contestants": short}})
    return bench | {"rows": rows}


def main(arguments: list[str] | None = None) -> int:
    """Run, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="part of the name of a benchmark")
    only = parser.parse_args(arguments).only
    names = selected(only)
    if not names:
        print(f"no benchmark is called {only!r}; there are {', '.join(selected(''))}")
        return 2
    os.environ.update(PASSIVE)  # before a benchmark imports torch
    versions = contest.versions()
    for peer, found in versions.items():
        print(f"{peer}: " + ", ".join(f"{k} {v}" for k, v in found.items()), flush=True)
    measured = {name: measure(name) for name in names}

    old = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {"benches": {}}
    kept = {name: bench for name, bench in old["benches"].items() if name in selected("")}
    record: dict[str, Any] = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": versions,
        "benches": dict(sorted({**kept, **measured}.items())),
    }
    shown = {name: brief(bench) for name, bench in record["benches"].items()}
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    _write(RECORD, record | {"benches": shown})
    rows = [row for bench in measured.values() for row in bench["rows"]]
    OUT.mkdir(parents=True, exist_ok=True)
    _write(OUT / "bench.json", record | {"benches": measured})
    (OUT / "bench.md").write_text(f"# Benchmarks\n\n{table(rows)}\n", encoding="utf-8")
    print(f"{table(rows)}\n\nrecorded in {RECORD.relative_to(ROOT)}")
    return 0 if passed(record | {"benches": measured}) else 1


def _write(path: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
