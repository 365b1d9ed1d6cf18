"""Members of a stack that failed: they stand still, and the others go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from otgen_lite.methods.base import Method
from otgen_lite.training.errors import TrainingError
from otgen_lite.training.player_state import PlayerState
from otgen_lite.training.weights import Snapshot


class Failed:
    """Which members failed, how, and the weights that they are held at.

    Members do not feel one another, so what a failed one computes is of no account: after every
    step its rows of all tensors are put back to where they were good, and what the optimizers
    remember of it is deleted.

    Args:
        method: the method in training; members are known to it by ``rows_of``.
        players: its players.
        snapshot: the last weights that were seen to be good.
    """

    def __init__(self, method: Method, players: Sequence[PlayerState], snapshot: Snapshot) -> None:
        self._method, self._players, self._snapshot = method, players, snapshot
        self._held: list[tuple[Tensor, list[int], Tensor]] = []
        self._moved: list[tuple[PlayerState, Any, list[int]]] = []
        self.errors: dict[int, TrainingError] = {}

    def __bool__(self) -> bool:
        return bool(self.errors)

    def can(self, members: Sequence[int]) -> bool:
        """Whether the others can go on without these: there are others, and they are apart."""
        if self._method.rows_of([]) is None:
            return False
        count = len(getattr(self._method, "members", ()))
        return len({*self.errors, *members}) < count

    def good(self, member: int) -> bool:
        """Whether all numbers of a member are finite."""
        return self._snapshot.finite(self._rows(member))

    def add(self, member: int, error: TrainingError, *, back: bool) -> None:
        """Leave a member behind, with its numbers of now, or ``back`` to the last look."""
        rows = self._rows(member)
        tensors = self._snapshot.everything()
        kept = self._snapshot.kept() if back else {}
        for name, index in rows.items():
            live = tensors[name]
            values = kept[name][index].clone() if name in kept else live[index].clone()
            self._held.append((live, index, values))
        for player in self._players:
            self._moved += [(player, p, rows[n]) for n, p in player.params.items() if n in rows]
        self.errors[member] = error
        stack: Any = self._method
        stack.left_behind.add(member)

    def hold(self) -> None:
        """Put all of them back."""
        with torch.no_grad():
            for live, index, values in self._held:
                live[index] = values
            for player, parameter, index in self._moved:
                for value in player.optimizer.state.get(parameter, {}).values():
                    if isinstance(value, Tensor) and value.shape == parameter.shape:
                        value[index] = 0

    def state(self) -> dict[int, dict[str, Any]]:
        """The part of a checkpoint about failed members."""
        return {
            k: {"step": e.step, "player": e.player, "message": str(e)}
            for k, e in self.errors.items()
        }

    def load(self, state: dict[int, dict[str, Any]]) -> None:
        """Go back to where :meth:`state` was called; the method holds its weights already."""
        for k, found in state.items():
            error = TrainingError(found["message"], step=found["step"], player=found["player"])
            self.add(k, error, back=False)

    def _rows(self, member: int) -> dict[str, list[int]]:
        rows = self._method.rows_of([member])
        assert rows is not None
        return rows
