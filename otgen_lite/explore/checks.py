"""The arguments of an explorer and the answers of its frame function, checked."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from .axes import Axis
from .text import Alt, fields_of

#: Result of a frame function.
Drawn = Figure | tuple[Figure, Mapping[str, Any]]

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def unpack(drawn: Any) -> tuple[Figure, Mapping[str, Any]]:
    """Figure and read-outs of what a frame function gave."""
    figure, readouts = drawn if isinstance(drawn, tuple) and len(drawn) == 2 else (drawn, {})
    if not isinstance(figure, Figure) or not isinstance(readouts, Mapping):
        raise TypeError(
            f"a frame must be a matplotlib Figure or (Figure, dict of read-outs), but was {drawn!r}"
        )
    return figure, readouts


def readout_name(name: Any) -> str:
    """The name of a read-out is a text."""
    if not isinstance(name, str) or not name.strip():
        raise TypeError(f"the name of a read-out must be a text, but was {name!r}")
    return name


def check_name(name: Any) -> str:
    """A name is a word for an address: the page and a file are called after it."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"name must be lower-case letters and digits with hyphens between, but was {name!r}"
        )
    return name


def check_text(argument: str, text: Any) -> str:
    """A text, without space around it."""
    if not isinstance(text, str):
        raise TypeError(f"{argument} must be a string, but was {text!r}")
    return text.strip()


def check_alt(alt: Any) -> Alt:
    """An alt text changes with the frame, so a format string names a field."""
    if callable(alt):
        return alt
    if not isinstance(alt, str):
        raise TypeError(f"alt must be a format string or a callable, but was {alt!r}")
    try:
        fields = fields_of(alt)
    except ValueError as error:
        raise ValueError(f"alt is not a valid format string ({error}): {alt!r}") from None
    if not fields or not all(fields):
        raise ValueError(
            "alt must name an axis or a read-out in braces, as in 'p = {p}', so that it changes "
            f"with the frame, but was {alt!r}"
        )
    return alt


def check_frame(frame: Any, axes: Sequence[Axis]) -> Callable[..., Drawn]:
    """A frame function takes the axes as keywords."""
    if not callable(frame):
        raise TypeError(f"frame must be a function, but was {frame!r}")
    names = [axis.name for axis in axes]
    try:
        signature = inspect.signature(frame)
    except ValueError:
        return frame
    try:
        signature.bind(**dict.fromkeys(names))
    except TypeError as error:
        raise TypeError(
            f"frame must take the axes {names} as keywords, but takes {signature} ({error})"
        ) from None
    return frame
