"""Pictures: the palette by numbers, no global state, and what each helper draws."""

from __future__ import annotations

import base64
import io
import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import otgen_lite as otg
from otgen_lite import plots
from tests.patience import kernel

ROOT = Path(__file__).resolve().parents[2]
PALETTE = {"BLUE": plots.BLUE, "RED": plots.RED, "VIOLET": plots.VIOLET}


# --- palette -------------------------------------------------------------------------------------


def linear(color: str) -> np.ndarray:
    """Linear sRGB of a #rrggbb colour."""
    c = np.array(mpl.colors.to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast_on_white(color: str) -> float:
    """WCAG contrast ratio."""
    return 1.05 / (linear(color) @ [0.2126, 0.7152, 0.0722] + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x = np.array(to_xyz) @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Full colour blindness of each kind, in linear sRGB (Machado, Oliveira and Fernandes, 2009).
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(PALETTE, 2)))
def test_colours_can_be_told_apart(one: str, other: str, vision: str) -> None:
    seen = [lab(np.array(VISION[vision]) @ linear(PALETTE[name])) for name in (one, other)]
    assert np.linalg.norm(seen[0] - seen[1]) >= 20


def test_contrast_on_white() -> None:
    # 4.5 : 1 is asked of text, 3 : 1 of lines and areas; violet is no colour for text.
    for color in (plots.BLUE, plots.RED, plots.GREY):
        assert contrast_on_white(color) >= 4.5
    assert contrast_on_white(plots.VIOLET) >= 3.0


# --- style ---------------------------------------------------------------------------------------


def test_letters_can_be_read_on_a_phone() -> None:
    with mpl.rc_context():
        otg.plots.use_book_style()
        fig = plots.loss_curve({"one": [1.0, 0.5], "two": [2.0, 1.0]})
        fig.draw_without_rendering()
        texts = [t for t in fig.findobj(mpl.text.Text) if t.get_text()]
        assert texts
        # Points at 72 to the inch, where the figure's width is shown as 700 pixels.
        pixels = [t.get_fontsize() / 72 / fig.get_figwidth() * 700 for t in texts]
        assert min(pixels) >= 11
        assert fig.get_facecolor() == (1, 1, 1, 1)


def test_nothing_global_happens_before_it_is_asked_for() -> None:
    # Reading the parameter "backend" would itself import pyplot.
    program = (
        "import matplotlib, sys\n"
        "def now():\n"
        "    rc = matplotlib.rcParams\n"
        "    return {key: rc[key] for key in rc if key != 'backend'}\n"
        "before = now()\n"
        "import otgen_lite as otg\n"
        "otg.plots.loss_curve([1.0, 2.0])\n"
        "assert now() == before, 'parameters changed'\n"
        "otg.plots.use_book_style()\n"
        "assert now() != before, 'parameters did not change'\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot was imported'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_notebook_shows_figures_at_twice_the_resolution() -> None:
    cells = [
        "import otgen_lite as otg\notg.plots.use_book_style()",
        "otg.plots.loss_curve([3.0, 2.0, 1.0])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    kernel(notebook, ROOT).execute()
    (output,) = notebook.cells[1].outputs
    picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    shown = output.metadata["image/png"]["width"]
    assert picture.width == pytest.approx(2 * shown, abs=1)
    assert shown == pytest.approx(plots.WIDTH * 100, rel=0.05)


# --- what is drawn -------------------------------------------------------------------------------

X, Y = np.array([0.0, 1.0, 3.0]), np.array([0.5, 2.0])
A, B = np.array([0.5, 0.25, 0.25]), np.array([0.6, 0.4])
PLAN = np.array([[0.5, 0.0], [0.1, 0.15], [0.0, 0.25]])
X2, Y2 = np.stack([X, X**2], axis=1), np.stack([Y, -Y], axis=1)


#: One figure of each helper.
EXAMPLES: dict[str, Callable[[], Figure]] = {
    "figure": lambda: plots.figure(2, 2)[0],
    "arcs": lambda: plots.arcs(X, A, Y, B, PLAN),
    "plan_lines": lambda: plots.plan_lines(X2, Y2, PLAN),
    "clouds": lambda: plots.clouds(source=X2, target=Y2, between=(X2 + 1) / 2),
    "density_curves": lambda: plots.density_curves(X, {"data": A, "model": A / 2}),
    "loss_curve": lambda: plots.loss_curve({"one": A, "two": 2 * A}),
    "image_strip": lambda: plots.image_strip(np.ones((3, 4, 5)), ["a", "b", "c"], rows=2),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_figures_belong_to_nobody_and_can_be_drawn(name: str) -> None:
    import matplotlib.pyplot as plt

    open_figures = plt.get_fignums()
    fig = EXAMPLES[name]()
    assert isinstance(fig, Figure)
    assert plt.get_fignums() == open_figures
    assert fig.get_figwidth() == plots.WIDTH
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    assert Image.open(buffer).width == 640
    assert all(not axes.get_title() for axes in fig.axes)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_same_picture_twice_is_the_same_file(name: str) -> None:
    files = []
    for _ in range(2):
        buffer = io.BytesIO()
        EXAMPLES[name]().savefig(buffer, format="png")
        files.append(buffer.getvalue())
    assert files[0] == files[1]


def colour(artist) -> str:
    return mpl.colors.to_hex(np.atleast_2d(artist.get_facecolor())[0]).upper()


def test_arcs_show_all_mass_twice() -> None:
    line, matrix = EXAMPLES["arcs"]().axes
    # One square for each pair that exchanges mass: row of the pile, column of the hole.
    (squares,) = matrix.collections
    i, j = np.nonzero(PLAN)
    np.testing.assert_allclose(squares.get_offsets(), np.stack([j, i], axis=1))
    areas = squares.get_sizes() / PLAN[i, j]
    np.testing.assert_allclose(areas, areas[0])
    # One arc for each of them, from place to place; then the axis.
    arcs = line.get_lines()[: len(i)]
    ends = [[arc.get_xdata()[0], arc.get_xdata()[-1]] for arc in arcs]
    np.testing.assert_allclose(ends, np.stack([X[i], Y[j]], axis=1))
    piles, holes = line.containers
    heights = np.array([bar.get_height() for bar in piles])
    depths = np.array([bar.get_height() for bar in holes])
    np.testing.assert_allclose(heights / A, heights[0] / A[0])
    np.testing.assert_allclose(depths / B, -heights[0] / A[0])
    assert mpl.colors.to_hex(piles[0].get_facecolor()).upper() == plots.RED
    assert mpl.colors.to_hex(holes[0].get_facecolor()).upper() == plots.BLUE


def test_plan_lines_join_what_exchanges_mass() -> None:
    ax = EXAMPLES["plan_lines"]().axes[0]
    lines, source, target = ax.collections
    i, j = np.nonzero(PLAN)
    np.testing.assert_allclose(lines.get_segments(), np.stack([X2[i], Y2[j]], axis=1))
    order = np.argsort(PLAN[i, j])
    assert (np.diff(np.array(lines.get_linewidths())[order]) >= 0).all()
    assert (colour(source), colour(target)) == (plots.RED, plots.BLUE)
    assert source.get_sizes()[0] > source.get_sizes()[1]  # twice the mass


def test_specks_of_a_plan_are_not_drawn() -> None:
    plan = PLAN.copy()
    plan[0, 1] = 1e-17
    ax = plots.plan_lines(X2, Y2, plan).axes[0]
    assert len(ax.collections[0].get_segments()) == 4


def test_clouds_have_the_colours_of_their_parts() -> None:
    ax = EXAMPLES["clouds"]().axes[0]
    drawn = {c.get_label(): colour(c) for c in ax.collections}
    assert drawn == {"target": plots.BLUE, "between": plots.VIOLET, "source": plots.RED}


def test_density_curves_differ_in_more_than_colour() -> None:
    ax = EXAMPLES["density_curves"]().axes[0]
    data, model = ax.lines
    assert data.get_linestyle() != model.get_linestyle()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["data", "model"]
    violet = plots.density_curves(X, {"path": A}, colors={"path": plots.VIOLET})
    assert violet.axes[0].lines[0].get_color() == plots.VIOLET


def test_loss_curve_leaves_gaps_where_the_loss_is_not_finite() -> None:
    ax = plots.loss_curve([3.0, np.nan, 1.0]).axes[0]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3.0, np.nan, 1.0])
    assert ax.get_legend() is None


def test_images_share_one_scale_and_ink_is_dark() -> None:
    fig = plots.image_strip(np.stack([np.full((2, 2), 0.5), np.eye(2)]))
    for axes in fig.axes:
        (image,) = axes.images
        assert image.get_clim() == (0.0, 1.0)
        assert image.cmap(1.0)[:3] == (0.0, 0.0, 0.0)


def test_existing_axes_are_drawn_into() -> None:
    fig, axes = plots.figure(1, 3)
    assert plots.loss_curve([1.0, 2.0], ax=axes[0]) is fig
    assert plots.plan_lines(X2, Y2, PLAN, ax=axes[1]) is fig
    assert plots.clouds(source=X2, ax=axes[2]) is fig
    assert len(axes[0].lines) == 1
    assert len(axes[1].collections) == 3
    assert len(axes[2].collections) == 1
