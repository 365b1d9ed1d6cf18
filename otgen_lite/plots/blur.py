"""Pictures of chapter 11: the pitchfork of a decoder, and spectra of linear models."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from otgen_lite import _checks
from otgen_lite.plots import _drawing
from otgen_lite.plots.layouts import arrange, move, resize
from otgen_lite.plots.lines import MARKS
from otgen_lite.plots.style import BLUE, GREY, METHODS, NARROW, RED, VIOLET, WIDTH, figure


def pitchfork(
    at: float, variances: Any, g: Any, trained: Mapping[str, tuple[Any, Any]],
    z: Any, encoders: Any, made: Any,
) -> Figure:  # fmt: skip
    """Optimal decoders of the data -1 and 1 over the decoder's variance, and one of them in detail.

    The first panel shows the values of the optimal decoder (black, with both signs) and of trained
    models (marks) as functions of the decoder's variance; a vertical line marks the variance of the
    second panel. The second panel shows, over the codes, the two encoders scaled to height 1 (blue,
    dashed for the data point -1), their overlap (violet), and the decoder (red).

    Args:
        at: the variance of the second panel.
        variances: (k,) variances, in increasing order.
        g: (k,) the optimal decoder's value at the code of the data point 1, >= 0.
        trained: for each kind of model, by name, its (l,) variances and (l,) values, or two empty
            lists.
        z: (m,) codes, in increasing order; encoders over at most eight codes are bars.
        encoders: (2, m) densities or weights of the codes of the data -1 and 1.
        made: (m,) decoded codes.

    Returns:
        The figure.

    Raises:
        ValueError: if shapes do not match, or a number is not finite.

    Chapter: 11.

    Example:
        >>> fig = pitchfork(0.5, [0.1, 0.5, 1], [1, 0.96, 0], {"VAE": ([0.5], [0.8])},
        ...                 [-1, 1], [[0.9, 0.1], [0.1, 0.9]], [-0.96, 0.96])
        >>> [ax.get_xlabel() for ax in fig.axes]
        ['variance $\\\\sigma^2$ of the decoder', 'code']
    """
    at = _checks.positive("at", at)
    t, g = _drawing.array("variances", variances, 1), _drawing.array("g", g, 1)
    _drawing.match("g", g, t.shape)
    z, made = _drawing.array("z", z, 1), _drawing.array("made", made, 1)
    _drawing.match("made", made, z.shape)
    both = _drawing.array("encoders", encoders, 2)
    _drawing.match("encoders", both, (2, len(z)))
    # Laid out by hand: the same place for every frame, and quicker than a layout engine.
    fig = Figure(figsize=(WIDTH, 3.3))
    left, right = (fig.add_axes(box) for box in ((0.1, 0.17, 0.4, 0.8), (0.6, 0.17, 0.39, 0.8)))
    for sign in (1, -1):
        left.plot(t, sign * g, color="black", label="best" if sign == 1 else None)
    for k, (name, (places, values)) in enumerate(trained.items()):
        x, y = (_drawing.array(f"trained[{name!r}]", part, 1) for part in (places, values))
        _drawing.match(f"trained[{name!r}]", y, x.shape)
        for sign in (1, -1):
            left.plot(
                x, sign * y, MARKS[k], color=METHODS[k % 3], label=name if sign == 1 else None
            )
    left.axvline(at, color=VIOLET, linestyle=":")
    left.set(xlabel="variance $\\sigma^2$ of the decoder", ylim=(-1.15, 1.15), yticks=[-1, 0, 1])
    left.set_ylabel("decoded", labelpad=0)
    left.set_xlim(0, t[-1])
    left.locator_params(axis="x", nbins=4)  # no number at the edge of a phone
    left.legend(loc="center left", handlelength=1.4, borderaxespad=0.1)
    tall = both / both.max()
    if len(z) <= 8:
        wide = 0.35 * float(np.diff(z).min())
        for row, shift, hatch in ((tall[0], -0.5, "//"), (tall[1], 0.5, None)):
            right.bar(z + shift * wide, row, width=wide, fill=hatch is None, color=BLUE,
                      edgecolor=BLUE, hatch=hatch, alpha=0.8)  # fmt: skip
        right.bar(z, tall.min(axis=0), width=2 * wide, color=VIOLET)
        right.plot(z, made, "D", color=RED, markersize=9)
    else:
        right.fill_between(z, tall.min(axis=0), color=VIOLET, linewidth=0)
        right.plot(z, tall[0], "--", color=BLUE)
        right.plot(z, tall[1], color=BLUE)
        right.plot(z, made, color=RED)
    right.axhline(0, color=GREY, linewidth=0.8)
    right.set_ylabel("decoder, encoders", labelpad=0)
    right.set(xlabel="code", ylim=(-1.15, 1.15), yticks=[-1, 0, 1], xlim=(z[0], z[-1]))
    if len(z) <= 8:
        right.set(xlim=(z[0] - 1, z[-1] + 1), xticks=list(z))

    def below(fig: Figure, undo: ExitStack) -> None:
        resize(fig, NARROW, 6.0, undo)
        move(left, (0.55, 3.5, NARROW - 0.65, 2.3), undo)
        move(right, (0.55, 0.55, NARROW - 0.65, 2.2), undo)

    return arrange(fig, below)


def spectra(data: Any, named: Mapping[str, tuple[Any, Any]]) -> Figure:
    """Spectra of trained linear models, compared with that of the data.

    Args:
        data: (d,) variances of the data along their principal axes, in decreasing order (blue
            steps).
        named: for each model, by name, its (d,) variances according to theory (a line) and after
            training (marks).

    Returns:
        The figure.

    Raises:
        ValueError: if there are no models, shapes do not match, or a number is not finite.

    Chapter: 11.

    Example:
        >>> fig = spectra([1.0, 0.5], {"σ² = 0.2": ([0.8, 0.3], [0.79, 0.31])})
        >>> len(fig.axes[0].lines)
        3
    """
    if not named:
        raise ValueError("named must hold at least one model, got none")
    top = _drawing.array("data", data, 1)
    fig, ax = figure(height=3.2)
    place = np.arange(1, len(top) + 1)
    ax.plot(place, top, "_", color=BLUE, markersize=46, markeredgewidth=3)
    between = np.linspace(-0.24, 0.24, len(named))
    for k, (name, (wanted, found)) in enumerate(named.items()):
        w, f = (_drawing.array(f"named[{name!r}]", part, 1) for part in (wanted, found))
        _drawing.match(f"named[{name!r}]", w, top.shape)
        _drawing.match(f"named[{name!r}]", f, top.shape)
        color = METHODS[k % len(METHODS)]
        ax.plot(place + between[k], w, "_", color=color, markersize=15, markeredgewidth=1.5)
        ax.plot(place + between[k], f, MARKS[k % len(MARKS)], color=color, label=name)
    ax.set(xlabel="principal axis", ylabel="variance", xticks=place, ylim=(-0.03, None))
    ax.legend()
    return fig
