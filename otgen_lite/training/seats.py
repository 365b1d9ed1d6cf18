"""A player's seat at the table: its parameters, its optimizer, and one step of it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite.gathering import in_step
from otgen_lite.methods.base import Method
from otgen_lite.training.devices import Processes
from otgen_lite.training.errors import NonFiniteError
from otgen_lite.training.history import Record
from otgen_lite.training.options import PRECISIONS, Options


class Seat:
    """What belongs to one player while it is trained.

    Args:
        method: who is trained.
        player: which of its players.
        options: the options of the run.
        loss: what computes the loss: the method itself, compiled or in processes.
        watch: whether to look at every loss before it moves anything. That is free on a CPU; an
            accelerator would wait, so there the loop looks at intervals.
        device: where it runs.
        held: whether losses wait until all processes fetch theirs together.
    """

    def __init__(
        self,
        method: Method,
        player: str,
        options: Options,
        *,
        loss: Callable[..., Any],
        watch: bool,
        device: torch.device,
        held: bool = False,
    ) -> None:
        self.method, self.player, self.loss = method, player, loss
        self.watch = watch
        #: Asked about a loss that is no finite number: whether the training goes on all the same.
        self.goes_on: Callable[[NonFiniteError], bool] = lambda found: False
        self.params = trained(method, player)
        self.moved = list(self.params.values())
        everything = {id(p) for p in method.parameters() if p.requires_grad}
        # Where the player moves all there is, backward needs no list of what to reach.
        self.inputs = None if everything == {id(p) for p in self.moved} else self.moved
        self.optimizer = options.make_optimizer(player, self.moved)
        self.rate, self.max_norm = options.rate(player), options.max_norm(player)
        self.inner = method.players[player].steps
        self.record = Record(options.steps * self.inner, held=held)
        self.prepares = type(method).prepare is not Method.prepare
        self.projects = type(method).project is not Method.project
        # Some losses have tensors for the next player to reuse; nobody follows the last.
        last = player == list(method.players)[-1]
        self.reuse = (True,) if getattr(method, "reuses", False) and not last else ()
        self.cast, self.scaler = _precision(options.precision, device)

    def set_rate(self, factor: float) -> None:
        """Multiply the learning rate of the options by a factor."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * factor

    def step(self, batch: Tensor, noise: dict[str, Tensor]) -> dict[str, Tensor] | None:
        """Loss, gradient, optimizer, projection.

        Returns:
            Tensors for the next player of the round to reuse, where the method has such.

        Raises:
            NonFiniteError: if the loss is no finite number; nothing has moved.
        """
        for p in self.moved:
            p.grad = None
        reused = None
        if self.cast is None and not self.reuse:
            loss = self.loss(self.player, batch, noise)
        else:
            with self.cast or nullcontext():
                loss = self.loss(self.player, batch, noise, *self.reuse)
            if self.reuse:
                loss, reused = loss
        # A vector holds the losses of independent members: their sum has the gradient of each.
        total = loss if loss.ndim == 0 else loss.sum()
        if self.watch and not math.isfinite(total.item()):
            found = NonFiniteError(self.player, loss.detach(), batch)
            if not self.goes_on(found):
                raise found
        if self.scaler is None:
            total.backward(inputs=self.inputs)
            if self.max_norm is not None:
                self.method.clip_gradients(self.player, self.max_norm)
            self.optimizer.step()
        else:
            self._scaled_step(total)
        if self.projects:
            self._project()
        self.record.append(loss.detach())
        return reused

    def _scaled_step(self, total: Tensor) -> None:
        """In half precision: the loss is scaled up, so that small gradients are not lost."""
        assert self.scaler is not None
        self.scaler.scale(total).backward(inputs=self.inputs)
        if self.max_norm is not None:
            self.scaler.unscale_(self.optimizer)
            self.method.clip_gradients(self.player, self.max_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    @torch.no_grad()
    def _project(self) -> None:
        """Back to where the parameters may be."""
        values = {name: p.detach() for name, p in self.params.items()}
        for name, value in self.method.project(self.player, values).items():
            self.params[name].copy_(value)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of this player."""
        scaler = {} if self.scaler is None else self.scaler.state_dict()
        return {"optimizer": self.optimizer.state_dict(), "scaler": scaler}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where :meth:`state` was called."""
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scaler is not None:
            self.scaler.load_state_dict(state["scaler"])

    def leave(self) -> None:
        """Gradients are not kept after a training."""
        for p in self.moved:
            p.grad = None


def trained(method: Method, player: str) -> dict[str, nn.Parameter]:
    """The parameters of a player that are not frozen, by name."""
    return {name: p for name, p in method.parameters_of(player) if p.requires_grad}


def _precision(name: str | None, device: torch.device) -> tuple[Any, Any]:
    """The context in which a loss is computed, and the scaler of its gradient."""
    if name is None:
        return None, None
    cast = torch.autocast(device.type, PRECISIONS[name])
    scaler = torch.amp.GradScaler(device.type) if name == "fp16" else None
    return cast, scaler


class Side(nn.Module):
    """A player's loss as a module, which is what ``DistributedDataParallel`` wraps."""

    def __init__(self, method: Method, loss: Callable[..., Any]) -> None:
        super().__init__()
        self.method = method
        self._loss = loss

    def forward(self, player: str, batch: Tensor, noise: Any, *reuse: bool) -> Any:
        """The loss."""
        with in_step():
            return self._loss(player, batch, noise, *reuse)


def loss_of(method: Method, player: str, options: Options, processes: Processes) -> Any:
    """What computes a player's loss: the method; compiled; with gradients averaged over processes.

    There is one ``DistributedDataParallel`` a player, which knows this player's parameters alone:
    it averages what the player's own backward reaches, beside the backward, and waits for nothing
    else. Buffers are not sent around: every process changes them in the same way.
    """
    loss: Callable[..., Any] = _compiled(method) if options.compile else method
    if processes.world == 1:
        return loss
    from torch.nn.parallel import DistributedDataParallel

    mine = {id(p) for p in trained(method, player).values()}
    others = [p for p in method.parameters() if p.requires_grad and id(p) not in mine]
    for p in others:
        p.requires_grad_(False)
    # A network may have parameters that a loss does not use: a static graph finds out once.
    known = inspect.signature(DistributedDataParallel).parameters
    buffers = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
    keep: dict[str, Any] = {buffers: False, "static_graph": True}
    try:
        return DistributedDataParallel(Side(method, loss), **keep)
    finally:
        for p in others:
            p.requires_grad_(True)


def _compiled(method: Method) -> Callable[..., Any]:
    """The method's loss through ``torch.compile``; an error that says what to do where it fails."""
    compiled = torch.compile(method.forward, dynamic=False)

    def loss(*arguments: Any) -> Any:
        try:
            return compiled(*arguments)
        except Exception as error:
            if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise
            raise RuntimeError(
                f"compile=True does not work here for this method ({type(error).__name__}: "
                f"{str(error).strip().splitlines()[0]}); train with compile=False"
            ) from error

    return loss
