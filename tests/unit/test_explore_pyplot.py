"""Explorers whose frames draw with pyplot: each frame has the current figure to itself."""

from __future__ import annotations

import threading

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from otgen_lite.explore import Explorer, FrameError
from tests.patience import HANGS

VALUES = [1, 2, 3]


@pytest.fixture(autouse=True)
def _kernel(monkeypatch):
    monkeypatch.delenv("OTGEN_BOOK", raising=False)
    yield
    plt.close("all")


def explorer(frame):
    return Explorer({"p": VALUES}, frame, name="side-by-side", alt="p = {p}")


class Together:
    """A frame function in two steps; no frame takes the second before all took the first."""

    def __init__(self, begin, end):
        self.begin, self.end = begin, end
        self.barrier = threading.Barrier(len(VALUES) - 1)
        self.alone = True

    def __call__(self, p):
        begun = self.begin(p)
        if not self.alone:
            self.barrier.wait(HANGS)
        return self.end(p, begun)


def side_by_side(frame):
    """The pictures, all but the first computed at once, as where a slider is dragged."""
    shown = explorer(frame)
    pictures = [shown.frame(p=1).picture.data]
    frame.alone = False
    futures = [shown._store.start((i,)) for i in range(1, len(VALUES))]
    return pictures + [future.result(HANGS).picture.data for future in futures]


def bars(axes, p):
    axes.bar(VALUES, [p >= k for k in VALUES])


def to_gcf(p, begun):
    plt.gca().bar(VALUES, [p >= k for k in VALUES])
    return plt.gcf()


def to_begun(p, begun):
    plt.bar(VALUES, [p >= k for k in VALUES])
    return begun


WAYS = {
    "no figure": (lambda p: None, to_gcf),
    "a figure": (lambda p: plt.figure(), to_gcf),
    "a figure, given itself": (lambda p: plt.figure(), to_begun),
    "a number": (lambda p: plt.figure(7), to_gcf),
    "a name": (lambda p: plt.figure("mine"), to_begun),
    "cleared": (lambda p: plt.clf(), to_gcf),
    "subplots": (lambda p: plt.subplots()[0], to_begun),
    "subplot": (lambda p: plt.subplot(1, 1, 1), to_gcf),
}


@pytest.mark.parametrize("way", WAYS)
def test_frames_side_by_side_are_those_of_one_after_another(way) -> None:
    figure, axes = plt.subplots()  # the reader's, open meanwhile
    axes.plot([0, 1], [3, 4])
    begin, end = WAYS[way]
    found = side_by_side(Together(begin, end))
    alone = explorer(Together(begin, end))
    expected = [alone.frame(p=p).picture.data for p in VALUES]
    assert len(set(expected)) == len(VALUES)
    assert found == expected
    assert plt.get_fignums() == [figure.number]
    assert plt.gcf() is figure
    assert len(axes.patches) == 0


def test_what_a_frame_leaves_open_is_closed_also_where_it_fails() -> None:
    def frame(p):
        plt.figure()
        if p == 2:
            raise ZeroDivisionError
        plt.figure().add_subplot().plot([0, p])
        return plt.gcf()

    shown = explorer(frame)
    shown.frame(p=1)
    with pytest.raises(FrameError):
        shown.frame(p=2)
    assert plt.get_fignums() == []


FIGURE = Figure()


def drawn_over(figure):
    def frame(p):
        figure.clear()
        bars(figure.add_subplot(), p)
        return figure

    return frame


def test_a_figure_of_all_frames_is_refused() -> None:
    for frame, message in (
        (drawn_over(Figure()), "the figure of another frame, drawn over; make a new figure"),
        (drawn_over(plt.figure()), "a figure that was open before"),
    ):
        shown = explorer(frame)
        with pytest.raises(FrameError, match=message):
            [shown.frame(p=p) for p in VALUES]


def test_a_figure_that_is_remembered_as_it_was_is_no_fault() -> None:
    figure = Figure()
    bars(figure.add_subplot(), 3)
    shown = explorer(lambda p: figure)
    assert shown.frame(p=1).picture.data == shown.frame(p=2).picture.data


@pytest.mark.parametrize("given", [Figure, lambda: FIGURE])
def test_drawing_into_another_figure_than_the_one_given_is_refused(given) -> None:
    bars(FIGURE.gca(), 2)

    def frame(p):
        figure = given()
        plt.plot([0, p])
        return figure

    shown = explorer(frame)
    with pytest.raises(FrameError, match="into another figure than the one it gave"):
        [shown.frame(p=p) for p in VALUES]
