"""Pictures of chapter 13: codes and what is carried to them, bridges, and critics as maps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.style import BLUE, FAINT, GREY, METHODS, NARROW, RED, VIOLET, WIDTH, figure


def two_clouds(panels: Mapping[str, tuple[Any, Any]], *, common: Collection[str] = ()) -> Figure:
    """Pairs of clouds in the plane, target and model, with a panel for each pair.

    Args:
        panels: the text under each panel, and its two clouds: (n, 2) points as blue dots, and (m,
            2) points as red crosses.
        common: names of the panels that share one scale; each of the others has its own.

    Returns:
        The figure.

    Raises:
        ValueError: if there is no panel, a cloud has the wrong shape, a number is not finite, or
            ``common`` names a panel that does not exist.

    Chapter: 13.

    Example:
        >>> fig = two_clouds({"codes": ([[0, 0]], [[1, 0]]), "data": ([[2, 0]], [[2, 1]])})
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['codes', 'data']
    """
    if not panels:
        raise ValueError("panels must hold at least one pair of clouds, got none")
    for name in common:
        _checks.choice("common", name, tuple(panels))
    shown = {
        name: np.concatenate([_plane(f"{name!r}", cloud) for cloud in pair])
        for name, pair in panels.items()
    }
    together = np.concatenate([shown[name] for name in common]) if common else None
    fig, axes = figure(1, len(panels), height=WIDTH / len(panels) + 0.35, squeeze=False)
    for ax, (name, (blue, red)) in zip(axes[0], panels.items(), strict=True):
        y, x = _plane(f"{name!r}", blue), _plane(f"{name!r}", red)
        ax.scatter(y[:, 0], y[:, 1], s=14, color=BLUE, linewidths=0)
        ax.scatter(x[:, 0], x[:, 1], s=14, color=RED, marker="x", linewidths=0.8)
        both = together if together is not None and name in common else shown[name]
        middle = (both.max(axis=0) + both.min(axis=0)) / 2
        reach = 0.54 * float(np.ptp(both, axis=0).max() or 1.0)
        ax.set(
            xlim=middle[0] + np.array([-reach, reach]), ylim=middle[1] + np.array([-reach, reach])
        )
        ax.set(xticks=[], yticks=[], xlabel=name)
        ax.set_aspect("equal")
        ax.spines[:].set(visible=True, color=FAINT)
    return fig


def critic_maps(
    z: Any, critic: Any, starts: Any, ends: Mapping[str, Any], *, name: str = "$D(z)$"
) -> Figure:
    """A critic on the line, and maps from points of the prior (red) to codes (blue).

    Args:
        z: (n,) grid, in increasing order.
        critic: (n,) values of the critic on the grid.
        starts: (k,) points of the prior.
        ends: name of each map, and the (k,) images of these points.
        name: label of the vertical axis of the critic.

    Returns:
        The figure, with the critic in the first panel and the maps as violet arrows in the second.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or there is no map.

    Chapter: 13.

    Example:
        >>> fig = critic_maps([0, 1, 2], [0, 1, 2], [0.0, 0.5], {"shift": [1.0, 1.5]})
        >>> [text.get_text() for text in fig.axes[1].get_yticklabels()]
        ['shift']
    """
    if not ends:
        raise ValueError("ends must hold at least one map, got none")
    t, v = _drawing.array("z", z, 1), _drawing.array("critic", critic, 1)
    _drawing.match("critic", v, t.shape)
    start = _drawing.array("starts", starts, 1)
    fig, (left, right) = figure(1, 2, height=2.9, width_ratios=[1, 1.15])
    left.plot(t, v, color=METHODS[3])
    left.set(xlabel="position", ylabel=name)
    for row, (label, value) in enumerate(ends.items()):
        end = _drawing.array(f"ends[{label!r}]", value, 1)
        _drawing.match(f"ends[{label!r}]", end, start.shape)
        low = -1.3 * row
        lines = [[(s, low + 0.8), (e, low)] for s, e in zip(start, end, strict=True)]
        right.add_collection(LineCollection(lines, colors=VIOLET, linewidths=1.2))
        right.plot(start, np.full_like(start, low + 0.8), "o", color=RED, markersize=5)
        right.plot(end, np.full_like(end, low), "o", color=BLUE, markersize=5)
    right.set(xlabel="position", yticks=[0.4 - 1.3 * k for k in range(len(ends))])
    right.set_yticklabels(list(ends), rotation=90, va="center")
    right.tick_params(axis="y", length=0)
    right.spines[:].set_visible(False)
    right.spines["bottom"].set_visible(True)
    right.margins(0.04, 0.08)
    return fig


def torn_plane(
    off: Any, reach: float, modes: Any, samples: Any, *, radius: float, remark: str = ""
) -> Figure:
    """The points of the prior that a map sends between the modes and samples among the modes.

    Args:
        off: (k, k) booleans on a square grid of points of the prior, rows from below: whether the
            map sends a point outside of all modes; None where there is no map.
        reach: half the side length of the square.
        modes: (M, 2) centres of modes, blue discs.
        samples: (n, 2) images of draws from the prior, red.
        radius: radius of a mode, > 0.
        remark: text of the first panel where there is no map.

    Returns:
        The figure. The first panel shows the points that are sent between modes in violet, with
        circles of one, two and three standard deviations; the second shows modes and samples.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 13.

    Example:
        >>> fig = torn_plane([[0, 1], [0, 1]], 3.0, [[2, 0]], [[2, 0.1]], radius=0.2)
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['the prior', 'modes and samples']
    """
    reach, radius = _checks.positive("reach", reach), _checks.positive("radius", radius)
    centres, x = _plane("modes", modes), _plane("samples", samples)
    # Laid out by hand: the same place for every frame, and quicker than a layout engine.
    side, line = 3.0, 0.35
    fig = Figure(figsize=(WIDTH, side + line))
    left, right = (
        fig.add_axes((at / WIDTH, line / (side + line), side / WIDTH, side / (side + line)))
        for at in (0.35, WIDTH - side - 0.35)
    )
    if off is None:
        left.text(0, 0, remark, ha="center", va="center")
    else:
        grid = _drawing.array("off", off, 2)
        _drawing.match("off", grid, (len(grid), len(grid)))
        left.imshow(grid, origin="lower", extent=(-reach, reach, -reach, reach), vmin=0, vmax=1,
                    cmap=ListedColormap(["white", VIOLET]), interpolation="nearest")  # fmt: skip
    for sd in (1, 2, 3):
        left.add_patch(Circle((0, 0), sd, fill=False, edgecolor=GREY, linewidth=0.8))
    for centre in centres:
        right.add_patch(Circle(tuple(centre), radius, color=BLUE, alpha=0.35, linewidth=0))
    right.scatter(x[:, 0], x[:, 1], s=10, color=RED, marker="x", linewidths=0.7)
    for ax, name in ((left, "the prior"), (right, "modes and samples")):
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], xlabel=name)
        ax.set_aspect("equal")
        ax.spines[:].set(visible=True, color=FAINT)

    def below(fig: Figure, undo: ExitStack) -> None:
        resize(fig, NARROW, 2 * (NARROW - 0.5 + line), undo)
        square = NARROW - 0.5
        move(left, (0.25, square + 2 * line, square, square), undo)
        move(right, (0.25, line, square, square), undo)

    return arrange(fig, below)


def _plane(name: str, value: Any) -> np.ndarray:
    """Points of the plane, as an array (n, 2)."""
    points = _drawing.array(name, value, 2)
    _drawing.match(name, points, (len(points), 2))
    return points
