"""Pictures of chapter 7: critics, and where they send the points of a model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.style import BLUE, FAINT, GREY, METHODS, NARROW, RED, WIDTH, figure

#: Rows on which the points of a model on the line lie, so that their arrows can be told apart.
ROWS = 4
#: Length of the arrow of slope one, in units of the axis, and the longest that is drawn.
ARROW, LONGEST = 0.4, 2.0
#: Height in inches of a line with its points.
TALL = 4.05


def critic_line(
    t: Any,
    scores: Mapping[str, Any],
    *,
    data: Any,
    model: Any,
    slopes: Any,
    wrong: Any = None,
    window: tuple[float, float] | None = None,
) -> Figure:
    """Critics on the line, and above them data and model, whose points they push along arrows.

    Args:
        t: (k,) positions, in increasing order.
        scores: name of each critic, and its (k,) scores; all are shifted to the same mean.
        data: (n,) points of the data, blue.
        model: (m,) points of the model, red, each with an arrow.
        slopes: (m,) slopes of a critic at the points of the model, drawn as arrows of at most two.
        wrong: (m,) whether a point is pushed in the wrong direction; such a point is hollow.
        window: limits of the vertical axis of the scores; chosen from the scores where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or there is no critic.

    Chapter: 7.

    Example:
        >>> fig = critic_line([0, 1], {"critic": [0, 1]}, data=[1.0], model=[0.0], slopes=[1.0])
        >>> len(fig.axes)
        2
    """
    t, x, y = (_drawing.array(n, v, 1) for n, v in (("t", t), ("data", data), ("model", model)))
    s = _drawing.array("slopes", slopes, 1)
    _drawing.match("slopes", s, y.shape)
    hollow = np.array([False] * y.size if wrong is None else [bool(one) for one in wrong])
    _drawing.match("wrong", hollow, y.shape)
    if not scores:
        raise ValueError("scores must hold at least one critic, got none")
    # Laid out by hand: the same place for every frame, and quicker than a layout engine.
    fig = Figure(figsize=(WIDTH, TALL))
    below = fig.add_axes((0.85 / WIDTH, 0.35 / TALL, 5.9 / WIDTH, 2.15 / TALL))
    above = fig.add_axes((0.85 / WIDTH, 2.8 / TALL, 5.9 / WIDTH, 1.2 / TALL), xlim=(t[0], t[-1]))
    rank = np.argsort(np.argsort(y, kind="stable"), kind="stable")
    rows = -(rank % ROWS) / (ROWS - 1.0)
    above.plot(x, np.ones_like(x), "|", color=BLUE, markersize=11, markeredgewidth=1.5)
    above.quiver(
        y, rows, ARROW * np.clip(s, -LONGEST, LONGEST), np.zeros_like(y), color=GREY,
        angles="xy", scale_units="xy", scale=1.0, width=0.004, headwidth=4.0, headlength=5.0,
        headaxislength=4.5, zorder=1,
    )  # fmt: skip
    for part, fill in ((~hollow, RED), (hollow, "white")):
        above.plot(
            y[part], rows[part], "o", markersize=5, color=fill, markeredgecolor=RED, linestyle=""
        )
    above.set_axis_off()  # ticks take as long to draw as everything else
    above.set_ylim(-1.4, 1.5)
    for name, at in (("data", 1.0), ("model", -0.5)):
        above.annotate(
            name, (-0.01, at), xycoords=("axes fraction", "data"), ha="right", va="center"
        )
    shift = ScaledTranslation(0, 1, below.transAxes)  # type: ignore[arg-type]
    start, corner = 0.05, fig.dpi_scale_trans + shift
    for k, (name, values) in enumerate(scores.items()):
        what = f"scores[{name!r}]"
        v = _drawing.array(what, values, 1)
        _drawing.match(what, v, t.shape)
        color, style = ((METHODS[0], "-"), (METHODS[3], "--"), (METHODS[1], "-."))[k % 3]
        below.plot(t, v - v.mean(), style, color=color)
        # A legend by hand, in inches from the upper left corner: drawn in a third of the time.
        below.plot([start, start + 0.3], [0.13, 0.13], style, color=color, transform=corner,
                   clip_on=False)  # fmt: skip
        below.text(start + 0.37, 0.13, name, transform=corner, va="center")
        start += 0.5 + 0.085 * len(name)
    below.set(xlim=(t[0], t[-1]), ylim=window, ylabel="score")
    below.locator_params(nbins=4)

    def smaller(fig: Figure, undo: ExitStack) -> None:
        resize(fig, NARROW, TALL, undo)
        move(below, (0.8, 0.35, 2.5, 2.15), undo)
        move(above, (0.8, 2.8, 2.5, 1.2), undo)

    return arrange(fig, smaller)


def critic_fields(
    grid: Any,
    fields: Mapping[str, Any],
    *,
    data: Any,
    model: Any,
    slopes: Mapping[str, Any] | None = None,
    levels: int = 14,
    arrow: float = 0.35,
) -> Figure:
    """Level lines of critics over a square, with data, model, and gradients at the model's points.

    Args:
        grid: (k,) values of both coordinates at which the critics are given.
        fields: name of each critic, and its (k, k) scores at ``(grid[j], grid[i])``; an empty name
            is not written.
        data: (n, 2) points of the data, blue.
        model: (m, 2) points of the model, red.
        slopes: the (m, 2) gradients of a critic at the points of the model, by name of the critic;
            a critic without an entry has no arrows.
        levels: number of level lines.
        arrow: length of the arrow of a gradient of length one; gradients longer than two are drawn
            as if they had length two.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or there is no critic.

    Chapter: 7.

    Example:
        >>> fig = critic_fields(
        ...     [0, 1], {"exact": [[0, 1], [1, 2]]}, data=[[1, 1]], model=[[0, 0]],
        ...     slopes={"exact": [[0.7, 0.7]]},
        ... )
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['exact']
    """
    t = _drawing.array("grid", grid, 1)
    x, y = _drawing.array("data", data, 2), _drawing.array("model", model, 2)
    _drawing.match("data", x, (len(x), 2))
    _drawing.match("model", y, (len(y), 2))
    if not fields:
        raise ValueError("fields must hold at least one critic, got none")
    levels = _checks.count("levels", levels, at_least=2)
    count = len(fields)
    fig, axes = figure(1, count, height=4.0 if count == 1 else 7.3 / count, squeeze=False)
    for ax, (name, values) in zip(axes[0], fields.items(), strict=True):
        v = _drawing.array(f"fields[{name!r}]", values, 2)
        _drawing.match(f"fields[{name!r}]", v, (t.size, t.size))
        if np.ptp(v) > 0:
            ax.contour(t, t, v, levels=levels, colors=GREY, linewidths=0.7, linestyles="solid")
        ax.scatter(x[:, 0], x[:, 1], s=9, color=BLUE, linewidths=0, zorder=2)
        ax.scatter(y[:, 0], y[:, 1], s=9, color=RED, linewidths=0, zorder=3)
        if slopes is not None and name in slopes:
            d = _drawing.array(f"slopes[{name!r}]", slopes[name], 2)
            _drawing.match(f"slopes[{name!r}]", d, y.shape)
            long = np.linalg.norm(d, axis=1, keepdims=True)
            d = d * np.minimum(1.0, LONGEST / np.maximum(long, 1e-12))
            ax.quiver(
                y[:, 0], y[:, 1], arrow * d[:, 0], arrow * d[:, 1], angles="xy",
                scale_units="xy", scale=1.0, width=0.006 if count == 1 else 0.009, zorder=4,
            )  # fmt: skip
        ax.set_aspect("equal", adjustable="box")
        ax.set(xlim=(t[0], t[-1]), ylim=(t[0], t[-1]), xticks=[], yticks=[], xlabel=name)
        ax.spines[:].set_visible(True)
        ax.spines[:].set_color(FAINT)
    return fig


def hill(
    x: Any,
    height: Any,
    tops: Mapping[float, float],
    *,
    level: float,
    name: str,
    window: tuple[float, float],
    xlabel: str = "",
    ylabel: str = "",
) -> Figure:
    """An objective of one variable and its local maxima: a disc at the highest, then squares.

    Args:
        x: (n,) points at which the objective is given, in increasing order.
        height: (n,) the objective.
        tops: the height of each local maximum, by its position, the highest first; those outside of
            the window are left out.
        level: a value to compare with, drawn as a dotted line.
        name: name of that line.
        window: limits of the vertical axis.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 7.

    Example:
        >>> fig = hill([-1, 0, 1], [1, 0, 2], {1.0: 2.0, -1.0: 1.0}, level=1.5, name="W",
        ...            window=(0, 3))
        >>> [line.get_marker() for line in fig.axes[0].lines]
        ['None', 'None', 'o', 's']
    """
    t, v = _drawing.array("x", x, 1), _drawing.array("height", height, 1)
    _drawing.match("height", v, t.shape)
    fig = Figure(figsize=(WIDTH, 3.2))
    ax = fig.add_axes((0.85 / WIDTH, 0.62 / 3.2, 5.9 / WIDTH, 2.45 / 3.2))
    ax.plot(t, v, color=METHODS[0])
    ax.axhline(_checks.number("level", level), color=GREY, linestyle=":", linewidth=1.5)
    ax.annotate(name, (t[0], level), (3, 3), textcoords="offset points")
    for k, (at, high) in enumerate(tops.items()):
        if t[0] <= at <= t[-1]:
            ax.plot(
                [at], [high], "s" if k else "o", color=METHODS[3], markersize=8,
                markerfacecolor="white" if k else METHODS[3],
            )  # fmt: skip
    ax.set(xlim=(t[0], t[-1]), ylim=window, xlabel=xlabel, ylabel=ylabel)
    ax.locator_params(nbins=5)

    def smaller(fig: Figure, undo: ExitStack) -> None:
        resize(fig, NARROW, 3.2, undo)
        move(ax, (0.85, 0.62, 2.45, 2.45), undo)

    return arrange(fig, smaller)
