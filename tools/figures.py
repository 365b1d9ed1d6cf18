"""A contact sheet of every figure of the built book: wide and narrow, light and dark.

``python -m tools.figures`` writes ``_build/figures/index.html`` from the website in
``_build/html``, each drawing as a reader's browser shows it, with its page and its size in bytes.
With ``--png`` it also takes a picture of each chapter's part with Chromium. Nothing judges a
picture but an eye.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path
from typing import NamedTuple

from tools.build import ROOT

#: A figure of a cell, or the first picture of an explorer, as book/_ext writes them.
PICTURE = re.compile(
    r'<picture class="otg-figure (?P<figure>otg-[a-z]+)">(?P<a>.*?)</picture>'
    r'|<div class="otg-panel(?P<explorer>[^"]*)">(?P<b>.*?)</div>',
    re.DOTALL,
)
SOURCE = re.compile(r'srcset="([^"]+)" width="(\d+)"')
IMAGE = re.compile(r'<img [^>]*?src="([^"]+)"')
ALT = re.compile(r'alt="([^"]*)"')
STYLE = """
body { margin: 1rem; font: 14px system-ui, sans-serif; width: 2200px; }
.row { display: grid; grid-template-columns: 720px 370px 720px 370px; }
.cell { padding: 10px; background: #fff; align-content: start; }
.cell.dark { background: #121212; isolation: isolate; }
.cell.card { background: #f3f4f5; } .cell.dark.card { background: #29313d; }
.cell img { display: block; mix-blend-mode: multiply; }
.dark img { filter: invert(1) hue-rotate(180deg); mix-blend-mode: screen; }
.photo img { filter: none; mix-blend-mode: normal; }
p { margin: 1rem 0 0.2rem; max-width: 1400px; }
"""


class Drawings(NamedTuple):
    """One figure of a page: addresses of its two drawings, below the website's folder."""

    page: str
    wide: str
    narrow: str
    photograph: bool
    explorer: bool
    alt: str


def figures(site: Path) -> Iterator[Drawings]:
    """Every figure of the website, page by page, in the order of each page."""
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        for found in PICTURE.finditer(path.read_text(encoding="utf-8")):
            inner = found["a"] or found["b"] or ""
            image = IMAGE.search(inner)
            if image is None:
                continue
            source, alt = SOURCE.search(inner), ALT.search(inner)
            addresses = [image[1], source[1] if source else image[1]]
            wide, narrow = ((path.parent / a).resolve() for a in addresses)
            yield Drawings(
                name,
                wide.relative_to(site.resolve()).as_posix(),
                narrow.relative_to(site.resolve()).as_posix(),
                "otg-photo" in f"{found['figure']}{found['explorer']}",
                found["figure"] is None,
                unescape(alt[1]) if alt else "",
            )


def sheet(site: Path, shown: list[Drawings]) -> str:
    """The contact sheet as one HTML document beside the website."""
    rows, page = [], ""
    for one in shown:
        if one.page != page:
            page = one.page
            rows.append(f'</section><section data-page="{page}"><h2>{page}</h2>')
        sizes = " and ".join(
            f"{(site / name).stat().st_size / 1000:.0f} kB" for name in (one.wide, one.narrow)
        )
        kind = "explorer" if one.explorer else "figure"
        rows.append(f"<p>{kind}, {sizes}: {escape(one.alt)}</p><div class='row'>")
        for theme in ("", "dark"):
            for name, width in ((one.wide, 700), (one.narrow, 350)):
                classes = f"cell {theme}{' photo' if one.photograph else ''}"
                classes += " card" if one.explorer else ""
                image = f'<img src="../html/{name}" width="{width}" alt="">'
                rows.append(f'<div class="{classes}">{image}</div>')
        rows.append("</div>")
    body = "\n".join(rows)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Figures</title>'
        f"<style>{STYLE}</style></head><body><section>{body}</section></body></html>\n"
    )


def pictures(folder: Path) -> list[Path]:
    """A PNG of each page's part of the sheet, taken with Chromium."""
    from playwright.sync_api import sync_playwright

    chromium = next(p for n in ("chromium", "google-chrome") if (p := shutil.which(n)))
    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 2240, "height": 1200})
        page.goto((folder / "index.html").resolve().as_uri())
        for section in page.locator("section[data-page]").all():
            name = re.sub(r"\W", "_", str(section.get_attribute("data-page")).split("/")[-1][:-5])
            made.append(folder / f"{name}.png")
            section.screenshot(path=made[-1])
        browser.close()
    return made


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=ROOT, help="the book's folder")
    parser.add_argument("--png", action="store_true", help="also take pictures with Chromium")
    options = parser.parse_args(arguments)
    site, folder = options.root / "_build" / "html", options.root / "_build" / "figures"
    if not (site / "index.html").is_file():
        print("There is no website yet: make book")
        return 1
    shown = list(figures(site))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(sheet(site, shown), encoding="utf-8")
    print(f"{len(shown)} figures: {folder / 'index.html'}")
    for path in pictures(folder) if options.png else []:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
