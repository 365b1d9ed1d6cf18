"""Methods at their places over two scores, with their names beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.style import BLUE, GREY, METHODS, NARROW, RED, WIDTH

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


def look(name: str) -> tuple[str, str, str]:
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
    # Laid out by hand: the same place for every frame, and quicker than a layout engine.
    fig = Figure(figsize=(WIDTH, 4.6))
    ax = fig.add_axes(inset(0.85, 0.6, WIDTH - 1.0, 3.65, WIDTH, 4.6))
    seen: set[str] = set()
    at, bars, hues = [], [], []
    for name in x:
        u, v = (_drawing.array(f"{n}[{name!r}]", m[name], 1) for n, m in (("x", x), ("y", y)))
        family, color, mark = look(name)
        label = "" if family in seen else family
        ax.plot(u.mean(), v.mean(), mark, color=color, markersize=8, label=label)
        a, b = (w.std(ddof=1) if w.size > 1 else 0.0 for w in (u, v))
        bars += [
            [(u.mean() - a, v.mean()), (u.mean() + a, v.mean())],
            [(u.mean(), v.mean() - b), (u.mean(), v.mean() + b)],
        ]
        hues += [color, color]
        seen.add(family)
        at.append((float(u.mean()), float(v.mean()), short(name), color))
    ax.add_collection(LineCollection(bars, colors=hues, linewidths=1.0))
    reached = np.array(bars).reshape(-1, 2)
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    ax.set_xlim(*_ends(reached[:, 0], "x" in log))
    ax.set_ylim(*_ends(reached[:, 1], "y" in log))
    for level, draw in zip(data, (ax.axvline, ax.axhline), strict=True):
        if level is not None:
            draw(level, color=BLUE, linewidth=1.2, zorder=0)
    if floor is not None:
        curve = _drawing.array("floor", floor, 2)
        _drawing.match("floor", curve, (len(curve), 2))
        ax.plot(*curve.T, color=GREY, linestyle="--", linewidth=1.5, zorder=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    names = [
        ax.annotate(name, (u, v), (0, 0), textcoords="offset points", va="center", color=color)
        for u, v, name, color in at
    ]
    _beside(ax, at, names, (WIDTH - 1.0, 3.65))
    legend(ax, len(seen))

    def tall(fig: Figure, undo: ExitStack) -> None:
        resize(fig, NARROW, 4.8, undo)
        move(ax, (0.75, 0.6, NARROW - 0.85, 3.4), undo)
        for text in names:
            undo.callback(text.set, position=text.get_position(), ha=text.get_horizontalalignment())
        _beside(ax, at, names, (NARROW - 0.85, 3.4))

    return arrange(fig, tall)


def inset(left: float, bottom: float, wide: float, tall: float, width: float, height: float) -> Any:
    """Inches as parts of a figure."""
    return left / width, bottom / height, wide / width, tall / height


def _ends(values: np.ndarray, log: bool) -> tuple[float, float]:
    """Ends of an axis with air for names, also where all values are one."""
    v = np.log(values[values > 0]) if log else values
    low, high = float(v.min()), float(v.max())
    room = 0.16 * (high - low) or 0.1 * abs(high) or 1.0
    ends = low - room, high + room
    return (float(np.exp(ends[0])), float(np.exp(ends[1]))) if log else ends


def legend(ax: Axes, columns: int) -> None:
    """The names above the axes."""
    ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, handletextpad=0.3,
        columnspacing=1.0, borderaxespad=0.2,
    )  # fmt: skip


def _beside(
    ax: Axes, at: Sequence[tuple[float, float, str, str]], names: Sequence[Any],
    inches: tuple[float, float],
) -> None:  # fmt: skip
    """Put each name beside its point, where it meets the fewest others; a greedy search."""
    flat = ax.transScale.transform(np.array([(u, v) for u, v, *_ in at], dtype=float))
    centre = ax.transLimits.transform(flat) * np.array(inches)
    taken = [(c[0] - 0.06, c[1] - 0.06, c[0] + 0.06, c[1] + 0.06) for c in centre]
    for k, (_, _, name, _) in enumerate(at):
        w, h = 0.1 * len(name), 0.18
        best, least = (0.0, 0.0, taken[k]), np.inf
        for dx, dy in _AROUND:
            x0 = centre[k, 0] + dx - (w if dx < 0 else w / 2 if dx == 0 else 0)
            box = (x0, centre[k, 1] + dy - h / 2, x0 + w, centre[k, 1] + dy + h / 2)
            out = max(0.0, -box[0], -box[1], box[2] - inches[0], box[3] - inches[1])
            cost = 4 * out + 0.03 * float(np.hypot(dx, dy))
            cost += sum(_overlap(box, other) for j, other in enumerate(taken) if j != k) * 10
            if cost < least:
                best, least = (dx, dy, box), cost
        dx, dy, box = best
        taken.append(box)
        side = "right" if dx < 0 else "center" if dx == 0 else "left"
        names[k].set(position=(72 * dx, 72 * dy), ha=side)


#: Where a name may stand, in inches from its point.
_AROUND = [
    (dx, dy)
    for r in (0.12, 0.24, 0.4, 0.6)
    for dx, dy in ((r, 0), (-r, 0), (0, r), (0, -r), (r, r), (r, -r), (-r, r), (-r, -r))
]


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """The area that two boxes share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
