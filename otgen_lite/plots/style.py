"""Palette, style, and figures of the book's width."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

#: The target; contrast 8.6 : 1 on white.
BLUE = "#004B93"
#: The source; contrast 5.6 : 1 on white.
RED = "#C62828"
#: What lies between; contrast 3.5 : 1 on white, enough for lines and areas, not for small text.
VIOLET = "#AF6FCB"
#: Curves that compare methods: never the colours of data and model.
METHODS = ("#00795B", "#B06F00", "#3B3F45", "#A8427F", "#6E7B00")
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
