"""An assignment's one source, read: front matter, cells, questions.

``assignment.md`` is MyST. A raw cell ``# BEGIN QUESTION`` with the question's settings in YAML
opens a question and ``# END QUESTION`` closes it. Code cells between them that are tagged
``solution`` hold the student's part between Otter's marks, those tagged ``test`` one test function
each. ``{{ name }}`` stands for a parameter of the front matter, of which a secret chooses another
value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from coursework.hidden import Hidden

#: Seconds of processor for all that a question asks of an answer.
SECONDS = 10
BEGIN = "# BEGIN QUESTION"
END = "# END QUESTION"


class SourceError(ValueError):
    """A source that is not as it must be; names the assignment and the question."""


@dataclass(frozen=True)
class Question:
    """A question: its settings, its text and its cells.

    Attributes:
        name: q1, q2, …
        title: its heading.
        points: sum of the points of its tests, or what is given by hand.
        manual: whether a person reads the answer, which is text.
        answers: names that a submission must bind.
        objective: what it trains, in a few words.
        section: the part of the book that it leans on: ``01_kantorovich#label``.
        seconds: limit on an answer's time on the processor.
        text, solution, tests: sources of its cells.
    """

    name: str
    title: str
    points: float
    manual: bool
    answers: tuple[str, ...]
    objective: str
    section: str
    seconds: float
    text: str
    solution: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Assignment:
    """An assignment as its source says it, with the parameters put in."""

    slug: str
    settings: dict[str, Any]
    notebook: Any

    @property
    def title(self) -> str:
        return self.settings["title"]

    @cached_property
    def questions(self) -> dict[str, Question]:
        try:
            questions = _questions(self.notebook.cells)
        except SourceError as error:
            raise SourceError(f"{self.slug}, {error}") from error
        return {q.name: q for q in questions}

    @property
    def setup(self) -> list[str]:
        """Code that comes before the questions and belongs to none."""
        return [c.source for c in self.notebook.cells if "setup" in tags(c)]


def read(folder: Path, secret: str = "") -> Assignment:
    """The assignment in a folder.

    Args:
        folder: ``assignments/NN_slug``.
        secret: chooses other values of its parameters; empty: the first ones.
    """
    import jupytext

    text = (folder / "assignment.md").read_text(encoding="utf-8")
    try:
        settings = dict(yaml.safe_load(text.split("---\n")[1])["assignment"])
    except (IndexError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise SourceError(f"{folder.name}: no `assignment:` in the front matter") from error
    text = substitute(text, parameters(settings, secret))
    notebook = jupytext.reads(text, fmt="md:myst")
    return Assignment(folder.name, settings, notebook)


def parameters(settings: dict[str, Any], secret: str = "") -> dict[str, Any]:
    """The value of each parameter."""
    choices = settings.get("parameters", {})
    draws = Hidden(secret)
    return {
        name: values[int(draws("parameters", k).integers(len(values)))] if secret else values[0]
        for k, (name, values) in enumerate(choices.items())
    }


def substitute(text: str, values: dict[str, Any]) -> str:
    """The text with its parameters put in."""

    def value(match: re.Match[str]) -> str:
        return str(values[match[1]]) if match[1] in values else match[0]

    return re.sub(r"\{\{ (\w+) \}\}", value, text)


def tags(cell: Any) -> list[str]:
    """Tags of a cell."""
    return cell.metadata.get("tags", [])


def _questions(cells: list[Any]) -> list[Question]:
    found: list[Question] = []
    inside: tuple[dict[str, Any], list[Any]] | None = None
    for cell in cells:
        if cell.cell_type == "raw" and cell.source.startswith(BEGIN):
            if inside is not None:
                raise SourceError(f"{inside[0].get('name')}: {END} is missing")
            try:
                settings = dict(yaml.safe_load(cell.source.partition("\n")[2]))
            except (TypeError, ValueError, yaml.YAMLError) as error:
                raise SourceError(f"after {_last(found)}: settings cannot be read") from error
            inside = (settings, [])
        elif cell.cell_type == "raw" and cell.source.startswith(END):
            if inside is None:
                raise SourceError(f"after {_last(found)}: {END} without a beginning")
            found.append(_question(*inside))
            inside = None
        elif inside is not None:
            inside[1].append(cell)
    if inside is not None:
        raise SourceError(f"{inside[0].get('name')}: {END} is missing")
    return found


def _last(found: list[Question]) -> str:
    return found[-1].name if found else "the beginning"


def _question(settings: dict[str, Any], cells: list[Any]) -> Question:
    for key in ("name", "points", "objective", "section"):
        if key not in settings:
            raise SourceError(f"{settings.get('name', 'a question')}: `{key}:` is missing")
    text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    heading = re.search(r"^#+ (?:Question \d+: )?(.*)$", text, flags=re.MULTILINE)
    return Question(
        name=settings["name"],
        title=heading[1] if heading else settings["name"],
        points=settings["points"],
        manual=settings.get("manual", False),
        answers=tuple(settings.get("answers", ())),
        objective=settings["objective"],
        section=settings["section"],
        seconds=settings.get("seconds", SECONDS),
        text=text,
        solution=tuple(c.source for c in cells if "solution" in tags(c)),
        tests=tuple(c.source for c in cells if "test" in tags(c)),
    )
