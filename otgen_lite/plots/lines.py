"""Curves that compare methods, and bounds that touch a curve from below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from otgen_lite.plots import _drawing
from otgen_lite.plots.style import GREY, METHODS, VIOLET

# Told apart without colours too.
LINES = ("-", "--", ":", "-.")
MARKS = ("o", "s", "^", "D")


def curves(
    x: Any,
    named: Mapping[str, Any],
    *,
    xlabel: str = "",
    ylabel: str = "",
    log: str = "",
    marks: bool = False,
    legend: bool = True,
    xticks: Sequence[float] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Functions of one variable that are compared: a colour, a dash and a mark for each.

    The colours are those of methods, in the order of the names; none is that of data or model.

    Args:
        x: (n,) where all of them are known, in increasing order.
        named: name of each curve, and its (n,) values.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.
        log: which axes are logarithmic, "x", "y" or "xy".
        marks: whether to mark the values that are known.
        legend: whether to write the names next to their curves' colours; they are left out where
            there is one curve.
        xticks: where to write numbers below the horizontal axis, and nowhere else.
        ax: axes to draw into; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, a number is not finite, what shall be logarithmic is
            not positive, or there is no curve.

    Chapter: 3, 4.

    Example:
        >>> fig = curves([1, 2, 4], {"last": [4, 2, 1], "mean": [2, 1, 0.5]}, log="xy")
        >>> fig.axes[0].get_xscale(), len(fig.axes[0].lines)
        ('log', 2)
    """
    t = _drawing.array("x", x, 1)
    if log not in ("", "x", "y", "xy"):
        raise ValueError(f"log must be 'x', 'y', 'xy' or empty, got {log!r}")
    if not named:
        raise ValueError("named must hold at least one curve, got none")
    if "x" in log and t.min() <= 0:
        raise ValueError(f"x must be positive on a logarithmic axis, got {t.min():.4g}")
    fig, ax = _drawing.axes_or_new(ax, height=3.2)
    for k, (name, values) in enumerate(named.items()):
        what = f"named[{name!r}]"
        v = _drawing.array(what, values, 1)
        _drawing.match(what, v, t.shape)
        if "y" in log and v.min() <= 0:
            raise ValueError(f"{what} must be positive on a logarithmic axis, got {v.min():.4g}")
        ax.plot(
            t,
            v,
            color=METHODS[k % len(METHODS)],
            linestyle=LINES[k % len(LINES)],
            marker=MARKS[k % len(MARKS)] if marks else "",
            label=name,
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    if xticks is not None:
        ax.set_xticks(list(xticks), [f"{tick:g}" for tick in xticks])
        ax.xaxis.set_minor_locator(NullLocator())
    if legend and len(named) > 1:
        ax.legend()
    return fig


def touching(
    x: Any,
    value: Any,
    bounds: Mapping[float, Any],
    *,
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Figure:
    """A curve in violet, and bounds that touch it in one place each, dashed and grey.

    Args:
        x: (n,) places, in increasing order.
        value: (n,) the curve.
        bounds: where each bound touches, one of the places, and the (n,) values of the bound.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.
        ax: axes to draw into; a new figure where None.

    Returns:
        The figure, with a dot where each bound touches.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or a bound touches outside x.

    Chapter: 4.

    Example:
        >>> fig = touching([-1, 0, 1], [1, 0, 1], {0.0: [0, 0, 0], 1.0: [-3, -1, 1]})
        >>> len(fig.axes[0].lines)
        5
    """
    t, v = _drawing.array("x", x, 1), _drawing.array("value", value, 1)
    _drawing.match("value", v, t.shape)
    fig, ax = _drawing.axes_or_new(ax, height=2.9)
    ax.plot(t, v, color=VIOLET)
    for at, values in bounds.items():
        what = f"bounds[{at!r}]"
        bound = _drawing.array(what, values, 1)
        _drawing.match(what, bound, t.shape)
        if not t[0] <= at <= t[-1]:
            raise ValueError(f"bounds must touch between {t[0]:.4g} and {t[-1]:.4g}, got {at:.4g}")
        k = int(abs(t - at).argmin())
        ax.plot(t, bound, "--", color=GREY)
        ax.plot(t[k], v[k], "o", color=VIOLET, markersize=8)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return fig
