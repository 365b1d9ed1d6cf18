"""Scatter plots of methods over two scores, with their names beside them."""

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

#: Names of recipes where room is short.
SHORT = {
    "mke_sinkhorn": "MKE", "mke_exact": "MKE exact", "wgan_gp": "WGAN-GP", "wgan_clip": "WGAN clip",
    "semidual": "semi-dual", "vae": "VAE", "avb": "AVB", "penalized_ot": "P-OT", "aae": "AAE",
    "latent_ot_semidiscrete": "latent cells", "latent_ot_gaussian": "latent Gauss",
    "latent_ot_mixture": "latent mixture", "latent_ot_pairs": "latent pairs",
}  # fmt: skip


def short(name: str) -> str:
    """The short name of a recipe, for figures.

    Args:
        name: name of a recipe, or any other name.

    Returns:
        The short name; any other name is returned unchanged.

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
    """Scatter plot of methods over two scores, with the spread over their seeds.

    Args:
        x: name of each method, and its values of the horizontal score, one for each seed.
        y: the same for the vertical score.
        xlabel: what the horizontal axis shows.
        ylabel: what the vertical axis shows.
        data: the two scores of real data, drawn as blue lines; no lines where None.
        floor: (k, 2) points of a grey curve, below which no model can lie.
        log: which axes are logarithmic, "x", "y" or "xy".

    Returns:
        The figure. A cross extends one standard deviation to each side of the mean.

    Raises:
        ValueError: if ``x`` and ``y`` name different methods or none, or a number is not finite.

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
    leads = LineCollection([], colors=[color for *_, color in at], linewidths=0.7, alpha=0.7)
    leads.set_transform(ax.transAxes)
    ax.add_collection(leads, autolim=False)
    _beside(ax, at, names, leads, (WIDTH - 1.0, 3.65))
    legend(ax, len(seen), 1.0)

    def tall(fig: Figure, undo: ExitStack) -> None:
        resize(fig, NARROW, 4.8, undo)
        move(ax, (0.75, 0.6, NARROW - 0.85, 3.4), undo)
        for text in names:
            undo.callback(text.set, position=text.get_position(), ha=text.get_horizontalalignment())
        undo.callback(leads.set_segments, leads.get_segments())
        _beside(ax, at, names, leads, (NARROW - 0.85, 3.4))

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


def legend(ax: Axes, columns: int, handle: float = 2.0) -> None:
    """The names above the axes, behind handles of a length in letters."""
    ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, handletextpad=0.3,
        handlelength=handle, columnspacing=1.0, borderaxespad=0.2,
    )  # fmt: skip


def _beside(
    ax: Axes, at: Sequence[tuple[float, float, str, str]], names: Sequence[Any],
    leads: LineCollection, inches: tuple[float, float],
) -> None:  # fmt: skip
    """Put each name beside its point, where it meets the fewest others, in a few rounds.

    A name that stands away from its point is led to it by a line.
    """
    flat = ax.transScale.transform(np.array([(u, v) for u, v, *_ in at], dtype=float))
    centre = ax.transLimits.transform(flat) * np.array(inches)
    marks = np.concatenate([centre - 0.06, centre + 0.06], 1)  # left, bottom, right, top
    wide = np.array([sum(0.125 if c.isupper() else 0.09 for c in name) for _, _, name, _ in at])
    step = np.array(_AROUND)
    start = step[:, :1] - wide * (step[:, :1] < 0) - wide / 2 * (step[:, :1] == 0)
    left, bottom = start + centre[:, 0], step[:, 1:] + centre[:, 1] - 0.1
    boxes = np.stack([left, bottom, left + wide, bottom + 0.2], -1)  # (places, names, 4)
    out = np.maximum(-boxes[..., :2], boxes[..., 2:] - np.array(inches)).clip(0.0).sum(-1)
    alone = 4 * out + 0.1 * np.hypot(*step.T)[:, None]
    chosen: list[int | None] = [None] * len(at)
    for k in list(range(len(at))) * 4:
        others = [boxes[c, j] for j, c in enumerate(chosen) if c is not None and j != k]
        met = np.stack([*np.delete(marks, k, 0), *others]) if len(at) > 1 else marks[:0]
        chosen[k] = int((alone[:, k] + 10 * _overlap(boxes[:, k, None], met).sum(1)).argmin())
    lines = []
    for k, (text, c) in enumerate(zip(names, chosen, strict=True)):
        dx, dy = step[c]
        low, high = boxes[c, k, :2], boxes[c, k, 2:]
        end = centre[k].clip(low, high)
        far = np.hypot(*(end - centre[k])) > 0.25
        lines.append(np.stack([centre[k], end if far else centre[k]]) / inches)
        side = "right" if dx < 0 else "center" if dx == 0 else "left"
        text.set(position=(72 * dx, 72 * dy), ha=side)
    leads.set_segments(lines)


#: Positions of a name, in inches from its point.
_AROUND = [
    (dx, dy)
    for r in (0.12, 0.24, 0.4, 0.6, 0.8)
    for dx, dy in ((r, 0), (-r, 0), (0, r), (0, -r), (r, r), (r, -r), (-r, r), (-r, -r))
]


def _overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The areas that boxes share."""
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared: np.ndarray = sides.clip(0.0).prod(-1)
    return shared
