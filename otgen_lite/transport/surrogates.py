"""Tensors with the value of one formula and the gradient of another."""

from __future__ import annotations

from torch import Tensor


def with_gradient_of(value: Tensor, surrogate: Tensor) -> Tensor:
    """The number ``value`` with the gradient of ``surrogate``.

    By the envelope theorem the gradient of an optimal value is that of its objective at the optimal
    plan or potential, held fixed: no derivative goes through a solver.
    """
    return surrogate + (value - surrogate).detach()
