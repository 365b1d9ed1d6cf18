"""Pictures that every chapter may use: plans, clouds, curves, strips of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.style import BLUE, GREY, RED, VIOLET, WIDTH


def plan_lines(x: Any, y: Any, plan: Any, *, ax: Axes | None = None) -> Figure:
    """A plan between two clouds in the plane: one line for each pair that exchanges mass.

    The width of a line, and the area of a point, grow with the mass.

    Args:
        x: (n, 2) points of the source (red).
        y: (m, 2) points of the target (blue).
        plan: (n, m) the plan.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1, 2.

    Example:
        >>> fig = plan_lines([[0, 0], [1, 0]], [[0, 1], [1, 1]], [[0.5, 0], [0, 0.5]])
        >>> len(fig.axes[0].collections[0].get_segments())
        2
    """
    x, y, P = _drawing.array("x", x, 2), _drawing.array("y", y, 2), _drawing.array("plan", plan, 2)
    _drawing.match("x", x, (len(x), 2))
    _drawing.match("y", y, (len(y), 2))
    _drawing.match("plan", P, (len(x), len(y)))
    fig, ax = _drawing.axes_or_new(ax, height=WIDTH * 0.7)
    # Rounding leaves specks in a plan; a line thinner than 1/1000 of the widest is not seen.
    i, j = np.nonzero(np.greater(P, P.max() / 1000))
    width = 0.4 + 2.6 * P[i, j] / P.max() if i.size else []
    segments = np.stack([x[i], y[j]], axis=1)
    ax.add_collection(LineCollection(list(segments), linewidths=width, colors=VIOLET, zorder=1))
    _drawing.points_by_mass(ax, x, P.sum(axis=1), RED)
    _drawing.points_by_mass(ax, y, P.sum(axis=0), BLUE)
    _drawing.plane(ax)
    return fig


def clouds(
    *, source: Any = None, target: Any = None, between: Any = None, ax: Axes | None = None
) -> Figure:
    """Scatter plot of clouds in the plane, each in the colour of its role.

    Args:
        source: (n, 2) points of the model, red.
        target: (m, 2) points of the data, blue.
        between: (k, 2) points in between, violet.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if a cloud has the wrong shape or a number is not finite.

    Example:
        >>> fig = clouds(target=[[0, 0], [1, 1]])
        >>> len(fig.axes[0].collections)
        1
    """
    fig, ax = _drawing.axes_or_new(ax, height=WIDTH * 0.7)
    for name, cloud, color in (
        ("target", target, BLUE),
        ("between", between, VIOLET),
        ("source", source, RED),
    ):
        if cloud is not None:
            points = _drawing.array(name, cloud, 2)
            _drawing.match(name, points, (len(points), 2))
            ax.scatter(
                points[:, 0], points[:, 1], s=14, color=color, alpha=0.7, linewidths=0, label=name
            )
    _drawing.plane(ax)
    return fig


def density_curves(
    t: Any,
    curves: Mapping[str, Any],
    *,
    colors: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Densities over a common grid, as curves with shaded areas below.

    Args:
        t: (n,) grid.
        curves: name of each curve, and its (n,) values.
        colors: colours by name; the others take blue, red, violet, grey in turn.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or there is no curve.

    Chapter: 2.

    Example:
        >>> fig = density_curves([0, 1, 2], {"data": [0, 1, 0], "model": [0.2, 0.6, 0.2]})
        >>> len(fig.axes[0].lines)
        2
    """
    t = _drawing.array("t", t, 1)
    if not curves:
        raise ValueError("curves must hold at least one curve, got none")
    fig, ax = _drawing.axes_or_new(ax, height=3.2)
    cycle = (BLUE, RED, VIOLET, GREY)
    styles = ("-", "--", "-.", ":")
    for k, (name, values) in enumerate(curves.items()):
        v = _drawing.array(f"curves[{name!r}]", values, 1)
        _drawing.match(f"curves[{name!r}]", v, t.shape)
        color = (colors or {}).get(name, cycle[k % 4])
        ax.plot(t, v, color=color, label=name, linestyle=styles[k % 4])
        ax.fill_between(t, v, color=color, alpha=0.12, linewidth=0)
    ax.set_ylim(bottom=0)
    ax.legend()
    return fig


def loss_curve(losses: Any, *, ylabel: str = "loss", ax: Axes | None = None) -> Figure:
    """One or several losses over the steps of a training run.

    Args:
        losses: (n,) values, or a mapping from names to such arrays.
        ylabel: what the vertical axis shows.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure. Steps where a loss is not finite are left out of its curve.

    Raises:
        ValueError: if there is no value.

    Example:
        >>> fig = loss_curve([3.0, 2.0, 1.5])
        >>> fig.axes[0].get_xlabel()
        'step'
    """
    named = losses if isinstance(losses, Mapping) else {"": losses}
    if not named:
        raise ValueError("losses must hold at least one curve, got none")
    fig, ax = _drawing.axes_or_new(ax, height=3.0)
    for name, values in named.items():
        v = _drawing.array(f"losses[{name!r}]" if name else "losses", values, 1, finite=False)
        ax.plot(np.arange(v.size), v, label=name or None)
    ax.set(xlabel="step", ylabel=ylabel)
    if len(named) > 1:
        ax.legend()
    return fig


def image_strip(images: Any, labels: Sequence[str] | None = None, *, rows: int = 1) -> Figure:
    """Images side by side, dark ink on white, all on the same scale.

    Args:
        images: (k, height, width) images.
        labels: the text under each image.
        rows: number of rows.

    Returns:
        The figure.

    Raises:
        ValueError: if the shape is wrong, a number is not finite, or there are not as many
            labels as images.

    Chapter: 1.

    Example:
        >>> fig = image_strip([[[0, 1], [1, 0]], [[1, 0], [0, 1]]], ["a", "b"])
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['a', 'b']
    """
    stack = _drawing.array("images", images, 3)
    rows = _checks.count("rows", rows)
    if labels is not None and len(labels) != len(stack):
        raise ValueError(f"labels must be one for each of {len(stack)} images, got {len(labels)}")
    columns = -(-len(stack) // rows)
    aspect = stack.shape[1] / stack.shape[2]
    cell = min(WIDTH / columns, 3.2)
    height = rows * (cell * aspect + (0.35 if labels is not None else 0.05))
    fig = Figure(figsize=(WIDTH, height), layout="constrained")
    low, high = min(0.0, float(stack.min())), float(stack.max()) or 1.0
    for k, image in enumerate(stack):
        ax = fig.add_subplot(rows, columns, k + 1)
        ax.imshow(image, cmap="gray_r", interpolation="nearest", vmin=low, vmax=high)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
        if labels is not None:
            ax.set_xlabel(labels[k])
    return fig
