"""Batches from every kind of data that ``fit`` accepts."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
)

from otgen_lite import _checks, _identity
from otgen_lite.training import _data, streams
from otgen_lite.training.batches import BLOCK, Batches, Drawn, Indexed, Placement
from otgen_lite.training.foreign import Generators, foreign
from otgen_lite.training.loaders import Loaded
from otgen_lite.training.randomness import own_randomness

#: A data set of items is read into memory once where it takes at most so many bytes.
MEMORY = 1 << 31


def may_draw(data: Any) -> bool:
    """Whether making a batch may draw from the program's generators within a step.

    Loaders and items do so in streams of their own; a sampler of the user's may do it anywhere.
    """
    return callable(data) and not isinstance(data, (Tensor, Dataset)) and foreign(data)


def batches_of(data: Any, batch_size: int, seed: int, placement: Placement) -> Batches:
    """Batches of whatever the user gave, checked."""
    world = placement.processes.world
    if batch_size % world:
        raise ValueError(
            f"batch_size must be a multiple of the number of processes, {world}, got {batch_size}"
        )
    data = _checks.table("data", data)
    if type(data) is TensorDataset:
        data = data.tensors[0]
    if isinstance(data, (Tensor, np.ndarray, list, tuple)):
        return _of_tensor(_data.checked(data), batch_size, seed, placement)
    if isinstance(data, (DataLoader, IterableDataset)):
        loader = data if isinstance(data, DataLoader) else DataLoader(data, batch_size)
        return Loaded(loader, seed, placement)
    items = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    if isinstance(data, Dataset) or (items and not isinstance(data, (str, bytes, dict))):
        return _of_items(data, batch_size, seed, placement)
    if callable(data):
        return Drawn(data, batch_size, seed, placement)
    raise TypeError(
        "data must be a tensor, an array, a Dataset, a DataLoader or a callable "
        f"(n, generator) -> (n, ...), got {_data.kind(data)}"
    )


def _of_tensor(data: Tensor, batch_size: int, seed: int, placement: Placement) -> Indexed:
    form = f"{tuple(data.shape)} {str(data.dtype).removeprefix('torch.')}"
    _check_size(len(data), batch_size, placement)
    if placement.holds(data):
        data = data.to(placement.dtype).to(placement.device)
    return Indexed(
        len(data), lambda rows, _: data.index_select(0, rows), draws=False,
        numbers=data[0].numel(), batch_size=batch_size, seed=seed, placement=placement,
        device=data.device, mark=lambda: f"{form} {_identity.of_tensor(data)}",
    )  # fmt: skip


def _of_items(data: Any, batch_size: int, seed: int, placement: Placement) -> Indexed:
    """A set of items: read once where it is known to be data and fits in memory."""
    if len(data) == 0:
        raise ValueError("data must hold at least one point, got an empty data set")
    held, key = Generators(data), streams.key(seed, "items")

    def gather(rows: Tensor, seed: int) -> Tensor:
        held.seed(seed)
        with own_randomness(seed, placement.device):
            return _stacked(data, rows.tolist())

    try:
        one = gather(torch.zeros(1, dtype=torch.int64), key)[0]
        if fixed(data) and one.numel() * one.element_size() * len(data) <= MEMORY:
            whole = _data.checked(gather(torch.arange(len(data)), key))
            return _of_tensor(whole, batch_size, seed, placement)
    finally:
        held.put_back()
    _check_size(len(data), batch_size, placement)
    shape = tuple(one.shape)
    return Indexed(
        len(data), gather, draws=True, numbers=BLOCK, batch_size=batch_size, seed=seed,
        placement=placement, device=torch.device("cpu"), close=held.put_back,
        mark=lambda: f"{len(data)} items of shape {shape}, {type(data).__name__}{held.mark}",
    )  # fmt: skip


def fixed(data: Any) -> bool:
    """Whether an item is the same whenever it is read, as far as types tell.

    Reading an item twice would not tell: a flip with probability 1/2 is not seen half the time. A
    data set says so itself by an attribute ``fixed = True``.
    """
    if type(data) is Subset:
        return fixed(data.dataset)
    if type(data) is ConcatDataset:
        return all(fixed(part) for part in data.datasets)
    # What a class says of itself need not be true of one that is made from it.
    said = {**vars(type(data)), **getattr(data, "__dict__", {})}
    return type(data) is TensorDataset or said.get("fixed") is True


def _stacked(data: Any, numbers: list[int]) -> Tensor:
    """Items as rows."""
    items = [_item(data, k) for k in numbers]
    for k, item in zip(numbers, items, strict=True):
        if item.shape != items[0].shape:
            raise ValueError(
                f"data must hold points of one shape, got {tuple(items[0].shape)} of "
                f"data[{numbers[0]}] and {tuple(item.shape)} of data[{k}]"
            )
    return torch.stack([item.to(items[0].dtype) for item in items])


def _check_size(size: int, batch_size: int, placement: Placement) -> None:
    if batch_size > size:
        world = placement.processes.world
        if size % world:
            raise ValueError(f"batch_size must be at most the {size} points, got {batch_size}")
        warnings.warn(
            f"batch_size = {batch_size} is more than the {size} points of data: every batch is "
            "all of them",
            stacklevel=5,
        )


def _item(data: Any, k: int) -> Tensor:
    item = _data.real(f"data[{k}]", _data.first_entry(data[k]))
    if item.ndim == 0:
        raise ValueError(
            f"data must give points that are vectors (d,) or more, got a number of data[{k}]; a "
            "list or a tuple is a point and its labels; numbers on a line are of shape (1,)"
        )
    return item
