"""The list that a reader puts in order: what it counts, what it writes, what it refuses."""

from __future__ import annotations

import html
import itertools
import math
import re

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

import otgen_lite as otg

ITEMS = {"b": 2.0, "A": 3.0, "c": 1.0}


def ranking(items=ITEMS, **changed):  # type: ignore[no-untyped-def]
    options = {"name": "r", "question": "Which is least?", "score": "cost", **changed}
    return otg.Ranking(items, **options)


def test_the_true_order_either_way() -> None:
    assert ranking().truth == ("c", "b", "A")
    assert ranking(smallest_first=False).truth == ("A", "b", "c")
    assert "The smallest cost comes first." in ranking().to_html()
    assert "The largest cost comes first." in ranking(smallest_first=False).to_html()


def test_it_starts_by_the_alphabet_and_never_with_the_answer() -> None:
    assert ranking().start == ("A", "b", "c")
    assert ranking({"A": 1.0, "b": 2.0, "c": 3.0}).start == ("c", "b", "A")
    # Whatever the numbers: the place of a name says nothing.
    for values in itertools.permutations([1.0, 2.0, 3.0, 4.0]):
        made = ranking(dict(zip("dacb", values, strict=True)))
        assert made.start in (tuple("abcd"), tuple("dcba"))
        assert made.start != made.truth


def test_pairs_are_those_of_kendall() -> None:
    values = {"a": 0.3, "b": 0.1, "c": 0.9, "d": 0.2, "e": 0.5}
    made = ranking(values)
    for order in itertools.permutations(values):
        wrong, counted = made.compare(order)
        tau = kendalltau(range(5), [made.truth.index(item) for item in order]).statistic
        assert 1 - 2 * wrong / counted == pytest.approx(tau)


def test_pairs_within_their_spreads_are_not_counted() -> None:
    items = {"a": 1.0, "b": 1.5, "c": 2.0}
    made = ranking(items, spreads={"a": 0.25, "b": 0.25, "c": 0.0})
    assert made.compare(("b", "a", "c")) == (0, 2)  # a and b touch
    assert made.compare(("c", "b", "a")) == (2, 2)
    assert 'data-untold="differ by no more than their two spreads together"' in made.to_html()
    ties = ranking({"a": 1.0, "b": 1.0, "c": 2.0})
    assert ties.compare(("b", "a", "c")) == ties.compare(("a", "b", "c")) == (0, 2)
    assert 'data-untold="are equal"' in ties.to_html()
    with pytest.raises(ValueError, match="order must hold each of"):
        made.compare(("a", "b"))


def test_values_are_written_to_two_digits_of_their_spread() -> None:
    items = {"a": 1.40321, "b": -0.031234, "c": 12345.6, "d": 3.0, "e": 2e-9}
    spreads = {"a": 0.0123, "b": 0.0041, "c": 240.0, "d": 0.0, "e": 1e-10}
    made = ranking(items, spreads=spreads)
    expected = ["1.403 ± 0.012", "−0.0312 ± 0.0041", "12346 ± 240", "3", "2 × 10⁻⁹ ± 1 × 10⁻¹⁰"]
    assert [made.text(item) for item in items] == expected
    assert ranking().text("b") == "2"


def test_numbers_of_other_libraries() -> None:
    made = ranking({"a": np.float32(0.5), "b": torch.tensor(2.0), "c": np.int64(3)})
    assert made.values == {"a": 0.5, "b": 2.0, "c": 3.0}


def test_texts_are_escaped_and_formulas_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = '<script>alert("1")</script> & $\\lambda$'
    items = {odd: 1.0, "plain": 2.0}
    options = {"question": odd, "score": "$W_2^2$ <", "caption": odd}
    page = ranking(items, **options).to_html(standalone=False)
    assert "<script>alert" not in page
    assert page.count("<script>") == 1
    name = '<script>alert("1")</script> & λ'
    assert f'data-name="{html.escape(name)}"' in page
    assert f'aria-label="Move {html.escape(name)} up"' in page
    assert "<i>W<sub>2</sub><sup>2</sup></i> &lt;" in page
    monkeypatch.setenv("OTGEN_BOOK", "1")
    page = ranking(items, **options).to_html(standalone=False)
    assert r'<span class="math notranslate nohighlight">\(W_2^2\)</span> &lt;' in page


def test_the_html_is_complete_and_always_the_same() -> None:
    page = ranking().to_html()
    assert page == ranking().to_html()
    assert page.startswith("<!doctype html>")
    part = ranking()._repr_html_()
    assert part in page
    assert not re.search(r"(?:src|href)=(?!\"data:)", page)
    assert not re.search(r"https?:|localStorage|cookie", page)
    assert part.count("<li ") == 3
    assert part.count('<button type="button"') == 3 * 2 + 2
    folded = r"<details><summary>The true order</summary>.*>c<.*>b<.*>A<.*</details>"
    # Without a script: the true order is folded, and the buttons of the comparison are not there.
    assert re.search(folded, part, re.DOTALL)
    assert '<div class="otg-actions" hidden>' in part
    assert repr(ranking(score="$W_2^2$")) == "Ranking 'r': 3 names by W_2^2"


@pytest.mark.parametrize(
    ("items", "changed", "error", "message"),
    [
        ({}, {}, ValueError, "items must hold 2 to 20 names, got 0"),
        ({"a": 1.0}, {}, ValueError, "items must hold 2 to 20 names, got 1"),
        ({str(i): i for i in range(21)}, {}, ValueError, "items must hold 2 to 20 names, got 21"),
        ({"a": 1.0, "b": math.nan}, {}, ValueError, r"items\['b'\] must be finite, got nan"),
        ({"a": 1.0, "b": -math.inf}, {}, ValueError, r"items\['b'\] must be finite, got -inf"),
        ({"a": 1.0, "b": "2"}, {}, TypeError, r"items\['b'\] must be a number, got '2'"),
        ({"a": 1.0, "b": True}, {}, TypeError, r"items\['b'\] must be a number"),
        ({"a": 1.0, 2: 1.0}, {}, TypeError, "a name in items must be a text, got 2"),
        ({"a": 1.0, " ": 1.0}, {}, TypeError, "a name in items must be a text, got ' '"),
        (["a", "b"], {}, TypeError, "items must be a dict of name to number"),
        ({"a": 1.0, "b": 1.0}, {}, ValueError, "items must hold two values that differ"),
        (ITEMS, {"spreads": dict.fromkeys(ITEMS, 1.0)}, ValueError, "two values that differ by"),
        (ITEMS, {"spreads": {"b": 0.1, "A": 0.1}}, ValueError, r"names in items, .* \['c'\]"),
        (ITEMS, {"spreads": {**dict.fromkeys(ITEMS, 0.1), "b": -1.0}}, ValueError,
         "spreads must be >= 0, got -1.0 of 'b'"),
        (ITEMS, {"spreads": dict.fromkeys(ITEMS, math.inf)}, ValueError, "must be finite, got inf"),
        (ITEMS, {"name": "No Name"}, ValueError, "name must be lower-case"),
        (ITEMS, {"question": " "}, ValueError, "question must not be empty"),
        (ITEMS, {"score": ""}, ValueError, "score must not be empty"),
        (ITEMS, {"caption": 3}, TypeError, "caption must be a string"),
    ],
)  # fmt: skip
def test_what_it_refuses(items, changed, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        ranking(items, **changed)
