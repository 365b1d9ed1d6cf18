"""Pictures of chapter 1: ink on its way, plans on the line, prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, keep, place
from otgen_lite.plots.style import BLUE, FAINT, GREY, RED, VIOLET, WIDTH, figure


def mixed(t: float) -> tuple[float, float, float]:
    """The colour of an interpolation: red at t = 0, violet at t = 1/2, blue at t = 1.

    Args:
        t: time, from 0 to 1.

    Returns:
        Red, green and blue, each from 0 to 1.

    Example:
        >>> mixed(0.0) == mpl.colors.to_rgb(RED)
        True
    """
    ends = (RED, VIOLET) if t < 0.5 else (VIOLET, BLUE)
    one, two = (np.array(mpl.colors.to_rgb(color)) for color in ends)
    weight = 2.0 * t if t < 0.5 else 2.0 * t - 1.0
    red, green, blue = (1.0 - weight) * one + weight * two
    return float(red), float(green), float(blue)


def ink_cards(x: Any, a: Any, y: Any, b: Any, plan: Any) -> Figure:
    """Displacement interpolation as five sheets one behind the other, with the threads of the plan.

    The first sheet shows the source (red), the last one the target (blue). A thread joins each pair
    of points that exchanges mass. On the three sheets in between (violet) its ink has moved along
    the straight line by one, two and three quarters.

    Args:
        x: (n, 2) points of the source.
        a: (n,) its weights.
        y: (m, 2) points of the target.
        b: (m,) its weights.
        plan: (n, m) the plan.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = ink_cards([[0, 0], [1, 0]], [0.5, 0.5], [[0, 1]], [1.0], [[0.5], [0.5]])
        >>> len(fig.axes)
        1
    """
    x, y, i, j, w = _drawing.ink(x, y, plan)
    a, b = _drawing.array("a", a, 1), _drawing.array("b", b, 1)
    _drawing.match("a", a, (len(x),))
    _drawing.match("b", b, (len(y),))
    everything = np.concatenate([x, y])
    low, size = everything.min(axis=0), max(np.ptp(everything, axis=0).max(), 1e-12)
    x, y = (x - low) / size, (y - low) / size
    sheet = np.array([[-0.13, -0.13], [1.13, -0.13], [1.13, 1.13], [-0.13, 1.13]])

    def seen(points: np.ndarray, t: float) -> np.ndarray:
        """Place in the drawing of a point of the sheet of time t: upright sheets, seen aslant."""
        return np.stack([3.6 * t + 0.7 * points[:, 0], points[:, 1] + 0.24 * points[:, 0]], axis=1)

    def on_the_way(t: float) -> np.ndarray:
        return seen((1 - t) * x[i] + t * y[j], t)

    fig = Figure(figsize=(WIDTH, 0.36 * WIDTH))
    ax = fig.add_axes((0, 0, 1, 1))
    widths = 0.3 + 0.8 * w / w.max()
    for k in range(24):
        t, end = k / 24, (k + 1) / 24
        pieces = list(np.stack([on_the_way(t), on_the_way(end)], axis=1))
        ax.add_collection(
            LineCollection(pieces, colors=[mixed((t + end) / 2)], alpha=0.5, linewidths=widths,
                           capstyle="butt", zorder=2 * t)
        )  # fmt: skip
    for t in (0.0, 0.25, 0.5, 0.75, 1.0):
        corners, color = seen(sheet, t), mixed(t)
        ax.fill(*corners.T, facecolor="white", edgecolor=color, alpha=0.65, zorder=2 * t + 0.01)
        spots = {0.0: (seen(x, t), a), 1.0: (seen(y, t), b)}
        where, mass = spots.get(t, (on_the_way(t), w))
        ax.scatter(where[:, 0], where[:, 1], s=1130 * mass, color=color, edgecolors="white",
                   linewidths=0.3, zorder=2 * t + 0.02)  # fmt: skip
    ax.set_aspect("equal")
    ax.set_axis_off()
    return keep(fig)


def ink_between(x: Any, y: Any, plan: Any, t: float) -> Figure:
    """Displacement interpolation at one time: each entry of the plan is a dot on a straight line.

    Args:
        x: (n, 2) points of the source.
        y: (m, 2) points of the target.
        plan: (n, m) the plan.
        t: time, 0 at the source and 1 at the target.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = ink_between([[0, 0], [1, 0]], [[0, 1]], [[0.5], [0.5]], t=0.5)
        >>> len(fig.axes[0].collections)
        2
    """
    t = _checks.number("t", t, at_least=0.0)
    x, y, i, j, w = _drawing.ink(x, y, plan)
    fig = Figure(figsize=(0.5 * WIDTH, 0.5 * WIDTH))
    ax = fig.add_axes((0.01, 0.01, 0.98, 0.98))
    ways = list(np.stack([x[i], y[j]], axis=1))
    ax.add_collection(LineCollection(ways, colors=FAINT, linewidths=0.8, zorder=1))
    # Dots that meet are one dot: at t = 0 the source is seen, at t = 1 the target.
    z, who = np.unique(np.round((1 - t) * x[i] + t * y[j], 6), axis=0, return_inverse=True)
    mass = np.bincount(who.ravel(), weights=w)
    ax.scatter(z[:, 0], z[:, 1], s=4500 * mass, color=mixed(t), linewidths=0, zorder=2)
    everything = np.concatenate([x, y])
    middle = (everything.min(axis=0) + everything.max(axis=0)) / 2
    reach = 0.58 * max(np.ptp(everything, axis=0).max(), 1e-12)
    ax.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
    ax.set_aspect("equal")
    ax.set_axis_off()
    return keep(fig)


def arcs(x: Any, a: Any, y: Any, b: Any, plan: Any) -> Figure:
    """A plan on the line, drawn as arcs from piles to holes, and as a matrix.

    Piles are bars above the line (red), holes are bars below it (blue); mass that does not move has
    no arc. In the matrix, rows are piles and columns are holes, in their order on the line.

    Args:
        x: (n,) positions of the piles, in increasing order.
        a: (n,) their masses.
        y: (m,) positions of the holes, in increasing order.
        b: (m,) their masses.
        plan: (n, m) the plan.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = arcs([0, 1], [0.5, 0.5], [1, 2], [0.5, 0.5], [[0, 0.5], [0.5, 0]])
        >>> len(fig.axes)
        2
    """
    x, y = _drawing.array("x", x, 1), _drawing.array("y", y, 1)
    a, b = _drawing.array("a", a, 1), _drawing.array("b", b, 1)
    P = _drawing.array("plan", plan, 2)
    _drawing.match("a", a, x.shape)
    _drawing.match("b", b, y.shape)
    _drawing.match("plan", P, (x.size, y.size))
    fig = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    left, right = fig.subplots(1, 2, width_ratios=(1.75, 1))
    heaviest = max(a.max(), b.max())
    for k, j in zip(*np.nonzero(P > 1e-9), strict=True):
        s = np.linspace(0, np.pi, 60)
        along = (x[k] + y[j]) / 2 - (y[j] - x[k]) / 2 * np.cos(s)
        way = 0.5 * abs(y[j] - x[k]) * np.sin(s)
        width = 0.6 + 4.4 * P[k, j] / heaviest
        left.plot(along, way, color=VIOLET, linewidth=width, alpha=0.8, solid_capstyle="butt")
    span = max(x.max(), y.max()) - min(x.min(), y.min())
    depth = 0.32 * span / heaviest
    left.bar(x, a * depth, width=0.022 * span, color=RED, zorder=3)
    left.bar(y, -b * depth, width=0.022 * span, color=BLUE, zorder=3)
    left.axhline(0, color=GREY, linewidth=1)
    middle = (max(x.max(), y.max()) + min(x.min(), y.min())) / 2
    left.set(xlim=(middle - 0.54 * span, middle + 0.54 * span), ylim=(-0.36 * span, 0.54 * span))
    left.set_aspect("equal")
    left.set_axis_off()

    k, j = np.nonzero(P > 1e-9)
    right.scatter(j, k, s=260 * P[k, j] / heaviest, color=VIOLET, marker="s")
    right.set(xlim=(-0.5, y.size - 0.5), ylim=(x.size - 0.5, -0.5))
    right.set(xticks=range(y.size), yticks=range(x.size))
    right.tick_params(labelbottom=False, labelleft=False, length=0)
    right.set_xticks(np.arange(y.size + 1) - 0.5, minor=True)
    right.set_yticks(np.arange(x.size + 1) - 0.5, minor=True)
    right.grid(which="minor", color=FAINT, linewidth=0.6)
    right.tick_params(which="minor", length=0)
    right.set_aspect("equal")
    right.set_xlabel("holes", color=BLUE)
    right.set_ylabel("piles", color=RED)
    return fig


def matrices(named: Mapping[str, Any], *, plan: Any = None, label: str = "") -> Figure:
    """Matrices side by side, larger entries darker, each on a scale of its own.

    Args:
        named: the text under each matrix, and the matrix.
        plan: (n, m) plan whose positive entries are marked by violet dots.
        label: label of a colour bar; there is no bar where it is empty.

    Returns:
        The figure.

    Raises:
        ValueError: if a matrix has the wrong shape or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = matrices({"a plan": [[0.5, 0], [0, 0.5]]})
        >>> fig.axes[0].get_xlabel()
        'a plan'
    """
    fig, axes = figure(1, len(named), height=WIDTH / max(len(named), 1.7), squeeze=False)
    for ax, (name, values) in zip(axes[0], named.items(), strict=True):
        M = _drawing.array(f"named[{name!r}]", values, 2)
        shown = ax.imshow(M, cmap="Greys", vmin=min(0.0, float(M.min())), aspect="auto")
        ax.set(xticks=[], yticks=[], xlabel=name)
        if plan is not None:
            P = _drawing.array("plan", plan, 2)
            _drawing.match("plan", P, M.shape)
            i, j = np.nonzero(P > 1e-9)
            ax.scatter(j, i, s=22, color=VIOLET, edgecolors="white", linewidths=0.4)
        if label:
            fig.colorbar(shown, ax=ax, label=label)
    return fig


def price_map(x: Any, f: Any, y: Any, g: Any, *, plan: Any = None) -> Figure:
    """Kantorovich potentials (prices) in the plane: f at the piles, and g at the holes.

    Args:
        x: (n, 2) piles.
        f: (n,) potential at the piles.
        y: (m, 2) holes.
        g: (m,) potential at the holes.
        plan: (n, m) plan; the area of a point is the mass that leaves or reaches it.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = price_map([[0, 0]], [1.0], [[1, 1], [2, 0]], [0.0, 2.0])
        >>> len(fig.axes)
        4
    """
    x, y = _drawing.array("x", x, 2), _drawing.array("y", y, 2)
    f, g = _drawing.array("f", f, 1), _drawing.array("g", g, 1)
    _drawing.match("f", f, (len(x),))
    _drawing.match("g", g, (len(y),))
    P = np.ones((len(x), len(y))) if plan is None else _drawing.array("plan", plan, 2)
    _drawing.match("plan", P, (len(x), len(y)))
    fig, (left, right) = figure(1, 2, height=3.4, sharex=True, sharey=True)
    for ax, points, prices, mass, name, color in (
        (left, x, f, P.sum(axis=1), "$f$ at the piles", RED),
        (right, y, g, P.sum(axis=0), "$g$ at the holes", BLUE),
    ):
        area = 30 + 150 * mass / mass.max()
        shown = ax.scatter(
            points[:, 0],
            points[:, 1],
            c=prices,
            s=area,
            cmap=_drawing.tints(color),
            edgecolors=color,
            clip_on=False,
        )
        fig.colorbar(shown, ax=ax, location="bottom").set_label(name, color=color)
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.spines[:].set_visible(False)
        ax.margins(0.08)
    return arrange(fig, lambda fig, undo: place(fig, [([left], 1), ([right], 1)], undo))


def auction_stages(x: Any, y: Any, stages: Mapping[str, Any]) -> Figure:
    """An auction on the line, moment by moment: who holds which hole, and what the holes charge.

    Piles stand in a row on top (red; hollow while they hold nothing) and holes below them (blue).
    A violet line joins a hole with the pile that holds it, and the grey bar under a hole is its
    charge, the lowered price -g_j, on one scale for all panels.

    Args:
        x: (n,) positions of the piles.
        y: (n,) positions of the holes.
        stages: name of each moment, and the pair (owner, g): for each hole the index of the pile
            that holds it or -1, and the price (n,) of each hole.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = auction_stages([0, 1], [0, 2], {"one bid": ([0, -1], [-0.5, 0.0])})
        >>> fig.axes[0].get_xlabel()
        'one bid'
    """
    x, y = _drawing.array("x", x, 1), _drawing.array("y", y, 1)
    _drawing.match("y", y, x.shape)
    moments = {}
    for name, (owner, g) in stages.items():
        held = _drawing.array(f"stages[{name!r}][0]", owner, 1).astype(int)
        prices = _drawing.array(f"stages[{name!r}][1]", g, 1)
        _drawing.match(f"stages[{name!r}][0]", held, x.shape)
        _drawing.match(f"stages[{name!r}][1]", prices, x.shape)
        moments[name] = held, np.maximum(-prices, 0.0)
    most = max(max(charges.max() for _, charges in moments.values()), 1e-12)
    span = max(np.ptp(np.concatenate([x, y])), 1e-12)
    low, high = min(x.min(), y.min()) - 0.06 * span, max(x.max(), y.max()) + 0.06 * span
    columns = 2 if len(moments) > 1 else 1
    rows = -(-len(moments) // columns)
    fig, axes = figure(rows, columns, height=1.9 * rows, squeeze=False)
    for ax in axes.ravel()[len(moments) :]:
        ax.remove()
    for ax, (name, (held, charges)) in zip(axes.ravel(), moments.items(), strict=False):
        for j, i in enumerate(held):
            if i >= 0:
                ax.plot([x[i], y[j]], [1, 0], color=VIOLET, linewidth=2.5, zorder=1)
        idle = ~np.isin(np.arange(x.size), held)
        ax.scatter(x, np.ones_like(x), s=70, color=np.where(idle, "white", RED), edgecolors=RED,
                   linewidths=1.5, zorder=2)  # fmt: skip
        ax.scatter(y, np.zeros_like(y), s=70, color=BLUE, zorder=2)
        ax.bar(y, -charges / most, bottom=-0.2, width=0.035 * span, color=GREY)
        ax.set(xlim=(low, high), ylim=(-1.25, 1.2), yticks=[], xticks=[], xlabel=name)
        ax.spines[:].set_visible(False)
    panels = [([ax], 1) for ax in fig.axes]
    return arrange(fig, lambda fig, undo: place(fig, panels, undo))
