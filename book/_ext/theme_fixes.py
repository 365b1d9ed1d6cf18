"""Small repairs to what the theme and Jupyter Book put on every page."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

#: What a page without a right-hand sidebar has in its place.
NO_SIDEBAR = '<div class="bd-sidebar-secondary" style="display: none"></div>'


def repair(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Drop the scripts of a feature that is off, and give the theme what its own scripts expect.

    sphinx-thebe declares its constants twice on each page even where it is disabled (a syntax
    error in the console), and the theme complains in the console when no mode is set. Beside
    content of full width its script hides the right-hand sidebar, and fails on a page without one.
    """
    context["default_mode"] = "auto"
    if "script_files" in context:
        context["script_files"] = [
            script
            for script in context["script_files"]
            if "thebe" not in f"{script}{getattr(script, 'attributes', {})}".lower()
        ]
    if "body" in context and not context.get("secondary_sidebar_items"):
        context["body"] += NO_SIDEBAR


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("otgen.css")
    app.connect("html-page-context", repair, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
