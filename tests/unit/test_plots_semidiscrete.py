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


def test_the_facets_of_a_convex_potential_meet_over_the_borders_of_the_cells() -> None:
    psi = [0.2, 0.0]
    polygons = otg.power_cells(Y, psi, SQUARE)
    floor, bowl, atoms = plots.convex_potential(polygons, Y, psi).axes[0].collections
    drawn = [path.vertices[:-1] for path in bowl.get_paths()]
    shared = [
        sum(np.linalg.norm(facet[0] - corner, axis=1).min() < 1e-9 for corner in facet[1])
        for facet in (drawn, drawn[::-1])
    ]
    assert shared == [2, 2]  # two corners of either facet lie on the other one
    other = plots.convex_potential(polygons, Y, [0.0, 0.0]).axes[0].collections[1]
    drawn = [path.vertices[:-1] for path in other.get_paths()]
    assert min(np.linalg.norm(drawn[0] - c, axis=1).min() for c in drawn[1]) > 1e-3
    assert np.allclose(floor.get_facecolors()[:, :3], bowl.get_facecolors()[:, :3])
    assert len(atoms.get_offsets()) == 2


def test_the_bowl_is_a_linear_function_over_each_cell_with_the_slope_of_its_atom() -> None:
    y = np.array([[0.2, 0.3], [0.7, 0.4], [0.4, 0.9]])
    psi = np.array([0.02, 0.0, 0.05])
    polygons = [p.numpy() for p in otg.power_cells(y, psi, SQUARE)]
    floor, bowl, _ = plots.convex_potential(polygons, y, psi).axes[0].collections
    lifted = np.concatenate([path.vertices[:-1] for path in bowl.get_paths()])
    below = np.concatenate([path.vertices[:-1] for path in floor.get_paths()])
    assert np.allclose(lifted[:, 0], below[:, 0])  # a height moves nothing sideways
    values = [np.max(p @ y.T + (psi - (y**2).sum(1)) / 2, axis=1) - p @ y.mean(0) for p in polygons]
    # In some order of the facets, heights are the potential's, up to one scale and one shift.
    found = np.sort(lifted[:, 1] - below[:, 1])
    wanted = np.sort(np.concatenate(values))
    line = np.polyfit(wanted, found, 1)
    assert line[0] > 0
    assert np.allclose(np.polyval(line, wanted), found)


def test_dots_are_where_they_were_put_and_ink_is_black() -> None:
    ink = np.array([[0.0, 0.25, 1.0], [0.5, 0.0, 0.0]])
    fig = plots.dots({"ink": ink, "dots": [[0.1, 0.2], [0.3, 0.4]]}, SQUARE)
    picture, drawing = fig.axes
    assert np.allclose(picture.images[0].get_array(), 1 - ink)
    assert picture.images[0].origin == "lower"
    assert np.allclose(drawing.collections[0].get_offsets(), [[0.1, 0.2], [0.3, 0.4]])


def test_potentials_and_dots_refuse_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="one for each of 2 atoms"):
        plots.convex_potential(HALVES[:1], Y, [0, 0])
    with pytest.raises(ValueError, match="psi"):
        plots.convex_potential(HALVES, Y, [0.0])
    with pytest.raises(ValueError, match="empty"):
        plots.convex_potential([[], []], Y, [0, 0])
    with pytest.raises(ValueError, match="panels"):
        plots.dots({}, SQUARE)
