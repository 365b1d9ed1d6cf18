"""Members in a stack: their parameters as one, their losses as a vector."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from otgen_lite.methods.base import Method, Noise, Player
from otgen_lite.sweep.check_stack import check_stack
from otgen_lite.sweep.replay import from_one_state
from otgen_lite.sweep.stacked_layers import use_stacked_layers

#: The prefix of a stack's parameter names.
_PREFIX = "skeleton."


class Stacked(Method):
    r"""K methods with equal signature as one module, whose tensors have a leading axis of length K.

    The loss of a player is the vector of the members' losses,

    .. math::
        \ell_k = \ell(\theta_k, h_k;\ \text{batch}, \text{noise}), \qquad k = 1, \dots, K,

    with one batch and one noise for all; :math:`h_k` are the hyper-parameters of member k. The loss
    of member k depends on no other member's parameters. So the gradient of the sum of these losses
    contains the gradient of each member, and ``fit`` trains a stack like any other method.

    Args:
        members: at least one method; all with equal ``signature()``. While they are stacked, their
            parameters and buffers are views of the stacked ones, so that a member can be inspected
            and sampled from at any time.

    Raises:
        CannotStack: at the first loss of a player, if ``vmap`` refuses it or the losses and
            gradients of the stack are not those of its members.

    Chapter: 10.
    """

    def __init__(self, members: Sequence[Method]) -> None:
        super().__init__()
        self._members = list(members)
        # The skeleton computes the loss. It holds the stacked tensors under the members' names.
        self.skeleton = copy.deepcopy(members[0])
        self.players: dict[str, Player] = dict(members[0].players)
        self.reuses = bool(getattr(members[0], "reuses", False))
        self._shared: set[str] = set()
        self._stack()
        use_stacked_layers(self.skeleton)
        # The slots of the skeleton's tensors, in which the loss of one member puts its own.
        self._slots = _slots(self.skeleton)
        # Players whose first loss is still to be compared with the members' own.
        self._unchecked = set(self.players)
        # By player the names of the parameters that it moves.
        self._moves = {
            p: {name for name, _ in self.skeleton.parameters_of(p)} for p in self.players
        }
        self.bind()

    def _stack(self) -> None:
        """Give the skeleton the members' tensors, stacked; a buffer shared by all stays one."""
        made: dict[int, Any] = {}
        trees = [dict(m.named_modules()) for m in self._members]
        for path, module in self.skeleton.named_modules():
            for kind in ("_parameters", "_buffers"):
                own = getattr(module, kind)
                for name, value in own.items():
                    if value is None:
                        continue
                    if id(value) not in made:
                        each = [getattr(tree[path], kind)[name].detach() for tree in trees]
                        same = kind == "_buffers" and len({_place(v) for v in each}) == 1
                        if same and len(each) > 1:
                            self._shared.add(f"{path}.{name}" if path else name)
                            made[id(value)] = each[0]
                        else:
                            made[id(value)] = torch.stack(each)
                        if kind == "_parameters":
                            made[id(value)] = nn.Parameter(
                                made[id(value)], requires_grad=value.requires_grad
                            )
                    own[name] = made[id(value)]

    def __len__(self) -> int:
        return len(self._members)

    @property
    def members(self) -> list[Method]:
        """The members in their present state, as ordinary methods."""
        return self._members

    def bind(self) -> None:
        """Make the parameters and buffers of the members views of the stacked ones."""
        trees = [dict(m.named_modules()) for m in self._members]
        for path, module in self.skeleton.named_modules():
            for name, value in module._parameters.items():
                if value is not None:
                    for k, tree in enumerate(trees):
                        parameter = tree[path]._parameters[name]
                        assert parameter is not None
                        parameter.data = value.data[k]
            for name, value in module._buffers.items():
                if value is not None:
                    shared = (f"{path}.{name}" if path else name) in self._shared
                    for k, tree in enumerate(trees):
                        tree[path]._buffers[name] = value if shared else value[k]
        parameters = dict(self.skeleton.named_parameters())
        buffers = dict(self.skeleton.named_buffers())
        self._in_dims: dict[str, int | None] = {
            name: None if name in self._shared else 0 for name in [*parameters, *buffers]
        }
        # What a player does not move needs no gradient.
        self._values = {
            p: {n: v if n in self._moves[p] else v.detach() for n, v in parameters.items()}
            | buffers
            for p in self.players
        }

    def release(self) -> list[Method]:
        """The members, with tensors of their own."""
        self.bind()
        for member in self._members:
            for parameter in member.parameters():
                parameter.data = parameter.data.clone()
            for path, module in member.named_modules():
                for name, value in module._buffers.items():
                    full = f"{path}.{name}" if path else name
                    if value is not None and full not in self._shared:
                        module._buffers[name] = value.clone()
        return self._members

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        out = super()._apply(fn, recurse)
        self.bind()
        return out

    def train(self, mode: bool = True) -> Stacked:
        """Set training or evaluation mode, for the members too."""
        super().train(mode)
        for member in self._members:
            member.train(mode)
        return self

    def identity(self, digests: dict[Any, str] | None = None) -> dict[str, str]:
        """The identity of each member."""
        digests = {} if digests is None else digests
        return {
            f"members[{k}].{name}": text
            for k, member in enumerate(self._members)
            for name, text in member.identity(digests).items()
        }

    def own_tensors(self) -> list[str]:
        """Names of the parameters and buffers that hold a row for each member."""
        return [_PREFIX + name for name, dim in self._in_dims.items() if dim == 0]

    def scheduled(self) -> bool:
        """Whether any member follows a schedule."""
        return any(member.scheduled() for member in self._members)

    def parameters_of(self, player: str) -> Iterator[tuple[str, nn.Parameter]]:
        """Names and stacked parameters that a player trains."""
        for name, value in self.skeleton.parameters_of(player):
            yield _PREFIX + name, value

    def forward(
        self, player: str, batch: Tensor, noise: Noise | None = None, reuse: bool = False
    ) -> Any:
        """The (K,) losses of a player, one for each member, on one batch and one noise."""
        if noise is None:
            noise = self.noise(player, batch)
        # The check looks at numbers, which a compiler cannot; with compile=True there is none.
        if player in self._unchecked and not torch.compiler.is_compiling():
            self._unchecked.discard(player)
            check_stack(self, player, batch, noise)
        return self.losses(player, batch, noise, reuse)

    def losses(self, player: str, batch: Tensor, noise: Noise, reuse: bool = False) -> Any:
        """The (K,) losses, without comparing the first of them with those of the members."""
        reused = {name: value for name, value in noise.items() if name.startswith("reused_")}

        def one(values: dict[str, Tensor], own: dict[str, Tensor]) -> Any:
            return self.member_loss(values, player, batch, {**noise, **own}, reuse)

        return vmap(one, in_dims=(self._in_dims, 0))(self._values[player], reused)

    def member_loss(
        self, values: dict[str, Tensor], player: str, batch: Tensor, noise: Noise, reuse: bool
    ) -> Any:
        """The loss of a member whose parameters and buffers are ``values``, by name."""
        more = (True,) if reuse else ()
        with self._holding(values):
            return self.skeleton(player, batch, noise, *more)

    @contextmanager
    def _holding(self, values: dict[str, Tensor]) -> Iterator[None]:
        """The skeleton with other tensors, by name; the others stay.

        It is ``torch.func.functional_call`` without the checks of names and of tied weights that
        are known here: they take 80 µs a loss, a fortieth of a step of 75 small models.
        """
        slots = [slot for slot in self._slots if slot[2] in values]
        kept = [table[name] for table, name, _ in slots]
        for table, name, full in slots:
            table[name] = values[full]
        try:
            yield
        finally:
            for (table, name, _), value in zip(slots, kept, strict=True):
                table[name] = value

    def stacked_values(self, player: str) -> dict[str, Tensor]:
        """The stacked parameters and buffers, by name; those of the player require gradients."""
        return self._values[player]

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """The random draws of one member, which all of them share."""
        return self._members[0].noise(player, batch, generator)

    def prepare(self, player: str, generator: torch.Generator | None = None) -> None:
        """Prepare every member, each from the same state of the generator."""
        if type(self.skeleton).prepare is Method.prepare:
            return
        for member in from_one_state(self._members, generator):
            member.prepare(player, generator)
        self._collect()

    def schedule(self, progress: float) -> None:
        """Set the hyper-parameters of every member that follow a schedule."""
        if type(self.skeleton).schedule is Method.schedule:
            return
        for member in self._members:
            member.schedule(progress)
        self._collect()

    @torch.no_grad()
    def _collect(self) -> None:
        """Take over buffers that a member has replaced instead of written into."""
        stacked = dict(self.skeleton.named_buffers())
        for k, member in enumerate(self._members):
            for name, value in member.named_buffers():
                row = stacked[name] if name in self._shared else stacked[name][k]
                if value.data_ptr() != row.data_ptr():
                    row.copy_(value)

    def project(self, player: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """The stacked parameters, by name, each member's projected to its allowed set."""
        if type(self.skeleton).project is Method.project:
            return {}
        own = {name.removeprefix(_PREFIX): value for name, value in values.items()}
        buffers = dict(self.skeleton.named_buffers())
        dims = {name: self._in_dims[name] for name in buffers}

        def one(parameters: dict[str, Tensor], hyper: dict[str, Tensor]) -> dict[str, Tensor]:
            with self._holding(hyper):
                return self.skeleton.project(player, parameters)

        return {_PREFIX + k: v for k, v in vmap(one, in_dims=(0, dims))(own, buffers).items()}

    def clip_gradients(self, player: str, max_norm: float) -> Tensor:
        """Scale each member's gradient to at most ``max_norm``; returns the (K,) norms before."""
        gradients = [p.grad for _, p in self.parameters_of(player) if p.grad is not None]
        squares = [g.flatten(1).square().sum(dim=1) for g in gradients]
        norm = torch.stack(squares).sum(dim=0).sqrt()
        factor = (max_norm / (norm + 1e-6)).clamp(max=1.0)
        for g in gradients:
            g.mul_(factor.view(-1, *[1] * (g.ndim - 1)))
        return norm


def _place(value: Tensor) -> tuple[int, int]:
    """The memory of a buffer; empty ones have none and are told apart by identity."""
    return (value.data_ptr(), value.numel()) if value.numel() else (id(value), 0)


def _slots(module: nn.Module) -> list[tuple[dict[str, Any], str, str]]:
    """The slot of every tensor: its module's table, its name there, and its full name.

    A tensor that sits in two places has one full name, its first.
    """
    first: dict[int, str] = {}
    out: list[tuple[dict[str, Any], str, str]] = []
    for path, child in module.named_modules():
        for table in (child._parameters, child._buffers):
            for name, value in table.items():
                if value is not None:
                    full = first.setdefault(id(value), f"{path}.{name}" if path else name)
                    out.append((table, name, full))
    return out
