"""Turns of phrase that we do not use, read from ``style.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.language.faults import HERE, Fault
from tools.language.prose_of import Passage

#: A word twice. Between the two there is white space only.
DOUBLED = re.compile(r"\b([A-Za-z]+)\s+\1\b(?!\^)", re.IGNORECASE)
#: Words that English doubles.
MAY_BE_DOUBLED = {"that", "had"}


@dataclass(frozen=True)
class Rule:
    """A pattern, what to write instead, and examples, which the tests read."""

    name: str
    pattern: re.Pattern[str]
    instead: str
    wrong: tuple[str, ...]
    right: tuple[str, ...]


def rules(path: Path = HERE / "style.toml") -> list[Rule]:
    """The rules of the file; a pattern is read with ``re.VERBOSE`` off and without case."""
    return [
        Rule(
            entry["name"],
            re.compile(entry["pattern"], re.IGNORECASE),
            entry["instead"],
            tuple(entry["wrong"]),
            tuple(entry["right"]),
        )
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["rule"]
    ]


def check(file: str, passage: Passage, known: list[Rule]) -> Iterator[Fault]:
    """The faults of a passage, in the order of the rules."""
    text = passage.text
    for rule in known:
        for match in rule.pattern.finditer(text):
            yield fault(file, passage, match, rule.name, rule.instead)
    for match in DOUBLED.finditer(text):
        if len(match[1]) > 1 and match[1].lower() not in MAY_BE_DOUBLED:
            yield fault(file, passage, match, "doubled-word", match[1])


def fault(file: str, passage: Passage, match: re.Match[str], rule: str, instead: str) -> Fault:
    words = " ".join(match[0].split())
    at = match.start() + len(match[0]) - len(match[0].lstrip(" .;:,(—"))
    return Fault(file, passage.line(at), rule, words, passage.sentence(at), instead)
