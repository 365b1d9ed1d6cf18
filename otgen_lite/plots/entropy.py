"""Pictures of chapter 3: photographs and their colours, soft plans on the line, rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, move, photograph, place, resize
from otgen_lite.plots.style import BLUE, GREY, METHODS, NEUTRAL, RED, VIOLET, WIDTH, figure

#: White where there is no mass, violet where there is some, nearly black where there is most.
_MASS = LinearSegmentedColormap.from_list("mass", ["white", VIOLET, "#2B1038"])


def photographs(images: Sequence[Any], labels: Sequence[str], *, rows: int = 1) -> Figure:
    """Colour pictures in rows, each with its name in a corner.

    Args:
        images: arrays (H, W, 3) with entries in [0, 1]: red, green and blue.
        labels: the text in the corner of each picture; none where it is empty.
        rows: number of rows.

    Returns:
        The figure.

    Raises:
        ValueError: if a picture has the wrong shape or entries outside [0, 1], or the numbers of
            labels and pictures differ.

    Chapter: 3.

    Example:
        >>> red = [[[1.0, 0.0, 0.0]]]
        >>> fig = photographs([red, red], ["one", "two"])
        >>> [ax.texts[0].get_text() for ax in fig.axes]
        ['one', 'two']
    """
    rows = _checks.count("rows", rows)
    if len(labels) != len(images) or not images:
        raise ValueError(
            f"labels must be one for each picture, got {len(labels)} for {len(images)} pictures"
        )
    stack = [_picture(f"images[{k}]", image) for k, image in enumerate(images)]
    columns = -(-len(stack) // rows)
    aspect = max(image.shape[0] / image.shape[1] for image in stack)
    fig = Figure(figsize=(WIDTH, rows * WIDTH / columns * aspect), layout="constrained")
    for k, (image, label) in enumerate(zip(stack, labels, strict=True)):
        ax = fig.add_subplot(rows, columns, k + 1)
        ax.imshow(image, interpolation="antialiased")
        ax.set_axis_off()
        if label:  # white on a dark plate: it can be read whatever the page's ground is
            plate = {"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 3.0}
            ax.annotate(label, (0, 0), (5, 5), xycoords="axes fraction", color="white",
                        textcoords="offset points", va="bottom", bbox=plate)  # fmt: skip
    side = min(columns, 2)
    panels = [(fig.axes[k : k + side], side) for k in range(0, len(stack), side)]
    return arrange(photograph(fig), lambda fig, undo: place(fig, panels, undo))


def recoloured(image: Any, colours: Any, target: Any) -> Figure:
    """A recoloured picture, and its colours among those of the target.

    Colours are points of a cube. The second panel projects them to the first two principal axes of
    the target: dots in their own colours over the grey dots of the target.

    Args:
        image: (H, W, 3) colours in [0, 1].
        colours: (n, 3) colours of the picture.
        target: (m, 3) colours of the target, m > 1.

    Returns:
        The figure.

    Raises:
        ValueError: if a shape is wrong, a number is not finite, or a colour is outside [0, 1].

    Chapter: 3.

    Example:
        >>> fig = recoloured([[[0.5, 0.5, 0.5]]], [[0.5] * 3], [[0.0] * 3, [1.0] * 3])
        >>> len(fig.axes)
        2
    """
    picture = _picture("image", image)
    dots, goal = _drawing.array("colours", colours, 2), _drawing.array("target", target, 2)
    _drawing.match("colours", dots, (len(dots), 3))
    _drawing.match("target", goal, (len(goal), 3))
    mean = goal.mean(axis=0)
    axes = np.linalg.svd(goal - mean)[2][:2]
    axes *= np.sign(axes.sum(axis=1, keepdims=True)) + (axes.sum(axis=1, keepdims=True) == 0)
    fig = Figure(figsize=(WIDTH, 2.75))
    left = fig.add_axes((0.0, 0.02, 0.6, 0.96))
    left.imshow(picture, interpolation="bilinear")
    left.set_axis_off()
    right = fig.add_axes((0.63, 0.04, 0.36, 0.92))
    right.patch.set_alpha(0.0)
    for points, size, color in ((goal, 10, NEUTRAL), (dots, 18, dots.clip(0, 1))):
        place = (points - mean) @ axes.T
        edge, alpha = ("none", 0.4) if points is goal else (NEUTRAL, 1.0)
        right.scatter(place[:, 0], place[:, 1], s=size, c=color, alpha=alpha, linewidths=0.4,
                      edgecolors=edge)  # fmt: skip
    low, high = ((goal - mean) @ axes.T).min(axis=0), ((goal - mean) @ axes.T).max(axis=0)
    room = 0.06 * (high - low).max() + 1e-3
    right.set(xlim=(low[0] - room, high[0] + room), ylim=(low[1] - room, high[1] + room))
    right.set(xticks=[], yticks=[])
    right.spines[:].set_color(NEUTRAL)
    tall = 3.5 * picture.shape[0] / picture.shape[1]

    def below(fig: Figure, undo: ExitStack) -> None:
        resize(fig, 3.5, tall + 2.4, undo)
        move(left, (0, 2.4, 3.5, tall), undo)
        move(right, (0.05, 0.05, 3.4, 2.25), undo)

    return arrange(photograph(fig), below)


def soft_plan(
    t: Any, a: Any, b: Any, plan: Any, eps: Any, curves: Mapping[str, Any], at: int
) -> Figure:
    """A plan between two densities on a line, and quantities of it as functions of eps.

    Args:
        t: (n,) grid of both densities.
        a: (n,) weights of the source, drawn in red on the left of the plan.
        b: (n,) weights of the target, drawn in blue on top of it.
        plan: (n, n) the plan, darker where there is more mass.
        eps: (k,) values of eps, increasing and positive.
        curves: name of each curve, and its (k,) values.
        at: index of the value of eps to which the plan belongs.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 3.

    Example:
        >>> half = [0.5, 0.5]
        >>> fig = soft_plan([0, 1], half, half, [[0.25] * 2] * 2, [1, 2], {"cost": [1, 2]}, 0)
        >>> len(fig.axes)
        4
    """
    t, a, b = _drawing.array("t", t, 1), _drawing.array("a", a, 1), _drawing.array("b", b, 1)
    P, eps = _drawing.array("plan", plan, 2), _drawing.array("eps", eps, 1)
    _drawing.match("a", a, t.shape)
    _drawing.match("b", b, t.shape)
    _drawing.match("plan", P, (t.size, t.size))
    fig = Figure(figsize=(WIDTH, 3.4))
    main, top, left, right = (fig.add_axes((0, 0, 1, 1), label=f"{k}") for k in range(4))
    main.sharex(top)
    main.sharey(left)

    def beside(fig: Figure, undo: ExitStack) -> None:
        _soft_plan_at(fig.axes, (0.0, 0.1, 3.3), (4.1, 0.65, 2.8, 2.65), undo)

    def below(fig: Figure, undo: ExitStack) -> None:
        resize(fig, 3.5, 6.75, undo)
        _soft_plan_at(fig.axes, (0.0, 3.4, 3.3), (0.8, 0.65, 2.6, 2.1), undo)

    beside(fig, ExitStack())
    arrange(fig, below)
    # The root makes faint mass visible; rows run downwards as in a matrix.
    main.pcolormesh(t, t, np.sqrt(P / P.max()), cmap=_MASS, vmin=0, vmax=1, rasterized=True)
    main.set(xticks=[], yticks=[], xlim=(t[0], t[-1]), ylim=(t[-1], t[0]))
    main.spines[:].set_visible(True)
    top.fill_between(t, b, color=BLUE, linewidth=0)
    left.fill_betweenx(t, -a, color=RED, linewidth=0)
    for ax in (top, left):
        ax.set_axis_off()
    for k, (name, values) in enumerate(curves.items()):
        v = _drawing.array(f"curves[{name!r}]", values, 1)
        _drawing.match(f"curves[{name!r}]", v, eps.shape)
        color = (VIOLET, GREY)[k % 2]
        right.semilogx(eps, v, "-" if k % 2 == 0 else "--", color=color, label=name)
        right.plot(eps[at], v[at], "o", color=color, markersize=8)
    right.tick_params(axis="x", which="minor", bottom=False)
    right.set_xlabel("ε")
    right.set_ylim(bottom=0)
    right.legend(loc="upper left", borderaxespad=0.1)
    return fig


def _soft_plan_at(
    axes: Sequence[Axes],
    square: tuple[float, float, float],
    right: tuple[float, float, float, float],
    undo: ExitStack,
) -> None:
    """Places of the plan with its two densities (left, bottom, side), and of the curves."""
    x, y, side = square
    edge = 0.18 * side
    inner = side - edge
    places = ((x + edge, y, inner, inner), (x + edge, y + inner, inner, edge), (x, y, edge, inner))
    for ax, bounds in zip(axes, (*places, right), strict=True):
        move(ax, bounds, undo)


def scaled_plans(plans: Sequence[Any], a: Any, b: Any, labels: Sequence[str]) -> Figure:
    """Stages of an iteration that scales a plan: each with its row and column sums beside it.

    A filled bar is what a row (red, on the left) or a column (blue, on top) sums to, and the line
    around it what it should sum to: a side fits where its bars fill their lines.

    Args:
        plans: matrices (n, m) with non-negative entries, darker where there is more mass, all on
            one scale.
        a: (n,) what the rows should sum to.
        b: (m,) what the columns should sum to.
        labels: what to write below each of them.

    Returns:
        Figure of three axes a stage, which show the plan, the sums of its columns and of its rows.

    Raises:
        ValueError: if shapes do not match, a number is not finite, there is no mass, or there are
            not as many labels as plans.

    Chapter: 3.

    Example:
        >>> fig = scaled_plans([[[0.5, 0.2]], [[0.6, 0.4]]], [1.0], [0.6, 0.4], ["start", "fits"])
        >>> len(fig.axes)
        6
    """
    a, b = _drawing.array("a", a, 1), _drawing.array("b", b, 1)
    if len(labels) != len(plans) or not plans:
        raise ValueError(
            f"labels must be one for each plan, got {len(labels)} for {len(plans)} plans"
        )
    stack = [_drawing.array(f"plans[{k}]", plan, 2) for k, plan in enumerate(plans)]
    for k, P in enumerate(stack):
        _drawing.match(f"plans[{k}]", P, (a.size, b.size))
    most = max(float(P.max()) for P in stack)
    if most <= 0:
        raise ValueError("plans must have some mass, got none")
    longest = 1.05 * max(float(max(P.sum(1).max(), P.sum(0).max())) for P in stack)
    longest = max(longest, 1.05 * float(max(a.max(), b.max())))
    rows, columns = np.arange(a.size), np.arange(b.size)
    fig = Figure(figsize=(WIDTH, 2.2))
    for k, (P, label) in enumerate(zip(stack, labels, strict=True)):
        main, top, left = (fig.add_axes((0, 0, 1, 1), label=f"{k} {j}") for j in range(3))
        main.imshow(np.sqrt(P.clip(0) / most), cmap=_MASS, vmin=0, vmax=1, aspect="auto")
        main.set(xticks=[], yticks=[], xlabel=label)
        main.spines[:].set_visible(True)
        top.bar(columns, P.sum(0), width=0.8, color=BLUE)
        top.bar(columns, b, width=0.8, fill=False, edgecolor=GREY, linewidth=1.2)
        top.set(xlim=(-0.5, b.size - 0.5), ylim=(0, longest))
        left.barh(rows, P.sum(1), height=0.8, color=RED)
        left.barh(rows, a, height=0.8, fill=False, edgecolor=GREY, linewidth=1.2)
        left.set(ylim=(a.size - 0.5, -0.5), xlim=(longest, 0))
        for ax in (top, left):
            ax.set_axis_off()
    across = min(len(stack), 4)

    def in_a_row(fig: Figure, undo: ExitStack) -> None:
        tall = WIDTH / across + 0.35
        resize(fig, WIDTH, tall * -(-len(stack) // across), undo)
        _stages_at(fig, across, (WIDTH / across, tall), undo)

    def in_pairs(fig: Figure, undo: ExitStack) -> None:
        resize(fig, 3.5, 2.1 * -(-len(stack) // 2), undo)
        _stages_at(fig, 2, (1.75, 2.1), undo)

    in_a_row(fig, ExitStack())
    return arrange(fig, in_pairs)


def _stages_at(fig: Figure, across: int, size: tuple[float, float], undo: ExitStack) -> None:
    """Places of stages in rows: a plan, its columns' sums on top, its rows' sums on the left."""
    wide, tall = size
    edge, inner = 0.26 * wide, 0.68 * wide
    full = fig.get_figheight()
    for k in range(len(fig.axes) // 3):
        x, y = k % across * wide, full - (k // across + 1) * tall + 0.35
        main, top, left = fig.axes[3 * k : 3 * k + 3]
        move(main, (x + edge, y, inner, inner), undo)
        move(top, (x + edge, y + inner, inner, edge), undo)
        move(left, (x, y, edge, inner), undo)


def rounds(
    errors: Mapping[str, Any], slopes: Mapping[str, float], *, ylabel: str = "error"
) -> Figure:
    """Errors over the rounds of an iteration, on a logarithmic axis, and their theoretical rates.

    Args:
        errors: name of each run, and its positive errors after 0, 1, 2, ... rounds.
        slopes: for some of the runs, the factor by which each round multiplies the error according
            to theory; drawn as a thin line through the last error.
        ylabel: what the vertical axis shows.

    Returns:
        The figure.

    Raises:
        ValueError: if a number is not finite.

    Chapter: 3.

    Example:
        >>> fig = rounds({"half": [1.0, 0.5, 0.25]}, {"half": 0.5})
        >>> len(fig.axes[0].lines)
        2
    """
    fig, ax = figure(height=3.4)
    styles, lowest = ("o", "s", "^", "D"), np.inf
    for k, (name, values) in enumerate(errors.items()):
        v = _drawing.array(f"errors[{name!r}]", values, 1)
        color, step = METHODS[k % 5], np.arange(v.size)
        every, lowest = max(v.size // 12, 1), min(lowest, float(v.min()))
        ax.semilogy(step, v, styles[k % 4], color=color, markevery=every, label=name)
        if name in slopes:
            ax.semilogy(step, v[-1] * slopes[name] ** (step - step[-1]), color=color, linewidth=1)
    ax.set(xlabel="round", ylabel=ylabel, ylim=(lowest / 3, None))  # slopes may leave the axes
    ax.legend()
    return fig


def _picture(name: str, image: Any) -> np.ndarray:
    """A picture in colour: (H, W, 3) with entries in [0, 1]; rounding beyond is cut off."""
    array = _drawing.array(name, image, 3)
    if array.shape[2] != 3:
        raise ValueError(f"{name} must have shape (H, W, 3), got {array.shape}")
    if array.min() < -1e-6 or array.max() > 1 + 1e-6:
        raise ValueError(
            f"{name} must have entries in [0, 1], got {array.min():.4g} to {array.max():.4g}"
        )
    return array.clip(0, 1)
