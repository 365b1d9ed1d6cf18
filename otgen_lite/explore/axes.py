"""The axes of an explorer: what can be chosen, and how it is written."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from otgen_lite import _choices

from .text import Value, format_value, plain_value

#: More frames than this are too many to look at and too much for a page.
MAX_FRAMES = 120
MAX_AXES = 3


@dataclass(frozen=True)
class Axis:
    """One axis: a slider over numbers or a list of names.

    Attributes:
        name: the keyword that the frame function takes.
        label: what the reader sees.
        values: the choices, numbers or strings.
        texts: how they are written, one text for each value.
        numeric: a slider if true, a drop-down list if not.
    """

    name: str
    label: str
    values: tuple[Value, ...]
    texts: tuple[str, ...]
    numeric: bool

    def position(self, value: Any) -> int:
        """Position of a value on the axis, numbers up to rounding.

        Raises:
            ValueError: if it is not one of the values.
        """
        value = plain_value(value, f"axis {self.name!r}")
        place = _choices.place(value, self.values)
        if place is None:
            near = difflib.get_close_matches(str(value), map(str, self.values), n=1)
            hint = f"; did you mean {near[0]!r}?" if near and not self.numeric else ""
            raise ValueError(
                f"axis {self.name!r} must be one of {list(self.values)}, but was {value!r}{hint}"
            )
        return place


def make_axes(axes: Any, labels: Mapping[str, str] | None) -> tuple[Axis, ...]:
    """Check the ``axes`` and ``labels`` of an explorer.

    Raises:
        ValueError: naming the argument, what it was and what it must be.
        TypeError: likewise, if it is of the wrong kind.
    """
    if not isinstance(axes, Mapping):
        raise TypeError(f"axes must be a dict of name to values, but was {type(axes).__name__}")
    if not 1 <= len(axes) <= MAX_AXES:
        raise ValueError(f"axes must hold 1 to {MAX_AXES} axes, but holds {len(axes)}")
    labels = dict(labels or {})
    if unknown := sorted(set(labels) - set(axes)):
        raise ValueError(f"labels names {unknown}, but the axes are {list(axes)}")
    made = tuple(_make_axis(name, values, labels.get(name, name)) for name, values in axes.items())
    total = math.prod(len(axis.values) for axis in made)
    if total > MAX_FRAMES:
        sizes = " × ".join(str(len(axis.values)) for axis in made)
        raise ValueError(
            f"axes give {sizes} = {total} frames, but at most {MAX_FRAMES} are allowed: "
            "take fewer values on the longest axis, or split it into two explorers"
        )
    return made


def _make_axis(name: Any, values: Any, label: Any) -> Axis:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"axes: the name {name!r} must be a Python identifier")
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"labels[{name!r}] must be a text, but was {label!r}")
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"axes[{name!r}] must be a list of values, but was {values!r}")
    plain = tuple(plain_value(value, f"axes[{name!r}]") for value in values)
    if not plain:
        raise ValueError(f"axes[{name!r}] must not be empty")
    kinds = {isinstance(value, str) for value in plain}
    if len(kinds) > 1:
        raise TypeError(
            f"axes[{name!r}] must hold only numbers or only strings, but was {list(plain)}"
        )
    numeric = kinds == {False}
    if numeric and not all(math.isfinite(value) for value in plain if not isinstance(value, str)):
        raise ValueError(f"axes[{name!r}] must hold finite numbers, but was {list(plain)}")
    if not numeric and not all(str(value).strip() for value in plain):
        raise ValueError(f"axes[{name!r}] must not hold empty strings, but was {list(plain)}")
    if len(set(plain)) < len(plain):
        raise ValueError(f"axes[{name!r}] must hold distinct values, but was {list(plain)}")
    texts = tuple(format_value(value) for value in plain)
    if len(set(texts)) < len(texts):  # closer together than four digits tell
        texts = tuple(str(value).replace("-", "−") if numeric else str(value) for value in plain)
    return Axis(name, label, plain, texts, numeric)
