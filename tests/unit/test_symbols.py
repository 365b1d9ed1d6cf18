"""Symbols are introduced before they are used: on small books with a fault in each."""

from __future__ import annotations

import pytest

from tools import symbols
from tools.symbols import Symbol

TABLE = r"""
| symbol | meaning, and first use |
|---|---|
| $W_c$, $\psi$ | cost and potential (*elsewhere* $f$) · {prf:ref}`def-one` |
| $W_p$ | distance · {prf:ref}`def-two` |
| $x_i$ | points · {prf:ref}`def-one` |
| $H_n$, $\hat\psi$ | of draws · {prf:ref}`def-two`, {prf:ref}`def-one` |
| $D$ | something of chapter 2 · {prf:ref}`def-two` |

## Letters of one chapter

| chapter | letters |
|---|---|
| {doc}`02_second` | $D$ |
"""
FIRST = """# First

Words.

## A section

Here $W_c$ with $x_1$ is defined.

```{prf:definition} One
:label: def-one

$$
\\hat\\psi = \\max_{\\psi} W_c(x, y)
$$
```
"""
SECOND = """# Second

## A first section

The cost $W_c$.

## Another

```{prf:definition} Two
:label: def-two

$W_p^p = W_c$, $H_n$ and $D$.
```
"""


def faults(
    first: str = FIRST, second: str = SECOND, table: str = TABLE
) -> list[tuple[str, int, str]]:
    pages = {"01_first": first, "02_second": second}
    return [fault[:3] for fault in symbols.faults(symbols.read(table), pages)]


def test_a_book_in_order_has_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("word", "symbol"),
    [
        ("$W_c$", "W_c"),
        (r"$\sum_i x_i$", "x_i"),
        ("a {math}`x` and $x$", "x_i"),
        (r"$\mathbb E_{x_1 \sim \mu} 1$", "x_i"),
        (r"$\hat\psi_k$", r"\hat\psi"),
        ("$H_n$", "H_n"),
        ("$W_p(x', y')$", "W_p"),
    ],
)
def test_a_symbol_before_its_section_is_a_fault(word: str, symbol: str) -> None:
    assert faults(first=FIRST.replace("Words.", word)) == [("01_first", 3, symbol)]


@pytest.mark.parametrize(
    "word",
    ["$W$", "$W_q$", "$x'$", r"$\bar\psi$", "$H_m$", "the $\\psi$-transform", "`$W_c$`",
     r"$\text{for } \psi$".replace(r" \psi", "")],
)  # fmt: skip
def test_another_symbol_is_none(word: str) -> None:
    assert faults(first=FIRST.replace("Words.", word)) == []


def test_an_earlier_chapter_and_an_earlier_section() -> None:
    assert faults(second=SECOND.replace("The cost", "The $W_p$ and cost")) == [
        ("02_second", 5, "W_p")
    ]
    assert faults(first=f"{FIRST}\nAt last $W_p$.\n") == [("01_first", 17, "W_p")]


def test_a_letter_of_one_chapter() -> None:
    assert faults(first=f"{FIRST}\nAnother $D$.\n") == []  # of no concern to chapter 1
    assert faults(second=SECOND.replace("The cost", "The $D$ and cost")) == [("02_second", 5, "D")]


def test_a_letter_that_serves_a_chapter_in_passing() -> None:
    early = f"{FIRST}\nAnother $W_p$.\n"
    assert faults(first=early) == [("01_first", 17, "W_p")]
    assert faults(first=early, table=TABLE + "| {doc}`01_first` | none; $W_p$ |\n") == []


def test_a_letter_that_its_chapter_lacks_and_a_label_that_nobody_has() -> None:
    idle = TABLE + "| {doc}`01_first` | $Z$ |\n"
    assert faults(table=idle) == [("notation", 1, "Z")]
    wrong = TABLE.replace("distance · {prf:ref}`def-two`", "distance · {prf:ref}`def-typo`")
    assert faults(table=wrong) == [("notation", 1, "W_p")]


@pytest.mark.parametrize(
    ("formula", "symbol"),
    [
        ("W_c", Symbol("W", "c")),
        ("C_{ij}", Symbol("C", "*")),
        (r"\bar\psi_k", Symbol(r"\bar\psi", "*")),
        (r"\hat\mu_n", Symbol(r"\hat\mu", "n")),
        ("S^{1/2}", Symbol("S", "", "1/2")),
        (r"P_G = G_\# P_Z", Symbol("P", "G")),
        (r"\mathcal N(m, S)", Symbol(r"\mathcalN")),
        (r"\lVert S \rVert_F", Symbol(r"\rVert", "F")),
        ("(t)_+", Symbol(")", "+")),
        (r"g^{C, \varepsilon}", Symbol("g", "", r"C,\varepsilon")),
        (r"\nabla T_\varepsilon", Symbol("T", r"\varepsilon")),
        ("f'(x)", Symbol("f'")),
    ],
)
def test_the_symbol_of_a_cell(formula: str, symbol: Symbol) -> None:
    assert symbols.named(formula) == symbol


def test_the_most_particular_symbol_is_meant() -> None:
    known = set(
        map(symbols.named, ["H", "H_n", r"\pi", r"\pi_j(x)", "x_i", r"\delta_x", "W^0", "W^0_c"])
    )
    for used, meant in [
        ("H_k", "H"), ("H_n", "H_n"), (r"\pi_{ij}", r"\pi_j"), (r"\pi", r"\pi"), ("x", "x_i"),
        (r"\delta_0", r"\delta_x"), (r"\delta_{-h}", r"\delta_x"), ("W_c^0", "W^0_c"), ("H^2", "H"),
    ]:  # fmt: skip
        (found,) = symbols.symbols(symbols.tokens(used))
        assert symbols.match(found, known) == symbols.named(meant), used


def test_every_symbol_of_this_book_is_introduced_before_it_is_used() -> None:
    assert list(symbols.faults(*symbols.book())) == []
