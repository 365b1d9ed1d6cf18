"""64 Sinkhorn problems of 128 points: ours in one call, against loops and against batched solvers.

Two bars: against the best peer that solves one after the other, and against the best that, like
ours, solves all in one call (OTT-JAX under ``vmap``, and POT's ``solve_batch``); OTT-JAX has a row
of its own, too. As in
``bench_sinkhorn.py``, peers run with the fewest iterations that bring the worst of the 64 to 1e-6.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks import contest, problems
from benchmarks.bench_sinkhorn import SETTINGS, ours, settle

BATCH = (64, 128)
EPSILONS = (1e-2,)
LOOP_BAR, BATCHED_BAR = 0.5, 1.0


def run() -> list[dict[str, Any]]:
    """Three rows an ε and number of threads."""
    tuned = json.loads(SETTINGS.read_text())
    rows = []
    for eps in EPSILONS:
        arrays = problems.batch(*BATCH, eps)
        path = problems.written(f"batch-eps{eps:g}", arrays)
        loops = [f for f in tuned[f"batch-eps{eps:g}"] if f["setting"].get("loop")]
        batched = [f for f in tuned[f"batch-eps{eps:g}"] if not f["setting"].get("loop")]
        for threads in sorted({1, contest.CORES}):
            mine, one_by_one = ours(), contest.entries_from(loops)
            together = contest.entries_from(batched)
            vmapped = [entry for entry in together if entry.peer == "ott"]
            entries = [*mine, *one_by_one, *together]
            with contest.Workers(threads) as workers:
                contest.race(workers, entries, path)
                settle(arrays, entries)
            case = f"{BATCH[0]} problems, n = {BATCH[1]}, ε = {eps:g} max C"
            bench = "Sinkhorn in batches"
            rows += [
                contest.row(
                    bench, f"{case}; peers one by one", threads, mine + one_by_one, LOOP_BAR
                ),
                contest.row(
                    bench, f"{case}; peers in one call", threads, mine + together, BATCHED_BAR
                ),
                contest.row(
                    bench, f"{case}; OTT-JAX under vmap", threads, mine + vmapped, BATCHED_BAR
                ),
            ]
    return rows
