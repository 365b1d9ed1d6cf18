"""Several processes that train one model: their agreement, and their common end.

Each process starts from its own copy of the program. A seed or a file that differs between them
would make models that differ, without a sign; it is an error in all of them, before work starts.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from otgen_lite.methods.base import Method
from otgen_lite.training.checkpoints import named
from otgen_lite.training.devices import Processes, present
from otgen_lite.training.interrupts import Stop
from otgen_lite.training.options import Options

#: Bytes of data of which a digest is taken; of more, of rows that are spread over them.
BYTES = 1 << 28

_PLAIN = (int, float, complex, str, bytes, type(None), torch.dtype, torch.device, np.generic)


def ends(stop: Stop, also: bool = False) -> bool:
    """Whether one process at least was told to end, or wants to; every process must ask."""
    asked = present().most(2 * stop.number + also)
    stop.adopt(asked // 2)
    return asked > 0


@contextmanager
def together(processes: Processes) -> Iterator[None]:
    """Bad input to one process is an error in all: they would wait for it, and not know why.

    Raises:
        ValueError: in every process, with the number of the first that failed.
    """
    if processes.world == 1:
        yield
        return
    mine: Exception | None = None
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        mine = error
    for rank, text in enumerate(processes.all(None if mine is None else str(mine))):
        if text is not None:
            raise ValueError(f"in process {rank}: {text}") from mine


def agree(
    processes: Processes, method: Method, options: Options, data: Any, fingerprint: str
) -> None:
    """See that all processes train the same method on the same data with the same options.

    Raises:
        ValueError: in every process, with the names and values that differ.
    """
    words = digest(data)
    mine = {
        **{name: named(getattr(options, name)) for name in vars(options) if name not in _OWN},
        "checkpoint": str(options.path),
        **_of_method(method),
        "data": words if words.startswith("(") else f"{fingerprint} {words}".strip(),
    }
    compare(processes, mine)


#: Options of the first process alone: it reports.
_OWN = ("callbacks", "progress", "checkpoint")


def compare(processes: Processes, mine: Mapping[str, str]) -> None:
    """Raise in every process where one holds other words than the first.

    Raises:
        ValueError: with the names that differ.
    """
    first, *others = processes.all(dict(mine))
    differ = []
    for name in dict.fromkeys(name for words in (first, *others) for name in words):
        for rank, words in enumerate(others, start=1):
            if words.get(name) != first.get(name):
                was, there = _short(first.get(name)), _short(words.get(name))
                differ.append(f"{name} is {was} in process 0 and {there} in process {rank}")
                break
    if differ:
        more = f"; and {len(differ) - 5} more" if len(differ) > 5 else ""
        raise ValueError(
            "all processes must train the same method on the same data with the same options, but "
            f"{'; '.join(differ[:5])}{more}"
        )


def _short(words: str | None, most: int = 80) -> str:
    words = "not there" if words is None else words
    return words if len(words) <= most else words[: most - 1] + "…"


def _of_method(method: Method) -> dict[str, str]:
    """By name all that decides a method's numbers, but its weights: those of the first are sent."""
    out = {
        "method": type(method).__qualname__,
        "players": str({name: player.updates for name, player in method.players.items()}),
    }
    for where, module in method.named_modules():
        head = f"{where}." if where else ""
        out[f"the type of {where or 'method'}"] = type(module).__qualname__
        for name, value in vars(module).items():
            if not name.startswith("_") and name not in ("training", "players"):
                out[head + name] = _words(value)
    for name, parameter in method.named_parameters():
        out[name] = f"{tuple(parameter.shape)} {parameter.dtype} {parameter.requires_grad}"
    for name, buffer in method.named_buffers():
        out[name] = str(buffer.item()) if buffer.numel() == 1 else digest(buffer)
    return out


def _words(value: Any) -> str:
    """A setting in words that are the same in every process; of other objects their type."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, (Tensor, np.ndarray)):
        return digest(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_words(v) for v in value)}]"
    if isinstance(value, (dict, set, frozenset)):
        pairs = value.items() if isinstance(value, dict) else ((v, None) for v in value)
        return f"{{{', '.join(sorted(f'{_words(k)}: {_words(v)}' for k, v in pairs))}}}"
    if callable(value) and not isinstance(value, nn.Module):
        return named(value)
    return type(value).__qualname__


def digest(data: Any) -> str:
    """Shape, type and a digest of rows of numbers; nothing for other data."""
    if isinstance(data, DataLoader):
        return digest(data.dataset)
    if isinstance(data, TensorDataset):
        data = data.tensors[0]
    if isinstance(data, np.ndarray) and data.dtype != object:
        data = torch.from_numpy(np.ascontiguousarray(data))
    if not isinstance(data, Tensor):
        return f"{len(data)} items" if isinstance(data, Sized) else ""
    some = data.detach()
    size = some.numel() * some.element_size()
    if size > BYTES:
        some = some[:: -(-size // BYTES)]
    raw = some.cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    kind = str(data.dtype).removeprefix("torch.")
    return f"{tuple(data.shape)} {kind} {hashlib.sha256(raw.tobytes()).hexdigest()[:16]}"


def divides(rows: int, processes: Processes) -> None:
    """Raise where so many rows cannot be divided among the processes."""
    if rows % processes.world:
        raise ValueError(
            "data must give batches whose number of rows is a multiple of the number of processes, "
            f"{processes.world}, got one of {rows}; choose another batch_size of the loader, or "
            "drop_last=True"
        )


def other_rows(processes: Processes, batch: Tensor, number: int) -> None:
    """See that processes whose samplers divide the data among them hold different rows.

    Raises:
        ValueError: in every process, if shapes differ, or if two hold the same batch.
    """
    shape, _, numbers = digest(batch).rpartition(" ")
    compare(processes, {f"batch {number} of data": shape})
    if bool((batch == batch[:1]).all()):
        return  # rows that are all the same cannot be told apart
    found = processes.all(numbers)
    for rank, other in enumerate(found):
        first = found.index(other)
        if first < rank:
            raise ValueError(
                f"data must give every process rows of its own, got the same batch in processes "
                f"{first} and {rank}: a sampler with set_epoch is expected to divide the data; use "
                f"DistributedSampler(..., num_replicas={processes.world}, rank=...), or a sampler "
                "without set_epoch, so that every process takes its rows of each batch"
            )


def same_batch(processes: Processes, batch: Tensor, number: int, drawn: bool) -> None:
    """See that all processes hold the same joined batch, of which each takes its rows.

    Raises:
        ValueError: if shapes differ, or numbers that were drawn from the same generator.
    """
    shape, _, numbers = digest(batch).rpartition(" ")
    compare(processes, {f"batch {number} of data": f"{shape} {numbers if drawn else ''}".strip()})
    if number > 1 or drawn:
        return
    differ = any(other != numbers for other in processes.all(numbers))
    if differ and processes.first:
        warnings.warn(
            "the loaders of the processes give different batches, and each process takes its rows "
            "of its own; if this is not intended, give the loaders generators with the same seed",
            stacklevel=2,
        )
