"""Draws in the type and on the device of a tensor, wherever the generator lives.

A generator draws on its own device alone. One of the CPU therefore draws there, and gives the same
numbers to every device; without one, the device's own generator draws.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks

#: A generator, a seed, or None for torch's own generator.
Randomness = torch.Generator | int | None


def as_generator(
    generator: Randomness, device: torch.device | str = "cpu", name: str = "generator"
) -> torch.Generator | None:
    """The generator itself, a new one on a device for a seed, or None for torch's own.

    Args:
        generator: a generator, a seed or None.
        device: where a generator that starts from a seed draws; one of the CPU gives the same
            numbers to every device.
        name: the argument's name, for the message.

    Raises:
        TypeError: if it is none of the three.
        ValueError: if the seed is out of range.
    """
    if generator is None or isinstance(generator, torch.Generator):
        return generator
    if isinstance(generator, bool) or not isinstance(generator, (int, np.integer)):
        raise TypeError(f"{name} must be a torch.Generator, a seed or None, got {generator!r}")
    return torch.Generator(device).manual_seed(_checks.seed(name, generator))


def normal(shape: tuple[int, ...], generator: torch.Generator | None, like: Tensor) -> Tensor:
    """Standard normal numbers in the type and on the device of ``like``."""
    return _there(torch.randn, shape, generator, like, like.dtype)


def uniform(shape: tuple[int, ...], generator: torch.Generator | None, like: Tensor) -> Tensor:
    """Numbers that are uniform on [0, 1), in the type and on the device of ``like``."""
    return _there(torch.rand, shape, generator, like, like.dtype)


def below(
    high: int, shape: tuple[int, ...], generator: torch.Generator | None, like: Tensor
) -> Tensor:
    """Whole numbers 0, …, high - 1 as int64, on the device of ``like``."""
    return _there(lambda *a, **k: torch.randint(high, *a, **k), shape, generator, like, torch.int64)


def _there(
    draw: Any, shape: Any, generator: torch.Generator | None, like: Tensor, dtype: torch.dtype
) -> Tensor:
    place = like.device if generator is None else generator.device
    return draw(shape, generator=generator, dtype=dtype, device=place).to(like.device)
