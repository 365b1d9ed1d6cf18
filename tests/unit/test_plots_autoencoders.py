"""Pictures that chapter 10 draws of encoders, of twins and of noise: what stands where."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otgen_lite import plots

X = np.array([[0.0, 1.0], [1.0, 1.0]])
MADE = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
CODES, PRIOR = [-1.0, 0.0, 1.0], [0.25, 0.5, 0.25]
NEAR = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]])
SPREAD = np.array([[0.25, 0.25, 0.0], [0.0, 0.25, 0.25]])


def test_an_encoder_is_lines_from_data_to_decoded_codes_over_the_weights_of_its_codes() -> None:
    fig = plots.encoders(X, MADE, CODES, PRIOR, [NEAR, SPREAD], top=0.7)
    assert len(fig.axes) == 4
    for plane, line, plan in zip(fig.axes[:2], fig.axes[2:], (NEAR, SPREAD), strict=True):
        segments = {tuple(map(tuple, s)) for s in plane.collections[0].get_segments()}
        joined = zip(*plan.nonzero(), strict=True)
        assert segments == {(tuple(MADE[j]), tuple(X[i])) for i, j in joined}
        assert [bar.get_height() for bar in line.patches] == plan.sum(axis=0).tolist()
        assert np.allclose(line.lines[0].get_ydata(), PRIOR)
        assert line.get_ylim() == (0.0, 0.7)


def test_twins_are_compared_by_the_largest_difference_so_far() -> None:
    near = ([3.0, 2.0, 1.0, 0.5], [3.0, 2.5, 1.1, 0.5])
    same = ([1.0, 1.0], [1.0, 1.0])
    fig = plots.twin_losses({"SGD": near, "Adam": same}, ("P-OT", "AAE"))
    left, right = fig.axes
    assert [line.get_ydata().tolist() for line in left.lines] == [list(near[0]), list(near[1])]
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["P-OT", "AAE"]
    assert right.lines[0].get_ydata().tolist() == [1e-16, 0.5, 0.5, 0.5]
    assert right.lines[1].get_ydata().tolist() == [1e-16, 1e-16]
    assert right.get_yscale() == "log"
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["SGD", "Adam"]


def test_costs_behind_noise_start_at_zero_on_one_scale() -> None:
    t = torch.linspace(-1, 1, 5)
    costs = {"city block": {"none": t.abs(), "some": t.abs() + 3}, "squared": {"none": 2 * t**2}}
    fig = plots.noisy_costs(t, costs)
    left, right = fig.axes
    for line in left.lines:
        assert np.allclose(line.get_ydata(), t.abs())
    assert np.allclose(right.lines[0].get_ydata(), 2 * t**2)
    low, high = left.get_ylim()
    assert right.get_ylim() == (low, high)
    assert low < 0 < 2 < high
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["none", "some"]


def test_curves_that_are_compared_are_never_blue_or_red_and_differ_without_colour() -> None:
    pairs = {name: ([1.0, 2.0], [1.0, 2.5]) for name in "abc"}
    drawn = [*plots.twin_losses(pairs, ("one", "other")).axes]
    drawn += plots.noisy_costs([0, 1], {"squared": {"a": [0, 1], "b": [1, 2], "c": [2, 3]}}).axes
    for ax in drawn:
        assert {line.get_color() for line in ax.lines} <= set(plots.METHODS)
        looks = [(line.get_color(), line.get_linestyle()) for line in ax.lines]
        assert len({stroke for _, stroke in looks}) == len({color for color, _ in looks})
        assert len(set(looks)) == len(looks) > 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plots.encoders(X, MADE, CODES, PRIOR, [], top=1), "plans must hold at least one"),
        (lambda: plots.encoders(X, MADE, CODES, PRIOR, [[1.0]], top=1), r"plans\[0\] must be"),
        (lambda: plots.encoders(X, MADE, CODES, PRIOR, [NEAR.T], top=1), "plan must have shape"),
        (lambda: plots.twin_losses({}, ("a", "b")), "pairs must hold at least one pair"),
        (lambda: plots.twin_losses({"SGD": ([1, 2], [1])}, ("a", "b")), r"pairs\['SGD'\]\[1\]"),
        (lambda: plots.twin_losses({"SGD": ([1], [np.nan])}, ("a", "b")), r"pairs\['SGD'\]"),
        (lambda: plots.noisy_costs([0, 1], {}), "costs must hold at least one cost"),
        (lambda: plots.noisy_costs([0, 1], {"squared": {}}), "costs must hold at least one cost"),
        (lambda: plots.noisy_costs([0, 1], {"squared": {"a": [1]}}), r"costs\['squared'\]\['a'\]"),
    ],
)
def test_what_cannot_be_drawn_is_named(call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call()
