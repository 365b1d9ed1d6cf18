"""Words of a figure, made to fit a phone: labels, ticks, legends.

Each function tells ``undo`` how to take back what it changes; sizes are in inches.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter
from matplotlib.transforms import blended_transform_factory

#: Inches of a line of text, with air.
LINE = 0.24
#: Inches that the line or mark of a legend's entry takes, with the room after it.
HANDLE = 0.55
#: Words, with formulas in one piece.
WORD = re.compile(r"(?:\$[^$]*\$|[^\s$])+")


def is_picture(ax: Axes) -> bool:
    """Whether the axes show a picture: nothing is written along their sides but names."""
    if not ax.axison:
        return True
    axes: tuple[Axis, Axis] = (ax.xaxis, ax.yaxis)
    return not any(len(axis.get_ticklocs()) and axis.get_tick_params()[key]
                   for axis, key in zip(axes, ("labelbottom", "labelleft"), strict=True)
                   ) or (_none(ax.xaxis) and _none(ax.yaxis))  # fmt: skip


def _none(axis: Axis) -> bool:
    return not len(axis.get_ticklocs())


def bar_beside(ax: Axes) -> bool:
    """Whether a colour bar stands at the right of the axes."""
    bars = getattr(ax, "_colorbars", [])
    return any(getattr(bar, "_colorbar_info", {}).get("location") == "right" for bar in bars)


def complete(ax: Axes, undo: ExitStack, *, left: bool) -> None:
    """Write on shared axes what a neighbour said for them, now that they stand elsewhere."""
    if left and ax.axison:
        params = ax.yaxis.get_tick_params()
        siblings = ax.get_shared_y_axes().get_siblings(ax)
        if not params["labelleft"] and len(siblings) > 1:
            undo.callback(ax.tick_params, axis="y", labelleft=False)
            ax.tick_params(axis="y", labelleft=True)
            said = [other.get_ylabel() for other in siblings if other.get_ylabel()]
            if said and not ax.get_ylabel():
                undo.callback(ax.set_ylabel, "")
                ax.set_ylabel(said[0])


def fit(figure: Figure, undo: ExitStack) -> None:
    """Move legends above, break long labels, and thin out ticks, so that nothing meets."""
    for ax in figure.axes:
        if ax.get_legend() is not None and not is_picture(ax):
            legend_above(ax, undo)
    figure.draw_without_rendering()
    broken = False
    for ax in figure.axes:
        if ax.axison:
            below, beside = _room(ax)
            broken |= break_label(ax.xaxis.label, below, undo)
            broken |= break_label(ax.yaxis.label, beside, undo)
    if broken:  # laying out takes as long as drawing
        figure.draw_without_rendering()
    for ax in figure.axes:
        if ax.axison:
            for axis in (ax.xaxis, ax.yaxis):
                thin(axis, undo)
    engine = figure.get_layout_engine()
    bars = any(getattr(ax, "_colorbars", []) for ax in figure.axes)
    if engine is not None and not bars:  # it has done its work; bars settle when laid out twice
        undo.callback(figure.set_layout_engine, engine)
        figure.set_layout_engine("none")


# --- sizes -------------------------------------------------------------------------------------


def renderer(figure: Figure) -> RendererAgg:
    """Renderer that measures text of a figure, without taking the figure's canvas from it."""
    return RendererAgg(1, 1, figure.dpi)


def width_of(text: Text, words: str) -> float:
    """Inches that words take in the letters of a text."""
    figure = text.get_figure(root=True)
    assert figure is not None
    sample = Text(0, 0, words, fontproperties=text.get_fontproperties())
    sample.set_figure(figure)
    return float(sample.get_window_extent(renderer(figure)).width / figure.dpi)


def breaks_into(ax: Axes, width: float) -> int:
    """Lines of a picture's name at this width; 99 where a word alone is wider."""
    return max(len(lines_of(text, width)) for text in (ax.xaxis.label, ax.title))


def lines_of(text: Text, width: float) -> list[str]:
    """The words of a text in lines of this width."""
    lines: list[str] = []
    for paragraph in text.get_text().split("\n"):
        lines.append("")
        for word in WORD.findall(paragraph):
            longer = f"{lines[-1]} {word}".strip()
            if width_of(text, longer) <= width or not lines[-1]:
                lines[-1] = longer
            else:
                lines.append(word)
    if any(width_of(text, line) > width for line in lines if line):
        return [""] * 99
    return lines


def height_below(ax: Axes) -> float:
    """Inches of the names above and below a picture."""
    return 0.05 + LINE * sum(bool(t.get_text()) for t in (ax.xaxis.label, ax.title))


def height_of_legend(ax: Axes, width: float) -> float:
    """Inches that a legend takes above axes."""
    legend = ax.get_legend()
    if legend is None:
        return 0.0
    return LINE * legend_lines(legend, width)[0]


def _room(ax: Axes) -> tuple[float, float]:
    """Inches that a label has, below the axes and beside them, where it is centred on them."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    box, spec = ax.get_position(), ax.get_subplotspec()
    left, right = 0.0, 1.0
    if spec is not None:
        columns = spec.get_gridspec().ncols
        left, right = spec.colspan.start / columns, spec.colspan.stop / columns
    middle = (box.x0 + box.x1) / 2
    wide, tall = figure.get_size_inches()
    return 2 * min(middle - left, right - middle) * wide - 0.1, box.height * tall + 0.1


# --- changes ------------------------------------------------------------------------------------


def break_label(text: Text, width: float, undo: ExitStack) -> bool:
    """Break a label into the lines that its side has room for; says whether it did."""
    words = text.get_text()
    if not words or width_of(text, words) <= width:
        return False
    lines = lines_of(text, width)
    if len(lines) == 99:
        return False
    undo.callback(text.set_text, words)
    text.set_text("\n".join(lines))
    return True


def legend_columns(legend: Legend, width: float) -> int:
    """Number of entries that stand side by side."""
    texts = legend.get_texts()
    if not texts:
        return 1
    widest = max(width_of(text, text.get_text()) for text in texts) + HANDLE
    return max(1, min(len(texts), int(width / widest)))


def legend_lines(legend: Legend, width: float) -> tuple[int, list[str]]:
    """Lines that a legend takes, and its entries, broken where one is wider than all of them."""
    columns = legend_columns(legend, width)
    words = []
    for text in legend.get_texts():
        lines = lines_of(text, width - HANDLE)
        words.append("\n".join(lines) if len(lines) < 99 else text.get_text())
    rows = [words[k :: -(-len(words) // columns)] for k in range(-(-len(words) // columns))]
    return sum(max(w.count("\n") + 1 for w in row) for row in rows), words


def legend_above(ax: Axes, undo: ExitStack) -> None:
    """Put a legend above its axes, where it covers no data, from the left edge of the figure."""
    old: Any = ax.get_legend()
    undo.callback(setattr, ax, "legend_", old)
    figure = ax.get_figure(root=True)
    assert figure is not None
    width = figure.get_figwidth()
    rows, words = legend_lines(old, width)
    rows += rows // 3 if any("$" in w for w in words) else 0  # formulas are taller
    new = ax.legend(
        _drawn(ax, old),
        words,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        bbox_transform=blended_transform_factory(figure.transFigure, ax.transAxes),
        ncols=legend_columns(old, width),
        borderaxespad=0.15,
        borderpad=0.1,
        handlelength=1.6,
        columnspacing=1.0,
        labelspacing=0.3,
        frameon=False,
        fontsize=old.get_texts()[0].get_fontsize() if old.get_texts() else None,
    )
    # The layout sees lines of nothing above the axes, not the legend, which may be wider.
    new.set_in_layout(False)
    if not ax.get_title():
        undo.callback(ax.set_title, "")
        ax.set_title("\n".join([" "] * rows))


def _drawn(ax: Axes, legend: Legend) -> list[Any]:
    """What a legend's entries stand for: of a curve with bars, the marks too."""
    handles, names = ax.get_legend_handles_labels()
    barred = {n: h for n, h in zip(names, handles, strict=True) if isinstance(h, ErrorbarContainer)}
    entries = zip(legend.legend_handles, legend.get_texts(), strict=True)
    return [barred.get(text.get_text(), handle) for handle, text in entries]


def thin(axis: Axis, undo: ExitStack) -> None:
    """Leave out labels of ticks until none meets its neighbour."""
    if meet(axis, minor=True):
        undo.callback(axis.set_minor_formatter, axis.get_minor_formatter())
        axis.set_minor_formatter(NullFormatter())
    if not meet(axis):
        return
    places, words = axis.get_ticklocs(), [t.get_text() for t in axis.get_ticklabels()]
    low, high = sorted(axis.get_view_interval())
    seen = [(p, w) for p, w in zip(places, words, strict=True) if low <= p <= high]
    undo.callback(axis.set_major_formatter, axis.get_major_formatter())
    undo.callback(axis.set_major_locator, axis.get_major_locator())
    for step in range(2, max(len(seen), 3)):
        kept = [w if k % step == 0 else "" for k, (_, w) in enumerate(seen)]
        axis.set_ticks([p for p, _ in seen], kept)
        if not meet(axis):
            return


def meet(axis: Axis, minor: bool = False) -> bool:
    """Whether two neighbouring labels of ticks come closer than a third of a letter."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    boxes = [
        label.get_window_extent(renderer(figure))
        for label in axis.get_ticklabels(minor=minor)
        if label.get_visible() and label.get_text()
    ]
    if minor:
        boxes += [b.get_window_extent(renderer(figure)) for b in axis.get_ticklabels()
                  if b.get_visible() and b.get_text()]  # fmt: skip
        if len(axis.get_minorticklocs()) == 0 or len(boxes) < 2:
            return False
    if axis is axis.axes.xaxis:
        ends = sorted((box.x0, box.x1) for box in boxes)
        room = 4.0 * figure.dpi / 100
    else:
        ends, room = sorted((box.y0, box.y1) for box in boxes), 0.0
    return any(start - end < room for (_, end), (start, _) in pairwise(ends))
