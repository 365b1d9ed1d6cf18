"""Tests of a question, from the cells of the source.

A cell tagged ``test`` begins with Otter's settings of a test, and holds one function:

    \"\"\" # BEGIN TEST CONFIG
    points: 2
    hidden: true
    \"\"\" # END TEST CONFIG
    def test_of_something(transport_value, hidden):
        ...

Its arguments are the question's answers, and ``hidden`` (:class:`coursework.hidden.Hidden`).
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

import yaml

CONFIG = re.compile(r'^""" # BEGIN TEST CONFIG\n(.*?)""" # END TEST CONFIG\n', re.DOTALL)


@dataclass(frozen=True)
class TestCell:
    """One test: its name, its points, and whether students see it."""

    name: str
    points: float
    hidden: bool
    body: str

    __test__ = False


def read(cell: str) -> TestCell:
    """The test in a cell; raises ``ValueError`` for another form."""
    match = CONFIG.match(cell)
    if match is None:
        raise ValueError(f"a test begins with its settings, not with {cell[:40]!r}")
    settings = yaml.safe_load(match[1])
    body = cell[match.end() :]
    nodes = ast.parse(body).body
    if len(nodes) != 1 or not isinstance(nodes[0], ast.FunctionDef):
        raise ValueError("a test is one function")
    return TestCell(nodes[0].name, settings["points"], settings["hidden"], body)


def as_file(name: str, points: float, cells: tuple[str, ...]) -> str:
    """The tests as a file of Otter's."""
    lines = ["from otter.test_files import test_case", "", "OK_FORMAT = False"]
    lines += [f"name = {name!r}", f"points = {points}"]
    for cell in map(read, cells):
        head = f"@test_case(name={cell.name!r}, points={cell.points}, hidden={cell.hidden})"
        lines += ["", head, cell.body]
    return "\n".join(lines) + "\n"
