"""Members of a stack that failed: they are frozen, and the others continue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from otgen_lite.methods.base import Method
from otgen_lite.training.errors import TrainingError
from otgen_lite.training.player_state import PlayerState
from otgen_lite.training.weights import Snapshot


class Members(Protocol):
    """A method of independent members: some may fail while the others go on.

    A method is one if it has a ``rows_of``.

    Attributes:
        members: the members, in the order of their losses.
        failed: the indices of those that failed, written by the loop.
    """

    failed: set[int]

    @property
    def members(self) -> list[Method]: ...
    def rows_of(self, members: Sequence[int]) -> dict[str, list[int]]:
        """By name the rows of these members in the parameters and buffers."""
        ...


class Failed:
    """The members that failed, their errors, and the weights at which they are frozen.

    Members do not feel one another, so what a failed one computes is of no account: after every
    step its rows of all tensors are put back to where they were good, and what the optimizers
    remember of it is deleted.

    Args:
        method: the method in training; it has members if it is a :class:`Members`.
        players: its players.
        snapshot: the last weights that were seen to be good.
        errors: where the errors are written, by member: ``History.failed``.
    """

    def __init__(
        self,
        method: Method,
        players: Sequence[PlayerState],
        snapshot: Snapshot,
        errors: dict[int, TrainingError],
    ) -> None:
        stack: Any = method
        self._stack: Members | None = stack if hasattr(method, "rows_of") else None
        self._players, self._snapshot, self._errors = players, snapshot, errors
        # Rows of tensors with the values that they keep; rows in the state of optimizers.
        self._frozen_rows: list[tuple[Tensor, list[int], Tensor]] = []
        self._optimizer_rows: list[tuple[PlayerState, Any, list[int]]] = []

    def __len__(self) -> int:
        return len(self._errors)

    def __iter__(self) -> Iterator[int]:
        return iter(self._errors)

    def __contains__(self, member: int) -> bool:
        return member in self._errors

    @property
    def count(self) -> int:
        """The number of all members; 0 for a method without members."""
        return 0 if self._stack is None else len(self._stack.members)

    def can(self, members: Sequence[int]) -> bool:
        """Whether the others can go on without these: there are others, and they are apart."""
        return len({*self._errors, *members}) < self.count

    def good(self, member: int) -> bool:
        """Whether all numbers of a member are finite."""
        return self._snapshot.finite(self._rows(member))

    def add(self, member: int, error: TrainingError, *, back: bool) -> None:
        """Leave a member behind, with its numbers of now, or ``back`` to the last check."""
        rows = self._rows(member)
        tensors = self._snapshot.everything()
        kept = self._snapshot.kept() if back else {}
        for name, index in rows.items():
            live = tensors[name]
            values = kept[name][index].clone() if name in kept else live[index].clone()
            self._frozen_rows.append((live, index, values))
        for player in self._players:
            self._optimizer_rows += [
                (player, p, rows[n]) for n, p in player.params.items() if n in rows
            ]
        self._errors[member] = error
        if self._stack is not None:
            self._stack.failed.add(member)

    def hold(self) -> None:
        """Put all of them back."""
        with torch.no_grad():
            for live, index, values in self._frozen_rows:
                live[index] = values
            for player, parameter, index in self._optimizer_rows:
                for value in player.optimizer.state.get(parameter, {}).values():
                    if isinstance(value, Tensor) and value.shape == parameter.shape:
                        value[index] = 0

    def state(self) -> dict[int, dict[str, Any]]:
        """The part of a checkpoint about failed members."""
        return {
            k: {"step": e.step, "player": e.player, "message": str(e)}
            for k, e in self._errors.items()
        }

    def load(self, state: dict[int, dict[str, Any]]) -> None:
        """Go back to where :meth:`state` was called; the method holds its weights already."""
        for k, found in state.items():
            error = TrainingError(found["message"], step=found["step"], player=found["player"])
            self.add(k, error, back=False)

    def _rows(self, member: int) -> dict[str, list[int]]:
        return {} if self._stack is None else self._stack.rows_of([member])
