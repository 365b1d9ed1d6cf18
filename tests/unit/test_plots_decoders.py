"""Pictures of chapter 8: what they draw where, and what they refuse."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from otgen_lite import plots

X, MADE = [[0.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
Z, B = [-1.0, 0.0, 1.0], [0.25, 0.5, 0.25]
BOTH = {"shared": [[0.25, 0.0, 0.25], [0.0, 0.5, 0.0]], "one": [[0.5, 0, 0], [0, 0.5, 0]]}


def test_lanes_show_all_codes_and_those_of_one_datum() -> None:
    fig = plots.lanes(X, MADE, Z, B, BOTH, marked=0)
    plane, shared, one = fig.axes
    assert [ax.get_xlabel() for ax in (shared, one)] == ["shared", "one"]
    heights = [bar.get_height() for bar in one.patches]
    assert heights == [0.5, 0.5, 0.0, 0.5, 0.0, 0.0]  # of all data, then of the marked one
    assert shared.get_ylim() == one.get_ylim()
    assert len(plane.collections[0].get_segments()) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [({"encoders": {}}, "encoders"), ({"marked": 2}, "marked"), ({"b": [1.0]}, "b")],
)
def test_lanes_name_what_is_wrong(change: dict[str, object], message: str) -> None:
    given = {"x": X, "made": MADE, "z": Z, "b": B, "encoders": BOTH, "marked": 0, **change}
    with pytest.raises(ValueError, match=message):
        plots.lanes(**given)  # type: ignore[arg-type]


def test_a_band_for_each_piece_as_wide_above_as_below() -> None:
    fig = plots.exchanged([0.0, 0.4], [0.4, 0.6], [0.6, 0.0], [1, 0])
    (ax,) = fig.axes
    bands = [p for p in ax.patches if isinstance(p, mpl.patches.Polygon)]
    for band, (start, width, code) in zip(bands, [(0, 0.4, 0.6), (0.4, 0.6, 0)], strict=True):
        corners = band.get_xy()[:4, 0]
        assert corners.tolist() == pytest.approx([start, start + width, code + width, code])
    assert [text.get_text() for text in ax.texts] == ["2", "2", "1", "1"]
    with pytest.raises(ValueError, match="code"):
        plots.exchanged([0.0, 0.4], [0.4, 0.6], [0.6], [1, 0])


def test_truth_and_bound_are_marked_at_the_slope_and_at_their_lowest_point() -> None:
    slopes = np.linspace(0, 2, 21)
    truth, bound = (slopes - 0.5) ** 2, 1 + (slopes - 1) ** 2
    fig = plots.noisy_line(1.0, 0.7, 0.5, slopes, truth, bound, top=2.0)
    marks = [line for line in fig.axes[1].lines if len(line.get_xdata()) == 1]
    at = [(float(m.get_xdata()[0]), m.get_marker()) for m in marks]
    assert at == [(1.0, "v"), (0.7, "o"), (0.5, "v"), (0.7, "o")]
    data, noisy, clean = fig.axes[0].lines
    assert clean.get_ydata().max() > noisy.get_ydata().max() > data.get_ydata().max()
    with pytest.raises(ValueError, match="a "):
        plots.noisy_line(1.0, 0.0, 0.5, slopes, truth, bound, top=2.0)


def test_codes_and_samples_keep_their_place_in_every_frame() -> None:
    few = plots.codes_and_samples(X, X, MADE[:2])
    many = plots.codes_and_samples(3 * np.ones((50, 2)), X, -np.ones((60, 2)))
    for one, other in zip(few.axes, many.axes, strict=True):
        assert one.get_position().bounds == other.get_position().bounds
        assert one.get_xlim() == other.get_xlim() == (-3.0, 3.0)
    with pytest.raises(ValueError, match="codes"):
        plots.codes_and_samples([[0.0]], X, X)


def test_a_clock_compares_angles_with_time() -> None:
    fig = plots.clock(X, X, X, [0.0, 1.0], {"code": [0.0, 1.0], "plane": [0.0, 0.5]},
                      names=("angle", "speed"))  # fmt: skip
    orbit, angles = fig.axes
    assert (orbit.get_xlabel(), orbit.get_ylabel()) == ("angle", "speed")
    assert [line.get_label() for line in angles.lines[1:]] == ["code", "plane"]
    with pytest.raises(ValueError, match="plane"):
        plots.clock(X, X, X, [0.0, 1.0], {"plane": [0.0]}, names=("a", "b"))
