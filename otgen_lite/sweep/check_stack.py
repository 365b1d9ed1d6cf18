"""Comparison of the first loss of a stack with the losses of its members."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from otgen_lite.methods.base import Method, Noise
from otgen_lite.training.modes import Modes

#: How far losses and gradients may be apart, relative to the largest entry.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-3}
#: The same in half precision.
HALF = 0.1


class CannotStack(RuntimeError):  # noqa: N818
    """The members of a sweep cannot be trained as one stack; the message says why."""


class Stack(Protocol):
    """The interface of a stack that can be checked."""

    @property
    def members(self) -> list[Method]: ...
    def buffers(self) -> Iterator[Tensor]: ...
    def losses(self, player: str, batch: Tensor, noise: Noise) -> Tensor: ...
    def stacked_values(self, player: str) -> dict[str, Tensor]: ...


def check_stack(stack: Stack, player: str, batch: Tensor, noise: Noise) -> None:
    """See that the stack computes the numbers of each of its members alone.

    Losses and gradients: a loss that looks at a number, draws by itself, holds a state that
    ``vmap`` does not see, or a setting that the stack took from the first member, shows here and
    not in the result. The members compute with their own modules, not with the stack's. Nothing is
    changed.

    Raises:
        CannotStack: if ``vmap`` refuses, or the numbers differ.
    """
    names = [name for name, _ in stack.members[0].parameters_of(player)]
    values = stack.stacked_values(player)
    inputs = [values[name] for name in names if values[name].requires_grad]
    saved = _SavedState(stack)
    try:
        losses = stack.losses(player, batch, noise)
        if losses.shape != (len(stack.members),):
            raise CannotStack(f"the loss of {player!r} is not a single number")
        stacked = _gradients(losses.sum(), inputs)
    except CannotStack:
        raise
    except Exception as error:
        what = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise CannotStack(
            f"vmap refuses the loss of {player!r} ({type(error).__name__}: {what[:160]})"
        ) from error
    finally:
        saved.restore()
    half = torch.is_autocast_enabled(batch.device.type)
    for k, member in enumerate(stack.members):
        own = {n: v[k] if n.startswith("reused_") else v for n, v in noise.items()}
        Modes(member).training()  # as it would be trained alone; the loop knows the stack only
        try:
            loss = member(player, batch, own)
            moved = [p for _, p in member.parameters_of(player) if p.requires_grad]
            alone = _gradients(loss, moved)
        finally:
            saved.restore()
        pairs = [(g[k], a) for g, a in zip(stacked, alone, strict=True)]
        if not (_close([(losses[k], loss)], half) and _close(pairs, half)):
            raise CannotStack(f"the loss of {player!r} in a stack is not that of its member {k}")


def _gradients(loss: Tensor, inputs: list[Any]) -> list[Tensor]:
    """The slopes of a loss; zeros where it does not depend on a tensor."""
    if not loss.requires_grad:
        return [torch.zeros_like(value) for value in inputs]
    found = torch.autograd.grad(loss, inputs, allow_unused=True)
    return [torch.zeros_like(v) if g is None else g for v, g in zip(inputs, found, strict=True)]


class _SavedState:
    """Buffers as they are now: those of the stack, and in the members the views of them."""

    def __init__(self, stack: Stack) -> None:
        self._pairs = [(buffer, buffer.clone()) for buffer in stack.buffers()]
        self._modes = [(m, m.training) for member in stack.members for m in member.modules()]
        self._tables = [
            (module._buffers, dict(module._buffers))
            for member in stack.members
            for module in member.modules()
            if module._buffers
        ]

    @torch.no_grad()
    def restore(self) -> None:
        """Undo the changes of a loss, in place or not."""
        for module, mode in self._modes:
            if module.training != mode:  # to set it takes a hundred times longer
                module.training = mode
        for table, entries in self._tables:
            table.update(entries)
        for buffer, value in self._pairs:
            buffer.copy_(value)


def _close(pairs: list[tuple[Tensor, Tensor]], half: bool) -> bool:
    """Whether all agree, up to a part of the largest entry of all: some cancel to rounding."""
    found = [(a.detach(), b.detach()) for a, b in pairs if b.numel()]
    size = max((float(b.abs().max()) for _, b in found), default=0.0)
    if not math.isfinite(size):
        return True  # the loop says what happened
    return all(
        float((a - b).abs().max())
        <= (HALF if half else TOLERANCE.get(a.dtype, HALF)) * (size + 1e-3)
        for a, b in found
    )
