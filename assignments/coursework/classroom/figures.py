"""Histograms as SVG that takes the colours of the page in which it stands."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

#: Stand for the page's ink and for the colour of its bars, and are seen nowhere else.
INK, BAR = "#010203", "#040506"
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, and its size follows the page
    "svg.hashsalt": "coursework",  # the same names in every run
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), INK),
}
#: Bins of a histogram that has no natural ones.
BINS = 12
#: Most bins of one that has.
BARS = 40


def of_points(values: list[float], of: float, name: str, title: str) -> Markup:
    """Histogram of points between 0 and ``of``."""
    return histogram(values, edges_of_points(values, of), name, title, "points")


def edges_of_points(values: list[float], of: float) -> np.ndarray:
    """Edges of bins with 0 and ``of`` in the middle of the first and the last.

    The width is the largest of which all points are multiples, so that each bar stands at its
    points; with more than :data:`BARS` such bins there are :data:`BINS` wider ones.
    """
    if of <= 0:
        return np.array([-0.5, 0.5])
    # In units of 1e-6, for a common divisor.
    units = np.rint(np.array([*values, of]) * 1e6).astype(np.int64)
    bins = int(units[-1] // np.gcd.reduce(units))
    bins = bins if bins <= BARS else BINS
    return np.asarray((np.arange(bins + 2) - 0.5) * of / bins)


def of_shares(values: list[float], name: str, title: str) -> Markup:
    """Histogram of shares between 0 and 1."""
    return histogram([100 * v for v in values], np.linspace(0, 100, 21), name, title, "% in common")


def histogram(values: list[float], edges: np.ndarray, name: str, title: str, label: str) -> Markup:
    """A histogram as SVG to be put into a page.

    Args:
        values: what is counted.
        edges: of the bins.
        name: tells the plots of a page apart.
        title: heading, and what is read aloud.
        label: of the horizontal axis.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.4, 2.2), layout="constrained")
        axes = figure.add_subplot()
        # A number beyond the last edge by rounding counts in the last bin.
        axes.hist(np.clip(values, edges[0], edges[-1]), edges.tolist(), color=BAR, rwidth=0.92)
        axes.set_title(title, fontsize=11, loc="left")
        axes.set_xlabel(label)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return Markup(_inline(out.getvalue(), name, title))


def _inline(svg: str, name: str, title: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)  # an id once in a page
    svg = svg.replace(INK, "currentColor").replace(BAR, "var(--bar)")
    escaped = str(Markup.escape(title))
    return svg.replace("<svg", f'<svg role="img" aria-label="{escaped}"', 1)
