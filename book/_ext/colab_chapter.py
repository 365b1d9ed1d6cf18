"""Parts of a notebook around its plain text: frames, numbers, links, pictures.

Numbers are the website's, links lead to it, and the book's pictures are shown from it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urljoin

from colab_markdown import MarkdownTranslator, prefixed
from colab_math import display, inline
from docutils import nodes
from sphinx.locale import admonitionlabels


class ChapterTranslator(MarkdownTranslator):
    """Markdown for a chapter of the book."""

    def __init__(self, document: nodes.document, builder: Any) -> None:
        super().__init__(document, builder)
        self.site: str = builder.site
        self.page: str = builder.get_target_uri(self.docname)
        self.numbers: dict[str, dict[str, tuple[int, ...]]] = builder.env.toc_fignumbers.get(
            self.docname, {}
        )

    # -- numbers ---------------------------------------------------------------------------------

    def number(self, node: nodes.Element) -> str:
        """The website's name of a numbered node ("Fig. 1.2"); empty for any other node."""
        domain: Any = self.builder.env.get_domain("std")
        kind = domain.get_enumerable_node_type(node)
        numbers = self.numbers.get(kind, {})
        found = next((numbers[i] for i in node["ids"] if i in numbers), None)
        if found is None:
            return ""
        digits = ".".join(map(str, found))
        if "realtype" in node:
            return f"{node['realtype'].title()} {digits}"
        return str(self.config.numfig_format[kind] % digits)

    def visit_math_block(self, node: nodes.Element) -> str:
        numbers = self.numbers.get("displaymath", {})
        tag = ""
        if node["number"] and not node["nowrap"]:
            found = next((numbers[i] for i in node["ids"] if i in numbers), (node["number"],))
            tag = ".".join(map(str, found))
        return display(node.astext(), tag=tag, one_line=self.quoted > 0)

    def visit_caption(self, node: nodes.Element) -> str:
        number = self.number(node.parent)
        return f"**{number}** {self.inline(node)}" if number else f"*{self.inline(node)}*"

    def visit_figure(self, node: nodes.Element) -> str:
        return self.block(node.children)

    def visit_table(self, node: nodes.Element) -> str:
        titles = [child for child in node.children if isinstance(child, nodes.title)]
        rest = [child for child in node.children if child not in titles]
        captions = map(self.visit_caption, titles)
        return "\n\n".join([*captions, self.block(rest)])

    # -- frames: admonitions, theorems, exercises, what folds ------------------------------------

    def frame(self, label: str, title: Iterable[nodes.Node], body: str, folded: bool) -> str:
        """A block quote with a bold title, or what opens on a click."""
        title = list(title)
        if folded:
            summary = html.escape(label, quote=False) + "".join(map(_as_html, title))
            return f"<details>\n<summary><b>{summary.strip()}</b></summary>\n\n{body}\n\n</details>"
        heading = "".join(map(self.markdown, title))
        if label:
            heading = f"**{label}**{heading}"
        elif heading:
            heading = f"**{heading}**"
        return prefixed("\n\n".join(filter(None, [heading, body])), "> ", "> ")

    def heading_of(self, node: nodes.Element) -> tuple[str, list[nodes.Node], list[nodes.Node]]:
        """The name of a frame ("Theorem 1.2"), the nodes of its title, and what it contains."""
        children = list(node.children)
        title: list[nodes.Node] = []
        if children and isinstance(children[0], nodes.title | nodes.rubric):
            title = list(children.pop(0).children)
        label = self.number(node)
        if not label and "realtype" in node:
            label = str(node["realtype"]).title()
        if not label and not title:
            label = str(admonitionlabels.get(node.tagname, "Show" if self.folds(node) else ""))
        return label, title, children

    def folds(self, node: nodes.Element) -> bool:
        """Whether the website shows this node closed."""
        component = node.get("design_component")
        return component == "dropdown" or bool({"dropdown", "toggle"} & set(node["classes"]))

    def visit_Admonition(self, node: nodes.Element) -> str:  # noqa: N802
        label, title, children = self.heading_of(node)
        folded = self.folds(node)
        self.quoted += not folded
        body = self.block(children)
        self.quoted -= not folded
        return self.frame(label, title, body, folded)

    visit_topic = visit_sidebar = visit_Admonition

    def visit_proof_node(self, node: nodes.Element) -> str:
        """A proof: plain text, or folded. Its name is its first word, or a title that folds it."""
        inner = node.children[0]
        _, title, children = self.heading_of(inner)
        first = next(iter(inner.findall(nodes.Text)), None)
        if first is not None and not title:
            first.parent.replace(first, nodes.Text(first.astext().removeprefix("Proof. ")))
        body = self.block(children)
        return self.frame("Proof", [], body, True) if self.folds(inner) else f"**Proof.** {body}"

    def visit_container(self, node: nodes.Element) -> str:
        if node.get("nb_element") == "cell_code":
            raise self.error(node, f"a code cell stands inside a '{node.parent.tagname}'")
        return self.visit_Admonition(node) if self.folds(node) else self.block(node.children)

    # -- links and pictures ----------------------------------------------------------------------

    def visit_reference(self, node: nodes.Element) -> str:
        return self.link(self.inline(node), node.get("refuri") or "#" + node["refid"])

    def visit_download_reference(self, node: nodes.Element) -> str:
        if "filename" in node:
            return self.link(self.inline(node), f"{self.site}_downloads/{quote(node['filename'])}")
        return self.link(self.inline(node), node["refuri"])

    def link(self, text: str, target: str) -> str:
        """A link; one within the page leads to the page on the website."""
        target = urljoin(self.page, target)
        if re.search(r"[()\s]", target):
            target = f"<{target}>"
        space = " " if text.startswith(" ") else ""
        return f"{space}[{text.strip() or target}]({target})"

    def visit_image(self, node: nodes.Element) -> str:
        uri = node["uri"]
        if "://" not in uri and not uri.startswith("data:"):
            uri = f"{self.site}_images/{quote(self.builder.env.images[uri][1])}"
        alt = " ".join(node.get("alt", "").split()).replace("[", "(").replace("]", ")")
        return f"![{alt}]({uri})"


def _as_html(node: nodes.Node) -> str:
    """Inline nodes for ``<summary>``, where Markdown is not read; links are left out."""
    if isinstance(node, nodes.Text):
        return html.escape(node.astext(), quote=False)
    if isinstance(node, nodes.math):
        return inline(node.astext())
    inner = "".join(map(_as_html, node.children))
    return f"<code>{inner}</code>" if isinstance(node, nodes.literal) else inner
