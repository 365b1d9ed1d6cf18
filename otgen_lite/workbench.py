"""``Workbench``: choose hyper-parameters, press a button, watch a model train."""

from __future__ import annotations

import html
import math
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from otgen_lite import _checks
from otgen_lite.explore.checks import Drawn, check_alt, check_name, check_text, unpack
from otgen_lite.explore.explorer import building_book, live_kernel
from otgen_lite.explore.page import asset, image, readout_table
from otgen_lite.explore.picture import Picture, draw, encode
from otgen_lite.explore.shown import Frame
from otgen_lite.explore.text import Alt, Value, describe, format_value, plain_value
from otgen_lite.methods.base import Method
from otgen_lite.plots.style import figure as book_figure
from otgen_lite.training import History, fit

_VIEW = "application/vnd.jupyter.widget-view+json"

#: Seconds between two looks at the losses: a look costs less than a tenth of that.
LOOK = 1.0

#: What can be chosen: an interval of positive numbers, or a list of names.
Choice = tuple[float, float] | Sequence[str]


class Workbench:
    """Train a model of one's own, beside an explorer: for a kernel only.

    In a live kernel (Jupyter, Colab; ipywidgets 7.7 and 8) this is a panel: a control for each
    hyper-parameter, a button that trains, a bar, the losses while they fall, a button that stops,
    and at the end the picture that ``show`` makes. The model is trained by :func:`otgen_lite.fit`
    in a thread, so the notebook stays usable. On the website, where there is no kernel, a sentence
    stands in its place.

    Args:
        make: ``make(**values)`` gives an untrained method.
        data: what it is trained on, as for :func:`otgen_lite.fit`.
        controls: by name what can be chosen: a pair of positive numbers ``(low, high)`` for any
            number between them (on a logarithmic slider), or a list of texts.
        show: ``show(method)`` gives a matplotlib ``Figure`` or ``(Figure, read-outs)``.
        name: lower-case letters, digits and hyphens.
        alt: what the picture shows: a format string over the names of controls and read-outs, or a
            callable ``(values, readouts) -> str``.
        instead: the sentence for the website.
        options: of :func:`otgen_lite.fit`.
        labels: by name what the reader sees; default the name.
        start: by name the value at the beginning; default the middle of an interval and the first
            text of a list.

    Attributes:
        method: the method that was trained last, or is being trained; None before.
        history: its losses; None before it is done.

    Raises:
        ValueError: if an argument is not what it must be, with its name and what it was.
        TypeError: if it is of the wrong kind.

    Chapter: 10.

    Example:
        >>> import otgen_lite as otg
        >>> def make(lam):
        ...     return otg.PenalizedOT(
        ...         otg.MLP(2, [8], 1, generator=0), otg.MLP(1, [8], 2, generator=1),
        ...         penalty=otg.MMD(), lam=lam,
        ...     )
        >>> bench = Workbench(
        ...     make, torch.rand(64, 2, generator=torch.Generator().manual_seed(0)),
        ...     {"lam": (0.01, 100.0)},
        ...     show=lambda method: otg.plots.clouds(source=method.sample(50)),
        ...     name="own", alt="Fifty draws, lambda {lam}.",
        ...     options={"steps": 20, "batch_size": 32},
        ... )
        >>> bench
        Workbench 'own': lam from 0.01 to 100
        >>> picture, readouts = bench.train(lam=1.0)
        >>> picture.alt, bench.history.steps
        ('Fifty draws, lambda 1.', 20)
    """

    def __init__(
        self,
        make: Callable[..., Method],
        data: Any,
        controls: Mapping[str, Choice],
        *,
        show: Callable[[Method], Drawn],
        name: str,
        alt: Alt,
        instead: str = "",
        options: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        start: Mapping[str, Value] | None = None,
    ) -> None:
        for argument, value in (("make", make), ("show", show)):
            if not callable(value):
                raise TypeError(f"{argument} must be a function, but was {value!r}")
        self._make, self._data, self._draw = make, data, show
        self.controls = _controls(controls)
        self.name, self.alt = check_name(name), check_alt(alt)
        self.instead = check_text("instead", instead)
        self.options = {"steps": 2000, **(options or {})}
        self.labels = {**{key: key for key in self.controls}, **_named(labels, controls, "labels")}
        self.start = {key: _middle(choice) for key, choice in self.controls.items()}
        for key, value in _named(start, controls, "start").items():
            self.start[key] = self._checked(key, value)
        self.method: Method | None = None
        self.history: History | None = None
        self._panel: Panel | None = None

    def __repr__(self) -> str:
        parts = [
            f"{name} from {low:g} to {high:g}" if isinstance(low, float) else f"{name} of {choice}"
            for name, choice in self.controls.items()
            for low, high in [(choice[0], choice[-1])]
        ]
        return f"Workbench {self.name!r}: {'; '.join(parts)}"

    def train(
        self, watch: Callable[[int, History], bool | None] | None = None, **values: Any
    ) -> Frame:
        """Train one model, as the button does, and show it.

        Args:
            watch: called after every step with the steps done and the history; True stops.
            **values: one for each control; those left out are at their start.

        Returns:
            The frame, ``(picture, readouts)``.

        Raises:
            ValueError: if a value is outside its control.
        """
        chosen = dict(self.start)
        for key, value in _named(values, self.controls, "values").items():
            chosen[key] = self._checked(key, value)
        callbacks = list(self.options.get("callbacks", ()))
        if watch is not None:
            callbacks.append(lambda step, method, history: watch(step, history))
        self.history = None
        self.method = self._make(**chosen)
        options = {"progress": False, **self.options, "callbacks": callbacks}
        self.history = fit(self.method, self._data, **options)
        drawn, readouts = unpack(self._draw(self.method))
        plain = {key: plain_value(v, f"read-out {key!r}") for key, v in readouts.items()}
        return Frame(encode(draw(drawn), describe(self.alt, chosen, plain)), plain)

    def widget(self) -> Any:
        """The panel.

        Raises:
            RuntimeError: while the book is built, because a widget without a kernel is dead.
        """
        if building_book():
            raise RuntimeError("no widget may be made while the book is built (OTGEN_BOOK=1)")
        if self._panel is None or self._panel.root.comm is None:
            self._panel = Panel(self)
        return self._panel.root

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the panel trains no more; False if that takes longer than so many seconds."""
        thread = self._panel.thread if self._panel is not None else None
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _repr_mimebundle_(
        self, include: Sequence[str] | None = None, exclude: Sequence[str] | None = None
    ) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if building_book():
            bundle["text/markdown"] = html.escape(self.instead, quote=False)  # as prose
        elif live_kernel():
            model = self.widget().model_id
            bundle[_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": model}
        return bundle

    def _checked(self, key: str, value: Any) -> Value:
        choice = self.controls[key]
        if isinstance(choice[0], str):
            return _checks.choice(key, value, [str(name) for name in choice])
        number = _checks.number(key, value)
        low, high = float(choice[0]), float(choice[1])
        if not low <= number <= high:
            raise ValueError(f"{key} must be between {low:g} and {high:g}, got {number:g}")
        return number


class Panel:
    """The widgets of a workbench, and the thread that trains.

    Attributes:
        root: the widget to show.
        inputs: by name the control of a hyper-parameter.
        go, halt: the buttons.
        bar: the progress; ``status``: a line of text; ``stage``: losses, then the picture.
        thread: the last training.
    """

    def __init__(self, bench: Workbench) -> None:
        import ipywidgets

        self._bench = bench
        self._stop = threading.Event()
        self.thread: threading.Thread | None = None
        self.inputs = {
            key: _input(choice, bench.labels[key], bench.start[key])
            for key, choice in bench.controls.items()
        }
        self.go = ipywidgets.Button(description="Train", button_style="primary", icon="play")
        self.halt = ipywidgets.Button(description="Stop", icon="stop", disabled=True)
        wide = ipywidgets.Layout(width="auto")
        self.bar = ipywidgets.IntProgress(max=int(bench.options["steps"]), layout=wide)
        self.status = ipywidgets.HTML()
        self.stage = ipywidgets.HTML(layout=wide)
        self.go.on_click(lambda _: self.begin())
        self.halt.on_click(lambda _: self._stop.set())
        style = ipywidgets.HTML(f"<style>{asset('explorer.css')}</style>")
        buttons = ipywidgets.HBox([self.go, self.halt])
        self.root = ipywidgets.VBox(
            [*self.inputs.values(), buttons, self.bar, self.status, self.stage, style],
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
            target=self._run, args=(values, torch.get_default_device()), name="otg-workbench",
            daemon=True,
        )  # fmt: skip
        self.thread.start()

    def _run(self, values: Mapping[str, Any], device: torch.device) -> None:
        if device.type != "cpu":  # torch's default device is each thread's own
            torch.set_default_device(device)
        looked = time.monotonic()

        def watch(step: int, history: History) -> bool:
            nonlocal looked
            if time.monotonic() - looked > LOOK and self.root.comm is not None:
                self.bar.value = step
                self._say(f"{step:,} of {self.bar.max:,} steps: {_losses(history)}")
                self.stage.value = image(Frame(losses_so_far(history, self.bar.max), {}))
                looked = time.monotonic()
            # A panel that was closed has no button left to stop it.
            return self._stop.is_set() or self.root.comm is None

        try:
            frame = self._bench.train(watch, **values)
            history = self._bench.history
            assert history is not None
            ended = "stopped after" if history.interrupted else "done:"
            self.bar.value = history.steps
            self._say(f"{ended} {history.steps:,} steps in {history.seconds:.1f} s, "
                      f"{_losses(history)}")  # fmt: skip
            self.stage.value = (
                f'<div class="otg-explorer otg-live" data-name="{self._bench.name}">'
                f'<div class="otg-panel">{image(frame)}</div>'
                f"{readout_table(list(frame.readouts), frame)}</div>"
            )
        except Exception as error:
            lines = "".join(traceback.format_exception(error))
            self._say("it failed")
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
        rounds = np.linspace(0, history.steps, len(losses))
        ax.plot(rounds[::each], losses[::each], linewidth=1.0)
        ax.set(xlim=(0, steps), xlabel="step", ylabel=f"loss of the {player}")
    alt = f"Losses after {history.steps} of {steps} steps: {_losses(history)}."
    return encode(draw(drawn), alt)


def _losses(history: History) -> str:
    return ", ".join(f"{player} {format_value(v)}" for player, v in history.last().items())


def _controls(controls: Any) -> dict[str, Choice]:
    if not isinstance(controls, Mapping) or not controls:
        raise TypeError(f"controls must be a dict of name to choice, but was {controls!r}")
    out: dict[str, Choice] = {}
    for key, choice in controls.items():
        values = tuple(choice) if isinstance(choice, (tuple, list)) else ()
        if values and all(isinstance(v, str) and v.strip() for v in values):
            out[key] = list(values)
        elif len(values) == 2 and not any(isinstance(v, str) for v in values):
            low, high = (_checks.positive(f"controls[{key!r}]", v) for v in values)
            if low >= high:
                raise ValueError(f"controls[{key!r}] must rise, but was {choice!r}")
            out[key] = (low, high)
        else:
            raise ValueError(
                f"controls[{key!r}] must be a pair of positive numbers or a list of texts, "
                f"but was {choice!r}"
            )
    return out


def _named(given: Mapping[str, Any] | None, known: Mapping[str, Any], what: str) -> dict[str, Any]:
    if unknown := sorted(set(given or {}) - set(known)):
        raise ValueError(f"{what} names {unknown}, but the controls are {list(known)}")
    return dict(given or {})


def _middle(choice: Choice) -> Value:
    if isinstance(choice[0], str):
        return choice[0]
    return math.sqrt(float(choice[0]) * float(choice[1]))


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
