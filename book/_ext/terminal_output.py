"""Printed output of a cell, as a terminal would have shown it.

A progress bar writes itself over and over, each time after a carriage return; on a page all of
its states would stand below one another. Only the last one is kept. (Merging streams, myst-nb has
already made line ends of some carriage returns: so a bar below a bar is the same bar, later.)
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

#: A line that tqdm wrote, with or without a word before the bar.
BAR = re.compile(r"^\s*(?:\w+: *)?\d+%\|.*\|", re.MULTILINE)


def as_in_a_terminal(text: str) -> str:
    r"""Each line as its last carriage return leaves it.

    >>> as_in_a_terminal("\r 0%\r 50%\r100%\ndone")
    '100%\ndone'
    >>> as_in_a_terminal("  0%|  | 0/60\n100%|██| 60/60\n")
    '100%|██| 60/60\n'
    >>> as_in_a_terminal("ascent:  0%|  | 0/60\nascent: 100%|██| 60/60\n")
    'ascent: 100%|██| 60/60\n'
    """
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    kept = [
        line
        for line, below in zip(lines, [*lines[1:], ""], strict=True)
        if not (BAR.match(line) and BAR.match(below))
    ]
    return "\n".join(kept)


def tidy(app: Sphinx, doctree: nodes.document) -> None:
    """Apply it to every printed output of a page."""
    for block in doctree.findall(nodes.literal_block):
        text = block.astext()
        if "\r" in text or BAR.search(text):
            block.children = [nodes.Text(as_in_a_terminal(text))]
            block.rawsource = as_in_a_terminal(text)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", tidy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
