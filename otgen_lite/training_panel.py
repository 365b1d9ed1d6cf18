"""``TrainingPanel``: choose hyper-parameters, press a button, watch a model train."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from otgen_lite import _checks
from otgen_lite._panel_widgets import Choice, Widgets
from otgen_lite.explore.checks import Drawn, check_alt, check_name, check_text, unpack
from otgen_lite.explore.explorer import building_book, live_kernel
from otgen_lite.explore.interface import Frame
from otgen_lite.explore.picture import draw, encode
from otgen_lite.explore.text import Alt, Value, describe, plain_value
from otgen_lite.methods.base import Method
from otgen_lite.training import History, fit

_VIEW = "application/vnd.jupyter.widget-view+json"


class TrainingPanel:
    """A panel on which the reader chooses hyper-parameters and trains a model, in a live kernel.

    In a live kernel (Jupyter, Colab; ipywidgets 7.7 and 8) the panel has a control for each
    hyper-parameter, buttons that start and stop the training, a progress bar, and the losses so
    far; at the end it shows the picture that ``show`` makes. The model is trained by
    :func:`otgen_lite.fit` in a thread, so that the notebook remains usable. On the website, where
    there is no kernel, a sentence takes its place.

    Args:
        make: ``make(**values)`` returns an untrained method.
        data: the training data, as for :func:`otgen_lite.fit`.
        controls: what can be chosen, by name: a pair of positive numbers ``(low, high)`` for any
            number between them (on a logarithmic slider), or a list of texts.
        show: ``show(method)`` returns a matplotlib ``Figure`` or ``(Figure, read-outs)``.
        name: lower-case letters, digits and hyphens.
        alt: a description of the picture: a format string over the names of controls and read-outs,
            or a callable ``(values, readouts) -> str``.
        instead: the sentence for the website.
        options: options of :func:`otgen_lite.fit`.
        labels: the text that the reader sees for each control, by its name; default the name.
        start: the initial value of each control, by its name; default the middle of an interval and
            the first text of a list.

    Attributes:
        method: the method that is being trained or was trained last; None before.
        history: its :class:`~otgen_lite.History`; None until a training is done.

    Raises:
        ValueError: if an argument is out of range; the message says what it was and must be.
        TypeError: if an argument has the wrong type.

    Chapter: 10.

    Example:
        >>> import torch
        >>> import otgen_lite as otg
        >>> def make(lam):
        ...     return otg.PenalizedOT(
        ...         otg.MLP(2, [8], 1, generator=0), otg.MLP(1, [8], 2, generator=1),
        ...         penalty=otg.MMD(), lam=lam,
        ...     )
        >>> panel = TrainingPanel(
        ...     make, torch.rand(64, 2, generator=torch.Generator().manual_seed(0)),
        ...     {"lam": (0.01, 100.0)},
        ...     show=lambda method: otg.plots.clouds(source=method.sample(50)),
        ...     name="own", alt="Fifty draws, lambda {lam}.",
        ...     options={"steps": 20, "batch_size": 32},
        ... )
        >>> panel
        TrainingPanel 'own': lam from 0.01 to 100
        >>> picture, readouts = panel.train(lam=1.0)
        >>> picture.alt, panel.history.steps
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
        self._widgets: Widgets | None = None

    def __repr__(self) -> str:
        parts = [
            f"{name} from {low:g} to {high:g}" if isinstance(low, float) else f"{name} of {choice}"
            for name, choice in self.controls.items()
            for low, high in [(choice[0], choice[-1])]
        ]
        return f"TrainingPanel {self.name!r}: {'; '.join(parts)}"

    def train(
        self, callback: Callable[[int, History], bool | None] | None = None, **values: Any
    ) -> Frame:
        """Train one model, as the button does, and show it.

        Args:
            callback: called after every step with the number of steps done and the history; if it
                returns True, the training stops.
            **values: a value for each control; controls that are left out keep their initial value.

        Returns:
            The frame, ``(picture, readouts)``.

        Raises:
            ValueError: if a value is outside the range of its control.
        """
        chosen = dict(self.start)
        for key, value in _named(values, self.controls, "values").items():
            chosen[key] = self._checked(key, value)
        callbacks = list(self.options.get("callbacks", ()))
        if callback is not None:
            callbacks.append(lambda step, method, history: callback(step, history))
        self.history = None
        self.method = self._make(**chosen)
        options = {"progress": False, **self.options, "callbacks": callbacks}
        self.history = fit(self.method, self._data, **options)
        drawn, readouts = unpack(self._draw(self.method))
        plain = {key: plain_value(v, f"read-out {key!r}") for key, v in readouts.items()}
        return Frame(encode(draw(drawn), describe(self.alt, chosen, plain)), plain)

    def widget(self) -> Any:
        """The panel as an ipywidgets widget.

        Raises:
            RuntimeError: while the book is built, because a widget does not work without a kernel.
        """
        if building_book():
            raise RuntimeError("no widget may be made while the book is built (OTGEN_BOOK=1)")
        if self._widgets is None or self._widgets.root.comm is None:
            self._widgets = Widgets(self)
        return self._widgets.root

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the training is over; False if that takes longer than so many seconds."""
        thread = self._widgets.thread if self._widgets is not None else None
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
