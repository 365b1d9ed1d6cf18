"""Means and spreads over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otgen_lite import _checks

if TYPE_CHECKING:
    from otgen_lite.results._read import Run

#: Fields of a run beside its scores.
COSTS = ("cpu_s", "calibrated_s", "parameters", "trained")


@dataclass(frozen=True)
class Summary:
    """Mean and spread of a number over several seeds or draws.

    Attributes:
        mean: the mean of the values.
        std: standard deviation of a single value (the sum of squares is divided by n - 1); NaN if
            there is only one value.
        values: the value of each run, in the order of the records.

    Chapter: 14.
    """

    mean: float
    std: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Summary:
        """The summary of at least one value."""
        kept = tuple(float(value) for value in values)
        several = len(kept) > 1 and all(map(math.isfinite, kept))
        return cls(statistics.fmean(kept), statistics.stdev(kept) if several else math.nan, kept)

    def __str__(self) -> str:
        spread = "" if math.isnan(self.std) else f" ± {self.std:.2g}"
        return f"{self.mean:.4g}{spread}"


def summary(runs: Iterable[Run], score: str) -> dict[str, Summary]:
    """Summarise a score of each method over the seeds: mean, spread and values.

    Args:
        runs: some of :func:`load`.
        score: the name of a score, or ``"cpu_s"``, ``"calibrated_s"``, ``"parameters"`` or
            ``"trained"``.

    Returns:
        A dict from methods to :class:`Summary`, in the order of the runs.

    Raises:
        ValueError: if there is no such score; the message suggests the most similar name.

    Chapter: 14.

    Example:
        >>> from otgen_lite.results import load
        >>> ring = load("eight_gaussians")
        >>> best = min(summary(ring, "w2sq").values(), key=lambda found: found.mean)
        >>> 0.0 < best.mean < 0.1
        True
    """
    held: dict[str, list[float]] = {}
    for run in runs:
        _checks.choice("score", score, [*run.scores, *COSTS])
        value = getattr(run, score) if score in COSTS else run.scores[score]
        held.setdefault(run.method, []).append(value)
    return {method: Summary.of(values) for method, values in held.items()}
