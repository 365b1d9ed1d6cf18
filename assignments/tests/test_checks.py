"""What hidden tests compare with: what passes, what fails, and what a student reads then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from coursework import Function, Hidden, array, at_least, at_most, near, number


class Everything:
    """Equal to everything, and a number of every kind."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def __float__(self) -> float:
        return 0.0

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        return np.zeros(())


RIGHT = [2.0, np.float32(2.0), np.array([2.0]), torch.tensor(2.0), torch.tensor([[2.0]]), 2]


@pytest.mark.parametrize(
    "value", RIGHT, ids=[type(v).__name__ + str(k) for k, v in enumerate(RIGHT)]
)
def test_a_number_in_any_form_is_one(value: Any) -> None:
    assert number(value) == 2.0
    near(value, 2.0)


WRONG = [
    (None, "is None"),
    (..., "not been written"),
    ("2.0", "is of type str"),
    (Everything(), "is of type Everything"),
    (float("nan"), "not finite"),
    (float("inf"), "not finite"),
    ([], "is empty"),
    (np.ones(2), "must be one number"),
    (2.0 + 1j, "is of type complex"),
    (np.array([2.0 + 0j]), "real numbers"),
    (np.array(["2.0"]), "real numbers"),
    (np.array([None]), "real numbers"),
    ([[1.0], [1.0, 2.0]], "real numbers"),
    ({"a": 2.0}, "is of type dict"),
    ({2.0}, "is of type set"),
    (lambda: 2.0, "is of type function"),
]


@pytest.mark.parametrize(("value", "says"), WRONG, ids=[s for _, s in WRONG])
def test_what_is_no_number_is_refused_in_words(value: Any, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        number(value, "the cost")
    with pytest.raises(AssertionError):
        near(value, 2.0)


def test_shapes() -> None:
    assert array([[1, 2, 3]], (1, 3)).dtype == float
    assert array(torch.ones(4, 2), (None, 2)).shape == (4, 2)
    with pytest.raises(
        AssertionError, match=r"must be an array of shape \(any, 2\), and has .*\(2,\)"
    ):
        array([1.0, 2.0], (None, 2), "the samples")


@pytest.mark.parametrize(("factor", "says"), [(0.5, "halved"), (2.0, "twice"), (-1.0, "sign")])
def test_a_usual_factor_is_named(factor: float, says: str) -> None:
    expected = np.array([1.0, -3.0, 0.25])
    with pytest.raises(AssertionError, match=says):
        near(factor * expected, expected)


def test_a_message_says_how_far_off_and_not_what_is_right() -> None:
    with pytest.raises(AssertionError, match="off by 10 %") as error:
        near(1.1 * 0.7310585786, 0.7310585786, "the cost")
    assert "0.73" not in str(error.value)
    with pytest.raises(AssertionError, match=r"off by 2.0e-03"):
        near(0.002, 0.0)


def test_the_tolerance_is_both_relative_and_absolute() -> None:
    near(100.0 + 0.9e-3, 100.0, rtol=1e-5, atol=0.0)
    with pytest.raises(AssertionError):
        near(100.0 + 1.1e-3, 100.0, rtol=1e-5, atol=0.0)
    near([1e-12, 1.0], [0.0, 1.0])


def test_bounds() -> None:
    at_most(1.0, 1.0, "it")
    at_least(1.0, 1.0, "it")
    with pytest.raises(AssertionError, match=r"it is 1.1, which is too large: as costs add up"):
        at_most(1.1, 1.0, "it", "as costs add up")
    with pytest.raises(AssertionError, match="too small"):
        at_least(0.9, 1.0, "it")
    with pytest.raises(AssertionError, match="not finite"):
        at_most(float("nan"), 1.0, "it")


# -- hidden instances ------------------------------------------------------------------------------


def test_the_same_secret_draws_the_same_and_others_do_not() -> None:
    def draw(secret: str, student: str = "", question: str = "q1", k: int = 0) -> float:
        return float(Hidden(secret, student)(question, k).random())

    assert draw("s") == draw("s")
    others = [draw("s"), draw("t"), draw("s", "a"), draw("s", "b"), draw("s", "", "q2")]
    others += [draw("s", "", "q1", 1), draw("", "s")]
    assert len(set(others)) == len(others)
    assert Hidden("s").seed("q1") == Hidden("s").seed("q1") < 2**31


def test_what_is_joined_cannot_be_split_elsewhere() -> None:
    """ab + c and a + bc are two students."""
    assert Hidden("ab", "c")("q").random() != Hidden("a", "bc")("q").random()


def test_a_function_travels_as_its_source() -> None:
    square = Function("lambda x: x * x")
    assert square(3.0) == 9.0
    norm = Function("def norm(x):\n    return np.sqrt((x * x).sum())\n")
    assert norm(np.array([3.0, 4.0])) == 5.0
    assert Function("lambda x: x") == Function("lambda x: x")
