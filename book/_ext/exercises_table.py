"""All exercises of the book, chapter by chapter, for anyone who sets an assignment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import chapters
import tables
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx_exercise.nodes import exercise_subtitle

STAR = "★"


class ExercisesTable(nodes.General, nodes.Element):
    """Stands where the table will be, until every page has been read."""


class ExercisesTableDirective(SphinxDirective):
    """``{exercises-table}``: a row for each chapter, its exercises by their stars."""

    def run(self) -> list[nodes.Node]:
        return [ExercisesTable()]


def exercises(env: BuildEnvironment, page: str) -> Iterator[tuple[int, str, str]]:
    """The exercises of a page in their order: stars, title, label."""
    for label, entry in getattr(env, "sphinx_exercise_registry", {}).items():
        if entry["docname"] == page and not entry["type"].startswith("solution"):
            words = " ".join(part.astext() for part in entry["node"].findall(exercise_subtitle))
            title = words.lstrip(STAR).strip()
            yield len(words) - len(words.lstrip(STAR)), title, label


def links(app: Sphinx, here: str, page: str, stars: int) -> nodes.Node:
    """The exercises of a page that have so many stars, each a link."""
    cell = nodes.inline()
    uri = app.builder.get_relative_uri(here, page)
    for count, title, label in exercises(app.env, page):
        if count == stars:
            cell += nodes.Text("; " if len(cell) else "")
            cell += nodes.reference("", title, internal=True, refuri=f"{uri}#{label}")
    return cell if len(cell) else nodes.Text("—")


def needs(app: Sphinx, here: str, page: str) -> nodes.Node:
    """The numbers of the chapters to have read, each a link."""
    cell = nodes.inline()
    for name in chapters.front_matter(app.env, page).get("needs", []):
        uri = app.builder.get_relative_uri(here, f"{page.rpartition('/')[0]}/{name}")
        cell += nodes.Text(", " if len(cell) else "")
        cell += nodes.reference("", str(int(name[:2])), internal=True, refuri=uri)
    return cell if len(cell) else nodes.Text("—")


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the placeholder by the table."""
    for place in list(doctree.findall(ExercisesTable)):
        rows: list[list[tables.Cell]] = []
        for number, page in sorted(chapters.numbered(app.env)):
            title = f"{number} {app.env.titles[page].astext()}"
            uri = app.builder.get_relative_uri(docname, page)
            name = nodes.reference("", title, internal=True, refuri=uri)
            rows.append(
                [name, needs(app, docname, page)]
                + [links(app, docname, page, stars) for stars in (1, 2, 3)]
            )
        header = ["Chapter", "To have read", STAR, STAR * 2, STAR * 3]
        place.replace_self(
            nodes.container(
                "", tables.table(header, rows), classes=["otg-wide-table", "full-width"]
            )
        )


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(ExercisesTable)
    app.add_directive("exercises-table", ExercisesTableDirective)
    app.connect("doctree-resolved", fill_in)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
