"""Helpers of chapter 6: ties, one-sided slopes of both formulas, and where descent ends."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Generator, Tensor

import otgen_lite as otg
from otgen_lite.statements._on_cpu import all_on_cpu
from otgen_lite.statements.kantorovich import highs, margins

#: Offers less than this above the best one tie with it; costs are of order one.
TIE = 1e-9


def even(n: int) -> Tensor:
    """Equal weights."""
    return torch.full((n,), 1 / n, dtype=torch.float64)


def lattice(generator: Generator, n: int, d: int) -> Tensor:
    """Different points (n, d) of a small cubic lattice, or on the line of whole numbers."""
    side = 2 * n if d == 1 else 3
    cells = torch.cartesian_prod(*[torch.arange(side)] * d).reshape(-1, d)
    return cells[torch.randperm(len(cells), generator=generator)[:n]].double()


def ties(x: Tensor, y: Tensor, psi: Tensor) -> Tensor:
    """(n, m) which offers c(x, y_j) - psi_j are the best, up to rounding."""
    slack = otg.cost_matrix(x, y) - psi
    return slack <= slack.amin(dim=1, keepdim=True) + TIE


def rates(x: Tensor, y: Tensor, v: Tensor) -> Tensor:
    """(n, m) slopes of the squared costs when the points x move in the directions v."""
    return 2 * ((x[:, None] - y) * v[:, None]).sum(dim=2)


def slope_of_formula(x: Tensor, y: Tensor, a: Tensor, psi: Tensor, v: Tensor) -> Tensor:
    """One-sided slope of the semi-dual with psi held still: at a tie the lowest rate counts."""
    d = rates(x, y, v).masked_fill(~ties(x, y, psi), torch.inf)
    return a @ d.amin(dim=1)


def slope_of_cost(
    x: Tensor, y: Tensor, a: Tensor, b: Tensor, psi: Tensor, v: Tensor
) -> tuple[Tensor, Tensor]:
    """Least and largest rate of a cheapest plan: the plans that use only the best offers."""
    d, allowed = rates(x, y, v).ravel(), ties(x, y, psi).ravel().numpy()
    rows = margins(len(a), len(b))
    bounds = np.stack([np.zeros(len(d)), allowed.astype(float)], axis=1)
    found = [
        highs(sign * d.numpy(), A_eq=rows, b_eq=torch.cat([a, b]).numpy(), bounds=bounds)
        for sign in (1, -1)
    ]
    return d.new_tensor(found[0].fun), d.new_tensor(-found[1].fun)


def right(function: Callable[[float], Tensor], h: float = 1e-4) -> Tensor:
    """Right derivative at 0, by two quotients; exact for a function that is quadratic up to h."""
    start = function(0.0)
    return 4 * (function(h / 2) - start) / h - (function(h) - start) / h


def settle(x: Tensor, y: Tensor, a: Tensor, b: Tensor, rounds: int = 200) -> Tensor:
    """Each point to the mean of what it gets by a cheapest plan, until nothing moves."""
    for _ in range(rounds):
        plan = otg.solve_exact(otg.cost_matrix(x, y), a, b).plan
        new = plan @ y / a[:, None]
        if torch.equal(new, x):
            break
        x = new
    return x


def nearest_on_slices(along: Tensor, up: Tensor, s: Tensor, y: Tensor) -> Tensor:
    """Mean squared distance to the nearer pole on each slice t along + s up, |t| <= 1.

    A slice is cut where it meets the border between the poles; two nodes are exact on each part.
    """
    cut = (-s * up[1] / along[1]).clamp(-1, 1) if along[1].abs() > 1e-12 else torch.zeros_like(s)
    ends = torch.stack([-torch.ones_like(s), cut, torch.ones_like(s)], dim=1)
    half, middle = (ends[:, 1:] - ends[:, :-1]) / 2, (ends[:, 1:] + ends[:, :-1]) / 2
    gauss = s.new_tensor([-1.0, 1.0]) / 3**0.5
    t = middle[..., None] + half[..., None] * gauss
    x = t[..., None] * along + s[:, None, None, None] * up
    least = otg.cost_matrix(x.reshape(-1, 2), y).amin(dim=1).reshape(t.shape)
    return (least.mean(dim=2) * half).sum(dim=1)


def not_alone_before(y: Tensor) -> tuple[float, Tensor]:
    """An eps up to which some model beats the mean of equally likely y (m, d), and a witness u.

    A climb of 4 log E exp <u, Y - m> / |u|^2 from both sides of the first principal axis: what it
    finds is a bound from below for the eps from which the mean is best.
    """
    centred = y - y.mean(dim=0)
    cov = centred.T @ centred / len(y)
    first = torch.linalg.eigh(cov)[1][:, -1]

    def descend(at: np.ndarray) -> tuple[float, np.ndarray]:
        u = torch.from_numpy(at).requires_grad_()
        if float(at @ at) < 1e-6 * length**2:  # its limit at 0, where the quotient is all rounding
            loss = -2 * (u @ cov @ u) / (u @ u)
        else:
            loss = -4 * (torch.logsumexp(centred @ u, dim=0) - log(len(y))) / (u @ u)
        (slope,) = torch.autograd.grad(loss, u)
        return loss.item(), slope.numpy()

    length = float(cov.trace()) ** -0.5
    found = [
        minimize(descend, (far * length * first).numpy(), jac=True, method="L-BFGS-B")
        for far in (-3.0, -1.0, -0.1, 0.1, 1.0, 3.0)
    ]
    best = min(found, key=lambda one: one.fun)
    return -float(best.fun), torch.from_numpy(best.x)


all_on_cpu(globals())
