"""The order of cells on the website: pictures first, then how they were made.

A notebook runs from top to bottom, so that code stands before the picture that it draws, and the
cell that imports everything is a chapter's first. On the website a reader wants it the other way
round. Here, and nowhere else, because the notebooks keep the order of the source,

* a cell tagged ``setup`` moves behind the list of goals ("You will be able to …");
* folded code moves below the picture or explorer that it makes, together with the folded cells
  directly before it that print nothing: one fold, "How this was made" unless its cell says another
  word;
* a fold around a cell and its output (``hide-cell``), as a solution needs it, says that it holds
  both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx

GOALS = "You will be able to"
BUILDERS = ("html", "dirhtml")
SETUP = "Setup, the same in every chapter"
MADE = "How this was made"
COMPUTED = "How this was computed"
#: A cell that is folded with its output, because the output is a solution.
WHOLE = "Code and result"
#: As in _config.yml; a cell may say something else (mystnb: code_prompt_show).
CODE = "Code"


def arrange(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the cells of a page in the website's order, and name its folds."""
    if app.builder.name not in BUILDERS:
        return
    move_setup(doctree)
    for cell in list(cells(doctree)):
        if cell.parent is not None and folded(cell) and shows_a_picture(cell):
            put_code_below(cell)
    for fold in doctree.findall(HideCodeCellNode):
        if fold["prompt_show"] == CODE and holds_output(fold):
            fold["prompt_show"] = WHOLE
        fold["prompt_hide"] = fold["prompt_show"]


def cells(doctree: nodes.document) -> Iterator[nodes.container]:
    """The code cells of a page."""
    for node in doctree.findall(nodes.container):
        if node.get("nb_element") == "cell_code":
            yield node


def folded(cell: nodes.Node | None) -> HideCodeCellNode | None:
    """The fold around the code of a cell, if its code is folded and its output is not."""
    if isinstance(cell, nodes.container) and cell.get("nb_element") == "cell_code":
        first = cell.children[0] if cell.children else None
        if isinstance(first, HideCodeCellNode) and first.children[-1].get("nb_element") != (
            "cell_code_output"
        ):
            return first
    return None


def holds_output(fold: HideCodeCellNode) -> bool:
    """Whether a fold hides what its cell shows, too."""
    return any(n.get("nb_element") == "cell_code_output" for n in fold.findall(nodes.container))


def shows_a_picture(cell: nodes.container) -> bool:
    """Whether the output of a cell is a figure, an image or HTML of our own."""
    kinds = (nodes.figure, nodes.image, nodes.raw)
    return any(True for node in cell.findall(lambda n: isinstance(n, kinds)))


def put_code_below(cell: nodes.container) -> None:
    """Move the folded code of a cell, and of the silent folded cells before it, to its end."""
    fold = folded(cell)
    assert fold is not None
    cell.remove(fold)
    while (before := silent_cell_before(cell)) is not None:
        own = folded(before)
        assert own is not None
        for part in reversed(own.children):
            fold.insert(0, part)
        cell.parent.remove(before)
    if fold["prompt_show"] == CODE:
        fold["prompt_show"] = COMPUTED if only_certificates(cell) else MADE
    fold["classes"] = ["below-output" if c == "above-input" else c for c in fold["classes"]]
    cell.append(fold)


def only_certificates(cell: nodes.container) -> bool:
    """Whether a cell shows lines of certificates, and nothing else."""
    shown = list(cell.findall(lambda n: isinstance(n, (nodes.raw, nodes.image, nodes.figure))))
    return all(isinstance(n, nodes.raw) and "otg-certificate" in n.astext() for n in shown)


def silent_cell_before(cell: nodes.container) -> nodes.container | None:
    """The folded cell directly before this one, if it shows nothing and is not the setup."""
    at = cell.parent.index(cell)
    before: Any = cell.parent.children[at - 1] if at else None
    if folded(before) is None or len(before.children) > 1 or is_setup(before):
        return None
    return before


def is_setup(cell: nodes.Element) -> bool:
    return "setup" in cell.get("cell_metadata", {}).get("tags", [])


def move_setup(doctree: nodes.document) -> None:
    """Put the cell tagged ``setup`` behind the goals of its page."""
    cell = next(filter(is_setup, cells(doctree)), None)
    if cell is None:
        return
    fold = folded(cell)
    if fold is not None:
        fold["prompt_show"] = SETUP
    goals = goals_list(doctree)
    if goals is not None:
        cell.parent.remove(cell)
        goals.parent.insert(goals.parent.index(goals) + 1, cell)


def goals_list(doctree: nodes.document) -> nodes.bullet_list | None:
    """The list that follows the words "You will be able to"."""
    for goals in doctree.findall(nodes.bullet_list):
        at = goals.parent.index(goals)
        if at and goals.parent[at - 1].astext().strip().startswith(GOALS):
            return goals
    return None


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-resolved", arrange)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
