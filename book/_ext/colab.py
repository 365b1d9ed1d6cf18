"""Sphinx builder ``colab``: each executed chapter as a notebook with small outputs, for Colab.

The notebook is made from the resolved doctree, as the website is: numbers, citations and glued
values are the website's. What the translator cannot say in Markdown fails the build
(``colab_markdown.py`` says why it is our own).

A chapter is a page called ``NN_slug`` that holds code cells. Its notebook starts with the title,
a line that says where it comes from, and a cell that installs what is missing. Cells that are
tagged ``remove-cell`` stay out: they hold the ``glue`` of the build. Folded code (``hide-input``,
``hide-cell``, ``remove-input``) is folded in Colab, too, but for the setup cell: what it imports is
what the reader's own lines will use. Cell ids come from labels and contents, never from positions,
so an edit in the middle of a chapter changes one cell of its notebook. Which outputs are stored is
said in ``colab_outputs.py``; those of a folded solution are not, because it would be open then.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import colab_button
import colab_install
import colab_outputs
import nbformat
from addresses import site_url
from colab_chapter import ChapterTranslator
from docutils import nodes
from myst_nb.core.render import base_render_priority
from nbformat import v4
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.config import Config

FOLDED = {"hide-input", "hide-cell", "remove-input", "hide_input", "remove_input"}
SETUP = "setup"

METADATA = {
    "colab": {"provenance": [], "toc_visible": True},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class NotebookWriter:
    """The cells of one chapter, in order."""

    def __init__(self, translator: ChapterTranslator, executed: Path) -> None:
        self.translator = translator
        self.executed = nbformat.read(executed, as_version=4).cells  # what myst-nb ran
        self.cells: list[nbformat.NotebookNode] = []
        self.text: list[str] = []
        self.label = ""
        self.used: dict[str, int] = {}

    def write(self, doctree: nodes.document) -> list[nbformat.NotebookNode]:
        """All cells of a page."""
        self.flow(doctree.children, depth=0)
        self.flush()
        return self.cells

    def flow(self, children: Iterable[nodes.Node], depth: int) -> None:
        """Append text and code in the order of the page; headings begin a new text cell."""
        for node in children:
            if isinstance(node, nodes.section):
                self.flush()
                self.label = node["ids"][-1]
                self.flow(node.children, depth + 1)
            elif isinstance(node, nodes.title):
                self.text.append(f"{'#' * depth} {self.section_number(node)}{self.inline(node)}")
            elif _is_cell(node):
                self.code(node)
            elif any(node.findall(_is_cell)):
                self.split(node)
            else:
                self.text.append(self.translator.markdown(node))

    def section_number(self, title: nodes.Element) -> str:
        """ "1.2. ", as on the website; empty where the table of contents numbers nothing."""
        builder: Any = self.translator.builder
        numbers = builder.env.toc_secnumbers.get(builder.current_docname, {})
        first = isinstance(title.parent.parent, nodes.document)
        number = numbers.get("" if first else "#" + title.parent["ids"][0])
        return ".".join(map(str, number)) + builder.config.html_secnumber_suffix if number else ""

    def inline(self, node: nodes.Node) -> str:
        return self.translator.inline(node)

    def split(self, node: nodes.Element) -> None:
        """A frame with code cells in it (some solutions): framed text, and its code as cells."""
        label, title, children = self.translator.heading_of(node)
        folded = self.translator.folds(node)
        if len(children) == 1 and isinstance(children[0], nodes.section):
            children = list(children[0].children)
        name = label + "".join(node.astext() for node in title)
        rest: list[nodes.Node] = []
        for child in [*children, None]:
            if child is not None and not _is_cell(child):
                rest.append(child)
                continue
            self.translator.quoted += not folded
            body = self.translator.block(rest)
            self.translator.quoted -= not folded
            if body:
                self.text.append(self.translator.frame(label, title, body, folded))
                label, title = f"{name}, continued", []
            if child is not None:
                self.code(child, folded_as=f"{name}: code" if folded else "")
            rest = []

    def code(self, node: nodes.Element, folded_as: str = "") -> None:
        """One code cell with its stored outputs, and the captions of the figures that it draws."""
        tags = list(node.get("cell_metadata", {}).get("tags", []))
        figures = list(node.findall(nodes.figure))
        numbers = [self.translator.number(figure) for figure in figures]
        source = self.source(node)
        metadata: dict[str, Any] = {"tags": tags} if tags else {}
        if folded_as or (FOLDED & set(tags) and SETUP not in tags):
            numbers = [number for number in numbers if number]
            title = folded_as or (f"Code of {numbers[0]}" if numbers else "Code")
            if not source.startswith("%%"):  # a cell magic must stay in the first line
                source = f"#@title {title}\n{source}"
            metadata["cellView"] = "form"
        self.flush()
        named = figures[0]["ids"] if figures else []
        outputs = [] if folded_as else colab_outputs.stored(self.executed[node["cell_index"]])
        cell = v4.new_code_cell(source, metadata=metadata, outputs=outputs)
        self.append(cell, named[-1] if named else "")
        for caption in (c for figure in figures for c in figure.findall(nodes.caption)):
            self.text.append(self.translator.markdown(caption))

    def source(self, node: nodes.Element) -> str:
        """The code of a cell: from the page, or from the executed notebook if it is not shown."""
        for shown in node.children:
            if shown.get("nb_element") == "cell_code_source":
                return str(shown.astext().rstrip("\n"))
        return str(self.executed[node["cell_index"]].source)

    def flush(self) -> None:
        """Close the text cell."""
        text = "\n\n".join(part.strip("\n") for part in self.text if part.strip())
        self.text = []
        if text:
            self.append(v4.new_markdown_cell(text), self.label)
            self.label = ""

    def append(self, cell: nbformat.NotebookNode, label: str = "") -> None:
        """Give a cell an id that does not depend on its position, unless cells are equal."""
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        name = re.sub(r"[^A-Za-z0-9_-]", "-", label)[:56] or digest
        self.used[name] = self.used.get(name, 0) + 1
        cell["id"] = name if self.used[name] == 1 else f"{name}-{self.used[name]}"
        self.cells.append(cell)


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


class ColabBuilder(Builder):
    """Writes ``NN_slug.ipynb`` for each chapter into the output folder."""

    name = format = "colab"
    epilog = "The notebooks are in %(outdir)s."
    allow_parallel = False
    supported_image_types = ["image/svg+xml", "image/png", "image/jpeg", "image/webp"]  # noqa: RUF012
    supported_remote_images = supported_data_uri_images = True
    default_translator_class = ChapterTranslator
    current_docname = ""

    def init(self) -> None:
        self.site = site_url(self.config)

    def chapters(self) -> list[str]:
        return sorted(filter(colab_button.is_chapter, self.env.found_docs))

    def get_outdated_docs(self) -> Iterator[str]:
        yield from self.chapters()

    def write(self, build_docnames: Any, updated_docnames: Any, method: Any = "update") -> None:
        """Resolve the chapters only; the other pages are the website's affair."""
        super().write(self.chapters(), [], method)

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        return f"{self.site}{docname}.html"

    def get_relative_uri(self, from_: str, to: str, typ: str | None = None) -> str:
        return self.get_target_uri(to, typ)

    def prepare_writing(self, docnames: set[str]) -> None:
        for old in Path(self.outdir).glob("*.ipynb"):
            old.unlink()

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        if not colab_button.is_chapter(docname) or not any(doctree.findall(_is_cell)):
            return
        self.current_docname = docname
        translator = self.create_translator(doctree, self)
        executed = Path(self.env.mystnb_config.output_folder, f"{docname}.ipynb")  # type: ignore[attr-defined]
        cells = NotebookWriter(translator, executed).write(doctree)
        notebook = v4.new_notebook(cells=self.opening(docname, cells), metadata=METADATA)
        nbformat.validate(notebook)
        path = Path(self.outdir, colab_button.notebook_name(docname))
        path.write_text(nbformat.writes(notebook).rstrip("\n") + "\n", encoding="utf-8")

    def opening(
        self, docname: str, cells: list[nbformat.NotebookNode]
    ) -> list[nbformat.NotebookNode]:
        """The cells with the origin under the title and the installing cell after it."""
        title, _, rest = cells[0].source.partition("\n")
        origin = (
            f"*This notebook is made from [a page of the book]({self.get_target_uri(docname)}). "
            "To change it, edit the page: this file is written anew from it.*"
        )
        first = v4.new_markdown_cell(f"{title}\n\n{origin}", id=cells[0]["id"])
        install = v4.new_code_cell(colab_install.source(self.config), id="install")
        if not rest.strip():
            return [first, install, *cells[1:]]
        text = v4.new_markdown_cell(rest.strip("\n"), id=f"{cells[0]['id']}-text")
        return [first, install, text, *cells[1:]]

    def finish(self) -> None:
        """Nothing is left to do: pictures are shown from the website."""


def set_mime_priorities(app: Sphinx, config: Config) -> None:
    """Let myst-nb choose among the outputs of a cell as it does for the website."""
    website = base_render_priority()["html"]
    config.nb_mime_priority_overrides = [
        *config.nb_mime_priority_overrides,
        *(("colab", mime, priority) for mime, priority in website.items()),
    ]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_builder(ColabBuilder)
    app.connect("config-inited", set_mime_priorities)
    app.setup_extension("colab_button")
    app.setup_extension("executed")  # puts cached outputs into the executed notebooks
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
