"""Which cells of a notebook an answer needs. The others, trials, plots, other answers, are not run.

A cell is needed where it

* binds a name that is needed: the answer, or what a needed cell uses (by ``def``, ``class``,
  ``import``, assignment, ``for``, ``with``, ``match``, ``:=``, ``del``, or through ``global`` in a
  function);
* assigns to an attribute or an item of such a name (``W[0] = 2``, ``net.weight.data = …``);
* outside of its functions, calls a method of such a name or hands it to a call (``W.append(1)``,
  ``train(net)``), unless the name is only ever a function, a class or a module: a call may change
  an object, and does not change these;
* only prepares: it has nothing but imports, calls of modules (``torch.manual_seed(0)``,
  ``torch.set_default_dtype(torch.float64)``) and assignments that use nothing else.

The needed cells run in the order of the notebook, all of each, so that a name that is bound twice
has its last value, as after *Restart and run all*. Names in a function are looked up as Python
does it (``symtable``). A cell that is no Python is needed if a line of it looks as if it bound the
name, so that its author reads the error there.

A cell that is too long, or holds what is no text, is not read: it raises an exception that says so.

What a notebook alone understands does nothing: lines for the shell, magics, ``display``, and what
mentions ``grader`` or ``otter``.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

#: Magics of a whole cell after which Python follows.
AROUND_PYTHON = {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun"}
#: Built-in functions that change none of their arguments.
PURE = set(
    [
        "print",
        "display",
        "len",
        "repr",
        "str",
        "type",
        "id",
        "isinstance",
        "float",
        "int",
        "bool",
        "abs",
        "sum",
        "min",
        "max",
        "round",
        "sorted",
        "list",
        "tuple",
        "dict",
        "set",
        "help",
        "dir",
        "hash",
        "callable",
        "range",
        "enumerate",
        "zip",
        "all",
        "any",
    ]
)
#: What checks answers in a notebook, and is not here.
CHECKS = {"grader", "otter"}
#: What the notebook's own functions are called in its code.
NOTEBOOK = "get_ipython"
#: Names under which modules are known that the assignment's own code imports.
MODULES = {"np", "torch", "otg", "plt", "warnings", "random", "math", NOTEBOOK}


#: Characters and lines of a cell, and characters of a notebook's code.
CHARACTERS, LINES, ALL_CHARACTERS = 100_000, 2_000, 600_000
#: Lines of a notebook that are taken apart for what only a notebook understands. IPython takes all
#: lines of a cell apart again for each that it finds.
TRANSFORMED = 100_000


@dataclass(frozen=True)
class Cell:
    """A code cell.

    Attributes:
        number: its place among the code cells.
        source: its Python.
        binds: names that it binds outside of functions.
        assigns: those of them that are no functions, classes or modules.
        uses: names of others that it uses.
        alters: names to whose attributes or items it assigns.
        touches: names whose methods it calls, or that it hands to a call.
        prepares: whether it has imports and settings only.
    """

    number: int
    source: str
    binds: frozenset[str] = frozenset()
    assigns: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    alters: frozenset[str] = frozenset()
    touches: frozenset[str] = frozenset()
    prepares: bool = False


def cells(sources: list[str]) -> list[Cell]:
    """Cells of a notebook, as Python."""
    transformer, found, characters = _Transformer(), [], 0
    for k, source in enumerate(sources):
        characters += len(source)
        why = _unreadable(source, characters)
        found.append(_refused(k, source, why) if why else _cell(k, _python(source, transformer)))
    return found


def _unreadable(source: str, characters: int) -> str:
    """Why a cell is not read, if it is not."""
    if len(source) > CHARACTERS or source.count("\n") >= LINES:
        return f"it has more than {CHARACTERS:,} characters or {LINES:,} lines"
    if characters > ALL_CHARACTERS:
        return f"with those above it, it has more than {ALL_CHARACTERS:,} characters"
    try:
        source.encode()
    except UnicodeEncodeError:
        return "it holds half a character"
    return ""


def _refused(number: int, source: str, why: str) -> Cell:
    words = frozenset(_words(source[:CHARACTERS]))
    return Cell(number, f"raise ValueError('this cell cannot be read: {why}')", binds=words)


def needed(all_cells: list[Cell], names: tuple[str, ...]) -> list[Cell]:
    """The cells, in their order, that these names need."""
    objects = frozenset[str]().union(*(c.assigns for c in all_cells))
    chosen = {c.number for c in all_cells if c.prepares}
    wanted = set(names).union(*(c.uses for c in all_cells if c.prepares))
    while True:
        more = [
            c
            for c in all_cells
            if c.number not in chosen
            and (wanted & (c.binds | c.alters) or wanted & c.touches & objects)
        ]
        if not more:
            return [c for c in all_cells if c.number in chosen]
        chosen |= {c.number for c in more}
        wanted = wanted.union(*(c.uses for c in more))


class _Transformer(TransformerManager):
    """IPython's reading of a notebook's cells, which ends when it has taken too long."""

    left = TRANSFORMED

    def do_one_token_transform(self, lines: list[str]) -> tuple[bool, list[str]]:
        self.left -= len(lines)
        if self.left < 0:
            raise ValueError("too much of this is no Python")
        return super().do_one_token_transform(lines)


def _python(source: str, transformer: _Transformer) -> str:
    """The source without what only a notebook understands, line for line."""
    head, _, rest = source.lstrip().partition("\n")
    if head.startswith("%%"):
        words = head[2:].split()
        source = "pass\n" + rest if words and words[0] in AROUND_PYTHON else ""
    try:
        return _without_checks(source)
    except Exception:  # no Python yet, or never
        if transformer.left <= 0:
            return source
    source = re.sub(r"^([ \t]*)%time +(?=\S)", r"\1", source, flags=re.MULTILINE)
    try:
        source = transformer.transform_cell(source)
        return _without_checks(source)
    except Exception:  # nothing that IPython or Python can read either: its error is shown
        return source


def _without_checks(source: str) -> str:
    body = ast.parse(source).body
    lines = re.sub("\r\n?", "\n", source).split("\n")  # as Python counts them
    begin = Counter(node.lineno - 1 for node in body)
    for node in body:
        own = range(node.lineno - 1, node.end_lineno or node.lineno)
        if _mentions_checks(node) and sum(begin[k] for k in own) == 1:
            for k in own:
                lines[k] = ""
    return "\n".join(lines)


def _mentions_checks(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in CHECKS for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] in CHECKS
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr):
        return any(isinstance(n, ast.Name) and n.id in CHECKS for n in ast.walk(node))
    return False


def _cell(number: int, source: str) -> Cell:
    try:
        tree = ast.parse(source)
        table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # What it meant to bind is guessed, so that its error is shown with the question.
        return Cell(number, source, binds=frozenset(_words(source)))
    binds, uses = _names(table)
    definitions = {s.get_name() for s in table.get_symbols() if s.is_namespace() or s.is_imported()}
    # A name that is defined, and assigned as well, is an object.
    stored = (n for n in _outside(tree) if isinstance(n, ast.Name))
    assigns = binds - definitions | {n.id for n in stored if isinstance(n.ctx, ast.Store)}
    increased = (n.target for n in _outside(tree) if isinstance(n, ast.AugAssign))
    uses |= {target.id for target in increased if isinstance(target, ast.Name)}
    alters, touches = _changes(tree)
    imported = {s.get_name() for s in table.get_symbols() if s.is_imported()} | {NOTEBOOK}
    return Cell(
        number,
        source,
        frozenset(binds - CHECKS),
        frozenset(assigns),
        frozenset(uses - CHECKS - {NOTEBOOK}),
        frozenset(alters),
        frozenset(touches),
        _prepares(tree, imported),
    )


def _names(table: symtable.SymbolTable) -> tuple[set[str], set[str]]:
    """Names that a cell binds among its globals, and global names that it uses."""
    binds, uses, tables = set(), set(), [table]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            name = symbol.get_name()
            if not top and not symbol.is_global():
                continue
            if symbol.is_assigned() or symbol.is_imported():
                binds.add(name)
            # symtable says of `x += 1` only that it assigns.
            if symbol.is_referenced() or symbol.is_declared_global():
                uses.add(name)
    return binds, uses


def _outside(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a tree that run when the cell does, so not the bodies of functions."""
    inside = [node]
    while inside:
        for child in ast.iter_child_nodes(inside.pop()):
            yield child
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inside += [*child.decorator_list, child.args]
            elif not isinstance(child, ast.Lambda):
                inside.append(child)


def _changes(tree: ast.Module) -> tuple[set[str], set[str]]:
    """(names to whose parts a cell assigns, names that it uses in calls that may change them)."""
    alters: set[str | None] = set()
    touches: set[str | None] = set()
    for node in _outside(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            alters.add(_root(node))
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                touches.add(_root(node.func))
            if not (isinstance(node.func, ast.Name) and node.func.id in PURE):
                touches |= {_root(a) for a in (*node.args, *(k.value for k in node.keywords))}
    return {n for n in alters if n}, {n for n in touches if n}


def _root(node: ast.AST) -> str | None:
    """The name at the beginning of ``name.a[0].b``."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _prepares(tree: ast.Module, imported: set[str]) -> bool:
    """Whether a cell has imports, calls of modules, and assignments from these only."""
    modules, found = imported | MODULES, False
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found = True
        elif isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign):
            names = (n for n in ast.walk(node) if isinstance(n, ast.Name))
            loaded = {n.id for n in names if not isinstance(n.ctx, ast.Store)}
            if not loaded <= modules | PURE:
                return False
            found = found or (isinstance(node, ast.Expr) and bool(loaded & modules))
        elif not isinstance(node, ast.Pass):
            return False
    return found


def _words(source: str) -> set[str]:
    pattern = r"^(?:(?:async )?def |class )?([A-Za-z_]\w*)\s*(?:\(|=|:|$)"
    return set(re.findall(pattern, source, re.MULTILINE))
