"""Certificates: what can be computed of a statement of the book, from both sides.

A chapter proves a statement and then *computes* its two sides, each by its own route.
:func:`certificate` compares them, prints one line, fails the cell when they disagree by more
than the tolerance, and leaves a record in the notebook from which the book's ledger
(the page *claims*) is made.

For an inequality it also says how much slack there is: a certificate with a factor 35 of slack
would not notice that a factor 2 is missing.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Literal

import numpy as np

#: The records travel in the metadata of the notebook's outputs under this key: so they survive
#: the execution cache, and a page that was not re-run keeps its certificates.
RECORD = "otgen_certificate"

_POWER = re.compile(r"(\d(?:\.\d+)?)e([+-]\d+)")
_NEGATIVE = re.compile(r"(?<![\w.])-(?=\d)")
Relation = Literal["==", "<="]


class CertificateError(AssertionError):
    """The two sides of a statement differ by more than the tolerance."""


@dataclass(frozen=True)
class Certificate:
    """Result of :func:`certificate`: the two sides, their gap and the verdict.

    For an inequality, ``slack`` is the least ``rhs - lhs``, that of the pair which is shown, and
    ``loosest`` is the largest ``rhs / lhs`` of all pairs whose left side is above the tolerance: in
    that pair, a missing factor up to this size would go unnoticed. Both are None for an equality.

    Chapter: every chapter.
    """

    label: str
    lhs: float
    rhs: float
    gap: float
    tol: float
    relation: Relation
    holds: bool
    count: int
    slack: float | None = None
    loosest: float | None = None

    def line(self) -> str:
        """The certificate in one line, as it is printed under its cell."""
        equal = self.relation == "=="
        many = f" ({'worst' if equal else 'tightest'} of {self.count})" if self.count > 1 else ""
        return (
            f"{'✓' if self.holds else '✗'} {self.label}{many}: {self.lhs:.8g} "
            f"{'=' if equal else '≤'} {self.rhs:.8g}, {self.room()}, tolerance {self.tol:.0e}"
        )

    def room(self) -> str:
        """The gap of an equality; the slack of an inequality, and how loose its loosest pair is."""
        if self.slack is None:
            return f"gap {self.gap:.1e}"
        if self.loosest is None:
            return f"slack {self.slack:.1e}"
        where = "the loosest " if self.count > 1 else ""
        return f"slack {self.slack:.1e} ({where}right side is {self.loosest:.3g} × the left)"

    def _ipython_display_(self) -> None:
        """Shown once, by :func:`certificate`, and not again as the value of the cell."""

    def __repr__(self) -> str:
        return self.line()


def compare(label: str, lhs: Any, rhs: Any, tol: float, relation: Relation = "==") -> Certificate:
    """Compare both sides without failing: the verdict is in the result.

    See :func:`certificate` for the arguments.
    """
    if not isinstance(label, str) or not label:
        raise ValueError(f"label must be a non-empty string, got {label!r}")
    if not (isinstance(tol, (int, float)) and math.isfinite(tol) and tol >= 0):
        raise ValueError(f"tol must be a finite number >= 0, got {tol!r}")
    if relation not in ("==", "<="):
        raise ValueError(f"relation must be '==' or '<=', got {relation!r}")
    left, right = _as_array("lhs", lhs), _as_array("rhs", rhs)
    try:
        left, right = np.broadcast_arrays(left, right)
    except ValueError:
        raise ValueError(
            "lhs and rhs must have the same shape (or broadcast), got "
            f"{left.shape} and {right.shape}"
        ) from None
    if left.size == 0:
        raise ValueError("lhs and rhs must hold at least one number, got none")
    with np.errstate(invalid="ignore"):
        gaps = np.abs(left - right) if relation == "==" else np.maximum(left - right, 0.0)
    # A NaN on either side is never a proof: let it be the worst gap of all.
    gaps = np.where(np.isnan(gaps), np.inf, gaps).ravel()
    worst = int(np.argmax(gaps))
    slack = loosest = None
    if relation == "<=":
        with np.errstate(invalid="ignore"):
            room = (right - left).ravel()
        room = np.where(np.isnan(room), -np.inf, room)
        worst = int(np.argmin(room))
        slack, loosest = float(room[worst]), _loosest(left.ravel(), right.ravel(), tol)
    return Certificate(
        label=label,
        lhs=float(left.ravel()[worst]),
        rhs=float(right.ravel()[worst]),
        gap=float(gaps[worst]),
        tol=float(tol),
        relation=relation,
        holds=bool(gaps[worst] <= tol),
        count=int(left.size),
        slack=slack,
        loosest=loosest,
    )


def _loosest(left: np.ndarray, right: np.ndarray, tol: float) -> float | None:
    """The largest right / left where the left side is more than rounding, and both are finite."""
    seen = (left > tol) & np.isfinite(left) & np.isfinite(right)
    return float((right[seen] / left[seen]).max()) if seen.any() else None


def certificate(
    label: str, lhs: Any, rhs: Any, tol: float, relation: Relation = "=="
) -> Certificate:
    """Certify a statement of the book by computing it from both sides.

    Prints one line (both sides, gap or slack, tolerance, verdict) and records it for the ledger.
    For an equality the gap is ``max |lhs - rhs|``, for ``relation="<="`` it is
    ``max (lhs - rhs)_+``; both are absolute. An inequality shows its tightest pair, with the slack
    ``rhs - lhs``, and the largest ratio ``rhs / lhs`` of all pairs.

    Args:
        label: the statement's label in the book, for example ``"thm-duality"``.
        lhs: left side, a number or an array of them (numpy, torch, lists).
        rhs: right side, of the same shape or broadcasting against ``lhs``.
        tol: the largest absolute gap that still certifies the statement.
        relation: ``"=="`` or ``"<="``.

    Returns:
        The :class:`Certificate`.

    Raises:
        CertificateError: if the statement does not hold within ``tol`` (this fails the cell,
            and with it the build of the book).
        ValueError: if an argument is out of range, or the shapes of the sides do not broadcast.
        TypeError: if a side is neither a number nor an array of numbers.

    Chapter: every chapter; the ledger is the page *claims*.

    Example:
        >>> c = certificate("thm-pythagoras", 3**2 + 4**2, 5**2, tol=1e-12)
        ✓ thm-pythagoras: 25 = 25, gap 0.0e+00, tolerance 1e-12
    """
    result = compare(label, lhs, rhs, tol, relation)
    _publish(result)
    if not result.holds:
        raise CertificateError(result.line())
    return result


def _as_array(name: str, value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
    except (RuntimeError, ValueError):  # tensors with gradients in a list, ragged lists
        array = np.asarray(None)
    # numpy would read None as NaN and "1" as 1.
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be a number or an array of numbers, got {value!r}")
    return array.astype(float)


def _publish(result: Certificate) -> None:
    """Show the certificate: as a rich output where IPython runs, as a printed line elsewhere."""
    try:
        from IPython import get_ipython
    except ImportError:
        shell = None
    else:
        shell = get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.display import publish_display_data

        line = result.line()
        shown = {"text/plain": line, "text/html": _markup(line)}
        publish_display_data(shown, {RECORD: asdict(result)})
    else:
        print(result.line())


def _markup(line: str) -> str:
    r"""The line for a page: powers of ten as they are written by hand, a true minus sign.

    >>> _markup("✓ thm-a: 25 = 25, gap 1.5e-12")
    '<p class="otg-certificate">✓ thm-a: 25 = 25, gap 1.5\xa0×\xa010<sup>−12</sup></p>'
    """
    text = _POWER.sub(_power, escape(line))
    return f'<p class="otg-certificate">{_NEGATIVE.sub("−", text)}</p>'


def _power(found: re.Match[str]) -> str:
    return f"{found[1]}\u00a0×\u00a010<sup>{int(found[2])}</sup>" if float(found[1]) else "0"
