"""Calls of networks: checks of what goes in and comes out, and blocks where memory is bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks
from otgen_lite.methods.base import Noise

#: Rows that a network sees at once where no gradient is asked: memory stays bounded.
ROWS = 4096


def module(name: str, value: Any) -> nn.Module:
    """A network."""
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module, got {type(value).__name__}")
    return value


def taken(name: str, x: Any, network: nn.Module) -> Tensor:
    """Data in the type and on the device of a network's weights; as they are where it has none."""
    x, like = _checks.tensor(name, x), next(network.parameters(), None)
    return x if like is None else x.to(like.dtype).to(like.device)


def same_shape(made: Tensor, batch: Tensor) -> Tensor:
    """The output of a decoder, if it has the shape of the data."""
    if made.shape != batch.shape:
        raise ValueError(
            "the decoder must return data of the batch's shape "
            f"{_checks.shape_text(batch)}, got {_checks.shape_text(made)}"
        )
    return made


def given(noise: Noise, name: str, n: int) -> Tensor:
    """Draws that were given, one row for each of n points."""
    if name not in noise:
        raise ValueError(f"noise must hold {name!r}, got {sorted(noise)}")
    if len(noise[name]) != n:
        raise ValueError(f"noise[{name!r}] must have {n} rows, got {len(noise[name])}")
    return noise[name]


def in_blocks(function: Callable[..., Tensor], *rows: Tensor, size: int | None = None) -> Tensor:
    """A function of rows, a block at a time."""
    size = ROWS if size is None else size
    if len(rows[0]) <= size:
        return function(*rows)
    blocks = zip(*(r.split(size) for r in rows), strict=True)
    return torch.cat([function(*block) for block in blocks])
