"""Palette, style, and figures of the book's width."""

from __future__ import annotations

import os
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

#: The target; contrast 8.6 : 1 on white.
BLUE = "#004B93"
#: The source; contrast 5.6 : 1 on white.
RED = "#C62828"
#: Between data and model; contrast 3.5 : 1 on white: for lines and areas, not for small text.
VIOLET = "#AF6FCB"
#: Curves that compare methods: never the colours of data and model.
METHODS = ("#468355", "#9B6C00", "#C13E93", "#000000", "#1F4D00")
#: Axes, baselines, remarks; contrast 6.0 : 1 on white.
GREY = "#5F6368"
#: Grids, threads and grounds that only accompany: GREY thinned out, so that there is one grey.
FAINT = (0.373, 0.388, 0.408, 0.25)
#: Ink beside photographs, which lie on the ground of the page, be it light or dark.
NEUTRAL = "#7B8087"
# Blue, red and violet differ by more than 20 CIELAB units pair by pair, for colour-blind readers
# too, and so do the colours of methods; on white, and as a dark page shows them (INVERTED).

#: Width of a figure in inches of 100 CSS pixels: the text column of the book.
WIDTH = 7.0
#: Width of a figure on a phone.
NARROW = 3.5
#: The one size of letters, in points: 16.7 CSS pixels, as wide as the page's own; indices of
#: formulas have 70 % of it, 11.7 pixels.
LETTERS = 12.0
#: Colours on a dark page: ``filter: invert(1) hue-rotate(180deg)`` takes a colour c
#: of sRGB to this matrix times 1 - c, cut to [0, 1]; then ``mix-blend-mode: screen`` puts it on
#: the ground g as 1 - (1 - c)(1 - g), so that white becomes the ground itself.
INVERTED = ((-0.574, 1.430, 0.144), (0.426, 0.430, 0.144), (0.426, 1.430, -0.856))

_STYLE: Any = {
    "figure.figsize": (WIDTH, 3.6),
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "font.size": LETTERS,
    "axes.labelsize": LETTERS,
    "axes.titlesize": LETTERS,
    "figure.titlesize": LETTERS,
    "figure.labelsize": LETTERS,
    "xtick.labelsize": LETTERS,
    "ytick.labelsize": LETTERS,
    "legend.fontsize": LETTERS,
    "legend.title_fontsize": LETTERS,
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=METHODS),
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
    """Make figures look like those of the book, and sharp in a notebook.

    It sets matplotlib's parameters for this process: text that can be read on a phone, a white
    background, and the colours of methods for curves without a colour of their own. In a notebook,
    figures appear as PNG with twice the resolution, also if they were made without pyplot; while
    the book is built (``OTGEN_BOOK=1``), the narrow drawing of each is attached to it.

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
    shell = get_ipython()
    if shell is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")
        if os.environ.get("OTGEN_BOOK", "0") not in ("", "0"):
            from otgen_lite.plots.pages import for_the_website

            shell.display_formatter.mimebundle_formatter.for_type(Figure, for_the_website)


def figure(rows: int = 1, columns: int = 1, *, height: float = 3.6, **kwargs: Any) -> Any:
    """Make a figure of the book's width, and its axes, without pyplot.

    Args:
        rows: number of rows of axes.
        columns: number of columns of axes.
        height: height of the figure in inches; its width is 7.
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
