"""Pictures of chapter 14."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from otgen_lite import plots
from otgen_lite.plots.layouts import narrow

X = {"vae": [1.0, 1.2], "aae": [2.0, 2.1], "mine": [1.0]}
Y = {"vae": [0.6, 0.7], "aae": [1.1, 1.0], "mine": [0.8]}


def test_places_are_means_and_crosses_reach_a_standard_deviation():
    fig = plots.places(X, Y, xlabel="a", ylabel="b")
    bars, leads = fig.axes[0].collections
    across, up = (np.array(segment) for segment in bars.get_segments()[:2])
    assert across.mean(axis=0) == pytest.approx([1.1, 0.65])
    assert np.ptp(across[:, 0]) / 2 == pytest.approx(np.std(X["vae"], ddof=1))
    assert np.ptp(up[:, 1]) / 2 == pytest.approx(np.std(Y["vae"], ddof=1))
    assert not any(np.ptp(lead, axis=0).any() for lead in leads.get_segments())  # no crowd


def test_names_in_a_crowd_stand_apart_and_are_led_to_their_points():
    crowd = {f"method {k}": [1 + 0.01 * k] for k in range(8)} | {"far": [2.0]}
    ax = plots.places(crowd, crowd, xlabel="a", ylabel="b").axes[0]
    FigureCanvasAgg(ax.figure).draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    leads = ax.collections[1].get_segments()
    assert any(np.ptp(lead, axis=0).any() for lead in leads)
    for lead, text in zip(leads, ax.texts, strict=True):
        assert ax.transAxes.transform(lead[0]) == pytest.approx(ax.transData.transform(text.xy))


def test_places_that_are_all_the_same_have_an_axis():
    same = {name: [10.0] for name in X}
    fig = plots.places(same, Y, xlabel="classes", ylabel="b")
    low, high = fig.axes[0].get_xlim()
    assert low < 10 < high


def test_names_do_not_meet_where_there_is_room():
    fig = plots.places(X, Y, xlabel="a", ylabel="b")
    fig.draw_without_rendering()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_the_narrow_drawing_leaves_the_wide_one_as_it_was():
    fig = plots.places(X, Y, xlabel="a", ylabel="b")
    before = [(text.get_position(), text.get_ha()) for text in fig.axes[0].texts]
    with narrow(fig):
        pass
    assert [(text.get_position(), text.get_ha()) for text in fig.axes[0].texts] == before


def test_ladder_has_a_mark_for_each_seed():
    fig = plots.ladder({"loss": X}, {"loss": {"floor": (0.5, 0.7)}})
    marks = [line.get_xdata() for line in fig.axes[0].lines]
    assert [len(x) for x in marks] == [2, 1, 2, 1, 1, 1]
    assert marks[1] == pytest.approx([1.1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.places({}, {}, xlabel="", ylabel=""), "x and y must hold the same methods"),
        (lambda: plots.places(X, Y, xlabel="", ylabel="", log="z"), "log must be"),
        (lambda: plots.ladder({}), "scores must hold"),
        (lambda: plots.ladder({"a": X, "b": {"vae": [1]}}), r"scores\['b'\] must hold"),
        (lambda: plots.agreement([[2.0]], ["a"]), "matrix must hold numbers from -1 to 1"),
        (lambda: plots.agreement([[1.0]], ["a", "b"]), "matrix must have shape"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
