"""The device of a training, and the share of each process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from otgen_lite import _checks

#: How long a process waits for the others before it gives up. Where another time is needed,
#: start the process group before ``fit``.
TIMEOUT = timedelta(minutes=10)


def keep_memory() -> None:
    """Let the C library keep the memory that a step frees for the next one.

    glibc gives large pieces back to the system when they are freed, and the next step pays for
    every page anew: a tenth to a quarter of a stack's step. It stops to do so for pieces of a size
    that it has seen freed, up to 32 MiB; this one is never written to. Other libraries do not mind.
    """
    torch.empty((1 << 25) - (1 << 16), dtype=torch.uint8, device="cpu")


@dataclass(frozen=True)
class Processes:
    """The number of this process among all, and its share of their work.

    Every process draws the noise of the joined batch from the same seeds and takes its rows, so
    that a run does not depend on how many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process reports and writes."""
        return self.rank == 0

    def rows(self, total: int) -> slice:
        """The rows of a joined batch that are this process's."""
        share = total // self.world
        return slice(self.rank * share, (self.rank + 1) * share)

    def joined(self, batch: Tensor) -> Tensor:
        """A tensor of the joined batch's shape and type, without its memory."""
        if self.world == 1:
            return batch
        return batch[:1].expand(self.world * len(batch), *batch.shape[1:])

    def share(self, noise: dict[str, Tensor]) -> dict[str, Tensor]:
        """The rows of the joined noise; whole where the name begins with ``shared_``."""
        if self.world == 1:
            return noise
        return {
            # A stack writes its members' names behind a slash.
            name: value
            if name.rpartition("/")[2].startswith("shared_")
            else value[self.rows(len(value))]
            for name, value in noise.items()
        }

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes."""
        if self.world > 1:
            dist.all_reduce(values)
            values = values / self.world
        return values

    def most(self, number: int) -> int:
        """The largest of the processes' numbers; every process must ask."""
        if self.world == 1:
            return number
        largest = torch.tensor(number, device="cpu")
        dist.all_reduce(largest, dist.ReduceOp.MAX, group=_words())
        return int(largest)

    def all(self, value: Any) -> list[Any]:
        """The values of all processes, in every process."""
        if self.world == 1:
            return [value]
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value, group=_words())
        return found

    def same(self, value: Any, device: torch.device) -> Any:
        """The value of the first process, in every process."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=device)
        return box[0]


#: The processes' group for words, and the group of all that it belongs to.
_words_of: tuple[Any, Any] = (None, None)


def _words() -> Any:
    """A group whose messages go from processor to processor; None where that of all does so.

    An accelerator would finish all of its work before it answered.
    """
    global _words_of
    everybody = dist.group.WORLD
    assert everybody is not None
    try:
        everybody._get_backend(torch.device("cpu"))
    except RuntimeError:
        if _words_of[0] is not everybody:
            _words_of = everybody, dist.new_group(backend="gloo", timeout=TIMEOUT)
        return _words_of[1]
    return None


def processes(device: torch.device) -> Processes:
    """The processes of this run; starts the process group where torchrun started this process."""
    if dist.is_available() and not dist.is_initialized() and expected() > 1:
        backend = dist.get_default_backend_for_device(device)
        more: dict[str, Any] = {"device_id": device} if backend == "nccl" else {}
        dist.init_process_group(backend, timeout=TIMEOUT, **more)
    return present()


def expected() -> int:
    """The number of processes of this run, whether or not their group is started."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_world_size()
    return int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else 1


#: Whether this process works for itself now.
_alone = False


@contextmanager
def alone() -> Iterator[None]:
    """Inside, this process waits for no other: in a callback of the first process, a metric.

    A training inside is that of one process, whatever others do meanwhile.
    """
    global _alone
    before, _alone = _alone, True
    try:
        yield
    finally:
        _alone = before


def present() -> Processes:
    """The processes of the group that is there already."""
    if _alone or not (dist.is_available() and dist.is_initialized()):
        return Processes()
    return Processes(dist.get_rank(), dist.get_world_size())


def accelerator() -> torch.device | None:
    """The accelerator that torch sees; this process's own, where torchrun started it."""
    if not torch.accelerator.is_available():
        return None
    kind = torch.accelerator.current_accelerator()
    assert kind is not None
    local = int(os.environ.get("LOCAL_RANK", "0"))
    return torch.device(kind.type, local if local < torch.accelerator.device_count() else 0)


def resolve(device: str | torch.device | None, here: torch.device) -> torch.device:
    """The device of a training.

    Args:
        device: a name; ``"auto"`` for the accelerator where there is one; None for where the
            method is, or under torchrun for this process's accelerator.
        here: the device of the method.
    """
    if device is None and "TORCHELASTIC_RUN_ID" not in os.environ:
        return here
    if device is None or device == "auto":
        device = accelerator() or "cpu"
    chosen = named(device)
    select(chosen)
    return chosen


def named(device: str | torch.device) -> torch.device:
    """The device of a name, with its number.

    Raises:
        ValueError: if torch knows none such, or this machine has none.
    """
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(
            f"device must be 'auto' or one that torch knows, such as 'cpu' or 'cuda', "
            f"got {device!r}"
        ) from None
    return chosen if chosen.type == "cpu" else _present(chosen, accelerator())


def select(device: torch.device) -> None:
    """Make an accelerator the current one, where torch has several of a kind."""
    if device.type == "cpu" or device.type in _checks.WITHOUT_INDEX:
        return
    if hasattr(torch.accelerator, "set_device_index"):
        torch.accelerator.set_device_index(device.index or 0)
    else:  # torch 2.6 calls it otherwise
        torch.get_device_module(device).set_device(device.index or 0)


def _present(chosen: torch.device, found: torch.device | None) -> torch.device:
    """The device asked for, with its number; an error where this machine has none such."""
    count = torch.accelerator.device_count() if found is not None else 0
    if found is None or chosen.type != found.type or (chosen.index or 0) >= count:
        sees = "only the CPU" if found is None else f"the CPU and {count} of type {found.type!r}"
        raise ValueError(f"device must be one that is here, got {str(chosen)!r}; torch sees {sees}")
    return torch.device(chosen.type, found.index if chosen.index is None else chosen.index)
