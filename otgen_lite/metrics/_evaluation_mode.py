"""Networks as judges: in evaluation mode while they look, as they were when they are done."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

#: Depth of the search for a function's networks: a closure that calls a closure, say.
_DEPTH = 4


@contextlib.contextmanager
def evaluation_mode(judge: Any) -> Iterator[None]:
    """Every network that ``judge`` uses in evaluation mode and without gradients, inside.

    A network left in training mode would answer by chance (dropout) or by its batch
    (batch normalisation), and learn from what it looks at. Afterwards each module is in the mode it
    was in before.
    """
    modules = {id(m): m for network in networks(judge) for m in network.modules()}
    training = [module for module in modules.values() if module.training]
    try:
        for module in training:
            module.training = False
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True


def networks(judge: Any) -> list[nn.Module]:
    """The networks that a callable is or refers to.

    It may be a network, a method of one, a partial or an object that holds one, or a function that
    finds one in its closure, its defaults or its module.
    """
    found: dict[int, nn.Module] = {}
    _collect(judge, found, set(), _DEPTH)
    return list(found.values())


def _collect(value: Any, found: dict[int, nn.Module], seen: set[int], depth: int) -> None:
    if id(value) in seen or depth < 0:
        return
    seen.add(id(value))
    if isinstance(value, nn.Module):
        found[id(value)] = value
    elif not isinstance(value, type):
        for part in _parts(value):
            _collect(part, found, seen, depth - 1)


def _parts(value: Any) -> list[Any]:
    """Objects that a callable or a container refers to."""
    if inspect.ismethod(value):
        return [value.__self__, value.__func__, *getattr(value.__self__, "__dict__", {}).values()]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if inspect.isfunction(value):
        try:
            names = inspect.getclosurevars(value)
        except ValueError:  # a cell that is still empty
            return []
        defaults = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        wrapped = getattr(value, "__wrapped__", None)
        return [*names.nonlocals.values(), *names.globals.values(), *defaults, wrapped]
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, (list, tuple)):
        return list(value)
    if callable(value) and hasattr(value, "__dict__"):
        return [*vars(value).values(), type(value).__call__]
    return []
