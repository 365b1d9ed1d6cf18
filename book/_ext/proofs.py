"""Proofs that fold, and ids that are unique: a repair of what sphinx-proof and -exercise leave.

They give all proofs, and the contents of all theorems and exercises, the same id; and a proof has
no title, so that the script that folds stops at the first one. Here each gets an id of its own, and
every proof, folded or not, the title "Proof" in place of the word at the beginning of its text.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_proof.nodes import proof_node

WORD = "Proof. "


def repair(app: Sphinx, doctree: nodes.document) -> None:
    """Give the proofs of a page their ids and titles, and the contents of statements their ids."""
    for section in doctree.findall(nodes.section):
        if section["ids"] in (["proof-content"], ["exercise-content"], ["solution-content"]):
            section["ids"] = [f"{owner}-content" for owner in section.parent["ids"][:1]]
    for number, proof in enumerate(doctree.findall(proof_node), start=1):
        for box in proof.findall(nodes.admonition):
            box["ids"] = [f"proof-{number}"]
            _drop_the_word(box)
            box.insert(0, nodes.title("", "Proof"))
            break


def _drop_the_word(box: nodes.Element) -> None:
    first = next(iter(box.findall(nodes.Text)), None)
    if first is not None and first.startswith(WORD):
        first.parent.replace(first, nodes.Text(first.removeprefix(WORD)))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", repair)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
