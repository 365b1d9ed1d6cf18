"""Peak memory of ``SemiDiscrete`` with 10⁵ atoms, each measurement in a fresh process.

The process loads the library, fits a small problem, and only then the large one: some steps, then
the semi-dual value, cells, masses and both maps of a sample. What counts is the peak of
its whole resident memory, interpreter and libraries included; the bar is 1 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
from typing import Any

from benchmarks.problems import ROOT
from tools.threads import ONE

ATOMS = 100_000
BAR_MIB = 1024.0
STEPS, SAMPLE = 50, 2_000


def measure(d: int, eps: float) -> dict[str, float]:
    """MiB at the peak, of this process."""
    import torch

    import otgen_lite as otg

    generator = torch.Generator().manual_seed(0)

    def sample(n: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(n, d, generator=generator, dtype=torch.float64)

    def work(atoms: int, steps: int, size: int) -> None:
        y = torch.randn(atoms, d, generator=generator, dtype=torch.float64)
        sd = otg.SemiDiscrete(y, eps=eps).fit(sample, steps=steps, tol=None)
        x = sample(size, generator)
        for act in (sd.dual, sd.gradient, sd.cells, sd.masses, sd.transport, sd.barycentric):
            act(x)

    work(100, 5, 100)
    before = _peak()
    work(ATOMS, STEPS, SAMPLE)
    return {"mib": _peak(), "before": before}


def _peak() -> float:
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def run() -> list[dict[str, Any]]:
    """One row a dimension and ε."""
    rows = []
    for d, eps in ((2, 0.0), (64, 0.0), (2, 0.1)):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.bench_memory", str(d), str(eps)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **ONE},
        )
        found = json.loads(done.stdout) if done.returncode == 0 else None
        mib = found["mib"] if found else None
        rows.append(
            {
                "bench": "Memory, semi-discrete",
                "case": f"100,000 atoms, {d}-D, ε = {eps:g}",
                "threads": 1,
                "what": "peak (MiB)",
                "ours": mib,
                "ours_name": "otg.SemiDiscrete",
                "peer": BAR_MIB,
                "peer_name": "1 GiB",
                "ratio": mib / BAR_MIB if mib else None,
                "bar": 1.0,
                "within": mib is not None and mib <= BAR_MIB,
                "raw": found or {"error": f"exit status {done.returncode}"},
            }
        )
    return rows


def main() -> None:
    """One measurement in this process, as JSON: called by :func:`run` in fresh processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("d", type=int)
    parser.add_argument("eps", type=float)
    asked = parser.parse_args()

    import torch

    torch.set_num_threads(1)
    print(json.dumps(measure(asked.d, asked.eps)))


if __name__ == "__main__":
    main()
