"""Ctrl-C, a kernel's stop button, a cluster's signal: the present step is finished first."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from torch import Tensor

log = logging.getLogger("otgen_lite")

#: Signals that ask for an end: Ctrl-C and a stop button, a cluster that takes its machine back, a
#: terminal that closes.
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

#: Seconds after the first signal in which another one is the same gesture: a key that was hit
#: twice, a terminal and a launcher that both pass it on.
GESTURE = 0.3

#: Seconds after which another Ctrl-C leaves at once: a step that hangs would never end.
PATIENCE = 10.0


class Stop:
    """Whether an end was asked for.

    The first signal is only noted, so that weights, optimizers and the position in the data belong
    to the same step when they are written. Further ones change nothing; but Ctrl-C after
    :data:`PATIENCE` raises KeyboardInterrupt, except while something is written.

    Attributes:
        number: the signal that asked, 0 while none has.
        answered: whether whoever watches ends the program itself.
    """

    def __init__(self) -> None:
        self.number = 0
        self.answered = False
        self._at = 0.0
        self._breaks = self._writes = False
        self._before: dict[int, Any] = {}
        self._process = os.getpid()

    @property
    def name(self) -> str:
        """The signal in words."""
        return signal.Signals(self.number).name if self.number else "nobody"

    def adopt(self, number: int) -> None:
        """Take over the signal of another process; a notice to terminate outranks Ctrl-C."""
        if number and (not self.number or self.number == signal.SIGINT):
            self._at = self._at or time.monotonic()
            self.number = number

    def listen(self) -> None:
        """Set the handlers; one that somebody else has set is left alone."""
        for number in SIGNALS:
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            if signal.getsignal(number) is usual:
                self._before[number] = signal.signal(number, self._note)

    def restore(self) -> None:
        """Give the handlers back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def settle(self) -> None:
        """Wait until the gesture that asked for the end is over."""
        left = self._at + GESTURE - time.monotonic()
        if self.number and left > 0:
            time.sleep(left)

    def say(self, step: int, steps: int, checkpoint: Path | None) -> None:
        """The effect of a signal, in one line."""
        saved = f"; the checkpoint is {str(checkpoint)!r}" if checkpoint is not None else ""
        log.warning("fit: %s ended the training after step %d of %d%s",
                    self.name, step, steps, saved)  # fmt: skip

    def _note(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a child that was forked: nothing here is its own
            signal.signal(number, self._before[number])
            signal.raise_signal(number)
            return
        again = number == signal.SIGINT and self.number and not self._writes
        late = again and time.monotonic() - self._at > PATIENCE
        self.adopt(number)
        if self._breaks or late:
            raise KeyboardInterrupt

    @contextmanager
    def breakable(self) -> Iterator[None]:
        """Work without steps, such as a solver's: inside, an end is a KeyboardInterrupt."""
        if self.number:
            raise KeyboardInterrupt
        self._breaks = True
        try:
            yield
        finally:
            self._breaks = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A file that is written inside is written to its end."""
        self._writes = True
        try:
            yield
        finally:
            self._writes = False


_watching: Stop | None = None


@contextmanager
def watched() -> Iterator[Stop]:
    """One watch for all trainings inside, be they one, the stages of a recipe or a sweep.

    The outermost sets the handlers, in the main thread alone, and gives them back. A signal other
    than Ctrl-C is then sent once more: what terminates a process terminates it, a step later.
    """
    global _watching
    if threading.current_thread() is not threading.main_thread():
        yield Stop()
        return
    if _watching is not None:
        yield _watching
        return
    stop = _watching = Stop()
    try:
        stop.listen()
        yield stop
        stop.settle()
    finally:
        _watching = None
        stop.restore()
    if stop.number not in (0, signal.SIGINT) and not stop.answered:
        signal.raise_signal(stop.number)


def asked() -> bool:
    """Whether an end was asked for in the watch that is on."""
    return _watching is not None and bool(_watching.number)


@contextmanager
def shielded() -> Iterator[None]:
    """Processes that are started inside do not hear the signals; a loader's workers, say.

    A terminal and a launcher tell all processes of a group. Workers that left at once would leave
    the step without its batches. Signals to this process wait until the block is over.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # where it had to start later, it would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def says_yes(answer: Any) -> bool:
    """Whether a callback returned True: Python's, numpy's, or torch's."""
    if isinstance(answer, (Tensor, np.ndarray)) and answer.ndim == 0:
        answer = answer.item()
    return isinstance(answer, (bool, np.bool_)) and bool(answer)
