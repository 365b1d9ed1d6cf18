"""Run every benchmark and write one table: ``make bench``.

Each ``bench_*.py`` beside this file has a function ``run()`` that returns rows; every row compares
this package with a peer, measured in the same run. The table goes to ``_build/bench/`` as Markdown
and, with the single measurements, as JSON. Exits 1 where a row misses its bar.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "_build" / "bench"
PACKAGES = ("otgen-lite", "POT", "torch", "numpy", "scipy")


def versions() -> dict[str, str]:
    """Versions of all that takes part."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "machine": platform.machine(), **found}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    lines = [
        "| bench | case | threads | what | otgen_lite | peer | ratio | bar | | values differ by |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        lines.append(
            f"| {r['bench']} | {r['case']} | {r['threads']} | {r['what']} | {r['ours']:.4g} "
            f"| {r['peer']:.4g} ({r['peer_name']}) | **{r['ratio']:.3f}** | {r['bar']} "
            f"| {'✓' if r['within'] else '✗'} | {r['difference']:.1e} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Run, print, write; 0 where every row is within its bar."""
    sys.path.insert(0, str(HERE))
    rows: list[dict[str, Any]] = []
    for path in sorted(HERE.glob("bench_*.py")):
        print(f"{path.stem} ...", flush=True)
        rows += importlib.import_module(path.stem).run()
    used = versions()
    cores, load = os.cpu_count() or 1, os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    # The benchmarks themselves keep one core busy, or all of them.
    busy = (
        f"\n\n**The machine was busy (load {load:.1f}): times are noisy.**" if load > cores else ""
    )
    text = (
        "# Benchmarks\n\n"
        "Both sides measured in one run, taking turns; medians. Values "
        "differ by: the largest difference of the results, relative to the largest cost.\n\n"
        f"{table(rows)}\n\n"
        + ", ".join(f"{name} {version}" for name, version in used.items())
        + f"; {cores} cores{busy}\n"
    )
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "bench.md").write_text(text, encoding="utf-8")
    (OUT / "bench.json").write_text(
        json.dumps({"versions": used, "rows": rows}, indent=1), encoding="utf-8"
    )
    print(text)
    print(f"written to {OUT}")
    return 0 if all(row["within"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
