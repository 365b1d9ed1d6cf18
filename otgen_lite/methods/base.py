"""Methods: modules whose ``forward(player, batch, noise)`` is the loss of one of their players.

The loop that trains a method is written down at the top of
``otgen_lite/training/training_run.py``, which runs it.

A player whose loss computed something that the next one needs on the same batch, such as codes,
may hand it on: then ``reuses`` is true, the loop calls the loss with ``reuse=True``, and the
tensors that come with it are noise of the next player's update, on that batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks, _identity

#: Noise by name: the draws of a player's loss, made before the loss is computed.
Noise = Mapping[str, Tensor]


@dataclass(frozen=True)
class Player:
    """A player of a method: the parameters that it trains, and its number of updates in each step.

    Args:
        parts: names of those attributes of the method that it trains: modules or parameters.
        updates: number of updates that its optimizer makes in each step of ``fit``, each of them on
            a batch of its own.

    Chapter: 7, 10.
    """

    parts: tuple[str, ...]
    updates: int = 1


class Method(nn.Module):
    r"""The base class of all methods: a module with players, and a loss for each of them.

    A subclass fills ``self.players`` (in the order in which they move in a step) and defines
    :meth:`loss`, which is the formula of the book. Every random draw is passed to the loss as
    ``noise``, so that the same loss can be evaluated twice, on two devices, or for a stack of
    members with common random numbers. Hyper-parameters are buffers (:meth:`hyper`), in the
    floating-point type of the networks.

    Before each step, the loop of ``fit`` calls ``schedule(progress)`` with the fraction of the
    training that is over. Then, for each update of each player, it calls ``prepare(player,
    generator)``, ``noise(player, batch, generator)``, ``forward(player, batch, noise)``, the
    optimizer, and ``project(player, values)``. A loop that calls ``forward`` with ``reuse=True``
    may pass the tensors that come with the loss to the next player of the same step, as further
    noise. This saves a pass through an encoder; it is never necessary.

    Chapter: 7, 10, and every chapter that trains.
    """

    players: dict[str, Player]

    #: Whether ``vmap`` can run the loss: it looks at no number, which means that there is no
    #: ``.item()`` in it and no ``if`` on a tensor. Else members are trained in turn.
    stackable: bool = True

    #: Advice where there are no players, for the message of ``fit``.
    instead: str = ""

    #: Whether a player reuses tensors of the one before, so that the loop asks for them.
    reuses: bool = False

    def forward(
        self, player: str, batch: Tensor, noise: Noise | None = None, reuse: bool = False
    ) -> Any:
        """The loss of one player on a batch, which is minimised in that player's parameters.

        Args:
            player: one of ``self.players``.
            batch: (n, ...) data.
            noise: the draws that ``noise()`` makes; drawn from torch's own generator where None.
            reuse: whether to return also the tensors that the next player of the step can reuse.

        Returns:
            0-d tensor; with ``reuse`` also a dict of tensors, without gradient.

        Raises:
            ValueError: if there is no such player.
        """
        if player not in self.players:
            _checks.choice("player", player, self.players)
        if noise is None:
            noise = self.noise(player, batch)
        if reuse:
            return self.loss_and_reused(player, batch, noise)
        return self.loss(player, batch, noise)

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """The loss of one player: 0-d, the formula of the book."""
        raise NotImplementedError

    def loss_and_reused(
        self, player: str, batch: Tensor, noise: Noise
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and a dict of tensors that the next player can reuse; empty by default.

        The names of these tensors begin with ``reused_``, and the tensors carry no gradient.
        """
        return self.loss(player, batch, noise), {}

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Draw everything random that the loss of a player needs for a batch: a dict of tensors.

        Each tensor either has one row for each point of the batch or is shared by the whole batch.
        None may depend on a hyper-parameter, so that all members of a grid can share them.
        """
        return {}

    def prepare(self, player: str, generator: torch.Generator | None = None) -> None:
        """Work before a player's update that is not a gradient step; by default there is none."""

    def project(self, player: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """A player's parameters, projected to the allowed set, by name; only those that change."""
        return {}

    def clip_gradients(self, player: str, max_norm: float) -> Tensor:
        """Scale a player's gradient down to at most ``max_norm`` (Euclidean, over all parameters).

        Returns:
            0-d tensor, the norm before clipping.
        """
        params = [p for _, p in self.parameters_of(player)]
        return torch.nn.utils.clip_grad_norm_(params, max_norm)

    def schedule(self, progress: float) -> None:
        """Set the hyper-parameters that follow a schedule; ``progress`` runs from 0 to 1."""

    def scheduled(self) -> bool:
        """Whether :meth:`schedule` changes anything, so that a longer run is not a continuation."""
        return type(self).schedule is not Method.schedule

    def parameters_of(self, player: str) -> Iterator[tuple[str, nn.Parameter]]:
        """Names and parameters of a player; a parameter that is in two of its parts comes once.

        The names are those of ``named_parameters()``.
        """
        names = {id(p): name for name, p in self.named_parameters()}
        given: set[int] = set()
        for part in self.players[player].parts:
            value = self.get_submodule(part) if part in self._modules else getattr(self, part)
            found = (
                [(part, value)] if isinstance(value, nn.Parameter)
                else value.named_parameters(prefix=part)
            )  # fmt: skip
            for name, parameter in found:
                if id(parameter) not in given:
                    given.add(id(parameter))
                    yield names.get(id(parameter), name), parameter

    def hyper(self, name: str, value: float, *, moves: bool = False) -> None:
        """Register a hyper-parameter as a buffer, in the type of the networks added so far.

        Args:
            name: the buffer's name.
            value: its value.
            moves: whether :meth:`schedule` or :meth:`prepare` changes it during training. A
                subclass that changes a hyper-parameter of its base class registers it again.
        """
        like = self._like()
        self.register_buffer(name, torch.tensor(value, dtype=like.dtype, device=like.device))
        stay = [other for other in getattr(self, "_moving", ()) if other != name]
        self._moving = (*stay, name) if moves else tuple(stay)

    def _like(self) -> Tensor:
        """A tensor of the type of the networks, on their device."""
        return next(self.parameters(), torch.empty(0))

    def identity(self, digests: dict[Any, str] | None = None) -> dict[str, str]:
        """Facts about the method, by path; only a method with the same facts can resume a run.

        All of the method counts except for the numbers that training changes: weights of players
        that are not frozen, and hyper-parameters that are registered with ``moves=True``. Other
        tensors that change during training, such as running means, are found by the loop.

        Args:
            digests: digests of tensors that have been seen before, where several methods share
                some.
        """
        moved = [
            p for player in self.players for _, p in self.parameters_of(player) if p.requires_grad
        ]
        for module in self.modules():
            moved += [getattr(module, name) for name in getattr(module, "_moving", ())]
        return _identity.facts(self, moved, digests)

    def signature(self) -> tuple[Any, ...]:
        """Facts in which stacked methods must agree: everything but the numbers in their tensors.

        Only registered parameters and buffers may differ. A tensor that is a plain attribute is
        shared by all members, so its numbers count.
        """
        stacked = [*self.parameters(), *self.buffers()]
        classes = tuple(type(module) for module in self.modules())
        return classes, tuple(_identity.facts(self, stacked).items())


def flat(x: Tensor) -> Tensor:
    """Data as rows: (n, ...) becomes (n, d), so that a cost sees points."""
    return x.flatten(1)
