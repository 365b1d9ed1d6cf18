"""Batches of the data, in an order that can be taken up again where it was left.

Batches are drawn by epochs, each a new permutation of the data; what is left of it at its end is
less than a batch and is left out, so that no batch holds a point twice. A data set that is smaller
than a batch is one batch. The state that a checkpoint keeps is the generator's state at the
beginning of the epoch and the number of batches taken since: a few bytes, and exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from otgen_lite import _identity
from otgen_lite.training import _data
from otgen_lite.training.devices import Processes

#: How many numbers are shuffled at a time: enough that a batch costs next to nothing, few enough
#: that the copy is small.
BLOCK = 1 << 20

#: What an accelerator that does not say how much memory is free may be given to hold, in bytes.
MEMORY = 1 << 31


class Batches(Protocol):
    """What the loop asks of its data."""

    @property
    def fingerprint(self) -> str:
        """What a checkpoint compares, so that a run is not resumed with other data."""
        ...

    def next(self) -> Tensor:
        """This process's rows of the next batch, on the device of the training."""
        ...

    def state(self) -> dict[str, Any]:
        """Where the run stands in the data."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where :meth:`state` was called."""
        ...


class Place:
    """Where batches go: the type of the networks, their device, this process's rows."""

    def __init__(self, like: Tensor, processes: Processes) -> None:
        self.dtype, self.device, self.processes = like.dtype, like.device, processes

    def put(self, batch: Tensor) -> Tensor:
        """Move a batch; the copy to an accelerator runs beside its work."""
        batch = batch.to(self.dtype)  # first: not every accelerator knows float64
        if batch.device == self.device:
            return batch
        if self.device.type == "cuda" and not batch.is_pinned():
            batch = batch.pin_memory()
        return batch.to(self.device, non_blocking=True)

    def holds(self, data: Tensor) -> bool:
        """Whether the data fit on the device: in half of the memory that is free there."""
        if data.device == self.device or self.device.type == "cpu":
            return True
        needed = data.numel() * self.dtype.itemsize
        if self.device.type == "cuda":
            return needed <= torch.cuda.mem_get_info(self.device)[0] // 2
        return needed <= MEMORY


class Indexed:
    """Batches of data with a number for each point: a tensor, or a set of items."""

    def __init__(
        self,
        size: int,
        gather: Callable[[Tensor], Tensor],
        *,
        numbers: int,
        batch_size: int,
        seed: int,
        place: Place,
        device: torch.device,
        mark: Callable[[], str],
    ) -> None:
        self._size, self._gather, self._place, self._mark = size, gather, place, mark
        self._batch = min(batch_size, size)
        self._generator = torch.Generator(device=device).manual_seed(seed)
        self._per_epoch = size // self._batch
        self._per_block = max(1, BLOCK // max(1, numbers * self._batch))
        self._begin()

    @cached_property
    def fingerprint(self) -> str:
        """Shape, type and a digest of all numbers; made when a checkpoint asks for it."""
        return self._mark()

    def _begin(self) -> None:
        self._start = self._generator.get_state()
        device = self._generator.device
        self._order = torch.randperm(self._size, generator=self._generator, device=device)
        self._taken = 0
        self._ready: list[Tensor] = []

    def next(self) -> Tensor:
        """This process's rows of the next batch."""
        if not self._ready:
            if self._taken >= self._per_epoch:
                self._begin()
            self._fill()
        self._taken += 1
        return self._ready.pop()

    def _fill(self) -> None:
        """Shuffle the next block of the epoch and cut it into batches."""
        first = self._taken
        count = min(self._per_block, self._per_epoch - first)
        chosen = self._order[first * self._batch : (first + count) * self._batch]
        rows = self._place.processes.rows(self._batch)
        chosen = chosen.view(count, self._batch)[:, rows].reshape(-1)
        block = self._place.put(self._gather(chosen))
        self._ready = list(reversed(block.split(rows.stop - rows.start)))

    def state(self) -> dict[str, Any]:
        """Where the run stands in the data."""
        return {"start": self._start, "taken": self._taken}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where :meth:`state` was called."""
        self._generator.set_state(state["start"])
        self._begin()
        self._taken = int(state["taken"])


class Loaded:
    """Batches of a loader, as it makes them; resumed by skipping what was used of its epoch."""

    def __init__(self, loader: Any, place: Place) -> None:
        self._loader, self._place = loader, place
        self._epoch = -1
        self._iterator: Iterator[Any] = iter(())
        self._sampler: Any = getattr(loader, "sampler", None)
        # Such a sampler gives every process rows of its own; others give all the same batches.
        self._split = hasattr(self._sampler, "set_epoch")
        self._start: list[Tensor] = []
        self._taken = 0

    @cached_property
    def fingerprint(self) -> str:
        """The sizes of batches and set, and the numbers of a set of tensors."""
        kept = getattr(self._loader, "dataset", None)
        parts = [f"loader of {getattr(self._loader, 'batch_size', None)} rows"]
        if kept is not None:
            size = len(kept) if hasattr(kept, "__len__") else "some"
            parts.append(f"from a {type(kept).__name__} of {size}")
        if isinstance(kept, TensorDataset):
            parts.append(_identity.of_tensor(kept.tensors[0]))
        return " ".join(parts)

    def _begin(self) -> None:
        self._epoch += 1
        if self._split:
            self._sampler.set_epoch(self._epoch)
        generator = getattr(self._loader, "generator", None)
        self._start = [torch.get_rng_state(), *([generator.get_state()] if generator else [])]
        self._iterator = iter(self._loader)
        self._taken = 0

    def next(self) -> Tensor:
        """This process's rows of the next batch."""
        item = next(self._iterator, None)
        if item is None:
            self._begin()
            item = next(self._iterator, None)
            if item is None:
                raise ValueError("data must hold at least one batch, got a loader that gives none")
        self._taken += 1
        batch = _data.first_entry(item)
        if not isinstance(batch, Tensor) or batch.ndim < 2:
            raise TypeError(
                f"data must give batches that are tensors (n, ...), got {_data.kind(batch)}"
            )
        _data.floating("a batch of data", batch)
        processes = self._place.processes
        if not self._split and processes.world > 1:
            batch = batch[processes.rows(len(batch))]
        return self._place.put(batch)

    def state(self) -> dict[str, Any]:
        """Where the run stands in the data."""
        return {"epoch": self._epoch, "start": self._start, "taken": self._taken}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where :meth:`state` was called; torch's own generator is left where it is."""
        if not state["start"]:
            return
        kept = torch.get_rng_state()
        self._epoch = int(state["epoch"]) - 1
        torch.set_rng_state(state["start"][0])
        for generator_state in state["start"][1:]:
            self._loader.generator.set_state(generator_state)
        self._begin()
        for _ in range(int(state["taken"])):
            next(self._iterator)
        self._taken = int(state["taken"])
        torch.set_rng_state(kept)


class Drawn:
    """Batches that a sampler draws: ``sample(n, generator) -> (n, ...)``."""

    def __init__(
        self, sample: Callable[..., Any], batch_size: int, seed: int, place: Place
    ) -> None:
        self._sample, self._size, self._place = sample, batch_size, place
        self._generator = torch.Generator().manual_seed(seed)
        if len(self._draw()) != batch_size:
            raise ValueError(f"data(n, generator) must draw n points, got {len(self._draw())}")
        self._generator.manual_seed(seed)

    @cached_property
    def fingerprint(self) -> str:
        """The sampler, by its code and all that it brings along."""
        return f"sampler {_identity.words(self._sample)}"

    def _draw(self) -> Tensor:
        return _data.checked(self._sample(self._size, self._generator))

    def next(self) -> Tensor:
        """This process's rows of the next batch."""
        batch = _data.rows(self._sample(self._size, self._generator))
        return self._place.put(batch[self._place.processes.rows(self._size)])

    def state(self) -> dict[str, Any]:
        """The generator's state."""
        return {"generator": self._generator.get_state()}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where :meth:`state` was called."""
        self._generator.set_state(state["generator"])
