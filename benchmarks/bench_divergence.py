"""Value and gradient in x of the Sinkhorn divergence, n = 1000, at one accuracy for all.

The accuracy was fixed before anything was measured: value and gradient (Euclidean norm) within
1e-4, relatively, of a reference that this file solves in plain float64 numpy to a marginal error of
1e-10. Every contestant runs at the cheapest setting that reaches it: peers at the one that
``tune_divergence.py`` found, ours at the best of a few tolerances that are all measured.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp

from benchmarks import contest, judge, problems
from benchmarks.contest import Entry

SIZE = 1000
EPSILONS = (5e-2, 1e-2)
BAR = 0.75
ASKED = 1e-4
SETTINGS = Path(__file__).resolve().parent / "settings" / "divergence.json"


def reference(arrays: dict[str, Any]) -> dict[str, Any]:
    """Value and gradient by the envelope theorem, from log-domain Sinkhorn in numpy."""
    x, y, eps = arrays["x"], arrays["y"], float(arrays["eps"])
    value, gradient = 0.0, np.zeros_like(x)
    for p, q, sign in ((x, y, 1.0), (x, x, -0.5), (y, y, -0.5)):
        cost, plan = _solve(p, q, eps)
        value += sign * cost
        pull = 2.0 * (plan.sum(1)[:, None] * p - plan @ q)
        if p is x:
            gradient += sign * pull
        if p is x and q is x:  # both arguments move; by symmetry the second half is the same
            gradient += sign * pull
    return {"value": value, "gradient": gradient}


def _solve(p: Any, q: Any, eps: float) -> tuple[float, Any]:
    """OT_ε of uniform weights with eps KL(P | a⊗b), and the plan."""
    C = ((p[:, None, :] - q[None, :, :]) ** 2).sum(-1)
    n, m = C.shape
    f, g, same = np.zeros(n), np.zeros(m), p is q
    for _ in range(100_000):
        new = -eps * (logsumexp((g - C) / eps, axis=1) - np.log(m))
        f = (f + new) / 2 if same else new
        g = f if same else -eps * (logsumexp((f - C.T) / eps, axis=1) - np.log(n))
        P = np.exp((f[:, None] + g[None, :] - C) / eps) / (n * m)
        if np.abs(P.sum(1) - 1 / n).sum() + np.abs(P.sum(0) - 1 / m).sum() < 1e-10:
            return float(f.mean() + g.mean()), P
    raise RuntimeError("the reference did not converge")


def stored_reference(eps: float, arrays: dict[str, Any]) -> dict[str, Any]:
    """The reference, computed once."""
    path = problems.OUT / f"reference-divergence-{SIZE}-{eps:g}.npz"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **reference(arrays))
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def ours() -> list[Entry]:
    """This package's contestants."""
    return [
        Entry(
            f"otg.sinkhorn_divergence, tol {10.0**-k:.1e}, {dtype}", "ours", "divergence",
            {"dtype": dtype, "tol": 10.0**-k},
        )
        for dtype in ("float64", "float32")
        for k in (2.5, 2.75, 3.0, 3.25, 3.5, 4.0)
    ]  # fmt: skip


def settle(found: dict[str, Any], entries: list[Entry]) -> None:
    """Mark the contestants that reached the accuracy."""
    for entry in entries:
        if not entry.error:
            entry.accuracy = max(judge.relative_errors(found, entry.answers.pop()))
            entry.reached = entry.accuracy <= ASKED


def run() -> list[dict[str, Any]]:
    """One row an ε and number of threads."""
    tuned = json.loads(SETTINGS.read_text())
    rows = []
    for eps in EPSILONS:
        arrays = problems.clouds(SIZE, eps)
        path = problems.written(f"divergence-eps{eps:g}", arrays)
        found = stored_reference(eps, arrays)
        at = tuned[f"eps{eps:g}"]
        for threads in sorted({1, contest.CORES}):
            entries = ours() + contest.entries_from(at)
            with contest.Workers(threads) as workers:
                contest.race(workers, entries, path)
                settle(found, entries)
            case = f"n = {SIZE}, ε = {eps:g} max C"
            rows.append(
                contest.row("Sinkhorn divergence and gradient", case, threads, entries, BAR)
            )
    return rows
