"""A built book, as the gates see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {' '.join(self.what.split())}"


class Page(HTMLParser):
    """Facts of one HTML page for the gates, gathered in one pass."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.resources: list[str] = []
        self.styles: list[str] = []
        self.text: list[str] = []
        self._inside: list[str] = []
        self.feed(html)

    def has(self, fragment: str) -> bool:
        """Whether a link to ``page#fragment`` leads somewhere on this page."""
        return fragment in ("", "top") or fragment in self.ids

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = dict(attrs)
        for key in ("id", "name"):
            if a.get(key):
                self.ids.add(str(a[key]))
        if tag == "a" and a.get("href"):
            self.links.append(str(a["href"]))
        if tag == "img":
            self.images.append(a)
        if tag in ("script", "style"):
            self._inside.append(tag)
        if a.get("style"):
            self.styles.append(str(a["style"]))
        self._gather_resources(tag, a)

    def _gather_resources(self, tag: str, a: dict[str, str | None]) -> None:
        """Whatever the browser fetches by itself when it shows the page."""
        fetched = {"stylesheet", "icon", "shortcut", "preload", "prefetch", "modulepreload",
                   "preconnect", "dns-prefetch", "manifest", "apple-touch-icon"}  # fmt: skip
        if tag == "link" and fetched & set(str(a.get("rel", "")).split()):
            self.resources.append(str(a.get("href", "")))
        if tag in (
            "script",
            "img",
            "iframe",
            "embed",
            "source",
            "audio",
            "video",
            "track",
            "input",
        ):
            self.resources += [str(a[key]) for key in ("src", "poster") if a.get(key)]
        if tag == "object" and a.get("data"):
            self.resources.append(str(a["data"]))
        if a.get("srcset"):
            self.resources += [
                part.split()[0] for part in str(a["srcset"]).split(",") if part.split()
            ]

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] == "style":
            self.styles.append(data)
        elif not self._inside:
            self.text.append(data)


class Book:
    """The results of one build: website, executed notebooks, manifest and log."""

    def __init__(self, root: Path, log: str = "") -> None:
        self.root = root
        self.html = root / "_build" / "html"
        self.log = log

    @cached_property
    def manifest(self) -> dict[str, Any]:
        path = self.root / "_build" / "manifest.json"
        return dict(json.loads(path.read_text(encoding="utf-8")))

    @cached_property
    def pages(self) -> dict[str, Page]:
        """Name of each HTML file (relative to the website) -> its page."""
        files = sorted(self.html.rglob("*.html"))
        return {
            f.relative_to(self.html).as_posix(): Page(f.read_text(encoding="utf-8"))
            for f in files
            if "_static" not in f.relative_to(self.html).parts
        }

    def notebooks(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(source file, executed notebook) of every page that has cells."""
        for docname, page in self.manifest["pages"].items():
            path = self.root / "_build" / "jupyter_execute" / f"{docname}.ipynb"
            if path.is_file():
                yield page["source"], json.loads(path.read_text(encoding="utf-8"))
