"""Shared parts of the pictures: checks of arrays, axes, points."""

from __future__ import annotations

from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots.style import figure


def array(name: str, value: Any, ndim: int, *, finite: bool = True) -> np.ndarray:
    """The argument as a float64 array with this many axes, or an error that names it."""
    out = _checks.tensor(name, value, finite=finite).detach().cpu().double().numpy()
    if out.ndim != ndim or out.size == 0:
        raise ValueError(f"{name} must be a non-empty array of {ndim} axes, got shape {out.shape}")
    return out


def match(name: str, value: np.ndarray, shape: tuple[int, ...]) -> None:
    """An error that names the argument, where it has the wrong shape."""
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {value.shape}")


def axes_or_new(ax: Axes | None, *, height: float) -> tuple[Figure, Axes]:
    """The axes that were given, or those of a new figure of the book."""
    if ax is None:
        return figure(height=height)
    return cast(Figure, ax.figure), ax


def points_by_mass(ax: Axes, points: np.ndarray, mass: np.ndarray, color: str) -> None:
    """Draw points in the plane, larger where there is more mass."""
    area = 12.0 + 48.0 * mass / max(mass.max(), 1e-300)
    ax.scatter(
        points[:, 0],
        points[:, 1],
        s=area,
        color=color,
        edgecolors="white",
        linewidths=0.5,
        zorder=2,
    )


def tints(color: str) -> mpl.colors.Colormap:
    """From white to a colour: more of it is a higher price or cost."""
    return mpl.colors.LinearSegmentedColormap.from_list(color, ["white", color])


def plane(ax: Axes) -> None:
    """Equal units on both axes, and a little air."""
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.05)


def ink(
    x: Any, y: Any, plan: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Checked points, and the positive entries of a plan: row, column, mass."""
    x, y, mass = array("x", x, 2), array("y", y, 2), array("plan", plan, 2)
    match("x", x, (len(x), 2))
    match("y", y, (len(y), 2))
    match("plan", mass, (len(x), len(y)))
    i, j = np.nonzero(mass > 1e-9 * mass.max())
    return x, y, i, j, mass[i, j]
