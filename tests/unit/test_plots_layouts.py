"""Figures in both widths: letters that can be read, nothing cut, nothing in another's way."""

from __future__ import annotations

import io
import itertools
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from otgen_lite import plots
from otgen_lite.explore.picture import draw
from otgen_lite.plots import labels, layouts
from tests.unit.figure_examples import EXAMPLES

#: CSS pixels below which nothing may be written, where the narrow drawing is shown 340 wide.
LEAST = 11.0


@pytest.fixture(autouse=True)
def _style() -> Iterator[None]:
    with rc_context():
        plots.use_book_style()
        yield


def written(figure: Figure) -> list[Text]:
    """All texts that are seen."""
    figure.draw_without_rendering()
    renderer = labels.renderer(figure)
    hidden = {id(t) for ax in figure.axes if not ax.axison
              for t in (*ax.xaxis.findobj(Text), *ax.yaxis.findobj(Text))}  # fmt: skip
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        drawn = {id(tick) for tick in axis._update_ticks()}
        hidden |= {id(t) for tick in (*axis.majorTicks, *axis.minorTicks) if id(tick) not in drawn
                   for t in (tick.label1, tick.label2)}  # fmt: skip
    found = []
    for text in figure.findobj(Text):
        box = text.get_window_extent(renderer)
        seen = text.get_visible() and text.get_text().strip() and box.width > 0
        if seen and id(text) not in hidden:
            found.append(text)
    return found


def check(figure: Figure, shown_at: float) -> None:
    """Every text is large enough for the width at which the figure is shown, whole, and free."""
    scale = shown_at / figure.get_figwidth() / 72
    boxes: list[tuple[str, Bbox]] = []
    page = figure.bbox
    for text in written(figure):
        words = text.get_text()
        size = text.get_fontsize() * scale * (0.7 if "^" in words or "_" in words else 1.0)
        assert size >= LEAST, (words, size)
        box = text.get_window_extent(labels.renderer(figure))
        inside = box.x0 > -2 and box.y0 > -2 and box.x1 < page.x1 + 2 and box.y1 < page.y1 + 2
        assert inside, f"{words!r} leaves the figure: {box.extents} in {page.extents}"
        boxes.append((words, box))
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        over = Bbox.intersection(a.padded(-1.5), b.padded(-1.5))
        assert over is None or min(over.width, over.height) <= 0, f"{one!r} lies on {other!r}"


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.filterwarnings("error:constrained_layout")
def test_letters_can_be_read_in_both_widths(name: str) -> None:
    figure = EXAMPLES[name]()
    assert figure.get_facecolor()[:3] == (1, 1, 1)
    check(figure, figure.get_figwidth() * 100)
    with plots.narrow(figure) as other:
        if other:
            assert figure.get_figwidth() == plots.NARROW
            check(figure, 340)
        else:
            assert not written(figure), "a figure with words needs a narrow drawing"


def state(figure: Figure) -> list[object]:
    """What is seen where; twice, because a layout engine begins from where it ended before."""
    draw(figure)
    draw(figure)
    found: list[object] = [tuple(figure.get_size_inches())]
    for ax in figure.axes:
        found.append(np.round(ax.get_window_extent().bounds, -1).tolist())
        found.append([*ax.get_xlim(), *ax.get_ylim()])
        found.append(ax.get_legend())
    found.append([text.get_text() for text in written(figure)])
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_figure_is_the_same_after_its_narrow_drawing(name: str) -> None:
    figure = EXAMPLES[name]()
    before = state(figure)
    with plots.narrow(figure):
        draw(figure, 2)
    for one, other in zip(before, state(figure), strict=True):
        if isinstance(one, list) and one and isinstance(one[0], float):
            np.testing.assert_allclose(one, other, atol=10.1 if len(one) == 4 else 0)
        else:
            assert one == other


def test_legends_stand_above_on_a_phone_and_cover_nothing() -> None:
    figure = EXAMPLES["one panel"]()
    (ax,) = figure.axes
    with plots.narrow(figure):
        figure.draw_without_rendering()
        legend = ax.get_legend()
        assert legend is not None
        assert legend.get_window_extent().y0 >= ax.get_window_extent().y1
        assert len(legend.get_texts()) == 2
    assert ax.get_legend() is not legend


def test_a_curve_with_bars_keeps_its_marks_in_a_legend_on_a_phone() -> None:
    figure, ax = plots.figure(height=3.0)
    ax.errorbar([0, 1], [0, 1], yerr=0.1, fmt="s--", label="measured")
    ax.legend()
    with plots.narrow(figure):
        legend = ax.get_legend()
        assert legend is not None
        assert "s" in [line.get_marker() for line in legend.findobj(Line2D)]


def test_panels_are_stacked_and_pictures_stay_side_by_side() -> None:
    curves = EXAMPLES["two panels"]()
    with plots.narrow(curves):
        left, right = (ax.get_window_extent() for ax in curves.axes)
        assert left.y0 > right.y1
    pictures = EXAMPLES["image_strip"]()
    with plots.narrow(pictures):
        boxes = [ax.get_window_extent() for ax in pictures.axes]
        assert boxes[0].x1 <= boxes[1].x0
        assert boxes[1].x1 <= boxes[2].x0
    long = plots.image_strip(np.eye(3)[None].repeat(3, 0), ["a picture with a long name"] * 3)
    with plots.narrow(long):
        long.draw_without_rendering()
        tops = {round(ax.get_window_extent().y1) for ax in long.axes}
        assert len(tops) == 2  # two, and one below


def test_what_stands_in_a_column_stays_together() -> None:
    figure = EXAMPLES["columns"]()
    plane, other, line, last = figure.axes
    with plots.narrow(figure):
        figure.draw_without_rendering()
        order = sorted(figure.axes, key=lambda ax: -ax.get_window_extent().y1)
        assert order == [plane, line, other, last]


def test_shared_axes_get_their_numbers_back_when_they_stand_alone() -> None:
    figure = EXAMPLES["shared"]()
    with plots.narrow(figure):
        figure.draw_without_rendering()
        for ax in figure.axes:
            assert ax.yaxis.get_tick_params()["labelleft"]
            assert ax.get_ylabel() == "error"
    assert [ax.get_ylabel() for ax in figure.axes] == ["error", "", ""]


def test_ticks_that_would_meet_are_left_out() -> None:
    figure, ax = plots.figure(height=3.0)
    places = np.arange(12)
    ax.plot(places, places)
    ax.set_xticks(places, [f"{10 ** (k % 4)} points" for k in places])
    with plots.narrow(figure):
        figure.draw_without_rendering()
        assert not labels.meet(ax.xaxis)
        assert [t.get_text() for t in ax.get_xticklabels()].count("") > 5
    assert [t.get_text() for t in ax.get_xticklabels()].count("") == 0


def test_one_drawing_serves_both_where_it_is_said() -> None:
    figure = plots.keep(plots.figure()[0])
    with plots.narrow(figure) as other:
        assert other is False
        assert figure.get_figwidth() == plots.WIDTH


def test_photographs_have_no_ground() -> None:
    for name in ("photographs", "recoloured"):
        image = draw(EXAMPLES[name]())
        assert image.mode == "RGBA"
    assert draw(EXAMPLES["recoloured"]()).getpixel((1, 1))[3] == 0
    assert draw(EXAMPLES["clouds"]()).mode == "RGB"


def test_a_figure_of_no_grid_is_only_smaller() -> None:
    figure = Figure(figsize=(6.0, 4.0))
    figure.add_axes((0.1, 0.1, 0.8, 0.8)).plot([0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with plots.narrow(figure):
            assert tuple(figure.get_size_inches()) == (3.5, 2.1)
    assert layouts.panels_of(figure) == []


def test_drawings_for_the_website_have_two_pixels_for_one() -> None:
    import base64

    from PIL import Image

    from otgen_lite.plots.pages import for_the_website

    data, metadata = for_the_website(EXAMPLES["two panels"]())
    assert data == {}
    record = metadata["otgen_figure"]
    for name, width in (("wide", 700), ("narrow", 350)):
        packed, wide, tall = record[name]
        with Image.open(io.BytesIO(base64.b64decode(packed))) as image:
            assert image.size == (2 * wide, 2 * tall)
        assert wide == width
