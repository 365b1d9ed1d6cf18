"""The scale of images: bytes are divided by 255, and sets on different scales are detected."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks


def images(name: str, value: Any) -> Tensor:
    """Images of a floating type; bytes (uint8) become float64 from 0 to 1.

    Raises:
        ValueError: if a number is not finite.
        TypeError: if it is no array of real numbers, or of whole numbers that are not bytes: these
            may be on any scale.
    """
    if is_bytes(value):
        plain = value if isinstance(value, Tensor) else torch.from_numpy(np.array(value))
        return plain.to(torch.float64) / 255.0
    kind = str(value.dtype if isinstance(value, Tensor) else _array(value).dtype)
    if "int" in kind:
        raise TypeError(
            f"{name} must be images of a floating type or bytes (uint8, read as 0 to 255), got "
            f"{kind}, whose scale is not known: make them uint8, or divide by the largest value"
        )
    return _checks.tensor(name, value)


def is_bytes(value: Any) -> bool:
    """Whether an array is of unsigned bytes."""
    return str(getattr(value, "dtype", "")) in ("torch.uint8", "uint8")


def _array(value: Any) -> np.ndarray:
    try:
        return np.asarray(value)
    except (ValueError, RuntimeError, TypeError):
        return np.empty(0, dtype=object)  # the checks of all tensors say what it was


def alike(
    name: str, x: Tensor, other: str, y: Tensor, *, few: bool = False, stacklevel: int = 3
) -> None:
    """Warn where two sets of images are plainly on two scales, as [0, 1] and [0, 255] are.

    One of them goes beyond the other's range by nine tenths of its span: ink that overshoots and
    images that are blurred do less, [-1, 1] beside [0, 1] does more. Where x may be a ``few``
    images, whose range is narrow by chance, only y's range counts, and a sixteenth of it.
    """
    low, high = _ends(x)
    low_other, high_other = _ends(y)
    span, span_other = high - low, high_other - low_other
    if few:
        beyond = max(low_other - low, high - high_other)
        far = beyond > 0.9 * span_other or span < span_other / 16
    else:
        beyond = max(abs(low - low_other), abs(high - high_other))
        far = beyond > 0.9 * min(span, span_other)
    if span > 0.0 and span_other > 0.0 and far:
        warnings.warn(
            f"{name} and {other} should be on one scale, got {name} from {low:.4g} to {high:.4g} "
            f"and {other} from {low_other:.4g} to {high_other:.4g}",
            UserWarning,
            stacklevel=stacklevel,
        )


def one_scale(name: str, x: Any, other: str, y: Any) -> None:
    """Refuse bytes beside points of another type: the numbers are on two scales.

    Raises:
        ValueError: if exactly one of the two is an array of unsigned bytes.
    """
    if is_bytes(x) != is_bytes(y):
        bytes_, plain = (name, other) if is_bytes(x) else (other, name)
        raise ValueError(
            f"{name} and {other} must be on one scale, got {bytes_} as bytes (uint8) and {plain} "
            f"not: divide {bytes_} by 255, or give both as bytes"
        )


def both(name: str, x: Any, other: str, y: Any) -> tuple[Tensor, Tensor]:
    """Two sets of images on one scale and of one floating type.

    Raises:
        ValueError: if only one of the sets is bytes, and the other plainly not from 0 to 1.
    """
    a, b = images(name, x), images(other, y)
    for label, floats, own, beside in ((name, a, x, y), (other, b, y, x)):
        if is_bytes(beside) and not is_bytes(own) and floats.numel():
            low, high = _ends(floats)
            if low < -0.5 or high > 1.5:
                raise ValueError(
                    f"{label} must be in [0, 1] or bytes (uint8) because the other set is bytes, "
                    f"got {floats.dtype} from {low:.4g} to {high:.4g}"
                )
    kinds = [t.dtype for t, given in ((a, x), (b, y)) if not is_bytes(given)]
    dtype = torch.promote_types(kinds[0], kinds[-1]) if kinds else torch.get_default_dtype()
    return a.detach().to(dtype), b.detach().to(dtype)


def _ends(x: Tensor) -> tuple[float, float]:
    return float(x.detach().min()), float(x.detach().max())
