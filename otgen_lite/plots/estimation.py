"""Pictures of chapter 5: a pipe, its landscape, descents, bounds that touch, clouds that land."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from scipy.ndimage import zoom

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.general import plan_lines
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.lines import LINES, MARKS
from otgen_lite.plots.style import BLUE, GREY, METHODS, NARROW, RED, VIOLET, WIDTH, figure

#: Bands of equal height in a landscape.
BANDS = 12


def _bands(ax: Axes, landscape: Any, half: float) -> None:
    """A function on [-half, half]^2 as bands between its contours, and a cross at zero."""
    values = _drawing.array("landscape", landscape, 2)
    fine = zoom(values, max(1, 240 // len(values)), order=1)
    low, high = fine.min(), fine.max()
    steps = np.floor(BANDS * np.sqrt((fine - low) / max(high - low, 1e-300)))
    ax.imshow(steps, cmap=_drawing.tints(VIOLET), origin="lower", extent=(-half, half, -half, half),
              interpolation="nearest", vmin=0, vmax=BANDS)  # fmt: skip
    ax.plot([-half, half, np.nan, 0, 0], [0, 0, np.nan, -half, half], color=GREY, linewidth=0.6)
    ax.set(xlim=(-half, half), ylim=(-half, half))
    ax.set_axis_off()


def pipe_and_landscape(
    x: Any, y: Any, plan: Any, landscape: Any, half: float, path: Any, *, downhill: Any = None
) -> Figure:
    """A segment (the pipe) with its plan to the data, and its position in the landscape of costs.

    Args:
        x: (n, 2) points of the pipe, in order (red).
        y: (m, 2) data (blue).
        plan: (n, m) the plan between them (violet).
        landscape: (k, l) costs over the half-vectors s in [-half, half]^2; rows are s_2.
        half: half the side length of the square of the landscape.
        path: (t, 2) half-vectors of a descent, the present one last; a single row if there is no
            descent.
        downhill: (2,) direction of an arrow at the present half-vector, or None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 5.

    Example:
        >>> fig = pipe_and_landscape([[0, 0], [1, 0]], [[0, 1], [1, 1]], [[0.5, 0], [0, 0.5]],
        ...                          [[1, 0], [0, 1]], 0.5, [[0.1, 0.1]], downhill=[1, 0])
        >>> len(fig.axes), len(fig.axes[0].collections)
        (2, 3)
    """
    x, path = _drawing.array("x", x, 2), _drawing.array("path", path, 2)
    half = _checks.positive("half", half)
    _drawing.match("path", path, (len(path), 2))
    side = tall = 3.3
    fig = Figure(figsize=(WIDTH, tall))
    bounds = ((0.1, 0.0, side, side), (WIDTH - side - 0.1, 0.0, side, side))
    plane, ground = (fig.add_axes((a / WIDTH, b / tall, c / WIDTH, d / tall))
                     for a, b, c, d in bounds)  # fmt: skip
    plane.plot(x[[0, -1], 0], x[[0, -1], 1], color=RED, linewidth=3, zorder=1.5)
    plan_lines(x, y, plan, ax=plane)
    (threads,) = (c for c in plane.collections if isinstance(c, LineCollection))
    threads.set_linewidth([0.5 * width for width in threads.get_linewidth()])  # type: ignore[union-attr]
    middle, reach = _drawing.array("y", y, 2).mean(axis=0), 0.86 * half
    plane.set(
        xlim=middle[0] + np.array([-reach, reach]), ylim=middle[1] + np.array([-reach, reach])
    )
    plane.set_aspect("equal", adjustable="box")
    plane.set_axis_off()
    _bands(ground, landscape, half)
    ground.plot(*path.T, color="black", linewidth=1.5)
    if len(path) > 1:
        ground.plot(*path[0], "o", color="white", markeredgecolor="black", markersize=8)
    ground.plot(*path[-1], "o", color=RED, markeredgecolor="white", markersize=10)
    if downhill is not None:
        tip = path[-1] + _drawing.array("downhill", downhill, 1)
        style = {"arrowstyle": "-|>", "linewidth": 2, "shrinkA": 0, "shrinkB": 0, "color": "black"}
        ground.annotate("", tip, path[-1], arrowprops=style)

    def below(fig: Figure, undo: ExitStack) -> None:
        size = NARROW - 0.5
        resize(fig, NARROW, 2 * size + 0.15, undo)
        move(plane, (0.25, size + 0.15, size, size), undo)
        move(ground, (0.25, 0.0, size, size), undo)

    return arrange(fig, below)


def descents(landscape: Any, half: float, paths: Any, ends: Mapping[str, Any]) -> Figure:
    """Many gradient descents on one landscape, marked by where they end.

    Args:
        landscape: (k, l) costs over [-half, half]^2; rows are the second coordinate.
        half: half the side length of the square.
        paths: (t, k, 2) k descents of t points.
        ends: for each kind of end, by name, (k,) booleans: the descents that end there.

    Returns:
        The figure; a path has the colour and the dash of its kind, and its starting point the mark.

    Raises:
        ValueError: if shapes do not match, or a number is not finite.

    Chapter: 5.

    Example:
        >>> fig = descents([[1, 0], [0, 1]], 0.5, [[[0, 0.1]], [[0, 0.4]]], {"top": [True]})
        >>> [text.get_text() for text in fig.axes[0].get_legend().get_texts()]
        ['top']
    """
    paths, half = _drawing.array("paths", paths, 3), _checks.positive("half", half)
    _drawing.match("paths", paths, (*paths.shape[:2], 2))
    fig, ax = figure(height=4.2)
    _bands(ax, landscape, half)
    for k, (name, which) in enumerate(ends.items()):
        of = np.asarray(torch.as_tensor(which).cpu(), dtype=bool)
        _drawing.match(f"ends[{name!r}]", of, (paths.shape[1],))
        color, mark = METHODS[k % len(METHODS)], MARKS[k % len(MARKS)]
        lines = list(paths[:, of].transpose(1, 0, 2))
        ax.add_collection(LineCollection(lines, colors=color, linestyles=LINES[k % len(LINES)],
                                         linewidths=1.2))  # fmt: skip
        ax.plot(*paths[0, of].T, mark, color=color, markersize=6, label=name)
        ax.plot(*paths[-1, of].T, mark, color=color, markersize=12, markeredgecolor="white")
    legend = ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))

    def taller(fig: Figure, undo: ExitStack) -> None:
        resize(fig, NARROW, NARROW + 0.4, undo)
        undo.callback(setattr, ax, "legend_", legend)
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(ends))

    return arrange(fig, taller)


def squeezed(
    x: Any, value: Any, above: Any, below: Mapping[str, Any], at: float, *, xlabel: str = ""
) -> Figure:
    """A cost between bounds that touch it at one point, from a fixed plan and fixed potentials.

    Args:
        x: (n,) values of a parameter, in increasing order.
        value: (n,) the cost (violet).
        above: (n,) the upper bound, for a fixed plan.
        below: name of each lower bound, for fixed potentials, and its (n,) values.
        at: the parameter at which they touch.
        xlabel: name of the parameter.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 5.

    Example:
        >>> fig = squeezed([-1, 0, 1], [1, 0, 1], [2, 0, 2], {"inside": [0, 0, 0]}, 0.0)
        >>> len(fig.axes[0].lines)
        4
    """
    t, v = _drawing.array("x", x, 1), _drawing.array("value", value, 1)
    _drawing.match("value", v, t.shape)
    fig, ax = figure(height=3.4)
    ax.plot(t, v, color=VIOLET, linewidth=3.5, label="cost")
    named = {"plan held still": above, **below}
    for k, (name, values) in enumerate(named.items()):
        bound = _drawing.array(name, values, 1)
        _drawing.match(name, bound, t.shape)
        ax.plot(t, bound, LINES[1 + k % 3], color=METHODS[k % len(METHODS)], label=name)
    k = int(abs(t - _checks.number("at", at)).argmin())
    ax.plot(t[k], v[k], "o", color=VIOLET, markersize=9)
    ax.set(xlabel=xlabel, ylabel="$W_2^2$")
    ax.legend()
    return fig


def with_spread(
    x: Any, named: Mapping[str, tuple[Any, Any]], *, xlabel: str, ylabel: str,
    level: float | None = None,
) -> Figure:  # fmt: skip
    """Measured curves over a logarithmic axis, with error bars of two standard errors.

    Args:
        x: (n,) positions.
        named: name of each curve, its (n,) values and their (n,) standard errors.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.
        level: height of a grey horizontal line, or None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, or a number is not finite.

    Chapter: 5.

    Example:
        >>> fig = with_spread([2, 4], {"d = 1": ([0.3, 0.6], [0, 0])}, xlabel="n", ylabel="s")
        >>> fig.axes[0].get_xscale()
        'log'
    """
    t = _drawing.array("x", x, 1)
    fig, ax = figure(height=3.4)
    if level is not None:
        ax.axhline(_checks.number("level", level), color=GREY, linewidth=1)
    for k, (name, (values, errors)) in enumerate(named.items()):
        v, e = (_drawing.array(f"named[{name!r}]", part, 1) for part in (values, errors))
        _drawing.match(f"named[{name!r}]", v, t.shape)
        _drawing.match(f"named[{name!r}]", e, t.shape)
        ax.errorbar(t, v, 2 * e, color=METHODS[k % len(METHODS)], linestyle=LINES[k % len(LINES)],
                    marker=MARKS[k % len(MARKS)], capsize=3, label=name)  # fmt: skip
    ax.set_xscale("log", base=2)
    ax.set_xticks(list(t), [f"{tick:g}" for tick in t])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return fig


def landings(
    panels: Mapping[str, tuple[Any, Any]], *, xlabel: str = "", ylabel: str = "",
    places: bool = False,
) -> Figure:  # fmt: skip
    """Scatter plots of data and model over two measured quantities, panel by panel.

    Args:
        panels: name of each panel, (n, 2) data (blue) and (m, 2) model (red).
        xlabel: name of the first quantity.
        ylabel: name of the second quantity.
        places: whether the two are coordinates in a plane: then units are equal and no axes drawn.

    Returns:
        The figure; all panels share their axes, and their names stand below.

    Raises:
        ValueError: if there is no panel, a shape is wrong, or a number is not finite.

    Chapter: 5.

    Example:
        >>> fig = landings({"before": ([[0, 1]], [[1, 1]])}, xlabel="metres", ylabel="seconds")
        >>> len(fig.axes[0].collections)
        2
    """
    if not panels:
        raise ValueError("panels must hold at least one panel, got none")
    fig, axes = figure(1, len(panels), height=3.2, sharex=True, sharey=True, squeeze=False)
    for ax, (name, clouds) in zip(axes.flat, panels.items(), strict=True):
        for cloud, color, mark in zip(clouds, (BLUE, RED), ("o", "^"), strict=True):
            p = _drawing.array(f"panels[{name!r}]", cloud, 2)
            _drawing.match(f"panels[{name!r}]", p, (len(p), 2))
            ax.scatter(*p.T, s=11, color=color, marker=mark, alpha=0.55, linewidths=0)
        ax.set_xlabel("\n".join(part for part in (xlabel, name) if part))
        if places:
            ax.set_aspect("equal")
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
    axes[0, 0].set_ylabel(ylabel)
    return fig
