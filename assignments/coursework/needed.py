"""Which cells of a notebook an answer needs: those that bind its names, and what these use.

Everything else in a student's notebook, trials, plots, answers to other questions, is not run.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager


@dataclass(frozen=True)
class Cell:
    """A code cell: its number, its source as Python, names that it binds and uses."""

    number: int
    source: str
    binds: frozenset[str]
    uses: frozenset[str]
    readable: bool


def cells(sources: list[str]) -> list[Cell]:
    """Cells of a notebook, without lines for the shell and for IPython."""
    return [_cell(k, _plain(source)) for k, source in enumerate(sources)]


def needed(all_cells: list[Cell], names: tuple[str, ...]) -> list[Cell]:
    """The cells, in their order, that bind these names, and those that bind what they use."""
    wanted, chosen = set(names), set()
    while True:
        more = {c.number for c in all_cells if c.binds & wanted} - chosen
        if not more:
            return [c for c in all_cells if c.number in chosen]
        chosen |= more
        wanted |= {name for c in all_cells if c.number in more for name in c.uses}


def _plain(source: str) -> str:
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("!", "%"))]
    try:
        return TransformerManager().transform_cell("\n".join(lines))
    except Exception:  # nothing that IPython can read either
        return "\n".join(lines)


def _cell(number: int, source: str) -> Cell:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # What it meant to bind is guessed, so that its error is shown with the question.
        names = frozenset(_words(source))
        return Cell(number, source, names, frozenset(), False)
    binds, uses = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (uses if isinstance(node.ctx, ast.Load) else binds).add(node.id)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            binds.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            binds |= {(a.asname or a.name).split(".")[0] for a in node.names}
    return Cell(number, source, frozenset(binds & _top(tree)), frozenset(uses), True)


def _top(tree: ast.Module) -> set[str]:
    """Names that are bound outside of functions."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            found.add(node.name)
            return
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update((a.asname or a.name).split(".")[0] for a in node.names)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    return found


def _words(source: str) -> set[str]:
    import re

    return set(re.findall(r"^(?:def |class )?([A-Za-z_]\w*)\s*(?:\(|=)", source, re.MULTILINE))
