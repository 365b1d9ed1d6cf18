"""Errors of a training that cannot go on."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.training.history import History


class TrainingError(RuntimeError):
    """The training was stopped because a loss or a weight is NaN or infinite.

    The method holds weights from before; the message says which.

    Attributes:
        step: the step in which it was found, counted from 1.
        player: the player to which that loss or those weights belong.
        members: where the method is a stack, the indices of the members that failed.
        checkpoint: path of the last good checkpoint, or None.
        history: the losses and metrics up to that step.

    Chapter: 10, 12.
    """

    def __init__(
        self,
        message: str,
        *,
        step: int = 0,
        player: str = "",
        members: list[int] | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        super().__init__(message)
        self.step, self.player, self.checkpoint = step, player, checkpoint
        self.members = members or []
        self.history: History | None = None


class NonFiniteError(Exception):
    """A player's loss is no finite number, and nothing has moved. Private to the loop.

    ``why`` is what went wrong where the numbers stopped the computation of the loss itself.
    """

    def __init__(
        self,
        player: str,
        loss: Tensor,
        batch: Tensor | None = None,
        why: Exception | None = None,
    ) -> None:
        super().__init__(player)
        self.player, self.loss, self.batch, self.why = player, loss, batch, why


def about_numbers(error: Exception, *tensors: Tensor) -> bool:
    """Whether a computation failed because of numbers that are not finite.

    Either it says so, or some of what it worked with is not finite: a solver, or torch's linear
    algebra, then ends in whatever words it has.
    """
    if _checks.is_not_finite(error):
        return True
    return not all(bool(torch.isfinite(t).all()) for t in tensors if t.is_floating_point())


def first_bad(losses: dict[str, Tensor], updates: dict[str, int]) -> tuple[str, int, Tensor] | None:
    """The earliest loss that is no finite number: its player, its step, the loss."""
    found: tuple[str, int, Tensor] | None = None
    for player, values in losses.items():
        fine = torch.isfinite(values)
        rows = torch.nonzero(~(fine if fine.ndim == 1 else fine.all(dim=1))).flatten()
        if len(rows):
            row = int(rows[0])
            if found is None or row // updates[player] < found[1]:
                found = player, row // updates[player], values[row]
    return found


def describe(
    found: NonFiniteError,
    step: int,
    steps: int,
    *,
    weights: list[str],
    kept: int | None,
    checkpoint: Path | None,
    saved: int | None,
) -> TrainingError:
    """The error: the event, the weights that the method holds now, and the last good checkpoint."""
    loss = found.loss
    members = bad_members(loss)
    if found.why is not None:
        what = (
            f"the loss of player {found.player!r} could not be computed in step {step} of {steps} "
            f"({type(found.why).__name__}: {str(found.why).strip()})"
        )
    elif loss.numel():
        what = (
            f"the loss of player {found.player!r} became {_value(loss)} in step {step} of {steps}"
        )
        if members:
            what += f", in members {members} of the stack"
    else:
        what = (
            f"weights of player {found.player!r} are no longer finite after step {step} of {steps}"
        )
    if found.batch is not None and not bool(torch.isfinite(found.batch).all()):
        what += "; the batch holds numbers that are not finite"
    if weights:
        what += (
            f"; a step before it had made {weights[0]} non-finite"
            if loss.numel() or found.why
            else ""
        )
    if kept is None:
        what += "; the method holds the weights from before that step"
    else:
        what += f"; the method holds the weights of step {kept}, the last that were seen to be good"
    if saved is not None and checkpoint is not None:
        what += f"; the last good checkpoint is {str(checkpoint)!r}, of step {saved}"
    else:
        what += "; there is no checkpoint"
    return TrainingError(
        what, step=step, player=found.player, members=members,
        checkpoint=checkpoint if saved is not None else None,
    )  # fmt: skip


def bad_members(loss: Tensor) -> list[int]:
    """Indices of the members of a stack whose loss is no finite number."""
    return [] if loss.ndim != 1 else torch.nonzero(~torch.isfinite(loss)).flatten().tolist()


def _value(loss: Tensor) -> float:
    """The first entry that is no finite number; infinity where only their sum is none."""
    bad = loss.flatten()[~torch.isfinite(loss.flatten())]
    return float(bad[0]) if len(bad) else float("inf")
