"""Batches of a loader, as it makes them; resumed by skipping the used ones of its epoch.

A loader draws in many places: its sampler, its items, its workers. All of it is one stream that
every epoch seeds anew, generators that the user gave included, so an epoch is known by its number.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)
from torch.utils.data.dataloader import _InfiniteConstantSampler

from otgen_lite import _identity
from otgen_lite.training import _data, interrupts, streams
from otgen_lite.training.batches import Placement
from otgen_lite.training.foreign import Generators
from otgen_lite.training.randomness import Stream

#: Samplers without a state but for their generator.
_KNOWN = (
    BatchSampler, RandomSampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler,
    _InfiniteConstantSampler, list, tuple, range,
)  # fmt: skip


class Loaded:
    """Batches of a ``DataLoader``.

    The first batch says how many points one has. A later one with fewer (the last of an epoch) is
    left out, as the rest of a tensor is: losses that compare points need several, and their noise
    would have another shape.
    """

    def __init__(self, loader: Any, seed: int, placement: Placement) -> None:
        self._loader, self._placement = loader, placement
        sampler = getattr(loader, "sampler", None)
        # Such a sampler gives every process rows of its own; others give all the same batches.
        self._split = hasattr(sampler, "set_epoch")
        _check(loader, placement.processes.world, self._split)
        self._workers = workers(loader)
        self._home = _home(loader)
        self._held = Generators(loader)
        self._samplers = _Samplers(loader, self._held)
        self._stream, self._key = Stream(placement.device), streams.key(seed, "loader")
        self._iterator: Iterator[Any] = iter(())
        self._epoch, self._fetched, self._taken = -1, 0, 0
        self._begin(0)
        self._ahead = self._fetch()  # what is wrong shows before the first step
        if self._ahead is None:
            raise ValueError("data must hold at least one batch, got a loader that gives none")
        self._full = len(self._ahead)
        _tell(loader)

    @cached_property
    def fingerprint(self) -> str:
        """The sizes of batches and set, and the numbers of a set of tensors."""
        kept = getattr(self._loader, "dataset", None)
        parts = [f"loader of {getattr(self._loader, 'batch_size', None)} rows{self._held.mark}"]
        if kept is not None:
            size = len(kept) if hasattr(kept, "__len__") else "some"
            parts.append(f"from a {type(kept).__name__} of {size}")
        if isinstance(kept, TensorDataset):
            parts.append(_identity.of_tensor(kept.tensors[0]))
        return " ".join(parts)

    def _begin(self, epoch: int) -> None:
        self._epoch, self._fetched, self._taken = epoch, 0, 0
        seed = streams.mixed(self._key, epoch)
        self._held.seed(seed)
        self._stream.begin(seed)
        if self._split:
            self._loader.sampler.set_epoch(epoch)
        with self._using(), interrupts.shielded() if self._workers else nullcontext():
            self._iterator = iter(self._loader)

    @contextmanager
    def _using(self) -> Iterator[None]:
        """The loader's stream of draws, and the device that its draws are made on."""
        with self._home or nullcontext(), self._stream.use():
            yield

    def _item(self) -> Any:
        """The next item of the loader, None at the end of its epoch."""
        try:
            with self._using():
                return next(self._iterator, None)
        except RuntimeError:
            if not (self._workers and interrupts.asked()):
                raise
        # Workers that somebody else's server started have heard the signal, and left.
        self._loader._iterator = None
        self.load({"epoch": self._epoch, "taken": self._fetched})
        with self._using():
            return next(self._iterator, None)

    def _fetch(self) -> Tensor | None:
        """The next batch of the epoch, whatever its size; None at the end."""
        item = self._item()
        if item is None:
            return None
        self._fetched += 1
        batch = _data.first_entry(item)
        if not hasattr(batch, "ndim") or batch.ndim < 2:
            raise TypeError(
                f"data must give batches that are tensors (n, ...), got {_data.kind(batch)}"
            )
        return _data.real("a batch of data", batch)

    def next(self) -> Tensor:
        """This process's rows of the next batch."""
        batch, self._ahead = self._ahead, None
        begun = 0
        while batch is None or len(batch) < self._full:
            batch = self._fetch()
            if batch is None:
                if begun:
                    raise ValueError(
                        f"data must give a batch of {self._full} points in every epoch, got none "
                        f"in epoch {self._epoch + 1}; an iterable must begin anew at each iter()"
                    )
                begun += 1
                self._begin(self._epoch + 1)
        self._taken = self._fetched
        return self._placement.put(
            self._placement.own(batch) if self._split else self._placement.take(batch)
        )

    def state(self) -> dict[str, Any]:
        """Where the run stands in the data."""
        return {"epoch": self._epoch, "taken": self._taken}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where :meth:`state` was called."""
        self._ahead = None
        self._samplers.put_back()
        if self._samplers:  # they remember earlier epochs: these are gone through, without data
            for epoch in range(int(state["epoch"])):
                seed = streams.mixed(self._key, epoch)
                self._held.seed(seed)
                self._stream.begin(seed)
                with self._using():
                    for _ in self._loader.batch_sampler or self._loader.sampler:
                        pass
        self._begin(int(state["epoch"]))
        for _ in range(int(state["taken"])):
            self._fetch()
        self._taken = self._fetched

    def close(self) -> None:
        """Leave the loader's sampler and its generators as they were."""
        self._iterator = iter(())  # ends its workers
        self._samplers.put_back()
        self._held.put_back()


def workers(loader: Any) -> bool:
    """Whether a loader has processes of its own."""
    return bool(getattr(loader, "num_workers", 0))


def _home(loader: Any) -> torch.device | None:
    """The CPU, where a loader cannot draw on torch's default device; None where it can.

    A sampler that shuffles has a generator of the CPU unless it was given another, and a worker
    that was forked must not touch an accelerator.
    """
    cpu = torch.device("cpu")
    if torch.get_default_device() == cpu:
        return None
    inner = getattr(loader, "batch_sampler", None)
    places = [
        getattr(one, "generator", None)
        for one in (loader, getattr(loader, "sampler", None), getattr(inner, "sampler", None))
    ]
    kinds = {generator.device.type for generator in places if generator is not None}
    if kinds - {"cpu"}:
        return None
    shuffles = isinstance(getattr(loader, "sampler", None), RandomSampler)
    return cpu if kinds or shuffles or workers(loader) else None


class _Samplers:
    """Samplers of an unknown kind: they may have a memory, which is put back."""

    def __init__(self, loader: Any, held: Generators) -> None:
        found = [getattr(loader, name, None) for name in ("sampler", "batch_sampler")]
        self._all = [
            s for s in found
            if hasattr(s, "__dict__") and type(s) not in _KNOWN and not hasattr(s, "set_epoch")
        ]  # fmt: skip
        # A sampler may hold the data, or the sampler below it, which are not copied; nor are
        # generators, which are put back by themselves, or a module such as NumPy.
        modules = [v for s in self._all for v in vars(s).values() if isinstance(v, ModuleType)]
        shared = (loader.dataset, *found, *held, *modules)
        self._shared = {id(one): one for one in shared if one is not None}
        self._before = [self._copied(sampler) for sampler in self._all]

    def __bool__(self) -> bool:
        return bool(self._all)

    def _copied(self, sampler: Any) -> dict[str, Any]:
        try:
            return copy.deepcopy(vars(sampler), dict(self._shared))
        except Exception as error:
            raise TypeError(
                "data must be a DataLoader whose sampler can be copied, so that a run can be "
                f"resumed, got a {type(sampler).__name__} ({type(error).__name__}: {error}); keep "
                "plain values and generators in it, or give it set_epoch(epoch)"
            ) from None

    def put_back(self) -> None:
        """As they were before the training."""
        for sampler, before in zip(self._all, self._before, strict=True):
            own = vars(sampler)
            for name in [name for name in own if name not in before]:
                del own[name]
            own.update(copy.deepcopy(before, dict(self._shared)))


def _check(loader: Any, world: int, split: bool) -> None:
    if getattr(loader, "persistent_workers", False):
        raise ValueError(
            "data must be a DataLoader with persistent_workers=False: workers that live on keep "
            "a random state that no checkpoint holds, so that a resumed run would be another"
        )
    size = getattr(loader, "batch_size", None)
    if size is not None and not split and size % world:
        raise ValueError(
            f"batch_size of the DataLoader must be a multiple of the number of processes, {world}, "
            f"got {size}"
        )


def _tell(loader: Any) -> None:
    """A warning about points that are left out of every epoch."""
    size = getattr(loader, "batch_size", None)
    if size is None or loader.drop_last or isinstance(loader.dataset, IterableDataset):
        return
    points = len(loader.sampler)
    if points < size:
        warnings.warn(
            f"batch_size = {size} of the DataLoader is more than its {points} points: every batch "
            "is all of them",
            stacklevel=5,
        )
    elif points % size:
        warnings.warn(
            f"the last batch of the DataLoader has {points % size} of {size} points and is left "
            "out of every epoch; drop_last=True says the same without this warning",
            stacklevel=5,
        )
