"""Gate on explorers: every axis has a question that makes a reader move it.

What can be checked is that a question of its own names the axis, by a word or the formula of its
label, or by one of its values. That no question announces what will be seen is for readers.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import permutations
from typing import NamedTuple

from tools.gates.book import Book, Fault

FIGURE = re.compile(r'<figure class="otg-explorer".*?</fieldset>', re.DOTALL)
CONTROL = re.compile(r'<label class="otg-control">(.*?)</label>', re.DOTALL)
QUESTIONS = re.compile(
    r"^(`{3,}|:{3,})\{admonition\} Questions?$(.*?)^\1", re.DOTALL | re.MULTILINE
)
#: Words of a label that name nothing.
SMALL = {"the", "of", "in", "and", "from", "for", "how", "its", "two", "is", "to", "with"}


class Axis(NamedTuple):
    """A control of an explorer: its name in code, its label, and its values in words."""

    name: str
    label: str
    values: tuple[str, ...]


def axes(figure: str) -> list[Axis]:
    """The axes of an explorer, from its HTML."""
    found = []
    for control in CONTROL.findall(figure):
        name = re.search(r'data-axis="([^"]*)"', control)
        label = re.search(r'class="otg-name"[^>]*>(.*?)</span>(?=<select|<output|<input)', control)
        texts = re.search(r'data-texts="([^"]*)"', control)
        values = re.findall(r"<option[^>]*>(.*?)</option>", control)
        if texts:
            values += re.findall(r'"([^"]*)"', html.unescape(texts[1]))
        plain = re.sub(r"<[^>]*>", "", label[1]) if label else ""
        found.append(Axis(name[1] if name else "", html.unescape(plain), tuple(values)))
    return found


def questions(text: str) -> list[str]:
    """The questions of a page's part, each with its number taken off."""
    found = QUESTIONS.search(text)
    return re.split(r"^\d+\. ", found[2], flags=re.MULTILINE)[1:] if found else []


def names(question: str, axis: Axis) -> bool:
    """Whether a question speaks of an axis."""
    formulas = re.findall(r"\\\((.*?)\\\)", axis.label)
    asked = re.findall(r"\$([^$]+)\$", question)
    for formula in formulas:
        letter = re.escape(formula.strip())
        if any(re.search(rf"(?<![\\A-Za-z]){letter}(?![A-Za-z_])", each) for each in asked):
            return True
    numbers = {number for each in asked for number in re.findall(r"\d+\.\d+", each)}
    if numbers & set(axis.values):
        return True
    label = re.sub(r"\\\(.*?\\\)", " ", axis.label)
    words = [*re.findall(r"[A-Za-z]{2,}", label), axis.name]
    words += [value for value in axis.values if re.fullmatch(r"[A-Za-z][\w -]*", value)]
    plain = re.sub(r"\$[^$]*\$", " ", question).lower()
    if len(label.split()) > 1 and label.strip().lower() in plain:
        return True
    return any(
        re.search(rf"\b{re.escape(word.lower().removesuffix('s'))}(e?s)?\b", plain)
        for word in words
        if len(word) > 2 and word.lower() not in SMALL
    )


def unasked(found: list[Axis], asked: list[str]) -> list[Axis]:
    """The axes that are left when as many axes as possible have a question of their own."""
    best = found
    for order in permutations(range(max(len(asked), len(found))), len(found)):
        left = [
            axis
            for axis, number in zip(found, order, strict=True)
            if number >= len(asked) or not names(asked[number], axis)
        ]
        best = min(best, left, key=len)
    return best


def axes_without_question(book: Book) -> Iterator[Fault]:
    """An axis of an explorer that no question behind it asks to be moved."""
    for source, notebook in book.notebooks():
        figure, text = "", ""
        for cell in [*notebook["cells"], {"cell_type": "end", "source": ""}]:
            outputs = "".join(
                "".join(output.get("data", {}).get("text/html", ""))
                for output in cell.get("outputs", [])
            )
            shown = FIGURE.search(outputs)
            if figure and (shown or cell["cell_type"] == "end"):
                yield from _faults(source, figure, text)
            if shown:
                figure, text = shown[0], ""
            elif cell["cell_type"] == "markdown":
                text += "".join(cell["source"]) + "\n"


def _faults(source: str, figure: str, text: str) -> Iterator[Fault]:
    name = re.search(r'data-name="([^"]*)"', figure)
    where = f"{source}, explorer {name[1] if name else ''}"
    for axis in unasked(axes(figure), questions(text)):
        yield Fault(where, f"no question of its own moves the axis {axis.name} ({axis.label})")
