"""Curves: a value and a bound of it, and distances of two densities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.general import density_curves
from otgen_lite.plots.lines import LINES_OF_FIVE, method_line
from otgen_lite.plots.style import GREY, METHODS, VIOLET, figure


def curve_and_bound(
    t: Any, values: Any, bound: Any, *, names: tuple[str, str], xlabel: str, ylabel: str
) -> Figure:
    """A curve, and a bound above or below it.

    Args:
        t: (n,) values of the horizontal axis.
        values: (n,) the curve, violet.
        bound: (n,) the bound, grey and dashed; or one number if it is constant.
        names: the names of the curve and the bound.
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
    """Two densities, and below them several distances between the two, as functions of the offset.

    Args:
        t: (n,) positions.
        densities: name of each density, and its (n,) values.
        offsets: (k,) offsets between the two, in increasing order.
        distances: name of each distance, and its (k,) values; ``inf`` is left out.
        offset: the offset that is shown above; it is marked on each curve.
        window: limits of the horizontal axis of the densities.
        ceiling: upper limit of the axis of the distances.

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
        method_line(bottom, s, v, k, name, LINES_OF_FIVE)
        bottom.plot(s[at], v[at], "o", color=METHODS[k % len(METHODS)])
    top.set(yticks=[], xlabel="position", xlim=window)
    bottom.set(xlabel=r"offset $\theta$", ylabel="distance", ylim=(-0.04 * ceiling, ceiling))
    bottom.legend(ncols=len(distances), loc="upper left")
    return fig
