"""Pictures of chapter 10: sheets of small images, penalty paths, latent weights."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.style import GREY, METHODS, NARROW, RED, VIOLET, WIDTH

#: Pixels of white between two small images.
GAP = 1


def sheet(images: Any, columns: int) -> np.ndarray:
    """Arrange small images into one large one, row by row, with white between them.

    Args:
        images: (k, height, width) images with ink from 0 (paper) to 1; values outside are clipped.
        columns: number of images in a row.

    Returns:
        The sheet, with ink from 0 to 1. Positions without an image are white.

    Raises:
        ValueError: if the shape is wrong, or a number is not finite.

    Chapter: 10.

    Example:
        >>> sheet([[[1.0]], [[0.5]], [[2.0]]], columns=2)
        array([[1. , 0. , 0.5],
               [0. , 0. , 0. ],
               [1. , 0. , 0. ]])
    """
    stack = np.clip(_drawing.array("images", images, 3), 0.0, 1.0)
    columns = _checks.count("columns", columns)
    k, height, width = stack.shape
    rows = -(-k // columns)
    out = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP))
    for i, image in enumerate(stack):
        top, left = (i // columns) * (height + GAP), (i % columns) * (width + GAP)
        out[top : top + height, left : left + width] = image
    return out


def sheets(panels: Mapping[str, Any], *, columns: int, side: int | None = None) -> Figure:
    """Sheets of small images, each with its name.

    Args:
        panels: name of each sheet, and its (k, height, width) images with ink from 0 to 1.
        columns: number of images in a row of a sheet.
        side: number of sheets side by side; all of them where None.

    Returns:
        The figure, with the names under the sheets.

    Raises:
        ValueError: if there is no sheet, a shape is wrong, or a number is not finite.

    Chapter: 10.

    Example:
        >>> fig = sheets({"data": [[[0.0, 1.0]]], "model": [[[1.0, 0.0]]]}, columns=1)
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['data', 'model']
    """
    if not panels:
        raise ValueError("panels must hold at least one sheet, got none")
    drawn = {name: sheet(images, columns) for name, images in panels.items()}
    side = len(drawn) if side is None else _checks.count("side", side)
    rows = -(-len(drawn) // side)
    tall = max(one.shape[0] / one.shape[1] for one in drawn.values())
    height = rows * (WIDTH / side * 0.97 * tall + 0.32)
    fig = Figure(figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(wspace=0.06))
    for k, (name, one) in enumerate(drawn.items()):
        ax = fig.add_subplot(rows, side, k + 1)
        _ink(ax, one)
        ax.set_xlabel(name)
    return fig


def autoencoder(
    samples: Any, noisy: Any, data: Any, made: Any, *, columns: int, mark: str = ""
) -> Figure:
    """Samples and reconstructions of an auto-encoder, on one page.

    Args:
        samples: (k, height, width) decoded codes of the prior.
        noisy: (c, height, width) the first of them with the decoder's noise.
        data: (c, height, width) data.
        made: (c, height, width) reconstructions of the data.
        columns: number of images in a row.
        mark: a remark above the page, in a violet frame; none where empty.

    Returns:
        The figure.

    Raises:
        ValueError: if a shape is wrong, or a number is not finite.

    Chapter: 10.

    Example:
        >>> one = [[[0.0, 1.0], [1.0, 0.0]]]
        >>> fig = autoencoder(one, one, one, one, columns=1, mark="AAE")
        >>> [ax.get_ylabel() for ax in fig.axes], fig.texts[0].get_text()
        (['samples', 'with\\nnoise', 'data', 'recon-\\nstructed'], 'AAE')
    """
    named = {"samples": samples, "with\nnoise": noisy, "data": data, "recon-\nstructed": made}
    drawn = {name: sheet(images, columns) for name, images in named.items()}
    # Laid out by hand: the same place for every frame, and quicker than a layout engine.
    left, right, top, between = 0.95, 0.03, 0.36, 0.1
    wide = WIDTH - left - right
    heights = [wide * one.shape[0] / one.shape[1] for one in drawn.values()]
    tall = top + sum(heights) + between * len(heights)
    fig, y = Figure(figsize=(WIDTH, tall)), tall - top
    for (name, one), height in zip(drawn.items(), heights, strict=True):
        y -= height
        ax = fig.add_axes((left / WIDTH, y / tall, wide / WIDTH, height / tall))
        y -= between
        _ink(ax, one)
        ax.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
    if mark:
        frame = {"facecolor": "white", "edgecolor": VIOLET, "linewidth": 2.0}
        middle = (left + wide / 2) / WIDTH
        fig.text(middle, 1 - 0.5 * top / tall, mark, ha="center", va="center", bbox=frame)

    def names_above(fig: Figure, undo: ExitStack) -> None:
        line, shares = 0.3, [h / wide * NARROW for h in heights]
        y = 1.4 * top + sum(shares) + line * len(shares)
        resize(fig, NARROW, y, undo)
        for remark in fig.texts:
            undo.callback(remark.set_position, remark.get_position())
            remark.set_position((0.5, 1 - 0.6 * top / y))
        y -= 1.4 * top
        for ax, share in zip(fig.axes, shares, strict=True):
            y -= line + share
            move(ax, (0.0, y, NARROW, share), undo)
            name = ax.get_ylabel()
            undo.callback(ax.set_ylabel, name, rotation=0, ha="right", va="center", labelpad=6)
            undo.callback(ax.set_title, "", loc="left")
            ax.set_title(name.replace("-\n", "").replace("\n", " "), loc="left", pad=3)
            ax.set_ylabel("")

    return arrange(fig, names_above)


def penalty_paths(
    lams: Any,
    paths: Mapping[str, Any],
    W: Any,
    W0: Any,
    *,
    exact: Any = None,
    ax: Axes | None = None,
) -> Figure:
    """Values of the penalised problem as functions of the penalty's weight, between their limits.

    Args:
        lams: (k,) positive weights, in increasing order; their axis is logarithmic.
        paths: name of each penalty, and its (k,) values.
        W: the value of the constrained problem, an upper line.
        W0: the value without penalty, a lower line.
        exact: the weight from which on the first path is exact, which is marked; no mark where
            None.
        ax: axes to draw on; a new figure where None.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or there is no path.

    Chapter: 10.

    Example:
        >>> fig = penalty_paths([0.1, 1.0], {"TV": [0.2, 0.3]}, 0.3, 0.1, exact=1.0)
        >>> len(fig.axes[0].lines)
        4
    """
    lams = _drawing.array("lams", lams, 1)
    if not paths:
        raise ValueError("paths must hold at least one path, got none")
    fig, ax = _drawing.axes_or_new(ax, height=3.2)
    ends = {r"$W$": float(_checks.number("W", float(W))), r"$W^0$": float(W0)}
    for name, level in ends.items():
        ax.axhline(level, color=GREY, linestyle=":", linewidth=1.5)
        ax.annotate(name, (1.01, level), xycoords=("axes fraction", "data"), va="center")
    styles = zip(METHODS[:4], ("-", "--", "-.", ":"), strict=True)
    for (name, values), (color, style) in zip(paths.items(), styles, strict=False):
        v = _drawing.array(f"paths[{name!r}]", values, 1)
        _drawing.match(f"paths[{name!r}]", v, lams.shape)
        ax.plot(lams, v, color=color, linestyle=style, label=name)
    if exact is not None:
        ax.plot([float(exact)], [ends[r"$W$"]], "o", color=VIOLET, markersize=8)
    ax.set_xscale("log")
    ax.set(xlabel="weight of the penalty λ", ylabel=r"$W^\lambda$", xlim=(lams[0], lams[-1]))
    ax.legend(loc="lower right")
    return fig


def latent_weights(z: Any, b: Any, q: Any, *, top: float | None = None, ax: Axes) -> None:
    """A prior on the line, and the distribution of the codes of data under an encoder.

    Args:
        z: (m,) codes, in increasing order.
        b: (m,) weights of the prior: a red line.
        q: (m,) weights of the codes of the data: violet bars.
        top: upper limit of the vertical axis.
        ax: axes to draw on.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 10.

    Example:
        >>> from otgen_lite.plots import figure
        >>> fig, ax = figure()
        >>> latent_weights([-1, 0, 1], [0.2, 0.6, 0.2], [0.5, 0.0, 0.5], ax=ax)
        >>> [bar.get_height() for bar in ax.patches]
        [np.float64(0.5), np.float64(0.0), np.float64(0.5)]
    """
    z, b, q = (_drawing.array(n, v, 1) for n, v in (("z", z), ("b", b), ("q", q)))
    _drawing.match("b", b, z.shape)
    _drawing.match("q", q, z.shape)
    ax.bar(z, q, width=0.9 * float(np.diff(z).min()), color=VIOLET)
    ax.plot(z, b, color=RED)
    ax.set(yticks=[], ylim=(0, top), xlabel="code")


def _ink(ax: Axes, one: np.ndarray) -> None:
    ax.imshow(one, cmap="gray_r", interpolation="nearest", vmin=0.0, vmax=1.0, aspect="auto")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
