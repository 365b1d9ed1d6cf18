"""Pictures of chapter 6: slopes from both sides, models between two poles, shared clouds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.semidiscrete import cells
from otgen_lite.plots.style import BLUE, FAINT, GREY, NARROW, RED, VIOLET, WIDTH, figure


def slope_fans(
    x: Any,
    value: Any,
    fans: Mapping[float, tuple[float, float]],
    *,
    reach: float = 0.15,
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Figure:
    """A curve (violet), and at some of its points the slopes to the left and to the right.

    Args:
        x: (n,) positions, in increasing order.
        value: (n,) the curve.
        fans: for positions between the ends of x, the slope to the left and the slope to the right.
        reach: horizontal length of a slope's line.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure. If both slopes at a point are those of the curve, they lie on it.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or a position lies outside x.

    Chapter: 6.

    Example:
        >>> fig = slope_fans([-1, 0, 1], [1, 0, 1], {0.0: (2, -2), 0.5: (3, -1)})
        >>> len(fig.axes[0].lines)
        5
    """
    t, v = _drawing.array("x", x, 1), _drawing.array("value", value, 1)
    _drawing.match("value", v, t.shape)
    fig, ax = _drawing.axes_or_new(ax, height=3.0)
    ax.plot(t, v, color=VIOLET)
    for at, (left, right) in fans.items():
        if not t[0] <= at <= t[-1]:
            raise ValueError(f"fans must stand between {t[0]:.4g} and {t[-1]:.4g}, got {at:.4g}")
        height = float(np.interp(at, t, v))
        ax.plot([at - reach, at], [height - reach * left, height], color="black", linewidth=1.6)
        ax.plot([at, at + reach], [height, height + reach * right], color="black", linewidth=1.6)
        ax.scatter([at], [height], s=22, color=VIOLET, zorder=3)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return fig


def between_poles(
    x: Any,
    cost: Any,
    held: Any,
    at: float,
    slopes: tuple[float, float],
    points: Any,
    border: float,
    *,
    exact: Any = None,
    ylim: tuple[float, float] | None = None,
) -> Figure:
    """A cost and a bound that touches it, and beside them the model between two poles.

    Args:
        x: (n,) values of a parameter, in increasing order.
        cost: (n,) the cost, in violet.
        held: (n,) the semi-dual with the potentials of ``at`` held fixed, dashed.
        at: the parameter at which the bound touches, between the ends of x.
        slopes: slopes of the bound to the left and to the right of ``at``, drawn in black.
        points: (k, 2) the model, in red; more than two points are joined by a line.
        border: height of the border between the cells of the poles (0, 1) and (0, -1).
        exact: (n,) the cost without entropy, a thin grey line; None where ``cost`` is that already.
        ylim: limits of the vertical axis.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 6.

    Example:
        >>> fig = between_poles([-1, 0, 1], [2, 1, 2], [0, 1, 0], 0, (2, -2), [[0, 0]], 0.0)
        >>> len(fig.axes)
        2
    """
    t, v = _drawing.array("x", x, 1), _drawing.array("cost", cost, 1)
    bound, model = _drawing.array("held", held, 1), _drawing.array("points", points, 2)
    _drawing.match("cost", v, t.shape)
    _drawing.match("held", bound, t.shape)
    _drawing.match("points", model, (len(model), 2))
    fig = Figure(figsize=(WIDTH, 3.0))  # no layout engine: every frame has the same letters
    edges = {"left": 0.095, "right": 0.99, "bottom": 0.18, "top": 0.97, "wspace": 0.05}
    curve, plane = fig.subplots(1, 2, width_ratios=(1.5, 1), gridspec_kw=edges)
    if exact is not None:
        other = _drawing.array("exact", exact, 1)
        _drawing.match("exact", other, t.shape)
        curve.plot(t, other, color=GREY, linewidth=1.0)
    curve.plot(t, v, color=VIOLET, linewidth=2.6)
    curve.plot(t, bound, "--", color=GREY, linewidth=1.6)
    height, reach = float(np.interp(at, t, v)), 0.22
    left, right = slopes
    curve.plot([at - reach, at, at + reach],
               [height - reach * left, height, height + reach * right],
               color="black", linewidth=2.0, zorder=3)  # fmt: skip
    curve.plot([at], [height], "o", color=VIOLET, markersize=8, zorder=4)
    low, high = ylim if ylim is not None else (float(bound.min()), float(v.max()))
    ticks = [k for k in np.arange(-10.0, 10.5, 0.5) if low <= k <= high]
    curve.set(xlabel="θ", ylabel="cost", ylim=ylim, xticks=[-1, 0, 1])
    curve.set_yticks(ticks[:: 1 + len(ticks) // 5])
    plane.axhline(border, color=VIOLET, linestyle="--", linewidth=1.4)
    plane.scatter([0, 0], [1, -1], s=90, color=BLUE, zorder=3)
    if len(model) > 2:
        plane.plot(model[:, 0], model[:, 1], color=RED, linewidth=4, solid_capstyle="round")
    else:
        plane.plot(model[:, 0], model[:, 1], color=FAINT, zorder=1)
        plane.scatter(model[:, 0], model[:, 1], s=90, color=RED, zorder=4)
    plane.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), xticks=[], yticks=[], aspect="equal")
    plane.spines[:].set_visible(False)
    plane.set_xlabel("model, poles, border")
    return arrange(fig, _curve_over_plane)


def _curve_over_plane(fig: Figure, undo: ExitStack) -> None:
    """The layout for a phone: inches from the lower left corner."""
    curve, plane = fig.axes
    resize(fig, NARROW, 5.1, undo)
    move(curve, (0.6, 2.95, 2.8, 2.1), undo)
    move(plane, (0.25, 0.3, 3.0, 2.1), undo)


def stages(
    panels: Mapping[str, tuple[Sequence[Any], Any, Any]], y: Any, b: Any, box: Any
) -> Figure:
    """Stages in the training of a segment: its position, the cells of the atoms, and their masses.

    Args:
        panels: for each stage, by name, the polygons of the cells, the ends (2, 2) of the segment,
            and the masses (N,) of the cells.
        y: (N, 2) atoms.
        b: (N,) the mass that each cell should have.
        box: ((x0, x1), (y0, y1)), the rectangle that is shown.

    Returns:
        The figure, a panel for each stage.

    Raises:
        ValueError: if there is no panel, shapes do not match or a number is not finite.

    Chapter: 6.

    Example:
        >>> halves = [[[0, 0], [1, 0], [1, 2], [0, 2]], [[1, 0], [2, 0], [2, 2], [1, 2]]]
        >>> line, atoms = [[0.2, 1.0], [1.8, 1.0]], [[0.5, 1], [1.5, 1]]
        >>> fig = stages({"0": (halves, line, [0.5, 0.5])}, atoms, [0.5, 0.5], ((0, 2), (0, 2)))
        >>> fig.axes[0].get_xlabel()
        '0'
    """
    if not panels:
        raise ValueError("panels must hold at least one stage, got none")
    (left, right), (bottom, top) = _drawing.array("box", box, 2)
    fig, axes = figure(1, len(panels), height=2.3, squeeze=False)
    for ax, (name, (polygons, ends, mass)) in zip(axes[0], panels.items(), strict=True):
        cells(polygons, y, b=b, mass=mass, size=110, ax=ax)
        for line in ax.lines:  # from an atom to the middle of its cell: not wanted here
            line.set_visible(False)
        segment = _drawing.array(f"panels[{name!r}]", ends, 2)
        _drawing.match(f"panels[{name!r}]", segment, (2, 2))
        ax.plot(segment[:, 0], segment[:, 1], color=RED, linewidth=4, solid_capstyle="round")
        ax.set(xlim=(left, right), ylim=(bottom, top))
        ax.set_axis_on()
        ax.spines[:].set_visible(False)
        ax.set(xticks=[], yticks=[], xlabel=name)
    return fig


def shared_cloud(
    panels: Mapping[str, tuple[Any, Any]], y: Any, *, box: Any = None, size: float = 5.0
) -> Figure:
    """A few points (red) that share a large cloud (blue), with lines to what each of them receives.

    Args:
        panels: for each panel, by name, the (k, 2) points and their (k, N) plan to the cloud.
        y: (N, 2) the cloud.
        box: ((x0, x1), (y0, y1)), the rectangle that is shown; everything where None.
        size: area of a point of the cloud.

    Returns:
        The figure, a panel for each.

    Raises:
        ValueError: if there is no panel, shapes do not match or a number is not finite.

    Chapter: 6.

    Example:
        >>> fig = shared_cloud({"one": ([[0, 0]], [[0.5, 0.5]])}, [[1, 1], [-1, 1]])
        >>> len(fig.axes)
        1
    """
    if not panels:
        raise ValueError("panels must hold at least one picture, got none")
    cloud = _drawing.array("y", y, 2)
    _drawing.match("y", cloud, (len(cloud), 2))
    height = 2.7 if len(panels) > 2 else 3.2 if len(panels) == 2 else 3.9
    fig, axes = figure(1, len(panels), height=height, squeeze=False)
    for ax, (name, (points, plan)) in zip(axes[0], panels.items(), strict=True):
        x, P = _drawing.array(f"{name!r}", points, 2), _drawing.array(f"{name!r}", plan, 2)
        _drawing.match(f"{name!r}", x, (len(x), 2))
        _drawing.match(f"{name!r}", P, (len(x), len(cloud)))
        i, j = np.nonzero(0.05 * P.max() < P)
        weight = P[i, j] / P.max()
        colors = np.zeros((len(i), 4))
        colors[:, :3] = (0.686, 0.435, 0.796)  # violet
        colors[:, 3] = 0.35 * weight
        ax.add_collection(
            LineCollection(list(np.stack([x[i], cloud[j]], axis=1)), colors=colors, linewidths=0.8)
        )
        ax.scatter(cloud[:, 0], cloud[:, 1], s=size, color=BLUE, linewidths=0, zorder=2)
        ax.scatter(x[:, 0], x[:, 1], s=70, color=RED, edgecolors="white", linewidths=1, zorder=3)
        ax.set(xticks=[], yticks=[], aspect="equal", xlabel=name)
        ax.spines[:].set_visible(False)
        if box is not None:
            (left, right), (bottom, top) = _drawing.array("box", box, 2)
            ax.set(xlim=(left, right), ylim=(bottom, top))
    return fig
