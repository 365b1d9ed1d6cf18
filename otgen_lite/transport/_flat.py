"""Entropic problems whose eps is far above their costs: all entries of the kernel are nearly 1.

Potentials over eps are then of the size of rounding errors of 1, and so are the plan's row sums
over the weights, less 1. Both are computed here as what they differ from 0 and 1 by.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from otgen_lite.transport._blocks import TINY, Costs, times, times_left

LOG2 = math.log(2.0)

#: Potentials over eps log 2 below which the kernel counts as flat.
FLAT = 1e-2

#: Sweeps, of which each gains the factor (costs / eps)^2.
_SWEEPS = 4


def polished(
    costs: Costs, phi: Tensor, gamma: Tensor, a: Tensor, b: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Both potentials after a few sweeps, the mass of the plan less 1, and its marginal error."""
    for _ in range(_SWEEPS):
        rows, _ = _excess(costs, phi, gamma, a, b)
        phi = phi - torch.log1p(rows) / LOG2
        _, columns = _excess(costs, phi, gamma, a, b)
        gamma = gamma - torch.log1p(columns) / LOG2
        # What both share, with opposite signs, may be far larger than what they are.
        half = ((b * gamma).sum(dim=1) - (a * phi).sum(dim=1)) / 2.0
        phi, gamma = phi + half[:, None], gamma - half[:, None]
    rows, columns = _excess(costs, phi, gamma, a, b)
    error = (a * rows.abs()).sum(dim=1) + (b * columns.abs()).sum(dim=1)
    return phi, gamma, (a * rows).sum(dim=1), error


def _excess(
    costs: Costs, phi: Tensor, gamma: Tensor, a: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    """Row and column sums of the plan over the weights, less 1."""
    rows, columns = torch.empty_like(a), torch.zeros_like(b)
    for part in costs.parts():
        seen = costs.exponents(part, phi, gamma).clamp_(TINY, -TINY)
        kernel = seen.mul_(LOG2).expm1_()
        rows[part] = times(kernel, b[part[0]])
        columns[part[0]] += times_left(a[part], kernel)
    return rows, columns
