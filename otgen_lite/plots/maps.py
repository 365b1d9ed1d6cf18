"""Maps from a cloud to atoms in the plane: where each point goes, and what arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from otgen_lite.plots import _drawing
from otgen_lite.plots.style import BLUE, GREY, RED, VIOLET, figure


def sent_to_atoms(
    x: Any,
    image: Any,
    y: Any,
    *,
    polygons: Sequence[Any] = (),
    size: float = 50.0,
    ax: Axes | None = None,
) -> Figure:
    """Points of a source (red), the atoms (blue), and a violet line from each point to its image.

    Args:
        x: (n, 2) points of the source.
        image: (n, 2) their images under the map.
        y: (N, 2) atoms.
        polygons: arrays (k, 2) of corners, drawn as grey outlines; an empty one is left out.
        size: area of an atom, in square points.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 4.

    Example:
        >>> fig = sent_to_atoms([[0, 0], [1, 1]], [[0, 1], [0, 1]], [[0, 1]])
        >>> len(fig.axes[0].collections[0].get_segments())
        2
    """
    x, image, y = _plane("x", x), _plane("image", image), _plane("y", y)
    _drawing.match("image", image, x.shape)
    outlines = [_plane(f"polygons[{k}]", p) for k, p in enumerate(polygons) if len(p)]
    fig, ax = _drawing.axes_or_new(ax, height=4.0)
    ways = np.stack([x, image], axis=1)
    ax.add_collection(LineCollection(list(ways), linewidths=0.5, colors=VIOLET, zorder=1))
    if outlines:
        ax.add_collection(PolyCollection(outlines, facecolors="none", edgecolors=GREY, zorder=0))
    ax.scatter(x[:, 0], x[:, 1], s=8, color=RED, zorder=2)
    ax.scatter(y[:, 0], y[:, 1], s=size, color=BLUE, zorder=3)
    ax.autoscale_view()
    ax.set_aspect("equal")
    ax.set_axis_off()
    return fig


def mapped_clouds(maps: Mapping[str, Any], y: Any) -> Figure:
    """Images of a cloud under several maps (violet) among the atoms (blue).

    Args:
        maps: the text under each panel, and the (n, 2) images.
        y: (N, 2) atoms.

    Returns:
        The figure, a panel for each map, all on one scale.

    Raises:
        ValueError: if a shape is wrong, a number is not finite, or there is no map.

    Chapter: 4.

    Example:
        >>> maps = {"hard": [[0, 0], [1, 1]], "soft": [[0.5, 0.5]]}
        >>> fig = mapped_clouds(maps, [[0, 0], [1, 1]])
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['hard', 'soft']
    """
    if not maps:
        raise ValueError("maps must hold at least one map, got none")
    y = _plane("y", y)
    clouds = {name: _plane(f"maps[{name!r}]", points) for name, points in maps.items()}
    fig, axes = figure(1, len(clouds), height=2.5, sharex=True, sharey=True, squeeze=False)
    for ax, (name, points) in zip(axes.flat, clouds.items(), strict=True):
        ax.scatter(y[:, 0], y[:, 1], s=30, color=BLUE)
        ax.scatter(points[:, 0], points[:, 1], s=2, color=VIOLET)
        ax.set(xticks=[], yticks=[], xlabel=name)
        ax.set_aspect("equal")
        ax.spines[:].set_visible(False)
    return fig


def _plane(name: str, value: Any) -> np.ndarray:
    """Points of the plane, as an array (n, 2)."""
    points = _drawing.array(name, value, 2)
    _drawing.match(name, points, (len(points), 2))
    return points
