"""``Explorer``: a figure with controls, as a widget, as HTML and as a single picture."""

from __future__ import annotations

import base64
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PIL.Image import Image

from otgen_lite.plots.layouts import narrow as laid_out_narrow

from .axes import Axis, make_axes
from .checks import Drawn, check_alt, check_frame, check_name, check_text, readout_name, unpack
from .drawings import Drawings
from .frames import FrameStore, Key
from .interface import Frame
from .picture import DETAILS, NARROW, NARROW_DETAILS, Detail, Picture, draw, encode
from .pyplot_figures import own_figures
from .text import Alt, Value, describe, plain_value

if TYPE_CHECKING:
    from .live import LiveView

#: Bytes that the pictures of one explorer may have on a page, in base64.
BUDGET = 1_100_000

_VIEW = "application/vnd.jupyter.widget-view+json"


class FrameError(RuntimeError):
    """The frame function raised an error; the message names the values for which it did."""


class Explorer:
    """A figure with controls: a widget in a notebook, plain HTML on the website, a PNG elsewhere.

    In a live kernel (Jupyter, Colab) the explorer is a widget; frames are computed in the
    background when they are needed, and kept. While the book is built (``OTGEN_BOOK=1``) all frames
    are computed at once, no widget is made, and a frame that raises an error fails its cell. Where
    neither is possible, only the first frame is shown.

    Args:
        axes: one to three axes: a dict from the name of an axis to its list of distinct values.
            Numbers become a slider, strings a drop-down list. All axes together may give at most
            120 frames.
        frame: ``frame(**values)`` returns a matplotlib ``Figure`` or ``(Figure, read-outs)``, where
            the read-outs are a dict from names to numbers or strings. It may be called from several
            threads at the same time, and must make a new figure at each call: with
            ``matplotlib.figure.Figure`` (as ``otgen_lite.plots`` does), or with pyplot, whose
            current figure belongs to that frame alone during the call and is closed afterwards.
        name: lower-case letters, digits and hyphens; unique on its page.
        caption: a sentence under the figure. Formulas ``$…$`` are typeset where the page can do so,
            in the caption, in ``labels``, and in the names of read-outs.
        alt: a description of the picture for readers who cannot see it: a format string over the
            names of axes and read-outs, or a callable ``(values, readouts) -> str``. It must change
            with the frame.
        labels: the text that the reader sees for each axis, by its name; default the name.
        start: the value that each axis shows first, by its name; default its first value.
        lossy: allow lossy WebP where it is smaller. For photographs only.

    Raises:
        ValueError: if an argument is out of range; while the book is built, also if the pictures
            take more bytes than a page may have, even with less detail.
        TypeError: if an argument has the wrong type.
        FrameError: while the book is built, if a frame fails.

    Example:
        >>> from matplotlib.figure import Figure
        >>> def frame(p, masses):
        ...     figure = Figure(figsize=(5, 3))
        ...     figure.add_subplot().bar(range(3), [1, 2, 3 if masses == "skewed" else 1])
        ...     return figure, {"cost": 0.1 * p}
        >>> explorer = Explorer(
        ...     axes={"p": [1, 2, 3], "masses": ["even", "skewed"]},
        ...     frame=frame,
        ...     name="piles",
        ...     alt="Three bars, masses {masses}; the cost for p = {p} is {cost}.",
        ... )
        >>> explorer.readouts(p=2, masses="even")
        {'cost': 0.2}
        >>> explorer.frame(p=3, masses="even").picture.alt
        'Three bars, masses even; the cost for p = 3 is 0.3.'

    Chapter: every chapter; *How to read* says what explorers are for.
    """

    def __init__(
        self,
        axes: Mapping[str, Iterable[Any]],
        frame: Callable[..., Drawn],
        *,
        name: str,
        caption: str = "",
        alt: Alt,
        labels: Mapping[str, str] | None = None,
        start: Mapping[str, Any] | None = None,
        lossy: bool = False,
    ) -> None:
        self.axes: tuple[Axis, ...] = make_axes(axes, labels)
        self.name = check_name(name)
        self.caption = check_text("caption", caption)
        self.alt = check_alt(alt)
        self._function = check_frame(frame, self.axes)
        self._lossy = bool(lossy)
        self._drawn = Drawings()
        self.start: Key = self._start_key(start)
        self._store: FrameStore[Frame] = FrameStore(self._compute)
        self._view: LiveView | None = None
        self._narrow: dict[Key, Picture] = {}
        if building_book():
            # Here and not when shown: IPython swallows what a display method raises.
            self._compute_all()

    def frame(self, **values: Any) -> Frame:
        """One frame: the encoded picture and the read-outs.

        The figure itself is not kept, because a hundred figures take a gigabyte. Picture and
        read-outs are, so that a second call with the same values computes nothing.

        Args:
            **values: one value for each axis.

        Returns:
            The frame, ``(picture, readouts)``.

        Raises:
            ValueError: if a value is not on its axis, or an axis is missing.
            FrameError: if the frame function fails.
        """
        return self.at(self.key(values))

    def readouts(self, **values: Any) -> dict[str, Value]:
        """The read-outs of one frame, by name: numbers, not rounded, or texts."""
        return dict(self.frame(**values).readouts)

    def at(self, key: Key) -> Frame:
        """The frame at a position: one index for each axis."""
        return self._store.get(key)

    def narrow(self, key: Key) -> Picture | None:
        """The picture of a frame for phones; None where there is only one layout."""
        return self._narrow.get(key)

    def positions(self) -> list[Key]:
        """All positions, the last axis running fastest."""
        return list(itertools.product(*(range(len(axis.values)) for axis in self.axes)))

    def key(self, values: Mapping[str, Any]) -> Key:
        """The position of a choice of values: the index of each value on its axis."""
        names = [axis.name for axis in self.axes]
        if set(values) != set(names):
            raise ValueError(
                f"explorer {self.name!r} needs a value for each of {names}, "
                f"but was given {list(values)}"
            )
        return tuple(axis.position(values[axis.name]) for axis in self.axes)

    def values(self, key: Key) -> dict[str, Value]:
        """The values at a position."""
        return {axis.name: axis.values[i] for axis, i in zip(self.axes, key, strict=True)}

    def widget(self) -> Any:
        """The explorer as an ipywidgets widget.

        Raises:
            RuntimeError: while the book is built, because a widget on a page without a kernel does
                not work and would load scripts from another host.
        """
        if building_book():
            raise RuntimeError("no widget may be made while the book is built (OTGEN_BOOK=1)")
        from .live import LiveView

        if self._view is None or self._view.closed:
            self._view = LiveView(self, self._store)
        return self._view.root

    def to_html(self, standalone: bool = True) -> str:
        """All frames as HTML that needs no kernel.

        Args:
            standalone: whether to return a whole document with script and style, which a browser
                can open from disk, or only the ``<figure>``, for a page that loads ``explorer.js``.

        Returns:
            The HTML. Equal explorers give identical text.
        """
        from .page import document, figure

        return document(self) if standalone else figure(self)

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if building_book():
            bundle["text/html"] = self.to_html(standalone=False)
        elif live_kernel():
            bundle[_VIEW] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.widget().model_id,
            }
            if self._store.peek(self.start) is None:
                return bundle  # it failed, and the widget says so
        picture = self.at(self.start).picture
        bundle["image/png"] = base64.b64encode(picture.png()).decode("ascii")
        return bundle

    def __repr__(self) -> str:
        axes = " × ".join(f"{axis.name} ({len(axis.values)})" for axis in self.axes)
        return f"Explorer {self.name!r}: {axes}, {len(self.positions())} frames"

    def _start_key(self, start: Mapping[str, Any] | None) -> Key:
        start = dict(start or {})
        if unknown := sorted(set(start) - {axis.name for axis in self.axes}):
            raise ValueError(
                f"start names {unknown}, but the axes are {[axis.name for axis in self.axes]}"
            )
        return tuple(
            axis.position(start[axis.name]) if axis.name in start else 0 for axis in self.axes
        )

    def _compute(self, key: Key) -> Frame:
        return self._encoded(*self._draw(key)[:3], DETAILS[0])

    def _draw(
        self, key: Key, phones: bool = False
    ) -> tuple[Image, str, dict[str, Value], Image | None]:
        """A frame before its picture is encoded: the drawing, its alt text, its read-outs.

        With ``phones`` also the same figure drawn narrow, unless one drawing serves both.
        """
        values = self.values(key)
        try:
            with own_figures():
                figure, readouts = unpack(self._function(**values))
                plain = {
                    readout_name(name): plain_value(value, f"read-out {name!r}")
                    for name, value in readouts.items()
                }
                image, alt, small = self._drawn.of(figure), describe(self.alt, values, plain), None
                if phones:
                    with laid_out_narrow(figure) as other:
                        small = draw(figure, width=2 * NARROW) if other else None
                return image, alt, plain, small
        except Exception as error:
            call = ", ".join(f"{name}={value!r}" for name, value in values.items())
            raise FrameError(
                f"explorer {self.name!r}: frame({call}) failed: {type(error).__name__}: {error}"
            ) from error

    def _encoded(self, image: Image, alt: str, readouts: dict[str, Value], detail: Detail) -> Frame:
        return Frame(encode(image, alt, self._lossy, detail), readouts)

    def _compute_all(self) -> None:
        """All frames, wide and narrow, each with as much detail as the budget allows.

        A page loads one of the two.
        """
        drawn = {key: self._draw(key, phones=True) for key in self.positions()}
        wide = self._within_budget({key: parts[0] for key, parts in drawn.items()}, drawn, DETAILS)
        for key, (_, _, readouts, _) in drawn.items():
            self._store.put(key, Frame(wide[key], readouts))
        small = {key: image for key, (*_, image) in drawn.items() if image is not None}
        if len(small) == len(drawn):
            self._narrow = self._within_budget(small, drawn, NARROW_DETAILS)

    def _within_budget(
        self, images: Mapping[Key, Image], drawn: Mapping[Key, Any], details: Sequence[Detail]
    ) -> dict[Key, Picture]:
        """Encode pictures with the first detail with which all of them are light enough.

        A picture is encoded once for each detail that is tried: it takes as long as drawing it.
        """
        for detail in details:
            made = {
                key: encode(image, drawn[key][1], self._lossy, detail)
                for key, image in images.items()
            }
            distinct = {picture.data for picture in made.values()}
            size = sum(4 * -(-len(data) // 3) for data in distinct)
            if size <= BUDGET:
                return made
        raise ValueError(
            f"explorer {self.name!r}: its {len(distinct)} pictures take {size:,} bytes, and a "
            f"page has {BUDGET:,}: take fewer values on an axis, or draw less (fewer points, "
            "less transparency, a lower figure; lossy=True for photographs)"
        )


def building_book() -> bool:
    """Whether the book is being built: ``OTGEN_BOOK`` is set."""
    return os.environ.get("OTGEN_BOOK", "0") not in ("", "0")


def live_kernel() -> bool:
    """Whether this is a kernel with ipywidgets, so that a front end can show a widget."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return False
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    return True
