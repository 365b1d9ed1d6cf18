"""Formulas that are markup when the page arrives: the reader's browser typesets nothing.

Sphinx asks this renderer for every formula of a page; ``katex.py`` does the work. One source serves
all widths (``assets/web/formulas.css``): a displayed formula breaks at its relations where the
screen is narrow, and an aligned derivation is written twice, as a table for wide screens and as a
list of rows for narrow ones, of which a browser shows one. What still does not fit scrolls, with a
faded edge (``assets/web/edges.js``).

A formula that KaTeX cannot read is a warning of the build, and so a fault.
"""

from __future__ import annotations

import html
import re
from typing import Any

from colab_math import one_formula
from docutils import nodes
from formula_groups import keep_together
from formula_rows import rows
from katex import FormulaError, typeset
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

BUILDERS = ("html", "dirhtml")
STYLES = ("vendor/katex/katex.min.css", "formulas.css", "edges.css")
#: Fonts that nearly every formula needs: asked for with the page, so that nothing moves later.
FONTS = ("Main-Regular", "Math-Italic", "AMS-Regular", "Size1-Regular", "Size2-Regular")

#: Punctuation that belongs to the word before it.
ENDING = re.compile(r"[.,;:)\]?!”’–-]+")

# As otgen_lite.explore.page writes formulas into captions, labels and names of read-outs.
_SPAN = re.compile(r'<span class="math notranslate nohighlight">\\\((.*?)\\\)</span>', re.DOTALL)


def markup(tex: str, display: bool, location: Any, ending: str = "") -> str:
    """The markup of a formula and of what follows it; where there is none, source and a warning."""
    try:
        return keep_together(typeset(tex, display), ending)
    except FormulaError as error:
        logger.warning("%s", error, location=location, type="formulas")
        return f'<code class="otg-formula-fault">{html.escape(tex)}</code>' + html.escape(ending)


def visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    """A formula in a line of text."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(markup(node.astext(), False, node, node.get("ending", "")) + "</span>")
    raise nodes.SkipNode


def take_endings(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each formula in a line the punctuation that follows it."""
    if app.builder.name not in BUILDERS:
        return
    for formula in doctree.findall(nodes.math):
        after: Any = formula.next_node(descend=False, siblings=True)
        found = ENDING.match(after) if isinstance(after, nodes.Text) else None
        if found:
            formula["ending"] = found[0]
            after.parent.replace(after, nodes.Text(after[found.end() :]))


def visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """A displayed formula, its number behind it."""
    self.body.append(
        self.starttag(node, "div", "", CLASS="math otg-display notranslate nohighlight")
    )
    self.body.append(displayed(node.astext(), node))
    if node.get("number"):
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def displayed(tex: str, location: Any = None) -> str:
    """The markup of a displayed formula; a derivation for wide and for narrow screens."""
    formula = one_formula(tex)
    whole, lines = markup(formula, True, location), rows(formula)
    if len(lines) < 2:
        return f'<div class="otg-fits">{whole}</div>'
    narrow = "".join(f'<div class="otg-fits">{markup(row, True, location)}</div>' for row in lines)
    return f'<div class="otg-whole otg-fits">{whole}</div><div class="otg-rows">{narrow}</div>'


def typeset_outputs(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Typeset the formulas in the HTML that cells have written."""
    if app.builder.name not in BUILDERS:
        return
    for node in doctree.findall(nodes.raw):
        text = node.astext()
        if "html" in node.get("format", "").split() and _SPAN.search(text):
            text = _SPAN.sub(
                lambda span: (
                    f'<span class="math">{markup(html.unescape(span[1]), False, docname)}</span>'
                ),
                text,
            )
            node.children = [nodes.Text(text)]
            node.rawsource = text


def ask_for_fonts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Name the fonts in the head of pages with formulas."""
    if doctree is None or not any(
        doctree.findall(lambda n: isinstance(n, (nodes.math, nodes.math_block)))
    ):
        return
    path = context["pathto"]
    for font in FONTS:
        address = path(f"_static/vendor/katex/fonts/KaTeX_{font}.woff2", resource=True)
        context["metatags"] += (
            f'\n<link rel="preload" href="{address}" as="font" type="font/woff2" crossorigin>'
        )


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_block, None))
    for style in STYLES:
        app.add_css_file(style)
    app.add_js_file("edges.js", loading_method="defer")
    app.add_js_file("folds.js", loading_method="defer")
    app.connect("doctree-resolved", take_endings)
    app.connect("doctree-resolved", typeset_outputs, priority=600)  # after the frames have moved
    app.connect("html-page-context", ask_for_fonts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
