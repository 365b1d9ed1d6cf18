"""Helpers of chapter 12: penalties on finite laws, games, directions, data in specks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import gamma, pi

import numpy as np
import pandas as pd
import torch
from scipy.optimize import minimize
from torch import Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu


def multiquadric(x: Tensor, y: Tensor, C: float = 1.0, p: float = 2.0) -> Tensor:
    """The kernel C / (C + |x - y|^p) of all pairs: (n, d) and (m, d) to (n, m)."""
    return C / (C + (x[:, None] - y).square().sum(2) ** (p / 2))


def discrepancy(a: Tensor, b: Tensor, K: Tensor) -> Tensor:
    """MMD^2 of the laws a and b (r,) on r points with the kernel matrix K (r, r)."""
    return (a - b) @ K @ (a - b)


def spread_of_batches(a: Tensor, b: Tensor, K: Tensor, n: int, m: int) -> Tensor:
    """Variance of the U-statistic of n draws of a and m draws of b, laws on r common points."""
    toward = K @ (a - b)  # what the two laws say of each point
    left, right = K @ a, K @ b

    def pairs(s: Tensor, t: Tensor, from_s: Tensor, from_t: Tensor) -> Tensor:
        centred = K - from_t[:, None] - from_s[None, :] + s @ K @ t
        return s @ centred.square() @ t

    def variance(w: Tensor) -> Tensor:
        return w @ (toward - w @ toward).square()

    return (
        4 * variance(a) / n
        + 4 * variance(b) / m
        + 2 * pairs(a, a, left, left) / (n * (n - 1))
        + 2 * pairs(b, b, right, right) / (m * (m - 1))
        + 4 * pairs(a, b, left, right) / (n * m)
    )


def samples(a: Tensor, n: int) -> Iterator[tuple[list[int], float]]:
    """All samples of n draws from the law a, as numbers of points, with their probabilities."""
    for drawn in product(range(len(a)), repeat=n):
        yield list(drawn), float(a[list(drawn)].prod())


def least_distance(n: int, d: int) -> float:
    """Lower bound of W_2^2 from any n atoms to N(0, I_d): d/(d+2) 2 pi (n v_d)^(-2/d)."""
    ball = pi ** (d / 2) / gamma(d / 2 + 1)
    return d / (d + 2) * 2 * pi * (n * ball) ** (-2 / d)


def best_game(features: Tensor, a: Tensor, b: Tensor) -> float:
    """Value of the game for discriminators whose logits are a combination of features (r, k).

    Codes have the law a, the prior has the law b, both on r points; 2 log 2 is added.
    """

    def loss(c: np.ndarray) -> tuple[float, np.ndarray]:
        at = torch.from_numpy(c).requires_grad_()
        logit = features @ at
        value = b @ torch.nn.functional.logsigmoid(logit)
        value = value + a @ torch.nn.functional.logsigmoid(-logit)
        (slope,) = torch.autograd.grad(-value, at)
        return -value.item(), slope.numpy()

    start = np.zeros(features.shape[1])
    best = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-10})
    return -float(best.fun) + 2 * float(np.log(2.0))


def directions(k: int) -> Tensor:
    """k equally spaced directions (k, 2) of half a turn."""
    angle = torch.arange(k, dtype=torch.float64) * pi / k
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def sliced(x: Tensor, y: Tensor, k: int = 360) -> Tensor:
    """Mean W_2^2 of the projections of x and y (n, 2) to k equally spaced directions."""
    values = [otg.wasserstein_1d(x @ u, y @ u, 2) for u in directions(k)]
    return torch.stack(values).mean()


def steep(x: Tensor, L: float, generator: torch.Generator, pieces: int = 12) -> Tensor:
    """A continuous, piecewise linear function of x (n,) whose slopes are at most L in size."""
    knots = torch.linspace(float(x.min()), float(x.max()) + 1e-9, pieces + 1, dtype=x.dtype)
    slope = L * (2 * torch.rand(pieces, generator=generator, dtype=x.dtype) - 1)
    slope[::2] = L * slope[::2].sign()  # every other piece is as steep as it may be
    rise = torch.cat([slope.new_zeros(1), (slope * knots.diff()).cumsum(0)])
    at = (torch.searchsorted(knots, x, right=True) - 1).clamp(0, pieces - 1)
    values = rise[at] + slope[at] * (x - knots[at])
    return values - values.mean()


def inquiry() -> pd.DataFrame:
    """The ring's auto-encoders at full size, measured once on seeds 1 and 2.

    3 x 128 networks, 1,500 steps of 256; ``benchmarks/findings/ring_autoencoders.md``.
    """
    columns = ["penalty", "encoder", "holes", "gap", "samples"]
    return pd.DataFrame([row.split("|") for row in _INQUIRY], columns=columns).set_index(
        ["penalty", "encoder"]
    )


def trials() -> pd.DataFrame:
    """The compass on five toys on which it was not found: hits, and mean excess of four rules.

    3 penalties, 2 seeds, 5 weights each; ``benchmarks/findings/compass.md``.
    """
    columns = ["penalty", "hits", "compass", "cost", "gap", "squares"]
    return pd.DataFrame([row.split("|") for row in _TRIALS], columns=columns).set_index("penalty")


_TRIALS = (
    "IMQ|2 of 10|0.033|0.081|0.451|0.029",
    "sliced W|0 of 10|0.041|0.040|0.377|0.016",
    "GAN|9 of 10|0.001|0.001|0.001|0.001",
    "all|11 of 30|0.025|0.041|0.276|0.015",
    "worst||0.113|0.346|0.920|0.074",
    "misses|19||||",
    "range||0.08 and 0.48|||",
)

_INQUIRY = (
    "IMQ|no dice|0.89, 0.87|0.39, 0.41|0.36, 0.29",
    "IMQ|Gaussian|0.01, 0.01|0.02, 0.02|4.01, 4.01",
    "IMQ|dice|0.33, 0.33|0.08, 0.08|0.12, 0.12",
    "many scales|no dice|0.82, 0.80|0.37, 0.34|0.26, 0.33",
    "many scales|Gaussian|0.01, 0.01|0.02, 0.02|4.01, 4.01",
    "many scales|dice|0.02, 0.03|0.02, 0.03|0.06, 0.09",
    "sliced W|no dice|0.55, 0.49|0.29, 0.20|0.34, 0.25",
    "sliced W|Gaussian|0.01, 0.02|0.02, 0.02|4.01, 4.01",
    "sliced W|dice|0.03, 0.04|0.03, 0.03|0.07, 0.07",
    "GAN|no dice|0.82, 0.85|0.57, 0.51|0.63, 0.52",
    "GAN|Gaussian|0.13, 0.24|0.15, 0.12|0.35, 0.21",
    "GAN|dice|0.02, 0.05|0.02, 0.02|0.08, 0.10",
)

all_on_cpu(globals())
