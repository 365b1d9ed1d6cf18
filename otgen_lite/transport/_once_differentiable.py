"""Derivatives that are known once, and say so where they are asked for twice.

``once_differentiable`` of torch looks at the incoming gradient alone. Where that is a constant,
which it is for a loss itself, what comes back has no graph: a second derivative then lacks this
part without a word. Here the link to the inputs is kept, and following it raises an error.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def held_fixed(what: str, slope: Tensor, *inputs: Tensor) -> Tensor:
    """``slope``, which must not be differentiated in the inputs that it depends on.

    Args:
        what: names the slope in the error.
        slope: a first derivative, without graph.
        inputs: tensors with the graph of the problem.
    """
    if torch.is_grad_enabled() and any(t.requires_grad for t in inputs):
        out: Tensor = _Fixed.apply(what, slope, *inputs)
        return out
    return slope


class _Fixed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, what: str, slope: Tensor, *inputs: Tensor) -> Tensor:
        ctx.what = what
        return slope.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        raise NotImplementedError(
            f"a second derivative was asked for, but {ctx.what} is known as a number only: the "
            "envelope theorem holds it fixed; detach the first derivative, or take differences"
        )
