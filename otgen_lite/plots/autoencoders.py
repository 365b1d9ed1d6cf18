"""Pictures of chapter 10: encoders as plans, losses of twins, costs behind noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from otgen_lite.plots import _drawing
from otgen_lite.plots.general import plan_lines
from otgen_lite.plots.penalised import latent_weights
from otgen_lite.plots.style import METHODS, figure

#: Curves are told apart by their strokes as well as by their colours.
STROKES = ("-", "--", "-.", ":")

#: Lower end of a logarithmic axis of differences: what is smaller is rounding.
ROUNDING = 1e-16


def encoders(x: Any, made: Any, z: Any, b: Any, plans: Sequence[Any], *, top: float) -> Figure:
    """Several encoders, side by side, that map data in the plane to codes on a line.

    In the upper row, a violet line joins each data point (blue) to the decoded codes (red) with
    which it exchanges mass. The lower row shows the prior (red line) and the distribution of the
    codes (violet).

    Args:
        x: (n, 2) data.
        made: (m, 2) decoded codes.
        z: (m,) codes, in increasing order.
        b: (m,) weights of the prior.
        plans: the encoders: for each an (n, m) plan between data and codes.
        top: upper limit of the axis of the weights, the same for all encoders.

    Returns:
        The figure, with two rows of axes and a column for each encoder.

    Raises:
        ValueError: if there is no encoder, shapes do not match, or a number is not finite.

    Chapter: 10.

    Example:
        >>> x, made = [[0.0, 1.0]], [[0.0, 0.0], [1.0, 0.0]]
        >>> near, even = [[1.0, 0.0]], [[0.5, 0.5]]
        >>> fig = encoders(x, made, [-1, 1], [0.5, 0.5], [near, even], top=1.0)
        >>> [len(ax.collections[0].get_segments()) for ax in fig.axes[:2]]
        [1, 2]
    """
    if len(plans) == 0:
        raise ValueError("plans must hold at least one encoder, got none")
    fig, axes = figure(2, len(plans), height=4.0, height_ratios=[2.2, 1], squeeze=False)
    for k, ((plane, line), plan) in enumerate(zip(axes.T, plans, strict=True)):
        P = _drawing.array(f"plans[{k}]", plan, 2)
        plan_lines(made, x, P.T, ax=plane)
        plane.set_axis_off()
        latent_weights(z, b, P.sum(axis=0), top=top, ax=line)
    return fig


def twin_losses(pairs: Mapping[str, tuple[Any, Any]], names: tuple[str, str]) -> Figure:
    """Two losses that should be equal in every step, and their largest difference so far.

    Args:
        pairs: for each optimiser, by name, the two losses over its steps, (k,) each.
        names: the names of the first and the second loss of a pair.

    Returns:
        The figure. The first panel shows both losses of the first pair, the second panel the
        largest difference up to each step for every pair, on a logarithmic axis that ends at 1e-16.

    Raises:
        ValueError: if there is no pair, the losses of a pair differ in number, or one is not
            finite.

    Chapter: 10.

    Example:
        >>> fig = twin_losses({"SGD": ([3.0, 2.0, 1.0], [3.0, 2.5, 1.1])}, ("ours", "theirs"))
        >>> fig.axes[1].lines[0].get_ydata().tolist()
        [1e-16, 0.5, 0.5]
    """
    if not pairs:
        raise ValueError("pairs must hold at least one pair of losses, got none")
    fig, (left, right) = figure(1, 2, height=3.3)
    for k, (way, both) in enumerate(pairs.items()):
        one, other = (_drawing.array(f"pairs[{way!r}]", loss, 1) for loss in both)
        _drawing.match(f"pairs[{way!r}][1]", other, one.shape)
        if k == 0:
            left.plot(one, "-", color=METHODS[0], linewidth=1.5, label=names[0])
            left.plot(other, "--", color=METHODS[1], linewidth=1.5, label=names[1])
        gaps = np.maximum.accumulate(np.maximum(np.abs(one - other), ROUNDING))
        color, stroke = METHODS[(k + 2) % len(METHODS)], STROKES[k % len(STROKES)]
        right.semilogy(gaps, stroke, color=color, label=way)
    left.set(xlabel="step", ylabel="loss")
    right.set(xlabel="step", ylabel="largest difference so far")
    left.legend()
    right.legend()
    return fig


def noisy_costs(t: Any, costs: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Costs averaged over a decoder's noise: a panel for each cost, a curve for each noise.

    Args:
        t: (k,) differences, in increasing order.
        costs: for each cost and each noise, by their names, the (k,) values of the cost averaged
            over that noise.

    Returns:
        The figure. Every curve is shifted so that its least value is zero.

    Raises:
        ValueError: if there is nothing to draw, shapes do not match, or a number is not finite.

    Chapter: 10.

    Example:
        >>> fig = noisy_costs([-1, 0, 1], {"squared": {"none": [1, 0, 1], "some": [3, 2, 3]}})
        >>> [line.get_ydata().tolist() for line in fig.axes[0].lines]
        [[1.0, 0.0, 1.0], [1.0, 0.0, 1.0]]
    """
    t = _drawing.array("t", t, 1)
    if not costs or not all(costs.values()):
        raise ValueError("costs must hold at least one cost, and each of them a curve")
    fig, axes = figure(1, len(costs), height=2.9, sharey=True, squeeze=False)
    for ax, (cost, curves) in zip(axes[0], costs.items(), strict=True):
        for k, (noise, values) in enumerate(curves.items()):
            name = f"costs[{cost!r}][{noise!r}]"
            v = _drawing.array(name, values, 1)
            _drawing.match(name, v, t.shape)
            color, stroke = METHODS[k % len(METHODS)], STROKES[k % len(STROKES)]
            ax.plot(t, v - v.min(), stroke, color=color, label=noise)
        ax.set_xlabel(f"difference of a pixel, {cost}")
    axes[0][0].legend(loc="upper center")
    return fig
