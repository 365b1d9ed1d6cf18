"""Draws in the type and on the device of a tensor, wherever the generator lives.

A generator draws on its own device alone. One of the CPU therefore draws there, and gives the same
numbers to every device; without one, the device's own generator draws.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


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
