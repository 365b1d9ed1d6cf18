"""Curves: a value and a bound of it, methods beside each other, distances of two densities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.general import density_curves
from otgen_lite.plots.style import GREY, METHODS, VIOLET, figure

# Methods differ in colour and in line, so that a picture without colour can be read too.
_LINES = ("-", "--", "-.", ":", (0, (3, 1, 1, 1)))


def curve_and_bound(
    t: Any, values: Any, bound: Any, *, names: tuple[str, str], xlabel: str, ylabel: str
) -> Figure:
    """A curve, and a bound that it does not cross.

    Args:
        t: (n,) values of the horizontal axis.
        values: (n,) the curve, violet.
        bound: (n,) the bound, grey and dashed; one number where it is the same everywhere.
        names: what the curve and the bound are called.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or there are not two names.

    Chapter: 1.

    Example:
        >>> fig = curve_and_bound(
        ...     [0, 1], [2, 3], 4, names=("income", "cost"), xlabel="step", ylabel="units"
        ... )
        >>> [line.get_label() for line in fig.axes[0].lines]
        ['income', 'cost']
    """
    t, v = _drawing.array("t", t, 1), _drawing.array("values", values, 1)
    _drawing.match("values", v, t.shape)
    given = _checks.tensor("bound", bound)
    limit = _drawing.array("bound", given.expand(t.size) if given.ndim == 0 else given, 1)
    _drawing.match("bound", limit, t.shape)
    if len(names) != 2:
        raise ValueError(f"names must be two, of the curve and of the bound, got {names!r}")
    fig, ax = figure(height=2.9)
    ax.plot(t, v, color=VIOLET, label=names[0])
    ax.plot(t, limit, color=GREY, linestyle="--", label=names[1])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return fig


def compare_methods(
    t: Any,
    panels: Mapping[str, Mapping[str, Any]],
    *,
    xlabel: str,
    ylim: tuple[float, float] | None = None,
    markers: bool = False,
) -> Figure:
    """Methods beside each other: each has one colour and one line in all panels.

    Args:
        t: (n,) values of the common axis.
        panels: what a vertical axis shows, and the curves above it: name and (n,) values.
        xlabel: what the common axis shows.
        ylim: ends of the vertical axes, where they are not to be found from the values.
        markers: whether each point is marked, with its tick; for few points.

    Returns:
        The figure, with one panel below the other and the names in the first.

    Raises:
        ValueError: if there is no panel, shapes do not match, or a number is not finite.

    Chapter: 2.

    Example:
        >>> fig = compare_methods(
        ...     [0, 1], {"loss": {"one": [2, 1], "two": [3, 0]}}, xlabel="step"
        ... )
        >>> [line.get_label() for line in fig.axes[0].lines]
        ['one', 'two']
    """
    t = _drawing.array("t", t, 1)
    if not panels:
        raise ValueError("panels must hold at least one panel, got none")
    known = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    if len(known) > len(METHODS):
        raise ValueError(f"panels must hold at most {len(METHODS)} methods, got {len(known)}")
    height = 3.2 if len(panels) == 1 else 2.4 * len(panels)
    fig, axes = figure(len(panels), 1, height=height, sharex=True, squeeze=False)
    for ax, (ylabel, curves) in zip(axes[:, 0], panels.items(), strict=True):
        for name, values in curves.items():
            v = _drawing.array(f"panels[{ylabel!r}][{name!r}]", values, 1)
            _drawing.match(f"panels[{ylabel!r}][{name!r}]", v, t.shape)
            _method(ax, t, v, known.index(name), name, marker="os^Dv" if markers else "")
        ax.set(ylabel=ylabel, ylim=ylim)
    axes[-1, 0].set_xlabel(xlabel)
    if markers:
        axes[-1, 0].set_xticks(t)
    axes[0, 0].legend()
    return fig


def densities_and_distances(
    t: Any,
    densities: Mapping[str, Any],
    offsets: Any,
    distances: Mapping[str, Any],
    offset: float,
    *,
    window: tuple[float, float],
    ceiling: float,
) -> Figure:
    """Two densities, and below them how far they are apart, by several distances.

    Args:
        t: (n,) places.
        densities: name of each density, and its (n,) values.
        offsets: (k,) offsets between the two, in increasing order.
        distances: name of each distance, and its (k,) values; ``inf`` is left out.
        offset: which of the offsets is shown above; marked on each curve.
        window: the places that are shown.
        ceiling: what is higher is cut.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, or ``offset`` is none of the offsets.

    Chapter: 2.

    Example:
        >>> fig = densities_and_distances(
        ...     [0, 1], {"data": [1, 0], "model": [0, 1]}, [0, 1], {"TV": [0, 1]}, 1,
        ...     window=(0, 1), ceiling=2,
        ... )
        >>> [float(line.get_ydata()[-1]) for line in fig.axes[1].lines]
        [1.0, 1.0]
    """  # fmt: skip
    s = _drawing.array("offsets", offsets, 1)
    at = int(np.abs(s - offset).argmin())
    if not np.isclose(s[at], offset):
        raise ValueError(f"offset must be one of the offsets {s.tolist()}, got {offset!r}")
    fig, (top, bottom) = figure(2, 1, height=4.8)
    density_curves(t, densities, ax=top)
    for k, (name, values) in enumerate(distances.items()):
        v = _drawing.array(f"distances[{name!r}]", values, 1, finite=False)
        _drawing.match(f"distances[{name!r}]", v, s.shape)
        _method(bottom, s, v, k, name)
        bottom.plot(s[at], v[at], "o", color=METHODS[k % len(METHODS)])
    top.set(yticks=[], xlabel="place", xlim=window)
    bottom.set(xlabel=r"offset $\theta$", ylabel="distance", ylim=(-0.04 * ceiling, ceiling))
    bottom.legend(ncols=len(distances), loc="upper left")
    return fig


def _method(ax: Axes, t: Any, values: Any, k: int, name: str, *, marker: str = "") -> None:
    """The curve of method number k, in its colour and with its line."""
    line: Any = _LINES[k % len(_LINES)]
    ax.plot(t, values, label=name, color=METHODS[k % len(METHODS)], linestyle=line,
            marker=marker[k % len(marker)] if marker else None)  # fmt: skip
