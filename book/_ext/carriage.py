"""What a cell printed, as a terminal would have shown it.

A progress bar writes itself over and over, each time after a carriage return; on a page all of
its states would stand below one another. Only the last one is kept.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def as_in_a_terminal(text: str) -> str:
    r"""Each line as its last carriage return leaves it.

    >>> as_in_a_terminal("\r 0%\r 50%\r100%\ndone")
    '100%\ndone'
    """
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def tidy(app: Sphinx, doctree: nodes.document) -> None:
    """Apply it to every printed output of a page."""
    for block in doctree.findall(nodes.literal_block):
        text = block.astext()
        if "\r" in text:
            block.children = [nodes.Text(as_in_a_terminal(text))]
            block.rawsource = as_in_a_terminal(text)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", tidy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
