"""Try the bank of an assignment: ``python -m coursework.trial assignments/01_kantorovich [q1 …]``.

Each answer of each question is graded for five secrets; a table says what it got and what it must
get.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from coursework import bank, source
from coursework.grading import Result, grade, test_file
from coursework.hidden import Hidden
from coursework.limits import Limits
from coursework.submission import Submission

SECRETS = ("one", "two", "three", "four", "five")


def graded(
    assignment: source.Assignment, question: source.Question, code: str, secret: str
) -> Result:
    """What an answer gets for one secret."""
    submission = Submission([*assignment.setup, code], assignment.setup, Hidden(secret))
    return grade(submission, question, test_file(question), Limits(seconds=question.seconds))


def answers_of(folder: Path, question: source.Question) -> list[bank.Answer]:
    """The bank of a question, and its own solution and blank."""
    solution = "\n\n".join(question.solution)
    own = [bank.Answer("the solution", solution, None)]
    return own + bank.read(folder / "answers" / f"{question.name}.py")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("questions", nargs="*")
    parser.add_argument("--secrets", type=int, default=len(SECRETS))
    parser.add_argument("--messages", action="store_true", help="what students would read")
    options = parser.parse_args()
    assignment = source.read(options.folder)
    wrong = 0
    for name, question in assignment.questions.items():
        if question.manual or (options.questions and name not in options.questions):
            continue
        print(f"{name} ({question.points} points): {question.title}")
        for answer in answers_of(options.folder, question):
            want = question.points if answer.points is None else answer.points
            start = time.perf_counter()
            results = [
                graded(assignment, question, answer.code, secret)
                for secret in SECRETS[: options.secrets]
            ]
            seconds = time.perf_counter() - start
            bad = [r for r in results if abs(r.points - want) > 1e-9]
            wrong += bool(bad)
            got = " ".join(f"{r.points:g}" for r in results)
            mark = "  " if not bad else "!!"
            print(f"{mark} {seconds:5.1f} s  must get {want:g}, gets {got}: {answer.title}")
            for result in (bad or results)[:1] if bad or options.messages else []:
                for message in result.messages:
                    print(f"             {message}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
