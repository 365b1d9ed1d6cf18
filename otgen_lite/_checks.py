"""Argument checks: every message names the argument, what it was and what it must be."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

#: Largest distance of the sum of weights from 1; what is left is divided out.
WEIGHT_SUM_TOL = {torch.float64: 1e-6, torch.float32: 1e-4}


#: Kinds of device that do not know float64.
WITHOUT_FLOAT64 = {"mps"}

#: Kinds of device of which a machine has one: torch's functions for them take no index.
WITHOUT_INDEX = {"mps"}


def wide(device: torch.device) -> torch.dtype:
    """float64, or float32 where the device knows no other."""
    return torch.float32 if device.type in WITHOUT_FLOAT64 else torch.float64


def moved(value: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device; where that knows no float64, rounded before it leaves."""
    if value.dtype == torch.float64 and value.device != device:
        value = value.to(wide(device))
    return value.to(device)


def beside(*values: Any) -> AbstractContextManager[Any]:
    """Inside, arrays and numbers become tensors on the device of the tensors given with them."""
    found = [value.device for value in values if isinstance(value, Tensor)]
    return found[0] if found and len(found) < len(values) else nullcontext()


def not_finite(message: str) -> ValueError:
    """The error that numbers must be finite and are not; :func:`is_not_finite` knows it again."""
    error = ValueError(message)
    error.not_finite = True  # type: ignore[attr-defined]
    return error


def is_not_finite(error: BaseException) -> bool:
    """Whether an error is of :func:`not_finite`. A training that meets one says in which step."""
    return bool(getattr(error, "not_finite", False))


def tensor(name: str, value: Any, *, finite: bool = True) -> Tensor:
    """Convert to a float32 or float64 tensor; whole numbers become float64.

    A tensor that is already of such a type comes back as it is, with its device and its graph; what
    is none becomes one where torch makes new tensors. Where that is a device without float64, they
    come to the CPU: all that is computed from checked numbers needs it.
    """
    if isinstance(value, Tensor):
        out = value
    else:
        plain = table(name, value)
        try:
            try:
                array = np.asarray(plain)
            except TypeError:  # NumPy does not look into an accelerator
                array = np.asarray(_at_home(plain))
        except (ValueError, RuntimeError):
            raise TypeError(
                f"{name} must be a tensor or an array of real numbers, got a "
                f"{type(value).__name__} that cannot be made one (ragged, or of tensors with "
                "gradients)"
            ) from None
        if array.dtype.kind not in "fiu":
            raise TypeError(
                f"{name} must be a tensor or an array of real numbers, got "
                f"{type(value).__name__} of {array.dtype}"
            )
        if array.dtype not in (np.float32, np.float64):
            array = array.astype(np.float64)
        if not array.flags.writeable or any(step < 0 for step in array.strides):
            array = array.copy()
        out = torch.from_numpy(array)
        home = torch.get_default_device()
        out = out if home.type in WITHOUT_FLOAT64 else out.to(home)
    if out.layout != torch.strided:
        raise TypeError(f"{name} must be dense, got a tensor of layout {out.layout}")
    if out.is_complex() or out.dtype == torch.bool:
        raise TypeError(f"{name} must hold real numbers, got a tensor of {out.dtype}")
    if out.device.type in WITHOUT_FLOAT64:
        out = out.cpu()
    if not out.is_floating_point():
        out = out.to(torch.float64)
    elif out.dtype not in WEIGHT_SUM_TOL:
        raise TypeError(f"{name} must be float32 or float64, got {out.dtype}")
    if finite and out.numel():
        # A finite sum takes one look; where it is not, finite numbers may have been too large.
        total = float(out.detach().sum())
        low, high = (0.0, 0.0) if math.isfinite(total) else _ends(out.detach())
        if not (math.isfinite(low) and math.isfinite(high)):
            culprit = low if not math.isfinite(low) else high
            raise not_finite(f"{name} must hold finite numbers, got one that is {culprit}")
    return out


def _at_home(value: Any) -> Any:
    """The tensors in a list, on the CPU."""
    if isinstance(value, (list, tuple)):
        return [_at_home(part) for part in value]
    return value.cpu() if isinstance(value, Tensor) else value


def table(name: str, value: Any) -> Any:
    """The numbers of a pandas or polars table as an array; everything else as it is.

    Raises:
        TypeError: if a column does not hold real numbers.
    """
    if not (hasattr(value, "to_numpy") and hasattr(value, "columns")):
        return value
    for column in value.columns:
        kind = np.asarray(value[column].to_numpy()).dtype
        if kind.kind not in "fiu":
            raise TypeError(
                f"{name} must be a table of real numbers, got a {type(value).__name__} whose "
                f"column {column!r} is of {kind}: choose the columns, or convert it to float"
            )
    return np.array(value.to_numpy())


def _ends(value: Tensor) -> tuple[float, float]:
    """The smallest and the largest entry; both are NaN where one entry is."""
    return float(value.amin()), float(value.amax())


def shape_text(value: Tensor) -> str:
    """The shape as people write it: ``(3, 2)``."""
    return str(tuple(value.shape))


def points(name: str, value: Any) -> Tensor:
    """Points as the rows of an (n, d) tensor with n, d >= 1."""
    out = tensor(name, value)
    if out.ndim != 2:
        hint = f"; for numbers on a line write {name}[:, None]" if out.ndim == 1 else ""
        raise ValueError(f"{name} must have shape (n, d), got {shape_text(out)}{hint}")
    if out.numel() == 0:
        raise ValueError(f"{name} must hold at least one point, got shape {shape_text(out)}")
    return out


def pair(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Two sets of points of one dimension, x and y, in their common type."""
    with beside(x, y):
        x, y = common(points("x", x), points("y", y))
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            "x and y must be points of the same dimension, got shapes "
            f"{shape_text(x)} and {shape_text(y)}"
        )
    return x, y


def line(name: str, value: Any) -> Tensor:
    """Numbers on a line as an (n,) tensor with n >= 1; (n, 1) is accepted."""
    out = tensor(name, value)
    if out.ndim == 2 and out.shape[1] == 1:
        out = out[:, 0]
    if out.ndim != 1:
        raise ValueError(f"{name} must have shape (n,), got {shape_text(out)}")
    if out.numel() == 0:
        raise ValueError(f"{name} must hold at least one point, got none")
    return out


def matrix(name: str, value: Any) -> Tensor:
    """An (n, m) tensor with n, m >= 1."""
    out = tensor(name, value)
    if out.ndim != 2:
        raise ValueError(f"{name} must have shape (n, m), got {shape_text(out)}")
    if out.numel() == 0:
        raise ValueError(f"{name} must have at least one row and one column, got {shape_text(out)}")
    return out


def costs(name: str, value: Any) -> Tensor:
    """An (n, m) tensor with n, m >= 1 of numbers or inf, which forbids a pair."""
    out = tensor(name, value, finite=False)
    detached = out.detach()
    if bool((detached == torch.inf).any()):
        matrix(name, detached.masked_fill(detached == torch.inf, 0.0))
        return out
    return matrix(name, out)


def vector(name: str, value: Any, size: int, why: str) -> Tensor:
    """A (size,) tensor; ``why`` ends the message, for example "one entry for each column of C"."""
    out = tensor(name, value)
    if tuple(out.shape) != (size,):
        raise ValueError(f"{name} must have shape ({size},), {why}, got {shape_text(out)}")
    return out


def weights(name: str, value: Any, size: int, like: Tensor) -> Tensor:
    """Weights of a probability measure on ``size`` atoms; uniform where ``value`` is None.

    Returns:
        (size,) float64 tensor on the CPU or on the device of ``like``, with its graph, as given:
        its sum is 1 up to :data:`WEIGHT_SUM_TOL`, and the caller divides the rest out.
    """
    if value is None:
        return torch.full((size,), 1.0 / size, dtype=torch.float64, device=like.device)
    out = vector(name, value, size, "one weight for each atom")
    detached = out.detach()
    low = float(detached.min())
    if low < 0:
        raise ValueError(f"{name} must be non-negative weights, got one that is {low:.6g}")
    total = float(detached.sum(dtype=torch.float64))
    if abs(total - 1.0) > WEIGHT_SUM_TOL[out.dtype]:
        raise ValueError(
            f"{name} must sum to 1, got a sum of {total:.6g}; divide it by {name}.sum()"
        )
    return out.to(device=like.device, dtype=torch.float64)


def number(name: str, value: Any, *, at_least: float | None = None) -> float:
    """A finite number, not smaller than ``at_least``."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex():
            value = value.item()
        else:
            raise TypeError(f"{name} must be a number, got {value!r}")
    out = float(value)
    if not math.isfinite(out) or (at_least is not None and out < at_least):
        rule = "a finite number" if at_least is None else f"a finite number >= {at_least:g}"
        kind = ValueError if math.isfinite(out) else not_finite
        raise kind(f"{name} must be {rule}, got {value!r}")
    return out


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    out = number(name, value)
    if out <= 0.0:
        raise ValueError(f"{name} must be a finite number > 0, got {value!r}")
    return out


def count(name: str, value: Any, *, at_least: int = 1) -> int:
    """A whole number, not smaller than ``at_least``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be a whole number >= {at_least}, got {value}")
    return int(value)


def seed(name: str, value: Any) -> int:
    """A seed of torch's generators: a whole number from 0 to 2^64 - 1."""
    out = count(name, value, at_least=0)
    if out >= 1 << 64:
        raise ValueError(f"{name} must be a whole number from 0 to 2**64 - 1, got {out}")
    return out


def choice(name: str, value: str, known: Iterable[str]) -> str:
    """One of the known names; the message gives one that is near."""
    names = list(known)
    if not isinstance(value, str):
        listed = ", ".join(repr(n) for n in names)
        raise TypeError(f"{name} must be one of {listed}, got {value!r}")
    if value in names:
        return value
    listed = ", ".join(repr(n) for n in names)
    raise ValueError(f"{name} must be one of {listed}, got {value!r}{suggestion(value, names)}")


def suggestion(value: str, names: Iterable[str]) -> str:
    """The end of a message: the name that is near, or begins so; empty where none does."""
    names, low = list(names), value.lower()
    near = difflib.get_close_matches(low, names, n=1)  # a similarity of 0.6 at least
    near += [n for n in names if low and n.startswith(low)]
    return f"; did you mean {near[0]!r}?" if near else ""


def floating(dtype: Any) -> torch.dtype:
    """A floating type; torch's default where None."""
    if dtype is None:
        return torch.get_default_dtype()
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating type, got {dtype}")
    return dtype


def common(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors in their common floating type; they must be on one device."""
    dtype = tensors[0].dtype
    for t in tensors[1:]:
        dtype = torch.promote_types(dtype, t.dtype)
        if t.device != tensors[0].device:
            raise ValueError(
                f"all arrays must be on one device, got {tensors[0].device} and {t.device}"
            )
    return tuple(t.to(dtype) for t in tensors)


def module(name: str, value: Any) -> nn.Module:
    """A network."""
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module, got {type(value).__name__}")
    return value
