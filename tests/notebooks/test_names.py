"""A notebook uses no name that only the build of the website defines.

Cells tagged ``remove-cell`` stay out of notebooks. Running a notebook finds most names that are
missing then, but not those in a function that a reader calls later: a panel that trains, say. Nor
does an explorer, whose frames are drawn when the reader moves it, use a name that a later cell binds
to something else.
"""

import ast
import builtins
from pathlib import Path

import nbformat
import pytest

from .colab import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
#: What IPython brings.
GIVEN = {*dir(builtins), "__name__", "display", "get_ipython"}


def missing(sources: list[str]) -> set[str]:
    """Names that are used in some cell and bound in none."""
    used, bound = set(), set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Name):
                (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                bound.add(node.name)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.alias):
                bound.add(node.asname or node.name.split(".")[0])
            elif isinstance(node, ast.ExceptHandler) and node.name:
                bound.add(node.name)
    return used - bound - GIVEN


def globals_of(function: ast.AST) -> set[str]:
    """Names that a function reads and does not bind."""
    read, own = set(), set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else own).add(node.id)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.FunctionDef) and node is not function:
            own.add(node.name)  # one inside of it
    return read - own


def bindings(source: str) -> set[str]:
    """Names that a cell binds outside of its functions, imports apart."""
    found, todo = set(), list(ast.parse(source).body)
    scopes = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif not isinstance(node, scopes):
            todo.extend(ast.iter_child_nodes(node))
    return found


def rebound(sources: list[str]) -> set[str]:
    """Names that an explorer's functions use and that a later cell binds anew."""
    functions: dict[str, ast.AST] = {}
    found = set()
    for k, source in enumerate(sources):
        own = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
        functions |= {n.name: n for n in own}
        if "Explorer(" not in source:
            continue
        used, todo = set(), set().union(*map(globals_of, own))
        while todo:
            name = todo.pop()
            if name not in used and name in functions:
                todo |= globals_of(functions[name])
            used.add(name)
        found |= used & set().union(*map(bindings, sources[k + 1 :]))
    return found


def code(path: Path) -> list[str]:
    return [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_every_name_is_bound_in_the_notebook(path: Path) -> None:
    assert missing(code(path)) == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_no_explorer_uses_a_name_that_is_bound_anew(path: Path) -> None:
    assert rebound(code(path)) == set()


def test_a_name_that_is_bound_anew_is_found() -> None:
    draw = "def draw(t):\n    i = a + help_(t)\n    return [c for c in i]\nExplorer(draw)"
    first = "a = 1\ndef help_(t):\n    return b * t"
    assert rebound([first, draw, "z = [a for a in q]\ndef f(b):\n    t = a = i = 3"]) == set()
    assert rebound([first, draw, "for a, t in q:\n    b, i = 3"]) == {"a", "b"}


def test_a_name_in_a_function_that_nobody_calls_is_found() -> None:
    cells = ["import os.path as p", "def show(x):\n    return x + floor + p.sep", "y = [k for k in z]"]
    assert missing(cells) == {"floor", "z"}
