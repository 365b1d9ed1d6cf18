"""Pictures of chapter 5: what they draw where, and what they refuse."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import LineCollection

from otgen_lite import plots

X = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]
Y = [[0.0, 1.0], [2.0, 1.0]]
P = [[0.5, 0.0], [0.25, 0.0], [0.0, 0.25]]
LAND = np.add.outer(np.linspace(0, 1, 5), np.zeros(5))  # rises along the second coordinate


def test_a_pipe_and_where_it_lies() -> None:
    path = [[0.3, 0.2], [0.1, -0.1]]
    fig = plots.pipe_and_landscape(X, Y, P, LAND, 0.7, path, downhill=[0.2, 0.0])
    plane, ground = fig.axes
    (threads,) = (c for c in plane.collections if isinstance(c, LineCollection))
    assert len(threads.get_segments()) == 3
    assert plane.lines[0].get_color() == plots.RED
    assert np.allclose(plane.lines[0].get_xydata(), [X[0], X[-1]])
    (image,) = ground.images
    bands = np.asarray(image.get_array())
    assert (np.diff(bands[:, 0]) >= 0).all()
    assert bands[0, 0] == 0 < bands[-1, 0]
    assert image.origin == "lower"
    assert image.get_extent() == [-0.7, 0.7, -0.7, 0.7]
    way, start, end = ground.lines[1:]
    assert np.allclose(way.get_xydata(), path)
    assert np.allclose(start.get_xydata(), path[:1])
    assert np.allclose(end.get_xydata(), path[1:])
    assert end.get_color() == plots.RED
    (arrow,) = ground.texts
    assert np.allclose(arrow.xy, [0.3, -0.1])
    alone = plots.pipe_and_landscape(X, Y, P, LAND, 0.7, path[:1])
    assert len(alone.axes[1].lines) == 3
    assert not alone.axes[1].texts


def test_on_a_phone_the_landscape_stands_below() -> None:
    fig = plots.pipe_and_landscape(X, Y, P, LAND, 0.7, [[0.0, 0.0]])
    before = [ax.get_position().bounds for ax in fig.axes]
    with plots.narrow(fig) as other:
        assert other
        plane, ground = (ax.get_position() for ax in fig.axes)
        assert ground.y1 <= plane.y0 + 1e-9
    assert np.allclose([ax.get_position().bounds for ax in fig.axes], before)


def test_descents_have_the_colour_and_mark_of_their_end() -> None:
    paths = np.zeros((3, 2, 2))
    paths[:, 0, 0], paths[:, 1, 1] = [0.1, 0.2, 0.3], [0.4, 0.5, 0.6]
    (ax,) = plots.descents(LAND, 0.7, paths, {"a": [True, False], "b": [False, True]}).axes
    assert [c.get_segments()[0].tolist() for c in ax.collections] == [
        paths[:, 0].tolist(), paths[:, 1].tolist()
    ]  # fmt: skip
    marks = {line.get_marker() for line in ax.lines[1:]}
    colours = {line.get_color() for line in ax.lines[1:]}
    assert len(marks) == len(colours) == 2
    assert not colours & {plots.BLUE, plots.RED}


def test_bounds_that_touch() -> None:
    t = np.linspace(-1, 1, 21)
    (ax,) = plots.squeezed(t, t**2, 2 * t**2, {"below": 0 * t}, 0.0).axes
    value, above, below, dot = ax.lines
    assert value.get_color() == plots.VIOLET
    assert np.allclose(above.get_ydata(), 2 * t**2)
    assert np.allclose(below.get_ydata(), 0)
    assert np.allclose(dot.get_xydata(), [[0.0, 0.0]])
    assert len({line.get_linestyle() for line in (value, above, below)}) == 3


def test_bars_are_two_standard_errors() -> None:
    named = {"d = 2": ([0.5, 0.7], [0.1, 0.05]), "d = 8": ([0.2, 0.3], [0.0, 0.0])}
    (ax,) = plots.with_spread([4, 16], named, xlabel="n", ylabel="s", level=1.0).axes
    bars = ax.containers[0].lines[2][0].get_segments()
    assert np.allclose([abs(b[1, 1] - b[0, 1]) for b in bars], [0.4, 0.2])
    assert ax.get_xscale() == "log"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == list(named)


def test_landings_show_data_and_model_apart_without_colour_too() -> None:
    fig = plots.landings({"guess": (X, Y), "fit": (Y, X)}, xlabel="m", ylabel="s")
    first, second = fig.axes
    assert (first.get_xlabel(), second.get_xlabel()) == ("m\nguess", "m\nfit")
    data, model = first.collections
    assert np.allclose(data.get_facecolor()[0, :3], mpl.colors.to_rgb(plots.BLUE))
    assert np.allclose(model.get_facecolor()[0, :3], mpl.colors.to_rgb(plots.RED))
    assert len(data.get_paths()[0]) != len(model.get_paths()[0])  # discs, triangles
    assert np.allclose(model.get_offsets(), Y)
    (plane,) = plots.landings({"a": (X, Y)}, places=True).axes
    assert plane.get_xlabel() == "a"
    assert not len(plane.get_xticks())


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: plots.pipe_and_landscape(X, Y, P, LAND, 0.0, [[0, 0]]), "half must be"),
        (lambda: plots.pipe_and_landscape(X, Y, P, LAND[0], 0.7, [[0, 0]]), "landscape must be"),
        (lambda: plots.pipe_and_landscape(X, Y, P, LAND, 0.7, [[0, 0, 0]]), "path must have"),
        (lambda: plots.descents(LAND, 0.7, np.zeros((3, 2, 2)), {"a": [True]}), "ends"),
        (lambda: plots.descents(LAND, 0.7, np.zeros((3, 2, 3)), {}), "paths must have"),
        (lambda: plots.squeezed([0, 1], [0, 1, 2], [0, 1], {}, 0.0), "value must have"),
        (lambda: plots.squeezed([0, 1], [0, 1], [0, 1], {"b": [0]}, 0.0), "b must have"),
        (lambda: plots.with_spread([2, 4], {"a": ([1], [1])}, xlabel="", ylabel=""), "named"),
        (lambda: plots.landings({}), "panels must hold at least one"),
        (lambda: plots.landings({"a": ([[0, 1, 2]], X)}), "panels"),
    ],
)
def test_what_is_refused(call, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
