"""The pictures of the book.

Data (the target) is blue, the model (the source) is red, what lies between them is violet. Every
helper returns a :class:`matplotlib.figure.Figure` that pyplot has never heard of: nothing global
changes, so that frames can be drawn in threads, and no figure has to be closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from otgen_lite import _checks

#: The target; contrast 8.6 : 1 on white.
BLUE = "#004B93"
#: The source; contrast 5.6 : 1 on white.
RED = "#C62828"
#: What lies between; contrast 3.5 : 1 on white, enough for lines and areas, not for small text.
VIOLET = "#AF6FCB"
#: Axes, baselines, remarks; contrast 6.0 : 1 on white.
GREY = "#5F6368"
# The three differ by more than 20 CIELAB units pair by pair, for colour-blind readers too.

#: Width of a figure in inches, the text column of the book.
WIDTH = 6.4

_STYLE: Any = {
    "figure.figsize": (WIDTH, 3.6),
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    # 12 points are 18 pixels where the figure is 700 pixels wide, and 9 on a phone of 350.
    "font.size": 12.0,
    "axes.labelsize": 13.0,
    "axes.titlesize": 13.0,
    "xtick.labelsize": 12.0,
    "ytick.labelsize": 12.0,
    "legend.fontsize": 12.0,
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=[BLUE, RED, VIOLET, GREY]),
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "lines.linewidth": 2.0,
    "image.cmap": "gray_r",
    "mathtext.fontset": "dejavusans",
}


def use_book_style() -> None:
    """Make figures look like the book's, and show them sharp in a notebook.

    Sets matplotlib's parameters for this process: letters that can be read on a phone, a white
    background, the book's colours in the order blue, red, violet, grey. In a notebook, figures
    appear as PNG at twice the resolution, those made without pyplot too.

    Chapter: every chapter, in its first cell.

    Example:
        >>> use_book_style()
        >>> mpl.rcParams["font.size"]
        12.0
    """
    mpl.rcParams.update(_STYLE)
    try:
        from IPython import get_ipython
    except ImportError:
        return
    if get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")


def figure(rows: int = 1, columns: int = 1, *, height: float = 3.6, **kwargs: Any) -> Any:
    """A figure of the book's width, and its axes, without pyplot.

    Args:
        rows: rows of axes.
        columns: columns of axes.
        height: height of the figure in inches; its width is 6.4.
        kwargs: passed on to :meth:`matplotlib.figure.Figure.subplots`.

    Returns:
        ``(figure, axes)``; ``axes`` is an array where there are several.

    Example:
        >>> fig, (left, right) = figure(1, 2, height=3.0)
        >>> len(fig.axes)
        2
    """
    fig = Figure(figsize=(WIDTH, height), layout="constrained")
    return fig, fig.subplots(rows, columns, **kwargs)


def piles_and_plan(x: Any, a: Any, y: Any, b: Any, plan: Any) -> Figure:
    """Two piles of mass on a line, and the plan that moves one into the other.

    On the left the source (red), on top the target (blue); between them the plan (violet): a dot
    of area P_ij at height x_i and abscissa y_j. Mass on the dashed diagonal does not move.

    Args:
        x: (n,) positions of the source.
        a: (n,) its weights.
        y: (m,) positions of the target.
        b: (m,) its weights.
        plan: (n, m) the plan.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = piles_and_plan([0, 1], [0.5, 0.5], [0, 2], [0.5, 0.5], [[0.5, 0], [0, 0.5]])
        >>> len(fig.axes)
        3
    """
    x, y = _array("x", x, 1), _array("y", y, 1)
    a, b = _array("a", a, 1), _array("b", b, 1)
    P = _array("plan", plan, 2)
    _match("a", a, x.shape)
    _match("b", b, y.shape)
    _match("plan", P, (x.size, y.size))
    fig = Figure(figsize=(WIDTH, WIDTH * 0.8), layout="constrained")
    grid = fig.add_gridspec(2, 2, width_ratios=(1, 3.2), height_ratios=(1, 3.2))
    middle = fig.add_subplot(grid[1, 1])
    left = fig.add_subplot(grid[1, 0], sharey=middle)
    top = fig.add_subplot(grid[0, 1], sharex=middle)

    left.hlines(x, 0, a, colors=RED, linewidth=4)
    left.set(xlim=(max(a.max(), 1e-12) * 1.1, 0), ylabel="source $x$")
    top.vlines(y, 0, b, colors=BLUE, linewidth=4)
    top.set(ylim=(0, max(b.max(), 1e-12) * 1.1))
    for axes, spine in ((left, "bottom"), (top, "left")):
        axes.spines[spine].set_visible(False)
    left.set_xticks([])
    top.set_yticks([])
    top.tick_params(labelbottom=False)
    middle.tick_params(labelleft=False)

    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    middle.plot(ends, ends, color=GREY, linewidth=1, linestyle="--", zorder=1)
    i, j = np.nonzero(P > 0)
    area = 450.0 * P[i, j] / P.max() if i.size else []
    middle.scatter(y[j], x[i], s=area, color=VIOLET, zorder=2)
    middle.margins(0.08)
    middle.set_xlabel("target $y$")
    return fig


def plan_lines(x: Any, y: Any, plan: Any, *, ax: Axes | None = None) -> Figure:
    """A plan between two clouds in the plane: one line for each pair that exchanges mass.

    The width of a line, and the area of a point, grow with the mass.

    Args:
        x: (n, 2) points of the source (red).
        y: (m, 2) points of the target (blue).
        plan: (n, m) the plan.
        ax: axes to draw into; a new figure where None.

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
    x, y, P = _array("x", x, 2), _array("y", y, 2), _array("plan", plan, 2)
    _match("x", x, (len(x), 2))
    _match("y", y, (len(y), 2))
    _match("plan", P, (len(x), len(y)))
    fig, ax = _axes(ax, height=WIDTH * 0.7)
    # Rounding leaves specks in a plan; a line thinner than 1/1000 of the widest is not seen.
    i, j = np.nonzero(np.greater(P, P.max() / 1000))
    width = 0.4 + 2.6 * P[i, j] / P.max() if i.size else []
    segments = np.stack([x[i], y[j]], axis=1)
    ax.add_collection(LineCollection(list(segments), linewidths=width, colors=VIOLET, zorder=1))
    _points(ax, x, P.sum(axis=1), RED)
    _points(ax, y, P.sum(axis=0), BLUE)
    _plane(ax)
    return fig


def clouds(
    *, source: Any = None, target: Any = None, between: Any = None, ax: Axes | None = None
) -> Figure:
    """Clouds of points in the plane, each in the colour of its part.

    Args:
        source: (n, 2) points of the model, red.
        target: (m, 2) points of the data, blue.
        between: (k, 2) points on the way, violet.
        ax: axes to draw into; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if a cloud has another shape or a number is not finite.

    Example:
        >>> fig = clouds(target=[[0, 0], [1, 1]])
        >>> len(fig.axes[0].collections)
        1
    """
    fig, ax = _axes(ax, height=WIDTH * 0.7)
    for name, cloud, color in (
        ("target", target, BLUE),
        ("between", between, VIOLET),
        ("source", source, RED),
    ):
        if cloud is not None:
            points = _array(name, cloud, 2)
            _match(name, points, (len(points), 2))
            ax.scatter(
                points[:, 0], points[:, 1], s=14, color=color, alpha=0.7, linewidths=0, label=name
            )
    _plane(ax)
    return fig


def density_curves(
    t: Any,
    curves: Mapping[str, Any],
    *,
    colors: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Densities over a common grid, as curves over shaded areas.

    Args:
        t: (n,) grid.
        curves: name of each curve, and its (n,) values.
        colors: colours by name; the others take blue, red, violet, grey in turn.
        ax: axes to draw into; a new figure where None.

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
    t = _array("t", t, 1)
    if not curves:
        raise ValueError("curves must hold at least one curve, got none")
    fig, ax = _axes(ax, height=3.2)
    cycle = (BLUE, RED, VIOLET, GREY)
    styles = ("-", "--", "-.", ":")
    for k, (name, values) in enumerate(curves.items()):
        v = _array(f"curves[{name!r}]", values, 1)
        _match(f"curves[{name!r}]", v, t.shape)
        color = (colors or {}).get(name, cycle[k % 4])
        ax.plot(t, v, color=color, label=name, linestyle=styles[k % 4])
        ax.fill_between(t, v, color=color, alpha=0.12, linewidth=0)
    ax.set_ylim(bottom=0)
    ax.legend()
    return fig


def loss_curve(losses: Any, *, ylabel: str = "loss", ax: Axes | None = None) -> Figure:
    """One or several losses over the steps of a training run.

    Args:
        losses: (n,) values, or a mapping from names to such.
        ylabel: what the vertical axis shows.
        ax: axes to draw into; a new figure where None.

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
    fig, ax = _axes(ax, height=3.0)
    for name, values in named.items():
        v = _array(f"losses[{name!r}]" if name else "losses", values, 1, finite=False)
        ax.plot(np.arange(v.size), v, label=name or None)
    ax.set(xlabel="step", ylabel=ylabel)
    if len(named) > 1:
        ax.legend()
    return fig


def image_strip(images: Any, labels: Sequence[str] | None = None, *, rows: int = 1) -> Figure:
    """Images side by side, ink dark on white, all on one scale.

    Args:
        images: (k, height, width) images.
        labels: what to write under each of them.
        rows: rows over which they are spread.

    Returns:
        The figure.

    Raises:
        ValueError: if the shape is another, a number is not finite, or there are not as many
            labels as images.

    Chapter: 1.

    Example:
        >>> fig = image_strip([[[0, 1], [1, 0]], [[1, 0], [0, 1]]], ["a", "b"])
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['a', 'b']
    """
    stack = _array("images", images, 3)
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


def _array(name: str, value: Any, ndim: int, *, finite: bool = True) -> np.ndarray:
    out = _checks.tensor(name, value, finite=finite).detach().cpu().double().numpy()
    if out.ndim != ndim or out.size == 0:
        raise ValueError(f"{name} must be a non-empty array of {ndim} axes, got shape {out.shape}")
    return out


def _match(name: str, value: np.ndarray, shape: tuple[int, ...]) -> None:
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {value.shape}")


def _axes(ax: Axes | None, *, height: float) -> tuple[Figure, Axes]:
    if ax is None:
        return figure(height=height)
    return cast(Figure, ax.figure), ax


def _points(ax: Axes, points: np.ndarray, mass: np.ndarray, color: str) -> None:
    area = 12.0 + 48.0 * mass / max(mass.max(), 1e-300)
    ax.scatter(
        points[:, 0],
        points[:, 1],
        s=area,
        color=color,
        edgecolors="white",
        linewidths=0.5,
        zorder=2,
    )


def _plane(ax: Axes) -> None:
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.05)


# --- chapter 2 ---------------------------------------------------------------------------------


def images_over_curves(
    images: Any, labels: Sequence[str], t: Any, curves: Mapping[str, Any], *, xlabel: str
) -> Figure:
    """A row of images, and below it curves over a common axis.

    Args:
        images: (k, height, width) images.
        labels: what to write under each of them.
        t: (n,) values of the common axis.
        curves: name of each curve, and its (n,) values.
        xlabel: what the common axis shows.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> fig = images_over_curves(
        ...     [[[0, 1], [1, 0]]], ["one"], [0, 1], {"distance": [0, 2]}, xlabel="shift"
        ... )
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['one', 'shift']
    """
    stack, t = _array("images", images, 3), _array("t", t, 1)
    if len(labels) != len(stack):
        raise ValueError(f"labels must be one for each of {len(stack)} images, got {len(labels)}")
    fig = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    top, bottom = cast(Any, fig.subfigures(2, 1, height_ratios=(1, 1.15)))
    for k, image in enumerate(stack):
        ax = top.add_subplot(1, len(stack), k + 1)
        ax.imshow(image, cmap="gray_r", interpolation="nearest", vmin=0.0, vmax=stack.max())
        ax.set(xticks=[], yticks=[], xlabel=labels[k])
    ax = bottom.add_subplot()
    for k, (name, values) in enumerate(curves.items()):
        v = _array(f"curves[{name!r}]", values, 1)
        _match(f"curves[{name!r}]", v, t.shape)
        ax.plot(t, v, "-" if k == 0 else "--", marker="o", color=(VIOLET, GREY)[k % 2], label=name)
    ax.set_xlabel(xlabel)
    ax.set_ylim(bottom=0)
    ax.legend()
    return fig


def detour(points: Any, masses: Sequence[Any], plans: Sequence[Any]) -> Figure:
    """Three piles in the plane, two plans one after the other, and the plan glued from them.

    Args:
        points: three arrays (n, 2), (m, 2), (k, 2): source, stop and target.
        masses: their weights.
        plans: (n, m) and (m, k) plans; the third is glued from them.

    Returns:
        The figure, with the two plans on the left and the glued one on the right.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> half = [0.5, 0.5]
        >>> pile = [[0, 0], [0, 1]]
        >>> plan = [[0.5, 0], [0, 0.5]]
        >>> fig = detour([pile, [[1, 0], [1, 1]], [[2, 0], [2, 1]]], [half] * 3, [plan, plan])
        >>> len(fig.axes)
        2
    """
    x, y, z = (_array(f"points[{k}]", cloud, 2) for k, cloud in enumerate(points))
    a, b, c = (_array(f"masses[{k}]", w, 1) for k, w in enumerate(masses))
    P, Q = (_array(f"plans[{k}]", plan, 2) for k, plan in enumerate(plans))
    _match("plans[0]", P, (len(x), len(y)))
    _match("plans[1]", Q, (len(y), len(z)))
    fig, (left, right) = figure(1, 2, height=2.9, sharex=True, sharey=True)
    steps = [(left, x, y, P), (left, y, z, Q), (right, x, z, (P / b) @ Q)]
    for ax, start, end, plan in steps:
        i, j = np.nonzero(plan > plan.max() / 1000)
        width = 0.4 + 3.0 * plan[i, j] / plan.max()
        segments = list(np.stack([start[i], end[j]], axis=1))
        color = GREY if ax is left else VIOLET
        ax.add_collection(LineCollection(segments, linewidths=width, colors=color, zorder=1))
    for ax in (left, right):
        _points(ax, x, a, RED)
        _points(ax, z, c, BLUE)
        ax.axis("off")
        ax.margins(0.05)
    _points(left, y, b, VIOLET)
    return fig


def cdf_gap(x: Any, y: Any, a: Any = None, b: Any = None) -> Figure:
    """Two distribution functions and the area between them.

    Args:
        x: (n,) points of the source (red).
        y: (m,) points of the target (blue).
        a: (n,) weights, uniform where None.
        b: (m,) weights, uniform where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> fig = cdf_gap([0, 1], [1, 3])
        >>> len(fig.axes[0].lines)
        2
    """
    x, y = _array("x", x, 1), _array("y", y, 1)
    a = np.full(x.size, 1 / x.size) if a is None else _array("a", a, 1)
    b = np.full(y.size, 1 / y.size) if b is None else _array("b", b, 1)
    _match("a", a, x.shape)
    _match("b", b, y.shape)
    ends = min(x.min(), y.min()), max(x.max(), y.max())
    room = 0.05 * (ends[1] - ends[0] or 1.0)
    t = np.unique(np.concatenate([x, y, [ends[0] - room, ends[1] + room]]))
    F, G = ((w * (at <= t[:, None])).sum(axis=1) for at, w in ((x, a), (y, b)))
    fig, ax = figure(height=3.2)
    ax.fill_between(t, F, G, step="post", color=VIOLET, alpha=0.35, linewidth=0)
    ax.step(t, F, where="post", color=RED, linestyle="--", label="model $F$")
    ax.step(t, G, where="post", color=BLUE, label="data $G$")
    ax.set(xlim=(t[0], t[-1]), ylim=(0, 1.02))
    ax.legend()
    return fig


def gaussian_pair(m1: Any, S1: Any, m2: Any, S2: Any, A: Any, shift: Any) -> Figure:
    """Two Gaussians as ellipses, and the arrows of an affine map x -> A x + shift.

    Args:
        m1: (2,) mean of the source (red).
        S1: (2, 2) its covariance.
        m2: (2,) mean of the target (blue).
        S2: (2, 2) its covariance.
        A: (2, 2) matrix of the map.
        shift: (2,) what the map adds.

    Returns:
        The figure; its ellipses hold the points within one and two standard deviations.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> eye = [[1, 0], [0, 1]]
        >>> fig = gaussian_pair([0, 0], eye, [1, 0], eye, eye, [1, 0])
        >>> len(fig.axes[0].lines)
        4
    """
    m1, m2, shift = _array("m1", m1, 1), _array("m2", m2, 1), _array("shift", shift, 1)
    S1, S2, A = _array("S1", S1, 2), _array("S2", S2, 2), _array("A", A, 2)
    angle = np.linspace(0, 2 * np.pi, 121)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    fig = Figure(figsize=(WIDTH, 4.0))
    ax = fig.add_axes((0.06, 0.08, 0.92, 0.9))
    for m, S, color, line in ((m1, S1, RED, "--"), (m2, S2, BLUE, "-")):
        values, vectors = np.linalg.eigh(S)
        for radius, width in ((1.0, 1.0), (2.0, 2.2)):
            ring = m + radius * (circle * np.sqrt(values.clip(min=0))) @ vectors.T
            ax.plot(ring[:, 0], ring[:, 1], color=color, linestyle=line, linewidth=width)
    values, vectors = np.linalg.eigh(S1)
    start = m1 + 2 * (circle[:-1:10] * np.sqrt(values)) @ vectors.T
    step = start @ A + shift - start
    ax.quiver(*start.T, *step.T, angles="xy", scale_units="xy", scale=1, color=VIOLET, width=0.006)
    ax.set_aspect("equal")
    return fig


def potential_and_plan(x: Any, y: Any, plan: Any, grid: Any, values: Any) -> Figure:
    """A potential as level lines, and over it the plan that it certifies.

    Args:
        x: (n, 2) points of the source (red).
        y: (m, 2) points of the target (blue).
        plan: (n, m) the plan.
        grid: (k,) values of both coordinates at which the potential is known.
        values: (k, k) the potential at ``(grid[j], grid[i])``.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> one = [[1.0]]
        >>> fig = potential_and_plan([[0.0, 0.0]], [[1.0, 1.0]], one, [0, 1], [[0, 1], [1, 2]])
        >>> len(fig.axes)
        1
    """
    t, v = _array("grid", grid, 1), _array("values", values, 2)
    _match("values", v, (t.size, t.size))
    fig, ax = figure(height=4.4)
    ax.contour(t, t, v, levels=16, colors=GREY, linewidths=0.7, linestyles="solid")
    ax.contourf(t, t, v, levels=16, cmap="Greys", alpha=0.35, zorder=0)
    plan_lines(x, y, plan, ax=ax)
    ax.set_aspect("equal", adjustable="box")
    ax.set(xlim=(t[0], t[-1]), ylim=(t[0], t[-1]), xticks=[], yticks=[])
    return fig


def rates(n: Any, curves: Mapping[str, Any], *, xlabel: str, ylabel: str) -> Figure:
    """Curves over a number of points, both axes logarithmic, each with its name at its end.

    Args:
        n: (k,) numbers of points.
        curves: name of each curve, and its (k,) positive values.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 2.

    Example:
        >>> fig = rates([1, 10], {"1/n": [1, 0.1]}, xlabel="n", ylabel="error")
        >>> fig.axes[0].get_xscale()
        'log'
    """
    n = _array("n", n, 1)
    fig, ax = figure(height=3.6)
    markers = "os^Dvp"
    for k, (name, values) in enumerate(curves.items()):
        v = _array(f"curves[{name!r}]", values, 1)
        _match(f"curves[{name!r}]", v, n.shape)
        color = (BLUE, RED, VIOLET, GREY)[k % 4]
        ax.loglog(n, v, marker=markers[k % 6], color=color)
        ax.annotate(
            name, (n[-1], v[-1]), (8, 0), textcoords="offset points", va="center", color=color
        )
    some = n[:: -(-n.size // 6)]
    ax.set_xticks(some, [f"{k:g}" for k in some])
    ax.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return fig


def mixed(t: float) -> tuple[float, float, float]:
    """The colour of what is on its way: red at t = 0, violet at 1/2, blue at t = 1.

    Args:
        t: time, from 0 to 1.

    Returns:
        Red, green and blue, each from 0 to 1.

    Example:
        >>> mixed(0.0) == mpl.colors.to_rgb(RED)
        True
    """
    ends = (RED, VIOLET) if t < 0.5 else (VIOLET, BLUE)
    one, two = (np.array(mpl.colors.to_rgb(color)) for color in ends)
    weight = 2.0 * t if t < 0.5 else 2.0 * t - 1.0
    red, green, blue = (1.0 - weight) * one + weight * two
    return float(red), float(green), float(blue)


def ink_cards(x: Any, a: Any, y: Any, b: Any, plan: Any) -> Figure:
    """Ink that travels: five sheets of paper one behind the other, and the threads of the plan.

    The first sheet holds the source (red), the last one the target (blue). A thread joins each
    pair of points that exchanges mass; on the sheets between, each thread has left its ink on
    the straight way, a quarter of it further on every sheet (violet).

    Args:
        x: (n, 2) points of the source.
        a: (n,) its weights.
        y: (m, 2) points of the target.
        b: (m,) its weights.
        plan: (n, m) the plan.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = ink_cards([[0, 0], [1, 0]], [0.5, 0.5], [[0, 1]], [1.0], [[0.5], [0.5]])
        >>> len(fig.axes)
        1
    """
    x, y, i, j, w = _ink(x, y, plan)
    a, b = _array("a", a, 1), _array("b", b, 1)
    _match("a", a, (len(x),))
    _match("b", b, (len(y),))
    everything = np.concatenate([x, y])
    low, size = everything.min(axis=0), max(np.ptp(everything, axis=0).max(), 1e-12)
    x, y = (x - low) / size, (y - low) / size
    sheet = np.array([[-0.13, -0.13], [1.13, -0.13], [1.13, 1.13], [-0.13, 1.13]])

    def seen(points: np.ndarray, t: float) -> np.ndarray:
        """Where a point of the sheet of time t is drawn: sheets stand upright, seen aslant."""
        return np.stack([3.6 * t + 0.7 * points[:, 0], points[:, 1] + 0.24 * points[:, 0]], axis=1)

    def on_the_way(t: float) -> np.ndarray:
        return seen((1 - t) * x[i] + t * y[j], t)

    fig = Figure(figsize=(WIDTH, 0.36 * WIDTH))
    ax = fig.add_axes((0, 0, 1, 1))
    widths = 0.3 + 0.8 * w / w.max()
    for k in range(24):
        t, end = k / 24, (k + 1) / 24
        pieces = list(np.stack([on_the_way(t), on_the_way(end)], axis=1))
        ax.add_collection(
            LineCollection(pieces, colors=[mixed((t + end) / 2)], alpha=0.5, linewidths=widths,
                           capstyle="butt", zorder=2 * t)
        )  # fmt: skip
    for t in (0.0, 0.25, 0.5, 0.75, 1.0):
        corners, color = seen(sheet, t), mixed(t)
        ax.fill(*corners.T, facecolor="white", edgecolor=color, alpha=0.65, zorder=2 * t + 0.01)
        spots = {0.0: (seen(x, t), a), 1.0: (seen(y, t), b)}
        where, mass = spots.get(t, (on_the_way(t), w))
        ax.scatter(where[:, 0], where[:, 1], s=950 * mass, color=color, edgecolors="white",
                   linewidths=0.3, zorder=2 * t + 0.02)  # fmt: skip
    ax.set_aspect("equal")
    ax.set_axis_off()
    return fig


def ink_between(x: Any, y: Any, plan: Any, t: float) -> Figure:
    """Ink at one moment of its way: each entry of the plan is a dot that moves straight on.

    Args:
        x: (n, 2) points of the source.
        y: (m, 2) points of the target.
        plan: (n, m) the plan.
        t: time, 0 at the source and 1 at the target.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = ink_between([[0, 0], [1, 0]], [[0, 1]], [[0.5], [0.5]], t=0.5)
        >>> len(fig.axes[0].collections)
        2
    """
    t = _checks.number("t", t, at_least=0.0)
    x, y, i, j, w = _ink(x, y, plan)
    fig = Figure(figsize=(0.5 * WIDTH, 0.5 * WIDTH))
    ax = fig.add_axes((0.01, 0.01, 0.98, 0.98))
    ways = list(np.stack([x[i], y[j]], axis=1))
    ax.add_collection(LineCollection(ways, colors="#d8d8d8", linewidths=0.8, zorder=1))
    # Dots that meet are one dot: at t = 0 the source is seen, at t = 1 the target.
    z, who = np.unique(np.round((1 - t) * x[i] + t * y[j], 6), axis=0, return_inverse=True)
    mass = np.bincount(who.ravel(), weights=w)
    ax.scatter(z[:, 0], z[:, 1], s=4500 * mass, color=mixed(t), linewidths=0, zorder=2)
    everything = np.concatenate([x, y])
    middle = (everything.min(axis=0) + everything.max(axis=0)) / 2
    reach = 0.58 * max(np.ptp(everything, axis=0).max(), 1e-12)
    ax.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
    ax.set_aspect("equal")
    ax.set_axis_off()
    return fig


def arcs(x: Any, a: Any, y: Any, b: Any, plan: Any) -> Figure:
    """A plan on the line, twice: as arcs from piles to holes, and as a matrix.

    Piles stand above the line (red), holes hang below it (blue); mass that stays where it is has
    no arc. In the matrix, rows are piles and columns are holes, in their order on the line.

    Args:
        x: (n,) positions of the piles, in increasing order.
        a: (n,) their masses.
        y: (m,) positions of the holes, in increasing order.
        b: (m,) their masses.
        plan: (n, m) the plan.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = arcs([0, 1], [0.5, 0.5], [1, 2], [0.5, 0.5], [[0, 0.5], [0.5, 0]])
        >>> len(fig.axes)
        2
    """
    x, y = _array("x", x, 1), _array("y", y, 1)
    a, b = _array("a", a, 1), _array("b", b, 1)
    P = _array("plan", plan, 2)
    _match("a", a, x.shape)
    _match("b", b, y.shape)
    _match("plan", P, (x.size, y.size))
    fig = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    left, right = fig.subplots(1, 2, width_ratios=(1.75, 1))
    heaviest = max(a.max(), b.max())
    for k, j in zip(*np.nonzero(P > 1e-9), strict=True):
        s = np.linspace(0, np.pi, 60)
        along = (x[k] + y[j]) / 2 - (y[j] - x[k]) / 2 * np.cos(s)
        way = 0.5 * abs(y[j] - x[k]) * np.sin(s)
        width = 0.6 + 4.4 * P[k, j] / heaviest
        left.plot(along, way, color=VIOLET, linewidth=width, alpha=0.8, solid_capstyle="butt")
    span = max(x.max(), y.max()) - min(x.min(), y.min())
    depth = 0.32 * span / heaviest
    left.bar(x, a * depth, width=0.022 * span, color=RED, zorder=3)
    left.bar(y, -b * depth, width=0.022 * span, color=BLUE, zorder=3)
    left.axhline(0, color=GREY, linewidth=1)
    middle = (max(x.max(), y.max()) + min(x.min(), y.min())) / 2
    left.set(xlim=(middle - 0.54 * span, middle + 0.54 * span), ylim=(-0.36 * span, 0.54 * span))
    left.set_aspect("equal")
    left.set_axis_off()

    k, j = np.nonzero(P > 1e-9)
    right.scatter(j, k, s=260 * P[k, j] / heaviest, color=VIOLET, marker="s")
    right.set(xlim=(-0.5, y.size - 0.5), ylim=(x.size - 0.5, -0.5))
    right.set(xticks=range(y.size), yticks=range(x.size))
    right.tick_params(labelbottom=False, labelleft=False, length=0)
    right.set_xticks(np.arange(y.size + 1) - 0.5, minor=True)
    right.set_yticks(np.arange(x.size + 1) - 0.5, minor=True)
    right.grid(which="minor", color="#d8d8d8", linewidth=0.6)
    right.tick_params(which="minor", length=0)
    right.set_aspect("equal")
    right.set_xlabel("holes", color=BLUE)
    right.set_ylabel("piles", color=RED)
    return fig


def matrices(named: Mapping[str, Any], *, plan: Any = None, label: str = "") -> Figure:
    """Matrices side by side, larger entries darker, all on one scale of their own.

    Args:
        named: what to write under each matrix, and the matrix.
        plan: (n, m) plan whose positive entries are marked by violet dots.
        label: what the shades mean, written beside a colour bar; no bar where empty.

    Returns:
        The figure.

    Raises:
        ValueError: if a matrix has another shape or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = matrices({"a plan": [[0.5, 0], [0, 0.5]]})
        >>> fig.axes[0].get_xlabel()
        'a plan'
    """
    fig, axes = figure(1, len(named), height=WIDTH / max(len(named), 1.7), squeeze=False)
    for ax, (name, values) in zip(axes[0], named.items(), strict=True):
        M = _array(f"named[{name!r}]", values, 2)
        shown = ax.imshow(M, cmap="Greys", vmin=min(0.0, float(M.min())), aspect="auto")
        ax.set(xticks=[], yticks=[], xlabel=name)
        if plan is not None:
            P = _array("plan", plan, 2)
            _match("plan", P, M.shape)
            i, j = np.nonzero(P > 1e-9)
            ax.scatter(j, i, s=22, color=VIOLET, edgecolors="white", linewidths=0.4)
        if label:
            fig.colorbar(shown, ax=ax, label=label)
    return fig


def price_map(x: Any, f: Any, y: Any, g: Any, *, plan: Any = None) -> Figure:
    """Prices in the plane: what is paid at the piles (left) and at the holes (right).

    Args:
        x: (n, 2) piles.
        f: (n,) prices at the piles.
        y: (m, 2) holes.
        g: (m,) prices at the holes.
        plan: (n, m) plan; the area of a point is the mass that leaves or reaches it.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 1.

    Example:
        >>> fig = price_map([[0, 0]], [1.0], [[1, 1], [2, 0]], [0.0, 2.0])
        >>> len(fig.axes)
        4
    """
    x, y = _array("x", x, 2), _array("y", y, 2)
    f, g = _array("f", f, 1), _array("g", g, 1)
    _match("f", f, (len(x),))
    _match("g", g, (len(y),))
    P = np.ones((len(x), len(y))) if plan is None else _array("plan", plan, 2)
    _match("plan", P, (len(x), len(y)))
    fig, (left, right) = figure(1, 2, height=3.4, sharex=True, sharey=True)
    for ax, points, prices, mass, name, color in (
        (left, x, f, P.sum(axis=1), "$f$ at the piles", RED),
        (right, y, g, P.sum(axis=0), "$g$ at the holes", BLUE),
    ):
        area = 30 + 150 * mass / mass.max()
        shown = ax.scatter(
            points[:, 0], points[:, 1], c=prices, s=area, cmap="viridis", edgecolors=color
        )
        fig.colorbar(shown, ax=ax, location="bottom").set_label(name, color=color)
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.spines[:].set_visible(False)
        ax.margins(0.08)
    return fig


def _ink(
    x: Any, y: Any, plan: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Checked points, and the positive entries of a plan: row, column, mass."""
    x, y, mass = _array("x", x, 2), _array("y", y, 2), _array("plan", plan, 2)
    _match("x", x, (len(x), 2))
    _match("y", y, (len(y), 2))
    _match("plan", mass, (len(x), len(y)))
    i, j = np.nonzero(mass > 1e-9 * mass.max())
    return x, y, i, j, mass[i, j]
