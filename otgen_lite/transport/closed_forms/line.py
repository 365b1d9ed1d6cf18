"""Transport on the line, solved by sorting."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks


def wasserstein_1d(x: Any, y: Any, p: float = 1, a: Any = None, b: Any = None) -> Tensor:
    r"""The optimal transport cost on the line for :math:`|x - y|^p`, by the quantile functions.

    .. math::
        W_p^p(\alpha, \beta) = \int_0^1 |F_\alpha^{-1}(u) - F_\beta^{-1}(u)|^p \, du .

    This is the **cost**: its p-th root is the distance. Sorting makes it O(n log n).

    It is differentiable in ``x`` and ``y`` (for p = 1 the derivative of ``|t|`` at 0 is taken to be
    0) and in ``a`` and ``b``. The derivatives in the weights are optimal potentials f and g with
    sum_i a_i f_i = sum_j b_j g_j = 0, also at atoms of weight zero.

    Args:
        x: (n,) points; (n, 1) is accepted.
        y: (m,) points; (m, 1) is accepted.
        p: exponent >= 1.
        a: (n,) weights, non-negative with sum 1; uniform where None.
        b: (m,) weights, the same.

    Returns:
        0-d tensor, in the unit of the points to the power p.

    Raises:
        ValueError: if shapes do not match, a number is not finite, ``p < 1``, weights are
            negative or do not sum to 1, or the cost overflows the type of the points.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`santambrogio_2015`. Chapter: 2.

    Example:
        >>> wasserstein_1d([0.0, 1.0], [3.0, 1.0], p=2)
        tensor(2.5000, dtype=torch.float64)
        >>> wasserstein_1d([0.0], [-1.0, 2.0], a=[1.0], b=[0.25, 0.75])
        tensor(1.7500, dtype=torch.float64)
    """
    with _checks.beside(x, y):
        x, y = _checks.common(_checks.line("x", x), _checks.line("y", y))
    p = _checks.number("p", p, at_least=1.0)
    a = _checks.weights("a", a, x.numel(), like=x)
    b = _checks.weights("b", b, y.numel(), like=y)
    x, a = _sorted(x, a)
    y, b = _sorted(y, b)
    # The staircase of the north-west corner rule: it enters every row and every column, those
    # without mass too, which is what makes the derivatives in a and b optimal potentials.
    inner = torch.cat([_inner_levels(a), _inner_levels(b)])
    levels, order = inner.sort(stable=True)
    moves_x = (order < x.numel() - 1).long()
    i = torch.cat([moves_x.new_zeros(1), moves_x.cumsum(0)])
    j = torch.arange(i.numel(), device=i.device) - i
    ends = levels.new_tensor([0.0, 1.0])
    mass = torch.diff(torch.cat([ends[:1], levels, ends[1:]]))
    # Halves first: the difference of two numbers near the largest one overflows.
    largest = torch.finfo(x.dtype).max
    most = largest ** (1.0 / p) * (1.0 - 1e-6)
    gap = (x[i] / 2 - y[j] / 2).clamp(-most / 2, most / 2) * 2
    cost = gap.square() if p == 2 else gap.abs() if p == 1 else gap.abs().pow(p)
    value = (mass * cost).sum()
    beyond = (x[i] / 2 - y[j] / 2).detach().abs() > most / 2
    if bool((beyond & (mass.detach() > 0.0)).any()) or not float(value.detach()) <= largest:
        raise ValueError(
            f"x and y must be so near that the cost with p={p:g} is a number of {x.dtype}, got "
            f"points from {float(torch.minimum(x[0], y[0])):.3g} to "
            f"{float(torch.maximum(x[-1], y[-1])):.3g}"
        )
    return value.to(x.dtype)


def _sorted(x: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    x, order = x.sort(stable=True)
    return x, a[order]


def _inner_levels(a: Tensor) -> Tensor:
    """The cumulated weights without the last, which is 1 exactly."""
    levels = a.cumsum(0)
    # Divided by the last one, all levels above the last atom with mass are exactly 1: rounding
    # sends no mass to the atoms behind it.
    return (levels / levels[-1])[:-1]
