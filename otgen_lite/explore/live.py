"""The live form of an explorer: ipywidgets 7.7 and 8."""

from __future__ import annotations

import html
import threading
import traceback
from concurrent.futures import Future
from typing import Any

import ipywidgets

from .formula import plain
from .frames import FrameStore, Key
from .interface import Frame, FrameSource
from .page import caption, image, readout_table, style

#: Seconds that the controls must rest before a frame is computed: a slider dragged across
#: thirty values starts one frame, not thirty.
REST = 0.12


class LiveView:
    """Controls, picture and read-outs in a notebook.

    Attributes:
        root: the widget to show.
        controls: one selection widget per axis, in order; their ``index`` is the position.
        stage: the HTML widget with picture and read-outs, or with an error.
        status: the HTML widget that says what is being computed.
    """

    def __init__(self, explorer: FrameSource, store: FrameStore[Frame]) -> None:
        self._explorer = explorer
        self._store = store
        self._lock = threading.RLock()
        self._wanted: Key = explorer.start
        self._timer: threading.Timer | None = None
        self.controls = [
            _control(axis, start) for axis, start in zip(explorer.axes, explorer.start, strict=True)
        ]
        self.stage = ipywidgets.HTML(layout=ipywidgets.Layout(width="auto"))
        self.status = ipywidgets.HTML()
        foot = ipywidgets.HTMLMath(f"{style('explorer.css')}{_caption(explorer)}")
        self.root = ipywidgets.VBox(
            [*self.controls, self.status, self.stage, foot],
            layout=ipywidgets.Layout(max_width="720px"),
        )
        try:
            self._show(store.get(explorer.start))
        except Exception as error:
            self._show_error(error)
        for control in self.controls:
            control.observe(self._changed, names="index")

    @property
    def closed(self) -> bool:
        """Whether the widget was closed, as ``Widget.close_all()`` does."""
        return self.root.comm is None

    def _changed(self, change: Any) -> None:
        key = tuple(control.index for control in self.controls)
        with self._lock:
            self._wanted = key
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            frame = self._store.peek(key)
            if frame is not None:
                self._show(frame)
                return
            self._timer = threading.Timer(REST, self._begin, (key,))
            self._timer.daemon = True
            self._timer.start()

    def _begin(self, key: Key) -> None:
        with self._lock:
            if key != self._wanted:
                return
            self.status.value = f'<p class="otg-note otg-busy">computing {self._state(key)} …</p>'
        self._store.start(key).add_done_callback(lambda future: self._arrived(key, future))

    def _arrived(self, key: Key, future: Future[Frame]) -> None:
        with self._lock:
            if key != self._wanted:
                return  # a later choice has the stage; the frame is remembered all the same
            error = future.exception()
            if error is None:
                self._show(future.result())
            else:
                self._show_error(error)

    def _show(self, frame: Frame) -> None:
        self.status.value = ""
        kind = " otg-photo" if frame.picture.photo else ""
        self.stage.value = (
            f'<div class="otg-explorer otg-live" data-name="{self._explorer.name}">'
            f'<div class="otg-panel{kind}">{image(frame)}</div>'
            f"{readout_table(list(frame.readouts), frame)}</div>"
        )

    def _show_error(self, error: BaseException) -> None:
        cause = error.__cause__ or error
        lines = traceback.format_exception(type(cause), cause, cause.__traceback__)
        self.status.value = ""
        self.stage.value = (
            f'<div class="otg-explorer otg-live" data-name="{self._explorer.name}">'
            f'<div class="otg-error" role="alert"><p>{html.escape(str(error))}</p>'
            f"<pre>{html.escape(''.join(lines))}</pre></div></div>"
        )

    def _state(self, key: Key) -> str:
        axes = zip(self._explorer.axes, key, strict=True)
        return html.escape(", ".join(f"{plain(axis.label)} = {axis.texts[i]}" for axis, i in axes))


def _control(axis: Any, start: int) -> Any:
    """A slider over numbers, a drop-down list over names."""
    options = dict(
        options=list(zip(axis.texts, axis.values, strict=True)),
        index=start,
        description=plain(axis.label),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="auto"),
    )
    if axis.numeric:
        return ipywidgets.SelectionSlider(continuous_update=True, **options)
    return ipywidgets.Dropdown(**options)


def _caption(explorer: FrameSource) -> str:
    text = caption(explorer.caption).replace("figcaption", "div")
    return f'<div class="otg-explorer otg-live otg-caption">{text}</div>'
