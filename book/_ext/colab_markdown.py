"""A resolved doctree as Markdown that Colab and Jupyter display: the text cells of the notebooks.

The translator of ``sphinx_markdown_builder`` 0.6.11 was tried first, on the page that the tests
use (``tests/notebooks/mini_book``). Its emphasis, lists and definition lists are good, but it
drops every theorem, proof, exercise, titled admonition and caption, prints neither equation nor
figure numbers, begins ``$$`` with a blank line (which ends the formula), lets ``$5`` begin a
formula and a bar end a table's cell, makes headings of notes and dropdowns (they would stand in
Colab's table of contents), and goes on where it does not know a node. Six of its forty methods
would have stayed. So this translator is written out, and an unknown node is an error.

Each ``visit_…`` method returns the Markdown of its node. Three habits of notebook front ends
shape the result: mathematics is cut out before the Markdown is read (so a formula in a block
quote must stand on one line), Markdown is not read inside ``<summary>``, and footnotes and
definition lists do not exist. This module holds the plain text; what belongs to the book (frames,
numbers, links, pictures) is in ``colab_chapter.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from colab_math import inline
from docutils import nodes
from sphinx.errors import SphinxError
from sphinx.util.docutils import SphinxTranslator

#: Highlighting languages of Sphinx that Markdown knows by another name, or not at all.
LANGUAGES = {"ipython3": "python", "ipython": "python", "default": "", "none": "", "myst-ansi": ""}

_MARKUP = re.compile(r"[\\`*$~]|(?<![^\W_])_|_(?![^\W_])")
_LINE_START = re.compile(r"(?m)^([ \t]*)(?:([-+#>])|(\d+)([.)]))(?=[ \t]|$)")


class MarkdownTranslator(SphinxTranslator):
    """Plain text, lists and tables."""

    def __init__(self, document: nodes.document, builder: Any) -> None:
        super().__init__(document, builder)
        self.docname: str = builder.current_docname
        self.parts: list[str] = []
        self.quoted = 0  # block quotes around the present node
        self.in_table = False

    # -- machinery -------------------------------------------------------------------------------

    def dispatch_visit(self, node: nodes.Node) -> None:
        """Write the whole node by the method of its class, or of the nearest class above."""
        for kind in type(node).__mro__:
            method = getattr(self, f"visit_{kind.__name__}", None)
            if method is not None:
                self.parts.append(method(node))
                raise nodes.SkipNode
        raise self.error(
            node,
            f"a '{type(node).__name__}' ({node.astext()[:40]!r}) has no form in a notebook yet: "
            "give it a visit method in book/_ext/colab_markdown.py",
        )

    def error(self, node: nodes.Node, what: str) -> SphinxError:
        """The error over a node."""
        line = next((n.line for n in _outwards(node) if n.line), "?")
        return SphinxError(f"{self.docname}, line {line}: {what}")

    def markdown(self, node: nodes.Node) -> str:
        """One node as Markdown."""
        outer, self.parts = self.parts, []
        node.walkabout(self)
        text, self.parts = "".join(self.parts), outer
        return text

    def inline(self, node: nodes.Node) -> str:
        """The children of a node, one after the other."""
        return "".join(self.markdown(child) for child in node.children)

    def block(self, children: Iterable[nodes.Node]) -> str:
        """Nodes one below the other, with a blank line between them."""
        texts = (self.markdown(child).strip("\n") for child in children)
        return "\n\n".join(text for text in texts if text.strip())

    # -- paragraphs and what stands on its own ----------------------------------------------------

    def visit_compound(self, node: nodes.Element) -> str:
        return self.block(node.children)

    visit_section = visit_document = visit_legend = visit_compound

    def visit_paragraph(self, node: nodes.Element) -> str:
        return _LINE_START.sub(_escape_line_start, self.inline(node))

    def visit_rubric(self, node: nodes.Element) -> str:
        return f"**{self.inline(node)}**"

    def visit_block_quote(self, node: nodes.Element) -> str:
        self.quoted += 1
        body = self.block(node.children)
        self.quoted -= 1
        return prefixed(body, "> ", "> ")

    def visit_attribution(self, node: nodes.Element) -> str:
        return f"— {self.inline(node)}"

    def visit_literal_block(self, node: nodes.Element) -> str:
        language = node.get("language", "")
        code = node.astext().rstrip("\n")
        fence = "`" * max(3, 1 + _longest_run(code))
        return f"{fence}{LANGUAGES.get(language, language)}\n{code}\n{fence}"

    visit_doctest_block = visit_literal_block

    def visit_transition(self, node: nodes.Element) -> str:
        return "---"

    def visit_line_block(self, node: nodes.Element) -> str:
        return "<br>\n".join(self.inline(line) for line in node.children)

    def visit_raw(self, node: nodes.Element) -> str:
        """HTML comes through; scripts do not run in a text cell and are left out."""
        text = str(node.astext())
        return text if "html" in node["format"].split() and "<script" not in text else ""

    def visit_footnote(self, node: nodes.Element) -> str:
        return f"<sup>{node.children[0].astext()}</sup> {self.block(node.children[1:])}"

    def visit_citation(self, node: nodes.Element) -> str:
        return f"[{node.children[0].astext()}] {self.block(node.children[1:])}"

    def visit_Invisible(self, node: nodes.Element) -> str:  # noqa: N802
        return ""

    visit_toctree = visit_highlightlang = visit_meta = visit_Invisible

    # -- lists -----------------------------------------------------------------------------------

    def visit_bullet_list(self, node: nodes.Element) -> str:
        return "\n".join(prefixed(self.item(child), "- ", "  ") for child in node.children)

    def visit_enumerated_list(self, node: nodes.Element) -> str:
        items = []
        for count, child in enumerate(node.children, node.get("start", 1)):
            marker = f"{count}. "
            items.append(prefixed(self.item(child), marker, " " * len(marker)))
        return "\n".join(items)

    def item(self, node: nodes.Element) -> str:
        """The content of a list item; a list in it follows its text at once."""
        text = ""
        for child in node.children:
            gap = "\n" if isinstance(child, nodes.bullet_list | nodes.enumerated_list) else "\n\n"
            part = self.markdown(child).strip("\n")
            text += (gap if text and part else "") + part
        return text

    def visit_definition_list(self, node: nodes.Element) -> str:
        items = []
        for item in node.children:
            terms = [self.inline(child) for child in item.findall(nodes.term)]
            bodies = [child for child in item.children if isinstance(child, nodes.definition)]
            text = f"**{', '.join(terms)}**: {self.block(b for d in bodies for b in d.children)}"
            items.append(prefixed(text, "- ", "  "))
        return "\n".join(items)

    def visit_field_list(self, node: nodes.Element) -> str:
        items = []
        for field in node.children:
            name, body = field.children
            text = f"**{self.inline(name)}**: {self.block(body.children)}"
            items.append(prefixed(text, "- ", "  "))
        return "\n".join(items)

    # -- tables ----------------------------------------------------------------------------------

    def visit_tgroup(self, node: nodes.Element) -> str:
        self.in_table = True
        rows = [self.row(row) for row in node.findall(nodes.row)]
        self.in_table = False
        if not any(node.findall(nodes.thead)):
            rows.insert(0, [])
        entries = next(iter(node.findall(nodes.row))).children
        width = max(map(len, rows))
        marks = [_alignment(entry) for entry in entries]
        rows.insert(1, marks + ["---"] * (width - len(marks)))
        return "\n".join(f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in rows)

    def row(self, node: nodes.Element) -> list[str]:
        """The cells of a row; a cell holds one line."""
        cells = []
        for entry in node.children:
            text = self.block(entry.children)
            cells.append(text.replace("\n\n", "<br>").replace("\n", " "))
            cells.extend([""] * entry.get("morecols", 0))
        return cells

    # -- inline ----------------------------------------------------------------------------------

    def visit_Text(self, node: nodes.Text) -> str:  # noqa: N802
        text = _MARKUP.sub(lambda match: "\\" + match[0], node.astext())
        text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
        text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text).replace("](", "]&#40;")
        return text.replace("|", r"\|") if self.in_table else text

    def visit_inline(self, node: nodes.Element) -> str:
        return self.inline(node)

    visit_generated = visit_abbreviation = visit_title_reference = visit_inline
    visit_PassthroughTextElement = visit_inline  # noqa: N815

    def visit_emphasis(self, node: nodes.Element) -> str:
        return f"*{self.inline(node)}*"

    def visit_strong(self, node: nodes.Element) -> str:
        return f"**{self.inline(node)}**"

    def visit_subscript(self, node: nodes.Element) -> str:
        return f"<sub>{self.inline(node)}</sub>"

    def visit_superscript(self, node: nodes.Element) -> str:
        return f"<sup>{self.inline(node)}</sup>"

    def visit_math(self, node: nodes.Element) -> str:
        return inline(node.astext(), in_table=self.in_table)

    def visit_literal(self, node: nodes.Element) -> str:
        code = " ".join(node.astext().split())
        if self.in_table:
            code = code.replace("|", r"\|")
        mark = "`" * (1 + _longest_run(code))
        space = " " if code.startswith("`") or code.endswith("`") else ""
        return f"{mark}{space}{code}{space}{mark}"

    def visit_footnote_reference(self, node: nodes.Element) -> str:
        return f"<sup>{node.astext()}</sup>"


def _outwards(node: nodes.Node | None) -> Iterator[nodes.Node]:
    """A node and all that it stands in."""
    while node is not None:
        yield node
        node = node.parent


def prefixed(text: str, first: str, other: str) -> str:
    """Text whose first line starts with one prefix and whose other lines start with another."""
    lines = text.split("\n")
    marked = [first + lines[0]] + [other + line for line in lines[1:]]
    return "\n".join(line.rstrip() for line in marked)


def _escape_line_start(match: re.Match[str]) -> str:
    """Escape what would begin a list, a heading or a quotation."""
    indent, mark, digits, dot = match.groups()
    return f"{indent}\\{mark}" if mark else f"{indent}{digits}\\{dot}"


def _longest_run(code: str) -> int:
    """Length of the longest run of backticks."""
    return max(map(len, re.findall("`+", code)), default=0)


def _alignment(entry: nodes.Element) -> str:
    """The line under a column's head."""
    classes = entry["classes"]
    if "text-center" in classes:
        return ":---:"
    return "---:" if "text-right" in classes else "---"
