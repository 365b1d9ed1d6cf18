"""A page that is right when it is first painted.

The theme names the colour mode late, by a script at the end of the page, and not at all without
scripts; until then code has no colours. Here the mode stands in the page, and the few lines in its
head that remember the reader's choice also ask the system for it. Scripts that only wait for the
page to be complete do not stop it from being shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

#: Inline scripts of the theme read what this one defines.
AT_ONCE = "documentation_options.js"
THEIRS = (
    'data-theme="auto"',
    'document.documentElement.dataset.theme = localStorage.getItem("theme") || "auto";',
)
OURS = (
    'data-theme="light"',
    """{  // a block: its names are nobody else's
      const root = document.documentElement.dataset;
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      root.theme = root.mode == "auto" ? (dark ? "dark" : "light") : root.mode;
    }""",
)


def name_the_mode(html: str) -> str:
    """The page with a colour mode from the beginning.

    >>> name_the_mode('<html lang="en" data-theme="auto">')
    '<html lang="en" data-theme="light">'
    """
    for theirs, ours in zip(THEIRS, OURS, strict=True):
        html = html.replace(theirs, ours, 1)
    return html


def defer(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Let scripts run when the page has been read."""
    for script in context.get("script_files", ()):
        attributes = getattr(script, "attributes", None)
        if not attributes or not script.filename:  # text inside the page
            continue
        if AT_ONCE not in str(script.filename) and "async" not in attributes:
            attributes["defer"] = "defer"


def name_modes(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite the finished pages."""
    if exception is not None or app.builder.name != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" not in path.parts:
            before = path.read_text(encoding="utf-8")
            after = name_the_mode(before)
            if after != before:
                path.write_text(after, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", defer, priority=950)  # when all scripts are known
    app.connect("build-finished", name_modes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
