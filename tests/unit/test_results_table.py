"""Tables of scores."""

import pytest

from otgen_lite.results import Summary, load, of_references, of_runs, references, summary, table
from otgen_lite.results._table import shown


def test_a_row_is_the_summary_in_the_titles_unit():
    runs = load("digits")
    row = of_runs(runs, ["w2sq", "mmd2", "parameters"], {"vae": "VAE"})["VAE"]
    assert row["W₂²"] == summary(runs, "w2sq")["vae"]
    assert row["10³ MMD²"].mean == pytest.approx(1e3 * summary(runs, "mmd2")["vae"].mean)
    assert row["10³ par."].mean == pytest.approx(1e-3 * summary(runs, "parameters")["vae"].mean)


def test_what_stands_below_wins_nothing():
    rows = {"a": {"loss": 2.0}, "b": {"loss": 1.0}}
    made = table(rows, best={"loss": "low"}, below={"data": {"loss": 0.0}})
    assert [line.split() for line in repr(made).splitlines()] == [
        ["loss"], ["a", "2"], ["b", "1", "★"], ["data", "0"]
    ]  # fmt: skip
    assert made._repr_html_().count("border-top") == 1


def test_spreads_stand_under_means_where_columns_are_many():
    one = Summary.of([1.0, 1.1])
    few, many = (table({"a": dict.fromkeys(names, one)}) for names in ("abc", "abcdefg"))
    assert few._repr_html_().count("1.05 ± 0.07") == 3
    assert many._repr_html_().count("1.05<br><small>± 0.07</small>") == 7
    assert repr(many).count("1.05 ± 0.07") == 7


def test_missing_cells_and_text():
    made = table({"a": {"loss": 1.0, "said": "<yes>"}, "b": {"said": "no"}})
    assert "–" in repr(made)
    assert "&lt;yes&gt;" in made._repr_html_()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1.0, 1.1], "1.05 ± 0.07"),
        ([1.50645, 1.50655], "1.506 ± 0.000"),
        ([8, 8], "8"),
        ([-0.01, 0.01], "0.000 ± 0.014"),
        ([120, 140], "130 ± 14"),
        ([0.2, 0.6, 1.3], "0.7 ± 0.6"),
    ],
)
def test_digits_follow_the_spread(values, text):
    assert shown(Summary.of(values)) == text


def test_references_have_the_same_titles():
    assert "W₂²" in of_references(references("digits"))["halves"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: table({}), "rows must hold at least one row"),
        (lambda: table({"a": {"x": 1.0}}, best={"y": "low"}), "a column of best must be"),
        (lambda: table({"a": {"x": 1.0}}, best={"x": "least"}), "best must be"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
