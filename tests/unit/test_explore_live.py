"""Explorers in a kernel: ipywidgets 7.7 and 8."""

import html
import re
import threading
import time

import ipywidgets
import nbclient
import nbformat
import pytest
from explore_samples import Frames, make

from otgen_lite.explore import explorer as module
from otgen_lite.explore import live
from tests.patience import kernel, until

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def _kernel(monkeypatch):
    monkeypatch.delenv("OTGEN_BOOK", raising=False)
    monkeypatch.setattr(module, "live_kernel", lambda: True)
    yield
    ipywidgets.Widget.close_all()
    until(lambda: not ours())


def ours():
    """Threads that an explorer started and that still run."""
    return [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith("otg-") or isinstance(thread, threading.Timer)
    ]


class Shown:
    """A widget, moved as a reader moves it and read as a reader reads it."""

    def __init__(self, frames, **changes):
        self.explorer = make(frames, **changes)
        self.root = self.explorer.widget()
        self.slider, self.list, self.status, self.stage, _ = self.root.children

    @property
    def alt(self):
        found = re.search(r'<img [^>]*alt="([^"]*)"', self.stage.value)
        return html.unescape(found[1]) if found else None

    def is_at(self, p, masses="even"):
        frame = self.explorer.frame(p=p, masses=masses)
        return frame.picture.src in self.stage.value and self.alt == frame.picture.alt


def test_the_controls_fit_the_axes():
    shown = Shown(Frames(), start={"p": 2})
    assert isinstance(shown.slider, ipywidgets.SelectionSlider)
    assert isinstance(shown.list, ipywidgets.Dropdown)
    assert shown.slider.description == "exponent p"
    assert (shown.slider.value, shown.list.value) == (2, "even")
    assert shown.is_at(2)


def test_moving_a_control_shows_another_frame():
    frames = Frames()
    shown = Shown(frames)
    shown.slider.value = 3
    until(lambda: shown.alt == "p = 3, even: cost 0.3")
    assert shown.is_at(3)
    assert 'data-value="0.30000000000000004"' in shown.stage.value
    shown.list.value = "skewed"
    until(lambda: shown.alt == "p = 3, skewed: cost 0.3")
    assert frames.calls == [(1, "even"), (3, "even"), (3, "skewed")]


def test_a_known_frame_is_shown_at_once_and_not_computed_again():
    frames = Frames()
    shown = Shown(frames)
    shown.slider.value = 2
    until(lambda: shown.alt.startswith("p = 2"))
    shown.slider.value = 1
    assert shown.is_at(1)
    assert frames.calls == [(1, "even"), (2, "even")]


def test_a_slow_frame_blocks_no_other():
    frames = Frames()
    frames.gates = {2: threading.Event()}
    shown = Shown(frames)
    shown.slider.value = 2
    until(lambda: (2, "even") in frames.calls)
    assert "computing exponent p = 2" in shown.status.value
    shown.slider.value = 3
    until(lambda: shown.alt.startswith("p = 3"))
    assert shown.status.value == ""
    frames.gates[2].set()
    until(lambda: not ours())
    assert shown.is_at(3), "a frame that arrives late must not push out the one that is wanted"
    shown.slider.value = 2
    assert shown.is_at(2)
    assert frames.calls.count((2, "even")) == 1


def test_a_frame_under_way_is_not_computed_twice():
    frames = Frames()
    frames.gates = {2: threading.Event()}
    shown = Shown(frames)
    shown.slider.value = 2
    until(lambda: (2, "even") in frames.calls)
    shown.slider.value = 1
    assert shown.is_at(1)
    shown.slider.value = 2
    until(lambda: "computing" in shown.status.value)
    frames.gates[2].set()
    until(lambda: shown.alt.startswith("p = 2"))
    assert frames.calls == [(1, "even"), (2, "even")]


def test_dragging_computes_where_it_stops():
    frames = Frames()
    shown = Shown(frames, axes={"p": range(1, 31), "masses": ["even"]})
    for p in range(2, 31):
        shown.slider.value = p
    until(lambda: shown.alt.startswith("p = 30"))
    until(lambda: not ours())
    assert frames.calls == [(1, "even"), (30, "even")]


def test_an_error_is_shown_in_place_and_the_rest_works_on():
    frames = Frames()
    frames.failing = {2}
    shown = Shown(frames)
    shown.slider.value = 2
    until(lambda: "otg-error" in shown.stage.value)
    assert "frame(p=2, masses=&#x27;even&#x27;) failed" in shown.stage.value
    assert "Traceback" in shown.stage.value
    assert "ZeroDivisionError: no frame at 2" in shown.stage.value
    assert shown.status.value == ""
    shown.slider.value = 3
    until(lambda: shown.alt is not None)
    assert shown.is_at(3)
    frames.failing = set()
    shown.slider.value = 2
    until(lambda: shown.alt.startswith("p = 2"))


def test_a_first_frame_that_fails_is_shown_in_place():
    frames = Frames()
    frames.failing = {1}
    shown = Shown(frames)
    assert "ZeroDivisionError" in shown.stage.value
    assert set(shown.explorer._repr_mimebundle_()) == {"text/plain", VIEW}
    shown.slider.value = 2
    until(lambda: shown.alt == "p = 2, even: cost 0.2")


def test_shown_twice_it_is_one_widget_and_closed_it_is_made_anew():
    explorer = make()
    first = explorer.widget()
    assert explorer.widget() is first
    first.close()
    assert explorer.widget() is not first


def test_a_rest_long_enough_to_drag_and_short_enough_to_wait():
    assert 0.05 <= live.REST <= 0.2
    frames = Frames()
    shown = Shown(frames)
    began = time.monotonic()
    shown.slider.value = 2
    until(lambda: (2, "even") in frames.calls)
    assert time.monotonic() - began >= live.REST


CELL = """
from matplotlib.figure import Figure
from otgen_lite.explore import Explorer

def frame(p):
    return Figure(figsize=(2, 1)), {"inverse": 1 / (3 - p)}

Explorer({"p": [1, 2, LAST]}, frame, name="inverse", alt="p = {p}")
"""


def run(last, monkeypatch, book):
    """Run a cell in a real kernel; what its last output holds."""
    monkeypatch.setenv("OTGEN_BOOK", "1" if book else "0")
    cell = nbformat.v4.new_code_cell(CELL.replace("LAST", str(last)))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    kernel(notebook).execute()
    return notebook


def test_in_a_real_kernel_the_widget_is_there(monkeypatch):
    notebook = run(3, monkeypatch, book=False)
    (output,) = notebook.cells[0].outputs
    assert set(output.data) == {"text/plain", "image/png", VIEW}
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert output.data[VIEW]["model_id"] in state
    names = {model["model_name"] for model in state.values()}
    assert {"SelectionSliderModel", "HTMLModel"} <= names


def test_in_the_book_a_real_cell_fails_with_its_frame(monkeypatch):
    notebook = run(4, monkeypatch, book=True)
    assert set(notebook.cells[0].outputs[0].data) == {"text/plain", "text/html", "image/png"}
    assert "widgets" not in notebook.metadata
    with pytest.raises(nbclient.exceptions.CellExecutionError, match=r"frame\(p=3\) failed"):
        run(3, monkeypatch, book=True)
