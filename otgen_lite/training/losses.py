"""A player's loss as the loop calls it: the method's own, compiled, or averaged over processes."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite.gathering import in_step
from otgen_lite.methods.base import Method
from otgen_lite.training.devices import Processes
from otgen_lite.training.options import Options

#: The compiler behind ``torch.compile``.
BACKEND: str | Callable[..., Any] = "inductor"


def trained(method: Method, player: str) -> dict[str, nn.Parameter]:
    """The parameters of a player that are not frozen, by name."""
    return {name: p for name, p in method.parameters_of(player) if p.requires_grad}


class LossModule(nn.Module):
    """A player's loss as a module, for ``DistributedDataParallel``."""

    def __init__(self, method: Method, loss: Callable[..., Any]) -> None:
        super().__init__()
        self.method = method
        self._loss = loss

    def forward(self, player: str, batch: Tensor, noise: Any, *reuse: bool) -> Any:
        """The loss."""
        with in_step():
            return self._loss(player, batch, noise, *reuse)


def loss_of(method: Method, player: str, options: Options, processes: Processes) -> Any:
    """A player's loss: the method; or compiled; or with gradients averaged over processes.

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
        return DistributedDataParallel(LossModule(method, loss), **keep)
    finally:
        for p in others:
            p.requires_grad_(True)


def _compiled(method: Method) -> Callable[..., Any]:
    """The method's loss through ``torch.compile``; a failure is an error with advice."""
    compiled = torch.compile(_of_its_own(method), backend=BACKEND, dynamic=False)

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


def _of_its_own(method: Method) -> Callable[..., Any]:
    """The loss of a method as a function with a code object of its own.

    torch keeps what it compiles beside the code, and gives up in silence at the ninth version of
    one code: ``Method.forward`` is one for all methods of all sizes in a program.
    """

    def loss(player: str, batch: Tensor, noise: Any, *reuse: bool) -> Any:
        return method.forward(player, batch, noise, *reuse)

    code = loss.__code__.replace()
    return types.FunctionType(code, loss.__globals__, closure=loss.__closure__)
