"""A submission as the tests see it: names that stand for answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from coursework import needed, wire
from coursework.hidden import Hidden
from coursework.limits import Limits
from coursework.process import AnswerError, Process
from coursework.source import Question


class Answer:
    """A function in the process of an answer; calling it calls it there."""

    def __init__(self, process: Process, name: str | int) -> None:
        self._process = process
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("call", args=list(args), kwargs=kwargs)

    def gradient(self, *args: Any, wrt: Sequence[int] = (0,), **kwargs: Any) -> Any:
        """(value, gradients with respect to the arguments of these numbers), by autograd there."""
        return self._ask("gradient", args=list(args), kwargs=kwargs, wrt=list(wrt))

    @staticmethod
    def function(source: str) -> wire.Function:
        """A function to hand to an answer, for visible tests, which cannot import from here."""
        return wire.Function(source)

    def _ask(self, do: str, **request: Any) -> Any:
        return _bind(self._process, self._process.ask({"do": do, "name": self._name, **request}))


class Missing:
    """What stands for a name that cannot be had; every use of it says why."""

    def __init__(self, missing: str) -> None:
        self.missing = missing

    def __getattr__(self, name: str) -> Any:
        raise AnswerError(self.missing)

    __hash__ = object.__hash__


def _missing(self: Missing, *_: Any, **__: Any) -> Any:
    raise AnswerError(self.missing)


# Python looks these up in the class, past __getattr__.
for _name in [
    "call",
    "iter",
    "len",
    "getitem",
    "contains",
    "bool",
    "float",
    "int",
    "complex",
    "index",
    "array",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "neg",
    "abs",
    "add",
    "radd",
    "sub",
    "rsub",
    "mul",
    "rmul",
    "truediv",
    "rtruediv",
    "pow",
    "rpow",
    "matmul",
    "rmatmul",
]:
    setattr(Missing, f"__{_name}__", _missing)


class Submission:
    """The code cells of a student's notebook.

    Args:
        sources: its code cells.
        setup: the assignment's own code.
        hidden: where hidden instances come from.

    Attributes:
        broken: for each question whose process broke a rule of :mod:`coursework.limits`, what it
            did (as :attr:`coursework.process.AnswerError.short`); known when :meth:`names` is left.
            The question is lost, whatever its tests said.
    """

    def __init__(self, sources: list[str], setup: list[str], hidden: Hidden) -> None:
        self.cells = needed.cells(sources)
        self.setup = tuple(setup)
        self.hidden = hidden
        self.left_out: set[int] = set()
        self.broken: dict[str, str] = {}

    @contextmanager
    def names(self, question: Question, limits: Limits | None = None) -> Iterator[dict[str, Any]]:
        """What the tests of a question see, while its process lives."""
        limits = limits or Limits(seconds=question.seconds)
        self.broken.pop(question.name, None)
        with self._start(question, limits) as process:
            found: dict[str, Any] = {"hidden": self.hidden}
            for name in question.answers:
                found[name] = _get(process, name)
            try:
                yield found
            finally:
                if process.broke:
                    self.broken[question.name] = process.ended_short

    def _start(self, question: Question, limits: Limits) -> Process:
        """A process that has run the cells of a question.

        A cell at which it had to be ended, and that binds none of the question's own answers, is
        left out, here and from then on.
        """
        while True:
            cells = [
                c
                for c in needed.needed(self.cells, question.answers)
                if c.number not in self.left_out
            ]
            process = Process(self.setup, tuple((c.number, c.source) for c in cells), limits)
            own = {c.number for c in cells if c.binds & set(question.answers)}
            if process.ended is None or process.cell is None or process.cell in own | {-1}:
                return process
            self.left_out.add(process.cell)
            process.close()


def _get(process: Process, name: str) -> Any:
    try:
        value = _bind(process, process.ask({"do": "get", "name": name}))
    except AnswerError as error:
        said = "; ".join(process.problems.values())
        return Missing(f"`{name}` cannot be had: {said or error}")
    if isinstance(value, wire.Handle):
        return Answer(process, name)
    return Missing(f"`{name}` has not been written yet") if value is Ellipsis else value


def _bind(process: Process, value: Any) -> Any:
    """The value, with its handles as functions."""
    if isinstance(value, wire.Handle):
        return Answer(process, value.number)
    if isinstance(value, (list, tuple)):
        return type(value)(_bind(process, v) for v in value)
    if isinstance(value, dict):
        return {k: _bind(process, v) for k, v in value.items()}
    return value


def code_cells(notebook: Any) -> list[str]:
    """Sources of the code cells of a notebook."""
    return [
        "".join(cell["source"]) if isinstance(cell["source"], list) else cell["source"]
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]
