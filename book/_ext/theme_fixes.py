"""Small repairs to what the theme and Jupyter Book put on every page."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def repair(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Drop the scripts of a feature that is off, and give the theme its default colour mode.

    sphinx-thebe declares its constants twice on each page even where it is disabled (a syntax
    error in the console), and the theme complains in the console when no mode is set.
    """
    context["default_mode"] = "auto"
    if "script_files" in context:
        context["script_files"] = [
            script
            for script in context["script_files"]
            if "thebe" not in f"{script}{getattr(script, 'attributes', {})}".lower()
        ]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("otgen.css")
    app.connect("html-page-context", repair, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
