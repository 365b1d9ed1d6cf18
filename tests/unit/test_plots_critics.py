"""Pictures of critics: what is drawn where, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from otgen_lite import plots

T = np.linspace(-1.0, 1.0, 21)
LINE = {"data": [0.5, 0.9], "model": [-0.5, 0.2, 0.3], "slopes": [1.0, -5.0, 0.0]}


def test_points_that_are_pushed_the_wrong_way_are_hollow() -> None:
    above = plots.critic_line(T, {"critic": T}, **LINE, wrong=[False, True, False]).axes[1]
    faces = {line.get_markerfacecolor(): len(line.get_xdata()) for line in above.lines[1:]}
    assert faces == {plots.RED: 2, "white": 1}


def test_scores_are_shifted_to_one_mean() -> None:
    below = plots.critic_line(T, {"critic": T + 7, "exact": T}, **LINE).axes[0]
    curves = [line.get_ydata() for line in below.lines if len(line.get_xdata()) == T.size]
    np.testing.assert_allclose(curves[0], curves[1], atol=1e-12)


def test_arrows_of_a_field_are_cut_and_follow_the_slopes() -> None:
    fig = plots.critic_fields(
        T, {"a": np.add.outer(T, T)}, data=[[0, 0]], model=[[0, 0], [0.1, 0]],
        slopes={"a": [[3.0, 4.0], [0.0, 1.0]]}, arrow=0.5,
    )  # fmt: skip
    quiver = next(c for c in fig.axes[0].collections if hasattr(c, "U"))
    np.testing.assert_allclose(np.stack([quiver.U, quiver.V], 1), [[0.6, 0.8], [0.0, 0.5]])


def test_a_flat_field_has_no_level_lines_and_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    plots.critic_fields(T, {"": np.zeros((21, 21))}, data=[[0, 0]], model=[[0, 0]])
    assert not recwarn.list


def test_tops_outside_of_the_window_are_left_out() -> None:
    fig = plots.hill(T, -(T**2), {3.0: 0.0, 0.0: 0.0}, level=0.5, name="W", window=(-1, 1))
    assert [line.get_marker() for line in fig.axes[0].lines[2:]] == ["s"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"slopes": [1.0]}, "slopes"),
        ({"wrong": [True]}, "wrong"),
        ({"data": [[1.0]]}, "data"),
        ({"model": [float("nan"), 0.0, 1.0]}, "model"),
    ],
)
def test_a_line_of_another_shape_is_refused(change: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        plots.critic_line(T, {"critic": T}, **{**LINE, **change})


def test_no_critic_is_refused() -> None:
    with pytest.raises(ValueError, match="scores"):
        plots.critic_line(T, {}, **LINE)
    with pytest.raises(ValueError, match="fields"):
        plots.critic_fields(T, {}, data=[[0, 0]], model=[[0, 0]])


def test_fields_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="fields"):
        plots.critic_fields(T, {"a": np.zeros((3, 3))}, data=[[0, 0]], model=[[0, 0]])
    with pytest.raises(ValueError, match="slopes"):
        plots.critic_fields(
            T, {"a": np.add.outer(T, T)}, data=[[0, 0]], model=[[0, 0]], slopes={"a": [[1.0]]}
        )
    with pytest.raises(ValueError, match="height"):
        plots.hill(T, [1.0], {}, level=0.0, name="", window=(0, 1))
