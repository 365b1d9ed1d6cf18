"""The rows of all processes, gathered for losses that depend on a whole batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

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


def gathered(x: Tensor) -> Tensor:
    """The rows of every process, in order; ``x`` itself where there is one process.

    A penalty looks at the whole batch, so each process computes it for all rows. The gradient of
    the gathered rows is summed over processes and then averaged by the loop: what is left is the
    gradient of one process on the joined batch.
    """
    if not _in_step:
        return x
    return _Gathered.apply(x)


class _Gathered(torch.autograd.Function):
    """An all-gather; its derivative is the sum over processes of the gradient of one's own rows.

    By hand, because ``torch.distributed.nn.functional.all_gather``, which does the same, is
    deprecated and warns, and its successor is in a private module that older versions lack.
    """

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
