"""Bring every Sinkhorn contestant to the asked accuracy: ``python -m benchmarks.tune_sinkhorn``.

Each method of each peer is given the fewest iterations with which it reaches the asked marginal
error, as the judge measures it: doubling, then halving the interval, off the clock, on one thread.
Time is processor time of one call. Settings and times, fastest first, go to
``settings/sinkhorn.json``; the benchmark measures the fastest again, side by side, and lists the
others with the time taken here. Methods that fail, or that would take far longer than the fastest,
are listed with the reason.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from benchmarks import contest, judge, problems

ASKED = 1e-6
SETTINGS = Path(__file__).resolve().parent / "settings"
SIZES, EPSILONS = (1000, 4000), (1e-2, 1e-3)
BATCH = (64, 128)
#: Slower than this many times the fastest: measured once at few iterations, and projected.
FAR = 20.0

_KINDS = [
    {"backend": backend, "dtype": dtype}
    for backend in ("numpy", "torch", "jax")
    for dtype in ("float64", "float32")
]


def contestants(n: int) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(name, peer, method, setting) of all that solve one problem."""
    found: list[tuple[str, str, str, dict[str, Any]]] = []
    for kind in _KINDS:
        tag = f"{kind['backend']} {kind['dtype']}"
        for method in ("sinkhorn", "sinkhorn_log"):
            found.append((f"POT {method}, {tag}", "pot", "sinkhorn", kind | {"method": method}))
        if kind["backend"] != "jax":
            # With its default (1000) it absorbs in nearly every step, and may end in the middle.
            for tau in (1e10, 1e30):
                setting = kind | {"method": "sinkhorn_stabilized", "more": {"tau": tau}}
                name = f"POT sinkhorn_stabilized, tau {tau:g}, {tag}"
                found.append((name, "pot", "sinkhorn", setting))
    double = {"backend": "numpy", "dtype": "float64"}
    for method in ("sinkhorn_epsilon_scaling", "greenkhorn"):
        found.append((f"POT {method}, numpy", "pot", "sinkhorn", double | {"method": method}))
    found.append(("POT solve, torch float64", "pot", "solve", double | {"backend": "torch"}))
    lazy = {"backend": "torch", "dtype": "float64", "batch_size": 500}
    found.append(("POT solve_sample lazy, torch float64", "pot", "solve_sample", lazy))
    for dtype in ("float64", "float32"):
        for lse in (False, True):
            form = "log" if lse else "kernel"
            base = {"dtype": dtype, "lse_mode": lse}
            found.append((f"OTT {form}, {dtype}", "ott", "sinkhorn", base))
            for momentum in (1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8):
                more = base | {"momentum": momentum}
                found.append((f"OTT {form}, momentum {momentum}, {dtype}", "ott", "sinkhorn", more))
    best = {"dtype": "float64", "lse_mode": True}
    found += [
        ("OTT log, adaptive momentum, float64", "ott", "sinkhorn", best | {"momentum_from": 50}),
        ("OTT log, Anderson 5, float64", "ott", "sinkhorn", best | {"anderson": 5}),
        ("OTT log, points, float64", "ott", "sinkhorn", best | {"points": True}),
        (
            "OTT log, Gaussian start, float64",
            "ott",
            "sinkhorn",
            best | {"initializer": "gaussian", "points": True},
        ),
    ]
    found.append(("GeomLoss ot.solve, float64", "geomloss", "solve", {"dtype": "float64"}))
    return found


def batched() -> list[tuple[str, str, str, dict[str, Any]]]:
    """(name, peer, method, setting) of all that solve a batch; a ``loop`` solves one by one."""
    found: list[tuple[str, str, str, dict[str, Any]]] = []
    for kind in _KINDS:
        tag = f"{kind['backend']} {kind['dtype']}"
        for method in ("sinkhorn", "sinkhorn_log"):
            setting: dict[str, Any] = {**kind, "method": method, "loop": True}
            found.append((f"POT {method} in a loop, {tag}", "pot", "sinkhorn_loop", setting))
        for method in ("sinkhorn", "log_sinkhorn"):
            setting = {**kind, "method": method}
            found.append((f"POT solve_batch {method}, {tag}", "pot", "solve_batch", setting))
    for dtype in ("float64", "float32"):
        for lse in (False, True):
            form = "log" if lse else "kernel"
            base = {"dtype": dtype, "lse_mode": lse}
            found.append((f"OTT vmap, {form}, {dtype}", "ott", "sinkhorn_vmap", base))
            loop = base | {"loop": True}
            found.append((f"OTT {form} in a loop, {dtype}", "ott", "sinkhorn_vmap", loop))
            for momentum in (1.3, 1.5, 1.7):
                more = base | {"momentum": momentum}
                name = f"OTT vmap, {form}, momentum {momentum}, {dtype}"
                found.append((name, "ott", "sinkhorn_vmap", more))
    return found


class Tuner:
    """Finds iteration numbers on one problem."""

    def __init__(self, workers: contest.Workers, name: str, arrays: dict[str, Any]) -> None:
        self.workers, self.arrays = workers, arrays
        self.path = problems.written(name, arrays)
        self.best = float("inf")

    def once(self, row: tuple[str, str, str, dict[str, Any]], n_iter: int) -> tuple[float, float]:
        """Marginal error and processor time of one warmed call."""
        name, peer, method, setting = row
        one = contest.Entry(name, peer, method, setting | {"n_iter": n_iter})
        one.warm = 1 if peer == "ott" else 0  # it compiles for each number of iterations
        contest.race(self.workers, [one], self.path, rounds=1)
        if one.error:
            raise contest.PeerError(one.error)
        error = judge.marginal_error(self.arrays, one.answers[-1])
        return error, one.median("processor time")

    def settle(self, row: tuple[str, str, str, dict[str, Any]], guess: int) -> dict[str, Any]:
        """The fewest iterations, to a few per cent."""
        name, peer, method, setting = row
        record = {"name": name, "peer": peer, "method": method, "setting": setting}
        try:
            few = 5
            _, t_few = self.once(row, few)
            _, t_more = self.once(row, 4 * few)
            pace = max((t_more - t_few) / (3 * few), 1e-7)
            if pace * guess / 4 > FAR * self.best:
                why = f"about {pace * guess:.3g} s at {guess} iterations, projected from {4 * few}"
                return record | {"reached": False, "why": why, "seconds": pace * guess}
            low, high = 0, guess
            error, seconds = self.once(row, high)
            while not error <= ASKED:
                if not math.isfinite(error):
                    return record | {"reached": False, "why": "not finite"}
                if high >= 4 * guess or seconds > FAR * self.best:
                    why = f"error {error:.1e} after {high} iterations, {seconds:.3g} s"
                    return record | {"reached": False, "why": why, "seconds": seconds}
                low, high = high, 2 * high
                error, seconds = self.once(row, high)
            # Who is far behind is not brought to the last per cent.
            while high - low > max(1, high // 25) and pace * low < 4 * self.best:
                middle = (low + high) // 2
                at, took = self.once(row, middle)
                if at <= ASKED:
                    high, error, seconds = middle, at, took
                else:
                    low = middle
        except contest.PeerError as problem:
            return record | {"reached": False, "why": str(problem)}
        self.best = min(self.best, seconds)
        setting = setting | {"n_iter": high}
        return record | {"reached": True, "setting": setting, "seconds": seconds, "error": error}


def tune(key: str, arrays: dict[str, Any], rows: Any, guess: int) -> list[dict[str, Any]]:
    """All contestants of one problem, fastest first."""
    print(key, flush=True)
    found = []
    with contest.Workers(1) as workers:
        tuner = Tuner(workers, key, arrays)
        for row in rows:
            result = tuner.settle(row, guess)
            found.append(result)
            what = (
                f"{result['seconds']:.4g} s, {result['setting']['n_iter']} iterations"
                if result["reached"]
                else result["why"]
            )
            print(f"  {result['name']}: {what}", flush=True)
    return sorted(found, key=lambda r: (not r["reached"], r.get("seconds", math.inf)))


def main() -> int:
    """Tune, and merge what was found into the settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="one key, such as n1000-eps0.01 or batch-eps0.01")
    asked = parser.parse_args()
    path = SETTINGS / "sinkhorn.json"
    for n in SIZES:
        for eps in EPSILONS:
            key = f"n{n}-eps{eps:g}"
            if asked.only in (None, key):
                rows = contestants(n)
                if n == SIZES[-1]:  # those that were near the fastest on the small problem
                    small = json.loads(path.read_text())[f"n{SIZES[0]}-eps{eps:g}"]
                    near = 6 * min(r["seconds"] for r in small if r["reached"])
                    names = {r["name"] for r in small if r["reached"] and r["seconds"] <= near}
                    rows = [r for r in rows if r[0] in names]
                guess = {1e-2: 60, 1e-3: 1600}[eps]
                _write(path, key, tune(key, problems.clouds(n, eps), rows, guess))
    for eps in EPSILONS:
        key = f"batch-eps{eps:g}"
        if asked.only in (None, key):
            guess = {1e-2: 100, 1e-3: 2500}[eps]
            _write(path, key, tune(key, problems.batch(*BATCH, eps), batched(), guess))
    return 0


def _write(path: Path, key: str, found: list[dict[str, Any]]) -> None:
    book = json.loads(path.read_text()) if path.is_file() else {}
    book[key] = found
    SETTINGS.mkdir(exist_ok=True)
    path.write_text(json.dumps(book, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
