"""A figure of a cell, as the website gets it: wide and narrow, each of few bytes.

While the book is built, the output of a cell holds, beside the PNG that every front end shows,
both drawings as WebP in its metadata; ``book/_ext/figures.py`` makes one ``<picture>`` of them.
(Not in those of the PNG: matplotlib's inline backend registers a PNG of its own whenever pyplot is
loaded, and IPython prefers that one.)
"""

from __future__ import annotations

import base64
from typing import Any

from matplotlib.figure import Figure
from PIL.Image import Image

from otgen_lite.explore.picture import Detail, draw, encode
from otgen_lite.plots.layouts import is_photograph, narrow

#: Key of the drawings in the metadata of an output.
KEY = "otgen_figure"
#: Pixels of the picture for each pixel of the page: screens of phones have two and more.
DENSITY = 2
#: Drawings have few colours.
DETAIL = Detail(10_000, 64)


def for_the_website(figure: Figure) -> tuple[dict[str, Any], dict[str, Any]]:
    """Output of a figure, beside its PNG, while the book is built: data, metadata.

    Example:
        >>> from otgen_lite.plots import figure
        >>> drawings = for_the_website(figure(1, 2, height=3.0)[0])[1]["otgen_figure"]
        >>> drawings["photograph"], drawings["wide"][1:], drawings["narrow"][1:]
        (False, [700, 300], [350, 595])
    """
    photo = is_photograph(figure)
    dpi = figure.dpi
    record: dict[str, Any] = {"photograph": photo}
    record["wide"] = _packed(draw(figure, DENSITY), photo)
    with narrow(figure) as other:
        if other:
            record["narrow"] = _packed(draw(figure, DENSITY), photo)
    figure.set_dpi(dpi)
    return {}, {KEY: record}


def _packed(image: Image, photo: bool) -> list[Any]:
    """WebP in base64, and its size on the page."""
    picture = encode(image, lossy=photo, detail=DETAIL)
    size = (round(side / DENSITY) for side in image.size)
    return [base64.b64encode(picture.data).decode("ascii"), *size]
