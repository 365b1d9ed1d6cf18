"""Numbers from cells get a true minus sign in the text: −0.37 and not -0.37."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

NEGATIVE = re.compile(r"^-(?=[\d.])")


def true_signs(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Change the sign of every negative number that ``glue`` put into the text."""
    for pasted in doctree.findall(nodes.inline):
        if "pasted-text" in pasted["classes"]:
            for text in list(pasted.findall(nodes.Text)):
                text.parent.replace(text, nodes.Text(NEGATIVE.sub("−", text)))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-resolved", true_signs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
