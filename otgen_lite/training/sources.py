"""Batches of whatever a user calls data."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from otgen_lite import _checks, _identity
from otgen_lite.training import _data
from otgen_lite.training.batches import BLOCK, Batches, Drawn, Indexed, Loaded, Place

#: A data set of items is read into memory once where it takes at most so many bytes.
MEMORY = 1 << 31


def batches_of(data: Any, batch_size: int, seed: int, place: Place) -> Batches:
    """Batches of whatever the user gave, checked."""
    world = place.processes.world
    if batch_size % world:
        raise ValueError(
            f"batch_size must be a multiple of the number of processes, {world}, got {batch_size}"
        )
    if isinstance(data, TensorDataset):
        data = data.tensors[0]
    if isinstance(data, (Tensor, np.ndarray, list, tuple)):
        return _of_tensor(_data.checked(data), batch_size, seed, place)
    if isinstance(data, (DataLoader, IterableDataset)):
        loader = data if isinstance(data, DataLoader) else DataLoader(data, batch_size)
        return Loaded(loader, place)
    items = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    if isinstance(data, Dataset) or (items and not isinstance(data, (str, bytes, dict))):
        return _of_items(data, batch_size, seed, place)
    if callable(data):
        return Drawn(data, batch_size, seed, place)
    raise TypeError(
        "data must be a tensor, an array, a Dataset, a DataLoader or a callable "
        f"(n, generator) -> (n, ...), got {_data.kind(data)}"
    )


def _of_tensor(data: Tensor, batch_size: int, seed: int, place: Place) -> Indexed:
    form = f"{tuple(data.shape)} {str(data.dtype).removeprefix('torch.')}"
    _check_size(len(data), batch_size, place)
    if place.holds(data):
        data = data.to(place.dtype).to(place.device)
    return Indexed(
        len(data), lambda rows: data.index_select(0, rows),
        numbers=data[0].numel(), batch_size=batch_size, seed=seed, place=place,
        device=data.device, mark=lambda: f"{form} {_identity.of_tensor(data)}",
    )  # fmt: skip


def _of_items(data: Any, batch_size: int, seed: int, place: Place) -> Indexed:
    """A set of items: read once where it fits in memory and gives the same item twice."""
    if len(data) == 0:
        raise ValueError("data must hold at least one point, got an empty data set")
    one, again = _item(data, 0), _item(data, 0)
    fixed = torch.equal(one, again)
    if fixed and one.numel() * one.element_size() * len(data) <= MEMORY:
        return _of_tensor(
            _data.checked(torch.stack([_item(data, k) for k in range(len(data))])),
            batch_size, seed, place,
        )  # fmt: skip
    _check_size(len(data), batch_size, place)
    return Indexed(
        len(data), lambda rows: torch.stack([_item(data, int(k)) for k in rows]),
        numbers=BLOCK, batch_size=batch_size, seed=seed, place=place,
        device=torch.device("cpu"),
        mark=lambda: f"{len(data)} items of shape {tuple(one.shape)}, {type(data).__name__}",
    )  # fmt: skip


def _check_size(size: int, batch_size: int, place: Place) -> None:
    if batch_size > size:
        world = place.processes.world
        if size % world:
            raise ValueError(f"batch_size must be at most the {size} points, got {batch_size}")
        warnings.warn(
            f"batch_size = {batch_size} is more than the {size} points of data: every batch is "
            "all of them",
            stacklevel=5,
        )


def _item(data: Any, k: int) -> Tensor:
    item = _data.first_entry(data[k])
    if not isinstance(item, Tensor):
        item = _checks.tensor(f"data[{k}]", item)
    _data.floating(f"data[{k}]", item)
    return item
