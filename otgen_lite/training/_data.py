"""What may come as data: checks and the words of their messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks


def first_entry(item: Any) -> Any:
    """Labels that come with the points are left aside."""
    return item[0] if isinstance(item, (tuple, list)) and len(item) else item


def rows(value: Any) -> Tensor:
    """A tensor, unchecked: a loss that is not finite will tell."""
    return value if isinstance(value, Tensor) else _checks.tensor("data", value, finite=False)


def checked(value: Any) -> Tensor:
    """Data as rows: finite numbers of a real type, at least one point."""
    if isinstance(value, tuple) and value and all(isinstance(v, Tensor) for v in value):
        raise TypeError(
            f"data must be points alone, got a tuple of {len(value)} tensors; where these are "
            "points and labels, give data[0]"
        )
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
        value = torch.from_numpy(value.copy())  # the copy: torch takes no negative strides
    if isinstance(value, Tensor):
        floating("data", value)
    data = _checks.tensor("data", value).detach()
    if data.ndim < 2:
        hint = "; for numbers on a line write data[:, None]" if data.ndim == 1 else ""
        raise ValueError(
            f"data must have shape (n, d) or (n, ...), got {_checks.shape_text(data)}{hint}"
        )
    if data.numel() == 0:
        shape = _checks.shape_text(data)
        raise ValueError(f"data must hold at least one point, got shape {shape}")
    return data


def floating(name: str, value: Tensor) -> None:
    """Whole numbers are a mistake more often than not: bytes of images, labels, indices."""
    if not value.is_floating_point():
        raise TypeError(
            f"{name} must be of a floating type, got {value.dtype}; convert it first (images of "
            "bytes: x.float() / 255)"
        )


def kind(value: Any) -> str:
    """What somebody gave, in few words."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {_checks.shape_text(value)}"
    return f"a {type(value).__name__}"
