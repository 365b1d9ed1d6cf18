"""Pictures of chapter 8: codes in their prior, and what is decoded from them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.style import BLUE, FAINT, GREY, METHODS, NARROW, RED, VIOLET, WIDTH, figure


def codes_and_samples(codes: Any, data: Any, samples: Any, *, reach: float = 3.0) -> Figure:
    """Codes of data over a Gaussian prior, and samples of the model among the data, in the plane.

    Args:
        codes: (k, 2) codes of data, violet; circles contain 39, 86 and 99 % of the prior.
        data: (n, 2) data, blue.
        samples: (m, 2) samples of the model, red.
        reach: half the side length of both panels.

    Returns:
        The figure.

    Raises:
        ValueError: if a shape is wrong or a number is not finite.

    Chapter: 8.

    Example:
        >>> fig = codes_and_samples([[0, 1]], [[2, 0]], [[1, 0], [0, 2]])
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['codes of data in the prior', 'data and samples']
    """
    reach = _checks.positive("reach", reach)
    # Laid out by hand: the same place for every frame, and quicker than a layout engine.
    side, line = 3.0, 0.35
    fig = Figure(figsize=(WIDTH, side + line))
    left, right = (
        fig.add_axes((x / WIDTH, line / (side + line), side / WIDTH, side / (side + line)))
        for x in (0.35, WIDTH - side - 0.35)
    )
    for radius in (1, 2, 3):
        angle = np.linspace(0, 2 * np.pi, 121)
        left.plot(radius * np.cos(angle), radius * np.sin(angle), color=GREY, linewidth=0.8)
    clouds = ((left, "codes", codes, VIOLET, "o", 9), (right, "data", data, BLUE, "o", 16),
              (right, "samples", samples, RED, "x", 12))  # fmt: skip
    for ax, name, cloud, color, mark, size in clouds:
        v = _drawing.array(name, cloud, 2)
        _drawing.match(name, v, (len(v), 2))
        ax.scatter(v[:, 0], v[:, 1], s=size, c=color, marker=mark, linewidths=0.8)
    for ax, name in ((left, "codes of data in the prior"), (right, "data and samples")):
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], xlabel=name)
        ax.set_aspect("equal")
        ax.spines[:].set(visible=True, color=FAINT)

    def below(fig: Figure, undo: ExitStack) -> None:
        small = NARROW - 0.7
        resize(fig, NARROW, 2 * (small + line), undo)
        move(left, (0.35, small + 2 * line, small, small), undo)
        move(right, (0.35, line, small, small), undo)

    return arrange(fig, below)


def clock(
    path: Any,
    ticks: Any,
    decoded: Any,
    time: Any,
    phases: Mapping[str, Any],
    *,
    names: tuple[str, str],
) -> Figure:
    """A closed orbit with points at equal times and decoded equally spaced codes; angles over time.

    Args:
        path: (n, 2) the orbit, blue.
        ticks: (k, 2) points of the orbit at equally spaced times, blue dots.
        decoded: (k, 2) decoded points of k equally spaced codes, red crosses.
        time: (m,) times, in periods.
        phases: the (m,) values of each angle, by name, in turns; the first is violet.
        names: names of the two coordinates of the orbit.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 8.

    Example:
        >>> fig = clock([[0, 1], [1, 0]], [[0, 1]], [[0, 1]], [0, 1], {"code": [0, 1]},
        ...             names=("angle", "velocity"))
        >>> fig.axes[0].get_xlabel(), len(fig.axes[1].lines)
        ('angle', 2)
    """  # fmt: skip
    path, t = _drawing.array("path", path, 2), _drawing.array("time", time, 1)
    ticks, decoded = _drawing.array("ticks", ticks, 2), _drawing.array("decoded", decoded, 2)
    fig, (left, right) = figure(1, 2, height=3.4)
    left.plot(path[:, 0], path[:, 1], color=BLUE, linewidth=1.2)
    left.scatter(ticks[:, 0], ticks[:, 1], s=44, color=BLUE, label="equal times", zorder=2)
    left.scatter(decoded[:, 0], decoded[:, 1], s=90, color=RED, marker="x",
                 label="equal codes", zorder=3, linewidths=2)  # fmt: skip
    left.set(
        xlabel=names[0], ylabel=names[1], ylim=(1.65 * path[:, 1].min(), 2.1 * path[:, 1].max())
    )
    left.legend(loc="upper center", ncols=2, handletextpad=0.2, columnspacing=0.9)
    right.plot(t, t, color=GREY, linewidth=1.0)
    strokes = ((VIOLET, "-"), (METHODS[0], "--"), (METHODS[1], ":"))
    for (name, values), (color, stroke) in zip(phases.items(), strokes, strict=False):
        v = _drawing.array(f"phases[{name!r}]", values, 1)
        _drawing.match(f"phases[{name!r}]", v, t.shape)
        right.plot(t, v, stroke, color=color, label=name)
    right.set(xlabel="time, in periods", ylabel="angle, in turns")
    right.legend(loc="upper left")
    return fig
