"""The state of Sinkhorn's iteration on a batch of problems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from otgen_lite.transport._blocks import Numbers


@dataclass(eq=False)
class State:
    """The state of the iteration; potentials in units of eps log 2, all in float64.

    Attributes:
        phi: (B, n) first potential.
        gamma: (B, m) second potential.
        mass: (B,) total mass of the plan.
        sweeps: (B,) sweeps done, on the CPU like the errors.
        error: (B,) L1 distance of both marginals of the plan to the weights, added.
        size: (B,) largest potential.
        history: pairs (sweeps, errors of all problems).
    """

    phi: Tensor
    gamma: Tensor
    mass: Tensor
    sweeps: Numbers
    error: Numbers
    size: Numbers
    history: list[tuple[int, Numbers]]

    @classmethod
    def at(cls, phi: Tensor, gamma: Tensor) -> State:
        """These potentials, of which nothing is known."""
        B = len(gamma)
        unknown = np.full(B, np.inf)
        return cls(phi, gamma, phi.new_ones(B), np.zeros(B, np.int64), unknown, unknown.copy(), [])

    def note(self, sweeps: int, error: Numbers, index: Numbers) -> None:
        """Add the errors of the problems ``index`` to the history."""
        self.error = self.error.copy()
        self.error[index] = error
        self.history.append((sweeps, self.error))

    def centre(self, a: Tensor, b: Tensor) -> None:
        """Fix the potentials by sum a phi = sum b gamma, before their last digits are judged."""
        half = ((b * self.gamma).sum(dim=1) - (a * self.phi).sum(dim=1)) / 2.0
        self.phi, self.gamma = self.phi + half[:, None], self.gamma - half[:, None]

    def errors(self) -> Tensor:
        """(k, 1 + B) history."""
        table = np.array([[k, *error] for k, error in self.history], dtype=np.float64)
        return self.on_device(table)

    def on_device(self, values: Numbers) -> Tensor:
        """Numbers of the CPU as a tensor beside the potentials."""
        return torch.from_numpy(values).to(self.phi.device)

    @classmethod
    def concatenated(cls, pieces: list[State]) -> State:
        """The pieces of a batch, one after the other; an error that has ended stays as it was."""
        counts = sorted({k for piece in pieces for k, _ in piece.history})
        history = [(k, np.concatenate([p.error_after(k) for p in pieces])) for k in counts]
        history.append((counts[-1], np.concatenate([piece.error for piece in pieces])))
        return cls(
            torch.cat([piece.phi for piece in pieces]),
            torch.cat([piece.gamma for piece in pieces]),
            torch.cat([piece.mass for piece in pieces]),
            np.concatenate([piece.sweeps for piece in pieces]),
            history[-1][1],
            np.concatenate([piece.size for piece in pieces]),
            history,
        )

    def error_after(self, sweeps: int) -> Numbers:
        """The errors that were seen last after so many sweeps; the first ones before any."""
        seen = [error for k, error in self.history if k <= sweeps]
        return seen[-1] if seen else self.history[0][1]


def taken(values: Tensor, index: Tensor | None) -> Tensor:
    """The rows ``index``, or all."""
    return values if index is None else values[index]


def placed(values: Tensor, index: Tensor | None, new: Tensor) -> Tensor:
    """The values with new rows at ``index``, or everywhere."""
    return new if index is None else values.index_copy(0, index, new)
