"""Every wrong answer loses what it should, every right one gets everything, for five secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coursework import bank, generic, mutants, source

from .conftest import FOLDERS, SLUGS

QUESTIONS = [
    (folder, question)
    for folder in FOLDERS
    for question in source.read(folder).questions.values()
    if not question.manual
]


def recorded() -> dict[str, dict[str, Any]]:
    return dict(json.loads(mutants.RECORD.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("folder", "question"), QUESTIONS, ids=[f"{f.name}-{q.name}" for f, q in QUESTIONS]
)
def test_no_answer_survives(folder: Path, question: source.Question) -> None:
    """`make mutants` has graded this very question for five secrets, and nothing survived.

    One of the five is graded here again, in the processes of today.
    """
    entry = recorded()[folder.name][question.name]
    assert entry["digest"] == mutants.digest(folder, question), (
        "make mutants: the question has changed"
    )
    assert mutants.survivors({folder.name: {question.name: entry}}) == []
    assert all(len(a["gets"]) == len(mutants.SECRETS) for a in entry["answers"])
    cases = [c for c in mutants.cases(folder) if c.question == question]
    assert [a["title"] for a in entry["answers"]] == [c.answer.title for c in cases]
    again = mutants.run(cases, 1, mutants.SECRETS[:1])[folder.name][question.name]
    assert [a["gets"] for a in again["answers"]] == [a["gets"][:1] for a in entry["answers"]]
    assert [a["must"] for a in again["answers"]] == [a["must"] for a in entry["answers"]]


@pytest.mark.parametrize(
    ("folder", "question"), QUESTIONS, ids=[f"{f.name}-{q.name}" for f, q in QUESTIONS]
)
def test_a_bank_is_large_enough(folder: Path, question: source.Question) -> None:
    answers = bank.read(folder / "answers" / f"{question.name}.py")
    titles = [a.title for a in answers] + [a.title for a in generic.answers(question)]
    assert len(set(titles)) == len(titles)
    assert sum(a.points is None for a in answers) >= 2
    wrong = [a for a in answers if a.points is not None]
    assert len(wrong) >= 6
    assert all(a.points is not None and a.points < question.points for a in wrong)
    assert len({a.code for a in answers}) == len(answers)


def test_the_record_is_of_these_assignments() -> None:
    assert list(recorded()) == SLUGS


def test_a_survivor_is_seen() -> None:
    right = {"kind": "right", "title": "r", "must": 2.0, "gets": [2.0, 2.0]}
    lost = {"kind": "right", "title": "lost", "must": 2.0, "gets": [2.0, 1.0]}
    kept = {"kind": "wrong", "title": "kept", "must": 0.0, "gets": [0.0, 1.0]}
    record = {"a": {"q1": {"title": "t", "points": 2.0, "answers": [right, lost, kept]}}}
    assert [line.split(": ")[1] for line in mutants.survivors(record)] == ["lost", "kept"]
