"""Losses and weights that are not finite: how they are found and reported."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from otgen_lite.methods.base import Method
from otgen_lite.training.devices import Processes
from otgen_lite.training.errors import (
    NonFiniteError,
    TrainingError,
    bad_members,
    describe,
    first_bad,
)
from otgen_lite.training.failed import Failed
from otgen_lite.training.history import History, fetch
from otgen_lite.training.options import Options
from otgen_lite.training.player_state import PlayerState
from otgen_lite.training.run_checkpoint import RunCheckpoint
from otgen_lite.training.weights import Snapshot


class FiniteCheck:
    """The check of all numbers of a run, now and then, and the end of a run that fails it.

    Args:
        method: the method that is trained.
        players: its players.
        options: those of the run.
        processes: those of the run; their losses are averaged when they are fetched.
        history: the losses.
        snapshot: the last weights that were seen to be good.
        failed: the members of a stack that failed.
        checkpoint: the file to go back to.
    """

    def __init__(
        self,
        method: Method,
        players: Sequence[PlayerState],
        options: Options,
        processes: Processes,
        history: History,
        snapshot: Snapshot,
        failed: Failed,
        checkpoint: RunCheckpoint,
    ) -> None:
        self.method, self.players, self.options = method, players, options
        self.processes, self.history = processes, history
        self.snapshot, self.failed, self.checkpoint = snapshot, failed, checkpoint
        self._checked = 0
        self._check_each = all(player.check_each for player in players)
        for player in players:
            player.goes_on = self._goes_on

    def begin(self, step: int) -> None:
        """Start from weights that are good after ``step`` steps."""
        self._checked = step
        self.snapshot.take(step)

    def check(self, step: int) -> None:
        """Fetch the losses; losses and weights must be finite, and the weights are kept.

        Raises:
            TrainingError: if one is not, and there are no others that go on.
        """
        fetch([player.record for player in self.players], self.processes.mean)
        fresh = {p.name: p.record.tensor()[self._checked * p.updates :] for p in self.players}
        if not self._check_each:
            self._check_losses(fresh)
        bad = self.snapshot.bad()
        if bad and not self._without_bad_weights(step, bad):
            raise self.stopped(NonFiniteError(self._owner(bad[0]), torch.empty(0)), step, bad)
        self.begin(step)

    def stopped(
        self, found: NonFiniteError, step: int, bad: list[str] | None = None
    ) -> TrainingError:
        """The error of a training that cannot go on; the method gets weights that are good."""
        bad = self.snapshot.bad() if bad is None else bad
        kept = None
        if bad or not self._check_each:
            self.snapshot.put_back()
            kept = self.snapshot.step
        error = self._described(found, step, bad, kept)
        error.history = self.history
        return error

    def _described(
        self, found: NonFiniteError, step: int, weights: list[str], kept: int | None
    ) -> TrainingError:
        return describe(
            found, step, self.options.steps, weights=weights, kept=kept,
            checkpoint=self.options.path, saved=self.checkpoint.saved,
        )  # fmt: skip

    def _check_losses(self, fresh: dict[str, Tensor]) -> None:
        """Check losses that were not checked when they came: of an accelerator, of processes."""
        updates = {player.name: player.updates for player in self.players}
        while True:
            alive = {player: self._of_others(values) for player, values in fresh.items()}
            found = first_bad(alive, updates)
            if found is None:
                break
            player, after, loss = found
            bad = NonFiniteError(player, loss)
            step = self._checked + after + 1
            if not self._without(bad_members(loss), bad, step):
                raise self.stopped(bad, step)
        if self.failed:
            self.failed.hold()

    def _of_others(self, values: Tensor) -> Tensor:
        """Losses, with zeros for members that failed already."""
        if not self.failed or values.ndim < 2:
            return values
        values = values.clone()
        values[:, list(self.failed)] = 0.0
        return values

    def _goes_on(self, found: NonFiniteError) -> bool:
        """Leave members behind whose loss is no finite number; whether there are others."""
        bad = [k for k in bad_members(found.loss) if k not in self.failed]
        return found.loss.ndim == 1 and self._without(bad, found, self.history.steps + 1)

    def _without_bad_weights(self, step: int, bad: list[str]) -> bool:
        """Leave members behind whose weights are no longer finite; whether that was all."""
        if not self.failed.can([]):
            return False
        members = [k for k in range(self.failed.count) if not self.failed.good(k)]
        found = NonFiniteError(self._owner(bad[0]), torch.empty(0))
        if not self._without(members, found, step):
            return False
        self.failed.hold()
        return not self.snapshot.bad()

    def _without(self, members: list[int], found: NonFiniteError, step: int) -> bool:
        """Leave members behind; False where nobody would be left, or members are not apart."""
        if not self.failed.can(members):
            return False
        for k in members:
            loss = found.loss[k] if found.loss.ndim == 1 and len(found.loss) else found.loss
            good = self.failed.good(k) and self._check_each
            of_one = NonFiniteError(found.player, loss, found.batch)
            error = self._described(of_one, step, [], None if good else self.snapshot.step)
            self.failed.add(k, error, back=not good)
        return True

    def _owner(self, name: str) -> str:
        """The player that moves a weight."""
        return next((player.name for player in self.players if name in player.params), "")
