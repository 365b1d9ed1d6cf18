"""The test of the tests: wrong answers lose the points that they should, right ones get all.

``python -m coursework.mutants [01_kantorovich …] [--write]`` grades the bank of each question, and
the answers of :mod:`coursework.generic`, for five secrets. The record is
``assets/assignments/kills.json``; the page *Assignments* of the book shows it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from coursework import bank, generic, source
from coursework.archive import Archive, of_source
from coursework.grading import Result, grade
from coursework.hidden import Hidden
from coursework.limits import Limits
from coursework.making.__main__ import ROOT, folders, named
from coursework.submission import Submission

RECORD = ROOT / "assets" / "assignments" / "kills.json"
SECRETS = ("one", "two", "three", "four", "five")
#: Seconds after which a hang is one, here: its limit is the same mechanism as the real one.
HANG = 1.0


@dataclass(frozen=True)
class Case:
    """An answer to a question, and what it must get."""

    folder: Path
    question: source.Question
    answer: bank.Answer
    kind: str  # "right", "wrong" or "any": wrong for every question

    @property
    def expected(self) -> float:
        return self.question.points if self.answer.points is None else self.answer.points

    @property
    def limits(self) -> Limits:
        hang = self.kind == "any" and self.answer.title == "hangs"
        return Limits(seconds=HANG if hang else self.question.seconds)


def cases(folder: Path) -> list[Case]:
    """All answers to all questions of an assignment that are graded automatically."""
    found = []
    for question in source.read(folder).questions.values():
        if question.manual:
            continue
        own = bank.Answer("the solution", "\n\n".join(question.solution), None)
        written = bank.read(folder / "answers" / f"{question.name}.py")
        found += [Case(folder, question, own, "right")]
        found += [
            Case(folder, question, a, "right" if a.points is None else "wrong") for a in written
        ]
        found += [Case(folder, question, a, "any") for a in generic.answers(question)]
    return found


def points(case: Case, secret: str) -> Result:
    """What an answer gets for one secret.

    A secret chooses instances here, and not parameters: the bank is written for the first ones.
    """
    archive = _archive(case.folder)
    submission = Submission([*archive.setup, case.answer.code], archive.setup, Hidden(secret))
    return grade(submission, case.question, archive.tests[case.question.name], case.limits)


def digest(folder: Path, question: source.Question) -> str:
    """On what the points of a bank depend: a question, its answers, what tests compare with."""
    here = Path(__file__).parent
    files = [folder / "answers" / f"{question.name}.py"]
    files += [here / f"{name}.py" for name in ("checks", "hidden", "generic")]
    total = hashlib.sha256("\0".join([*question.tests, *question.solution]).encode())
    total.update("\0".join(source.read(folder).setup).encode())
    for path in files:
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def run(chosen: list[Case], jobs: int, secrets: tuple[str, ...] = SECRETS) -> dict[str, Any]:
    """Grade cases; the record, in the form of its file."""
    todo = [(case, secret) for case in chosen for secret in secrets]
    bar = tqdm(total=len(todo), desc="Grading", unit="answer", disable=None)

    def one(job: tuple[Case, str]) -> tuple[Case, Result]:
        result = points(*job)
        bar.update()
        return job[0], result

    record: dict[str, Any] = {}
    with ThreadPoolExecutor(jobs) as pool, bar:
        for case, result in pool.map(one, todo):
            entry = record.setdefault(case.folder.name, {}).setdefault(
                case.question.name,
                {
                    "title": case.question.title,
                    "points": case.question.points,
                    "digest": digest(case.folder, case.question),
                    "answers": [],
                },
            )
            answers = entry["answers"]
            if not answers or answers[-1]["title"] != case.answer.title:
                answers.append(
                    {
                        "kind": case.kind,
                        "title": case.answer.title,
                        "must": case.expected,
                        "gets": [],
                    }
                )
            answers[-1]["gets"].append(result.points)
    return record


def write(record: dict[str, Any]) -> None:
    """Put these assignments into the record, beside the others there are."""
    old = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    both = {f.name: record.get(f.name, old.get(f.name)) for f in folders()}
    kept = {name: entry for name, entry in both.items() if entry}
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def survivors(record: dict[str, Any]) -> list[str]:
    """Answers that do not get what they must, one line for each."""
    return [
        f"{slug} {name}, {a['kind']}: {a['title']}: must get {a['must']:g}, gets {a['gets']}"
        for slug, questions in record.items()
        for name, question in questions.items()
        for a in question["answers"]
        if any(abs(got - a["must"]) > 1e-9 for got in a["gets"])
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="assignments; without any: all of them")
    parser.add_argument("--write", action="store_true", help=f"write {RECORD.relative_to(ROOT)}")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    chosen = named(options.names)
    record = run([case for folder in chosen for case in cases(folder)], options.jobs)
    faults = survivors(record)
    for fault in faults:
        print("SURVIVOR", fault)
    if options.write:
        write(record)
    total = sum(len(q["answers"]) for qs in record.values() for q in qs.values())
    print(f"{total} answers, {len(SECRETS)} secrets each, {len(faults)} not as they must be.")
    return 1 if faults else 0


_ARCHIVES: dict[Path, Archive] = {}


def _archive(folder: Path) -> Archive:
    """The assignment, read once."""
    if folder not in _ARCHIVES:
        _ARCHIVES[folder] = of_source(source.read(folder), "")
    return _ARCHIVES[folder]


if __name__ == "__main__":
    sys.exit(main())
