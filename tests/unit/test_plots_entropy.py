"""Pictures of chapter 3: what they draw where, and what they refuse."""

import numpy as np
import pytest
import torch

from otgen_lite import plots

GREY_PIXEL = [[[0.5, 0.5, 0.5]]]


def test_photographs_show_the_colours_they_are_given_in_order():
    images = [torch.rand(4, 6, 3, generator=torch.Generator().manual_seed(k)) for k in range(4)]
    fig = plots.photographs(images, ["a", "b", "c", "d"], rows=2)
    assert [ax.texts[0].get_text() for ax in fig.axes] == ["a", "b", "c", "d"]
    for ax, image in zip(fig.axes, images, strict=True):
        assert np.allclose(ax.images[0].get_array(), image.numpy())
    tops = [ax.get_subplotspec().rowspan.start for ax in fig.axes]
    assert tops == [0, 0, 1, 1]


def test_colours_that_rounding_put_outside_are_cut_off():
    fig = plots.photographs([[[[1.0 + 1e-9, -1e-9, 0.5]]]], ["one"])
    shown = np.asarray(fig.axes[0].images[0].get_array())
    assert shown.min() == 0.0
    assert shown.max() == 1.0


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([GREY_PIXEL], ["a", "b"], "one for each picture, got 2 for 1"),
        ([], [], "one for each picture, got 0 for 0"),
        ([[[[0.5, 0.5]]]], ["a"], r"images\[0\] must have shape \(H, W, 3\)"),
        ([GREY_PIXEL, [[[0.0, 128.0, 255.0]]]], ["a", "b"], r"images\[1\] must have entries in"),
        ([[[[0.0, float("nan"), 1.0]]]], ["a"], r"images\[0\]"),
    ],
)
def test_photographs_refuse(images, labels, message):
    with pytest.raises(ValueError, match=message):
        plots.photographs(images, labels)


def test_recoloured_looks_along_the_two_directions_of_largest_spread():
    generator = torch.Generator().manual_seed(0)
    spread = torch.tensor([0.02, 0.2, 0.05])  # most in green, then in blue
    target = (0.5 + spread * torch.randn(400, 3, generator=generator)).clamp(0, 1)
    colours = torch.tensor([[0.5, 0.5, 0.5], [0.5, 0.9, 0.5], [0.9, 0.5, 0.5]])
    goal, dots = plots.recoloured(GREY_PIXEL, colours, target).axes[1].collections
    goal_at, dots_at = np.asarray(goal.get_offsets()), np.asarray(dots.get_offsets())
    assert np.allclose(goal_at.std(axis=0), [0.2, 0.05], rtol=0.15)
    assert np.allclose(goal_at.mean(axis=0), 0, atol=1e-12)
    assert np.allclose(dots_at[1] - dots_at[0], [0.4, 0.0], atol=0.03)  # greener is to the right
    assert np.abs(dots_at[2] - dots_at[0]).max() < 0.06  # red is hardly seen from here
    assert np.allclose(dots.get_facecolors()[:, :3], colours.numpy())


@pytest.mark.parametrize(
    ("image", "colours", "target", "message"),
    [
        (GREY_PIXEL, [[0.5, 0.5]], [[0.1] * 3, [0.2] * 3], "colours"),
        (GREY_PIXEL, [[0.5] * 3], [[0.1] * 2, [0.2] * 2], "target"),
        ([[[2.0, 0.0, 0.0]]], [[0.5] * 3], [[0.1] * 3, [0.2] * 3], "image must have entries"),
    ],
)
def test_recoloured_refuses(image, colours, target, message):
    with pytest.raises(ValueError, match=message):
        plots.recoloured(image, colours, target)


def test_a_soft_plan_marks_the_eps_it_belongs_to():
    t, eps = [0.0, 0.5, 1.0], [0.1, 1.0, 10.0]
    a, b, P = [0.2, 0.3, 0.5], [0.6, 0.3, 0.1], np.arange(9.0).reshape(3, 3)
    fig = plots.soft_plan(t, a, b, P, eps, {"value": [1, 2, 4], "cost": [0.5, 1, 3]}, 1)
    main, top, left, right = fig.axes
    shown = np.asarray(main.collections[0].get_array()).reshape(3, 3)
    assert np.allclose(shown, np.sqrt(P / 8))
    assert main.yaxis_inverted()
    assert not main.xaxis_inverted()
    assert top.collections[0].get_datalim(top.transData).y1 == pytest.approx(0.6)
    assert left.collections[0].get_datalim(left.transData).x0 == pytest.approx(-0.5)
    markers = [line for line in right.lines if len(line.get_xdata()) == 1]
    assert [(m.get_xdata()[0], m.get_ydata()[0]) for m in markers] == [(1.0, 2.0), (1.0, 1.0)]
    with pytest.raises(ValueError, match="plan must have shape"):
        plots.soft_plan(t, a, b, P[:2], eps, {"value": [1, 2, 4]}, 1)
    with pytest.raises(ValueError, match=r"curves\['value'\]"):
        plots.soft_plan(t, a, b, P, eps, {"value": [1, 2]}, 1)


def test_slopes_pass_through_the_last_error():
    errors = 3.0 * 0.7 ** np.arange(11)
    fig = plots.rounds({"run": errors, "free": errors**2}, {"run": 0.7})
    marks, line, free = fig.axes[0].lines
    assert np.allclose(line.get_ydata(), marks.get_ydata())
    assert marks.get_label() == "run"
    assert free.get_label() == "free"
    assert fig.axes[0].get_ylim()[0] == pytest.approx((errors**2).min() / 3)
    with pytest.raises(ValueError, match=r"errors\['run'\]"):
        plots.rounds({"run": [1.0, float("inf")]}, {})


def test_scaled_plans_show_sums_and_what_they_should_be():
    plans = [np.array([[0.1, 0.2], [0.0, 0.3]]), np.array([[0.2, 0.3], [0.1, 0.4]])]
    a, b = np.array([0.6, 0.4]), np.array([0.3, 0.7])
    fig = plots.scaled_plans(plans, a, b, ["start", "end"])
    for k, P in enumerate(plans):
        main, top, left = fig.axes[3 * k : 3 * k + 3]
        assert np.allclose(main.images[0].get_array(), np.sqrt(P / 0.4))
        heights = [bar.get_height() for bar in top.patches]
        widths = [bar.get_width() for bar in left.patches]
        assert np.allclose(heights, [*P.sum(0), *b])
        assert np.allclose(widths, [*P.sum(1), *a])
        filled = [bar.get_fill() for bar in (*top.patches, *left.patches)]
        assert filled == [True, True, False, False] * 2
    assert [fig.axes[k].get_xlabel() for k in (0, 3)] == ["start", "end"]


@pytest.mark.parametrize(
    ("stages", "labels", "message"),
    [
        ([[[0.5, 0.5]]], ["one", "two"], "one for each plan, got 2 for 1"),
        ([], [], "one for each plan, got 0 for 0"),
        ([[[0.5], [0.5]]], ["one"], r"plans\[0\]"),
        ([[[0.0, 0.0]]], ["one"], "some mass"),
    ],
)
def test_scaled_plans_refuse(stages, labels, message):
    with pytest.raises(ValueError, match=message):
        plots.scaled_plans(stages, [1.0], [0.5, 0.5], labels)
