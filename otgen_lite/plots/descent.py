"""Pictures of training by transport: the paths of a cloud, and a line through sorted data."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.style import BLUE, RED, VIOLET, figure


def cloud_descent(path: Any, y: Any, b: Any, losses: Any) -> Figure:
    """The paths of a cloud that descends to its target, and its loss.

    Args:
        path: (steps, n, 2) the cloud before each step and after the last one.
        y: (m, 2) points of the target (blue).
        b: (m,) its weights.
        losses: (k,) positive losses.

    Returns:
        The figure; in the first panel the last cloud is red and its paths are violet.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = cloud_descent([[[0, 0]], [[1, 1]]], [[1, 1]], [1.0], [2.0, 0.5])
        >>> len(fig.axes[0].lines), fig.axes[1].get_yscale()
        (1, 'log')
    """
    path, losses = _drawing.array("path", path, 3), _drawing.array("losses", losses, 1)
    y, b = _drawing.array("y", y, 2), _drawing.array("b", b, 1)
    _drawing.match("path", path, (*path.shape[:2], 2))
    _drawing.match("y", y, (len(y), 2))
    _drawing.match("b", b, (len(y),))
    fig, (left, right) = figure(1, 2, height=3.3)
    left.plot(path[:, :, 0], path[:, :, 1], color=VIOLET, linewidth=0.6)
    left.scatter(y[:, 0], y[:, 1], s=1500 * b / b.sum(), color=BLUE)
    left.scatter(path[-1, :, 0], path[-1, :, 1], s=7, color=RED, zorder=3)
    left.set_aspect("equal")
    left.set_axis_off()
    _loss(right, losses, "transport cost")
    return fig


def quantile_line(z: Any, y: Any, intercept: float, slope: float, losses: Any) -> Figure:
    """The loss of a fit on the line, and its Q-Q plot.

    Args:
        z: (n,) noise.
        y: (n,) data; sorted over the sorted noise they are the blue curve.
        intercept: where the line of the model (red, dashed) meets the vertical axis.
        slope: the slope of that line.
        losses: (k,) positive losses.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> fig = quantile_line([1, -1], [2, 0], 1.0, 1.0, [3.0, 1.0])
        >>> fig.axes[1].lines[0].get_ydata().tolist()
        [0.0, 2.0]
    """
    z, y = np.sort(_drawing.array("z", z, 1)), np.sort(_drawing.array("y", y, 1))
    _drawing.match("y", y, z.shape)
    intercept, slope = _checks.number("intercept", intercept), _checks.number("slope", slope)
    fig, (left, right) = figure(1, 2, height=3.2)
    _loss(left, _drawing.array("losses", losses, 1), "$W_2^2$")
    right.plot(z, y, color=BLUE)
    ends = z[[0, -1]]
    right.plot(ends, intercept + slope * ends, color=RED, linestyle="--")
    right.set(xlabel="sorted noise", ylabel="sorted ink")
    return fig


def _loss(ax: Axes, losses: np.ndarray, ylabel: str) -> None:
    """A loss over the steps, on a logarithmic axis: it lies between data and model, so violet."""
    ax.semilogy(losses, color=VIOLET)
    ax.set(xlabel="step", ylabel=ylabel)
