"""Near-identical answers are found whatever their names are, and honest ones are not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coursework import archive, bank, source
from coursework.classroom import similar
from coursework.classroom.exam import ROOT

FOLDERS = sorted(p.parent for p in (ROOT / "assignments").glob("[0-9]*/assignment.md"))

GIVEN = '''\
import numpy as np

def sinkhorn(a, b, C, eps, steps=500):
    """Potentials and plan of entropic transport."""
    ...
'''
#: A right answer, its copy with other names and remarks, and another's.
ADA = '''\
def sinkhorn(a, b, C, eps, steps=500):
    """Potentials and plan of entropic transport."""
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for _ in range(steps):
        M = (g[None, :] - C) / eps + np.log(b)[None, :]
        top = M.max(axis=1, keepdims=True)
        f = -eps * (np.log(np.exp(M - top).sum(axis=1)) + top[:, 0])
        M = (f[:, None] - C) / eps + np.log(a)[:, None]
        top = M.max(axis=0, keepdims=True)
        g = -eps * (np.log(np.exp(M - top).sum(axis=0)) + top[0])
    P = np.exp((f[:, None] + g[None, :] - C) / eps) * a[:, None] * b[None, :]
    return f, g, P
'''
COPY = '''\
# My very own solution.
def sinkhorn(a, b, C, eps, steps=500):
    """Something else entirely."""
    u, v = np.zeros(len(a)), np.zeros(len(b))  # start at zero
    for number in range(steps):
        Kernel = (v[None, :] - C) / eps + np.log(b)[None, :]
        biggest = Kernel.max(axis=1, keepdims=True)

        u = -eps * (np.log(np.exp(Kernel - biggest).sum(axis=1)) + biggest[:, 0])
        Kernel = (u[:, None] - C) / eps + np.log(a)[:, None]
        biggest = Kernel.max(axis=0, keepdims=True)
        v = -eps * (np.log(np.exp(Kernel - biggest).sum(axis=0)) + biggest[0])
    plan = np.exp((u[:, None] + v[None, :] - C) / eps) * a[:, None] * b[None, :]
    return u, v, plan
'''
HONEST = '''\
from scipy.special import logsumexp

def softmin(values, weights, eps, axis):
    return -eps * logsumexp(values / eps, b=weights, axis=axis)

def sinkhorn(a, b, C, eps, steps=500):
    """Potentials and plan of entropic transport."""
    g = np.zeros_like(b)
    k = 0
    while k < steps:
        f = softmin(g - C, b, eps, axis=1)
        g = softmin(f.reshape(-1, 1) - C, a.reshape(-1, 1), eps, axis=0)
        k += 1
    density = np.exp((np.add.outer(f, g) - C) / eps)
    return f, g, density * np.outer(a, b)
'''
NAMES = {"1": "Ada", "2": "<i>Eve</i>", "3": "Emmy"}


def compared(answers: dict[str, str], given: str = GIVEN, **options) -> similar.Comparison:
    return similar.compare(answers, NAMES, given, **options)


def test_a_copy_with_other_names_is_found_and_honest_work_is_not() -> None:
    found = compared({"1": ADA, "2": COPY, "3": HONEST})
    (pair,) = found.pairs
    assert pair.ids == ("1", "2")
    assert min(pair.shares) > 0.95
    assert len(found.shares) == 3
    assert sorted(found.shares)[-2] < similar.THRESHOLD / 2


@pytest.mark.parametrize("folder", FOLDERS, ids=[f.name for f in FOLDERS])
def test_right_answers_of_different_people_are_not_listed(folder: Path) -> None:
    """What the page says of the threshold: the banks' right answers lie far below it."""
    exam = archive.of_source(source.read(folder), "")
    banks = [
        [a.code for a in bank.read(folder / "answers" / f"{name}.py") if a.points is None]
        for name, question in exam.questions.items()
        if not question.manual
    ]
    # The first has the first right answer to each question, and so on: no two share one.
    whole = {str(k): "\n\n".join(codes) for k, codes in enumerate(zip(*banks, strict=False))}
    assert len(whole) > 1
    found = similar.compare(whole, {}, "\n\n".join([*exam.setup, *exam.skeleton]))
    assert all(share <= similar.THRESHOLD / 2 for share in found.shares)


def test_the_order_of_answers_and_foreign_code_between_them_hide_nothing() -> None:
    halves = ADA.replace("sinkhorn", "second"), HONEST
    first, second = "\n\n".join(halves), "\n\n".join(["x = 3 * 4", *reversed(halves)])
    (pair,) = compared({"1": first, "2": second}).pairs
    assert min(pair.shares) > 0.9


def test_the_code_that_was_given_does_not_count() -> None:
    long = "\n".join(f"def helper_{k}(x):\n    return [x * {k}, x + {k}, {k}]" for k in range(30))
    shared = {"1": f"{long}\n{ADA}", "2": f"{long}\n{HONEST}"}
    assert compared(shared).pairs  # without being told
    assert not compared(shared, f"{long}\n{GIVEN}").pairs


def test_a_passage_that_a_file_has_twice_still_counts() -> None:
    """copydetect's own way to leave code out drops such passages from the file."""
    twice = f"{ADA}\n{ADA}"
    (pair,) = compared({"1": twice, "2": COPY}).pairs
    assert min(pair.shares) > 0.95


def test_what_many_have_is_nobodys_in_particular() -> None:
    many = {str(k): ADA for k in range(similar.MANY + 1)}
    assert not similar.compare(many, {}, "").pairs
    few = {str(k): ADA for k in range(similar.MANY)}
    assert len(similar.compare(few, {}, "").pairs) == similar.MANY * (similar.MANY - 1) // 2


def test_short_answers_are_not_listed() -> None:
    short = "def cost(P, C):\n    return (P * C).sum()\n"
    assert not compared({"1": short, "2": short}).pairs


@pytest.mark.parametrize(
    "answers", [{}, {"1": ADA}, {"1": "", "2": "  \n"}, {"1": "def (:", "2": ADA}]
)
def test_classes_without_a_pair_have_a_page(answers: dict[str, str]) -> None:
    found = compared(answers)
    assert not found.pairs
    assert "No proof of copying" in similar.page(found, "Sums")
    assert json.loads(similar.table(found))["pairs"] == []


def test_of_endless_code_the_beginning_is_compared_and_the_page_says_so() -> None:
    padding = "x = [1, 2, 3]\n" * (similar.LONGEST // 10)
    found = compared({"1": ADA, "2": COPY + padding, "3": padding + COPY})
    assert found.cut == (("<i>Eve</i>", len(COPY + padding)), ("Emmy", len(padding + COPY)))
    assert ("1", "2") in [p.ids for p in found.pairs]
    text = similar.page(found, "Sums")
    assert f"Only the first {similar.LONGEST} characters" in text
    assert f"<li>Emmy: {len(padding + COPY)} characters</li>" in text
    assert "<i>Eve" not in text
    assert [c["name"] for c in json.loads(similar.table(found))["cut"]] == ["<i>Eve</i>", "Emmy"]
    assert "Only the first" not in similar.page(compared({"1": ADA, "2": COPY}), "Sums")


def test_the_cut_leaves_right_answers_alone() -> None:
    for folder in FOLDERS:
        exam = archive.of_source(source.read(folder), "")
        longest = [
            max(len(a.code) for a in bank.read(folder / "answers" / f"{name}.py"))
            for name, question in exam.questions.items()
            if not question.manual
        ]
        assert 2 * sum(longest) < similar.LONGEST


def test_code_of_the_largest_size_is_compared_in_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    real = similar.CodeFingerprint

    def spy(*arguments: object, **options: object) -> object:
        seen.append(len(options["fp"].getvalue()))  # type: ignore[attr-defined]
        return real(*arguments, **options)

    monkeypatch.setattr(similar, "CodeFingerprint", spy)
    compared({"1": "x = 1\n" * (32 << 20 >> 3), "2": ADA})
    assert max(seen) == similar.LONGEST


def test_the_page_shows_both_and_runs_nothing_of_them() -> None:
    evil = COPY.replace("start at zero", "</pre><script>alert(1)</script>")
    text = similar.page(compared({"1": ADA, "2": evil}), "Sums")
    assert "<script" not in text
    assert "&lt;i&gt;Eve" in text
    assert "<mark>" in text


def test_two_runs_say_the_same_whatever_the_seed_of_hashes() -> None:
    code = (
        "import sys; from assignments.tests.test_classroom_similar import *\n"
        "found = compared({'1': ADA, '2': COPY, '3': HONEST})\n"
        "print(similar.table(found), similar.page(found, 'Sums'), found.shares)"
    )
    said = set()
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert not run.returncode, run.stderr
        said.add(run.stdout)
    assert len(said) == 1
