"""Rates of convergence of the two ascents, against theory; nothing is timed here.

Sinkhorn: in the end one plain iteration shrinks the error by the square of the second singular
value of the plan scaled to unit marginals. Measured: decades an iteration of ours over the second
half of its recorded errors, against those of theory; ours may be faster, but not slower.
Averaged ascent (step C/√k, by ``step=C``): uniform law on [0, 1] to five atoms, whose optimal
potential is known in closed form. Measured: the slope of the root mean square error of the
potential against the number of samples in log-log, over seeds; theory says −1/2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

import otgen_lite as otg
from benchmarks import problems

SLOPE, SLOPE_BAR = -0.5, 0.1
STEPS = (500, 1000, 2000, 4000, 8000)
SEEDS = range(12)
#: First step of the ascent: about one over the curvature of the semi-dual.
STEP = 0.1
ATOMS, MASSES = (0.1, 0.3, 0.45, 0.7, 0.95), (0.1, 0.3, 0.2, 0.25, 0.15)


def sinkhorn_rates(n: int, eps: float) -> tuple[float, float]:
    """Decades an iteration: of ours, and of theory for the plain iteration."""
    arrays = problems.clouds(n, eps)
    C, a, b = (torch.from_numpy(arrays[k]) for k in ("C", "a", "b"))
    found = otg.solve_sinkhorn(C, float(arrays["eps"]), a, b, tol=1e-11, max_iter=100_000)
    errors = np.asarray(found.errors)
    errors = errors[errors[:, 1] > 0]
    late = errors[errors[:, 0] >= errors[-1, 0] / 2]
    measured = -float(np.polyfit(late[:, 0], np.log10(late[:, 1]), 1)[0])
    scaled = found.plan / torch.sqrt(a[:, None] * b[None, :])
    second = float(torch.linalg.svdvals(scaled)[1])
    return measured, -2.0 * math.log10(second)


def ascent_slope() -> tuple[float, list[float]]:
    """Slope in log-log, and the root mean square errors."""
    y = torch.tensor(ATOMS, dtype=torch.float64)[:, None]
    b = torch.tensor(MASSES, dtype=torch.float64)
    _, psi, _ = otg.uniform_to_atoms(y[:, 0], b)
    psi = psi - b @ psi

    def sample(n: int, generator: torch.Generator) -> torch.Tensor:
        return torch.rand(n, 1, generator=generator, dtype=torch.float64)

    samples, errors = [], []
    for steps in STEPS:
        squares, drawn = [], []
        for seed in SEEDS:
            sd = otg.SemiDiscrete(y, b)
            sd.fit(sample, steps=steps, batch_size=16, step=STEP, tol=None, seed=seed)
            squares.append(float(((sd.psi - psi) ** 2).sum()))
            drawn.append(sd.n_samples)
        samples.append(sum(drawn) / len(drawn))
        errors.append(math.sqrt(sum(squares) / len(squares)))
    return float(np.polyfit(np.log(samples), np.log(errors), 1)[0]), errors


def run() -> list[dict[str, Any]]:
    """Rows of measured rates."""
    rows = []
    for eps in (5e-2, 1e-2):
        ours, theory = sinkhorn_rates(300, eps)
        rows.append(
            _row(
                f"Sinkhorn, n = 300, ε = {eps:g} max C", "decades an iteration", ours, theory,
                "theory, plain iteration", f"≥ {0.95:g}", ours / theory >= 0.95,
            )
        )  # fmt: skip
    slope, errors = ascent_slope()
    rows.append(
        _row(
            "averaged ascent, U[0, 1] to five atoms", "slope, log-log", slope, SLOPE, "theory",
            f"{SLOPE} ± {SLOPE_BAR}", abs(slope - SLOPE) <= SLOPE_BAR, errors=errors,
        )
    )  # fmt: skip
    return rows


def _row(
    case: str, what: str, ours: float, theory: float, name: str, bar: str, within: bool, **raw: Any
) -> dict[str, Any]:
    return {
        "bench": "Convergence",
        "case": case,
        "threads": 1,
        "what": what,
        "ours": ours,
        "ours_name": "otgen_lite",
        "peer": theory,
        "peer_name": name,
        "ratio": ours / theory,
        "bar": bar,
        "within": within,
        "raw": raw,
    }
