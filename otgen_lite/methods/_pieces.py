"""Pieces that several recipes share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import NAMES, Cost
from otgen_lite.methods.base import flat

#: Rows that a callable cost sees at once: only the diagonal of a block is kept.
_BLOCK = 32


def checked_cost(cost: Any) -> Cost:
    """A known name or a callable."""
    if callable(cost):
        return cost
    if not isinstance(cost, str):
        raise TypeError(f"cost must be a name or a callable, got {cost!r}")
    return _checks.choice("cost", cost, NAMES)


def pair_cost(x: Tensor, y: Tensor, cost: Cost) -> Tensor:
    """(n,) costs of data in pairs, of any shape; it looks at no number, so it can be stacked."""
    x, y = flat(x), flat(y)
    if callable(cost):
        blocks = zip(x.split(_BLOCK), y.split(_BLOCK), strict=True)
        return torch.cat([_called(cost, *block) for block in blocks])
    difference = x - y
    if cost == "sqeuclidean":
        return difference.square().sum(dim=1)
    return torch.linalg.vector_norm(difference, ord=2 if cost == "euclidean" else 1, dim=1)


def _called(cost: Any, x: Tensor, y: Tensor) -> Tensor:
    out = cost(x, y)
    if tuple(out.shape) != (len(x), len(y)):
        raise ValueError(
            f"cost must return shape {(len(x), len(y))} for these points, "
            f"got {_checks.shape_text(out)}"
        )
    return out.diagonal()


def mean_squares(x: Tensor, made: Tensor) -> Tensor:
    """The mean over the batch of squared distances, summed over coordinates: 0-d."""
    return (made - x).square().sum() / len(x)


def mean_surprise(x: Tensor, made: Tensor, variance: Tensor) -> Tensor:
    """Minus the mean over the batch of :func:`log_likelihood`: 0-d, in nats."""
    d = x[0].numel()
    # Few steps between the sum and the loss: each of them is one more on the way back.
    weight, constant = 0.5 / len(x) / variance, 0.5 * d * torch.log(2.0 * math.pi * variance)
    return (made - x).square().sum() * weight + constant


def log_likelihood(x: Tensor, made: Tensor, variance: Tensor) -> Tensor:
    r"""(n,) logarithms of the density :math:`N(\text{made}, \sigma^2 I_d)` at ``x``, in nats.

    The squares are summed over all d coordinates, and the constant is there.
    """
    d = x[0].numel()
    squares = pair_cost(x, made, "sqeuclidean")
    return -0.5 * (squares / variance + d * torch.log(2.0 * math.pi * variance))


def same_shape(made: Tensor, batch: Tensor) -> Tensor:
    """What a decoder made, if it has the shape of the data."""
    if made.shape != batch.shape:
        raise ValueError(
            "the decoder must return data of the batch's shape "
            f"{_checks.shape_text(batch)}, got {_checks.shape_text(made)}"
        )
    return made


def transformed() -> bool:
    """Whether this runs inside of ``torch.func`` (a stack of members) or of ``torch.compile``.

    There ``torch.func`` takes a gradient within a loss, and ``torch.autograd.grad`` cannot.
    """
    if torch.compiler.is_compiling():
        return True
    return torch._C._functorch.peek_interpreter_stack() is not None


#: Whether all processes compute the same loss now, so that they can wait for each other's rows.
_in_step = False


@contextmanager
def in_step() -> Iterator[None]:
    """Inside, every process computes the loss of its rows of one joined batch.

    Outside, in a callback of the first process say, a loss is of the rows that it is given: a
    process that waited for the others there would wait in vain.
    """
    global _in_step
    _in_step = True
    try:
        yield
    finally:
        _in_step = False


def joined(x: Tensor) -> Tensor:
    """The rows of every process, in order; ``x`` itself where there is one process.

    A penalty looks at the whole batch, so each process computes it for all rows. The gradient of
    the gathered rows is summed over processes and then averaged by the loop: what is left is the
    gradient of one process on the joined batch.
    """
    if not _in_step:
        return x
    return _Gathered.apply(x)


class _Gathered(torch.autograd.Function):
    """The rows of all processes; backwards, the sum over processes of what falls on one's own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        rows = [torch.empty_like(x) for _ in range(dist.get_world_size())]
        dist.all_gather(rows, x.contiguous())
        return torch.cat(rows)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        total = grads[0].contiguous().clone()
        dist.all_reduce(total)
        return total.chunk(dist.get_world_size())[dist.get_rank()]
