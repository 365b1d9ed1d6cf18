"""The gate on explorers' questions: an axis that is not asked about is named."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import otgen_lite as otg
from tools.gates import explorers
from tools.gates.explorers import Axis

EPS = Axis("eps", r"price \(\varepsilon\)", ("0.1", "1"))
COST = Axis("cost", "cost", ("squared", "city block"))
ROUTE = Axis("route", "from and to", ("1", "2"))
STEPS = Axis("n", "steps of the critic", ("1", "5"))


@pytest.mark.parametrize(
    ("question", "axis"),
    [
        (r"Move $\varepsilon$ up.", EPS),
        (r"Set $\varepsilon = 0.1$.", EPS),
        ("What does the price do?", EPS),
        ("Change the *cost*.", COST),
        ("Go from squared to city block.", COST),
        ("Take five steps.", STEPS),
        ("Put on noise of variance $0.03$.", Axis("var", r"\(v\) in sampling", ("0", "0.03"))),
        ("Compare the critics.", STEPS),
        ("Exchange the two pictures (*from and to*).", ROUTE),
    ],
)
def test_a_question_names_an_axis(question: str, axis: Axis) -> None:
    assert explorers.names(question, axis)


@pytest.mark.parametrize(
    ("question", "axis"),
    [
        (r"Move $\lambda$ up.", EPS),
        (r"Look at $W_\varepsilon'$ and $\varepsilonx$.", COST),
        ("What is the distance?", COST),
        ("Costly things.", COST),
        ("What of the plan?", STEPS),
        ("Go from one to the other and back.", ROUTE),
    ],
)
def test_another_question_does_not(question: str, axis: Axis) -> None:
    assert not explorers.names(question, axis)


def test_each_axis_needs_a_question_of_its_own() -> None:
    both = r"For each cost, move $\varepsilon$."
    assert explorers.unasked([EPS, COST], [both]) in ([EPS], [COST])
    assert explorers.unasked([EPS, COST], ["Change the cost.", both]) == []
    assert explorers.unasked([EPS, COST], [both, "Change the cost."]) == []
    assert explorers.unasked([EPS, COST], []) == [EPS, COST]


TEXT = """:::{admonition} Questions
1. *The price.* Move $p$.
2. Change the masses,
   and look.
:::

:::{admonition} Answers
1. The masses.
:::
"""


def page(*texts: str) -> SimpleNamespace:
    """A page with an explorer of the package in front of each text."""
    shown = otg.Explorer(
        axes={"p": [1, 2], "masses": ["even", "skewed"]}, name="piles", start={"p": 1},
        frame=lambda p, masses: (otg.plots.figure()[0], {"cost": p}),
        labels={"p": "exponent $p$"}, caption="A caption.", alt="{p}, {masses}: {cost}",
    ).to_html(standalone=False)  # fmt: skip
    cells = []
    for text in texts:
        cells += [
            {"cell_type": "code", "source": "", "outputs": [{"data": {"text/html": shown}}]},
            {"cell_type": "markdown", "source": text},
        ]
    return SimpleNamespace(notebooks=lambda: [("book/01_a.md", {"cells": cells})])


def test_the_questions_of_a_page() -> None:
    assert [q.split()[0] for q in explorers.questions(TEXT)] == ["*The", "Change"]
    assert list(explorers.axes_without_question(page(TEXT, TEXT))) == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (TEXT.replace("Change the masses", "Look again"), ["masses"]),
        (TEXT.replace("*The price.* Move $p$", "Look"), ["p"]),
        (TEXT.replace("2. Change", "Change"), ["p", "masses"]),
        (TEXT.replace("Questions", "Remarks"), ["p", "masses"]),
        ("", ["p", "masses"]),
    ],
)
def test_an_axis_without_a_question_is_a_fault(text: str, left: list[str]) -> None:
    for broken in (page(text, TEXT), page(TEXT, text)):
        found = [fault.what.split(" axis ")[1] for fault in explorers.axes_without_question(broken)]
        names = [what.split()[0] for what in found]
        assert names == left or (len(left) == 2 and len(names) == 1 and "2." not in text)
