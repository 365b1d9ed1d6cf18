"""Outputs of a notebook that nobody has run: those of the build, made small.

Without them a notebook that is opened in Colab has captions and no pictures. Kept are

* pictures, as PNG with a palette of few colours and at most ``WIDTH`` pixels wide; of an explorer
  its first frame, and a line that says how to move it;
* what a cell printed, and its certificates.

Left out are progress bars and warnings (standard error), the numbers for the text (``glue``), and
what only the website can show. Nothing depends on the time or the machine except through the floats
that a picture or a printed number was made from; a second build on one machine gives equal bytes.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterator
from typing import Any

import nbformat
from nbformat import v4
from PIL import Image

WIDTH = 480
BYTES = 25_000
#: Widths and numbers of colours, tried in turn until a picture has no more than ``BYTES`` bytes.
SIZES = ((WIDTH, 64), (WIDTH, 32), (420, 32), (350, 32), (350, 16), (350, 8))
#: A printed text that is longer is shown to those who run the cell.
CHARACTERS = 4000

HIDDEN = {"remove-output", "remove_output", "remove-cell", "remove_cell"}
ALIVE = "*Run this cell to move the sliders.*"
USED = "*Run this cell to use it.*"
#: As otgen_lite.explore.page writes it.
EXPLORER = 'class="otg-explorer"'
#: As otgen_lite.explore.ranking writes it.
RANKING = 'class="otg-ranking"'
EXPLORER_ALT = re.compile(r'<img class="otg-picture"[^>]*? alt="([^"]*)"')


def stored(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The outputs to store of an executed cell."""
    if HIDDEN & set(cell.metadata.get("tags", [])):
        return []
    alt = str(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", ""))
    kept: list[nbformat.NotebookNode] = []
    for output in cell.outputs:
        if output.output_type == "stream":
            if output.name == "stdout":
                _add_words(kept, output.text)
        elif "data" in output:
            kept += _shown(output.data, " ".join(alt.split()))
    return [o for o in kept if o.output_type != "stream" or len(o.text) <= CHARACTERS]


def _add_words(kept: list[nbformat.NotebookNode], text: str) -> None:
    """Join what a cell printed: into how many pieces it came is a matter of the kernel's timing."""
    if kept and kept[-1].output_type == "stream":
        kept[-1].text += text
    else:
        kept.append(v4.new_output("stream", name="stdout", text=text))


def _shown(data: dict[str, Any], alt: str) -> Iterator[nbformat.NotebookNode]:
    """One output of a cell, as one or two outputs of the notebook."""
    page = str(data.get("text/html", ""))
    is_explorer = EXPLORER in page
    if is_explorer:
        found = EXPLORER_ALT.search(page)
        alt = html.unescape(found[1]) if found else alt
    picture = _picture(data)
    if picture is not None:
        yield _image(picture, alt)
        if is_explorer:
            yield _text(ALIVE)
    elif is_explorer:
        yield _text(ALIVE)
    elif RANKING in page or "text/markdown" in data:  # alive, or what the website says instead
        yield _text(USED)
    elif "text/plain" in data and len(page) <= CHARACTERS:
        texts = {mime: data[mime] for mime in ("text/html", "text/plain") if mime in data}
        yield v4.new_output("display_data", data=texts)


def _text(markdown: str) -> nbformat.NotebookNode:
    data = {"text/markdown": markdown, "text/plain": markdown.strip("*")}
    return v4.new_output("display_data", data=data)


def _image(picture: bytes, alt: str) -> nbformat.NotebookNode:
    """A picture; its alt text stands where nbconvert looks for it, and as the plain form."""
    data = {"image/png": base64.b64encode(picture).decode(), "text/plain": alt or "A picture"}
    metadata = {"image/png": {"alt": alt}} if alt else {}
    return v4.new_output("display_data", data=data, metadata=metadata)


def _picture(data: dict[str, Any]) -> bytes | None:
    """The picture among the forms of an output, made small; None where there is none."""
    for mime in ("image/png", "image/webp", "image/jpeg"):
        if mime in data:
            return small(base64.b64decode(data[mime]))
    return None


def small(picture: bytes) -> bytes:
    """A picture as PNG on white with few colours, without any metadata."""
    with Image.open(io.BytesIO(picture)) as image:
        rgba = image.convert("RGBA")
    opaque = Image.new("RGB", rgba.size, "white")
    opaque.paste(rgba, mask=rgba.getchannel("A"))
    made = b""
    for width, colours in SIZES:
        made = _palette(opaque, width, colours)
        if len(made) <= BYTES:
            break
    return made


def _palette(image: Image.Image, width: int, colours: int) -> bytes:
    if image.width > width:
        height = max(1, round(image.height * width / image.width))
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    few = image.quantize(colours, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, format="PNG", optimize=True)
    return file.getvalue()
