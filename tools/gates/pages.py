"""Gates on the HTML pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from tools.gates.book import Book, Fault

COLAB = "https://colab.research.google.com/"
#: The wheel in the first cell of a notebook.
WHEEL = re.compile(r"/(_wheels/[\w.-]+\.whl)")
#: url(…) and @import in a style sheet.
STYLE_URL = re.compile(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""")


def _where(name: str) -> str:
    return f"page {name}"


def tracebacks(book: Book) -> Iterator[Fault]:
    """A traceback stands in the text of a page (below a cell that failed it has its own fault)."""
    pages = book.manifest["pages"].items()
    failed = {f"{doc}.html" for doc, p in pages if p["execution"] and p["execution"]["error"]}
    for name, page in book.pages.items():
        if name not in failed and "Traceback (most recent call last)" in "".join(page.text):
            yield Fault(_where(name), "a traceback stands in the page")


def images_without_alt(book: Book) -> Iterator[Fault]:
    """An image has no alt text (or only its file name, which is what Sphinx puts there)."""
    for name, page in book.pages.items():
        for image in page.images:
            src, alt = str(image.get("src", "")), (image.get("alt") or "").strip()
            if (
                not alt
                or alt == src
                or alt == f"../{src}"
                or alt.endswith((".png", ".svg", ".jpg"))
            ):
                yield Fault(_where(name), f"an image has no alt text: {src[:80]}")


def broken_links(book: Book) -> Iterator[Fault]:
    """A link inside the website leads nowhere."""
    for name, page in book.pages.items():
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = _resolve(name, parts.path)
            if target not in book.pages and not (book.html / target).exists():
                yield Fault(_where(name), f"a link leads nowhere: {link}")
            elif target in book.pages and not book.pages[target].has(unquote(parts.fragment)):
                yield Fault(_where(name), f"a link leads to no place on its page: {link}")


def launch_links(book: Book) -> Iterator[Fault]:
    """A launch button opens a notebook that is not in the repository."""
    for name, page in book.pages.items():
        for link in dict.fromkeys(page.links):
            if link.startswith(COLAB):
                path = unquote(urlsplit(link).path)
                _, _, notebook = path.partition("/blob/")
                file = PurePosixPath(*PurePosixPath(notebook).parts[1:])
                if not file.name or not (book.root / file).is_file():
                    yield Fault(_where(name), f"a launch link names no existing notebook: {file}")


def wheels(book: Book) -> Iterator[Fault]:
    """The first cell of a notebook asks the website for a wheel that it does not carry."""
    for notebook in sorted((book.html / "_notebooks").glob("*.ipynb")):
        for name in sorted(set(WHEEL.findall(notebook.read_text(encoding="utf-8")))):
            if not (book.html / name).is_file():
                yield Fault(f"notebook {notebook.name}", f"the website does not carry {name}")


def other_hosts(book: Book) -> Iterator[Fault]:
    """A page asks another host for a script, a style, a picture, a font …"""
    for name, page in book.pages.items():
        urls = page.resources + [url for style in page.styles for url in _style_urls(style)]
        for url in dict.fromkeys(urls):
            if _is_foreign(url):
                yield Fault(_where(name), f"it asks another host: {url}")
    for file in sorted(book.html.rglob("*.css")):
        for url in _style_urls(file.read_text(encoding="utf-8", errors="replace")):
            if _is_foreign(url):
                yield Fault(
                    f"style sheet {file.relative_to(book.html)}", f"it asks another host: {url}"
                )


def _style_urls(style: str) -> Iterator[str]:
    for match in STYLE_URL.finditer(style):
        yield match[1] or match[2]


def _is_foreign(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ws", "wss")


def _resolve(page: str, path: str) -> str:
    """The file that a relative link of a page means, relative to the website."""
    if not path:
        return page
    parts = list(PurePosixPath(page).parent.parts)
    for part in PurePosixPath(unquote(path)).parts:
        if part == "..":
            if not parts:
                return f"../{path}"
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts) or "index.html"
