"""The semi-dual gap of a potential, measured on a large sample that no contestant has seen.

The reference potential is the mean of two very long averaged ascents in plain numpy, with different
seeds and different steps; it stands in ``settings/reference-*.json``. Gaps are paired differences
on one sample, so the noise of the sample mostly cancels. What either ascent lacks against their
mean, plus the noise of that measurement, is the reference's uncertainty.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import judge, problems

#: (number of steps, batch, the two first steps) of the reference.
EFFORT = {"2-D": (120_000, 1024, (5.0, 10.0)), "64-D": (15_000, 1024, (120.0, 240.0))}
HELD_OUT = 200_000
SETTINGS = Path(__file__).resolve().parent / "settings"


def ascent(problem: dict[str, Any], steps: int, batch: int, step: float, seed: int) -> Any:
    """Averaged stochastic ascent from zero: step C/√k, the last three quarters averaged.

    Cells in float32 (a point near a border may go astray, far below the sampling noise), potentials
    in float64.
    """
    n = len(problem["y"])
    y = problem["y"].astype(np.float32)
    twice, square = np.ascontiguousarray(2.0 * y.T), (y**2).sum(1)
    psi, average, scores = np.zeros(n), np.zeros(n), np.empty((batch, n), np.float32)
    counted = 0
    for k in range(steps):
        x = problems.source(problem, batch, seed * steps + k).astype(np.float32)
        np.matmul(x, twice, out=scores)
        scores += psi.astype(np.float32) - square
        cells = scores.argmax(1)
        psi += step / np.sqrt(1.0 + k) * (1.0 / n - np.bincount(cells, minlength=n) / batch)
        if k >= steps // 4:
            counted += 1
            average += (psi - average) / counted
    return average - average.mean()


class Gap:
    """Gaps of one problem, relative to its largest known semi-dual value."""

    def __init__(self, name: str, problem: dict[str, Any], size: int = HELD_OUT) -> None:
        self.problem = problem
        first, second = references(name, problem)
        self.reference = (first + second) / 2
        self._x = problems.source(problem, size, seed=10**9)
        self._best = judge.semi_dual(problem["y"], self.reference, self._x)
        self.value = float(self._best.mean())
        self.uncertainty = max(
            abs(lack) + error for lack, error in map(self._relative, (first, second))
        )

    def _relative(self, psi: Any) -> tuple[float, float]:
        lacks = self._best - judge.semi_dual(self.problem["y"], psi, self._x)
        error = float(lacks.std()) / np.sqrt(len(lacks))
        return float(lacks.mean()) / self.value, error / self.value

    def __call__(self, psi: Any) -> float:
        """(H* − H(ψ)) / H*, infinite where ψ is not finite."""
        return self._relative(psi)[0] if np.isfinite(psi).all() else float("inf")


def references(name: str, problem: dict[str, Any]) -> tuple[Any, Any]:
    """The two long ascents; computed where nothing is stored, which takes minutes."""
    path = SETTINGS / f"reference-{name}.json"
    if not path.is_file():
        steps, batch, first_steps = EFFORT[name]
        found = [ascent(problem, steps, batch, c, k) for k, c in enumerate(first_steps)]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([[float(f"{p:.9g}") for p in psi] for psi in found]) + "\n")
    first, second = (np.array(psi) for psi in json.loads(path.read_text()))
    return first, second
