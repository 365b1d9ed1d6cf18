"""Statements of chapter 11 about encoders that overlap, and what the decoder makes of it.

The tolerances are those of ``statements.blur``, and were fixed before anything was run.
"""

from __future__ import annotations

from math import log, pi, sqrt

import numpy as np
import torch
from scipy.optimize import brentq, minimize_scalar
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._blur import best_mixture, logistic
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.blur import CODES, column, posterior
from otgen_lite.statements.kantorovich import Sides, masses, points
from otgen_lite.statements.registry import BOOK, statement

DECODERS = [
    {"n": 2, "m": 2, "d": 1},
    {"n": 5, "m": 3, "d": 2},
    {"n": 3, "m": 8, "d": 4},
    {"n": 12, "m": 6, "d": 3},
    {"n": 20, "m": 20, "d": 8},
]
FORKS = [{"var": var} for var in (0.1, 0.25, 0.5, 0.8, 0.9, 1.0, 1.5)]
PAIRS = [
    {"n": 1, "m": 0.8, "v": 0.5},
    {"n": 2, "m": 0.9, "v": 0.2},
    {"n": 3, "m": 0.5, "v": 0.7},
    {"n": 2, "m": 0.0, "v": 1.0},
    {"n": 4, "m": 0.6, "v": 1.4},
]


@statement("prop-blur-mean", chapter=11, source="bousquet_2017", tol=1e-9, sizes=DECODERS)
def mean_decoder(generator: Generator, n: int, m: int, d: int) -> Sides:
    """Best decoder by least squares = posterior mean; excess cost, variance lost; the tanh."""
    x, a = points(generator, n, d), masses(generator, n)
    P = torch.rand(n, m, generator=generator, dtype=torch.float64) ** 3
    P = a[:, None] * P / P.sum(1, keepdim=True)
    q = P.sum(0)
    G = P.T @ x / q[:, None]

    def cost(decoder: Tensor) -> Tensor:
        return (P * otg.cost_matrix(x, decoder)).sum()

    rows = P.sqrt().T.reshape(-1, 1) * torch.eye(m, dtype=P.dtype).repeat_interleave(n, dim=0)
    # The default driver pivots, and not always alike; this one gives the same bits every time.
    sides = P.sqrt().T.reshape(-1, 1) * x.repeat(m, 1)
    found = torch.linalg.lstsq(rows, sides, driver="gels").solution
    other = points(generator, m, d)
    excess = q @ (other - G).square().sum(1)
    varied = [w @ y.square().sum(1) - (w @ y).square().sum() for w, y in ((a, x), (q, G))]
    z, mu, v = (float(t) for t in torch.rand(3, generator=generator) + 0.2)
    chance = [np.exp(-((z - mu * y) ** 2) / (2 * v)) for y in (1.0, -1.0)]
    slope = lambda g: chance[0] * (g - 1) + chance[1] * (g + 1)  # noqa: E731
    two = [brentq(slope, -1.0, 1.0, xtol=1e-14), np.tanh(mu * z / v)]
    lhs = torch.cat([found.ravel(), torch.stack([cost(other), varied[1]]), G.new_tensor(two[:1])])
    rhs = [cost(G) + excess, varied[0] - cost(G)]
    return lhs, torch.cat([G.ravel(), torch.stack(rhs), G.new_tensor(two[1:])])


def fork(var: float) -> float:
    """The largest root of g = tanh(g / var)."""
    if var >= 1:
        return 0.0
    return float(brentq(lambda g: np.tanh(g / var) - g, 1e-9 + 0.5 * sqrt(1 - var) * var, 1.0))


@statement("prop-blur-pitchfork", chapter=11, source=BOOK, tol=1e-9, sizes=FORKS)
def pitchfork(generator: Generator, var: float) -> Sides:
    """Best mixture of four free codes, best code alone, wrong code = those of g = tanh(g/var)."""
    g = fork(var)
    peak = log(np.cosh(g / var)) - (1 + g**2) / (2 * var) - log(2 * pi * var) / 2
    found = best_mixture(generator, var)
    alone = minimize_scalar(
        lambda u: (1 + u**2) / (2 * var) - log(np.cosh(u / var)),
        bounds=(0.0, 1.2), method="bounded", options={"xatol": 1e-9},
    )  # fmt: skip
    least = (1 + g**2) / (2 * var) - log(np.cosh(g / var))
    ends, half = torch.tensor([[-1.0], [1.0]]).double(), torch.tensor([0.5, 0.5]).double()
    wrong = posterior(otg.cost_matrix(ends, g * ends), half, 2 * var)[0, 1]
    return column([found, alone.fun, wrong]), column([-peak, least, (1 - g) / 2])


@statement("prop-blur-avb", chapter=11, source="mescheder_2017", tol=1e-6, sizes=PAIRS)
def contrast(generator: Generator, n: int, m: float, v: float) -> Sides:
    """Quadratic logistic regression on a quadrature: coefficients = T*; its mean = the rate."""
    x, a = points(generator, n, 1)[:, 0], masses(generator, n)
    z = torch.linspace(-14, 14, 5601, dtype=torch.float64)
    h = z[1] - z[0]
    ours = (-(z - m * x[:, None]).square() / (2 * v)).exp() * h / sqrt(2 * pi * v)
    theirs = (-z.square() / 2).exp().expand(n, -1) * h / sqrt(2 * pi)
    found, value = logistic(z, a, ours, theirs)
    exact = torch.stack(
        [-x.square() * m**2 / (2 * v) - log(v) / 2, m * x / v, 0 * x + 0.5 - 0.5 / v], dim=1
    )
    T = exact @ torch.stack([z**0, z, z**2])
    rate = a @ (ours * T).sum(1)
    middle = (ours + theirs) / 2
    js = (a @ (torch.xlogy(ours, ours / middle) + torch.xlogy(theirs, theirs / middle)).sum(1)) / 2
    closed = a @ (m**2 * x.square() + v - 1 - log(v)) / 2
    lhs = torch.cat([found.ravel(), torch.stack([value.new_tensor(float(value)), rate])])
    return lhs, torch.cat([exact.ravel(), torch.stack([2 * log(2) - 2 * js, closed])])


@statement("prop-blur-overlap", chapter=11, source=BOOK, tol=1e-12, relation="<=", sizes=CODES)
def overlap(generator: Generator, n: int, m: int, d: int, var: float) -> Sides:
    """exp(-R^2 / 2 var) <= what the best encoders of two data share; R^2 is the largest cost."""
    x, made = 0.5 * points(generator, n + 1, d), 0.5 * points(generator, m, d)
    C = otg.cost_matrix(x, made)
    Q = posterior(C, masses(generator, m), 2 * var)
    shared = torch.minimum(Q[:, None], Q[None]).sum(2)
    bound = (-torch.maximum(C.amax(1)[:, None], C.amax(1)[None]) / (2 * var)).exp()
    off = torch.triu_indices(n + 1, n + 1, offset=1)
    return bound[off[0], off[1]], shared[off[0], off[1]]


all_on_cpu(globals())
