"""Figures of cells on the website: wide and narrow, light and dark, from one output.

While the book is built, an output with a figure carries two drawings in its metadata
(``otgen_lite/plots/pages.py``): as wide as the text column, and as narrow as a phone. Here, when a
page is written, its image becomes a ``<picture>`` with both of them; width and height stand there,
so that nothing moves when they arrive. ``figures.css`` does the rest: it makes a drawing on white
one for the dark, and leaves photographs alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import executed
import stale_files
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

#: The key of the drawings in an output's metadata; see otgen_lite/plots/pages.py.
KEY = "otgen_figure"
FOLDER = "_images"
BUILDERS = ("html", "dirhtml")
#: Screens up to this wide get the narrow drawing; explorer.js says the same.
PHONE = "(max-width: 600px)"
SUFFIX = "-figure.webp"

Drawing = list[Any]  # WebP in base64, width, height


def drawings(path: Path) -> dict[str, dict[str, Any]]:
    """The records of a page's figures, by the SHA-256 of the PNG that myst-nb writes."""
    if not path.is_file():
        return {}
    found = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            record = output.get("metadata", {}).get(KEY)
            if record is not None:
                png = base64.b64decode("".join(output["data"]["image/png"]))
                found[hashlib.sha256(png).hexdigest()] = dict(record)
    return found


def replace_images(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put a ``<picture>`` in place of each figure of a cell."""
    if app.builder.name not in BUILDERS:
        return
    records = drawings(executed.path_of(app, docname))
    for image in list(doctree.findall(nodes.image)):
        record = records.get(PurePosixPath(image["uri"]).stem)
        if record is None:
            continue
        sources: dict[str, tuple[str, int, int]] = {
            name: (_address(app, docname, record[name]), *record[name][1:])
            for name in ("wide", "narrow")
            if name in record
        }
        text = picture(sources, image.get("alt", ""), photograph=record["photograph"])
        image.replace_self(nodes.raw("", text, format="html", classes=image["classes"]))


def picture(sources: dict[str, tuple[str, int, int]], alt: str, *, photograph: bool) -> str:
    """The element: address, width and height of each drawing, chosen by the browser."""
    kind = "otg-photo" if photograph else "otg-drawing"
    other = ""
    if "narrow" in sources:
        address, width, height = sources["narrow"]
        other = f'<source media="{PHONE}" srcset="{address}" width="{width}" height="{height}">'
    address, width, height = sources["wide"]
    return (
        f'<picture class="otg-figure {kind}">{other}'
        f'<img src="{address}" width="{width}" height="{height}" alt="{escape(alt)}" '
        'loading="lazy" decoding="async"></picture>'
    )


def _address(app: Sphinx, docname: str, drawing: Drawing) -> str:
    """Write a drawing to a file named after its content; returns its address on the page."""
    data = base64.b64decode(drawing[0])
    path = f"{FOLDER}/{hashlib.sha256(data).hexdigest()[:16]}{SUFFIX}"
    target = Path(app.outdir) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return relative_uri(app.builder.get_target_uri(docname), path)


def remove_stale(app: Sphinx, exception: Exception | None) -> None:
    """Remove drawings that no page shows any more."""
    stale_files.remove(app, exception, FOLDER, f"*{SUFFIX}")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("figures.css")
    app.connect("doctree-resolved", replace_images)
    app.connect("build-finished", remove_stale)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
