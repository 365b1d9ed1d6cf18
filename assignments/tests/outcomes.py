"""What becomes of an answer, in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coursework.limits import Limits
from coursework.process import AnswerError, Process

#: Small, so that what exceeds them does so at once.
SMALL = Limits(seconds=2, memory=400 << 20)


@dataclass(frozen=True)
class Outcome:
    """What a call gave, or the sentence of why it gave nothing."""

    value: Any
    sentence: str
    broke: bool
    ended: bool
    printed: str


def call(code: str, *args: Any, setup: str = "", limits: Limits = SMALL) -> Outcome:
    """Call ``answer`` of a cell with this code."""
    with Process((setup,) if setup else (), ((0, code),), limits) as process:
        value, sentence = None, ""
        try:
            value = ask(process, *args)
        except AnswerError as error:
            sentence = str(error)
        problems = "; ".join(process.problems.values())
        ended = process.ended is not None
        return Outcome(value, sentence + problems, process.broke, ended, process.printed)


def ask(process: Process, *args: Any, name: str = "answer") -> Any:
    """Call a function of a process."""
    return process.ask({"do": "call", "name": name, "args": list(args), "kwargs": {}})


def answer(body: str, before: str = "") -> str:
    """A cell with a function ``answer`` of any arguments."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return f"{before}\ndef answer(*args):\n{lines}"
