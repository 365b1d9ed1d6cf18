"""Drive the explorers of a built page with the keyboard, as a reader does, and read what is shown.

For a Playwright ``page`` and the ``Locator`` of one ``figure.otg-explorer``:

* :func:`walk` goes through every frame, :func:`sweep` along each axis from the first values;
* :func:`check` compares what was shown with the explorer that Python computed;
* :func:`step_times` measures how long a step takes.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from playwright.sync_api import Locator, Page

_STATE = """async (figure) => {
    const image = figure.querySelector("img.otg-picture");
    await image.decode();
    const cells = [...figure.querySelectorAll(".otg-readout td")];
    return {
        frame: Number(figure.dataset.frame),
        src: image.currentSrc,
        pixels: image.naturalWidth * image.naturalHeight,
        alt: image.alt,
        readouts: cells.map((td) => [td.dataset.name, td.dataset.value, td.dataset.kind]),
        texts: cells.map((td) => [td.dataset.name, td.textContent]),
        outputs: [...figure.querySelectorAll("output")].map((output) => output.textContent),
        valuetexts: [...figure.querySelectorAll("input")].map(
            (input) => input.getAttribute("aria-valuetext")),
    };
}"""

_AXES = """(figure) => [...figure.querySelectorAll("[data-axis]")].map((control) => ({
    name: control.dataset.axis,
    values: control.type === "range"
        ? JSON.parse(control.dataset.values) : [...control.options].map((o) => o.value),
    at: control.type === "range" ? Number(control.value) : control.selectedIndex,
}))"""

_TIMES = """async ([figure, axis]) => {
    const control = figure.querySelector(`[data-axis="${axis}"]`);
    const image = figure.querySelector("img.otg-picture");
    const slider = control.type === "range";
    const last = slider ? Number(control.max) : control.options.length - 1;
    const places = [];
    for (let at = 0; at <= last; at++) places.push(at);
    const times = [];
    for (const at of [...places, ...places.reverse()]) {
        const began = performance.now();
        if (slider) control.value = at; else control.selectedIndex = at;
        control.dispatchEvent(new Event("input", { bubbles: true }));
        await image.decode();
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - began);
    }
    return times;
}"""


@dataclass(frozen=True)
class Shown:
    """What a reader sees after some keys.

    Attributes:
        values: axis name to value, numbers as numbers.
        readouts: read-out name to its exact value.
        texts: read-out name to the text on the screen.
        picture: SHA-256 of the picture's bytes.
        alt: its text.
    """

    values: dict[str, Any]
    readouts: dict[str, Any]
    texts: dict[str, str]
    picture: str
    alt: str


def fingerprint(data: bytes) -> str:
    """What stands for a picture in :class:`Shown`."""
    return hashlib.sha256(data).hexdigest()


def picture_at(page: Page, address: str) -> bytes:
    """The bytes of a picture: in its address, on disk, or on the server."""
    if address.startswith("data:"):
        return base64.b64decode(address.partition(",")[2])
    if address.startswith("file:"):
        return Path(unquote(urlparse(address).path)).read_bytes()
    return page.request.get(address).body()


def ready(figure: Locator) -> None:
    """Scroll an explorer into view and wait until its frames are there."""
    figure.scroll_into_view_if_needed()
    handle = figure.element_handle()
    figure.page.wait_for_function(
        "(figure) => ['ready', 'failed'].includes(figure.dataset.state)",
        arg=handle,
    )
    assert figure.get_attribute("data-state") == "ready", figure.inner_text()


def axes_of(figure: Locator) -> list[dict[str, Any]]:
    """Name, values and present position of each axis."""
    return figure.evaluate(_AXES)


def walk(page: Page, figure: Locator) -> list[Shown]:
    """Every frame, the last axis moving fastest."""
    ready(figure)
    sizes = [len(axis["values"]) for axis in axes_of(figure)]
    return [_go(page, figure, place) for place in itertools.product(*map(range, sizes))]


def sweep(page: Page, figure: Locator) -> dict[str, list[Shown]]:
    """Along each axis from end to end, the others at their first value."""
    ready(figure)
    axes = axes_of(figure)
    found = {}
    for number, axis in enumerate(axes):
        places = [
            tuple(at if other == number else 0 for other in range(len(axes)))
            for at in range(len(axis["values"]))
        ]
        found[axis["name"]] = [_go(page, figure, place) for place in places]
    return found


def check(shown: Shown, explorer: Any, picture: bool = True) -> None:
    """Compare what was shown with Python: read-outs exactly, texts, alt and the picture itself.

    Args:
        shown: one of the answers of :func:`walk` or :func:`sweep`.
        explorer: an ``otgen_lite.explore.Explorer``.
        picture: whether to compare the pictures bit by bit too.
    """
    from otgen_lite.explore import format_value
    from otgen_lite.explore.formula import plain

    frame = explorer.frame(**shown.values)
    readouts = {plain(name): value for name, value in frame.readouts.items()}
    assert set(shown.readouts) >= set(readouts), shown
    for name, value in shown.readouts.items():
        expected = readouts.get(name, "")
        both_nan = value != value and expected != expected
        assert value == expected or both_nan, f"{shown.values}: {name} {value!r}, not {expected!r}"
        assert shown.texts[name] == (format_value(expected) if name in readouts else "–")
    assert shown.alt == frame.picture.alt
    if picture:
        assert shown.picture == fingerprint(frame.picture.data), f"{shown.values}: another picture"


def step_times(figure: Locator, axis: str) -> list[float]:
    """Milliseconds from the input event to the decoded picture and the next screen refresh,
    for each step along an axis, there and back."""
    ready(figure)
    return figure.page.evaluate(_TIMES, [figure.element_handle(), axis])


def _go(page: Page, figure: Locator, place: tuple[int, ...]) -> Shown:
    """Move every axis to its place by arrow keys (Home first, where it must go back)."""
    axes = axes_of(figure)
    for axis, target in zip(axes, place, strict=True):
        control = figure.locator(f'[data-axis="{axis["name"]}"]')
        if axis["at"] == target:
            continue
        control.focus()
        steps = target - axis["at"]
        if steps < 0:
            page.keyboard.press("Home")
            steps = target
        forward = "ArrowRight" if control.get_attribute("type") == "range" else "ArrowDown"
        for _ in range(steps):
            page.keyboard.press(forward)
    axes = axes_of(figure)
    now = tuple(axis["at"] for axis in axes)
    assert now == place, f"the keys moved the controls to {now}, not to {place}"
    number = 0
    for axis, at in zip(axes, place, strict=True):
        number = number * len(axis["values"]) + at
    page.wait_for_function(
        "([figure, number]) => Number(figure.dataset.frame) === number",
        arg=[figure.element_handle(), number],
    )
    state = figure.evaluate(_STATE)
    assert state["pixels"] > 0, "the picture cannot be decoded"
    assert state["outputs"] == state["valuetexts"], "what is written and what is read out differ"
    return Shown(
        values={axis["name"]: axis["values"][at] for axis, at in zip(axes, place, strict=True)},
        readouts={name: _exact(value, kind) for name, value, kind in state["readouts"]},
        texts=dict(state["texts"]),
        picture=fingerprint(picture_at(page, state["src"])),
        alt=state["alt"],
    )


def _exact(value: str | None, kind: str | None) -> Any:
    if kind != "number":
        return value or ""
    try:
        return json.loads(value or "")
    except json.JSONDecodeError:
        return math.nan if value == "nan" else float(value or "")
