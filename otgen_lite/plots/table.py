"""Pictures of chapter 14: methods over two scores, seeds over a floor, orders that agree or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, resize
from otgen_lite.plots.penalised import sheet
from otgen_lite.plots.style import (
    BLUE,
    FAINT,
    GREY,
    METHODS,
    NARROW,
    RED,
    WIDTH,
    figure,
)

#: Families of recipes by the beginning of a name, with a colour and a mark each.
FAMILIES = {
    "estimation": (("mke", "semidual"), METHODS[0], "o"),
    "critics": (("wgan",), METHODS[1], "s"),
    "likelihood": (("vae", "avb"), METHODS[2], "^"),
    "penalty": (("penalized", "aae"), METHODS[3], "D"),
    "latent map": (("latent",), METHODS[4], "v"),
}

#: What a recipe is called where room is short.
SHORT = {
    "mke_sinkhorn": "MKE", "mke_exact": "MKE exact", "wgan_gp": "WGAN-GP", "wgan_clip": "WGAN clip",
    "semidual": "semi-dual", "vae": "VAE", "avb": "AVB", "penalized_ot": "P-OT", "aae": "AAE",
    "latent_ot_semidiscrete": "latent cells", "latent_ot_gaussian": "latent Gauss",
    "latent_ot_mixture": "latent mixture", "latent_ot_pairs": "latent pairs",
}  # fmt: skip


def short(name: str) -> str:
    """What a recipe is called in a figure.

    Args:
        name: name of a recipe, or any other name.

    Returns:
        Its short name; a name that is no recipe's, as it is.

    Chapter: 14.

    Example:
        >>> short("penalized_ot"), short("mine")
        ('P-OT', 'mine')
    """
    return SHORT.get(name, name)


def _look(name: str) -> tuple[str, str, str]:
    """Family, colour and mark; what belongs to no family is the reader's own, and red."""
    for family, (beginnings, color, mark) in FAMILIES.items():
        if name.startswith(beginnings):
            return family, color, mark
    return "yours", RED, "*"


def places(
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    data: tuple[float | None, float | None] = (None, None),
    floor: Any = None,
    log: str = "",
) -> Figure:
    """Each method at its place over two scores, with the spread of its seeds.

    Args:
        x: name of each method, and its values on the horizontal axis, one a seed.
        y: the same for the vertical axis.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.
        data: what real data score, a blue line at each axis; None for none.
        floor: (k, 2) points of a curve below which nothing can be, grey.
        log: which axes are logarithmic, "x", "y" or "xy".

    Returns:
        The figure. A cross reaches one standard deviation to each side of the mean.

    Raises:
        ValueError: if the methods differ, there is none, or a number is not finite.

    Chapter: 14.

    Example:
        >>> fig = places({"vae": [1, 2]}, {"vae": [3, 4]}, xlabel="a", ylabel="b")
        >>> [text.get_text() for text in fig.axes[0].texts]
        ['VAE']
    """
    if not x or set(x) != set(y):
        raise ValueError(f"x and y must hold the same methods, got {sorted(x)} and {sorted(y)}")
    if log not in ("", "x", "y", "xy"):
        raise ValueError(f"log must be 'x', 'y', 'xy' or empty, got {log!r}")
    fig, ax = figure(height=4.6)
    seen: set[str] = set()
    at = []
    for name in x:
        u, v = (_drawing.array(f"{n}[{name!r}]", m[name], 1) for n, m in (("x", x), ("y", y)))
        family, color, mark = _look(name)
        spread = [float(w.std(ddof=1)) if w.size > 1 else 0.0 for w in (u, v)]
        ax.errorbar(u.mean(), v.mean(), spread[1], spread[0], color=color, elinewidth=1.0)
        label = "" if family in seen else family
        ax.plot(u.mean(), v.mean(), mark, color=color, markersize=8, label=label)
        seen.add(family)
        at.append((float(u.mean()), float(v.mean()), short(name), color))
    for letter, scale in (("x", ax.set_xscale), ("y", ax.set_yscale)):
        if letter in log:
            scale("log")
    ax.margins(0.16, 0.12)
    limits = ax.get_xlim(), ax.get_ylim()
    for level, draw in zip(data, (ax.axvline, ax.axhline), strict=True):
        if level is not None:
            draw(level, color=BLUE, linewidth=1.2, zorder=0)
    if floor is not None:
        curve = _drawing.array("floor", floor, 2)
        _drawing.match("floor", curve, (len(curve), 2))
        ax.plot(*curve.T, color=GREY, linestyle="--", linewidth=1.5, zorder=0)
        ax.set(xlim=limits[0], ylim=limits[1])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    _beside(ax, at)
    _legend(ax, len(seen))

    def tall(fig: Figure, undo: ExitStack) -> None:
        resize(fig, NARROW, 4.6, undo)
        kept = [(text, text.get_position(), text.get_ha(), text.get_va()) for text in ax.texts]
        for text, where, ha, va in kept:
            undo.callback(text.set, position=where, ha=ha, va=va)
        _beside(ax, at, texts=[text for text, *_ in kept], wide=NARROW, high=4.6)

    return arrange(fig, tall)


def _legend(ax: Axes, columns: int) -> None:
    """The names above the axes."""
    ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, handletextpad=0.3,
        columnspacing=1.0, borderaxespad=0.2,
    )  # fmt: skip


def _beside(
    ax: Axes, at: Sequence[tuple[float, float, str, str]], *, texts: Any = None,
    wide: float = WIDTH, high: float = 4.6,
) -> None:  # fmt: skip
    """Write a name beside each point, where it meets the fewest others; a greedy search."""
    inches = np.array([wide - 0.8, high - 1.2 if wide > NARROW else high - 1.7])
    to_axes = ax.transLimits.transform(
        ax.transScale.transform(np.array([(u, v) for u, v, *_ in at], dtype=float))
    )
    centre = to_axes * inches
    taken = [(c[0] - 0.06, c[1] - 0.06, c[0] + 0.06, c[1] + 0.06) for c in centre]
    for k, (u, v, name, color) in enumerate(at):
        w, h = 0.1 * len(name), 0.18
        best, least = None, np.inf
        for dx, dy in _AROUND:
            x0 = centre[k, 0] + dx - (w if dx < 0 else w / 2 if dx == 0 else 0)
            y0 = centre[k, 1] + dy - h / 2
            box = (x0, y0, x0 + w, y0 + h)
            out = max(0.0, -box[0]) + max(0.0, box[2] - inches[0])
            out += max(0.0, -box[1]) + max(0.0, box[3] - inches[1])
            cost = 4 * out + 0.05 * float(np.hypot(dx, dy))
            cost += sum(_overlap(box, other) for j, other in enumerate(taken) if j != k) * 10
            if cost < least:
                best, least = (dx, dy, box), cost
        assert best is not None
        dx, dy, box = best
        taken.append(box)
        ha = "right" if dx < 0 else "center" if dx == 0 else "left"
        offset = (72 * dx, 72 * dy)
        if texts is None:
            ax.annotate(
                name, (u, v), xytext=offset, textcoords="offset points", ha=ha, va="center",
                color=color,
            )  # fmt: skip
        else:
            texts[k].set(position=offset, ha=ha)


#: Where a name may stand, in inches from its point.
_AROUND = [
    (dx, dy)
    for r in (0.12, 0.24, 0.4)
    for dx, dy in ((r, 0), (-r, 0), (0, r), (0, -r), (r, r), (r, -r), (-r, r), (-r, -r))
]


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """The area that two boxes share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def ladder(
    scores: Mapping[str, Mapping[str, Any]], lines: Mapping[str, Mapping[str, Any]] | None = None
) -> Figure:
    """Every seed of every method, a row a method, a panel a score.

    Args:
        scores: what a panel shows, and for each method its values, one a seed. The rows are the
            methods of the first panel, from above.
        lines: for a panel, lines to draw down it: a name, and one value or the two ends of a band.

    Returns:
        The figure: small marks for seeds, a large one for their mean.

    Raises:
        ValueError: if a panel misses a method, there is none, or a number is not finite.

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
            _, color, mark = _look(name)
            ax.plot(v, np.full(v.size, k), mark, color=color, markersize=4, alpha=0.5)
            ax.plot([v.mean()], [k], mark, color=color, markersize=9)
        ax.set(xlabel=panel, ylim=(len(rows) - 0.4, -0.6))
        ax.grid(axis="y", color=FAINT, linewidth=0.8)
        ax.set_yticks(range(len(rows)), [short(name) for name in rows])
    return fig


def agreement(matrix: Any, names: Sequence[str]) -> Figure:
    """How far orders agree, pair by pair: a number in each field, dark where they are opposite.

    Args:
        matrix: (k, k) rank correlations from -1 to 1.
        names: of the k orders.

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
    """Where a knob moves models over two scores, and what one of them draws.

    Args:
        paths: name of each method, with (k,) values of two scores along its knob.
        here: name and place on its path of the model that is shown, red.
        images: (n, h, w) samples of it, with ink from 0 to 1.
        labels: what the two axes show.
        data: what the data score, blue lines.
        columns: images in a row.
        window: ends of the two axes; from the values where None.

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
    fig, (ax, ink) = figure(1, 2, height=3.7, width_ratios=[1.35, 1])
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
    _legend(ax, 2)
    one = sheet(images, columns)
    ink.imshow(one, cmap="gray_r", interpolation="nearest", vmin=0.0, vmax=1.0)
    ink.set(xticks=[], yticks=[])
    ink.spines[:].set_visible(False)
    return fig
