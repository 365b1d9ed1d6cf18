"""Statements run on the CPU in double precision, whatever device a chapter uses.

Their solvers are SciPy's and their tolerances those of float64. What comes in from an accelerator
is moved to the CPU, and what comes out goes back, so that a chapter's next lines keep working.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks

CPU = torch.device("cpu")


def on_cpu(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, on the CPU; its results go to where its first tensor was, or new ones are."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        used = torch.get_default_device()
        found = [device for device in _devices((args, kwargs)) if device != CPU]
        if used == CPU and not found:
            return function(*args, **kwargs)
        away = found[0] if found else used
        here = [_visited(arg, away, used) for arg in _moved(args, CPU)]
        named = {name: _visited(arg, away, used) for name, arg in _moved(kwargs, CPU).items()}
        with CPU:
            out = function(*here, **named)
        return _moved(out, away)

    return wrapped


def all_on_cpu(names: dict[str, Any]) -> None:
    """The same for every function of a module, given its ``globals()``."""
    for name, value in names.items():
        if isinstance(value, FunctionType) and value.__module__ == names["__name__"]:
            names[name] = on_cpu(value)


def _visited(argument: Any, away: torch.device, used: torch.device) -> Any:
    """A chapter's own function, which is called where the chapter is; anything else as it is."""
    if not isinstance(argument, FunctionType):
        return argument

    @functools.wraps(argument)
    def visited(*args: Any, **kwargs: Any) -> Any:
        with used:
            return _moved(argument(*_moved(args, away), **_moved(kwargs, away)), CPU)

    return visited


def _devices(value: Any) -> Iterator[torch.device]:
    if isinstance(value, (Tensor, torch.Generator)):
        yield value.device
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _devices(part)
    elif isinstance(value, dict):
        yield from _devices(list(value.values()))


def _moved(value: Any, device: torch.device) -> Any:
    """Tensors on a device, and generators as such of the CPU."""
    if isinstance(value, Tensor):
        # Where there is no double precision, a result that needs it stays.
        stays = value.dtype == torch.float64 and _checks.wide(device) != torch.float64
        return value if stays else value.to(device)
    if isinstance(value, torch.Generator) and value.device != CPU:
        seed = torch.randint(1 << 62, (), generator=value, device=value.device)
        return torch.Generator("cpu").manual_seed(int(seed))
    if isinstance(value, dict):
        return {name: _moved(part, device) for name, part in value.items()}
    if isinstance(value, list) or type(value) is tuple:
        return type(value)(_moved(part, device) for part in value)
    if isinstance(value, tuple):  # a named one
        return type(value)(*(_moved(part, device) for part in value))
    return value
