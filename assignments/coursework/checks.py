"""Comparisons for hidden tests, whose messages say what is wrong and not what is right.

Each raises ``AssertionError`` with one sentence for the student. They take what an answer returned,
which may be anything; what comes back is a plain number or a NumPy array.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

#: Factors by which answers are often wrong, and the question to ask oneself then.
USUAL = {
    0.5: "it is half of what it must be: is the cost halved somewhere?",
    2.0: "it is twice what it must be: is something counted twice, or the half missing?",
    -1.0: "it has the wrong sign",
}


def number(value: Any, what: str = "the answer") -> float:
    """A finite real number, from a Python number or an array with one entry."""
    out = _as_array(value, what)
    assert out.size == 1, f"{what} must be one number, and is an array of shape {out.shape}"
    return float(out.reshape(()))


def array(value: Any, shape: Sequence[int | None], what: str = "the answer") -> np.ndarray:
    """A finite real array (float64) of that shape, in which None stands for any length."""
    out = _as_array(value, what)
    fits = out.ndim == len(shape) and all(
        n is None or n == m for n, m in zip(shape, out.shape, strict=True)
    )
    wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
    assert fits, f"{what} must be an array of shape {wanted}, and has shape {out.shape}"
    return out


def near(
    value: Any,
    expected: Any,
    what: str = "the answer",
    *,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    usual: Mapping[float, str] = USUAL,
) -> None:
    """|value − expected| ≤ atol + rtol · |expected|, entry by entry.

    Args:
        value: what the answer gave.
        expected: number or array of the same shape.
        what: how the message calls it.
        rtol, atol: tolerances.
        usual: factors between value and expected that a message should name.
    """
    expected = np.asarray(_numpy(expected), dtype=float)
    got = array(value, expected.shape, what) if expected.ndim else np.asarray(number(value, what))
    error = np.abs(got - expected)
    if np.all(error <= atol + rtol * np.abs(expected)):
        return
    for factor, hint in usual.items():
        scaled = factor * expected
        if np.any(expected) and np.all(np.abs(got - scaled) <= atol + rtol * np.abs(scaled)):
            raise AssertionError(f"{what} is not right: {hint}")
    scale = float(np.max(np.abs(expected)))
    worst = float(np.max(error))
    if scale > 0:
        raise AssertionError(f"{what} is not right: it is off by {_share(worst / scale)}")
    raise AssertionError(f"{what} is not right: it is off by {worst:.1e}")


def at_most(value: Any, bound: float, what: str, why: str = "") -> None:
    """value ≤ bound."""
    got = number(value, what)
    assert got <= bound, f"{what} is {got:.3g}, which is too large{_because(why)}"


def at_least(value: Any, bound: float, what: str, why: str = "") -> None:
    """value ≥ bound."""
    got = number(value, what)
    assert got >= bound, f"{what} is {got:.3g}, which is too small{_because(why)}"


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _share(error: float) -> str:
    if error >= 10:
        return f"a factor of {error:.0f}" if error < 1e6 else "several orders of magnitude"
    return f"{100 * error:.0f} %" if error >= 0.1 else f"{100 * error:.2g} %"


def _numpy(value: Any) -> Any:
    """Tensors as arrays, wherever they come from."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _as_array(value: Any, what: str) -> np.ndarray:
    if getattr(value, "missing", None):
        raise AssertionError(value.missing)
    assert value is not None, f"{what} is None: is there a return?"
    assert value is not Ellipsis, f"{what} has not been written yet"
    value = _numpy(value)
    plain = isinstance(value, (int, float, np.number, np.bool_, np.ndarray, list, tuple))
    assert plain, f"{what} must be a number or an array, and is of type {type(value).__name__}"
    try:
        out = np.asarray(value)
    except ValueError:
        out = np.asarray(None)
    numeric = out.dtype.kind in "biuf"
    assert numeric, f"{what} must hold real numbers, and holds {_kind(out)}"
    out = out.astype(float)
    bad = int(np.size(out) - np.isfinite(out).sum())
    assert out.size, f"{what} is empty"
    assert not bad, f"{what} holds {bad} values that are not finite"
    return out


def _kind(out: np.ndarray) -> str:
    return "complex ones" if out.dtype.kind == "c" else "something else"


def is_close(x: float, y: float, tol: float) -> bool:
    """|x − y| ≤ tol · max(1, |y|)."""
    return math.isfinite(x) and abs(x - y) <= tol * max(1.0, abs(y))
