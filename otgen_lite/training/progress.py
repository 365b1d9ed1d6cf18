"""The progress bar."""

from __future__ import annotations

import math
import os
import sys
import time
from typing import Any

from otgen_lite.training.history import History

#: Seconds between two looks at the losses: reading them makes an accelerator wait.
PAUSE = 0.1


class Bar:
    """tqdm's bar, a widget in a live kernel, with the last loss of every player.

    While the book is built (``OTGEN_BOOK=1``) there is one line at the end instead, without speed
    and losses, the same for every build: on a page without a kernel a widget is dead and makes the
    page load scripts from other hosts, and a bar that moves is hundreds of lines.

    Args:
        title: the name of the method.
        total: steps in all.
        done: steps that are over already.
    """

    def __init__(self, title: str, total: int, done: int) -> None:
        self._title, self._total, self._done = title, total, done
        self._bar: Any = None
        #: When the bar wants to be told again, on the clock of ``time.perf_counter``.
        self.next = math.inf
        if os.environ.get("OTGEN_BOOK", "0") in ("", "0"):
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, initial=done, desc=title, unit="step", mininterval=0.0)
            self.next = time.perf_counter()

    def update(self, history: History) -> None:
        """Show where the run stands."""
        if self._bar is None:
            return
        shown = {player: f"{loss:.4g}" for player, loss in history.last().items()}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update(history.steps - self._done)
        self._done = history.steps
        self.next = time.perf_counter() + PAUSE

    def close(self, history: History) -> None:
        """Show the end, and leave it there."""
        if self._bar is None:
            print(_line(self._title, history.steps, self._total), file=sys.stderr)
            return
        self.update(history)
        self._bar.refresh()
        self._bar.close()


def _line(title: str, done: int, total: int) -> str:
    """A bar that does not move."""
    from tqdm import tqdm

    shape = "{l_bar}{bar}| {n_fmt}/{total_fmt}"
    return tqdm.format_meter(done, total, 0, prefix=title, ncols=60, bar_format=shape)
