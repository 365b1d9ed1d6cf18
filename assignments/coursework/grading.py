"""The tests of one question on one submission."""

from __future__ import annotations

from dataclasses import dataclass

from otter.test_files.exception_test import ExceptionTestFile

from coursework import test_cells
from coursework.limits import Limits
from coursework.process import AnswerError
from coursework.source import Question
from coursework.submission import Submission
from coursework.wire import NotPlainError


@dataclass(frozen=True)
class Result:
    """Points of a question, and the sentence of each test that failed.

    ``visible`` says whether the tests that students have passed, of which there is at least one;
    ``hidden`` are the points of the others.
    """

    question: str
    points: float
    of: float
    messages: tuple[str, ...]
    visible: bool = False
    hidden: float = 0.0


def grade(
    submission: Submission,
    question: Question,
    tests: ExceptionTestFile,
    limits: Limits | None = None,
) -> Result:
    """Points of a submission for a question."""
    points, hidden, messages, visible = 0.0, 0.0, [], []
    with submission.names(question, limits) as names:
        for case in tests.test_cases:
            try:
                case.body.call_func(names)
            except NotPlainError as error:
                if not case.hidden and not case.points:
                    continue  # it hands over a function of the student's own kernel
                messages.append(sentence(error))
                passed = False
            except Exception as error:
                messages.append(sentence(error, case.hidden))
                passed = False
            else:
                points += case.points or 0
                hidden += (case.points or 0) * case.hidden
                passed = True
            if not case.hidden:
                visible.append(passed)
    if question.name in submission.broken:
        lost = f"the question is lost: {submission.broken[question.name]}"
        return Result(question.name, 0.0, question.points, (lost,))
    seen = bool(visible) and all(visible)
    return Result(question.name, points, question.points, tuple(messages), seen, hidden)


def sentence(error: Exception, hidden: bool = False) -> str:
    """What a student reads of a failed test.

    Of a hidden one it has no text of an exception, by which a submission could tell its author what
    it was asked.
    """
    if isinstance(error, AnswerError) and hidden:
        return error.short
    if isinstance(error, AssertionError):
        return str(error) or "the answer is not right"
    what = f"the answer could not be used: {type(error).__name__}"
    return what if hidden else f"{what}: {str(error)[:200]}"


def test_file(question: Question) -> ExceptionTestFile:
    """The tests of a question as Otter's own file, from the cells of the source."""
    source = test_cells.as_file(question.name, question.points, question.tests)
    return ExceptionTestFile.from_string(source, question.name)


def total(results: list[Result]) -> float:
    return sum(r.points for r in results)
