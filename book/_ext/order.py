"""The setup cell on the website: after the opening of a chapter, where it stands in nobody's way.

A notebook runs from top to bottom, so the cell that imports everything is a chapter's first. A
reader of the website wants the opening picture and its question first. Here a cell tagged ``setup``
moves behind the list of goals ("You will be able to …"); other builders, the notebooks among them,
keep the order of the source.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

GOALS = "You will be able to"
BUILDERS = ("html", "dirhtml")


def move_setup(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the cell tagged ``setup`` behind the goals of its page."""
    if app.builder.name not in BUILDERS:
        return
    cell, goals = setup_cell(doctree), goals_list(doctree)
    if cell is not None and goals is not None:
        cell.parent.remove(cell)
        goals.parent.insert(goals.parent.index(goals) + 1, cell)


def setup_cell(doctree: nodes.document) -> nodes.container | None:
    """The first code cell tagged ``setup``."""
    for cell in doctree.findall(nodes.container):
        if "setup" in cell.get("cell_metadata", {}).get("tags", []):
            return cell
    return None


def goals_list(doctree: nodes.document) -> nodes.bullet_list | None:
    """The list that follows the words "You will be able to"."""
    for goals in doctree.findall(nodes.bullet_list):
        at = goals.parent.index(goals)
        if at and goals.parent[at - 1].astext().strip().startswith(GOALS):
            return goals
    return None


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-resolved", move_setup)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
