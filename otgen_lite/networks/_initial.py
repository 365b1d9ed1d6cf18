"""Initial weights from an explicit generator, and checks of what goes in."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks


@functools.cache
def _blank(kind: Any) -> Any:
    """A class of layers that draw nothing when they are made.

    ``torch.nn.utils.skip_init`` makes them on the meta device first, whose draws are operations in
    Python: a fifth of a second for the 75 networks of a sweep.
    """
    return type(kind.__name__, (kind,), {"reset_parameters": lambda self: None})


def layer(kind: Any, *args: Any, generator: torch.Generator | None, **kwargs: Any) -> nn.Module:
    """A linear or convolutional layer with torch's own initial law, from an explicit generator.

    It is on torch's default device; what it holds is drawn where the generator lives.
    """
    made: Any = _blank(kind)(*args, **kwargs)
    made.__class__ = kind
    weight = made.weight
    fan_in = weight.shape[1] * math.prod(weight.shape[2:])
    with torch.no_grad():
        for value in (weight, made.bias):
            place = value.device if generator is None else generator.device
            drawn = value if place == value.device else torch.empty_like(value, device=place)
            drawn.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=generator)
            if drawn is not value:
                value.copy_(drawn)
    return made


def rows_of(x: Tensor, size: int, name: str) -> Tensor:
    """(n, size) data of any shape, flattened."""
    rows = x.flatten(1) if x.ndim > 2 else x
    if rows.ndim != 2 or rows.shape[1] != size:
        raise ValueError(
            f"{name} takes {size} numbers a row, got a tensor of shape {_checks.shape_text(x)}"
        )
    return rows
