"""Numbers and sentences of an explorer: written the same in the widget and on the page."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Mapping
from typing import Any

#: Value of an axis or a read-out.
Value = int | float | str

Alt = str | Callable[[Mapping[str, Value], Mapping[str, Value]], str]

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = "−"


def plain_value(value: Any, what: str) -> Value:
    """Turn a number or string of any library into Python's own.

    Args:
        value: an ``int``, ``float`` or ``str``, or a numpy or torch scalar.
        what: how an error message calls it.

    Returns:
        The same value as ``int``, ``float`` or ``str``.

    Raises:
        TypeError: if it is anything else.

    >>> import numpy as np
    >>> plain_value(np.float64(0.5), "here")
    0.5
    """
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"{what} must be a number or a string, but was {value!r}")
    if isinstance(value, str):
        return str(value)
    return int(value) if isinstance(value, int) else float(value)


def format_value(value: Value) -> str:
    """Write a number for a reader: four significant digits, a true minus sign, no noise.

    Whole numbers up to a million keep all their digits. Very small and very large numbers
    are written with a power of ten.

    Args:
        value: a number or a string; a string is returned as it is.

    Returns:
        The text that sliders, read-outs and tables show.

    >>> format_value(0.1 + 0.2), format_value(-2.0), format_value(12345.6), format_value(3.2e-7)
    ('0.3', '−2', '12346', '3.2 × 10⁻⁷')
    """
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else _MINUS + "∞"
    if value == 0:
        return "0"
    size = abs(value)
    if 1e-4 <= size < 1e6:
        digits = max(0, 3 - math.floor(math.log10(size)))
        text = f"{size:.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        mantissa, exponent = f"{size:.3e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        text = f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    return text if value > 0 else _MINUS + text


class _Fields(string.Formatter):
    """Format fields by their whole name, so that ``{transport cost}`` and ``{W.1}`` work."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        return format(value, format_spec) if format_spec else format_value(value)


def fields_of(template: str) -> list[str]:
    """The names between braces in a format string.

    >>> fields_of("cost {p}, so {transport cost:.2f}")
    ['p', 'transport cost']
    """
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]


def describe(alt: Alt, values: Mapping[str, Value], readouts: Mapping[str, Value]) -> str:
    """The alt text of one frame.

    Args:
        alt: a format string over the names of axes and read-outs, or a callable
            ``(values, readouts) -> str``.
        values: axis name to value.
        readouts: read-out name to value.

    Returns:
        The text; never empty.

    Raises:
        ValueError: if the format string names something that the frame does not have, or if
            the text is empty.

    >>> describe("p = {p}: cost {cost}", {"p": 2}, {"cost": 0.1 + 0.2})
    'p = 2: cost 0.3'
    """
    if callable(alt):
        text = alt(values, readouts)
    else:
        known = {**readouts, **values}
        try:
            text = _Fields().format(alt, **known)
        except KeyError as missing:
            raise ValueError(
                f"alt names {missing}, but the frame has only {sorted(known)}"
            ) from None
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"alt must give a text for every frame, but gave {text!r}")
    return text.strip()
