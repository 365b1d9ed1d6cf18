"""Explorers on the website.

A chapter's explorer arrives as one raw HTML output with all its frames inside. For the website

* the frames move to ``_explorers/<name>-<hash>.js`` in the output folder and the figure keeps
  their address in ``data-src``, so that a page is read before its hundred pictures are loaded
  (a script and not JSON, because a browser loads that from ``file://`` too); those drawn for
  phones move likewise, to ``data-src-narrow``, and the first picture of both to files of its own;
* ``explorer.js`` of the package is written right behind the first explorer of a page, so that its
  controls live as soon as they are seen, whatever else the page loads; ``explorer.css`` is loaded
  by the pages that hold an explorer.

This happens when a page is written and not when it is read: the stored doctree keeps the whole
output, so incremental builds and the execution cache need nothing special. Other builders see the
output as it is.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import stale_files
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

logger = logging.getLogger(__name__)

FOLDER = "_explorers"
PALETTE, STYLE, SCRIPT = "palette.css", "explorer.css", "explorer.js"
BUILDERS = ("html", "dirhtml")

# As otgen_lite.explore.page writes it; attribute values hold no ">" there.
_FIGURE = re.compile(
    r'<figure class="otg-explorer"(?P<attributes>[^>]*)>(?P<body>.*?)</figure>', re.DOTALL
)
_FRAMES = re.compile(
    r'<script type="application/json" class="otg-frames(?P<phone> otg-phone)?">'
    r"(?P<frames>.*?)</script>\n?",
    re.DOTALL,
)
_PICTURE = re.compile(r'(?P<where>src|srcset)="data:image/webp;base64,(?P<data>[^"]+)"')
_NAME = re.compile(r'data-name="([a-z0-9-]+)"')
_MARK = "otg-output"


def move_frames(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the frames of each explorer of a page to a file of their own."""
    if app.builder.name not in BUILDERS:
        return
    names: list[str] = []
    here = app.builder.get_target_uri(docname)

    def moved(figure: re.Match[str]) -> str:
        found = _NAME.search(figure["attributes"])
        if found is None:  # not written by the package
            return figure[0]
        names.append(found[1])
        attributes, body = figure["attributes"], figure["body"]
        for frames in _FRAMES.finditer(body):
            address = relative_uri(here, write_frames(app.outdir, found[1], frames["frames"]))
            attributes += f' data-src{"-narrow" if frames["phone"] else ""}="{address}"'

        def to_file(picture: re.Match[str]) -> str:
            written = write_picture(app.outdir, found[1], picture["data"])
            lazy = ' loading="lazy" decoding="async"' if picture["where"] == "src" else ""
            return f'{picture["where"]}="{relative_uri(here, written)}"{lazy}'

        body = _PICTURE.sub(to_file, _FRAMES.sub("", body))
        begin = "otgExplorers();" if len(names) > 1 else asset(SCRIPT)
        script = f"<script>{begin}</script>"
        return f'<figure class="otg-explorer"{attributes}>{body}</figure>\n{script}'

    for node in explorer_outputs(doctree):
        text = _FIGURE.sub(moved, node.astext())
        node.children = [nodes.Text(text)]
        node.rawsource = text
        # The theme puts HTML outputs on a light ground in dark mode; this one has its own colours.
        node["classes"] = [name for name in node["classes"] if name != "text_html"] + [_MARK]
    for name in sorted({name for name in names if names.count(name) > 1}):
        logger.warning(
            "two explorers of this page have the name %r; a name must be distinct on its page",
            name,
            location=docname,
            type="explorers",
        )


def explorer_outputs(doctree: nodes.document) -> Iterator[nodes.raw]:
    """The raw HTML nodes that hold an explorer."""
    for node in doctree.findall(nodes.raw):
        if "html" in node.get("format", "").split() and 'class="otg-explorer"' in node.astext():
            yield node


def write_picture(outdir: str | Path, name: str, data: str) -> str:
    """Write a picture that stands on the page; returns the file's path below the output folder."""
    content = base64.b64decode(data)
    target = Path(outdir) / FOLDER / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}.webp"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return f"{FOLDER}/{target.name}"


def write_frames(outdir: str | Path, name: str, frames: str) -> str:
    """Write one explorer's frames; returns the file's path below the output folder."""
    key = f"{name}-{hashlib.sha256(frames.encode()).hexdigest()[:12]}"
    target = Path(outdir) / FOLDER / f"{key}.js"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(
        f'(window.otgFrames = window.otgFrames || {{}})["{key}"] = {frames};\n', encoding="utf-8"
    )
    return f"{FOLDER}/{key}.js"


@cache
def asset(name: str) -> str:
    """The package's script or style."""
    # Found without importing the package, which would load torch.
    spec = find_spec("otgen_lite")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("otgen_lite must be installed to build the book")
    web = Path(next(iter(spec.submodule_search_locations))) / "web"
    return (web / name).read_text(encoding="utf-8")


def copy_style(app: Sphinx) -> None:
    """Put the package's style where the website's static files are."""
    if app.builder.name not in BUILDERS:
        return
    static = Path(app.outdir) / "_static"
    static.mkdir(parents=True, exist_ok=True)
    (static / STYLE).write_text(asset(PALETTE) + asset(STYLE), encoding="utf-8")


def add_style(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Load the style on the pages that hold an explorer, and on no other."""
    if app.builder.name not in BUILDERS or doctree is None:
        return
    if any(_MARK in node["classes"] for node in explorer_outputs(doctree)):
        app.add_css_file(STYLE)


def remove_stale(app: Sphinx, exception: Exception | None) -> None:
    """Remove frames and pictures that no page names any more."""
    stale_files.remove(app, exception, FOLDER)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the four steps."""
    app.connect("builder-inited", copy_style)
    app.connect("doctree-resolved", move_frames)
    app.connect("html-page-context", add_style)
    app.connect("build-finished", remove_stale)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
