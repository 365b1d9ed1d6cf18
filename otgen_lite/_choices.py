"""Values on an axis, found by what a reader writes: 0.3 also where 0.1 * 3 or float32 made it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

#: Relative distance of a number from the one on the axis: a few roundings of float32.
REL_TOL = 2e-6

#: And at most this part of the way to the next value of the axis.
GAP_TOL = 1e-2


def place(value: Any, values: Sequence[Any]) -> int | None:
    """Position of a value on an axis, None where it is not there.

    Equal values win. Otherwise a number is the nearest one of the axis, up to rounding: relative
    to itself, and on an even axis, such as ``linspace`` gives, relative to its largest value.

    >>> place(0.3, [0.1, 0.1 * 2, 0.1 * 3])
    2
    >>> import torch
    >>> place(0.2, torch.linspace(0.0, 1.0, 11).tolist()), place(0.21, [0.1, 0.2])
    (2, None)
    """
    value = plain(value)
    axis = [plain(other) for other in values]
    for i, other in enumerate(axis):
        if equal(value, other):
            return i
    return _nearest(float(value), axis) if _is_number(value) else None


def equal(value: Any, other: Any) -> bool:
    """Whether two values are one; what cannot be compared is not."""
    if value is other:
        return True
    try:
        return bool(value == other)
    except (TypeError, ValueError, RuntimeError):  # arrays, for example
        return False


def plain(value: Any) -> Any:
    """A number of numpy or torch as Python's own."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def _nearest(value: float, axis: Sequence[Any]) -> int | None:
    numbers = {i: float(v) for i, v in enumerate(axis) if _is_number(v) and math.isfinite(v)}
    if not numbers or not math.isfinite(value):
        return None
    best = min(numbers, key=lambda i: abs(numbers[i] - value))
    off = abs(numbers[best] - value)
    size = max(abs(value), abs(numbers[best]))
    if _is_even(list(numbers.values())):
        size = max(size, *map(abs, numbers.values()))
    gap = min((abs(v - value) for i, v in numbers.items() if i != best), default=math.inf)
    return best if off <= min(REL_TOL * size, GAP_TOL * gap) else None


def _is_even(numbers: list[float]) -> bool:
    """Whether the numbers are evenly spaced."""
    ordered = sorted(numbers)
    steps = [b - a for a, b in itertools.pairwise(ordered)]
    return len(steps) > 1 and max(steps) - min(steps) <= GAP_TOL * max(steps)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
