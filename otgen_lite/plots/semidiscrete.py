"""Pictures of chapter 4: cells, soft cells, lower envelopes, convex potentials, dots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, photograph, place
from otgen_lite.plots.style import BLUE, GREY, NEUTRAL, RED, VIOLET, WIDTH, figure

#: Grounds for cells, from white to a light grey: they only tell neighbours apart, and carry no
#: meaning.
_PALE = tuple(f"{light:.3f}" for light in np.linspace(1.0, 0.76, 6))


def _grounds(y: np.ndarray) -> np.ndarray:
    """A pale colour for each atom: the one whose last bearers are farthest away."""
    pale = np.array([mpl.colors.to_rgb(color) for color in _PALE])
    chosen: list[int] = []
    for j in range(len(y)):
        away = np.full(len(pale), np.inf)
        for k, color in enumerate(chosen):
            away[color] = min(away[color], float(np.linalg.norm(y[j] - y[k])))
        chosen.append(int(away.argmax()))
    return pale[chosen]


def _weights(
    ax: Axes, y: np.ndarray, b: np.ndarray | None, mass: np.ndarray | None, size: float
) -> None:
    """A blue ring for what an atom shall hold, a red disc for what it holds."""
    if b is None:
        ax.scatter(y[:, 0], y[:, 1], s=14, color=BLUE, zorder=3)
        return
    area = size / max(float(b.mean()), 1e-300)
    if mass is not None:
        ax.scatter(y[:, 0], y[:, 1], s=area * mass, color=RED, linewidths=0, zorder=3)
    ax.scatter(
        y[:, 0], y[:, 1], s=area * b, facecolors="none", edgecolors=BLUE, linewidths=1.8, zorder=4
    )


def _middle(polygon: np.ndarray) -> np.ndarray:
    """Centre of mass of a polygon; the mean of its corners where it has no area."""
    start = polygon.mean(axis=0)
    u = polygon - start
    v = np.roll(u, -1, axis=0)
    twice = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    if abs(twice.sum()) < 1e-300:
        return start
    return start + ((u + v) * twice[:, None]).sum(axis=0) / (3 * twice.sum())


def _checked(y: Any, b: Any, mass: Any) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    y = _drawing.array("y", y, 2)
    _drawing.match("y", y, (len(y), 2))
    out = []
    for name, value in (("b", b), ("mass", mass)):
        if value is not None:
            value = _drawing.array(name, value, 1)
            _drawing.match(name, value, (len(y),))
            if value.min() < 0:
                raise ValueError(f"{name} must not be negative, got {value.min():.4g}")
        out.append(value)
    return y, out[0], out[1]


def cells(
    polygons: Sequence[Any],
    y: Any,
    *,
    b: Any = None,
    mass: Any = None,
    labels: Sequence[str] | None = None,
    size: float = 90.0,
    ax: Axes | None = None,
) -> Figure:
    """Laguerre cells of atoms in the plane, drawn as polygons.

    A violet line joins each atom to the middle of its cell, because an atom need not lie in its
    cell.

    Args:
        polygons: N arrays (k, 2) of corners, as :func:`otgen_lite.power_cells` returns them; an
            empty array is an empty cell.
        y: (N, 2) atoms.
        b: (N,) the mass that each cell should have: a blue ring of that area.
        mass: (N,) the mass that each cell has: a red disc of that area, which fills the ring
            exactly where the two agree.
        labels: N texts, one for each cell.
        size: area of the mean ring, in square points.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 4.

    Example:
        >>> halves = [[[0, 0], [1, 0], [1, 2], [0, 2]], [[1, 0], [2, 0], [2, 2], [1, 2]]]
        >>> fig = cells(halves, [[0.5, 1], [1.5, 1]], b=[0.5, 0.5], mass=[0.5, 0.5])
        >>> len(fig.axes[0].collections[0].get_paths())
        2
    """
    y, b, mass = _checked(y, b, mass)
    if len(polygons) != len(y):
        raise ValueError(f"polygons must be one for each of {len(y)} atoms, got {len(polygons)}")
    if labels is not None and len(labels) != len(y):
        raise ValueError(f"labels must be one for each of {len(y)} atoms, got {len(labels)}")
    fig, ax = _drawing.axes_or_new(ax, height=0.7 * WIDTH)
    drawn = [(j, _drawing.array(f"polygons[{j}]", p, 2)) for j, p in enumerate(polygons) if len(p)]
    grounds = _grounds(y)[[j for j, _ in drawn]]
    corners = [polygon for _, polygon in drawn]
    ax.add_collection(
        PolyCollection(corners, facecolors=grounds, edgecolors=GREY, linewidths=1.0, zorder=1)
    )
    _weights(ax, y, b, mass, size)
    for j, polygon in drawn:
        middle = _middle(polygon)
        ax.plot(*np.stack([y[j], middle], axis=1), color=VIOLET, linewidth=1.5, zorder=2)
        if labels is not None:
            # Above or below the middle, whichever is farther from the atom.
            lift = 9 if middle[1] > y[j, 1] else -9
            ax.annotate(labels[j], (middle[0], middle[1]), (0, lift), textcoords="offset points",
                        ha="center", va="center", zorder=5)  # fmt: skip
    ax.margins(0.01)
    ax.autoscale_view()
    ax.set_aspect("equal")
    ax.set_axis_off()
    return fig


def soft_cells(
    shares: Any,
    y: Any,
    box: Any,
    *,
    b: Any = None,
    mass: Any = None,
    size: float = 90.0,
    borders: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Soft Laguerre cells: at each point, the colours of the atoms, mixed by their shares.

    Args:
        shares: (h, w, N) share of each atom at the points of a grid, rows from below; zeros and
            ones where cells do not overlap.
        y: (N, 2) atoms.
        box: ((x0, x1), (y0, y1)), the rectangle that the grid fills.
        b: (N,) the mass that each cell should have: a blue ring of that area.
        mass: (N,) the mass that each cell has: a red disc of that area.
        size: area of the mean ring, in square points.
        borders: whether to draw the rectangle, and the lines on which an atom receives one half.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 4.

    Example:
        >>> fig = soft_cells([[[1, 0], [0.5, 0.5], [0, 1]]], [[0, 0.5], [1, 0.5]], ((0, 1), (0, 1)))
        >>> len(fig.axes[0].images)
        1
    """
    y, b, mass = _checked(y, b, mass)
    shares = _drawing.array("shares", shares, 3)
    _drawing.match("shares", shares, (*shares.shape[:2], len(y)))
    (left, right), (bottom, top) = _drawing.array("box", box, 2)
    fig, ax = _drawing.axes_or_new(ax, height=0.7 * WIDTH)
    ax.imshow(
        np.clip(shares @ _grounds(y), 0, 1),
        origin="lower",
        extent=(left, right, bottom, top),
        interpolation="nearest",
    )
    _weights(ax, y, b, mass, size)
    ax.set(xlim=(left, right), ylim=(bottom, top))
    if borders:
        _borders(ax, shares, (left, right), (bottom, top))
    else:
        ax.set_axis_off()
    return fig


def _borders(
    ax: Axes, shares: np.ndarray, across: tuple[float, float], up: tuple[float, float]
) -> None:
    """The frame of the rectangle, and the lines between cells."""
    rows, columns = shares.shape[:2]
    x = across[0] + (np.arange(columns) + 0.5) / columns * (across[1] - across[0])
    y = up[0] + (np.arange(rows) + 0.5) / rows * (up[1] - up[0])
    for share in np.moveaxis(shares, 2, 0):
        if share.min() < 0.5 and share.max() > 0.5:
            ax.contour(x, y, share, levels=[0.5], colors=[GREY], linewidths=0.8)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)


def lower_envelope(t: Any, curves: Any, y: Any, edges: Any, *, ax: Axes | None = None) -> Figure:
    """Costs minus potentials (vouchers) on the line, their lower envelope, and the cells below it.

    Args:
        t: (n,) positions on the line, in increasing order.
        curves: (n, N) cost minus potential, a column for each atom.
        y: (N,) atoms.
        edges: (N + 1,) ends of the cells, from left to right.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 4.

    Example:
        >>> fig = lower_envelope([0, 1], [[0, 1], [1, 0]], [0, 1], [0, 0.5, 1])
        >>> len(fig.axes[0].lines)
        6
    """
    t, C, y = (
        _drawing.array("t", t, 1),
        _drawing.array("curves", curves, 2),
        _drawing.array("y", y, 1),
    )
    edges = _drawing.array("edges", edges, 1)
    _drawing.match("curves", C, (t.size, y.size))
    _drawing.match("edges", edges, (y.size + 1,))
    fig, ax = _drawing.axes_or_new(ax, height=3.0)
    lowest = C.min(axis=1)
    room = 0.15 * (np.ptp(lowest) or 1.0)
    floor = lowest.min() - 2 * room
    ax.plot(t, C, color=GREY, linewidth=1.0)
    ax.plot(t, lowest, color=VIOLET, linewidth=3.0)
    ax.vlines(edges[1:-1], floor, np.interp(edges[1:-1], t, lowest), color=GREY, linestyle=":")
    for k in range(y.size):
        ax.plot(edges[k : k + 2], [floor, floor], color=RED, linewidth=7,
                alpha=1.0 - 0.3 * (k % 2), solid_capstyle="butt")  # fmt: skip
    ax.plot(y, np.full(y.size, floor), "o", color=BLUE, markersize=9, markeredgecolor="white")
    ax.set(xlim=(t[0], t[-1]), ylim=(floor - room, lowest.max() + 3 * room))
    return fig


#: From where a convex potential is looked at: turned, and from above (degrees). Its height, and how
#: far above the cells it floats, in widths of the cells.
_TURN, _ABOVE, _BOWL, _LIFT = 25.0, 35.0, 0.45, 0.62


def convex_potential(
    polygons: Sequence[Any], y: Any, psi: Any, *, ax: Axes | None = None
) -> Figure:
    r"""The convex potential whose gradient is y_j on cell j, as facets above the cells.

    .. math::
        \varphi(x) = \max_j \langle x, y_j \rangle + \tfrac12 (\psi_j - \|y_j\|^2) ,

    less the linear function that makes the bowl stand upright (its slope is the mean atom), and
    with heights enlarged until the bowl is half as high as the cells are wide.

    Args:
        polygons: N arrays (k, 2) of corners, as :func:`otgen_lite.power_cells` gives them.
        y: (N, 2) atoms.
        psi: (N,) potential of the cells.
        ax: axes to draw into; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or all cells are empty.

    Chapter: 4.

    Example:
        >>> halves = [[[0, 0], [1, 0], [1, 2], [0, 2]], [[1, 0], [2, 0], [2, 2], [1, 2]]]
        >>> fig = convex_potential(halves, [[0.5, 1], [1.5, 1]], [0, 0])
        >>> [len(part.get_paths()) for part in fig.axes[0].collections[:2]]
        [2, 2]
    """
    y, psi = _checked(y, None, None)[0], _drawing.array("psi", psi, 1)
    _drawing.match("psi", psi, (len(y),))
    if len(polygons) != len(y):
        raise ValueError(f"polygons must be one for each of {len(y)} atoms, got {len(polygons)}")
    drawn = [(j, _drawing.array(f"polygons[{j}]", p, 2)) for j, p in enumerate(polygons) if len(p)]
    if not drawn:
        raise ValueError("polygons must hold a cell with corners, got empty ones only")
    fig, ax = _drawing.axes_or_new(ax, height=0.6 * WIDTH)
    corners = np.concatenate([polygon for _, polygon in drawn])
    low, high = corners.min(axis=0), corners.max(axis=0)
    level, slopes = (psi - np.square(y).sum(axis=1)) / 2, y - y.mean(axis=0)
    raw = [p @ slopes[j] + level[j] for j, p in drawn]
    bottom = min(float(h.min()) for h in raw)
    wide = float((high - low).max())
    scale = _BOWL * wide / (max(float(h.max()) for h in raw) - bottom or 1.0)
    turn, above = np.radians(_TURN), np.radians(_ABOVE)

    def seen(at: np.ndarray, height: Any) -> np.ndarray:
        """Where a place at a height is drawn."""
        across, deep = (at - (low + high) / 2).T
        right = across * np.cos(turn) - deep * np.sin(turn)
        back = across * np.sin(turn) + deep * np.cos(turn)
        up: np.ndarray = back * np.sin(above) + height * np.cos(above)
        return np.stack([right, up], axis=-1)

    # What lies farther back is drawn first.
    back = [p.mean(axis=0) @ [np.sin(turn), np.cos(turn)] for _, p in drawn]
    order = np.argsort(back)[::-1]
    grounds = _grounds(y)[[drawn[k][0] for k in order]]
    floor = [seen(drawn[k][1], 0.0) for k in order]
    bowl = [seen(drawn[k][1], (raw[k] - bottom) * scale + _LIFT * wide) for k in order]
    ax.add_collection(
        PolyCollection(floor, facecolors=grounds, edgecolors=GREY, linewidths=1.0, zorder=1)
    )
    ax.add_collection(
        PolyCollection(bowl, facecolors=[(*g, 0.85) for g in grounds], edgecolors=VIOLET,
                       linewidths=1.2, zorder=3)
    )  # fmt: skip
    right, up = seen(y, 0.0).T
    ax.scatter(right, up, s=14, color=BLUE, zorder=2)
    ax.autoscale_view()
    ax.set_aspect("equal")
    ax.set_axis_off()
    return fig


def dots(panels: Mapping[str, Any], box: Any, *, size: float = 4.0) -> Figure:
    """Drawings made of dots, beside the picture that they stand for.

    Args:
        panels: by name either (H, W) the ink of a picture, from 0 (white) to 1 (black), rows from
            below, or (n, 2) the places of dots.
        box: ((x0, x1), (y0, y1)), the rectangle that each fills.
        size: area of a dot, in square points.

    Returns:
        The figure, two panels in a row, black on white on any page.

    Raises:
        ValueError: if there is no panel, a shape is wrong or a number is not finite.

    Chapter: 4.

    Example:
        >>> box = ((0, 2), (0, 1))
        >>> fig = dots({"ink": [[0, 0.2, 1], [0, 0, 1]], "dots": [[1.5, 0.5], [1.7, 0.2]]}, box)
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['ink', 'dots']
    """
    if not panels:
        raise ValueError("panels must hold at least one drawing, got none")
    (left, right), (bottom, top) = _drawing.array("box", box, 2)
    rows = -(-len(panels) // 2)
    height = rows * (WIDTH / 2 * (top - bottom) / (right - left) + 0.35)
    fig, axes = figure(rows, 2, height=height, squeeze=False)
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    for ax, (name, what) in zip(axes.flat, panels.items(), strict=False):
        drawing = _drawing.array(f"panels[{name!r}]", what, 2)
        if drawing.shape[1] == 2:
            ax.scatter(drawing[:, 0], drawing[:, 1], s=size, color="black", linewidths=0)
        else:
            ax.imshow(1 - drawing, cmap="gray", vmin=0, vmax=1, origin="lower",
                      extent=(left, right, bottom, top))  # fmt: skip
        ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
        ax.set_xlabel(name, color=NEUTRAL)
        ax.set_aspect("equal")
        ax.spines[:].set_visible(False)
    return arrange(
        photograph(fig), lambda fig, undo: place(fig, [([ax], 1) for ax in fig.axes], undo)
    )
