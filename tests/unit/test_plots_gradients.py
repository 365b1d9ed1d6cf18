"""Pictures of chapter 6: what they draw where, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from otgen_lite import plots

T = np.linspace(-1.0, 1.0, 5)


def test_slopes_leave_the_curve_where_they_belong() -> None:
    fig = plots.slope_fans(T, T**2, {0.5: (3.0, -1.0)}, reach=0.1)
    _, left, right = fig.axes[0].lines
    assert np.allclose(left.get_xydata(), [[0.4, -0.05], [0.5, 0.25]])
    assert np.allclose(right.get_xydata(), [[0.5, 0.25], [0.6, 0.15]])
    with pytest.raises(ValueError, match="fans must stand between"):
        plots.slope_fans(T, T**2, {2.0: (1.0, 1.0)})


def test_model_and_bound_stand_side_by_side_and_above_one_another_on_a_phone() -> None:
    fig = plots.between_poles(T, T**2, T**2 - 1, 0.5, (2, 0), [[0, 0.5]], 0.5, exact=T**2 + 1)
    curve, plane = fig.axes
    assert len(curve.lines) == 5
    assert curve.get_position().y0 < plane.get_position().y1
    with plots.narrow(fig):
        fig.draw_without_rendering()
        assert curve.get_position().y0 > plane.get_position().y1
    with pytest.raises(ValueError, match="held"):
        plots.between_poles(T, T, T[1:], 0, (1, 1), [[0, 0]], 0)


def test_a_stage_shows_cells_and_segment_only() -> None:
    halves = [[[0, 0], [1, 0], [1, 2], [0, 2]], [[1, 0], [2, 0], [2, 2], [1, 2]]]
    line, atoms = [[0.2, 1.0], [1.8, 1.0]], [[0.5, 1], [1.5, 1]]
    one = (halves, line, [0.4, 0.6])
    fig = plots.stages({"a": one, "b": one}, atoms, [0.5, 0.5], ((0, 2), (0, 2)))
    for ax, name in zip(fig.axes, "ab", strict=True):
        assert ax.get_xlabel() == name
        (seen,) = [artist for artist in ax.lines if artist.get_visible()]
        assert np.allclose(seen.get_xydata(), line)
    with pytest.raises(ValueError, match="at least one stage"):
        plots.stages({}, atoms, [0.5, 0.5], ((0, 2), (0, 2)))


def test_threads_lead_to_what_a_point_gets() -> None:
    plan = np.array([[0.5, 0.0, 0.0], [0.0, 0.25, 0.25]])
    fig = plots.shared_cloud({"": ([[0, 0], [1, 1]], plan)}, [[0, 1], [1, 0], [2, 2]])
    threads = fig.axes[0].collections[0].get_segments()
    assert len(threads) == 3
    assert np.allclose(threads[0], [[0, 0], [0, 1]])
    empty = plots.shared_cloud({"": ([[0, 0], [1, 1]], 0 * plan)}, [[0, 1], [1, 0], [2, 2]])
    assert len(empty.axes[0].collections[0].get_segments()) == 0
    with pytest.raises(ValueError, match="shape"):
        plots.shared_cloud({"": ([[0, 0]], plan)}, [[0, 1], [1, 0], [2, 2]])
