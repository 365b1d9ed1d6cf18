"""“Chapter 6” leads to chapter 6, wherever it is written and as soon as there is one.

Chapters speak of chapters that come later, and of some that are still to be written. So the text
says "chapter 6", and this extension makes a link of it where a page with that number exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import chapters
from docutils import nodes
from sphinx.application import Sphinx

#: "chapter 6", "Chapters 8 and 9", "chapters 5, 6 and 11", "Chapter: 7, 10".
MENTION = re.compile(r"\b[Cc]hapters?:?\s\d+(?:(?:,\s|,?\sand\s|\sto\s|–)\d+\b(?!\.\d))*")
#: In a mention: the first number with its word, and every further number by itself.
PART = re.compile(r"[Cc]hapters?:?\s(\d+)|(\d+)")
#: Nodes in which a link would be wrong or is one already.
CLOSED = (
    nodes.reference, nodes.title, nodes.literal, nodes.literal_block, nodes.raw, nodes.math,
    nodes.math_block,
)  # fmt: skip


def link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make links of a page's mentions of other chapters."""
    pages = {number: page for number, page in chapters.numbered(app.env) if page != docname}
    for text in list(doctree.findall(nodes.Text)):
        if MENTION.search(text) and not inside(text):
            new = list(linked(app, docname, str(text), pages))
            text.parent.replace(text, new)


def inside(node: nodes.Node) -> bool:
    """Whether a text lies in a link, a heading or code."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, CLOSED):
            return True
    return False


def linked(app: Sphinx, docname: str, text: str, pages: dict[int, str]) -> Iterator[nodes.Node]:
    """A text as pieces, of which the mentions are links."""
    done = 0
    for mention in MENTION.finditer(text):
        for part in PART.finditer(text, mention.start(), mention.end()):
            page = pages.get(int(part.group(1) or part.group(2)))
            if page is None:
                continue
            yield nodes.Text(text[done : part.start()])
            uri = app.builder.get_relative_uri(docname, page)
            yield nodes.reference("", part.group(), internal=True, refuri=uri)
            done = part.end()
    yield nodes.Text(text[done:])


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-resolved", link)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
