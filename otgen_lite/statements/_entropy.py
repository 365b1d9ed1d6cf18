"""Helpers of chapters 3 and 6: primal and dual values, Sinkhorn's iteration, laws on a grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import exp, log, log1p
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq, minimize
from torch import Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu

#: Accuracy of Sinkhorn's iteration where its result is one side of a statement.
TIGHT: dict[str, Any] = {"tol": 1e-11, "max_iter": 200_000}


def entropic_plan(f: Tensor, g: Tensor, C: Tensor, eps: float, a: Tensor, b: Tensor) -> Tensor:
    """K_ij = a_i b_j exp((f_i + g_j - C_ij) / eps)."""
    return a[:, None] * b * ((f[:, None] + g - C) / eps).exp()


def kl(P: Tensor, Q: Tensor) -> Tensor:
    """Sum of P log(P / Q), with 0 log 0 = 0."""
    return torch.special.xlogy(P, P / Q).sum()


def primal(P: Tensor, C: Tensor, eps: float, a: Tensor, b: Tensor) -> Tensor:
    """<P, C> + eps KL(P | a b^T)."""
    return (P * C).sum() + eps * kl(P, a[:, None] * b)


def dual(f: Tensor, g: Tensor, C: Tensor, eps: float, a: Tensor, b: Tensor) -> Tensor:
    """Income of the prices f and g, and a bonus or a fine: eps (1 - the mass of K)."""
    return a @ f + b @ g + eps * (1 - entropic_plan(f, g, C, eps, a, b).sum())


def osc(values: Tensor) -> Tensor:
    """Oscillation: the largest entry less the smallest."""
    return values.max() - values.min()


def rounds(g: Tensor, C: Tensor, eps: float, a: Tensor, b: Tensor) -> Iterator[Tensor]:
    """Sinkhorn's iteration: the prices g after 1, 2, 3, ... rounds, without end."""
    while True:
        f = otg.c_transform(g, C, eps, b)
        g = otg.c_transform(f, C.T, eps, a)
        yield g


def best_semidual(C: Tensor, eps: float, a: Tensor, b: Tensor) -> float:
    """The largest value of the soft semi-dual, by a quasi-Newton method on g."""

    def descent(g: np.ndarray) -> tuple[float, np.ndarray]:
        prices = torch.from_numpy(g).requires_grad_()
        loss = -(a @ otg.c_transform(prices, C, eps, b) + b @ prices)
        (slope,) = torch.autograd.grad(loss, prices)
        return loss.item(), slope.numpy()

    precise = {"maxiter": 10_000, "maxfun": 20_000, "ftol": 0.0, "gtol": 1e-10}
    start = np.zeros(len(b))
    return -float(minimize(descent, start, jac=True, method="L-BFGS-B", options=precise).fun)


def normal_grid(n: int, reach: float = 7.0) -> tuple[Tensor, Tensor]:
    """A grid of n points, and weights on it that stand for the standard normal law."""
    z = torch.linspace(-reach, reach, n, dtype=torch.float64)
    return z, torch.softmax(-(z**2) / 2, dim=0)


def flat_scale(loss: Callable[[Tensor], Tensor], low: float, high: float) -> float:
    """The scale s at which the slope of a loss changes its sign; 0 if it only rises."""

    def slope(s: float) -> float:
        scale = torch.tensor(s, dtype=torch.float64, requires_grad=True)
        (value,) = torch.autograd.grad(loss(scale), scale)
        return float(value)

    return 0.0 if slope(low) >= 0 else float(brentq(slope, low, high, xtol=1e-8))


def log_cosh(t: float) -> float:
    """log cosh t, also where cosh t is too large for a float."""
    return abs(t) + log1p(exp(-2 * abs(t))) - log(2)


def weighted_cov(w: Tensor, y: Tensor) -> Tensor:
    """Covariance (d, d) of points y (m, d) of weights w."""
    centred = y - w @ y
    return (w[:, None] * centred).T @ centred


def gauss_formula(m1: Tensor, S1: Tensor, m2: Tensor, S2: Tensor, eps: float) -> Tensor:
    """The value, as the theorem writes it."""
    lengths, axes = torch.linalg.eigh(S1)
    root = axes * lengths.sqrt() @ axes.T
    squares = torch.linalg.eigvalsh(root @ S2 @ root)  # of the beta_k
    kappa = (squares + eps**2 / 16).sqrt() - eps / 4
    fixed = (m1 - m2).square().sum() + S1.trace() + S2.trace()
    return fixed - 2 * kappa.sum() - eps / 2 * (eps * kappa / (2 * squares)).log().sum()


all_on_cpu(globals())
