"""Batches of the data, in an order that can be taken up again where it was left.

Batches are drawn by epochs, each a new permutation of the data; what is left of it at its end is
less than a batch and is left out, so that no batch holds a point twice. A data set that is smaller
than a batch is one batch. Loaders keep the same rule (:mod:`otgen_lite.training.loaders`).

The state that a checkpoint keeps is the generator's state at the beginning of the epoch and the
number of batches taken since: a few bytes, and exact.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from otgen_lite import _identity
from otgen_lite.training import _data, agreement, streams
from otgen_lite.training.devices import Processes
from otgen_lite.training.foreign import Generators

#: How many numbers are shuffled at a time: enough that a batch costs next to nothing, few enough
#: that the copy is small.
BLOCK = 1 << 20

#: Bytes of data for an accelerator that does not say how much memory is free.
MEMORY = 1 << 31


class Batches(Protocol):
    """The interface of the loop's data."""

    @property
    def fingerprint(self) -> str:
        """A digest for checkpoints, so that a run is not resumed with other data."""
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

    def close(self) -> None:
        """Leave the user's objects as they were."""
        ...


class Placement:
    """The destination of batches: type and device of the networks, and this process's rows."""

    def __init__(self, like: Tensor, processes: Processes) -> None:
        self.dtype, self.device, self.processes = like.dtype, like.device, processes
        self._taken = 0

    def put(self, batch: Tensor) -> Tensor:
        """Move a batch; the copy to an accelerator runs beside its work."""
        batch = batch.to(self.dtype)  # first: not every accelerator knows float64
        if batch.device == self.device:
            return batch
        if self.device.type == "cuda" and not batch.is_pinned():
            batch = batch.pin_memory()
        return batch.to(self.device, non_blocking=True)

    def take(self, batch: Tensor, *, drawn: bool = False) -> Tensor:
        """This process's rows of a batch that every process has made for itself.

        Args:
            batch: all rows.
            drawn: whether it came from a generator that is the same everywhere; a loader may
                change points at random, in each process in its own way.
        """
        if self.processes.world == 1:
            return batch
        if self._due():
            agreement.same_batch(self.processes, batch, self._taken, drawn)
        agreement.divides(len(batch), self.processes)
        return batch[self.processes.rows(len(batch))]

    def own(self, batch: Tensor) -> Tensor:
        """A batch of rows that a sampler chose for this process."""
        if self.processes.world > 1 and self._due():
            agreement.other_rows(self.processes, batch, self._taken)
        return batch

    def _due(self) -> bool:
        """Whether batches are compared: the first, and ever more seldom."""
        self._taken += 1
        return self._taken & (self._taken - 1) == 0

    def holds(self, data: Tensor) -> bool:
        """Whether the data fit on the device: in half of the memory that is free there."""
        if data.device == self.device or self.device.type == "cpu":
            return True
        needed = data.numel() * self.dtype.itemsize
        if self.device.type == "cuda":
            return needed <= torch.cuda.mem_get_info(self.device)[0] // 2
        return needed <= MEMORY


class Indexed:
    """Batches of data with a number for each point: a tensor, or a set of items.

    ``gather(rows, seed)`` gives the points of these numbers; ``seed`` is a new one for every block,
    for the draws of the items. Rows of a tensor, which may be on an accelerator, draw nothing
    (``draws=False``): to read that seed the program would have to wait.
    """

    def __init__(
        self,
        size: int,
        gather: Callable[[Tensor, int], Tensor],
        *,
        draws: bool,
        numbers: int,
        batch_size: int,
        seed: int,
        placement: Placement,
        device: torch.device,
        mark: Callable[[], str],
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.close = close
        self._size, self._gather, self._placement, self._mark = size, gather, placement, mark
        self._draws = draws
        self._batch = min(batch_size, size)
        self._generator = torch.Generator(device=device)
        self._generator.manual_seed(streams.key(seed, "batches"))
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
        seed = torch.randint(1 << 62, (), generator=self._generator, device=device)
        self._seed = int(seed) if self._draws else 0
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
        rows = self._placement.processes.rows(self._batch)
        chosen = chosen.view(count, self._batch)[:, rows].reshape(-1)
        # Processes gather rows of their own, so each has draws of its own.
        seed = streams.mixed(self._seed, first, self._placement.processes.rank)
        block = self._placement.put(self._gather(chosen, seed))
        self._ready = list(reversed(block.split(rows.stop - rows.start)))

    def state(self) -> dict[str, Any]:
        """Where the run stands in the data."""
        return {"start": self._start, "taken": self._taken}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where :meth:`state` was called."""
        self._generator.set_state(state["start"])
        self._begin()
        self._taken = int(state["taken"])


class Drawn:
    """Batches that a sampler draws: ``sample(n, generator) -> (n, ...)``."""

    def __init__(
        self, sample: Callable[..., Any], batch_size: int, seed: int, placement: Placement
    ) -> None:
        self._sample, self._size, self._placement = sample, batch_size, placement
        self._key, self._drawn = streams.key(seed, "sampler"), 0
        # What a sampler draws without a word about devices, torch makes on its default device.
        self._generator = torch.Generator(torch.get_default_device())
        # A sampler may leave the generator aside and draw from one that it holds.
        self._held = Generators(sample)
        self._draw(-1, finite=True)  # what is wrong shows before the first step

    @cached_property
    def fingerprint(self) -> str:
        """The sampler, by its code and all that it brings along."""
        return f"sampler {_identity.words(self._sample)}{self._held.mark}"

    def _draw(self, number: int, *, finite: bool = False) -> Tensor:
        """Draw number so much, each from a seed of its own."""
        seed = streams.mixed(self._key, number)
        self._held.seed(seed)
        drawn = self._sample(self._size, self._generator.manual_seed(seed))
        points = _data.checked(drawn) if finite else _data.real("data(n, generator)", drawn)
        if len(points) != self._size:
            raise ValueError(f"data(n, generator) must draw n points, got {len(points)}")
        return points

    def next(self) -> Tensor:
        """This process's rows of the next batch."""
        batch = self._draw(self._drawn)
        self._drawn += 1
        return self._placement.put(self._placement.take(batch, drawn=True))

    def state(self) -> dict[str, Any]:
        """How many batches were drawn."""
        return {"drawn": self._drawn}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where :meth:`state` was called."""
        self._drawn = int(state["drawn"])

    def close(self) -> None:
        """The sampler's own generators are as they were."""
        self._held.put_back()
