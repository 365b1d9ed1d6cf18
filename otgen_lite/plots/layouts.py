"""A figure twice: as wide as the text column, and as narrow as a phone.

Both widths are drawn from one figure. In its ``with`` block, :func:`narrow` lays the figure out
for a phone, and restores it afterwards. Text keeps its size; panels are stacked, legends move above
their axes, and labels that would overlap are left out or broken into lines.

A plot function that needs another layout says so where it makes its figure: :func:`arrange` with a
layout of its own, or :func:`keep` if one drawing serves both widths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from otgen_lite.plots import labels
from otgen_lite.plots.style import NARROW

#: Inches that a picture needs, where pictures stand side by side on a phone: one with points, whose
#: size stays; one with a name; one without.
POINTS, LEAST, BARE = 1.7, 1.1, 0.65
#: Height over width of a panel that may have any shape.
LOWEST, HIGHEST = 0.72, 0.85

#: Lays a figure out for a phone; says on an ``ExitStack`` how to undo it.
Layout = Callable[[Figure, ExitStack], None]


def arrange(figure: Figure, layout: Layout) -> Figure:
    """Give a figure a layout of its own for phones.

    Args:
        figure: the figure.
        layout: called as ``layout(figure, undo)`` when the narrow drawing is made. It changes the
            figure with the functions of this module, which record in ``undo`` how to restore it.

    Returns:
        The figure.

    Example:
        >>> from otgen_lite.plots import figure
        >>> fig, ax = figure(height=2.0)
        >>> fig = arrange(fig, lambda fig, undo: resize(fig, 3.5, 3.0, undo))
        >>> with narrow(fig):
        ...     float(fig.get_figheight())
        3.0
        >>> float(fig.get_figheight())
        2.0
    """
    figure._otg_layout = layout  # type: ignore[attr-defined]
    return figure


def keep(figure: Figure) -> Figure:
    """Mark a figure whose drawing serves both widths, because no text in it has to be legible.

    Example:
        >>> from otgen_lite.plots import figure
        >>> with narrow(keep(figure()[0])) as other:
        ...     other
        False
    """
    figure._otg_layout = None  # type: ignore[attr-defined]
    return figure


def photograph(figure: Figure) -> Figure:
    """Mark a figure as a photograph, whose colours a dark theme must not invert.

    Its background becomes transparent, so that it has no box on a dark page either. Whatever is
    drawn beside a photograph must be visible on white and on black.
    """
    figure._otg_photograph = True  # type: ignore[attr-defined]
    figure.patch.set_alpha(0.0)
    return figure


def is_photograph(figure: Figure) -> bool:
    """Whether :func:`photograph` was said of a figure."""
    return getattr(figure, "_otg_photograph", False)


@contextmanager
def narrow(figure: Figure) -> Iterator[bool]:
    """Context in which a figure is laid out for a phone, 3.5 inches (350 CSS pixels) wide.

    Args:
        figure: any figure.

    Yields:
        Whether there is a narrow layout; if not, the figure is unchanged.

    Chapter: used where figures of cells, and of explorers, are drawn for the website.

    Example:
        >>> from otgen_lite.plots import figure
        >>> fig, axes = figure(1, 2, height=3.0)
        >>> with narrow(fig):
        ...     [float(side) for side in fig.get_size_inches().round(2)]
        [3.5, 5.95]
        >>> [float(side) for side in fig.get_size_inches().round(2)]
        [7.0, 3.0]
    """
    layout: Layout | None = getattr(figure, "_otg_layout", stack)
    if layout is None:
        yield False
        return
    with ExitStack() as undo:
        for ax in figure.axes:
            if ax.get_adjustable() == "datalim":  # drawing with equal units changes the limits
                undo.callback(ax.set_autoscalex_on, ax.get_autoscalex_on())
                undo.callback(ax.set_autoscaley_on, ax.get_autoscaley_on())
                undo.callback(ax.set_xlim, ax.get_xlim())
                undo.callback(ax.set_ylim, ax.get_ylim())
        layout(figure, undo)
        labels.fit(figure, undo)
        yield True


# --- the layout of a figure that says nothing --------------------------------------------------


def stack(figure: Figure, undo: ExitStack) -> None:
    """The panels of a grid below one another, pictures side by side where they have room."""
    panels = panels_of(figure)
    if not panels:  # axes at places of their own, or a grid within a grid: only smaller
        resize(figure, NARROW, max(0.5 * figure.get_figheight(), 0.6 * NARROW), undo)
        return
    if _columns_belong_together(panels):
        panels.sort(key=lambda ax: (_spec(ax).colspan.start, _spec(ax).rowspan.start))
        place(figure, [([ax], 1) for ax in panels], undo)
        return
    rows = []
    for start in sorted({_spec(ax).rowspan.start for ax in panels}):
        row = [ax for ax in panels if _spec(ax).rowspan.start == start]
        columns = columns_for(row)
        rows += [(row[k : k + columns], columns) for k in range(0, len(row), columns)]
    place(figure, rows, undo)


def _columns_belong_together(panels: list[Axes]) -> bool:
    """Whether a panel belongs to the one above it: a full grid with rows of several heights."""
    grid = _spec(panels[0]).get_gridspec()
    full = len(panels) == grid.nrows * grid.ncols
    uneven = len(set(grid.get_height_ratios())) > 1
    return full and uneven and any(not labels.is_picture(ax) for ax in panels)


def panels_of(figure: Figure) -> list[Axes]:
    """The panels of a figure's one grid, row by row; none where there is no such grid."""
    axes = [ax for ax in figure.axes if _spec(ax) is not None]
    grids = [_spec(ax).get_gridspec() for ax in axes]
    if len({id(grid) for grid in grids}) != 1 or not isinstance(grids[0], GridSpec):
        return []
    # Twins share a place, and go where the first of them goes.
    first: dict[tuple[int, int], Axes] = {}
    for ax in axes:
        first.setdefault((_spec(ax).rowspan.start, _spec(ax).colspan.start), ax)
    return [first[at] for at in sorted(first)]


def _spec(ax: Axes) -> Any:
    """The place in a grid, or None."""
    return ax.get_subplotspec()


def columns_for(row: list[Axes]) -> int:
    """Number of panels of a row that stand side by side on a phone: pictures that have the room."""
    if any(not labels.is_picture(ax) or labels.bar_beside(ax) or ax.texts for ax in row):
        return 1
    named = any(labels.height_below(ax) > labels.LINE for ax in row)
    least = POINTS if any(ax.collections for ax in row) else LEAST if named else BARE
    for columns in range(len(row), 1, -1):
        cell = NARROW / columns
        if cell >= least and all(labels.breaks_into(ax, cell - 0.1) <= 2 for ax in row):
            return -(-len(row) // -(-len(row) // columns))  # four are 2 and 2, not 3 and 1
    return 1


def place(figure: Figure, rows: list[tuple[list[Axes], int]], undo: ExitStack) -> None:
    """Put axes into rows of a phone's width, each with so many columns; the height follows."""
    old = figure.get_size_inches()
    heights, width = [], NARROW
    for row, columns in rows:
        heights.append(max(height_of(ax, old, width / columns) for ax in row))
    fine = 1
    for _, columns in rows:
        fine *= columns // _common(fine, columns)
    grid = GridSpec(len(rows), fine, figure=figure, height_ratios=heights)
    resize(figure, width, sum(heights), undo)
    for k, (row, columns) in enumerate(rows):
        step = fine // columns
        for j, ax in enumerate(row):
            for twin in _at_the_same_place(figure, ax):
                undo.callback(twin.set_subplotspec, _spec(twin))
                twin.set_subplotspec(grid[k, j * step : (j + 1) * step])
        for ax in row:
            labels.complete(ax, undo, left=ax is row[0])


def height_of(ax: Axes, size: Any, width: float) -> float:
    """Inches of height for a panel that gets this width."""
    spec = _spec(ax)
    grid = spec.get_gridspec()
    ratios, across = grid.get_height_ratios(), grid.get_width_ratios()
    tall = size[1] * sum(ratios[i] for i in spec.rowspan) / sum(ratios)
    wide = size[0] * sum(across[i] for i in spec.colspan) / sum(across)
    if labels.is_picture(ax) or ax.get_aspect() != "auto":
        around = labels.height_below(ax)
        lines = labels.breaks_into(ax, width - 0.1)
        if _shape(ax) is not None:  # no air at its sides
            return float(width * _shape(ax) + around * max(lines, 1))
        return float((tall - around) * width / wide + around * max(lines, 1))
    shrunk = tall * width / wide
    lowest = min(tall, LOWEST * width)
    return float(min(max(shrunk, lowest), HIGHEST * width) + labels.height_of_legend(ax, width))


def _shape(ax: Axes) -> Any:
    """Height over width of a picture with equal units, where they alone decide."""
    free = ax.get_aspect() == "auto" or ax.get_adjustable() != "box"
    if free or not labels.is_picture(ax) or getattr(ax, "_colorbars", []):
        return None
    shape = float(ax.get_aspect()) * ax.get_data_ratio()
    return shape if 0.2 < shape < 1.3 else None


def _common(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def _at_the_same_place(figure: Figure, ax: Axes) -> list[Axes]:
    return [other for other in figure.axes if _spec(other) == _spec(ax)]


# --- for layouts of one's own --------------------------------------------------------------------


def resize(figure: Figure, width: float, height: float, undo: ExitStack) -> None:
    """Give a figure another size in inches."""
    undo.callback(figure.set_size_inches, *figure.get_size_inches())
    figure.set_size_inches(width, height)


def move(ax: Axes, bounds: tuple[float, float, float, float], undo: ExitStack) -> None:
    """Give axes another place: left, bottom, width, height in inches of the resized figure."""
    undo.callback(ax.set_position, ax.get_position(original=True))
    wide, tall = ax.figure.get_size_inches()  # type: ignore[union-attr]
    left, bottom, width, height = bounds
    ax.set_position((left / wide, bottom / tall, width / wide, height / tall))
