"""Kinds of data: one rule for tensors, items of sets, batches of loaders and samplers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks


def first_entry(item: Any) -> Any:
    """Labels that come with the points are left aside."""
    return item[0] if isinstance(item, (tuple, list)) and len(item) else item


def real(name: str, value: Any, *, finite: bool = False) -> Tensor:
    """Numbers of a floating type as a tensor of float32 or float64, whatever they come in.

    Whole numbers and truth values are a mistake more often than not (bytes of images, labels,
    indices), so they are refused in a tensor, an array, a list and a PIL image alike.

    Args:
        name: its name, for the message.
        value: a tensor, an array or anything that NumPy makes an array of.
        finite: whether to see that no number is infinite. Without, a loss that is not finite tells.

    Raises:
        TypeError: for anything but real numbers of a floating type.
        ValueError: if ``finite`` and a number is not.
    """
    if not isinstance(value, Tensor):
        try:
            array = np.asarray(value)
        except (ValueError, RuntimeError, TypeError):
            array = np.empty(0)  # ragged, or of tensors with gradients: the check says so
        if array.dtype.kind in "iub":
            raise TypeError(_not_floating(name, f"a {type(value).__name__} of {array.dtype}"))
    elif not value.is_floating_point():
        raise TypeError(_not_floating(name, str(value.dtype)))
    elif value.dtype.itemsize == 2:
        value = value.float()  # half precision holds no number that float32 does not
    if isinstance(value, Tensor):
        return _checks.tensor(name, value, finite=finite).detach()
    # Not yet to the device: it may not hold them all.
    with torch.device("cpu"):
        return _checks.tensor(name, value, finite=finite).detach()


def _not_floating(name: str, found: str) -> str:
    return (
        f"{name} must be of a floating type, got {found}; convert it first (images of bytes: "
        "x.float() / 255 of a tensor, np.asarray(x) / 255 of an image or an array)"
    )


def checked(value: Any) -> Tensor:
    """Data as rows: finite numbers of a real type, at least one point."""
    if isinstance(value, tuple) and value and all(isinstance(v, Tensor) for v in value):
        raise TypeError(
            f"data must be points alone, got a tuple of {len(value)} tensors; if these are points "
            "and labels, give data[0]"
        )
    data = real("data", value, finite=True)
    if data.ndim < 2:
        hint = "; for numbers on a line write data[:, None]" if data.ndim == 1 else ""
        raise ValueError(
            f"data must have shape (n, d) or (n, ...), got {_checks.shape_text(data)}{hint}"
        )
    if data.numel() == 0:
        shape = _checks.shape_text(data)
        raise ValueError(f"data must hold at least one point, got shape {shape}")
    return data


def kind(value: Any) -> str:
    """The kind of a value, in few words."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {_checks.shape_text(value)}"
    return f"a {type(value).__name__}"
