"""When Sinkhorn's iteration reads its error, and when it gives up."""

from __future__ import annotations

import math

import numpy as np

from otgen_lite.transport._blocks import Numbers

#: Sweeps from one Anderson step to the next.
PERIOD = 3

#: Sweeps without progress after which a kernel in float32 is given up.
PATIENCE = 15

#: Sweeps between two checks of the error, at most, and the share of those that are predicted.
FARTHEST, SHARE = 21, 0.75


class ErrorChecks:
    """The sweeps after which the error is read, and whether it still falls.

    It decays geometrically in the long run, so that two errors predict the sweeps that are left,
    and two bases those to the next one. Of these, a share goes by to the next check, but never more
    than all sweeps so far: then those in vain are few, whatever the prediction.

    Args:
        first: sweeps done already.
        tol: error that is aimed at.
        mixed: whether there are Anderson steps.
        rounding: error below which rounding may keep it from falling further.
    """

    def __init__(self, first: int, tol: float, mixed: bool, rounding: float) -> None:
        self.first, self.next, self.tol, self.mixed = first, first + 1, tol, mixed
        self.rounding, self.lowest, self.progress = rounding, math.inf, first
        self.seen: tuple[int, Numbers] | None = None

    def stalled(self, k: int, worst: float) -> bool:
        """Note the largest error; whether it has not fallen for ``PATIENCE`` sweeps."""
        if worst < 0.9 * self.lowest or worst > self.rounding:
            self.progress = k
        self.lowest = min(self.lowest, worst)
        return k - self.progress > PATIENCE

    def plan(self, k: int, error: Numbers, height: float, limit: float) -> None:
        """Choose the next one after a check; bases are left at the height ``limit``."""
        wait = float(min(k - self.first, FARTHEST))
        if self.seen is not None:
            then, before = self.seen
            error = np.where(np.isfinite(error), error, before)  # of a step that was taken back
            pairs = zip(before.tolist(), error.tolist(), strict=True)
            left = sorted(self._left(k - then, old, new) for old, new in pairs)
            # A batch is left by a quarter of its problems at a time.
            wait = min(wait, SHARE * left[len(left) // 4])
            if height > limit:
                wait = min(wait, (k - then) / 2)
        self.seen = k, error
        self.next = k + max(1, int(wait))
        if self.mixed and self.next > 2:
            # An Anderson step gains more than the sweeps between two of them.
            self.next += (1 - self.next) % PERIOD

    def _left(self, sweeps: int, before: float, error: float) -> float:
        """Sweeps to the tolerance, if the error goes on decaying as it did during so many."""
        if not self.tol < error < before < math.inf:
            return 0.0 if error <= self.tol else math.inf
        return sweeps * math.log(error / self.tol) / math.log(before / error)

    def keep_only(self, index: Numbers) -> None:
        """Keep these problems."""
        if self.seen is not None:
            self.seen = self.seen[0], self.seen[1][index]
