"""What it costs to forget the structure: one assignment problem as a plain linear programme.

``otgen_lite.solve_exact`` beside HiGHS through :func:`scipy.optimize.linprog`, which is handed the
sparse matrix of margins and knows no more of transport, by its simplex method and by its interior
point method; and beside the auction of chapter 1, twelve lines of Python, which may leave a gap of
one per cent of the mean cost. All in this process, in turns, after one round that is not counted;
a time is the median of processor times. Accuracy is that of the value, relative to the mean cost.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.bench_exact import problem

SIZES = (100, 200, 400)
ROUNDS = 3
#: Largest gap of the auction, and largest error of the others, relative to the mean cost.
GAP, EXACT = 0.01, 1e-9
#: ``solve_exact`` may take as long as the best general solver.
BAR = 1.0
OURS, AUCTION = "otg.solve_exact", "auction of chapter 1, gap 1 %"


def contestants(n: int) -> tuple[float, dict[str, Callable[[], float]]]:
    """The mean cost of an assignment problem of size n, and calls that return its value."""
    import numpy as np
    import torch
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, kron, vstack

    import otgen_lite as otg
    from otgen_lite.statements.kantorovich import auction

    C, a, b = problem("uniform", n)
    one = np.ones((1, n))
    margins = vstack([kron(eye_array(n), one), kron(one, eye_array(n))]).tocsr()
    costs, piles = torch.from_numpy(C), range(n)

    def programme(method: str) -> float:
        right = np.concatenate([a, b])
        return float(linprog(C.ravel(), A_eq=margins, b_eq=right, method=method).fun)

    def bidding() -> float:
        owner = auction(costs, GAP * float(C.mean()))[0]
        return float(costs[owner, piles].mean())

    return float(C.mean()), {
        OURS: lambda: float(otg.solve_exact(costs).value),
        "linprog, highs-ds": lambda: programme("highs-ds"),
        "linprog, highs-ipm": lambda: programme("highs-ipm"),
        AUCTION: bidding,
    }


def measure(n: int, rounds: int) -> list[dict[str, Any]]:
    """Median times and errors of all contestants."""
    mean, calls = contestants(n)
    values = {name: call() for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for k in range(rounds):
        for name in calls if k % 2 == 0 else reversed(calls):
            start = time.process_time()
            calls[name]()
            times[name].append(time.process_time() - start)
    found = []
    for name, seconds in times.items():
        error = abs(values[name] - values[OURS]) / mean
        reached = error <= (GAP if name == AUCTION else EXACT)
        found.append(
            {"name": name, "median": statistics.median(seconds), "accuracy": error,
             "reached": reached, "error": ""}
        )  # fmt: skip
    return found


def run(sizes: tuple[int, ...] = SIZES, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """A row for each size: ours beside the fastest solver of general linear programmes."""
    rows = []
    for n in sizes:
        found = measure(n, rounds)
        by_name = {one["name"]: one for one in found}
        general = [one for one in found if one["name"].startswith("linprog") and one["reached"]]
        ours, peer = by_name[OURS]["median"], min(general, key=lambda one: one["median"])
        rows.append(
            {
                "bench": "a plain linear programme",
                "case": f"uniform, n = {n}",
                "threads": 1,
                "what": "processor time (s)",
                "ours": ours,
                "ours_name": OURS,
                "peer": peer["median"],
                "peer_name": peer["name"],
                "ratio": ours / peer["median"],
                "bar": BAR,
                "within": ours / peer["median"] <= BAR,
                "raw": {"contestants": found},
            }
        )
    return rows
