r"""Symbols are introduced before they are used: the formulas against ``book/notation.md``.

``notation.md`` is the only source. Each row of its tables names one or several symbols and, behind
``·``, the label of the place where they are introduced: one for all, or one for each. The place is
the *section* that holds the label, because words come before a definition. In reading order, no
formula before that section may hold the symbol.

Letters are fewer than meanings. The table "Letters of one chapter" lists, chapter by chapter, the
letters that mean something there and nothing in other chapters: such a letter must be introduced
before its chapter uses it, if it has a row for this chapter, and other chapters do not look at that
row. One that the chapter does not need is a fault, so that the list stays short.

How formulas are compared: a symbol is a letter with its accents. ``W_c`` and ``W_p`` are different
symbols, while ``x_i``, ``x_1`` and ``x`` are one, unless the table also has the bare letter
(``\pi`` beside ``\pi_j``) or the index is one of its own (``H_n``, ``u_0``). An exponent counts
only where the table has it (``S^{1/2}``). Arguments do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tools.language.prose_of import of_markdown

ROOT = Path(__file__).resolve().parent.parent
OWN = "## Letters of one chapter"

FONTS = r"mathrm|operatorname|mathbb|mathcal|mathbf|mathsf|mathfrak"
TOKEN = re.compile(
    rf"\\(?:{FONTS})\s*(?:\{{[^{{}}]*\}}|\w)|\\[A-Za-z]+|\\.|[A-Za-z]|\d+|[^\s]",
)
#: Words in a formula, names of environments, and labels.
WORDS = re.compile(r"\\(?:text|textrm|textit|begin|end|label|tag)\{[^{}]*\}")
ACCENTS = {r"\hat", r"\bar", r"\tilde", r"\widehat", r"\overline", r"\check", r"\dot"}
OPERATORS = {r"\nabla", r"\partial"}
#: A subscript that only counts.
INDEX = re.compile(r"(?:(?:[ijklmnt]|\\ell|\d+)'?(?:[+-]\d+)?,?)+")
#: A subscript of the table that stands for any: the point of a unit mass.
POINT = "x"
#: Below a symbol of the table: some index.
ANY = "*"
#: A subscript or an exponent that is a formula of its own.
FORMULA = re.compile(r"_|\\sim|\\in\b|=|\\le\b")
LABEL = re.compile(r"^:label: (\S+)|^\(([\w-]+)\)=|^\$\$ \(([\w-]+)\)|^\s+label: (\S+)$")
ROW = re.compile(r"^\| (\$.*?) \| (.*?) · ([^|·]*) \|$")
PLACE = re.compile(r"\{(?:prf:ref|doc|ref|eq|numref)\}`(?:[^`<]*<)?([^`>]+)>?`")


class Symbol(NamedTuple):
    """A letter with its accents; what is below and above it, where this tells it from others."""

    letter: str
    below: str = ""
    above: str = ""


class Place(NamedTuple):
    """A line of a chapter; places are in reading order."""

    chapter: str
    line: int


@dataclass
class Notation:
    """What ``notation.md`` says: places of introduction, and letters that belong to a chapter."""

    #: Symbol -> label of its introduction, row by row.
    rows: list[tuple[Symbol, str]] = field(default_factory=list)
    #: Chapter -> letters of its own.
    own: dict[str, set[Symbol]] = field(default_factory=dict)
    #: Symbol -> as the table writes it.
    names: dict[Symbol, str] = field(default_factory=dict)

    def symbols(self) -> set[Symbol]:
        return {symbol for symbol, _ in self.rows}.union(*self.own.values())


# -- formulas --------------------------------------------------------------------------------------


def tokens(formula: str) -> list[str]:
    return TOKEN.findall(WORDS.sub(" ", formula))


def group(found: list[str], at: int) -> tuple[list[str], int]:
    """The tokens of an argument, and where the formula goes on."""
    if at < len(found) and found[at] in ACCENTS:
        inner, end = group(found, at + 1)
        return [found[at], *inner], end
    if at >= len(found) or found[at] != "{":
        return found[at : at + 1], at + 1
    depth, end = 0, at
    while end < len(found):
        depth += (found[end] == "{") - (found[end] == "}")
        end += 1
        if depth == 0:
            break
    return found[at + 1 : end - 1], end


def symbols(found: list[str]) -> Iterator[Symbol]:
    """All symbols of a formula, with all that is written below and above them."""
    at = 0
    while at < len(found):
        letter = found[at]
        at += 1
        if letter in ACCENTS:
            inner, at = group(found, at)
            if len(inner) != 1:
                yield from symbols(inner)
                continue
            letter += inner[0]
        if not re.match(r"[A-Za-z\\)]", letter):
            continue
        below = above = ""
        while at < len(found) and found[at] in "_^'":
            if found[at] == "'":
                letter, at = letter + "'", at + 1
                continue
            sign = found[at]
            inner, at = group(found, at + 1)
            text = "".join(inner)
            if FORMULA.search(text):
                yield from symbols(inner)
            below, above = (text, above) if sign == "_" else (below, text)
        letter = re.sub(r"[\s{}]", "", letter).replace(r"\|", r"\rVert")
        if letter != ")" or below:
            yield Symbol(letter, re.sub(r"\s", "", below), re.sub(r"\s", "", above))


def named(formula: str) -> Symbol:
    """The symbol that a cell of the table is about: the first one, or the last of a bracket."""
    found = [s for s in symbols(tokens(formula.partition("=")[0])) if s.letter not in OPERATORS]
    symbol = found[-1] if formula.startswith(("(", r"\lVert")) else found[0]
    one = symbol.below in ("n", "t") or symbol.below.isdigit()
    counts = not one and INDEX.fullmatch(symbol.below)
    return symbol._replace(below=ANY) if counts else symbol


def match(used: Symbol, known: set[Symbol]) -> Symbol | None:
    """The symbol of the tables that a formula uses: the most particular one."""
    below = [used.below] + [POINT] * bool(used.below)
    below += [ANY, ""] * bool(INDEX.fullmatch(used.below)) + [ANY] * (not used.below)
    for candidate in (
        Symbol(used.letter, sub, sup) for sub in below for sup in dict.fromkeys((used.above, ""))
    ):
        if candidate in known:
            return candidate
    return None


# -- pages -----------------------------------------------------------------------------------------


def read(text: str) -> Notation:
    """The tables of ``notation.md``."""
    notation = Notation()
    tables, _, rest = text.partition(OWN)
    for row in filter(None, map(ROW.match, tables.split("\n"))):
        cells = re.findall(r"\$([^$]+)\$", row[1])
        places = PLACE.findall(row[3])
        for i, cell in enumerate(cells):
            symbol = named(cell)
            notation.names.setdefault(symbol, cell)
            notation.rows.append((symbol, places[i if len(places) == len(cells) else 0]))
    for chapter, letters in re.findall(r"^\| \{doc\}`(\w+)` \| (.*) \|$", rest, re.MULTILINE):
        cells = re.findall(r"\$([^$]+)\$", letters)
        notation.own[chapter] = set(map(named, cells))
        for cell in cells:
            notation.names.setdefault(named(cell), cell)
    return notation


def labels(chapter: str, text: str) -> Iterator[tuple[str, Place]]:
    """Label -> beginning of its section; the chapter's own name -> its beginning."""
    section = 1
    yield chapter, Place(chapter, 1)
    for number, row in enumerate(text.split("\n"), 1):
        if re.match(r"#{2,} ", row):
            section = number
        if found := LABEL.match(row):
            yield next(filter(None, found.groups())), Place(chapter, section)


def uses(chapter: str, text: str) -> Iterator[tuple[Symbol, Place]]:
    """Every symbol of every formula of a chapter, with its place."""
    for passage in of_markdown(text):
        for formula, line in passage.formulas:
            for used in symbols(tokens(formula)):
                yield used, Place(chapter, line)


def faults(notation: Notation, pages: dict[str, str]) -> Iterator[tuple[str, int, str, str]]:
    """(chapter, line, symbol, what is wrong) of a book whose chapters are in reading order."""
    where = {name: place for page, text in pages.items() for name, place in labels(page, text)}
    for named_there, label in notation.rows:
        if label not in where:
            yield "notation", 1, notation.names[named_there], f"no chapter has the label {label}"
    rows = [(symbol, where[label]) for symbol, label in notation.rows if label in where]
    known = notation.symbols()
    seen: set[tuple[str, Symbol]] = set()
    for chapter, text in pages.items():
        own = notation.own.get(chapter, set())
        told: set[Symbol] = set()
        for used, place in uses(chapter, text):
            if (symbol := match(used, known)) is None:
                continue
            seen.add((chapter, symbol))
            begins = introductions(notation, rows, symbol, chapter)
            if symbol in told or not begins or min(begins) <= place:
                continue
            if symbol in own and not any(begin.chapter == chapter for begin in begins):
                continue
            told.add(symbol)
            begin = min(begins)
            yield (chapter, place.line, notation.names[symbol],
                   f"it is introduced later, in {begin.chapter}, line {begin.line}")  # fmt: skip
    for chapter, letters in notation.own.items():
        for letter in sorted(letters):
            if (chapter, letter) not in seen:
                yield "notation", 1, notation.names[letter], f"no formula of {chapter} has it"


def introductions(
    notation: Notation, rows: list[tuple[Symbol, Place]], symbol: Symbol, chapter: str
) -> list[Place]:
    """Where a symbol is introduced for a chapter: by a row of its own, or by one for the book."""
    own = symbol in notation.own.get(chapter, set())
    found = [place for other, place in rows if other == symbol]
    here = [place for place in found if place.chapter == chapter]
    book = [place for place in found if symbol not in notation.own.get(place.chapter, set())]
    return here if own else book


def book() -> tuple[Notation, dict[str, str]]:
    """The tables and the chapters of this book."""
    pages = {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "book").glob("[0-9]*.md"))
    }
    return read((ROOT / "book" / "notation.md").read_text(encoding="utf-8")), pages


if __name__ == "__main__":
    for page, line, symbol, what in faults(*book()):
        print(f"book/{page}.md:{line}: ${symbol}$: {what}")
