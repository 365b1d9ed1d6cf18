"""Several stacks that are trained in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite.methods.base import Method, Noise
from otgen_lite.sweep.stack import Stacked


class StackGroup(Method):
    """Stacks of different signatures, such as one a cost, on the same batches and noise.

    Args:
        stacks: with the same players. Each draws from the same state of the generator, so that
            draws of one kind are the same in all.
        points: the members' points in words; a checkpoint keeps them, so that a run is not resumed
            with other points.
    """

    def __init__(self, stacks: Sequence[Stacked], points: Sequence[str] = ()) -> None:
        super().__init__()
        self.points = list(points)
        #: Members that failed; the loop writes them down.
        self.left_behind: set[int] = set()
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
        """Where members sit in the stacked tensors, by name."""
        out: dict[str, list[int]] = {}
        first = 0
        for i, stack in enumerate(self._each()):
            own = [k - first for k in members if first <= k < first + len(stack)]
            if own:
                out |= {f"stacks.{i}.{name}": own for name in stack.own_tensors()}
            first += len(stack)
        return out

    def scheduled(self) -> bool:
        """Whether a member moves with the training."""
        return any(member.scheduled() for member in self.members)

    def _each(self) -> list[Stacked]:
        return list(self.stacks)  # type: ignore[arg-type]

    @property
    def members(self) -> list[Method]:
        """The members of all stacks as they are now, stack by stack."""
        return [member for stack in self._each() for member in stack.members]

    def release(self) -> list[Method]:
        """The members, with tensors of their own."""
        return [member for stack in self._each() for member in stack.release()]

    def parameters_of(self, player: str) -> Iterator[tuple[str, nn.Parameter]]:
        """Names and stacked parameters that a player moves."""
        for i, stack in enumerate(self._each()):
            for name, value in stack.parameters_of(player):
                yield f"stacks.{i}.{name}", value

    def forward(
        self, player: str, batch: Tensor, noise: Noise | None = None, reuse: bool = False
    ) -> Any:
        """(K,) losses of a player, one a member, stack by stack."""
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
        start = None if generator is None else generator.get_state()
        out = {}
        for i, stack in enumerate(self._each()):
            if generator is not None and start is not None:
                generator.set_state(start)
            for name, value in stack.noise(player, batch, generator).items():
                out[f"{i}/{name}"] = value
        return out

    def prepare(self, player: str, generator: torch.Generator | None = None) -> None:
        """Each stack's, from the same state of the generator."""
        start = None if generator is None else generator.get_state()
        for stack in self._each():
            if generator is not None and start is not None:
                generator.set_state(start)
            stack.prepare(player, generator)

    def schedule(self, progress: float) -> None:
        """Each stack's."""
        for stack in self._each():
            stack.schedule(progress)

    def project(self, player: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each stack's."""
        out: dict[str, Tensor] = {}
        for i, stack in enumerate(self._each()):
            head = f"stacks.{i}."
            own = {k.removeprefix(head): v for k, v in values.items() if k.startswith(head)}
            out |= {head + k: v for k, v in stack.project(player, own).items()}
        return out

    def clip_gradients(self, player: str, max_norm: float) -> Tensor:
        """Shorten each member's gradient to ``max_norm``; (K,) norms before."""
        return torch.cat([stack.clip_gradients(player, max_norm) for stack in self._each()])


def _inner(name: str, i: int) -> str:
    """The name inside stack i of a draw of all stacks, or nothing for another stack's."""
    for head in (f"{i}/", f"reused_{i}/"):
        if name.startswith(head):
            return name.removeprefix(head)
    return ""
