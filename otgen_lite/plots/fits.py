"""Trained models, beside the losses with which they were trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from otgen_lite.plots import _drawing
from otgen_lite.plots.lines import MARKS, method_line
from otgen_lite.plots.style import BLUE, GREY, METHODS, RED, WIDTH, figure


def fitted_scales(
    eps: Any,
    scales: Mapping[str, Any],
    losses: Mapping[str, Any],
    theory: tuple[Any, Any],
) -> Figure:
    """Scales of fitted models as functions of eps, and beside them their losses during training.

    Args:
        eps: (k,) values of eps.
        scales: name of each loss, and the (k,) scales of the models that minimise it.
        losses: for the same names, the values of the loss after each step.
        theory: ``(eps, scale)``, two arrays of equal length: the theoretical curve, grey.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes or names do not match, or a number is not finite.

    Chapter: 3.

    Example:
        >>> fig = fitted_scales([1, 2], {"W": [0.7, 0]}, {"W": [3, 1]}, ([0, 2], [1, 0]))
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['ε', 'step']
    """
    if list(scales) != list(losses) or not scales:
        raise ValueError(
            f"losses must have the names of scales, {list(scales)}, and at least one, "
            f"got {list(losses)}"
        )
    at = _drawing.array("eps", eps, 1)
    where = _drawing.array("theory[0]", theory[0], 1)
    curve = _drawing.array("theory[1]", theory[1], 1)
    _drawing.match("theory[1]", curve, where.shape)
    fig, (left, right) = figure(1, 2, height=3.3)
    left.plot(where, curve, color=GREY)
    for k, (name, values) in enumerate(scales.items()):
        v = _drawing.array(f"scales[{name!r}]", values, 1)
        _drawing.match(f"scales[{name!r}]", v, at.shape)
        color = METHODS[k % len(METHODS)]
        left.plot(at, v, MARKS[k % len(MARKS)], color=color, label=name)
    _losses(right, losses)
    left.set(xlabel="ε", ylabel="scale $s$", ylim=(-0.05, None))
    left.legend(loc="center right")
    right.set_ylim(bottom=0)
    return fig


def fitted_clouds(target: Any, models: Mapping[str, Any], losses: Mapping[str, Any]) -> Figure:
    """Fitted models (red) among the data (blue), a panel for each, and their losses below.

    Args:
        target: (m, 2) points of the data.
        models: name of each model, and its (n, 2) points.
        losses: for the same names, the values of the loss after each step.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes or names do not match, or a number is not finite.

    Chapter: 3.

    Example:
        >>> fig = fitted_clouds([[0, 0], [1, 1]], {"heap": [[0.5, 0.5]]}, {"heap": [2, 1]})
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['heap', 'step']
    """
    if list(models) != list(losses) or not models:
        raise ValueError(
            f"losses must have the names of models, {list(models)}, and at least one, "
            f"got {list(losses)}"
        )
    data = _drawing.array("target", target, 2)
    _drawing.match("target", data, (len(data), 2))
    middle = (data.min(axis=0) + data.max(axis=0)) / 2
    half = 0.55 * float((data.max(axis=0) - data.min(axis=0)).max()) + 1e-3
    fig = Figure(figsize=(WIDTH, 5.0), layout="constrained")
    grid = fig.add_gridspec(2, len(models), height_ratios=(1.25, 1))
    for k, (name, points) in enumerate(models.items()):
        cloud = _drawing.array(f"models[{name!r}]", points, 2)
        _drawing.match(f"models[{name!r}]", cloud, (len(cloud), 2))
        ax = fig.add_subplot(grid[0, k])
        ax.scatter(data[:, 0], data[:, 1], s=5, color=BLUE, alpha=0.5, linewidths=0)
        ax.scatter(cloud[:, 0], cloud[:, 1], s=9, color=RED, linewidths=0)
        ax.set(xticks=[], yticks=[], aspect="equal", xlabel=name)
        ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    below = fig.add_subplot(grid[1, :])
    _losses(below, losses)
    below.legend()
    return fig


def _losses(ax: Axes, losses: Mapping[str, Any]) -> None:
    """Losses over the steps, in the colours and dashes of methods."""
    for k, (name, values) in enumerate(losses.items()):
        v = _drawing.array(f"losses[{name!r}]", values, 1)
        method_line(ax, range(len(v)), v, k, name)
    ax.set(xlabel="step", ylabel="loss")
