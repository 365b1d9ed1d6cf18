"""The progress bar of a sweep."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from otgen_lite.methods.base import Method
from otgen_lite.training import History
from otgen_lite.training.progress import Bar


class SweepBar:
    """One bar for all trainings of a sweep.

    Args:
        members: how many members there are.
        runs: how many trainings: one a member, or one for all of them.
        options: those of ``fit``.
    """

    def __init__(self, members: int, runs: int, options: dict[str, Any]) -> None:
        self._steps = int(options.get("steps", 2000))
        shown = options.get("progress", True) and os.environ.get("RANK", "0") == "0"
        self._bar = Bar(f"sweep of {members}", self._steps * runs, 0) if shown else None

    def options(self, options: dict[str, Any], k: int) -> dict[str, Any]:
        """The options of training k, which moves this bar instead of one of its own."""
        out = {**options, "progress": False}
        if self._bar is not None:
            out["callbacks"] = (*options.get("callbacks", ()), self._of(k, self._bar))
        return out

    def _of(self, k: int, bar: Bar) -> Callable[..., None]:

        def show(step: int, method: Method, history: History) -> None:
            if time.perf_counter() >= bar.next:
                bar.update(_At(k * self._steps + step, history))

        return show

    def close(self, histories: Sequence[History]) -> None:
        """Show the end."""
        if self._bar is not None:
            done = [history for history in histories if history.steps] or list(histories)
            self._bar.close(_At(sum(h.steps for h in done), done[-1]))


class _At(History):
    """A member's history, at the step of all members."""

    def __init__(self, steps: int, history: History) -> None:
        super().__init__(steps=steps)
        self._history = history

    def last(self) -> dict[str, float]:
        """The losses of the member that is trained now."""
        return self._history.last()
