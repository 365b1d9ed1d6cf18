"""Helpers of chapter 13: shares of modes under maps of a Gaussian."""

from __future__ import annotations

from math import pi, sin

import numpy as np
import torch
from scipy.stats import norm
from torch import Generator, Tensor

from otgen_lite.statements._on_cpu import all_on_cpu

#: Radius of the ring of modes, and how far from its centre a mode reaches.
RADIUS, REACH = 2.0, 0.2


def shifted(p: Tensor, r: float) -> Tensor:
    """Least Gaussian mass of the r-neighbourhood of a set of mass p: Phi(Phi^-1(p) + r)."""
    return torch.special.ndtr(torch.special.ndtri(p) + r)


def bridges(modes: int, gap: float, slope: float) -> Tensor:
    r"""Least share that a map of that slope leaves between equally heavy modes.

    .. math:: 1 - K \, \Phi(\Phi^{-1}(1 / K) - \delta / (2 L))

    Args:
        modes: K >= 2.
        gap: distance of any two modes, delta > 0.
        slope: Lipschitz constant L > 0.
    """
    even = torch.tensor(1.0 / modes, dtype=torch.float64)
    return 1 - modes * shifted(even, -gap / (2 * slope))


def slope_needed(share: float, gap: float) -> float:
    """Least slope with which at most that share lies between two equally heavy modes."""
    return float(gap / (2 * norm.ppf((1 + share) / 2)))


def clipped_shares(gap: float, slope: float) -> Tensor:
    """Shares at both ends of z -> clip(slope z, -gap / 2, gap / 2)."""
    return torch.full((2,), norm.cdf(-gap / (2 * slope)), dtype=torch.float64)


def islands(modes: int, slope: float) -> tuple[Tensor, float, float]:
    """Shares of discs around atoms on a circle under their soft map, their gap, and its slope.

    By symmetry psi = 0 is best, every disc has the same share, and the image of a point depends on
    its angle to the atom and its length: a quadrature over half a sector, in polar coordinates.
    The slope of the soft map is 2 / eps times a covariance of the atoms, which has the largest
    eigenvalue R^2 / 2 at the origin and R^2 sin^2(pi / modes) far out between two neighbours; a
    search over the plane finds nothing larger than the larger of the two.
    """
    eps = 2 * RADIUS**2 * max(0.5, sin(pi / modes) ** 2) / slope
    k = np.arange(modes)
    atoms = RADIUS * np.stack([np.cos(2 * pi * k / modes), np.sin(2 * pi * k / modes)])
    angle = (np.arange(200) + 0.5) / 200 * pi / modes
    length = (np.arange(1200) + 0.5) / 1200 * 9.0
    mass = length * np.exp(-(length**2) / 2)
    z = np.stack([np.outer(np.cos(angle), length), np.outer(np.sin(angle), length)], axis=-1)
    score = 2 / eps * z @ atoms
    share = np.exp(score - score.max(axis=-1, keepdims=True))
    share /= share.sum(axis=-1, keepdims=True)
    near = np.linalg.norm(share @ atoms.T - atoms[:, 0], axis=-1) <= REACH
    held = float((near * mass).sum() / (len(angle) * mass.sum()))
    gap = 2 * RADIUS * sin(pi / modes) - 2 * REACH
    return torch.full((modes,), held / modes, dtype=torch.float64), gap, slope


def lipschitz(generator: Generator, slope: float) -> tuple[Tensor, float, float]:
    """Shares of two half-lines under a random function of that slope of N(0, 1), and their gap.

    The function is piecewise linear with slopes between -L and L; the masses are exact, because
    each piece is solved for its crossings.
    """
    knots = torch.linspace(-4, 4, 33, dtype=torch.float64)
    turns = 2 * torch.rand(32, generator=generator, dtype=torch.float64) - 1
    turns = slope * turns / turns.abs().max()
    height = torch.cat([turns.new_zeros(1), (turns * knots.diff()).cumsum(0)])
    low, high = torch.quantile(height, 0.35), torch.quantile(height, 0.65)
    cut = torch.special.ndtr(knots)
    shares = []
    for level, sign in ((low, -1.0), (high, 1.0)):
        v = sign * (height - level)
        total = cut[0] * (v[0] >= 0) + (1 - cut[-1]) * (v[-1] >= 0)  # constant beyond the knots
        for i in range(32):
            u, w = v[i], v[i + 1]
            if u >= 0 and w >= 0:
                total = total + cut[i + 1] - cut[i]
            elif u >= 0 or w >= 0:
                at = torch.special.ndtr(knots[i] + u / (u - w) * (knots[i + 1] - knots[i]))
                total = total + (at - cut[i] if u >= 0 else cut[i + 1] - at)
        shares.append(total)
    return torch.stack(shares), float(high - low), slope


def furthest_critic(z: Tensor, mean: Tensor, root_inverse: Tensor, K: float) -> Tensor:
    """z + grad D(z) / K for the potential psi of N(0, I) -> N(mean, S), by Newton and autograd.

    D(z) is the largest psi(y) - K/2 |z - y|^2. One step of Newton's method reaches it, because
    psi is quadratic; the slope of D is then taken by autograd through that step.
    """
    z = z.clone().requires_grad_()
    one = torch.eye(z.shape[1], dtype=z.dtype)

    def left(y: Tensor) -> Tensor:
        u = y - mean
        psi = K / 2 * (y.square().sum(1) - ((u @ root_inverse) * u).sum(1))
        return psi - K / 2 * (z - y).square().sum(1)

    start = torch.zeros_like(z).requires_grad_()
    (slope,) = torch.autograd.grad(left(start).sum(), start, create_graph=True)
    H = K * (one - root_inverse) - K * one
    best = start - torch.linalg.solve(H, slope.T).T
    (grad,) = torch.autograd.grad(left(best).sum(), z)
    return (z + grad / K).detach()


def cumulative() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of a fine trapezoidal rule for means under N(0, 1)."""
    t = np.linspace(-10, 10, 400_001)
    return t, norm.pdf(t) * (t[1] - t[0])


all_on_cpu(globals())
