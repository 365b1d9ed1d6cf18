"""Curves of chapters 1 and 2: what is drawn is what was given, in colours that mean something."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from otgen_lite import plots

T = [0.0, 1.0, 2.5]


def test_a_bound_is_drawn_at_its_height_everywhere() -> None:
    same = plots.curve_and_bound(T, [1, 2, 3], 3, names=("v", "b"), xlabel="t", ylabel="u")
    each = plots.curve_and_bound(T, [1, 2, 3], [3, 3, 3], names=("v", "b"), xlabel="t", ylabel="u")
    for fig in (same, each):
        curve, bound = fig.axes[0].lines
        assert curve.get_ydata().tolist() == [1, 2, 3]
        assert bound.get_ydata().tolist() == [3, 3, 3]


def test_a_method_looks_the_same_in_all_panels_and_never_like_data_or_model() -> None:
    panels = {"one": {"a": [1, 2, 3], "b": [3, 2, 1]}, "two": {"b": [0, 0, 1], "a": [1, 0, 0]}}
    fig = plots.compare_methods(T, panels, xlabel="t", markers=True)
    first, second = ({line.get_label(): line for line in ax.lines} for ax in fig.axes)
    assert fig.axes[1].get_xticks().tolist() == T
    for name in ("a", "b"):
        for look in ("get_color", "get_linestyle", "get_marker"):
            assert getattr(first[name], look)() == getattr(second[name], look)()
        assert first[name].get_color() not in (plots.BLUE, plots.RED)
        assert first[name].get_ydata().tolist() == panels["one"][name]
    assert first["a"].get_color() != first["b"].get_color()
    assert first["a"].get_linestyle() != first["b"].get_linestyle()


def test_the_mark_stands_on_every_curve_at_the_offset() -> None:
    fig = plots.densities_and_distances(
        T, {"data": [1, 0, 0], "model": [0, 1, 0]}, [0.0, 0.02, 1.0],
        {"W": [0, 0.02, 1], "KL": [0, np.inf, np.inf]}, 0.02, window=(0, 2), ceiling=2.0,
    )  # fmt: skip
    marks = [line for line in fig.axes[1].lines if line.get_marker() == "o"]
    assert [mark.get_xdata()[0] for mark in marks] == [0.02, 0.02]
    assert [mark.get_ydata()[0] for mark in marks] == [0.02, np.inf]


def test_the_last_cloud_of_a_path_is_the_model() -> None:
    path = torch.arange(24.0).reshape(4, 3, 2)
    fig = plots.cloud_descent(path, [[0, 1], [1, 0]], [0.5, 0.5], [3.0, 2.0, 1.0])
    walk, loss = fig.axes
    assert len(walk.lines) == 3
    np.testing.assert_allclose(walk.lines[1].get_xydata(), path[:, 1])
    np.testing.assert_allclose(walk.collections[-1].get_offsets(), path[-1])
    assert loss.lines[0].get_ydata().tolist() == [3.0, 2.0, 1.0]


def test_the_line_through_sorted_data_ends_where_the_noise_ends() -> None:
    fig = plots.quantile_line([3.0, 1.0, 2.0], [5.0, 9.0, 7.0], 1.0, 2.0, [2.0, 1.0])
    data, model = fig.axes[1].lines
    assert data.get_xydata().tolist() == [[1, 5], [2, 7], [3, 9]]
    assert model.get_xydata().tolist() == [[1, 3], [3, 7]]


BAD: dict[str, Callable[[], Any]] = {
    "values must have shape (3,), got (2,)": lambda: plots.curve_and_bound(
        T, [1, 2], 0, names=("v", "b"), xlabel="", ylabel=""
    ),
    "bound must have shape (3,), got (1,)": lambda: plots.curve_and_bound(
        T, [1, 2, 3], [0], names=("v", "b"), xlabel="", ylabel=""
    ),
    "names must be two": lambda: plots.curve_and_bound(
        T, [1, 2, 3], 0, names=("v",), xlabel="", ylabel=""  # type: ignore[arg-type]
    ),
    "panels must hold at least one": lambda: plots.compare_methods(T, {}, xlabel=""),
    "panels must hold at most 5": lambda: plots.compare_methods(
        T, {"": {str(k): T for k in range(6)}}, xlabel=""
    ),
    "panels['loss']['a'] must have shape (3,), got (1,)": lambda: plots.compare_methods(
        T, {"loss": {"a": [1]}}, xlabel=""
    ),
    "offset must be one of the offsets [0.0, 1.0], got 0.5": lambda: plots.densities_and_distances(
        T, {"data": T}, [0, 1], {"TV": [0, 1]}, 0.5, window=(0, 1), ceiling=1
    ),
    "b must have shape (1,), got (2,)": lambda: plots.cloud_descent(
        [[[0, 0]]], [[0, 1]], [1, 1], [1.0]
    ),
    "path must have shape (1, 1, 2), got (1, 1, 3)": lambda: plots.cloud_descent(
        [[[0, 0, 0]]], [[0, 1]], [1], [1.0]
    ),
    "y must have shape (3,), got (1,)": lambda: plots.quantile_line(T, [1], 0, 1, [1.0]),
}  # fmt: skip


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_named(message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        BAD[message]()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_named(bad: float) -> None:
    with pytest.raises(ValueError, match="values"):
        plots.curve_and_bound(T, [1, bad, 2], 0, names=("v", "b"), xlabel="", ylabel="")
    with pytest.raises(ValueError, match="losses"):
        plots.cloud_descent([[[0, 0]]], [[0, 1]], [1], [bad])
