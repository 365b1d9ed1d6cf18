"""Every method, made on the CPU, and its data: the recipes on the digits, and further kinds.

A value may differ between devices by the rounding of sums, which are added in another order. With
unit roundoff u a sum of n numbers is wrong by at most n·u relative to the sum of their absolute
values, so tolerances are n·u with the n that stand below, for all operations that follow one
another; they depend on the precision and on nothing that was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

import otgen_lite as otg
from tests.unit import autoencoders

CPU = torch.device("cpu")
#: How many roundings in a row a value and a gradient may have seen.
VALUE, GRADIENT = 1e5, 1e6


def tolerance(dtype: torch.dtype, roundings: float) -> float:
    """Relative to the size of what is compared."""
    return roundings * torch.finfo(dtype).eps


Made = tuple[otg.Method, Tensor]


def _recipe(name: str) -> Callable[[], Made]:
    def make() -> Made:
        recipe = otg.recipes.get("digits", name)
        x = recipe.data(0)[:256]
        more = {"warm_up": 3} if name == "semidual" else {}
        method = recipe.make(0, x)
        for key, value in more.items():
            setattr(method, key, value)
        return method, x

    return make


def _kind(name: str) -> Callable[[], Made]:
    return lambda: (autoencoders.KINDS[name]().float(), autoencoders.data(256).float())


def _latent_pairs() -> Made:
    method, x = _recipe("latent_ot_pairs")()
    network = otg.MLP(8, [16], 8, generator=3)
    return otg.LatentOT(method, data=x, map="pairs", plan="batch", network=network), x


#: The recipes whose first stage is not that of another, and every kind of auto-encoder.
METHODS: dict[str, Callable[[], Made]] = {
    **{
        f"digits/{name}": _recipe(name)
        for name in otg.recipes.names("digits")
        if not name.startswith("latent") or name == "latent_ot_pairs"
    },
    **{name: _kind(name) for name in autoencoders.KINDS},
    "latent pairs": _latent_pairs,
}


def made(name: str, dtype: torch.dtype = torch.float32) -> Made:
    """A method and its data on the CPU."""
    with CPU:
        method, x = METHODS[name]()
        return method.to(dtype), x.to(dtype)


def tensors(method: otg.Method) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers, and what else a method holds, by name."""
    yield from method.named_parameters()
    yield from method.named_buffers()
    for path, module in method.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, Tensor):
                yield f"{path}.{name}", value


def elsewhere(named: Any, device: torch.device) -> list[str]:
    """Names of tensors that are not on a kind of device."""
    return [name for name, value in dict(named).items() if value.device.type != device.type]


def moved(noise: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """The same draws on another device."""
    return {name: value.to(device) for name, value in noise.items()}
