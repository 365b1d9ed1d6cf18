"""Several stacks that are trained side by side, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite.methods.base import Method, Noise
from otgen_lite.sweep.replay import from_one_state
from otgen_lite.sweep.stack import Stacked


class StackGroup(Method):
    """Stacks of different signatures, for example one for each cost, on the same batches and noise.

    Args:
        stacks: stacks with the same players. Each draws from the same state of the generator, so
            that draws of the same kind are equal in all of them.
        points: the points of the members in words; a checkpoint stores them, so that a run cannot
            be resumed with other points.
    """

    def __init__(self, stacks: Sequence[Stacked], points: Sequence[str] = ()) -> None:
        super().__init__()
        self.points = list(points)
        #: Indices of the members that failed; the loop writes them down.
        self.failed: set[int] = set()
        self.reuses = any(stack.reuses for stack in stacks)
        self.stacks = nn.ModuleList(stacks)
        self.players = dict(stacks[0].players)

    def identity(self, digests: dict[Any, str] | None = None) -> dict[str, str]:
        """The points, and the identity of each member."""
        digests = {} if digests is None else digests
        out = {f"point {k}": point for k, point in enumerate(self.points)}
        for k, member in enumerate(self.members):
            out |= {f"members[{k}].{n}": v for n, v in member.identity(digests).items()}
        return out

    def rows_of(self, members: Sequence[int]) -> dict[str, list[int]]:
        """The rows of these members in the stacked parameters and buffers, by name."""
        out: dict[str, list[int]] = {}
        first = 0
        for i, stack in enumerate(self._each()):
            own = [k - first for k in members if first <= k < first + len(stack)]
            if own:
                out |= {f"stacks.{i}.{name}": own for name in stack.own_tensors()}
            first += len(stack)
        return out

    def scheduled(self) -> bool:
        """Whether any member follows a schedule."""
        return any(member.scheduled() for member in self.members)

    def _each(self) -> list[Stacked]:
        return list(self.stacks)  # type: ignore[arg-type]

    @property
    def members(self) -> list[Method]:
        """The members of all stacks in their present state, stack by stack."""
        return [member for stack in self._each() for member in stack.members]

    def release(self) -> list[Method]:
        """The members, with tensors of their own."""
        return [member for stack in self._each() for member in stack.release()]

    def parameters_of(self, player: str) -> Iterator[tuple[str, nn.Parameter]]:
        """Names and stacked parameters that a player trains."""
        for i, stack in enumerate(self._each()):
            for name, value in stack.parameters_of(player):
                yield f"stacks.{i}.{name}", value

    def forward(
        self, player: str, batch: Tensor, noise: Noise | None = None, reuse: bool = False
    ) -> Any:
        """The (K,) losses of a player, one for each member, stack by stack."""
        if noise is None:
            noise = self.noise(player, batch)
        losses: list[Tensor] = []
        reused: dict[str, Tensor] = {}
        for i, stack in enumerate(self._each()):
            own = {_inner(n, i): v for n, v in noise.items() if _inner(n, i)}
            found = stack(player, batch, own, reuse)
            if reuse:
                found, rest = found
                reused |= {f"reused_{i}/{name}": value for name, value in rest.items()}
            losses.append(found)
        return (torch.cat(losses), reused) if reuse else torch.cat(losses)

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """The draws of each stack, each from the same state of the generator."""
        out = {}
        for i, stack in enumerate(from_one_state(self._each(), generator)):
            for name, value in stack.noise(player, batch, generator).items():
                out[f"{i}/{name}"] = value
        return out

    def prepare(self, player: str, generator: torch.Generator | None = None) -> None:
        """Prepare every stack, each from the same state of the generator."""
        for stack in from_one_state(self._each(), generator):
            stack.prepare(player, generator)

    def schedule(self, progress: float) -> None:
        """Set the hyper-parameters of every stack that follow a schedule."""
        for stack in self._each():
            stack.schedule(progress)

    def project(self, player: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """The stacked parameters, by name, each member's projected to its allowed set."""
        out: dict[str, Tensor] = {}
        for i, stack in enumerate(self._each()):
            head = f"stacks.{i}."
            own = {k.removeprefix(head): v for k, v in values.items() if k.startswith(head)}
            out |= {head + k: v for k, v in stack.project(player, own).items()}
        return out

    def clip_gradients(self, player: str, max_norm: float) -> Tensor:
        """Scale each member's gradient to at most ``max_norm``; returns the (K,) norms before."""
        return torch.cat([stack.clip_gradients(player, max_norm) for stack in self._each()])


def _inner(name: str, i: int) -> str:
    """The name inside stack i of a draw of all stacks, or nothing for another stack's."""
    for head in (f"{i}/", f"reused_{i}/"):
        if name.startswith(head):
            return name.removeprefix(head)
    return ""
