"""Pictures of chapter 8: decoders that are not injective, and what a bound says."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.general import density_curves, plan_lines
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.style import BLUE, GREY, METHODS, NARROW, RED, VIOLET, WIDTH, figure


def lanes(x: Any, made: Any, z: Any, b: Any, encoders: Mapping[str, Any], marked: int) -> Figure:
    """Encoders that induce the same transport plan, and the codes that they use.

    In the first panel, violet lines join data (blue) and decoded codes (red) that exchange mass
    under the first encoder; a ring marks one data point. The panels below show, for each encoder,
    the prior (red line), the codes of all data (violet bars), and among them the codes of the
    marked point (black).

    Args:
        x: (n, 2) data.
        made: (m, 2) decoded codes.
        z: (m,) codes, in increasing order.
        b: (m,) weights of the prior.
        encoders: name of each encoder, and its (n, m) plan between data and codes.
        marked: index of the data point that is marked.

    Returns:
        The figure.

    Raises:
        ValueError: if there is no encoder, shapes do not match, or a number is not finite.

    Chapter: 8.

    Example:
        >>> fig = lanes([[0, 1]], [[0, 0], [0, 0]], [-1, 1], [0.5, 0.5],
        ...             {"one lane": [[1, 0]], "both": [[0.5, 0.5]]}, marked=0)
        >>> [ax.get_xlabel() for ax in fig.axes[1:]]
        ['one lane', 'both']
    """  # fmt: skip
    if not encoders:
        raise ValueError("encoders must hold at least one encoder, got none")
    z, b = _drawing.array("z", z, 1), _drawing.array("b", b, 1)
    _drawing.match("b", b, z.shape)
    x = _drawing.array("x", x, 2)
    marked = _checks.count("marked", marked, at_least=0)
    if marked >= len(x):
        raise ValueError(f"marked must be one of {len(x)} data, got {marked}")
    plans = {k: _drawing.array(f"encoders[{k!r}]", P, 2) for k, P in encoders.items()}
    for name, P in plans.items():
        _drawing.match(f"encoders[{name!r}]", P, (len(x), len(z)))
    fig = Figure(figsize=(WIDTH, 4.9), layout="constrained")
    grid = fig.add_gridspec(2, len(plans), height_ratios=[2.3, 1])
    plane = fig.add_subplot(grid[0, :])
    plan_lines(made, x, next(iter(plans.values())).T, ax=plane)
    ring: Any = {"facecolors": "none", "edgecolors": "black", "linewidths": 1.6, "zorder": 4}
    plane.scatter(x[marked, 0], x[marked, 1], s=230, **ring)
    plane.set_aspect("equal", adjustable="box")
    plane.set_axis_off()
    wide = 0.9 * float(np.diff(z).min())
    top = 1.08 * max(b.max(), *(P.sum(axis=0).max() for P in plans.values()))
    for k, (name, P) in enumerate(plans.items()):
        ax = fig.add_subplot(grid[1, k])
        ax.bar(z, P.sum(axis=0), width=wide, color=VIOLET)
        ax.bar(z, P[marked], width=wide, color="black")
        ax.plot(z, b, color=RED, drawstyle="steps-mid")
        ax.axvline(0.0, color=GREY, linestyle=":", linewidth=1.0)
        ax.set(yticks=[], ylim=(0, top), xticks=[-1, 0, 1], xlabel=name)
    return fig


def exchanged(start: Any, length: Any, code: Any, home: Any) -> Figure:
    """A deterministic encoder of uniform data that exchanges intervals without stretching them.

    The data are above, the codes below. A violet band joins each interval of the data to the
    interval of its codes, and carries the number of the point to which these codes are decoded.
    Bands with the same number have the same shade.

    Args:
        start: (m,) left end of each interval of the data.
        length: (m,) its length.
        code: (m,) left end of the interval of its codes.
        home: (m,) index of the point to which these codes are decoded, from 0.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match or a number is not finite.

    Chapter: 8.

    Example:
        >>> fig = exchanged([0.0, 0.5], [0.5, 0.5], [0.5, 0.0], [0, 1])
        >>> [text.get_text() for text in fig.axes[0].texts]
        ['1', '1', '2', '2']
    """
    start, length = _drawing.array("start", start, 1), _drawing.array("length", length, 1)
    code, home = _drawing.array("code", code, 1), _drawing.array("home", home, 1)
    for name, value in (("length", length), ("code", code), ("home", home)):
        _drawing.match(name, value, start.shape)
    fig, ax = figure(height=2.7)
    shades = np.linspace(0.75, 0.2, int(home.max()) + 1)
    for s, w, c, h in zip(start, length, code, home.astype(int), strict=True):
        corners = [(s, 1), (s + w, 1), (c + w, 0), (c, 0)]
        ax.add_patch(Polygon(corners, facecolor=VIOLET, alpha=shades[h], edgecolor="white"))
        for left, bottom, color in ((s, 1.0, BLUE), (c, -0.13, RED)):
            box = Rectangle((left, bottom), w, 0.13, facecolor="none", edgecolor=color, linewidth=2)
            ax.add_patch(box)
            ax.text(left + w / 2, bottom + 0.055, str(h + 1), ha="center", va="center")
    ax.set(xlim=(-0.01, 1.01), ylim=(-0.16, 1.16), yticks=[-0.065, 1.065])
    ax.set_yticklabels(["codes", "data"])
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
    ax.set_xticks([0, 1])
    return fig


def noisy_line(
    s: float, ell: float, sd: float, slopes: Any, truth: Any, bound: Any, *, top: float
) -> Figure:
    """Gaussian data, a decoder z -> ell z with noise, and two costs as functions of its slope.

    Args:
        s: standard deviation of the data.
        ell: slope of the decoder, > 0.
        sd: standard deviation of its noise.
        slopes: (k,) slopes, in increasing order.
        truth: (k,) transport cost between the data and the noisy model.
        bound: (k,) the upper bound that is minimised in training.
        top: upper limit of the axis of both costs.

    Returns:
        The figure, with densities in the first panel and both costs in the second, where dots mark
        the slope ``ell`` and triangles the minima.

    Raises:
        ValueError: if shapes do not match or a number is not positive.

    Chapter: 8.

    Example:
        >>> fig = noisy_line(1.0, 0.5, 0.6, [0, 1, 2], [3, 1, 2], [4, 3, 5], top=5.0)
        >>> [float(line.get_xdata()[0]) for line in fig.axes[1].lines[2:]]
        [1.0, 0.5, 1.0, 0.5]
    """
    s, ell = _checks.positive("s", s), _checks.positive("ell", ell)
    sd = _checks.number("sd", sd, at_least=0.0)
    slopes = _drawing.array("slopes", slopes, 1)
    # Laid out by hand: the same place for every frame, and quicker than a layout engine.
    fig = Figure(figsize=(WIDTH, 3.3))
    left, right = (fig.add_axes(box) for box in ((0.01, 0.17, 0.42, 0.8), (0.54, 0.17, 0.44, 0.8)))
    t = np.linspace(-3.6 * s, 3.6 * s, 241)
    density_curves(
        t,
        {
            "data": _normal(t, s),
            "model, with noise": _normal(t, float(np.hypot(ell, sd))),
            "without": _normal(t, ell),
        },
        colors={"without": RED},
        ax=left,
    )
    left.set(yticks=[], ylim=(0, 1.25 / (2.5 * 0.4 * s)), xlim=(t[0], t[-1]), xlabel="position")
    left.legend(loc="upper left", handlelength=1.3, borderaxespad=0.0)
    named = (("bound $W^\\dagger$", bound, "--"), ("truth $W_2^2$", truth, "-"))
    for (name, values, stroke), color in zip(named, METHODS, strict=False):
        v = _drawing.array(name, values, 1)
        _drawing.match(name, v, slopes.shape)
        right.plot(slopes, v, stroke, color=color, label=name)
    for (_, values, _), color in zip(named, METHODS, strict=False):
        v = _drawing.array("values", values, 1)
        low = int(v.argmin())
        right.plot(slopes[low], v[low], "v", color=color, markersize=9, clip_on=False, zorder=3)
        right.plot(ell, np.interp(ell, slopes, v), "o", color=color, markersize=8, clip_on=False)
    right.set(xlabel="slope $\\ell$ of the decoder", ylabel="cost")
    right.set(ylim=(0, top), xlim=(slopes[0], slopes[-1]))
    right.legend(loc="upper right", handlelength=1.6)

    def below(fig: Figure, undo: ExitStack) -> None:
        resize(fig, NARROW, 6.5, undo)  # legends go above their axes
        move(left, (0.1, 3.5, NARROW - 0.2, 2.1), undo)
        move(right, (0.6, 0.55, NARROW - 0.75, 2.0), undo)

    return arrange(fig, below)


def _normal(t: np.ndarray, sd: float) -> np.ndarray:
    return np.exp(-((t / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))
