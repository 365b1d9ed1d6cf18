"""Curves that compare methods, in one panel or several, and bounds that touch a curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from otgen_lite.plots import _drawing
from otgen_lite.plots.style import GREY, METHODS, VIOLET, figure

# Told apart without colours too.
LINES = ("-", "--", ":", "-.")
LINES_OF_FIVE = ("-", "--", "-.", ":", (0, (3, 1, 1, 1)))
MARKS = ("o", "s", "^", "D")


def method_line(
    ax: Axes,
    x: Any,
    y: Any,
    k: int,
    name: str,
    lines: Sequence[Any] = LINES,
    marks: Sequence[str] = ("",),
) -> None:
    """The curve of method number k, in its colour, with its dash and its mark."""
    ax.plot(x, y, color=METHODS[k % len(METHODS)], linestyle=lines[k % len(lines)],
            marker=marks[k % len(marks)], label=name)  # fmt: skip


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
    """Functions of one variable to be compared, each with a colour, a dash and a mark.

    The colours are those of methods, in the order of the names; none is that of data or model.

    Args:
        x: (n,) points at which all of them are given, in increasing order.
        named: name of each curve, and its (n,) values.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.
        log: which axes are logarithmic, "x", "y" or "xy".
        marks: whether to mark the given values.
        legend: whether to draw a legend; a single curve has none.
        xticks: the only ticks of the horizontal axis; chosen automatically where None.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, a number is not finite, a value on a logarithmic axis is
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
        method_line(ax, t, v, k, name, marks=MARKS if marks else ("",))
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


def compare_methods(
    t: Any,
    panels: Mapping[str, Mapping[str, Any]],
    *,
    xlabel: str,
    ylim: tuple[float, float] | None = None,
    markers: bool = False,
) -> Figure:
    """Curves that compare methods: each has the same colour and dash in all panels.

    Args:
        t: (n,) values of the common axis.
        panels: for each panel, by the label of its vertical axis, the curves: names and (n,)
            values.
        xlabel: what the common axis shows.
        ylim: limits of the vertical axes; chosen from the values where None.
        markers: whether each point has a mark and a tick, which suits few points.

    Returns:
        The figure, with one panel below the other and the legend in the first.

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
    known = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    if len(known) > len(METHODS):
        raise ValueError(f"panels must hold at most {len(METHODS)} methods, got {len(known)}")
    marks = (*MARKS, "v") if markers else ("",)
    height = 3.2 if len(panels) == 1 else 2.4 * len(panels)
    fig, axes = figure(len(panels), 1, height=height, sharex=True, squeeze=False)
    for ax, (ylabel, panel) in zip(axes[:, 0], panels.items(), strict=True):
        for name, values in panel.items():
            v = _drawing.array(f"panels[{ylabel!r}][{name!r}]", values, 1)
            _drawing.match(f"panels[{ylabel!r}][{name!r}]", v, t.shape)
            method_line(ax, t, v, known.index(name), name, LINES_OF_FIVE, marks)
        ax.set(ylabel=ylabel, ylim=ylim)
    axes[-1, 0].set_xlabel(xlabel)
    if markers:
        axes[-1, 0].set_xticks(t)
    axes[0, 0].legend()
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
    """A curve (violet), and bounds that touch it at one point each (dashed, grey).

    Args:
        x: (n,) positions, in increasing order.
        value: (n,) the curve.
        bounds: for each bound, by the position at which it touches, its (n,) values.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.
        ax: axes to draw on; a new figure where None.

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
