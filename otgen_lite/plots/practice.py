"""Pictures of chapter 12: codes beside samples, suspects in a row, and a compass."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.lines import MARKS
from otgen_lite.plots.style import BLUE, FAINT, GREY, METHODS, NARROW, RED, VIOLET, WIDTH, figure


def _codes(ax: Axes, codes: np.ndarray, reach: float, size: float) -> None:
    """Codes in a prior: in the plane of their first two coordinates, or beside a line."""
    angle = np.linspace(0, 2 * np.pi, 91)
    for radius in (1, 2, 3):
        if codes.shape[1] > 1:
            ax.plot(radius * np.cos(angle), radius * np.sin(angle), color=GREY, linewidth=0.7)
        else:
            for side in (-radius, radius):
                ax.axvline(side, color=GREY, linewidth=0.7)
    if codes.shape[1] > 1:
        x, y = codes[:, 0], codes[:, 1]
    else:  # one number: the second axis only keeps points apart
        x, y = codes[:, 0], reach * (2 * (0.618034 * np.arange(len(codes)) % 1) - 1) / 2
    ax.scatter(x, y, s=size, c=VIOLET, linewidths=0)


def _square(ax: Axes, reach: float, name: str) -> None:
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], xlabel=name)
    ax.set_aspect("equal")
    ax.spines[:].set(visible=True, color=FAINT)


def _cloud(name: str, value: Any, columns: int | None = 2) -> np.ndarray:
    v = _drawing.array(name, value, 2)
    _drawing.match(name, v, (len(v), columns or max(v.shape[1], 1)))
    return v


def latent_and_samples(codes: Any, data: Any, samples: Any, *, reach: float = 3.3) -> Figure:
    """Codes of data over a Gaussian prior of any dimension, and samples of the model in the plane.

    Args:
        codes: (k, d_z) codes of data, violet. Circles, or lines where d_z = 1, show one, two and
            three standard deviations of the prior. Of more than two coordinates the first two are
            shown; a single coordinate is spread out over the second axis.
        data: (n, 2) data, blue.
        samples: (m, 2) samples of the model, red.
        reach: half the side length of both panels.

    Returns:
        The figure.

    Raises:
        ValueError: if a shape is wrong or a number is not finite.

    Chapter: 12.

    Example:
        >>> fig = latent_and_samples([[0.5], [-0.5]], [[2, 0]], [[1, 0], [0, 2]])
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['codes in the prior', 'data and samples']
    """
    reach = _checks.positive("reach", reach)
    side, line = 3.0, 0.35  # laid out by hand: the same place for every frame
    fig = Figure(figsize=(WIDTH, side + line))
    left, right = (
        fig.add_axes((x / WIDTH, line / (side + line), side / WIDTH, side / (side + line)))
        for x in (0.35, WIDTH - side - 0.35)
    )
    _codes(left, _cloud("codes", codes, None), reach, 9)
    blue, red = _cloud("data", data), _cloud("samples", samples)
    right.scatter(blue[:, 0], blue[:, 1], s=16, c=BLUE, linewidths=0)
    right.scatter(red[:, 0], red[:, 1], s=12, c=RED, marker="x", linewidths=0.8)
    for ax, name in ((left, "codes in the prior"), (right, "data and samples")):
        _square(ax, reach, name)

    def below(fig: Figure, undo: ExitStack) -> None:
        small = NARROW - 0.7
        resize(fig, NARROW, 2 * (small + line), undo)
        move(left, (0.35, small + 2 * line, small, small), undo)
        move(right, (0.35, line, small, small), undo)

    return arrange(fig, below)


def lineup(cases: Mapping[str, tuple[Any, Any]], data: Any, *, reach: float = 3.0) -> Figure:
    """Several trained models: the codes of each over its prior, and its samples below.

    Args:
        cases: name of each model, and its (k, 2) codes and (m, 2) samples.
        data: (n, 2) data, blue.
        reach: half the side length of all panels.

    Returns:
        The figure, with a column for each model.

    Raises:
        ValueError: if there is no model, a shape is wrong or a number is not finite.

    Chapter: 12.

    Example:
        >>> fig = lineup({"one": ([[0, 1]], [[1, 0]]), "two": ([[1, 1]], [[2, 0]])}, [[2, 0]])
        >>> [ax.get_xlabel() for ax in fig.axes[2:]]
        ['one', 'two']
    """
    if not cases:
        raise ValueError("cases must hold at least one model, got none")
    blue = _cloud("data", data)
    reach = _checks.positive("reach", reach)
    each = WIDTH / len(cases)
    fig, axes = figure(2, len(cases), height=2 * min(each, 2.6) + 0.5, squeeze=False)
    for (above, below), (name, (codes, samples)) in zip(axes.T, cases.items(), strict=True):
        _codes(above, _cloud(f"cases[{name!r}] codes", codes), reach, 6)
        red = _cloud(f"cases[{name!r}] samples", samples)
        below.scatter(blue[:, 0], blue[:, 1], s=9, c=BLUE, linewidths=0)
        below.scatter(red[:, 0], red[:, 1], s=8, c=RED, marker="x", linewidths=0.7)
        _square(above, reach, name)
        _square(below, reach, name)
    return fig


def compass(
    guess: Mapping[str, Any], truth: Mapping[str, Any], *, xlabel: str = "", ylabel: str = ""
) -> Figure:
    """A selection criterion of models against their true score; the selected models are ringed.

    Args:
        guess: name of each group of models, and the (k,) values of the criterion in it.
        truth: for the same names, the (k,) true scores.
        xlabel: name of the criterion.
        ylabel: name of the score.

    Returns:
        The figure, with logarithmic axes and a ring around the model of each group with the
        smallest criterion.

    Raises:
        ValueError: if there is no group, names or shapes do not match, or a value is not positive.

    Chapter: 12.

    Example:
        >>> fig = compass({"one": [1, 2, 3]}, {"one": [4, 5, 6]})
        >>> len(fig.axes[0].collections)
        2
    """
    if not guess or list(guess) != list(truth):
        raise ValueError(
            f"truth must have the names of guess, at least one, got {list(guess)} and {list(truth)}"
        )
    fig, ax = figure(height=3.6)
    for k, (name, values) in enumerate(guess.items()):
        x, y = _drawing.array(name, values, 1), _drawing.array(name, truth[name], 1)
        _drawing.match(f"truth[{name!r}]", y, x.shape)
        if min(x.min(), y.min()) <= 0:
            raise ValueError(f"values of {name!r} must be positive, got {min(x.min(), y.min()):g}")
        color, mark = METHODS[k % len(METHODS)], MARKS[k % len(MARKS)]
        ax.scatter(x, y, s=34, color=color, marker=mark, label=name, linewidths=0)
        low = int(x.argmin())
        ax.scatter(x[low], y[low], s=150, facecolors="none", edgecolors=color, linewidths=1.6)
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")
    ticks = [t for t in (0.2, 0.5, 1, 2, 5, 10, 20) if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]]
    ax.set_xticks(ticks)
    ticks = [t for t in (0.2, 0.5, 1, 2, 5, 10, 20) if ax.get_ylim()[0] <= t <= ax.get_ylim()[1]]
    ax.set_yticks(ticks)
    ax.legend()
    return fig
