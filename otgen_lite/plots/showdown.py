"""Pictures of chapter 14: seeds over a floor, orders that agree or not, and where knobs lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.penalised import sheet
from otgen_lite.plots.places import inset, legend, look, short
from otgen_lite.plots.style import BLUE, FAINT, METHODS, NARROW, RED, WIDTH, figure


def ladder(
    scores: Mapping[str, Mapping[str, Any]], lines: Mapping[str, Mapping[str, Any]] | None = None
) -> Figure:
    """The scores of every seed of every method: a row for each method, a panel for each score.

    Args:
        scores: for each panel, by its label, the values of each method, one for each seed. The rows
            are the methods of the first panel, from above.
        lines: vertical lines of a panel, by its label: a name, and one value or the two ends of a
            band.

    Returns:
        The figure, with small marks for seeds and a large one for their mean.

    Raises:
        ValueError: if a panel lacks a method, there is none, or a number is not finite.

    Chapter: 14.

    Example:
        >>> fig = ladder({"loss": {"vae": [1, 2], "aae": [2, 3]}}, {"loss": {"floor": 0.5}})
        >>> [tick.get_text() for tick in fig.axes[0].get_yticklabels()]
        ['VAE', 'AAE']
    """
    if not scores or not next(iter(scores.values())):
        raise ValueError("scores must hold at least one panel with a method, got none")
    rows = list(next(iter(scores.values())))
    for panel, held in scores.items():
        if set(held) != set(rows):
            raise ValueError(f"scores[{panel!r}] must hold {rows}, got {list(held)}")
    height = 0.9 + 0.3 * len(rows)
    fig, axes = figure(1, len(scores), height=height, sharey=True, squeeze=False)
    for ax, (panel, held) in zip(axes[0], scores.items(), strict=True):
        for name, where in (lines or {}).get(panel, {}).items():
            low, high = np.broadcast_to(np.asarray(where, dtype=float), 2)
            kind = {"color": BLUE, "zorder": 0}
            if low == high:
                ax.axvline(low, linewidth=1.5, label=name, **kind)
            else:
                ax.axvspan(low, high, alpha=0.25, linewidth=0, label=name, **kind)
        for k, name in enumerate(rows):
            v = _drawing.array(f"scores[{panel!r}][{name!r}]", held[name], 1)
            _, color, mark = look(name)
            ax.plot(v, np.full(v.size, k), mark, color=color, markersize=4, alpha=0.5)
            ax.plot([v.mean()], [k], mark, color=color, markersize=9)
        ax.set(xlabel=panel, ylim=(len(rows) - 0.4, -0.6))
        ax.grid(axis="y", color=FAINT, linewidth=0.8)
        ax.set_yticks(range(len(rows)), [short(name) for name in rows])
    return fig


def agreement(matrix: Any, names: Sequence[str]) -> Figure:
    """Rank correlations of several orders, pair by pair; fields are dark where two orders disagree.

    Args:
        matrix: (k, k) rank correlations from -1 to 1.
        names: names of the k orders.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, or a number is not in [-1, 1].

    Chapter: 14.

    Example:
        >>> fig = agreement([[1.0, -0.5], [-0.5, 1.0]], ["a", "b"])
        >>> [text.get_text() for text in fig.axes[0].texts]
        ['−0.5']
    """
    m = _drawing.array("matrix", matrix, 2)
    _drawing.match("matrix", m, (len(names), len(names)))
    if abs(m).max() > 1 + 1e-12:
        raise ValueError(f"matrix must hold numbers from -1 to 1, got {abs(m).max():.4g}")
    k = len(names)
    fig, ax = figure(height=0.8 + 0.42 * k)
    shown = np.ma.masked_where(~np.tri(k, k=-1, dtype=bool), m)[1:, :-1]
    ax.imshow(shown, cmap="PuOr", vmin=-1.5, vmax=1.5, aspect="auto")
    for i in range(1, k):
        for j in range(i):
            ax.text(j, i - 1, f"{m[i, j]:.1f}".replace("-", "−"), ha="center", va="center")
    ax.set_xticks(range(k - 1), names[:-1])
    ax.set_yticks(range(k - 1), names[1:])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return fig


def knobs(
    paths: Mapping[str, tuple[Any, Any]],
    here: tuple[str, int],
    images: Any,
    *,
    labels: tuple[str, str],
    data: tuple[float, float],
    columns: int = 6,
    window: tuple[tuple[float, float], tuple[float, float]] | None = None,
) -> Figure:
    """Paths of methods over two scores as a hyper-parameter varies, and samples of one model.

    Args:
        paths: name of each method, and the (k,) values of the two scores along its path.
        here: name of the method and index on its path of the model that is shown, red.
        images: (n, h, w) samples of that model, with ink from 0 to 1.
        labels: labels of the two axes.
        data: the two scores of the data, drawn as blue lines.
        columns: number of images in a row.
        window: limits of the two axes; chosen from the values where None.

    Returns:
        The figure, with the plane first and the samples second.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or there is no such path.

    Chapter: 14.

    Example:
        >>> fig = knobs({"vae": ([1, 2], [3, 4])}, ("vae", 0), [[[0.0, 1.0]]] * 6,
        ...             labels=("a", "b"), data=(1.0, 3.0))
        >>> len(fig.axes)
        2
    """
    name, k = here
    _checks.choice("here", name, paths)
    fig = Figure(figsize=(WIDTH, 3.9))
    ax = fig.add_axes(inset(0.75, 0.6, 3.35, 2.75, WIDTH, 3.9))
    ink = fig.add_axes(inset(4.3, 0.35, 2.65, 3.3, WIDTH, 3.9))
    for level, draw in zip(data, (ax.axvline, ax.axhline), strict=True):
        draw(_checks.number("data", level), color=BLUE, linewidth=1.2, zorder=0)
    styles = zip(METHODS, ("-", "--", "-.", ":", (0, (3, 1, 1, 1))), strict=True)
    for (method, (u, v)), (color, line) in zip(paths.items(), styles, strict=False):
        u, v = _drawing.array("paths", u, 1), _drawing.array("paths", v, 1)
        _drawing.match("paths", v, u.shape)
        wide = 2.6 if method == name else 1.2
        ax.plot(u, v, color=color, linestyle=line, linewidth=wide, marker=".", label=method)
        if method == name:
            ax.plot([u[k]], [v[k]], "o", color=RED, markersize=9, zorder=5)
    if window is not None:
        ax.set(xlim=window[0], ylim=window[1])
    ax.set(xlabel=labels[0], ylabel=labels[1])
    legend(ax, 2)
    one = np.round(8 * sheet(images, columns)) / 8  # few greys: no tints where colours are few
    ink.imshow(one, cmap="gray_r", interpolation="nearest", vmin=0.0, vmax=1.0)
    ink.set(xticks=[], yticks=[])
    ink.spines[:].set_visible(False)

    def stacked(fig: Figure, undo: ExitStack) -> None:
        side = NARROW - 0.5
        high = side * one.shape[0] / one.shape[1]
        resize(fig, NARROW, high + 3.9, undo)
        move(ink, (0.25, 0.1, side, high), undo)
        move(ax, (0.75, high + 0.8, NARROW - 0.85, 2.4), undo)

    return arrange(fig, stacked)
