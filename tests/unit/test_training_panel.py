"""The training panel: trained by hand, by its button, in a kernel, and on a page without."""

from __future__ import annotations

import html
import re
import threading

import ipywidgets
import nbformat
import pytest
import torch

import otgen_lite as otg
from otgen_lite import _panel_widgets as widgets
from otgen_lite import training_panel as module
from otgen_lite.training_panel import TrainingPanel
from tests.patience import HANGS, kernel, until

VIEW = "application/vnd.jupyter.widget-view+json"
DATA = torch.randn(64, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float32)


@pytest.fixture(autouse=True)
def _kernel(monkeypatch):
    monkeypatch.delenv("OTGEN_BOOK", raising=False)
    monkeypatch.setattr(module, "live_kernel", lambda: True)
    yield
    ipywidgets.Widget.close_all()
    until(lambda: not any(t.name == "otg-training" for t in threading.enumerate()))


def make(lam, cost="sqeuclidean"):
    encoder = otg.MLP(2, [8], 1, generator=0).float()
    decoder = otg.MLP(1, [8], 2, generator=1).float()
    return otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=lam, cost=cost)


def show(method):
    x = method.sample(20, torch.Generator().manual_seed(1))
    return otg.plots.clouds(source=x), {"spread": round(x.var().item(), 4)}


def panel(**changes):
    arguments = dict(
        make=make,
        data=DATA,
        controls={"lam": (0.01, 100.0), "cost": ["sqeuclidean", "cityblock"]},
        show=show,
        name="own",
        alt="Draws, lambda {lam}, cost {cost}: spread {spread}.",
        instead="The explorer takes its <place>.",
        options={"steps": 30, "batch_size": 16, "lr": 1e-2, "seed": 3},
        labels={"lam": "λ"},
        start={"lam": 0.5},
    )
    return TrainingPanel(**{**arguments, **changes})


class Pressed:
    """A panel, worked as a reader works it."""

    def __init__(self, own):
        self.own = own
        self.root = own.widget()
        self.lam, self.cost, buttons, self.bar, self.status, self.stage, _ = self.root.children
        self.go, self.halt = buttons.children

    @property
    def alt(self):
        found = re.search(r'<img [^>]*alt="([^"]*)"', self.stage.value)
        return html.unescape(found[1]) if found else ""


def held(gate, **options):
    """Options of a training that stops in its third step until the gate opens."""

    def hold(step, method, history):
        if step == 3:
            assert gate.wait(HANGS), "nobody opened the gate"

    return {"steps": 30, "batch_size": 16, "callbacks": [hold], **options}


def test_a_training_by_hand_is_that_of_fit():
    own = panel()
    seen = []
    frame = own.train(lambda step, history: seen.append((step, history.steps)), lam=2.0)
    alone = make(lam=2.0)
    losses = otg.fit(alone, DATA, steps=30, batch_size=16, lr=1e-2, seed=3, progress=False)
    assert torch.equal(own.history.losses["autoencoder"], losses.losses["autoencoder"])
    for mine, theirs in zip(own.method.parameters(), alone.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert seen == [(k, k) for k in range(1, 31)]
    assert frame.readouts == show(alone)[1]
    assert frame.picture.alt.startswith("Draws, lambda 2, cost sqeuclidean")


def test_a_watcher_that_says_true_ends_the_training():
    own = panel()
    own.train(lambda step, history: step == 7)
    assert own.history.interrupted
    assert own.history.steps == 7
    assert own.method.lam.item() == 0.5


def test_the_controls_fit_what_can_be_chosen():
    pressed = Pressed(panel())
    assert isinstance(pressed.lam, ipywidgets.FloatLogSlider)
    assert (pressed.lam.min, pressed.lam.max, pressed.lam.value) == (-2.0, 2.0, 0.5)
    assert isinstance(pressed.cost, ipywidgets.Dropdown)
    assert pressed.cost.options == ("sqeuclidean", "cityblock")
    assert (pressed.lam.description, pressed.cost.description) == ("λ", "cost")
    assert pressed.halt.disabled
    assert not pressed.go.disabled


def test_the_button_trains_what_the_controls_say():
    pressed = Pressed(panel())
    pressed.lam.value, pressed.cost.value = 10.0, "cityblock"
    pressed.go.click()
    assert pressed.own.wait(HANGS)
    alone = make(lam=10.0, cost="cityblock")
    otg.fit(alone, DATA, steps=30, batch_size=16, lr=1e-2, seed=3, progress=False)
    spread = show(alone)[1]["spread"]
    assert pressed.alt == f"Draws, lambda 10, cost cityblock: spread {spread:.4g}."
    assert f'data-value="{spread}"' in pressed.stage.value
    assert pressed.bar.value == pressed.bar.max == 30
    assert "done: 30 steps" in pressed.status.value
    assert pressed.halt.disabled
    assert not pressed.go.disabled


def test_losses_are_shown_while_they_fall(monkeypatch):
    monkeypatch.setattr(widgets, "REFRESH", 0.0)
    gate = threading.Event()
    pressed = Pressed(panel(options=held(gate)))
    pressed.go.click()
    until(lambda: pressed.alt.startswith("Losses after 2 of 30 steps: autoencoder "))
    assert pressed.bar.value == 2
    assert "2 of 30 steps" in pressed.status.value
    assert pressed.go.disabled
    assert not pressed.halt.disabled
    gate.set()
    assert pressed.own.wait(HANGS)
    assert pressed.alt.startswith("Draws")


def test_the_stop_button_stops_and_shows_what_there_is():
    gate = threading.Event()
    pressed = Pressed(panel(options=held(gate, steps=100_000)))
    pressed.go.click()
    until(lambda: not pressed.halt.disabled)
    pressed.halt.click()
    gate.set()
    assert pressed.own.wait(HANGS)
    assert pressed.own.history.interrupted
    assert 0 < pressed.own.history.steps <= 3
    assert "stopped after" in pressed.status.value
    assert pressed.alt.startswith("Draws")
    assert pressed.halt.disabled
    assert not pressed.go.disabled


def test_after_a_stop_the_next_training_is_whole():
    gate = threading.Event()
    pressed = Pressed(panel(options=held(gate)))
    pressed.go.click()
    pressed.halt.click()
    gate.set()
    assert pressed.own.wait(HANGS)
    pressed.go.click()
    assert pressed.own.wait(HANGS)
    assert pressed.own.history.steps == 30
    assert not pressed.own.history.interrupted


def test_one_training_at_a_time():
    gate, made = threading.Event(), []

    def counted(**values):
        made.append(values)
        return make(**values)

    pressed = Pressed(panel(make=counted, options=held(gate)))
    pressed.go.click()
    pressed.go.click()
    gate.set()
    assert pressed.own.wait(HANGS)
    assert len(made) == 1


def test_a_panel_that_is_closed_trains_no_more():
    gate = threading.Event()
    pressed = Pressed(panel(options=held(gate, steps=100_000)))
    pressed.go.click()
    pressed.root.close()
    gate.set()
    assert pressed.own.wait(HANGS)
    assert pressed.own.history.interrupted
    assert pressed.own.widget() is not pressed.root


def test_an_error_is_shown_in_place_and_the_next_training_works():
    def fragile(lam, cost):
        if lam > 1:
            raise ArithmeticError("too <much>")
        return make(lam, cost)

    pressed = Pressed(panel(make=fragile))
    pressed.lam.value = 10.0
    pressed.go.click()
    assert pressed.own.wait(HANGS)
    assert "ArithmeticError: too &lt;much&gt;" in pressed.stage.value
    assert "Traceback" in pressed.stage.value
    assert "the training failed" in pressed.status.value
    pressed.lam.value = 0.1
    pressed.go.click()
    assert pressed.own.wait(HANGS)
    assert pressed.alt.startswith("Draws, lambda 0.1")


def test_shown_twice_it_is_one_panel():
    own = panel()
    assert own.widget() is own.widget()
    assert own._repr_mimebundle_()[VIEW]["model_id"] == own.widget().model_id


def test_on_a_page_a_sentence_takes_its_place(monkeypatch):
    monkeypatch.setenv("OTGEN_BOOK", "1")
    own = panel()
    bundle = own._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/markdown"}
    assert bundle["text/markdown"] == "The explorer takes its &lt;place&gt;."
    with pytest.raises(RuntimeError, match="OTGEN_BOOK"):
        own.widget()


def test_without_a_front_end_it_is_a_line_of_text(monkeypatch):
    monkeypatch.setattr(module, "live_kernel", lambda: False)
    assert panel()._repr_mimebundle_() == {
        "text/plain": "TrainingPanel 'own': lam from 0.01 to 100; "
        "cost of ['sqeuclidean', 'cityblock']"
    }


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"make": 3}, TypeError, "make must be a function, but was 3"),
        ({"show": None}, TypeError, "show must be a function"),
        ({"controls": {}}, TypeError, "controls must be a dict"),
        ({"controls": {"lam": (1.0, 0.1)}}, ValueError, r"controls\['lam'\] must rise"),
        ({"controls": {"lam": (0.0, 1.0)}}, ValueError, r"controls\['lam'\]"),
        ({"controls": {"lam": [1.0, 2.0, 3.0]}}, ValueError, "pair of positive numbers"),
        ({"controls": {"cost": ["a", ""]}}, ValueError, "list of texts"),
        ({"labels": {"lambda": "λ"}}, ValueError, r"labels names \['lambda'\]"),
        ({"start": {"lam": 1000.0}}, ValueError, "lam must be between 0.01 and 100, got 1000"),
        ({"start": {"cost": "cityblok"}}, ValueError, "did you mean 'cityblock'"),
        ({"name": "My own"}, ValueError, "name must be"),
        ({"alt": "always the same"}, ValueError, "alt must name"),
    ],
)
def test_bad_arguments_are_named(changes, error, words):
    with pytest.raises(error, match=words):
        panel(**changes)


@pytest.mark.parametrize(
    ("values", "words"),
    [({"lam": 0.001}, "lam must be between"), ({"sigma": 1.0}, r"values names \['sigma'\]")],
)
def test_a_training_takes_only_what_can_be_chosen(values, words):
    own = panel()
    with pytest.raises(ValueError, match=words):
        own.train(**values)
    assert own.method is None


CELL = """
import torch, otgen_lite as otg

def make(lam):
    return otg.PenalizedOT(otg.MLP(2, [8], 1, generator=0), otg.MLP(1, [8], 2, generator=1),
                           penalty=otg.MMD(), lam=lam)

panel = otg.TrainingPanel(
    make, torch.randn(64, 2, generator=torch.Generator().manual_seed(0)), {"lam": (0.1, 10.0)},
    show=lambda method: otg.plots.clouds(source=method.sample(9)), name="own", alt="{lam}",
    options={"steps": 20, "batch_size": 16})
panel
"""


def test_in_a_real_kernel_the_button_trains():
    pressed = "panel.widget().children[1].children[0].click(); print(panel.wait(), panel.history)"
    cells = [nbformat.v4.new_code_cell(source) for source in (CELL, pressed)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    kernel(notebook).execute()
    (output,) = cells[0].outputs
    assert set(output.data) == {"text/plain", VIEW}
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert output.data[VIEW]["model_id"] in state
    stages = [m["state"].get("value", "") for m in state.values() if m["model_name"] == "HTMLModel"]
    assert any("<img" in str(value) for value in stages)
    (printed,) = cells[1].outputs
    assert printed.text.startswith("True")
