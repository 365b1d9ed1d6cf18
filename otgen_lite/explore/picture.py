"""A matplotlib figure as few bytes: the pictures of an explorer."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from otgen_lite.plots.layouts import is_photograph

#: Pixels of the page from left to right: the text column of the book, and a phone.
WIDTH, NARROW = 700, 350


class Detail(NamedTuple):
    """Level of detail of a drawing."""

    width: int
    colours: int


#: From the best to the least that still reads well. A drawing has few colours: 64 keep the smooth
#: edges of lines and letters; the lower steps are for explorers with many crowded frames.
DETAILS = (Detail(WIDTH, 64), Detail(WIDTH, 32), Detail(600, 24), Detail(520, 16))
#: The same for the narrow drawing: phones have two pixels and more for one of the page.
NARROW_DETAILS = (*DETAILS, Detail(420, 16), Detail(NARROW, 16))

#: The part of a picture from which on a colour is an area's.
AREA = 0.005

# matplotlib makes no promise about drawing from two threads at once. Computing frames side by
# side is what matters; drawing takes a few hundredths of a second and can queue.
_DRAWING = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """An encoded picture and its description in words.

    Attributes:
        data: the bytes of a WebP file.
        width: width in pixels.
        height: height in pixels.
        alt: what the picture shows, in words.
        photo: whether it is a photograph, whose colours a dark theme must not invert.
    """

    data: bytes
    width: int
    height: int
    alt: str = ""
    photo: bool = False

    @property
    def src(self) -> str:
        """The picture as a ``data:`` URL."""
        return f"data:image/webp;base64,{base64.b64encode(self.data).decode('ascii')}"

    def png(self) -> bytes:
        """The picture as PNG, for programs that cannot show WebP."""
        with Image.open(io.BytesIO(self.data)) as image:
            return _png(reduce_colours(on_white(image), 256))

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> Mapping[str, Any]:
        png = base64.b64encode(self.png()).decode("ascii")
        return {"image/png": png, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"Picture({self.width} × {self.height}, {len(self.data)} bytes: {self.alt!r})"


def draw(figure: Figure, density: float = 1.0, *, width: int | None = None) -> Image.Image:
    """Draw a figure, on white unless it is a photograph.

    ``savefig`` settings have no say, so that all frames of an explorer have the same size.

    Args:
        figure: the figure.
        density: pixels of the picture for each of the page's, of which an inch has 100.
        width: pixels of the picture from left to right, whatever the inches and the density.

    Returns:
        An image of mode RGB, or RGBA for a photograph, whose ground is transparent.
    """
    with _DRAWING:
        figure.set_dpi(100 * density if width is None else width / figure.get_figwidth())
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        drawn = Image.fromarray(np.array(canvas.buffer_rgba()))
    if is_photograph(figure):
        return drawn
    return on_white(drawn)


def on_white(drawn: Image.Image) -> Image.Image:
    """An image without transparency."""
    if drawn.mode != "RGBA":
        return drawn.convert("RGB")
    image = Image.new("RGB", drawn.size, "white")
    image.paste(drawn, mask=drawn.getchannel("A"))
    return image


def encode(
    image: Image.Image, alt: str = "", lossy: bool = False, detail: Detail = DETAILS[0]
) -> Picture:
    """Encode an RGB image as WebP, lossless but for the number of its colours.

    (A PNG with a palette was tried too: of the book's 302 frames none was smaller.) The bytes
    depend on the pixels only: no date and no version is written.

    Args:
        image: the image, mode RGB, or RGBA for a photograph.
        alt: what is seen.
        lossy: whether WebP's lossy mode may be used where it is smaller: for
            photographs.
        detail: the width that it is brought to if it is wider, and the number of colours.

    Returns:
        The picture.
    """
    if image.width > detail.width:
        height = round(image.height * detail.width / image.width)
        image = image.resize((detail.width, height), Image.Resampling.LANCZOS)
    if lossy and image.mode == "RGBA":
        few = reduce_colours(on_white(image), detail.colours).convert("RGBA")
        few.putalpha(image.getchannel("A").point(lambda a: 255 if a > 127 else 0))
        both = (_webp(image, lossless=False), _webp(few, lossless=True))
        data = min(both, key=len)
    else:
        data = _webp(reduce_colours(on_white(image), detail.colours), lossless=True)
        if lossy:
            data = min(data, _webp(image, lossless=False), key=len)
    return Picture(data, image.width, image.height, alt, lossy or image.mode == "RGBA")


def reduce_colours(image: Image.Image, colours: int) -> Image.Image:
    """The image with at most so many colours, chosen so that none is far from the true one.

    Median cut gives its colours to large areas and turns a small red point grey; maximum
    coverage bounds the error of every pixel, and may tint a large grey area. So white and what
    covers large areas stay as they are, and maximum coverage chooses the other colours.
    """
    if image.getcolors(maxcolors=colours) is not None:
        return image.quantize(colours, dither=Image.Dither.NONE)
    packed = np.asarray(image.convert("RGB")).astype(np.uint32) @ (1 << 16, 1 << 8, 1)
    found, counts = np.unique(packed, return_counts=True)
    most = [k for k in np.argsort(-counts, kind="stable") if counts[k] >= AREA * packed.size]
    exact = [0xFFFFFF, *(c for c in found[most].tolist() if c != 0xFFFFFF)][: colours // 4]
    others = image.quantize(
        colours - len(exact), method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    chosen = (others.getpalette() or [])[: 3 * (colours - len(exact))]
    places = np.asarray(others) + np.uint8(len(exact))
    for k, color in enumerate(exact):
        places[packed == color] = k
    reduced = Image.fromarray(places)
    reduced.putpalette([color >> s & 255 for color in exact for s in (16, 8, 0)] + chosen)
    return reduced


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _webp(image: Image.Image, lossless: bool) -> bytes:
    # Lossless, quality is how hard one tries: more than 50 gains nothing.
    quality = 50 if lossless else 80
    buffer = io.BytesIO()
    opaque = image if image.mode == "RGBA" else image.convert("RGB")
    opaque.save(buffer, "WEBP", lossless=lossless, quality=quality, method=4)
    return buffer.getvalue()
