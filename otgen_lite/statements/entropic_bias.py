"""Statements of chapter 3 on bias: Gaussians that shrink, and the divergence that keeps them.

The tolerances follow from the two routes, and were fixed before anything was run:

- 1e-9 where one side is Sinkhorn's iteration, stopped at a marginal error of 1e-11;
- 1e-6 where one side is a sum over a grid that stands for an integral and is cut off at seven
  standard deviations;
- 1e-5 where one side is itself a limit: the place of a zero of a slope, a second difference.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._entropy import (
    TIGHT,
    flat_scale,
    gauss_formula,
    normal_grid,
    osc,
    weighted_cov,
)
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.distances import spd
from otgen_lite.statements.entropy import CLOUDS
from otgen_lite.statements.kantorovich import Sides, masses, points
from otgen_lite.statements.registry import BOOK, statement

GAUSSIANS = [
    {"d": 1, "eps": 0.5},
    {"d": 1, "eps": 3.0},
    {"d": 2, "eps": 1.0},
    {"d": 3, "eps": 0.2},
    {"d": 5, "eps": 2.0},
]


SPREADS = [
    {"scale": 1.0, "eps": 0.4},
    {"scale": 1.0, "eps": 1.6},
    {"scale": 2.0, "eps": 3.0},
    {"scale": 0.6, "eps": 0.5},
    {"scale": 0.5, "eps": 0.7},
]


DIVERGENCES = [
    {"n": 1, "m": 3, "d": 1, "eps": 0.3, "cost": "sqeuclidean"},
    {"n": 8, "m": 6, "d": 2, "eps": 0.5, "cost": "euclidean"},
    {"n": 12, "m": 15, "d": 2, "eps": 2.0, "cost": "sqeuclidean"},
    {"n": 20, "m": 20, "d": 3, "eps": 0.4, "cost": "euclidean"},
    {"n": 25, "m": 10, "d": 5, "eps": 5.0, "cost": "sqeuclidean"},
]


@statement("thm-entropic-gauss", chapter=3, source="janati_2020", tol=1e-6, sizes=GAUSSIANS)
def entropic_gauss(generator: Generator, d: int, eps: float) -> Sides:
    """The theorem = best cross-covariance (quasi-Newton) = Sinkhorn on a grid, on the line."""
    (m1, m2), S1, S2 = points(generator, 2, d), spd(generator, d), spd(generator, d)
    C1, C2 = torch.linalg.cholesky(S1), torch.linalg.cholesky(S2)
    fixed = (m1 - m2).square().sum() + S1.trace() + S2.trace()

    def loss(entries: np.ndarray) -> tuple[float, np.ndarray]:
        A = torch.from_numpy(entries).reshape(d, d).requires_grad_()
        gram = torch.eye(d, dtype=torch.float64) + A.T @ A
        root = torch.linalg.cholesky(gram)
        R = torch.linalg.solve_triangular(root, A.T, upper=False).T  # any matrix of norm below 1
        value = fixed - 2 * (C1 @ R @ C2.T).trace() + eps / 2 * torch.logdet(gram)
        (slope,) = torch.autograd.grad(value, A)
        return value.item(), slope.numpy().ravel()

    start = 0.1 * np.eye(d).ravel()
    precise = {"maxiter": 1000, "ftol": 0.0, "gtol": 1e-10}
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options=precise).fun
    (zx, a), (zy, b) = normal_grid(150), normal_grid(161)
    x, y = m1[0] + S1[0, 0].sqrt() * zx, m2[0] + S2[0, 0].sqrt() * zy
    grid = otg.solve_sinkhorn_points(x[:, None], y[:, None], eps, a=a, b=b, **TIGHT).value
    first = otg.entropic_gaussian(m1[:1], S1[:1, :1], m2[:1], S2[:1, :1], eps)
    whole = otg.entropic_gaussian(m1, S1, m2, S2, eps)
    lhs = torch.stack([gauss_formula(m1, S1, m2, S2, eps), whole, first])
    return lhs, torch.stack([whole, torch.tensor(float(best), dtype=torch.float64), grid])


@statement("prop-shrink", chapter=3, source=BOOK, tol=1e-5, sizes=SPREADS)
def shrink(generator: Generator, scale: float, eps: float) -> tuple[float, float]:
    """Zero of the slope of Sinkhorn's value in the scale, and the formula."""
    (zx, wx), (zy, wy) = normal_grid(120), normal_grid(131)
    shift = torch.rand(1, generator=generator, dtype=torch.float64)  # means do not matter

    def loss(s: Tensor) -> Tensor:
        x, y = (shift + s * zx)[:, None], (shift + scale * zy)[:, None]
        return otg.solve_sinkhorn(otg.cost_matrix(x, y), eps, wx, wy, **TIGHT).value

    return flat_scale(loss, 1e-3, 2 * scale), sqrt(max(scale**2 - eps / 2, 0.0))


@statement("prop-threshold", chapter=3, source=BOOK, tol=1e-5, sizes=CLOUDS)
def threshold(generator: Generator, n: int, m: int, d: int, eps: float) -> Sides:
    """Second differences of W_eps at a single grain that is spread by t z, and the formula."""
    z, y = points(generator, n, d), points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    mean = b @ y
    z = z - a @ z

    def rise(t: float) -> Tensor:
        C = otg.cost_matrix(mean + t * z, y)
        return otg.solve_sinkhorn(C, eps, a, b, **TIGHT).value - b @ (y - mean).square().sum(1)

    # The expansion is one in t / eps; the last line takes its term of fourth order off.
    coarse, fine = ((rise(t) + rise(-t)) / (2 * t**2) for t in (eps / 100, eps / 200))
    Z, S = weighted_cov(a, z), weighted_cov(b, y)
    return (4 * fine - coarse) / 3, Z.trace() - 2 / eps * (Z @ S).trace()


@statement(
    "thm-debiased", chapter=3, source="feydy_2019",
    tol=1e-9, relation="<=", sizes=DIVERGENCES,
)  # fmt: skip
def debiased(generator: Generator, n: int, m: int, d: int, eps: float, cost: str) -> Sides:
    """eps/2 times a squared distance of kernels <= S_eps; and S_eps = 0 between equals."""
    x, y = points(generator, n, d), 0.3 + points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    S = otg.sinkhorn_divergence(x, y, eps, cost, a, b, **TIGHT)
    itself = otg.sinkhorn_divergence(x, x, eps, cost, a, a, **TIGHT)
    tilted = []
    for z, w, sign in ((x, a, 1), (y, b, -1)):
        f, g = otg.solve_sinkhorn(otg.cost_matrix(z, z, cost), eps, w, w, **TIGHT).potentials
        tilted.append(sign * w * ((f + g) / (2 * eps)).exp())
    w, z = torch.cat(tilted), torch.cat([x, y])
    square = w @ (-otg.cost_matrix(z, z, cost) / eps).exp() @ w
    zero = torch.zeros_like(S)
    return torch.stack([eps / 2 * square, itself, -itself]), torch.stack([S, zero, zero])


@statement("cor-unbiased", chapter=3, source=BOOK, tol=1e-5, sizes=SPREADS)
def unbiased(generator: Generator, scale: float, eps: float) -> tuple[float, float]:
    """Zero of the slope of the Sinkhorn divergence in the scale; the scale of the data."""
    (zx, wx), (zy, wy) = normal_grid(120), normal_grid(131)
    shift = torch.rand(1, generator=generator, dtype=torch.float64)

    def loss(s: Tensor) -> Tensor:
        x, y = (shift + s * zx)[:, None], (shift + scale * zy)[:, None]
        return otg.sinkhorn_divergence(x, y, eps, "sqeuclidean", wx, wy, **TIGHT)

    return flat_scale(loss, 0.1 * scale, 2 * scale), scale


@statement(
    "prop-debiased-limits", chapter=3, source="feydy_2019",
    tol=1e-9, relation="<=", sizes=DIVERGENCES,
)  # fmt: skip
def debiased_limits(generator: Generator, n: int, m: int, d: int, eps: float, cost: str) -> Sides:
    """|S_eps - W| <= eps times an entropy; |S_eps - its limit| <= osc^2 / 8 eps."""
    x, y = points(generator, n, d), points(generator, m, d)
    a, b = masses(generator, n), masses(generator, m)
    S = otg.sinkhorn_divergence(x, y, eps, cost, a, b, **TIGHT)
    xy, xx, yy = (otg.cost_matrix(*pair, cost) for pair in ((x, y), (x, x), (y, y)))
    W = otg.solve_exact(xy, a, b).value
    independent = a @ xy @ b - (a @ xx @ a + b @ yy @ b) / 2
    entropies = -torch.stack([(w * w.log()).sum() for w in (a, b)])
    bounds = [eps * entropies.max(), max(osc(C) for C in (xy, xx, yy)) ** 2 / (8 * eps)]
    return torch.stack([(S - W).abs(), (S - independent).abs()]), torch.stack(bounds)


all_on_cpu(globals())
