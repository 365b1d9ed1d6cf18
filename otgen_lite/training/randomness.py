"""The generators that belong to nobody: torch's own, Python's and NumPy's.

Methods draw from explicit generators. What is left is what a network draws by itself, such as
dropout, and what a user's data, metrics and callbacks draw. They share generators with the whole
program, so a training borrows these: it seeds them anew in every step, gives them back as they
were, and lends them to one thread at a time.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.training import streams
from otgen_lite.training.foreign import Generators


class Turns:
    """A lock that threads get in the order in which they ask; its holder may ask again."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()
        self._owner: int | None = None
        self._depth = 0

    @property
    def wanted(self) -> bool:
        """Whether somebody waits."""
        return bool(self._queue)

    def __enter__(self) -> None:
        me, ticket = threading.get_ident(), object()
        with self._changed:
            if self._owner != me:
                self._queue.append(ticket)
                try:
                    self._changed.wait_for(lambda: self._owner is None and self._queue[0] is ticket)
                finally:
                    self._queue.remove(ticket)
                    self._changed.notify_all()
                self._owner = me
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._depth -= 1
            if not self._depth:
                self._owner = None
                self._changed.notify_all()


#: The lock of the program's generators.
TURNS = Turns()


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """The program's generators start from ``seed`` inside, and are as before outside."""
    with TURNS:
        kept = states(device)
        try:
            start(device, seed)
            yield
        finally:
            put(device, kept)


class Stream:
    """Draws of the program's generators that go on from one use to the next, and disturb nobody."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._own: dict[str, Any] = {}
        self._seed = 0

    def begin(self, seed: int) -> None:
        """Start anew."""
        self._own, self._seed = {}, seed

    @contextmanager
    def use(self) -> Iterator[None]:
        """The program's generators are the stream inside, and as before outside."""
        with own_randomness(self._seed, self._device):
            if self._own:
                put(self._device, self._own)
            yield
            self._own = states(self._device)


class Borrowed:
    """The program's generators while a training runs.

    Every step begins with a seed of its own, so that what metrics and callbacks draw moves nothing
    and a resumed run needs no state. Between two steps another thread's training gets its turn.

    Args:
        seed: that of the training.
        device: its generator is borrowed beside those of the CPU.
        needed: whether something may draw from them. If not they are left alone, so that a
            training in a thread and the user's own draws do not meet.
        method: its networks may hold generators of their own, which are treated alike.
    """

    def __init__(self, seed: int, device: torch.device, needed: bool, method: Any = None) -> None:
        self._key, self._device, self._needed = streams.key(seed, "networks"), device, needed
        self._kept: dict[str, Any] = {}
        self._held = Generators(method)

    def __enter__(self) -> Borrowed:
        if self._needed:
            TURNS.__enter__()
            self._kept = states(self._device)
            self.begin(-1)  # for what happens before the first step
        return self

    def begin(self, step: int) -> None:
        """Before a step, counted from 0."""
        self._held.seed(streams.mixed(self._key, step))
        if not self._needed:
            return
        if TURNS.wanted:
            put(self._device, self._kept)
            TURNS.__exit__()
            TURNS.__enter__()
            self._kept = states(self._device)
        start(self._device, streams.mixed(self._key, step))

    def __exit__(self, *_: object) -> None:
        self._held.put_back()
        if self._needed:
            put(self._device, self._kept)
            TURNS.__exit__()


def start(device: torch.device, seed: int) -> None:
    """Seed torch's generators, of the CPU and of the device, Python's and NumPy's."""
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        other = torch.device(device.type, device.index or 0)
        _set_state(other, torch.Generator(device=other).manual_seed(seed).get_state())
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)


def states(device: torch.device) -> dict[str, Any]:
    """Where these generators stand."""
    out = {
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": np.random.get_state(),
    }
    return out if device.type == "cpu" else {**out, "device": _state(device)}


def put(device: torch.device, kept: dict[str, Any]) -> None:
    """Go back to where :func:`states` was called."""
    torch.set_rng_state(kept["torch"])
    random.setstate(kept["python"])
    np.random.set_state(kept["numpy"])
    if device.type != "cpu":
        _set_state(device, kept["device"])


def _state(device: torch.device) -> Tensor:
    module = torch.get_device_module(device)
    if device.type in _checks.WITHOUT_INDEX:
        return module.get_rng_state()
    return module.get_rng_state(device)


def _set_state(device: torch.device, state: Tensor) -> None:
    module = torch.get_device_module(device)
    if device.type in _checks.WITHOUT_INDEX:
        module.set_rng_state(state)
    else:
        module.set_rng_state(state, device)
