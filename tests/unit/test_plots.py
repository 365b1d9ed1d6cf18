"""Pictures: the palette by numbers, no global state, and what each helper draws."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from otgen_lite import plots
from tests.patience import kernel
from tests.unit.figure_examples import EXAMPLES, PLAN, X2, Y2, A, B, X, Y

ROOT = Path(__file__).resolve().parents[2]


# --- style ---------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("name", EXAMPLES)
def test_figures_belong_to_nobody_and_can_be_drawn(name: str) -> None:
    import matplotlib.pyplot as plt

    open_figures = plt.get_fignums()
    fig = EXAMPLES[name]()
    assert isinstance(fig, Figure)
    assert plt.get_fignums() == open_figures
    assert fig.get_figwidth() in (plots.WIDTH, plots.WIDTH / 2)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    assert Image.open(buffer).width in (700, 350)
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


def test_an_auction_shows_who_holds_what_and_what_holes_charge() -> None:
    panels = EXAMPLES["auction_stages"]().axes
    assert [ax.get_xlabel() for ax in panels] == ["before", "after 2 bids", "after 5 bids"]
    ends = [[line.get_xdata().tolist() for line in ax.get_lines()] for ax in panels]
    assert ends == [[], [[1, 0.5], [0, 1]], [[0, 0.5], [1, 1], [2, 3]]]
    # Charges are -g, on one scale for all panels; a pile without a hole is hollow.
    heights = np.array([[bar.get_height() for bar in ax.patches] for ax in panels])
    np.testing.assert_allclose(heights, [[0, 0, 0], [-0.25, -0.5, 0], [-1, -0.5, 0]])
    piles = [ax.collections[0].get_facecolor() for ax in panels]
    hollow = [[mpl.colors.to_hex(c).upper() != plots.RED for c in row] for row in piles]
    assert hollow == [[True] * 3, [False, False, True], [False] * 3]
    assert colour(panels[0].collections[1]) == plots.BLUE


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
