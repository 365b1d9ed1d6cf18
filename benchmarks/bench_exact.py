"""Exact transport: ``otgen_lite.solve_exact`` beside ``ot.emd2`` of the POT library, on one cost.

Time: in one process, the two take turns (A B, B A, A B, ...) on the same float64 matrix, after one
round that is not counted. The median of each is taken: on the clock, and as processor time, which a
busy machine disturbs less. Memory: every measurement is a fresh process that builds the cost
matrix, calls one of the two once, and reports the peak of its resident memory above what it held
when the matrix was ready; the median of three processes is taken.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.problems import ROOT
from tools.threads import limited

#: Bar of the ratio to ``ot.emd2`` at n = SIZE.
SIZE = 2000
TIME_BAR, MEMORY_BAR = 1.1, 1.5

#: Pivots are never what stops either of the two.
PIVOTS = 100_000_000

CONTESTANTS = ("ot.emd2", "otg.solve_exact")
CASES = ("uniform", "weighted")


def problem(case: str, n: int) -> tuple[Any, Any, Any]:
    """Cost matrix and weights; nothing larger than the matrix is allocated on the way."""
    import numpy as np
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2))
    y = rng.normal(size=(n, 2)) * 0.5 + 1.0
    a = b = np.full(n, 1.0 / n)
    if case == "weighted":
        a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n))
    return cdist(x, y, "sqeuclidean"), a, b


def contestant(name: str, C: Any, a: Any, b: Any) -> Callable[[], float]:
    """A call without arguments that solves the problem and returns the value."""
    import ot
    import torch

    import otgen_lite as otg

    if name == "ot.emd2":
        return lambda: float(ot.emd2(a, b, C, numItermax=PIVOTS))
    Ct, at, bt = torch.from_numpy(C), torch.from_numpy(a), torch.from_numpy(b)
    return lambda: float(otg.solve_exact(Ct, at, bt, max_iter=PIVOTS).value)


def measure_time(case: str, n: int, rounds: int) -> dict[str, Any]:
    """Seconds of each contestant, and the difference of their values relative to max C."""
    C, a, b = problem(case, n)
    calls = {name: contestant(name, C, a, b) for name in CONTESTANTS}
    values = {name: call() / float(C.max()) for name, call in calls.items()}
    clock: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    processor: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for k in range(rounds):
        for name in CONTESTANTS if k % 2 == 0 else reversed(CONTESTANTS):
            start = time.perf_counter(), time.process_time()
            calls[name]()
            clock[name].append(time.perf_counter() - start[0])
            processor[name].append(time.process_time() - start[1])
    difference = abs(values[CONTESTANTS[0]] - values[CONTESTANTS[1]])
    return {
        "time": {name: statistics.median(s) for name, s in clock.items()},
        "processor time": {name: statistics.median(s) for name, s in processor.items()},
        "all": {"time": clock, "processor time": processor},
        "values": values,
        "relative_difference": difference,
    }


def measure_memory(case: str, n: int, name: str) -> dict[str, float]:
    """Peak resident memory in MiB above the ready cost matrix, of one call in this process."""
    C, a, b = problem(case, n)
    call = contestant(name, C, a, b)
    # The first call of a library loads more than the solver; a tiny problem pays for that.
    contestant(name, C[:2, :2].copy(), a[:2] / a[:2].sum(), b[:2] / b[:2].sum())()
    ready = _resident()
    before = _peak()
    value = call()
    # Where the peak was reached before the call, the call's own share cannot be seen in full.
    return {"mib": _peak() - ready, "hidden": before - ready, "value": value / float(C.max())}


def _peak() -> float:
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _resident() -> float:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return _peak()


def _fresh(threads: int, *arguments: str) -> dict[str, Any]:
    """This file in a new process with so many threads."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_exact", *arguments],
        cwd=ROOT,
        env={**os.environ, **limited(threads)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def run(rounds: int = 11, n: int = SIZE) -> list[dict[str, Any]]:
    """All rows of the table; every row says whether it is within its bar."""
    rows: list[dict[str, Any]] = []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    peer, ours = CONTESTANTS
    for case in CASES:
        for threads in sorted({1, cores or 1}):
            found = _fresh(threads, "time", case, str(n), str(rounds))
            for what in ("time", "processor time"):
                times = found[what]
                row = _row(case, n, threads, what, "s", times[ours], times[peer], TIME_BAR, found)
                rows.append(row)
        found = {"relative_difference": 0.0, "peaks": {ours: [], peer: []}}
        for _ in range(3):
            for name in CONTESTANTS:
                found["peaks"][name].append(_fresh(1, "memory", case, str(n), name))
        mib = {k: statistics.median(p["mib"] for p in v) for k, v in found["peaks"].items()}
        values = [p["value"] for v in found["peaks"].values() for p in v]
        found["relative_difference"] = max(values) - min(values)
        rows.append(_row(case, n, 1, "peak memory", "MiB", mib[ours], mib[peer], MEMORY_BAR, found))
    return rows


def _row(
    case: str, n: int, threads: int, what: str, unit: str, ours: float, peer: float, bar: float,
    raw: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    return {
        "bench": "exact transport",
        "case": f"{case}, n = {n}",
        "threads": threads,
        "what": f"{what} ({unit})",
        "ours": ours,
        "peer": peer,
        "peer_name": CONTESTANTS[0],
        "ratio": ours / peer,
        "bar": bar,
        "within": ours / peer <= bar,
        "difference": raw["relative_difference"],
        "raw": raw,
    }


def main() -> None:
    """One measurement in this process, as JSON: called by :func:`run` in fresh processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("time", "memory"))
    parser.add_argument("case", choices=CASES)
    parser.add_argument("n", type=int)
    parser.add_argument("detail", help="rounds (time) or contestant (memory)")
    asked = parser.parse_args()

    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if asked.what == "time":
        print(json.dumps(measure_time(asked.case, asked.n, int(asked.detail))))
    else:
        print(json.dumps(measure_memory(asked.case, asked.n, asked.detail)))


if __name__ == "__main__":
    main()
