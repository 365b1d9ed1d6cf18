"""The widgets of a :class:`~otgen_lite.TrainingPanel`, and the thread that trains."""

from __future__ import annotations

import html
import math
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from otgen_lite.explore.interface import Frame
from otgen_lite.explore.page import image, readout_table, style
from otgen_lite.explore.picture import Picture, draw, encode
from otgen_lite.explore.text import Value, format_value
from otgen_lite.plots.style import figure as book_figure
from otgen_lite.training import History

if TYPE_CHECKING:
    from otgen_lite.training_panel import TrainingPanel

#: Choices of a control: an interval of positive numbers, or a list of names.
Choice = tuple[float, float] | Sequence[str]

#: Seconds between two drawings of the losses: one costs less than a tenth of that.
REFRESH = 1.0


class Widgets:
    """Controls, buttons, progress and picture of a panel, and the thread that trains.

    Attributes:
        root: the widget to show.
        inputs: by name the control of a hyper-parameter.
        go, halt: the buttons.
        bar: the progress; ``status``: a line of text; ``stage``: losses, then the picture.
        thread: the last training.
    """

    def __init__(self, panel: TrainingPanel) -> None:
        import ipywidgets

        self._panel = panel
        self._stop = threading.Event()
        self.thread: threading.Thread | None = None
        self.inputs = {
            key: _input(choice, panel.labels[key], panel.start[key])
            for key, choice in panel.controls.items()
        }
        self.go = ipywidgets.Button(description="Train", button_style="primary", icon="play")
        self.halt = ipywidgets.Button(description="Stop", icon="stop", disabled=True)
        wide = ipywidgets.Layout(width="auto")
        self.bar = ipywidgets.IntProgress(max=int(panel.options["steps"]), layout=wide)
        self.status = ipywidgets.HTML()
        self.stage = ipywidgets.HTML(layout=wide)
        self.go.on_click(lambda _: self.begin())
        self.halt.on_click(lambda _: self._stop.set())
        looks = ipywidgets.HTML(style("explorer.css"))
        buttons = ipywidgets.HBox([self.go, self.halt])
        self.root = ipywidgets.VBox(
            [*self.inputs.values(), buttons, self.bar, self.status, self.stage, looks],
            layout=ipywidgets.Layout(max_width="720px"),
        )

    def begin(self) -> None:
        """Train what the controls say, in a thread; nothing while one is under way."""
        if self.thread is not None and self.thread.is_alive():
            return
        values = {key: control.value for key, control in self.inputs.items()}
        self._stop.clear()
        self.go.disabled, self.halt.disabled = True, False
        self.bar.value, self.stage.value = 0, ""
        self._say("training …")
        self.thread = threading.Thread(
            target=self._run, args=(values, torch.get_default_device()), name="otg-training",
            daemon=True,
        )  # fmt: skip
        self.thread.start()

    def _run(self, values: Mapping[str, Any], device: torch.device) -> None:
        if device.type != "cpu":  # torch's default device is each thread's own
            torch.set_default_device(device)
        drawn_at = time.monotonic()

        def show_progress(step: int, history: History) -> bool:
            nonlocal drawn_at
            if time.monotonic() - drawn_at > REFRESH and self.root.comm is not None:
                self.bar.value = step
                self._say(f"{step:,} of {self.bar.max:,} steps: {_losses(history)}")
                self.stage.value = image(Frame(losses_so_far(history, self.bar.max), {}))
                drawn_at = time.monotonic()
            # A closed panel has no button left to stop it.
            return self._stop.is_set() or self.root.comm is None

        try:
            frame = self._panel.train(show_progress, **values)
            history = self._panel.history
            assert history is not None
            ended = "stopped after" if history.interrupted else "done:"
            self.bar.value = history.steps
            self._say(f"{ended} {history.steps:,} steps in {history.seconds:.1f} s, "
                      f"{_losses(history)}")  # fmt: skip
            self.stage.value = (
                f'<div class="otg-explorer otg-live" data-name="{self._panel.name}">'
                f'<div class="otg-panel">{image(frame)}</div>'
                f"{readout_table(list(frame.readouts), frame)}</div>"
            )
        except Exception as error:
            lines = "".join(traceback.format_exception(error))
            self._say("the training failed")
            self.stage.value = (
                '<div class="otg-explorer otg-live"><div class="otg-error" role="alert">'
                f"<p>{html.escape(f'{type(error).__name__}: {error}')}</p>"
                f"<pre>{html.escape(lines)}</pre></div></div>"
            )
        finally:
            self.go.disabled, self.halt.disabled = False, True

    def _say(self, text: str) -> None:
        self.status.value = f'<p class="otg-note" role="status">{html.escape(text)}</p>'


def losses_so_far(history: History, steps: int) -> Picture:
    """A panel for each player: its loss, step by step, on the whole length of the training."""
    players = list(history.losses)
    drawn, axes = book_figure(1, len(players), height=2.2, squeeze=False)
    for ax, player in zip(axes[0], players, strict=True):
        losses = torch.as_tensor(history.losses[player]).float()
        each = max(1, len(losses) // 300)  # as many points as can be seen
        steps_done = np.linspace(0, history.steps, len(losses))
        ax.plot(steps_done[::each], losses[::each], linewidth=1.0)
        ax.set(xlim=(0, steps), xlabel="step", ylabel=f"loss of the {player}")
    alt = f"Losses after {history.steps} of {steps} steps: {_losses(history)}."
    return encode(draw(drawn), alt)


def _losses(history: History) -> str:
    return ", ".join(f"{player} {format_value(v)}" for player, v in history.last().items())


def _input(choice: Choice, label: str, start: Value) -> Any:
    """A drop-down list of names, or a logarithmic slider."""
    import ipywidgets

    shared = dict(
        value=start, description=label, style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="auto"),
    )  # fmt: skip
    if isinstance(choice[0], str):
        return ipywidgets.Dropdown(options=list(choice), **shared)
    low, high = (math.log10(float(end)) for end in choice)
    return ipywidgets.FloatLogSlider(
        base=10, min=low, max=high, step=(high - low) / 100, readout_format=".3g", **shared
    )
