"""Values on an axis are found by what a reader writes, and no other value is taken for one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from otgen_lite._choices import place
from otgen_lite.explore import Explorer
from otgen_lite.sweep.result import Sweep

AXES = {
    "linspace": (np.linspace(0.0, 1.0, 11), [k / 10 for k in range(11)]),
    "linspace around 0": (np.linspace(-1.0, 1.0, 41), [(k - 20) / 20 for k in range(41)]),
    "torch.linspace": (torch.linspace(-0.3, 0.3, 13), [(k - 6) / 20 for k in range(13)]),
    "float32": (np.linspace(-0.1, 0.1, 21, dtype=np.float32), [(k - 10) / 100 for k in range(21)]),
    "arange": (np.arange(0.0, 1.0, 0.1), [k / 10 for k in range(10)]),
    "sums": (list(np.cumsum([0.1] * 9)), [k / 10 for k in range(1, 10)]),
    "logspace": (torch.logspace(-4, 4, 9), [10.0**k for k in range(-4, 5)]),
    "geomspace": (np.geomspace(1e-3, 1e3, 7, dtype=np.float32), [10.0**k for k in range(-3, 4)]),
    "one": (torch.tensor([0.1]), [0.1]),
    "whole": (torch.arange(5), [0, 1, 2, 3, 4]),
}


def of_explorer(axis, value) -> int:
    def frame(p):
        return Figure()

    shown = Explorer({"p": axis}, frame, name="axis", alt="p = {p}", start={"p": value})
    assert shown.key({"p": value}) == shown.start
    return shown.start[0]


def of_sweep(axis, value) -> int:
    from otgen_lite.sweep import grid

    axes = grid.axes({"p": axis})
    points = grid.points(axes)
    return Sweep(axes, points, [], [], False, "").index(p=value)


@pytest.mark.parametrize("kind", AXES)
@pytest.mark.parametrize("find", [of_explorer, of_sweep])
def test_what_a_reader_writes_is_found(find, kind) -> None:
    axis, written = AXES[kind]
    for i, value in enumerate(written):
        for form in (float, np.float32, np.float64, torch.tensor):
            assert find(axis, form(value)) == i


@pytest.mark.parametrize("find", [of_explorer, of_sweep])
@pytest.mark.parametrize(
    ("axis", "value"),
    [
        (np.linspace(0, 1, 11), 0.3001),
        (np.linspace(0, 1, 11), 1.1),
        ([1e-9, 1e-3, 1.0], 1.1e-9),
        ([1e-9, 1e-3, 1.0], 1e-8),
        ([0.0, 1e-3, 1.0], 1e-9),
        ([1, 2, 3], 2.5),
        ([1000000, 1000001], 1000000.4),
        ([0.5, 1.0], float("nan")),
        ([0.5, 1.0], float("inf")),
        ([1, 2], "1"),
        (["1", "2"], 1),
    ],
)
def test_no_other_value_is_taken_for_one(find, axis, value) -> None:
    with pytest.raises(ValueError, match=r"must be one of \["):
        find(axis, value)


def test_equal_values_win_over_near_ones() -> None:
    near = [1.0 + 1e-7, 1.0, 1.0 - 1e-7]
    assert [place(value, near) for value in near] == [0, 1, 2]
    assert place(1.0 + 4e-8, near) is None  # between two: neither


def test_values_that_are_no_numbers() -> None:
    one, two = torch.zeros(2), torch.ones(2)
    assert place(two, [one, two]) == 1
    assert place("b", ["a", "b"]) == 1
    assert place(None, [0, None]) == 1
    assert place(abs, [len, abs]) == 1
    assert place(True, [False, True]) == 1
