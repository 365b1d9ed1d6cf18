"""``import otgen_lite`` against ``import torch``, each in fresh processes that take turns.

What counts is the processor time of the process, its start included, with one thread and with the
bytecode of all modules written before, as on every import but a reader's first. The package imports
torch, so the ratio cannot fall below one; plotting, tables and scipy are imported when first used.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.problems import ROOT
from tools.threads import ONE

ROUNDS, BAR = 15, 1.15
MODULES = ("otgen_lite", "torch")


def spent(module: str) -> float:
    """Processor seconds of a fresh Python that imports a module and ends."""
    surroundings = {**os.environ, **ONE, "PYTHONPATH": str(ROOT)}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    process = subprocess.Popen([Path(sys.executable), "-c", f"import {module}"], env=surroundings)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"import {module} failed with {process.returncode}")
    return used.ru_utime + used.ru_stime


def run(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """One row; a round of each is not counted."""
    times: dict[str, list[float]] = {module: [] for module in MODULES}
    for k in range(rounds + 1):
        for module in MODULES if k % 2 == 0 else MODULES[::-1]:
            seconds = spent(module)
            if k:
                times[module].append(seconds)
    ours, peer = (median(times[module]) for module in MODULES)
    return [
        {
            "bench": "import",
            "case": f"a fresh process, {rounds} of each in turn",
            "threads": 1,
            "what": "time (s)",
            "ours": ours,
            "ours_name": "import otgen_lite",
            "peer": peer,
            "peer_name": "import torch",
            "ratio": ours / peer,
            "bar": BAR,
            "within": ours / peer <= BAR,
            "raw": {"times": times, "time": "processor"},
        }
    ]


def main() -> None:
    """The row alone, for a quick look."""
    (row,) = run()
    print(f"{row['ours']:.3f} s against {row['peer']:.3f} s: {row['ratio']:.3f}, bar {BAR}")


if __name__ == "__main__":
    main()
