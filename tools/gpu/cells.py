"""The code cells of a chapter, executed without a kernel: what a reader runs, on a device.

What a notebook's front end does (show a value, glue a number into the text) is done far enough that
it must work: pictures are drawn, explorers show their first frame, and nothing is displayed.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: A cell: what opens it, its options (a block between lines of three dashes, or lines with a
#: colon), its code.
_CELL = re.compile(
    r"^(?P<fence>`{3,})\{code-cell\}[^\n]*\n(?P<body>.*?)^(?P=fence)\s*$", re.M | re.S
)
_BLOCK = re.compile(r"\A---\n.*?^---\n", re.M | re.S)
_COLON = re.compile(r"\A(?::[\w-]+:[^\n]*\n)+")
#: Functions and methods that train.
_TRAINS = re.compile(r"\botg\.(fit|sweep|recipes\.get)\(")


@dataclass(frozen=True)
class Cell:
    """Code of a chapter, and the line of the chapter on which it begins."""

    line: int
    code: str


def cells(text: str) -> Iterator[Cell]:
    """The code cells of a chapter's source, in the order of the notebook.

    Example:
        >>> text = "# T\\n```{code-cell} ipython3\\n:tags: [x]\\n1 + 1\\n```\\n"
        >>> list(cells(text))
        [Cell(line=4, code='1 + 1\\n')]
    """
    for found in _CELL.finditer(text):
        body, start = found["body"], found.start("body")
        head = _BLOCK.match(body) or _COLON.match(body)
        begin = head.end() if head else 0
        begin += len(body[begin:]) - len(body[begin:].lstrip("\n"))
        yield Cell(text.count("\n", 0, start + begin) + 1, body[begin:])


def chapters(root: Path) -> tuple[list[Path], list[Path]]:
    """The chapters that train, and the others."""
    trains: dict[bool, list[Path]] = {True: [], False: []}
    for path in sorted((root / "book").glob("[0-9][0-9]_*.md")):
        code = [cell.code for cell in cells(path.read_text(encoding="utf-8"))]
        if code:
            trains[any(_TRAINS.search(one) for one in code)].append(path)
    return trains[True], trains[False]


def stand_ins() -> None:
    """Modules of the notebook's world that may be missing: they take everything and do nothing."""
    glued = types.ModuleType("myst_nb")
    glued.glue = lambda name, value, display=False: repr(value)  # type: ignore[attr-defined]
    sys.modules["myst_nb"] = glued
    try:
        import IPython.display  # noqa: F401
    except ImportError:
        shell, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
        # matplotlib asks whether this is a version that it has to help.
        shell.version_info = (9, 0, 0)  # type: ignore[attr-defined]
        shell.get_ipython = lambda: None  # type: ignore[attr-defined]
        shell.display = display  # type: ignore[attr-defined]
        display.__getattr__ = _anything  # type: ignore[method-assign]
        sys.modules |= {"IPython": shell, "IPython.display": display}


def _anything(attribute: str) -> Any:
    # Python's own names (__file__, __path__) tell what a module is: those it has not.
    if attribute.startswith("__"):
        raise AttributeError(attribute)
    return _nothing


def _nothing(*arguments: Any, **options: Any) -> None: ...


def execute(cell: Cell, name: str, space: dict[str, Any]) -> None:
    """Run a cell in a namespace and show its last value.

    Tracebacks name the chapter and its lines.
    """
    tree = ast.parse("\n" * (cell.line - 1) + cell.code, filename=name)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    exec(compile(tree, name, "exec"), space)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), name, "eval"), space)
        ends_quietly = cell.code.rstrip().endswith(";")
        if value is not None and not ends_quietly:
            show(value)


def show(value: Any) -> None:
    """Show a value as a notebook would at the end of a cell."""
    if type(value).__name__ == "TrainingPanel":  # press its button, and stop soon
        value.train(callback=lambda step, history: step >= 50)
    for name in ("_repr_mimebundle_", "_repr_html_", "_repr_png_"):
        method = getattr(value, name, None)
        if method is not None:
            method()
            return
    if hasattr(value, "savefig"):
        value.savefig(io.BytesIO(), format="png")
    else:
        repr(value)


def left_behind(space: dict[str, Any], device: str) -> list[str]:
    """Names of tensors and modules in a namespace that are on another kind of device."""
    import torch

    kind, found = torch.device(device).type, []
    for name, value in space.items():
        if isinstance(value, torch.Tensor):
            places = {value.device.type}
        elif isinstance(value, torch.nn.Module):
            places = {t.device.type for t in (*value.parameters(), *value.buffers())}
        elif isinstance(value, torch.Generator):
            places = {value.device.type}
        else:
            continue
        if places - {kind}:
            found.append(name)
    return found
