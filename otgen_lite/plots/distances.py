"""Pictures of chapter 2: detours, quantiles, Gaussians, potentials, rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from otgen_lite.plots import _drawing
from otgen_lite.plots.general import density_curves, plan_lines
from otgen_lite.plots.layouts import arrange, move, place, resize
from otgen_lite.plots.lines import method_line
from otgen_lite.plots.style import BLUE, FAINT, GREY, METHODS, NARROW, RED, VIOLET, WIDTH, figure


def images_over_curves(
    images: Any, labels: Sequence[str], t: Any, curves: Mapping[str, Any], *, xlabel: str
) -> Figure:
    """A row of images, and below it curves over a common axis.

    Args:
        images: (k, height, width) images.
        labels: what to write under each of them.
        t: (n,) values of the common axis.
        curves: name of each curve, and its (n,) values.
        xlabel: what the common axis shows.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> fig = images_over_curves(
        ...     [[[0, 1], [1, 0]]], ["one"], [0, 1], {"distance": [0, 2]}, xlabel="shift"
        ... )
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['one', 'shift']
    """
    stack, t = _drawing.array("images", images, 3), _drawing.array("t", t, 1)
    if len(labels) != len(stack):
        raise ValueError(f"labels must be one for each of {len(stack)} images, got {len(labels)}")
    fig = Figure(figsize=(WIDTH, 5.0), layout="constrained")
    grid = fig.add_gridspec(2, len(stack), height_ratios=(1, 1.15))
    for k, image in enumerate(stack):
        ax = fig.add_subplot(grid[0, k])
        ax.imshow(image, cmap="gray_r", interpolation="nearest", vmin=0.0, vmax=stack.max())
        ax.set(xticks=[], yticks=[], xlabel=labels[k])
    ax = fig.add_subplot(grid[1, :])
    for k, (name, values) in enumerate(curves.items()):
        v = _drawing.array(f"curves[{name!r}]", values, 1)
        _drawing.match(f"curves[{name!r}]", v, t.shape)
        ax.plot(t, v, "-" if k == 0 else "--", marker="o", color=(VIOLET, GREY)[k % 2], label=name)
    ax.set_xlabel(xlabel)
    ax.set_ylim(bottom=0)
    ax.legend()

    def rows(fig: Figure, undo: ExitStack) -> None:
        *pictures, curves = fig.axes
        place(fig, [(pictures, len(pictures)), ([curves], 1)], undo)

    return arrange(fig, rows)


def detour(points: Any, masses: Sequence[Any], plans: Sequence[Any]) -> Figure:
    """Three measures in the plane, two consecutive plans, and the plan that is glued from them.

    Args:
        points: three arrays (n, 2), (m, 2), (k, 2): source, intermediate stop and target.
        masses: their weights.
        plans: (n, m) and (m, k) plans, from which the third is glued.

    Returns:
        The figure, with the two plans in the first panel and the glued one in the second.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> half = [0.5, 0.5]
        >>> pile = [[0, 0], [0, 1]]
        >>> plan = [[0.5, 0], [0, 0.5]]
        >>> fig = detour([pile, [[1, 0], [1, 1]], [[2, 0], [2, 1]]], [half] * 3, [plan, plan])
        >>> len(fig.axes)
        2
    """
    x, y, z = (_drawing.array(f"points[{k}]", cloud, 2) for k, cloud in enumerate(points))
    a, b, c = (_drawing.array(f"masses[{k}]", w, 1) for k, w in enumerate(masses))
    P, Q = (_drawing.array(f"plans[{k}]", plan, 2) for k, plan in enumerate(plans))
    _drawing.match("plans[0]", P, (len(x), len(y)))
    _drawing.match("plans[1]", Q, (len(y), len(z)))
    fig, (left, right) = figure(1, 2, height=2.9, sharex=True, sharey=True)
    steps = [(left, x, y, P), (left, y, z, Q), (right, x, z, (P / b) @ Q)]
    for ax, start, end, plan in steps:
        i, j = np.nonzero(plan > plan.max() / 1000)
        width = 0.4 + 3.0 * plan[i, j] / plan.max()
        segments = list(np.stack([start[i], end[j]], axis=1))
        color = GREY if ax is left else VIOLET
        ax.add_collection(LineCollection(segments, linewidths=width, colors=color, zorder=1))
    for ax in (left, right):
        _drawing.points_by_mass(ax, x, a, RED)
        _drawing.points_by_mass(ax, z, c, BLUE)
        ax.axis("off")
        ax.margins(0.05)
    _drawing.points_by_mass(left, y, b, VIOLET)
    return fig


def cdf_gap(x: Any, y: Any, a: Any = None, b: Any = None) -> Figure:
    """Two cumulative distribution functions and the area between them, which is W_1.

    Args:
        x: (n,) points of the source (red).
        y: (m,) points of the target (blue).
        a: (n,) weights, uniform where None.
        b: (m,) weights, uniform where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> fig = cdf_gap([0, 1], [1, 3])
        >>> len(fig.axes[0].lines)
        2
    """
    x, y = _drawing.array("x", x, 1), _drawing.array("y", y, 1)
    a = np.full(x.size, 1 / x.size) if a is None else _drawing.array("a", a, 1)
    b = np.full(y.size, 1 / y.size) if b is None else _drawing.array("b", b, 1)
    _drawing.match("a", a, x.shape)
    _drawing.match("b", b, y.shape)
    ends = min(x.min(), y.min()), max(x.max(), y.max())
    room = 0.05 * (ends[1] - ends[0] or 1.0)
    t = np.unique(np.concatenate([x, y, [ends[0] - room, ends[1] + room]]))
    F, G = ((w * (at <= t[:, None])).sum(axis=1) for at, w in ((x, a), (y, b)))
    fig, ax = figure(height=3.2)
    ax.fill_between(t, F, G, step="post", color=VIOLET, alpha=0.35, linewidth=0)
    ax.step(t, F, where="post", color=RED, linestyle="--", label="model $F$")
    ax.step(t, G, where="post", color=BLUE, label="data $G$")
    ax.set(xlim=(t[0], t[-1]), ylim=(0, 1.02))
    ax.legend()
    return fig


def gaussian_pair(m1: Any, S1: Any, m2: Any, S2: Any, A: Any, shift: Any) -> Figure:
    """Two Gaussians as ellipses, and arrows of an affine map x -> A x + shift between them.

    Args:
        m1: (2,) mean of the source (red).
        S1: (2, 2) its covariance.
        m2: (2,) mean of the target (blue).
        S2: (2, 2) its covariance.
        A: (2, 2) matrix of the map.
        shift: (2,) translation of the map.

    Returns:
        The figure; the ellipses bound the points within one and two standard deviations.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> eye = [[1, 0], [0, 1]]
        >>> fig = gaussian_pair([0, 0], eye, [1, 0], eye, eye, [1, 0])
        >>> len(fig.axes[0].lines)
        4
    """
    m1, m2, shift = (
        _drawing.array("m1", m1, 1),
        _drawing.array("m2", m2, 1),
        _drawing.array("shift", shift, 1),
    )
    S1, S2, A = _drawing.array("S1", S1, 2), _drawing.array("S2", S2, 2), _drawing.array("A", A, 2)
    angle = np.linspace(0, 2 * np.pi, 121)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    fig = Figure(figsize=(WIDTH, 4.2))
    ax = fig.add_axes((0, 0, 1, 1))
    move(ax, (0.45, 0.35, WIDTH - 0.55, 3.75), ExitStack())
    for m, S, color, line in ((m1, S1, RED, "--"), (m2, S2, BLUE, "-")):
        values, vectors = np.linalg.eigh(S)
        for radius, width in ((1.0, 1.0), (2.0, 2.2)):
            ring = m + radius * (circle * np.sqrt(values.clip(min=0))) @ vectors.T
            ax.plot(ring[:, 0], ring[:, 1], color=color, linestyle=line, linewidth=width)
    values, vectors = np.linalg.eigh(S1)
    start = m1 + 2 * (circle[:-1:10] * np.sqrt(values)) @ vectors.T
    step = start @ A + shift - start
    ax.quiver(*start.T, *step.T, angles="xy", scale_units="xy", scale=1, color=VIOLET, width=0.006)
    ax.set_aspect("equal")

    def smaller(fig: Figure, undo: ExitStack) -> None:
        resize(fig, 3.5, 2.9, undo)
        move(ax, (0.4, 0.35, 3.0, 2.45), undo)

    return arrange(fig, smaller)


def potential_and_plan(x: Any, y: Any, plan: Any, grid: Any, values: Any) -> Figure:
    """Level lines of a potential, and over them the plan that it certifies.

    Args:
        x: (n, 2) points of the source (red).
        y: (m, 2) points of the target (blue).
        plan: (n, m) the plan.
        grid: (k,) values of both coordinates at which the potential is given.
        values: (k, k) the potential at ``(grid[j], grid[i])``.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> one = [[1.0]]
        >>> fig = potential_and_plan([[0.0, 0.0]], [[1.0, 1.0]], one, [0, 1], [[0, 1], [1, 2]])
        >>> len(fig.axes)
        1
    """
    t, v = _drawing.array("grid", grid, 1), _drawing.array("values", values, 2)
    _drawing.match("values", v, (t.size, t.size))
    fig, ax = figure(height=4.4)
    ax.contour(t, t, v, levels=16, colors=GREY, linewidths=0.7, linestyles="solid")
    ax.contourf(t, t, v, levels=16, cmap="Greys", alpha=0.35, zorder=0)
    plan_lines(x, y, plan, ax=ax)
    ax.set_aspect("equal", adjustable="box")
    ax.set(xlim=(t[0], t[-1]), ylim=(t[0], t[-1]), xticks=[], yticks=[])
    return fig


def rates(n: Any, curves: Mapping[str, Any], *, xlabel: str, ylabel: str) -> Figure:
    """Curves over a number of points, on logarithmic axes, each with its name at its end.

    Args:
        n: (k,) numbers of points.
        curves: name of each curve, and its (k,) positive values.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> fig = rates([1, 10], {"1/n": [1, 0.1]}, xlabel="n", ylabel="error")
        >>> fig.axes[0].get_xscale()
        'log'
    """
    n = _drawing.array("n", n, 1)
    fig, ax = figure(height=3.6)
    markers = "os^Dvp"
    for k, (name, values) in enumerate(curves.items()):
        v = _drawing.array(f"curves[{name!r}]", values, 1)
        _drawing.match(f"curves[{name!r}]", v, n.shape)
        color = METHODS[k % 5]
        ax.loglog(n, v, marker=markers[k % 6], color=color)
        ax.annotate(
            name, (n[-1], v[-1]), (8, 0), textcoords="offset points", va="center", color=color
        )
    some = n[:: -(-n.size // 6)]
    ax.set_xticks(some, [f"{k:g}" for k in some])
    ax.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return fig


def witnesses(t: Any, data: Any, model: Any, critics: Mapping[str, Any]) -> Figure:
    """Two densities, and below them a panel for each critic, each on a scale of its own.

    Args:
        t: (n,) positions.
        data: (n,) density of the data.
        model: (n,) density of the model.
        critics: name of each critic, and its (n,) values.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or there is no critic.

    Chapter: 2.

    Example:
        >>> fig = witnesses([0, 1], [1, 0], [0, 1], {"TV": [0.5, -0.5], "$W_1$": [0, -1]})
        >>> [ax.get_ylabel() for ax in fig.axes]
        ['density', 'TV', '$W_1$']
    """
    if not critics:
        raise ValueError("critics must hold at least one critic, got none")
    t, rows = _drawing.array("t", t, 1), 1 + len(critics)
    fig, (top, *below) = figure(rows, 1, height=1.6 * rows, sharex=True)
    density_curves(t, {"data": data, "model": model}, ax=top)
    top.set(yticks=[], ylabel="density", xlim=(t[0], t[-1]))
    for k, (ax, (name, values)) in enumerate(zip(below, critics.items(), strict=True)):
        v = _drawing.array(f"critics[{name!r}]", values, 1)
        _drawing.match(f"critics[{name!r}]", v, t.shape)
        ax.axhline(0, color=FAINT, linewidth=1)
        method_line(ax, t, v, k, name, ("-",))
        ax.set_ylabel(name)
    below[-1].set_xlabel("position")
    fig.align_ylabels()
    return arrange(fig, lambda fig, undo: resize(fig, NARROW, 1.5 * rows, undo))
