"""Costs: the cost c(x, y) of moving a unit of mass from a point x to a point y.

There are two pairs of functions. :func:`cost_matrix` and :func:`paired_cost` are public: they check
their arguments, and recompute entries in which digits cancelled. :func:`matrix` and :func:`pairs`
never read values of tensors in Python (no ``.item()``, no ``if`` on a tensor), so that ``vmap`` can
run them; methods and solvers use them on points that have been checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.precision import full_precision

#: A known name, or a function ``(n, d), (m, d) -> (n, m)``.
Cost: TypeAlias = str | Callable[[Tensor, Tensor], Tensor]

#: The known names, as in :func:`scipy.spatial.distance.cdist`.
NAMES = ("sqeuclidean", "euclidean", "cityblock")

#: Up to this dimension squared differences are summed one coordinate at a time.
_DIRECT_UP_TO = 8

#: A squared distance below this share of |x|^2 + |y|^2 has lost digits to cancellation.
_CANCELS = 2.0**-10

#: Numbers that the differences of such pairs hold at a time.
_GATHERED = 1 << 22

#: Points this many times as far out as the middle one are no measure of a centre.
_FAR_OUT = 4.0

#: Rows that a callable cost sees at once where only the diagonal of a block is kept.
_BLOCK = 32


def cost_matrix(x: Any, y: Any, cost: Cost = "sqeuclidean") -> Tensor:
    r"""All costs :math:`C_{ij} = c(x_i, y_j)` between two sets of points.

    - ``"sqeuclidean"``: :math:`\|x_i - y_j\|^2`, **never halved**;
    - ``"euclidean"``: :math:`\|x_i - y_j\|`;
    - ``"cityblock"``: :math:`\sum_k |x_{ik} - y_{jk}|`;
    - a callable ``(n, d), (m, d) -> (n, m)``.

    Differentiable in ``x`` and ``y``; where the Euclidean distance is zero the gradient is taken
    to be zero. Squared distances are summed coordinate by coordinate up to dimension 8. In higher
    dimensions the square is expanded into a matrix product of centred points; entries in which that
    would cancel are summed directly after all. So neither a common shift nor an outlier costs the
    other entries any digits.

    Args:
        x: (n, d) points.
        y: (m, d) points.
        cost: a name or a callable.

    Returns:
        (n, m) tensor in the common type of ``x`` and ``y``, on their device. Its unit is the
        square of the points' unit for ``"sqeuclidean"``, and their unit for the other names.

    Raises:
        ValueError: if shapes do not match, a number is not finite, the name is unknown, or points
            are so far apart that a cost is larger than every number of their type.
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
    cost = checked_cost(cost)
    if callable(cost):
        return _checks.tensor("cost(x, y)", matrix(x, y, cost))
    refuse_overflow(x, y, cost)
    if cost == "sqeuclidean" and x.shape[1] > _DIRECT_UP_TO:
        with full_precision(x):
            return _expanded(x, y)
    return matrix(x, y, cost)


def paired_cost(x: Any, y: Any, cost: Cost = "sqeuclidean") -> Tensor:
    r"""The costs :math:`c(x_i, y_i)` of points taken in pairs.

    Args:
        x: (n, d) points.
        y: (n, d) points.
        cost: as in :func:`cost_matrix`; a callable still maps ``(n, d), (m, d)`` to ``(n, m)``,
            and is called on short blocks, of which only the diagonals are kept.

    Returns:
        (n,) tensor, in the unit of the cost.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or the name is unknown.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`peyre_2019`. Chapter: 1, 10.

    Example:
        >>> paired_cost([[0.0, 0.0], [3.0, 0.0]], [[0.0, 4.0], [3.0, 1.0]], cost="euclidean")
        tensor([4., 1.], dtype=torch.float64)
    """
    x, y = _checks.pair(x, y)
    if x.shape[0] != y.shape[0]:
        raise ValueError(
            f"x and y must hold the same number of points, got {x.shape[0]} and {y.shape[0]}"
        )
    cost = checked_cost(cost)
    if callable(cost):
        return _checks.tensor("cost(x, y)", pairs(x, y, cost))
    refuse_overflow(x, y, cost)
    return pairs(x, y, cost)


def checked_cost(cost: Any) -> Cost:
    """A known name or a callable, as it was given.

    Raises:
        ValueError: if the name is unknown.
        TypeError: if it is neither.
    """
    if callable(cost):
        return cost
    if not isinstance(cost, str):
        raise TypeError(f"cost must be a name or a callable, got {cost!r}")
    return _checks.choice("cost", cost, NAMES)


def matrix(x: Tensor, y: Tensor, cost: Cost) -> Tensor:
    """(n, m) costs of (n, d) and (m, d) points, with no look at any number.

    In more than 8 dimensions, squared distances that are small beside the points' distance from
    their mean lose digits; :func:`cost_matrix` repairs them.

    Args:
        x: (n, d) points.
        y: (m, d) points of the same type.
        cost: as :func:`checked_cost` returns it.
    """
    if callable(cost):
        return _called(cost, x, y)
    if cost == "sqeuclidean":
        return _squared(x, y)
    # This mode sums differences: the matrix product would lose half the digits at short distances.
    p = 2.0 if cost == "euclidean" else 1.0
    return torch.cdist(x, y, p=p, compute_mode="donot_use_mm_for_euclid_dist")


def pairs(x: Tensor, y: Tensor, cost: Cost) -> Tensor:
    """(n,) costs of (n, d) points taken in pairs, with no look at any number.

    Args:
        x: (n, d) points.
        y: (n, d) points of the same type.
        cost: as :func:`checked_cost` returns it; a callable is called on short blocks of which the
            diagonals are kept.
    """
    if callable(cost):
        blocks = zip(x.split(_BLOCK), y.split(_BLOCK), strict=True)
        return torch.cat([_called(cost, *block).diagonal() for block in blocks])
    difference = x - y
    if cost == "sqeuclidean":
        return difference.square().sum(dim=1)
    return torch.linalg.vector_norm(difference, ord=2 if cost == "euclidean" else 1, dim=1)


def _called(cost: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    out = cost(x, y)
    shape = (x.shape[0], y.shape[0])
    if not isinstance(out, Tensor):
        raise TypeError(f"cost must return a tensor of shape {shape}, got {type(out).__name__}")
    if tuple(out.shape) != shape:
        raise ValueError(
            f"cost must return shape {shape} for these points, got {_checks.shape_text(out)}"
        )
    return out


def refuse_overflow(x: Tensor, y: Tensor, name: str) -> None:
    """Points between which a cost may be no number of their type; inf would forbid the pair."""
    far = [t.detach().abs().amax(dim=0) for t in (x, y)]
    reach = far[0].double() + far[1].double()
    power = 1 if name == "cityblock" else 2  # the Euclidean distance sums squares, too
    if not float(reach.pow(power).sum()) <= torch.finfo(x.dtype).max:
        raise _checks.not_finite(
            f"x and y must be points whose {name} cost is a finite number, got coordinates up to "
            f"{float(far[0].max()):.3g} and {float(far[1].max()):.3g} in {x.dtype}"
        )


def _squared(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances: summed in a few dimensions, else a product around the common mean."""
    if x.shape[1] <= _DIRECT_UP_TO:
        return _summed(x, y)
    # Far from the origin |x|^2 + |y|^2 - 2 x.y cancels; a common shift changes no difference. The
    # mean, for `middle` sorts the points, in every loss; `cost_matrix` is for those with outliers.
    centre = torch.cat([x.detach(), y.detach()]).mean(dim=0)
    return _product(x - centre, y - centre)[0]


def _summed(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances, coordinate by coordinate: nothing cancels."""
    columns = zip(x.unbind(1), y.unbind(1), strict=True)
    squares = ((xk[:, None] - yk).square() for xk, yk in columns)
    total = next(squares)
    for square in squares:
        total = total + square
    return total


def _product(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """|x|^2 + |y|^2 - 2 x.y, and the matrix |x|^2 + |y|^2."""
    norms = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)
    return torch.addmm(norms, x, y.T, alpha=-2.0).clamp(min=0.0), norms


def _expanded(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances as a product around a centre, and summed where that cancels."""
    # Not the mean: one outlier would move it away from all others, which then cancel.
    centre = middle(torch.cat([x.detach(), y.detach()]))
    out, norms = _product(x - centre, y - centre)
    with torch.no_grad():
        near = out < norms.mul_(_CANCELS)  # no derivative needs the norms themselves
    del norms
    if not bool(near.any()):
        return out
    i, j = torch.nonzero(near, as_tuple=True)
    step = max(1, _GATHERED // x.shape[1])
    blocks = zip(i.split(step), j.split(step), strict=True)
    parts = [(x[k] - y[n]).square().sum(dim=1) for k, n in blocks]
    return out.index_put((i, j), torch.cat(parts))


def middle(points: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean of the points, or their median by coordinates where some are far out."""
    mean = points.mean(dim=0) if weights is None else weights.to(points) @ points
    distance = (points - mean).abs().amax(dim=1)
    near = distance.max() <= _FAR_OUT * distance.median()  # decided where the points are
    return torch.where(near, mean, points.median(dim=0).values)
