"""A search for solutions, hidden tests and marks in what others than instructors read."""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path
from typing import Any

from otter.assign.solutions import replace_solutions

from coursework import bank, source, test_cells

#: Otter's marks in a source; none has a reason to be on a page.
MARKS = ("# BEGIN SOLUTION", "# BEGIN TEST CONFIG", "# BEGIN QUESTION", "# END SOLUTION")
#: Lines shorter than this occur by chance.
SHORTEST = 24


@cache
def needles(folder: Path) -> frozenset[str]:
    """Marks, and each telling line of solutions, of hidden tests and of answers in the bank.

    Lines that students see anyway (in the text, the skeleton or a visible test) are no secret.
    """
    assignment = source.read(folder)
    secret, seen = set(MARKS), ""
    for question in assignment.questions.values():
        seen += question.text
        for cell in question.solution:
            kept = replace_solutions(cell.split("\n"), "python")
            seen += "\n".join(kept)
            secret |= {line for line in _lines(cell)}
        for cell in question.tests:
            if test_cells.read(cell).hidden:
                secret |= set(_lines(test_cells.read(cell).body))
            else:
                seen += cell
        if not question.manual:
            for answer in bank.read(folder / "answers" / f"{question.name}.py"):
                if answer.points is None:
                    secret |= set(_lines(answer.code))
    seen += "\n".join(c.source for c in assignment.notebook.cells if c.cell_type == "markdown")
    cells = assignment.notebook.cells
    seen += "\n".join(c.source for c in cells if not {"solution", "test"} & set(source.tags(c)))
    plain = _squeezed(seen) + public()
    return frozenset(n for n in secret if n in MARKS or _squeezed(n) not in plain)


@cache
def public() -> str:
    """What the book and the package say themselves: such a line betrays nothing."""
    root = Path(__file__).resolve().parents[2]
    pages = {*root.glob("book/*.md")} - {
        *root.glob("book/assignments.md"),
        *root.glob("book/kill*"),
    }
    files = [*pages, *root.glob("otgen_lite/**/*.py")]
    return _squeezed("\n".join(p.read_text(encoding="utf-8") for p in sorted(files)))


def found_in(content: Any, wanted: frozenset[str]) -> list[str]:
    """The needles in a text, or in any string of a JSON value."""
    text = squeezed(content)
    return sorted(n for n in wanted if _squeezed(n) in text)


def squeezed(content: Any, page: bool = False) -> str:
    """A text, or all strings of a JSON value, in the form that is searched.

    Args:
        content: the text or the value.
        page: whether it is HTML.
    """
    if isinstance(content, Squeezed):
        return content
    text = "\n".join(_strings(content))
    if page:
        text = re.sub(r"[A-Za-z0-9+/=]{400,}", "", text)  # pictures
        text = html.unescape(re.sub(r"<[^<>]*>", "", text))
    return Squeezed(_squeezed(text))


class Squeezed(str):
    """A text that is in this form already."""


def _lines(code: str) -> list[str]:
    """Lines of code that say something."""
    lines = (line.strip() for line in code.split("\n"))
    return [
        x for x in lines if len(x) >= SHORTEST and not x.startswith(("def ", "import ", "from "))
    ]


def _squeezed(text: str) -> str:
    """Without white space, by which a page may change a line."""
    return re.sub(r"\s+", "", text)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [s for v in value.values() for s in _strings(v)]
    if isinstance(value, list):
        if value and all(isinstance(v, str) for v in value):
            return ["".join(value)]
        return [s for v in value for s in _strings(v)]
    return []
