"""Randomness: a generator, a seed, or torch's own generator."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite._draws import Randomness, as_generator


def home(generator: torch.Generator | None) -> torch.device:
    """Where points go that are drawn: torch's default device, or the accelerator that drew them."""
    if generator is None or generator.device.type == "cpu":
        return torch.get_default_device()
    return generator.device


class Draw:
    """``n`` independent draws at a time, from one source of randomness.

    They are drawn where the generator lives: one of the CPU, or a seed, gives the same numbers
    everywhere.
    """

    def __init__(self, n: int, generator: Randomness, dtype: torch.dtype | None) -> None:
        self.n = _checks.count("n", n)
        generator = as_generator(generator)
        dtype = _checks.floating(dtype)
        self.generator = generator
        self.kind: dict[str, Any] = {
            "generator": generator,
            "dtype": dtype,
            "device": generator.device if generator is not None else torch.get_default_device(),
        }
        self.home = home(generator)

    def normal(self, d: int) -> Tensor:
        return torch.randn(self.n, d, **self.kind).to(self.home)

    def uniform(self) -> Tensor:
        return torch.rand(self.n, **self.kind).to(self.home)

    def integers(self, k: int) -> Tensor:
        """Whole numbers 0, …, k - 1 in the floating type."""
        return torch.randint(k, (self.n,), **self.kind).to(self.home)
