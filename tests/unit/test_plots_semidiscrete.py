"""Pictures of chapter 4: what they draw where, and what they refuse."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

import otgen_lite as otg
from otgen_lite import plots

SQUARE = ((0.0, 1.0), (0.0, 1.0))
Y = [[0.25, 0.5], [0.75, 0.5]]
HALVES = [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]], [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]]


def test_cells_are_the_polygons_and_an_empty_one_is_left_out() -> None:
    y = [[0.2, 0.5], [0.8, 0.5], [0.5, 0.5]]
    polygons = otg.power_cells(y, [0.0, 0.0, -1.0], SQUARE)
    (drawn, *_) = plots.cells(polygons, y).axes[0].collections
    corners = [path.vertices[:-1] for path in drawn.get_paths()]
    assert len(corners) == 2
    for seen, polygon in zip(corners, polygons[:2], strict=True):
        assert np.allclose(seen, polygon.numpy())


def test_a_disc_fills_its_ring_exactly_where_the_mass_is_right() -> None:
    fig = plots.cells(HALVES, Y, b=[0.5, 0.5], mass=[0.5, 0.25])
    _, discs, rings = fig.axes[0].collections
    assert np.allclose(discs.get_sizes() / rings.get_sizes(), [1.0, 0.5])
    assert np.allclose(discs.get_facecolors()[0, :3], mpl.colors.to_rgb(plots.RED))
    assert np.allclose(rings.get_edgecolors()[0, :3], mpl.colors.to_rgb(plots.BLUE))


def test_a_line_leads_from_each_atom_to_the_centre_of_mass_of_its_cell() -> None:
    triangle = [[0.0, 0.0], [3.0, 0.0], [3.0, 0.0], [0.0, 3.0]]  # one corner comes twice
    fig = plots.cells([triangle], [[5.0, 5.0]], labels=["all"])
    (line,) = fig.axes[0].lines
    assert np.allclose(line.get_xydata(), [[5.0, 5.0], [1.0, 1.0]])
    assert [text.get_text() for text in fig.axes[0].texts] == ["all"]


def test_neighbours_have_different_grounds() -> None:
    y = np.stack([np.arange(6.0), np.zeros(6)], axis=1)
    polygons = otg.power_cells(y, np.zeros(6), ((-0.5, 5.5), (-1, 1)))
    grounds = plots.cells(polygons, y).axes[0].collections[0].get_facecolors()
    assert len(np.unique(grounds.round(6), axis=0)) == 6


def test_soft_cells_mix_the_grounds_of_the_hard_ones() -> None:
    one, other = plots.cells(HALVES, Y).axes[0].collections[0].get_facecolors()[:, :3]
    shares = [[[1.0, 0.0], [0.25, 0.75]], [[0.5, 0.5], [0.0, 1.0]]]
    (image,) = plots.soft_cells(shares, Y, SQUARE).axes[0].images
    expected = [[one, 0.25 * one + 0.75 * other], [0.5 * (one + other), other]]
    assert np.allclose(image.get_array(), expected)
    assert image.origin == "lower"
    assert image.get_extent() == [0.0, 1.0, 0.0, 1.0]


def test_the_envelope_is_the_smallest_curve_and_the_cells_end_at_the_edges() -> None:
    t = np.linspace(0, 1, 11)
    curves = np.stack([t**2, (t - 1) ** 2], axis=1)
    ax = plots.lower_envelope(t, curves, [0.0, 1.0], [0.0, 0.5, 1.0]).axes[0]
    lowest = ax.lines[2]
    assert np.allclose(lowest.get_ydata(), curves.min(axis=1))
    assert [list(line.get_xdata()) for line in ax.lines[3:5]] == [[0.0, 0.5], [0.5, 1.0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.cells(HALVES, [[0.0, 0.0]]), "one for each of 1 atoms, got 2"),
        (lambda: plots.cells(HALVES, Y, labels=["a"]), "one for each of 2 atoms, got 1"),
        (lambda: plots.cells(HALVES, Y, b=[1.0]), r"b must have shape \(2,\), got \(1,\)"),
        (lambda: plots.cells(HALVES, Y, b=[1.5, -0.5]), "b must not be negative, got -0.5"),
        (lambda: plots.cells(HALVES, [[0.0], [1.0]]), r"y must have shape \(2, 2\)"),
        (lambda: plots.soft_cells(np.ones((3, 3, 4)), Y, SQUARE), r"\(3, 3, 2\), got \(3, 3, 4\)"),
        (
            lambda: plots.lower_envelope([0, 1], [[0, 1], [1, 0]], [0, 1], [0, 1]),
            r"edges must have shape \(3,\), got \(2,\)",
        ),
    ],
)
def test_what_they_refuse(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
