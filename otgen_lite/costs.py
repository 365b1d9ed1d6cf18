"""Costs: what moving a point x to a point y is worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from otgen_lite import _checks

#: A known name, or a function ``(n, d), (m, d) -> (n, m)``.
Cost: TypeAlias = str | Callable[[Tensor, Tensor], Tensor]

#: The known names, as in :func:`scipy.spatial.distance.cdist`.
NAMES = ("sqeuclidean", "euclidean", "cityblock")

#: Up to this dimension squared differences are summed one coordinate at a time.
_DIRECT_UP_TO = 8

#: Rows that a callable cost sees at once in :func:`paired_cost`.
_BLOCK = 32


def cost_matrix(x: Any, y: Any, cost: Cost = "sqeuclidean") -> Tensor:
    r"""All costs :math:`C_{ij} = c(x_i, y_j)` between two sets of points.

    - ``"sqeuclidean"``: :math:`\|x_i - y_j\|^2`, **never halved**;
    - ``"euclidean"``: :math:`\|x_i - y_j\|`;
    - ``"cityblock"``: :math:`\sum_k |x_{ik} - y_{jk}|`;
    - a callable ``(n, d), (m, d) -> (n, m)``.

    Differentiable in ``x`` and ``y``; where the Euclidean distance is zero the gradient is taken
    to be zero. Squared distances are summed coordinate by coordinate up to dimension 8 and
    otherwise expanded into a matrix product after centring; the latter is exact up to rounding
    errors relative to the squared diameter of the points, not to each distance.

    Args:
        x: (n, d) points.
        y: (m, d) points.
        cost: a name or a callable.

    Returns:
        (n, m) tensor in the common type of ``x`` and ``y``, on their device. Its unit is the
        square of the points' unit for ``"sqeuclidean"``, and their unit for the other names.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or the name is unknown.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`peyre_2019`. Chapter: 1.

    Example:
        >>> cost_matrix([[0.0, 0.0], [3.0, 0.0]], [[0.0, 4.0]])
        tensor([[16.],
                [25.]], dtype=torch.float64)
        >>> cost_matrix([[0.0], [3.0]], [[1.0]], cost=lambda x, y: (x - y.T).abs() ** 3)
        tensor([[1.],
                [8.]], dtype=torch.float64)
    """
    x, y = _checks.pair(x, y)
    if callable(cost):
        return _called(cost, x, y)
    name = _name(cost)
    if name == "sqeuclidean":
        return _squared(x, y)
    # This mode sums differences: the matrix product would lose half the digits at short distances.
    p = 2.0 if name == "euclidean" else 1.0
    return torch.cdist(x, y, p=p, compute_mode="donot_use_mm_for_euclid_dist")


def paired_cost(x: Any, y: Any, cost: Cost = "sqeuclidean") -> Tensor:
    r"""The costs :math:`c(x_i, y_i)` of points taken in pairs.

    Args:
        x: (n, d) points.
        y: (n, d) points.
        cost: as in :func:`cost_matrix`; a callable still maps ``(n, d), (m, d)`` to ``(n, m)``,
            and is called on short blocks of which the diagonals are kept.

    Returns:
        (n,) tensor.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or the name is unknown.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`peyre_2019`. Chapter: 1.

    Example:
        >>> paired_cost([[0.0, 0.0], [3.0, 0.0]], [[0.0, 4.0], [3.0, 1.0]], cost="euclidean")
        tensor([4., 1.], dtype=torch.float64)
    """
    x, y = _checks.pair(x, y)
    if x.shape[0] != y.shape[0]:
        raise ValueError(
            f"x and y must hold the same number of points, got {x.shape[0]} and {y.shape[0]}"
        )
    if callable(cost):
        blocks = zip(x.split(_BLOCK), y.split(_BLOCK), strict=True)
        return torch.cat([_called(cost, xs, ys).diagonal() for xs, ys in blocks])
    name = _name(cost)
    difference = x - y
    if name == "sqeuclidean":
        return difference.square().sum(dim=1)
    return torch.linalg.vector_norm(difference, ord=2 if name == "euclidean" else 1, dim=1)


def _name(cost: Any) -> str:
    if not isinstance(cost, str):
        raise TypeError(f"cost must be a name or a callable, got {cost!r}")
    return _checks.choice("cost", cost, NAMES)


def _called(cost: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    out = cost(x, y)
    shape = (x.shape[0], y.shape[0])
    if not isinstance(out, Tensor):
        raise TypeError(f"cost must return a tensor of shape {shape}, got {type(out).__name__}")
    if tuple(out.shape) != shape:
        raise ValueError(
            f"cost must return shape {shape} for these points, got {_checks.shape_text(out)}"
        )
    return _checks.tensor("cost(x, y)", out)


def _squared(x: Tensor, y: Tensor) -> Tensor:
    if x.shape[1] <= _DIRECT_UP_TO:
        columns = zip(x.unbind(1), y.unbind(1), strict=True)
        squares = ((xk[:, None] - yk).square() for xk, yk in columns)
        total = next(squares)
        for square in squares:
            total = total + square
        return total
    # Far from the origin |x|^2 + |y|^2 - 2 x.y cancels; a common shift changes no difference.
    centre = torch.cat([x.detach(), y.detach()]).mean(dim=0)
    x, y = x - centre, y - centre
    norms = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)
    return torch.addmm(norms, x, y.T, alpha=-2.0).clamp(min=0.0)
