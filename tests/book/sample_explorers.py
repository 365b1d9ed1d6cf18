"""Explorers of a page that the tests build; the page's cells and the tests import this file."""

import math

import numpy as np
from matplotlib.figure import Figure

from otgen_lite.explore import Explorer, Ranking

WORDS = ["even", "skewed", 'heavy "left" <&>']


def _curve(title: str, *shape: float) -> Figure:
    figure = Figure(figsize=(6, 3))
    axes = figure.add_subplot()
    grid = np.linspace(-3, 3, 80)
    axes.plot(grid, np.polyval(shape, grid))
    axes.set_title(title)
    return figure


def one() -> Explorer:
    """One slider, over numbers that floating point does not write well."""

    def frame(shift: float) -> tuple[Figure, dict[str, float]]:
        return _curve("one", 1.0, shift), {"$s^2$": shift**2, "limit": math.inf}

    return Explorer(
        axes={"shift": [-2.0, 0.1 + 0.2, 1e-7, 12345.678]},
        frame=frame,
        name="one",
        alt="A line, moved up by {shift}.",
        caption="A line moved up by $s$, with $s^2$ below.",
        labels={"shift": "shift $s$"},
    )


def two() -> Explorer:
    """A slider and a list; some frames have a read-out that others lack; it starts inside."""

    def frame(p: int, masses: str) -> tuple[Figure, dict[str, float | str]]:
        readouts: dict[str, float | str] = {"cost": 0.1 * p, "masses are": masses}
        if p == 3:
            readouts["undefined"] = math.nan
        return _curve(f"two {masses[:4]}", p, len(masses)), readouts

    return Explorer(
        axes={"p": [1, 2, 3], "masses": WORDS},
        frame=frame,
        name="two",
        alt=lambda values, readouts: f"p {values['p']} and {values['masses']}: {readouts['cost']}",
        labels={"p": "cost exponent p", "masses": "masses of the piles"},
        start={"p": 2, "masses": "skewed"},
    )


def three() -> Explorer:
    """Three axes; the last one changes nothing in the picture of even masses."""

    def frame(lam: float, masses: str, steps: int) -> tuple[Figure, dict[str, float]]:
        height = lam * (1 if masses == "even" else steps)
        return _curve("three", height, 0.0, lam), {"height": height, "product": lam * steps}

    return Explorer(
        axes={"lam": [0.1, 1.0, 10.0], "masses": ["even", "skewed"], "steps": [1, 2, 5, 10]},
        frame=frame,
        name="three",
        alt="λ = {lam}, {masses}, {steps} steps: a parabola of height {height:.3f}",
        labels={"lam": "λ"},
        caption="Three axes.",
    )


def bare() -> Explorer:
    """No read-outs."""

    def frame(power: int) -> Figure:
        return _curve("bare", *([1.0] + [0.0] * power))

    return Explorer(axes={"power": range(1, 6)}, frame=frame, name="bare", alt="x to the {power}.")


def ranking() -> Ranking:
    """Not an explorer, but it stands beside some: names that the reader puts in order."""
    return Ranking(
        {"a $\\lambda$": 3.0, "b": 1.0, "c": 2.0},
        name="order",
        question="Which is least?",
        score="$W_2^2$",
        spreads={"a $\\lambda$": 0.1, "b": 0.6, "c": 0.5},
        caption="Three names.",
    )


ALL = {"one": one, "two": two, "three": three, "bare": bare}
