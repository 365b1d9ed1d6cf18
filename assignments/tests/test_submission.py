"""A submission: the cells that a question needs run, and what is wrong costs that question."""

from __future__ import annotations

import re

import numpy as np
import pytest

from assignments.tests.outcomes import answer
from coursework import process as grader
from coursework.grading import grade
from coursework.hidden import Hidden
from coursework.limits import Limits
from coursework.process import AnswerError
from coursework.source import Question
from coursework.submission import Missing, Submission

SETUP = "import numpy as np\nscale = 2"


def question(name: str, *answers: str, seconds: float = 2) -> Question:
    return Question(
        name, name, 3, False, answers or (f"answer_{name}",), "", "", seconds, "", (), ()
    )


def submission(*cells: str) -> Submission:
    return Submission(list(cells), [SETUP], Hidden("secret"))


class Bodies:
    """Tests of a question, without Otter: each is worth a point."""

    def __init__(self, *bodies) -> None:
        self.test_cases = [Case(b) for b in bodies]


class Case:
    points = 1.0
    hidden = True

    def __init__(self, body) -> None:
        self.body = self
        self.call_func = body


def test_functions_values_and_what_is_missing():
    with submission(
        "def answer_q1(x):\n    return scale * x", "value = {'a': np.ones(2)}", "blank = ..."
    ).names(question("q1", "answer_q1", "value", "blank", "nowhere")) as names:
        assert names["answer_q1"](3) == 6
        assert names["value"]["a"].tolist() == [1, 1]
        for name, why in [("blank", "has not been written yet"), ("nowhere", "is not defined")]:
            assert isinstance(names[name], Missing)
            with pytest.raises(AnswerError, match=why):
                names[name](1)


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x(1),
        lambda x: x + 1,
        lambda x: 1 - x,
        lambda x: x == 1,
        lambda x: x < 1,
        lambda x: float(x),
        lambda x: len(x),
        lambda x: x["a"],
        lambda x: 1 in x,
        lambda x: bool(x),
        lambda x: list(x),
        lambda x: np.asarray(x),
        lambda x: np.isclose(x, 1),
        lambda x: x.shape,
        lambda x: x.gradient(1),
    ],
)
def test_every_use_of_what_is_missing_says_why(use):
    with pytest.raises(AnswerError, match="because"):
        use(Missing("because"))


def test_imports_of_the_assignment_are_there_for_who_deleted_them():
    with submission("def answer_q1():\n    return np.ones(scale)").names(question("q1")) as names:
        assert names["answer_q1"]().tolist() == [1, 1]


def test_an_error_in_a_cell_is_told_where_its_name_is_missed():
    wrong = submission("x = 1 / 0\nanswer_q1 = x")
    said = re.escape("ZeroDivisionError: division by zero (line 1: x = 1 / 0)")
    with wrong.names(question("q1")) as names, pytest.raises(AnswerError, match=said):
        names["answer_q1"](1)


def test_a_syntax_error_is_told_at_its_question_and_nowhere_else():
    broken = submission("def answer_q1()\n    return 1", "def answer_q2():\n    return 2")
    with broken.names(question("q1")) as names, pytest.raises(AnswerError, match="SyntaxError"):
        names["answer_q1"]()
    with broken.names(question("q2")) as names:
        assert names["answer_q2"]() == 2


@pytest.mark.parametrize(
    "bad",
    [
        "while True:\n    pass",
        "import time\ntime.sleep(1000)",
        "import os\nos.fork()",
        "open('/tmp/otgen-new', 'w')",
        "bytearray(10**11)",
        "import os\nos._exit(0)",
        "while True:\n    print('x' * 1000)",
        "1 / 0",
    ],
)
def test_a_cell_of_another_question_costs_that_question_only(bad, monkeypatch):
    monkeypatch.setattr(grader, "ASLEEP", 0.5)
    both = submission(
        f"shared = 1\n{bad}\nanswer_q2 = 2",
        "def answer_q1():\n    return shared2()",
        "def shared2():\n    return 5\nif False:\n    print(shared)",
    )
    with both.names(question("q1")) as names:
        assert names["answer_q1"]() == 5
    assert both.broken == {}
    with both.names(question("q2")) as names, pytest.raises(AnswerError):
        names["answer_q2"] + 1


def test_a_cell_at_which_a_process_ended_is_tried_once():
    both = submission(
        "print('once')\nimport os\nos._exit(0)\nhelper = 3",
        "def answer_q1():\n    return 1",
        "def answer_q2():\n    return helper",
    )
    with both.names(question("q2")) as names, pytest.raises(AnswerError, match="NameError"):
        names["answer_q2"]()
    assert both.left_out == {0}


def test_a_rule_that_is_broken_loses_the_question_and_no_other():
    both = submission(
        "import os\ndef answer_q1(x):\n    if x:\n        try:\n            os.fork()\n"
        "        except BaseException:\n            pass\n    return x",
        "def answer_q2():\n    return 2",
    )

    def first(names):
        assert names["answer_q1"](0) == 0

    def second(names):
        assert names["answer_q1"](1) == 1

    result = grade(both, question("q1"), Bodies(first, second, first))
    assert result.points == 0
    assert result.messages == ("the question is lost: it tried to start another process: os.fork",)
    assert grade(both, question("q1"), Bodies(first)).points == 1
    good = grade(both, question("q2"), Bodies(lambda names: names["answer_q2"]()))
    assert good.points == 1


def test_what_is_only_wrong_or_slow_loses_what_it_fails():
    slow = submission("def answer_q1(x):\n    while x:\n        pass\n    return x")

    def first(names):
        assert names["answer_q1"](0) == 0

    def second(names):
        names["answer_q1"](1)

    result = grade(slow, question("q1"), Bodies(first, second, first), Limits(seconds=1))
    assert result.points == 1
    assert result.messages == ("it was still computing after 1 s of processor time",) * 2


def test_functions_of_an_answer_are_functions_here():
    code = (
        "def answer_q1(k):\n    def f(x):\n        return (k * x ** 2).sum()\n"
        "    return {'f': f, 'both': [f, (f, 1)]}"
    )
    with submission(code).names(question("q1")) as names:
        found = names["answer_q1"](3.0)
        assert found["f"](np.ones(2)) == 6
        value, (gradient,) = found["both"][1][0].gradient(np.ones(2))
        assert value == 6
        assert gradient.tolist() == [6, 6]


@pytest.mark.parametrize(
    "bad", ["text = '\ud800'", "\n" * 10_000, "?a\n" * 1000, "+".join("1" * 1500)]
)
def test_a_cell_that_cannot_be_read_costs_its_question_only(bad):
    both = submission(f"answer_q1 = 1\n{bad}\n(", "answer_q2 = 2")
    with both.names(question("q1")) as names, pytest.raises(AnswerError, match="cannot be had"):
        names["answer_q1"] + 1
    with both.names(question("q2")) as names:
        assert names["answer_q2"] == 2


#: Ways by which an answer may tell its author what it was asked.
TELLING = {
    "text": "raise ValueError(args)",
    "name": "raise type(f'E{args[0]}', (Exception,), {})",
    "name of Python's": "raise type(f'{args[0]}', (Exception,), {})",
    "line": "exec(compile(f'raise ValueError  # {args[0]}', 'cell 0', 'exec'))",
    "its text": (
        "linecache.cache['cell 0'] = (9, None, [f'{args[0]}\\n'] * 99, 'cell 0')\nraise ValueError"
    ),
    "class": "return type(f'E{args[0]}', (), {'__slots__': ()})()",
    "value": "return f'x{args[0]}'",
    "exit": "os._exit(args[0] % 100)",
    "file": "open(f'/{args[0]}', 'w')",
    "event": "sys.audit(f'socket.{args[0]}')",
    "print": "print(args)\nraise KeyboardInterrupt(args)",
    "worker": (
        "worker._described = lambda e: {'error': f'{args[0]}: {args}', 'where': f'line {args[0]}'}"
        "\nraise ValueError"
    ),
}


@pytest.mark.parametrize("body", TELLING.values(), ids=TELLING)
def test_what_a_hidden_test_asked_is_not_told(body):
    before = "import linecache, os, sys\nfrom coursework import worker"
    told = submission(answer(body, before).replace("def answer(", "def answer_q1("))

    def ask(names):
        if float(names["answer_q1"](421742)) != 1:
            raise AssertionError("it is not one")

    result = grade(told, question("q1"), Bodies(ask))
    (message,) = result.messages
    assert "42" not in message


def test_the_text_of_an_exception_is_told_by_tests_that_are_seen():
    wrong = submission("def answer_q1(x):\n    raise ValueError(f'not {x}')")
    bodies = Bodies(*[lambda names: names["answer_q1"](3)] * 2)
    bodies.test_cases[0].hidden = False
    line = "line 2: raise ValueError(f'not {x}')"
    assert grade(wrong, question("q1"), bodies).messages == (
        f"your code raised ValueError: not 3 ({line})",
        f"your code raised ValueError ({line})",
    )


def test_what_a_cell_did_before_anything_was_asked_is_told():
    wrong = submission("open('/elsewhere', 'w')\nanswer_q1 = 1")
    result = grade(wrong, question("q1"), Bodies(lambda names: names["answer_q1"] + 1))
    said = "it tried to write outside of its own folder: /elsewhere"
    assert result.messages == (f"the question is lost: {said}",)
