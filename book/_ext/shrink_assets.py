"""Smaller assets, after the build: the theme's icons and the pictures of cells.

* The theme loads the whole of Font Awesome twice, as fonts and as a script of half a megabyte.
  The fonts are enough, and of the fonts the icons that the website uses.
* Pictures of cells are drawings of few colours: a palette says the same in a third of the bytes.

All of it may be done twice, so that an incremental build may call it on files that are small
already.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fontTools import subset, ttLib
from PIL import Image
from sphinx.application import Sphinx

ICON_SCRIPT = re.compile(r'<script src="[^"]*fontawesome[^"]*/js/all\.min\.js[^"]*"></script>\n?')
ICON_CLASS = re.compile(r"\bfa-[a-z0-9-]+")
ICON_RULE = re.compile(r"((?:\.fa-[a-z0-9-]+:+before,?)+)\{content:\"\\([0-9a-f]+)\"")
#: An icon in another style sheet: written as a number, or as the character itself.
CODEPOINT = re.compile(r"\\([ef][0-9a-f]{3})\b", re.IGNORECASE)
CHARACTER = re.compile("[\ue000-\uf8ff]")
COLOURS = 256


def drop_icon_script(pages: Iterable[Path]) -> set[str]:
    """Remove the script from the pages; returns the icon classes that they use."""
    used: set[str] = set()
    for path in pages:
        html = path.read_text(encoding="utf-8")
        lighter = ICON_SCRIPT.sub("", html)
        if lighter != html:
            path.write_text(lighter, encoding="utf-8")
        used |= set(ICON_CLASS.findall(lighter))
    return used


def codepoints(used: set[str], icons: Path, sheets: Iterable[Path]) -> set[int]:
    """The characters of the icon fonts that classes in pages, and other style sheets, ask for."""
    found = {
        int(code, 16)
        for names, code in ICON_RULE.findall(icons.read_text(encoding="utf-8"))
        if used & set(ICON_CLASS.findall(names))
    }
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        found |= {int(code, 16) for code in CODEPOINT.findall(text)}
        found |= {ord(character) for character in CHARACTER.findall(text)}
    return found


def keep_icons(font: Path, wanted: set[int]) -> None:
    """Leave in a font only the wanted characters."""
    options = subset.Options(flavor="woff2", notdef_outline=True, recalc_timestamp=False)
    loaded = ttLib.TTFont(font)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(loaded)
    loaded.flavor = "woff2"
    loaded.save(font)


def use_palette(picture: Path) -> None:
    """Write a picture with a palette of its own, where that is smaller."""
    before = picture.read_bytes()
    with Image.open(io.BytesIO(before)) as image:
        if image.mode == "P" or getattr(image, "is_animated", False):
            return
        opaque = Image.new("RGB", image.size, "white")
        opaque.paste(image, mask=image.getchannel("A") if "A" in image.getbands() else None)
    after = io.BytesIO()
    opaque.quantize(COLOURS, dither=Image.Dither.NONE).save(after, format="PNG", optimize=True)
    if after.tell() < len(before):
        picture.write_bytes(after.getvalue())


def shrink_assets(app: Sphinx, exception: Exception | None) -> None:
    """Shrink icons and pictures of the finished website."""
    if exception is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    used = drop_icon_script(p for p in out.rglob("*.html") if "_static" not in p.parts)
    for sheet in (out / "_static").rglob("fontawesome/*/css/all.min.css"):
        others = [p for p in (out / "_static").rglob("*.css") if "fontawesome" not in p.parts]
        wanted = codepoints(used, sheet, others)
        for font in (sheet.parent.parent / "webfonts").glob("*.woff2"):
            keep_icons(font, wanted)
    for picture in (out / "_images").glob("*.png"):
        use_palette(picture)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", shrink_assets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
