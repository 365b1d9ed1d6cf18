"""Costs, and costs less psi, in as many digits as their differences need."""

from __future__ import annotations

from torch import Tensor

from otgen_lite.costs import Cost, cost_matrix, middle

#: Costs of which the smallest is above this share of the largest have lost digits to what they have
#: in common.
_CANCELS = 0.9


def costs(x: Tensor, y: Tensor, cost: Cost) -> Tensor:
    """c(x_i, y_j); in float64 where costs cancel."""
    C = cost_matrix(x, y, cost)
    return cost_matrix(x.double(), y.double(), cost) if _cancels(C) else C


def slack(x: Tensor, y: Tensor, psi: Tensor, cost: Cost) -> Tensor:
    """c(x_i, y_j) - psi_j; in float64, and up to a number for each x, where costs cancel."""
    C = cost_matrix(x, y, cost)
    if not _cancels(C):
        return C - psi
    x, y, psi = x.double(), y.double(), psi.double()
    if cost != "sqeuclidean":
        return cost_matrix(x, y, cost) - psi
    own = middle(y)
    return (y - own).square().sum(dim=1) - psi - 2.0 * (x - own) @ (y - own).T


def _cancels(C: Tensor) -> bool:
    """Whether the part that all costs have in common takes a digit from their differences."""
    low, high = C.detach().aminmax()
    return float(low) > _CANCELS * float(high)
