"""Frames computed once, on demand, side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

import torch

T = TypeVar("T")

#: Index of a frame: one position on each axis.
Key = tuple[int, ...]


class FrameStore(Generic[T]):
    """Remembers what ``compute`` gave for a key; never computes a key twice at a time.

    Every frame under way has a thread of its own, so a slow one holds up no other; the number
    of frames of an explorer bounds the number of threads. Failures are not remembered: asking
    again tries again.
    """

    def __init__(self, compute: Callable[[Key], T]) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._done: dict[Key, T] = {}
        self._under_way: dict[Key, Future[T]] = {}

    def peek(self, key: Key) -> T | None:
        """The frame if it is there already."""
        with self._lock:
            return self._done.get(key)

    def put(self, key: Key, frame: T) -> None:
        """Replace what is remembered."""
        with self._lock:
            self._done[key] = frame

    def get(self, key: Key) -> T:
        """The frame, computed in this thread unless it is there or under way."""
        future, mine = self._claim(key)
        if mine:
            self._work(key, future)
        return future.result()

    def start(self, key: Key) -> Future[T]:
        """Begin computing in the background, or join what is under way."""
        future, mine = self._claim(key)
        if mine:
            threading.Thread(
                target=self._work_on, args=(torch.get_default_device(), key, future),
                name=f"otg-frame-{key}", daemon=True,
            ).start()  # fmt: skip
        return future

    def _claim(self, key: Key) -> tuple[Future[T], bool]:
        with self._lock:
            if key in self._done:
                ready: Future[T] = Future()
                ready.set_result(self._done[key])
                return ready, False
            if key in self._under_way:
                return self._under_way[key], False
            return self._under_way.setdefault(key, Future()), True

    def _work_on(self, device: torch.device, key: Key, future: Future[T]) -> None:
        # torch's default device is a thread's own: the frame is computed where its cell was.
        if device != torch.get_default_device():
            torch.set_default_device(device)
        self._work(key, future)

    def _work(self, key: Key, future: Future[T]) -> None:
        try:
            frame = self._compute(key)
        except BaseException as error:  # Ctrl-C too: whoever waits must wake up
            with self._lock:
                del self._under_way[key]
            future.set_exception(error)
        else:
            with self._lock:
                self._done[key] = frame
                del self._under_way[key]
            future.set_result(frame)
