"""Log-densities of the toys, differentiable in the points."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from otgen_lite.data import _toy_maps

#: Entries of an array of points times nodes that are held at once.
_BLOCK = 1 << 22

#: Nodes of a panel of the Gauss-Legendre rule, and its length in standard deviations of the noise.
_NODES, _PANEL = 16, 4.0

#: Reach of the density along an arm of the pinwheel, in standard deviations.
_REACH = 12.0


def mixture(x: Tensor, centres: Tensor, std: float) -> Tensor:
    """Equally likely round Gaussians."""
    return _gaussians(x, centres, centres.new_full((len(centres),), -math.log(len(centres))), std)


def noisy_curves(
    x: Tensor, curves: Sequence[Callable[[Tensor], Tensor]], length: float, std: float
) -> Tensor:
    """Equally likely curves, each uniform in its parameter from 0 to 1, with Gaussian noise.

    The integral over the parameter is a sum over the nodes of Gauss-Legendre panels, each shorter
    than 4 standard deviations of the noise where the curve has at most the given length.
    """
    panels = math.ceil(length / (_PANEL * std))
    node, weight = (torch.from_numpy(v).to(x) for v in np.polynomial.legendre.leggauss(_NODES))
    start = torch.arange(panels, dtype=x.dtype, device=x.device)[:, None]
    along = ((start + (node + 1.0) / 2.0) / panels).flatten()
    log_weight = torch.log(weight / (2.0 * panels * len(curves))).repeat(panels)
    centres = torch.cat([curve(along) for curve in curves])
    return _gaussians(x, centres, log_weight.repeat(len(curves)), std)


def circles(x: Tensor, radii: list[float], std: float) -> Tensor:
    r"""Equally likely circles with Gaussian noise.

    The integral over the angle is the Bessel function
    :math:`I_0(r R / \sigma^2) \exp(-(r^2 + R^2) / 2 \sigma^2) / 2 \pi \sigma^2`.
    """
    r = torch.linalg.vector_norm(x, dim=1)
    parts = [
        torch.log(torch.special.i0e(r * R / std**2)) - (r - R).square() / (2.0 * std**2)
        for R in radii
    ]
    constant = math.log(2.0 * math.pi * std**2 * len(radii))
    return torch.stack(parts).logsumexp(dim=0) - constant


def squares(x: Tensor) -> Tensor:
    """Uniform on the black squares of the board over [-2, 2]^2."""
    cell = torch.floor(x.detach()) + 2.0
    black = (cell.sum(dim=1) % 2 == 0) & (cell >= 0).all(dim=1) & (cell <= 3).all(dim=1)
    inside = torch.full_like(x[:, 0], -math.log(8.0))
    return torch.where(black, inside, -math.inf) + 0.0 * x.sum(dim=1)


def pinwheel(x: Tensor, arms: int, twist: float) -> Tensor:
    """The density of the noise over the Jacobian, summed over all noises that lead to x.

    With rho = |x| / 2 and omega the angle of x, the coordinate a along an arm at angle phi solves
    ``a = rho cos(omega - phi - twist e^a)``; then ``b = rho sin(...)`` is the one across, and the
    Jacobian is ``4 |1 - twist e^a b|``. Roots are bracketed on a grid and bisected; Newton
    steps at the end carry the derivatives. Further than 12 standard deviations along an arm the
    density is taken to be 0.
    """
    nodes = math.ceil(512 * max(1.0, 4.0 * abs(twist)))
    rows = max(1, _BLOCK // (arms * nodes))
    return torch.cat([_pinwheel(block, arms, twist, nodes) for block in x.split(rows)])


def _pinwheel(x: Tensor, arms: int, twist: float, nodes: int) -> Tensor:
    rho, omega = torch.linalg.vector_norm(x, dim=1) / 2.0, torch.atan2(x[:, 1], x[:, 0])
    phi = torch.arange(arms, dtype=x.dtype, device=x.device) * (2.0 * math.pi / arms)
    reach = _REACH * _toy_maps.ALONG_STD
    grid = torch.linspace(_toy_maps.ALONG - reach, _toy_maps.ALONG + reach, nodes).to(x)
    with torch.no_grad():
        turn = (omega[:, None] - phi)[:, :, None] - twist * grid.exp()
        negative = grid - rho[:, None, None] * turn.cos() < 0.0
        point, arm, node = torch.nonzero(negative[..., 1:] != negative[..., :-1], as_tuple=True)
        low, high = grid[node].clone(), grid[node + 1].clone()
        rising = negative[point, arm, node]
        for _ in range(52):
            a = (low + high) / 2.0
            left = (
                a - rho[point] * torch.cos(omega[point] - phi[arm] - twist * a.exp()) < 0.0
            ) == rising
            low, high = torch.where(left, a, low), torch.where(left, high, a)
        a = (low + high) / 2.0
    for _ in range(2):  # the first carries the derivative, both together that of the derivative
        angle = omega[point] - phi[arm] - twist * a.exp()
        slope = 1.0 - twist * a.exp() * rho[point] * angle.sin()  # also a quarter of the Jacobian
        a = a - (a - rho[point] * angle.cos()) / slope
    angle = omega[point] - phi[arm] - twist * a.exp()
    b = rho[point] * angle.sin()
    log = -((a - _toy_maps.ALONG) / _toy_maps.ALONG_STD).square() / 2.0
    log = (
        log
        - (b / _toy_maps.ACROSS_STD).square() / 2.0
        - torch.log((1.0 - twist * a.exp() * b).abs())
    )
    constant = math.log(8.0 * math.pi * _toy_maps.ALONG_STD * _toy_maps.ACROSS_STD * arms)
    return _logsumexp_at(point, log, len(x)) - constant


def _logsumexp_at(index: Tensor, log: Tensor, n: int) -> Tensor:
    """log of the sum of exp(log) over equal indices; -inf where there is none."""
    top = log.new_full((n,), -math.inf)
    top = top.scatter_reduce(0, index, log.detach(), "amax")
    total = log.new_zeros(n).index_add(0, index, torch.exp(log - top[index]))
    return torch.where(total > 0, torch.log(total.clamp(min=0.5)) + top, -math.inf)


def _gaussians(x: Tensor, centres: Tensor, log_weight: Tensor, std: float) -> Tensor:
    """log sum_j w_j N(x; c_j, std^2), a block of points at a time."""
    out = []
    for block in x.split(max(1, _BLOCK // len(centres))):
        squared = sum((block[:, k, None] - centres[:, k]).square() for k in range(centres.shape[1]))
        out.append(torch.logsumexp(log_weight - squared / (2.0 * std**2), dim=1))
    return torch.cat(out) - math.log(2.0 * math.pi * std**2)
