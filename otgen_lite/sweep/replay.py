"""The same draws for several members."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import torch

T = TypeVar("T")


def from_one_state(items: Iterable[T], generator: torch.Generator | None) -> Iterator[T]:
    """The items one by one, each with the generator in the state that it has at the first."""
    if generator is None:
        yield from items
        return
    start = generator.get_state()
    for item in items:
        generator.set_state(start)
        yield item
