"""Compared curves, maps to atoms, fitted models: what they draw where, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch

from otgen_lite import plots

X = [1.0, 2.0, 4.0]
ATOMS = [[0.0, 0.0], [2.0, 0.0]]


def rgb(color: Any) -> tuple[float, float, float]:
    return mpl.colors.to_rgb(color)


def test_methods_differ_in_colour_dash_and_mark_and_are_never_data_or_model() -> None:
    named = {str(k): [k + 1.0, 2.0, 3.0] for k in range(4)}
    lines = plots.curves(X, named, marks=True).axes[0].lines
    colors = [rgb(line.get_color()) for line in lines]
    assert len(set(colors)) == 4
    assert not {rgb(plots.BLUE), rgb(plots.RED)} & set(colors)
    assert len({line.get_linestyle() for line in lines}) == 4
    assert len({line.get_marker() for line in lines}) == 4
    for line, values in zip(lines, named.values(), strict=True):
        assert np.allclose(line.get_xydata(), np.stack([X, values], axis=1))


@pytest.mark.parametrize(
    ("log", "scales"),
    [("", ("linear", "linear")), ("x", ("log", "linear")), ("y", ("linear", "log")),
     ("xy", ("log", "log"))],
)  # fmt: skip
def test_the_axes_that_are_named_are_logarithmic(log: str, scales: tuple[str, str]) -> None:
    (ax,) = plots.curves(X, {"one": X}, log=log).axes
    assert (ax.get_xscale(), ax.get_yscale()) == scales


def test_numbers_stand_where_they_are_asked_for_and_nowhere_else() -> None:
    fig = plots.curves([30, 60, 120], {"one": [3, 2, 1]}, log="xy", xticks=[30, 120])
    (ax,) = fig.axes
    fig.canvas.draw()
    written = [label.get_text() for label in ax.get_xticklabels(which="both")]
    assert [text for text in written if text] == ["30", "120"]


def test_one_curve_needs_no_legend() -> None:
    assert plots.curves(X, {"one": X}).axes[0].get_legend() is None
    assert plots.curves(X, {"one": X, "two": X}, legend=False).axes[0].get_legend() is None
    legend = plots.curves(X, {"one": X, "two": X}).axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["one", "two"]


def test_a_bound_touches_where_it_says() -> None:
    x = np.linspace(-1, 1, 5)
    fig = plots.touching(x, x**2, {-0.5: -x - 0.25, 0.5: x - 0.25})
    value, *rest = fig.axes[0].lines
    assert rgb(value.get_color()) == rgb(plots.VIOLET)
    for bound, dot in zip(rest[::2], rest[1::2], strict=True):
        assert bound.get_linestyle() == "--"
        ((at, height),) = dot.get_xydata()
        assert height == pytest.approx(at**2)
        assert height == pytest.approx(np.interp(at, x, bound.get_ydata()))
        assert (bound.get_ydata() <= x**2 + 1e-12).all()
    assert [dot.get_xdata()[0] for dot in rest[1::2]] == [-0.5, 0.5]


def test_a_line_leads_from_each_point_to_its_image() -> None:
    x = torch.tensor([[0.0, 1.0], [1.5, 1.0], [2.0, -1.0]])
    image = torch.tensor(ATOMS)[[0, 1, 1]]
    cells = [[[0, 0], [1, 0], [1, 1]], []]
    fig = plots.sent_to_atoms(x, image, ATOMS, polygons=cells)
    lines, outlines, points, atoms = fig.axes[0].collections
    assert np.allclose(lines.get_segments(), np.stack([x.numpy(), image.numpy()], axis=1))
    assert len(outlines.get_paths()) == 1
    assert np.allclose(points.get_offsets(), x.numpy())
    assert np.allclose(atoms.get_offsets(), ATOMS)
    drawn = [rgb(points.get_facecolors()[0]), rgb(atoms.get_facecolors()[0])]
    assert drawn == [rgb(plots.RED), rgb(plots.BLUE)]
    assert all(low <= 0 and high >= 2 for low, high in [fig.axes[0].get_xlim()])


def test_images_of_several_maps_share_one_scale() -> None:
    fig = plots.mapped_clouds({"hard": ATOMS, "soft": [[1.0, 0.5], [1.0, -0.5]]}, ATOMS)
    hard, soft = fig.axes
    assert hard.get_xlim() == soft.get_xlim()
    assert hard.get_ylim() == soft.get_ylim()
    for ax, cloud in ((hard, ATOMS), (soft, [[1.0, 0.5], [1.0, -0.5]])):
        atoms, image = ax.collections
        assert np.allclose(atoms.get_offsets(), ATOMS)
        assert np.allclose(image.get_offsets(), cloud)


def test_fitted_scales_stand_over_their_eps_and_losses_beside_them() -> None:
    scales, losses = {"W": [0.9, 0.5], "S": [1.0, 1.0]}, {"W": [3.0, 1.0], "S": [2.0, 0.5, 0.1]}
    fig = plots.fitted_scales([0.5, 1.0], scales, losses, ([0, 2], [1, 0]))
    left, right = fig.axes
    curve, *marks = left.lines
    assert np.allclose(curve.get_xydata(), [[0, 1], [2, 0]])
    assert [line.get_label() for line in marks] == ["W", "S"]
    for line, run in zip(marks, right.lines, strict=True):
        assert np.allclose(line.get_xydata(), np.stack([[0.5, 1.0], scales[line.get_label()]], 1))
        assert np.allclose(run.get_ydata(), losses[line.get_label()])
        assert rgb(line.get_color()) == rgb(run.get_color())
        assert rgb(line.get_color()) not in {rgb(plots.BLUE), rgb(plots.RED)}
    assert right.get_ylim()[0] == 0


def test_fitted_clouds_show_all_of_the_data_on_one_scale() -> None:
    target = torch.tensor([[-3.0, 0.0], [1.0, 5.0]])
    models = {"a": [[0.0, 0.0]], "b": [[1.0, 1.0], [2.0, 2.0]]}
    fig = plots.fitted_clouds(target, models, {"a": [2.0, 1.0], "b": [3.0]})
    *panels, below = fig.axes
    assert [ax.get_xlabel() for ax in panels] == ["a", "b"]
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in panels}) == 1
    (low, high), (bottom, top) = panels[0].get_xlim(), panels[0].get_ylim()
    assert high - low == pytest.approx(top - bottom)
    assert low < -3 < 1 < high
    assert bottom < 0 < 5 < top
    for ax, points in zip(panels, models.values(), strict=True):
        data, model = ax.collections
        assert np.allclose(data.get_offsets(), target.numpy())
        assert np.allclose(model.get_offsets(), points)
        assert rgb(model.get_facecolors()[0]) == rgb(plots.RED)
    assert [line.get_label() for line in below.lines] == ["a", "b"]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.curves(X, {}), "named must hold at least one curve"),
        (lambda: plots.curves(X, {"a": [1.0]}), r"named\['a'\] must have shape \(3,\)"),
        (lambda: plots.curves(X, {"a": [1, 2, float("nan")]}), r"named\['a'\]"),
        (lambda: plots.curves(X, {"a": [1, 0, 2]}, log="y"), r"named\['a'\] must be positive"),
        (lambda: plots.curves([0, 1, 2], {"a": X}, log="x"), "x must be positive"),
        (lambda: plots.curves(X, {"a": X}, log="z"), "log must be"),
        (lambda: plots.touching(X, X, {9.0: X}), "bounds must touch between 1 and 4, got 9"),
        (lambda: plots.touching(X, X[:2], {}), r"value must have shape \(3,\)"),
        (lambda: plots.sent_to_atoms(ATOMS, ATOMS[:1], ATOMS), r"image must have shape \(2, 2\)"),
        (lambda: plots.sent_to_atoms([[0.0]], [[0.0]], ATOMS), r"x must have shape \(1, 2\)"),
        (lambda: plots.mapped_clouds({}, ATOMS), "maps must hold at least one map"),
        (lambda: plots.mapped_clouds({"a": [[0.0]]}, ATOMS), r"maps\['a'\] must have shape"),
        (lambda: plots.fitted_scales([1], {"a": [1]}, {"b": [1]}, ([0], [1])), "losses must have"),
        (lambda: plots.fitted_scales([1], {"a": [1]}, {"a": [1]}, ([0], [1, 2])), r"theory\[1\]"),
        (lambda: plots.fitted_clouds(ATOMS, {}, {}), "losses must have the names of models"),
        (lambda: plots.fitted_clouds(ATOMS, {"a": [[0.0]]}, {"a": [1]}), r"models\['a'\]"),
    ],
)
def test_pictures_refuse_what_they_cannot_draw(draw: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw()
