"""Statement of chapter 3 on collapse: when a single point is the best of all models.

Points and masses of the random instances are of order one. The tolerance, 1e-6, is that of an
extrapolated difference quotient with steps 1e-3 and less, of values known to 1e-11.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._entropy import TIGHT
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import Sides, masses, points
from otgen_lite.statements.registry import BOOK, statement

LAWS = [
    {"m": 2, "d": 1},
    {"m": 4, "d": 1},
    {"m": 5, "d": 2},
    {"m": 9, "d": 2},
    {"m": 8, "d": 3},
]


def rate(u: Tensor, y: Tensor, b: Tensor, eps: float) -> Tensor:
    """eps (eps |u|^2 / 4 - log E exp <u, Y - m>), for atoms y (m, d) of weights b."""
    return eps * (eps * u.square().sum() / 4 - torch.logsumexp((y - b @ y) @ u + b.log(), dim=0))


def best_alone(y: Tensor, b: Tensor) -> tuple[float, Tensor]:
    """The least eps at which the mean is the best of all models, and the u that asks for it.

    It is the largest 4 log E exp <u, Y - m> / |u|^2, climbed from several u towards each atom.
    """
    centred = y - b @ y

    def descend(at: np.ndarray) -> tuple[float, np.ndarray]:
        u = torch.from_numpy(at).to(y.device).requires_grad_()
        loss = -4 * torch.logsumexp(centred @ u + b.log(), dim=0) / (u @ u)
        (slope,) = torch.autograd.grad(loss, u)
        return loss.item(), slope.cpu().numpy()

    away = centred[centred.norm(dim=1) > 1e-9]  # an atom at the mean shows no direction
    towards = away / away.square().sum(dim=1, keepdim=True)
    starts = (length * row.cpu().numpy() for row in towards for length in (1.0, 4.0))
    precise = {"gtol": 1e-10}
    found = [minimize(descend, s, jac=True, method="BFGS", options=precise) for s in starts]
    best = min(found, key=lambda one: one.fun)
    return -float(best.fun), torch.from_numpy(best.x).to(y.device)


def two_atoms(y: Tensor, b: Tensor, eps: float, u: Tensor) -> tuple[Tensor, Tensor]:
    """Two points (2, d) and weights (2,): the best rows for them, then the best of both, in turn.

    It starts with a tenth of the mass at m + eps u / 2, and the rest at the mean m. No turn makes
    the cost larger.
    """
    mean = b @ y
    x, w = torch.stack([mean, mean + eps / 2 * u]), y.new_tensor([0.9, 0.1])
    for _ in range(300):
        share = b[:, None] * torch.softmax(w.log() - otg.cost_matrix(y, x) / eps, dim=1)
        w = share.sum(dim=0)
        x = share.T @ y / w[:, None]
    return x, w


@statement("prop-best-point", chapter=3, source=BOOK, tol=1e-6, sizes=LAWS)
def best_point(generator: Generator, m: int, d: int) -> Sides:
    """Rate at which the cost rises = formula; the mean is beaten below the threshold, not above."""
    y, b, u = points(generator, m, d), masses(generator, m), points(generator, 1, d)[0]
    mean = b @ y
    alone = b @ (y - mean).square().sum(dim=1)

    def saved(x: Tensor, w: Tensor, eps: float) -> Tensor:
        return alone - otg.solve_sinkhorn(otg.cost_matrix(x, y), eps, w, b, **TIGHT).value

    def quotient(t: float) -> Tensor:
        x = torch.stack([mean, mean + u / 2])  # eps = 1
        return -saved(x, y.new_tensor([1 - t, t]), 1.0) / t

    a, h, q = (quotient(t) for t in (1e-3, 5e-4, 2.5e-4))
    slope = (a - 6 * h + 8 * q) / 3  # takes the terms of first and second order off
    eps, worst = best_alone(y, b)
    gain = saved(*two_atoms(y, b, 0.9 * eps, worst), 0.9 * eps)
    tried = [two_atoms(y, b, 1.001 * eps, s * worst) for s in (0.5, 1.0, 2.0)]
    cloud = (mean + 0.3 * points(generator, 6, d), masses(generator, 6))
    loss = torch.stack([saved(*model, 1.001 * eps) for model in [*tried, cloud]])
    lhs = [slope, (gain > 1e-6).double(), loss.clamp(min=0).max()]
    return torch.stack(lhs), torch.stack([rate(u, y, b, 1.0), *y.new_tensor([1.0, 0.0])])


all_on_cpu(globals())
