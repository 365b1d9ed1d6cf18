"""Pictures of chapter 9: a cost between its bounds, and the models that each of them prefers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from otgen_lite.plots import _drawing
from otgen_lite.plots.general import clouds
from otgen_lite.plots.lines import LINES, MARKS
from otgen_lite.plots.style import GREY, METHODS, WIDTH, figure

#: The cost itself is black; what stands for it has the other colours, a dash and a mark.
_EXACT = METHODS[3]
#: So that a name looks the same in every picture of the chapter.
_PLACES = {"critics": 0, "encoders": 1, "penalised": 2}


def between_bounds(
    theta: Any,
    exact: Any,
    named: Mapping[str, Any],
    *,
    xlabel: str = "θ",
    top: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """A cost over a parameter, and the objectives that replace it: bounds, or penalised costs.

    Each curve has a mark at its minimum. A thin line joins it to the exact cost at the same
    parameter, which is the true cost of that minimiser.

    Args:
        theta: (n,) parameters, in increasing order.
        exact: (n,) the exact cost, black.
        named: name of each other curve, and its (n,) values; at most three. Critics, encoders and
            penalised costs look the same in every figure.
        xlabel: what the horizontal axis shows.
        top: upper limit of the vertical axis; chosen from the values where None.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or there are more than three
            curves.

    Chapter: 9.

    Example:
        >>> fig = between_bounds([0, 1, 2], [1, 0, 1], {"critics": [0.2, 0, 0.1]})
        >>> [line.get_label() for line in fig.axes[0].lines if line.get_label()[0] != "_"]
        ['exact cost', 'critics']
    """
    t, v = _drawing.array("theta", theta, 1), _drawing.array("exact", exact, 1)
    _drawing.match("exact", v, t.shape)
    if len(named) > 3:
        raise ValueError(f"named must hold at most three curves, got {len(named)}")
    fig, ax = _drawing.axes_or_new(ax, height=3.4)
    ax.plot(t, v, color=_EXACT, label="exact cost")
    _least(ax, t, v, v, "D", _EXACT)
    for j, (name, values) in enumerate(named.items()):
        k = _PLACES.get(name, j)
        w = _drawing.array(f"named[{name!r}]", values, 1)
        _drawing.match(f"named[{name!r}]", w, t.shape)
        ax.plot(t, w, color=METHODS[k], linestyle=LINES[k + 1], label=name)
        _least(ax, t, w, v, MARKS[k], METHODS[k])
    ax.set(xlabel=xlabel, ylabel="cost")
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]), top=top)
    ax.legend()
    return fig


def _least(
    ax: Axes, t: np.ndarray, values: np.ndarray, exact: np.ndarray, mark: str, color: str
) -> None:
    """A mark at the minimum, and an empty one at what it costs in truth."""
    k = int(values.argmin())
    if values is not exact:
        ax.plot([t[k], t[k]], [values[k], exact[k]], color=GREY, linewidth=1.0)
        ax.plot(t[k], exact[k], mark, color=color, markerfacecolor="white", markersize=8)
    ax.plot(t[k], values[k], mark, color=color, markersize=8)


def beside_data(data: Any, models: Mapping[str, Any]) -> Figure:
    """Scatter plots of several models, each on top of the same data.

    Args:
        data: (n, 2) points of the data, blue.
        models: name of each model, and its (m, 2) points, red.

    Returns:
        The figure, with one panel for each model, all on the same scale.

    Raises:
        ValueError: if there is no model, a cloud has the wrong shape or a number is not finite.

    Chapter: 9.

    Example:
        >>> fig = beside_data([[0, 0], [1, 1]], {"exact": [[0, 0.1]], "critics": [[1, 0.9]]})
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['exact', 'critics']
    """
    if not models:
        raise ValueError("models must hold at least one cloud, got none")
    blue = _drawing.array("data", data, 2)
    _drawing.match("data", blue, (len(blue), 2))
    each = WIDTH / len(models)
    fig, axes = figure(1, len(models), height=min(each, 3.0) + 0.4, squeeze=False)
    seen = [blue]
    for ax, (name, cloud) in zip(axes[0], models.items(), strict=True):
        red = _drawing.array(f"models[{name!r}]", cloud, 2)
        _drawing.match(f"models[{name!r}]", red, (len(red), 2))
        clouds(target=blue, source=red, ax=ax)
        seen.append(red)
        ax.set_axis_on()
        ax.set(xticks=[], yticks=[], xlabel=name)
        for spine in ax.spines.values():
            spine.set_visible(False)
    every = np.concatenate(seen)
    low, high = every.min(axis=0), every.max(axis=0)
    air = 0.05 * (high - low).max()
    for ax in axes[0]:
        ax.set_aspect("equal", adjustable="box")
        ax.set(xlim=(low[0] - air, high[0] + air), ylim=(low[1] - air, high[1] + air))
    return fig
