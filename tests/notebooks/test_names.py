"""A notebook uses no name that only the build of the website defines.

Cells tagged ``remove-cell`` stay out of notebooks. Running a notebook finds most names that are
missing then, but not those in a function that a reader calls later: a panel that trains, say.
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


def code(path: Path) -> list[str]:
    return [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_every_name_is_bound_in_the_notebook(path: Path) -> None:
    assert missing(code(path)) == set()


def test_a_name_in_a_function_that_nobody_calls_is_found() -> None:
    cells = ["import os.path as p", "def show(x):\n    return x + floor + p.sep", "y = [k for k in z]"]
    assert missing(cells) == {"floor", "z"}
