"""The state of one player: its parameters, its optimizer, and one update of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from otgen_lite.methods.base import Method
from otgen_lite.training.errors import NonFiniteError
from otgen_lite.training.history import Record
from otgen_lite.training.losses import trained
from otgen_lite.training.options import PRECISIONS, Options


class PlayerState:
    """The state of one player of a method in training.

    Args:
        method: the method that is trained.
        name: the name of the player.
        options: the options of the run.
        loss: the function that computes the loss, see :func:`otgen_lite.training.losses.loss_of`.
        check_each: whether to check every loss before it moves anything. That is free on a CPU;
            an accelerator would wait, so there the loop checks at intervals.
        device: the device of the training.
        deferred: whether losses wait until all processes fetch theirs together.
    """

    def __init__(
        self,
        method: Method,
        name: str,
        options: Options,
        *,
        loss: Callable[..., Any],
        check_each: bool,
        device: torch.device,
        deferred: bool = False,
    ) -> None:
        self.method, self.name, self.loss = method, name, loss
        self.check_each = check_each
        #: Asked about a loss that is no finite number: whether the training goes on all the same.
        self.goes_on: Callable[[NonFiniteError], bool] = lambda found: False
        self.params = trained(method, name)
        self.moved = list(self.params.values())
        everything = {id(p) for p in method.parameters() if p.requires_grad}
        # Where the player moves all there is, backward needs no list of what to reach.
        self.inputs = None if everything == {id(p) for p in self.moved} else self.moved
        self.optimizer = options.make_optimizer(name, self.moved)
        self.rate, self.max_norm = options.rate(name), options.max_norm(name)
        self.updates = method.players[name].updates
        self.record = Record(options.steps * self.updates, deferred=deferred)
        self.prepares = type(method).prepare is not Method.prepare
        self.projects = type(method).project is not Method.project
        # Some losses have tensors for the next player to reuse; nobody follows the last.
        last = name == list(method.players)[-1]
        self.reuse = (True,) if getattr(method, "reuses", False) and not last else ()
        self.cast, self.scaler = _precision(options.precision, device)

    def set_rate(self, factor: float) -> None:
        """Multiply the learning rate of the options by a factor."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * factor

    def update(self, batch: Tensor, noise: dict[str, Tensor]) -> dict[str, Tensor] | None:
        """Loss, gradient, optimizer, projection.

        Returns:
            Tensors for the next player of the step to reuse, where the method has such.

        Raises:
            NonFiniteError: if the loss is no finite number; nothing has moved.
        """
        for p in self.moved:
            p.grad = None
        reused = None
        if self.cast is None and not self.reuse:
            loss = self.loss(self.name, batch, noise)
        else:
            with self.cast or nullcontext():
                loss = self.loss(self.name, batch, noise, *self.reuse)
            if self.reuse:
                loss, reused = loss
        # A vector holds the losses of independent members: their sum has the gradient of each.
        total = loss if loss.ndim == 0 else loss.sum()
        if self.check_each and not math.isfinite(total.item()):
            found = NonFiniteError(self.name, loss.detach(), batch)
            if not self.goes_on(found):
                raise found
        if self.scaler is None:
            total.backward(inputs=self.inputs)
            if self.max_norm is not None:
                self.method.clip_gradients(self.name, self.max_norm)
            self.optimizer.step()
        else:
            self._scaled_update(total)
        if self.projects:
            self._project()
        self.record.append(loss.detach())
        return reused

    def _scaled_update(self, total: Tensor) -> None:
        """In half precision: the loss is scaled up, so that small gradients are not lost."""
        assert self.scaler is not None
        self.scaler.scale(total).backward(inputs=self.inputs)
        if self.max_norm is not None:
            self.scaler.unscale_(self.optimizer)
            self.method.clip_gradients(self.name, self.max_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    @torch.no_grad()
    def _project(self) -> None:
        """Put the parameters back into the set that the method allows."""
        values = {name: p.detach() for name, p in self.params.items()}
        for name, value in self.method.project(self.name, values).items():
            self.params[name].copy_(value)

    def state(self) -> dict[str, Any]:
        """The part of a checkpoint that is this player's."""
        scaler = {} if self.scaler is None else self.scaler.state_dict()
        return {"optimizer": self.optimizer.state_dict(), "scaler": scaler}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to a :meth:`state`."""
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scaler is not None:
            self.scaler.load_state_dict(state["scaler"])

    def drop_gradients(self) -> None:
        """Free the gradients, which nobody needs after a training."""
        for p in self.moved:
            p.grad = None


def _precision(name: str | None, device: torch.device) -> tuple[Any, Any]:
    """The context of a loss in mixed precision, and the scaler of its gradient."""
    if name is None:
        return None, None
    cast = torch.autocast(device.type, PRECISIONS[name])
    scaler = torch.amp.GradScaler(device.type) if name == "fp16" else None
    return cast, scaler
