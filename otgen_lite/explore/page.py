"""The HTML form of an explorer: all frames, no kernel.

``explorer.js`` makes the controls work. Without it the reader has the first frame and a table of
all values. The frames travel as JSON inside the figure, for the website a second time as they are
drawn for phones; the book's Sphinx extension moves them to files of their own, of which a page
loads one, so that it is read before its pictures are loaded.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from .axes import Axis
from .formula import marked, plain
from .interface import Frame, FrameSource
from .picture import NARROW, WIDTH, Picture
from .text import Value, format_value

_MISSING = "–"
#: Screens up to this width get the drawings for phones; explorer.js says the same.
PHONE = "(max-width: 600px)"


@cache
def asset(name: str) -> str:
    """A script or a style sheet of ``otgen_lite/web``."""
    return (resources.files("otgen_lite") / "web" / name).read_text(encoding="utf-8")


def style(name: str) -> str:
    """The ``<style>`` of explorers or rankings, with the colours that they share."""
    return f"<style>\n{asset('palette.css')}{asset(name)}</style>"


def figure(explorer: FrameSource, website: bool = True) -> str:
    """The ``<figure>`` with the frames inside, for a page that loads ``explorer.js``.

    For the website formulas are left to be typeset, and there are drawings for phones.
    """
    frames = [explorer.at(key) for key in explorer.positions()]
    first = explorer.at(explorer.start)
    small = [explorer.narrow(key) for key in explorer.positions()] if website else []
    phones = [picture for picture in small if picture is not None]
    kind = " otg-photo" if first.picture.photo else ""
    names = readout_names(frames)
    ident = f"explorer-{explorer.name}"
    # A figure is called by its caption; without one it would have no name to hear.
    unnamed = "" if explorer.caption else f' aria-label="Explorer: {explorer.name}"'
    parts = [
        f'<figure class="otg-explorer" id="{ident}" data-name="{explorer.name}"{unnamed}>',
        '<fieldset class="otg-controls">',
        '<legend class="otg-hidden">Choose what is shown</legend>',
        *(
            _control(ident, axis, i, website)
            for axis, i in zip(explorer.axes, explorer.start, strict=True)
        ),
        "</fieldset>",
        f'<div class="otg-panel{kind}">{image(first, explorer.narrow(explorer.start))}</div>'
        if phones
        else f'<div class="otg-panel{kind}">{image(first)}</div>',
        readout_table(names, first, website),
        '<p class="otg-status otg-hidden" role="status" aria-live="polite"></p>',
        '<noscript><p class="otg-note">The controls need JavaScript. The picture shows '
        f"{_esc(_state(explorer.axes, explorer.start))}; the table below has all values.</p>"
        "</noscript>",
        _all_values(explorer, frames, names, website),
        _frames(explorer, frames, [frame.picture for frame in frames], WIDTH, "otg-frames"),
        _frames(explorer, frames, phones, NARROW, "otg-frames otg-phone") if phones else "",
        caption(explorer.caption, website),
        "</figure>",
    ]
    return "\n".join(part for part in parts if part)


def document(explorer: FrameSource) -> str:
    """A whole HTML document: opens from disk, asks nobody for anything."""
    script = f"<script>\n{asset('explorer.js')}</script>"
    body = f"{style('explorer.css')}\n{figure(explorer, website=False)}\n{script}"
    return standalone(plain(explorer.caption) or explorer.name, body)


def standalone(title: str, body: str) -> str:
    """A whole document around a part of a page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{_esc(title)}</title>\n<link rel="icon" href="data:,">\n'
        f'</head>\n<body class="otg-alone">\n{body}\n</body>\n</html>\n'
    )


def image(frame: Frame, phone: Picture | None = None) -> str:
    """The picture of a frame as ``<img>``, with another one for phones as ``<picture>``."""
    picture = frame.picture
    width, height = on_the_page(picture, WIDTH)
    wide = (
        f'<img class="otg-picture" src="{picture.src}" alt="{_esc(picture.alt)}" '
        f'width="{width}" height="{height}">'
    )
    if phone is None:
        return wide
    width, height = on_the_page(phone, NARROW)
    source = f'<source media="{PHONE}" srcset="{phone.src}" width="{width}" height="{height}">'
    return f"<picture>{source}{wide}</picture>"


def on_the_page(picture: Picture, width: int) -> tuple[int, int]:
    """Width and height that a picture has on the page, however many pixels it has."""
    return width, round(picture.height * width / picture.width)


def readout_names(frames: Iterable[Frame]) -> list[str]:
    """The names of all read-outs of some frames, in order of appearance."""
    return list(dict.fromkeys(name for frame in frames for name in frame.readouts))


def readout_table(names: Iterable[str], frame: Frame, typeset: bool = False) -> str:
    """The read-outs of a frame as a table; the exact value stands in ``data-value``."""
    rows = [
        f'<tr><th scope="row">{marked(name, typeset)}</th>'
        f'<td data-name="{_esc(plain(name))}"{_cell(frame.readouts.get(name))}</td></tr>'
        for name in names
    ]
    if not rows:
        return ""
    return (
        '<table class="otg-readout"><caption class="otg-hidden">Read-outs of the picture above'
        f"</caption><tbody>{''.join(rows)}</tbody></table>"
    )


def caption(text: str, typeset: bool = True) -> str:
    """The caption; the website typesets its formulas."""
    return f"<figcaption>{marked(text, typeset)}</figcaption>" if text else ""


def _control(ident: str, axis: Axis, start: int, typeset: bool) -> str:
    target = f"{ident}-{axis.name}"
    common = (
        f'id="{target}" data-axis="{axis.name}" aria-labelledby="{target}-label" autocomplete="off"'
    )
    name = f'<span class="otg-name" id="{target}-label">{marked(axis.label, typeset)}</span>'
    if not axis.numeric:
        options = "".join(
            f'<option value="{_esc(str(value))}"{" selected" if i == start else ""}>'
            f"{_esc(text)}</option>"
            for i, (value, text) in enumerate(zip(axis.values, axis.texts, strict=True))
        )
        return f'<label class="otg-control">{name}<select {common}>{options}</select></label>'
    texts, last = axis.texts, len(axis.values) - 1
    return (
        f'<label class="otg-control">{name}'
        f'<output for="{target}" aria-live="off">{_esc(texts[start])}</output>'
        f'<input type="range" {common} min="0" max="{last}" step="1" value="{start}" '
        f'aria-valuetext="{_esc(texts[start])}" data-values="{_esc(_json(axis.values))}" '
        f'data-texts="{_esc(_json(texts))}" style="--otg-gaps:{max(last, 1)}"></label>'
    )


def _all_values(explorer: FrameSource, frames: list[Frame], names: list[str], typeset: bool) -> str:
    columns = names or ["description"]
    head = "".join(f'<th scope="col">{marked(axis.label, typeset)}</th>' for axis in explorer.axes)
    head += "".join(f'<th scope="col">{marked(name, typeset)}</th>' for name in columns)
    rows = []
    for key, frame in zip(explorer.positions(), frames, strict=True):
        cells = [
            f'<th scope="row">{_esc(axis.texts[i])}</th>'
            for axis, i in zip(explorer.axes, key, strict=True)
        ]
        if names:
            cells += [f"<td{_cell(frame.readouts.get(name))}</td>" for name in names]
        else:
            cells.append(f"<td>{_esc(frame.picture.alt)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    summary = f"All {len(frames)} frames as a table" if len(frames) > 1 else "As a table"
    return (
        f'<details class="otg-all"><summary>{summary}</summary>'
        f'<div class="otg-scroll" role="region" aria-label="{summary}" tabindex="0">'
        f'<table class="otg-values"><caption class="otg-hidden">{summary}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _frames(
    explorer: FrameSource, frames: list[Frame], drawn: list[Picture], width: int, kind: str
) -> str:
    """The frames as JSON, with pictures that are shown this wide."""
    names = readout_names(frames)
    first = drawn[explorer.positions().index(explorer.start)]
    # The first picture stands in the <img> already; equal pictures are stored once.
    place: dict[bytes, int] = {first.data: 0}
    pictures: list[Any] = [None]
    for picture in drawn:
        if picture.data not in place:
            place[picture.data] = len(pictures)
            pictures.append([picture.src, *on_the_page(picture, width)])
    content = {
        "name": explorer.name,
        "readouts": names,
        "pictures": pictures,
        "frames": [
            [
                place[picture.data],
                frame.picture.alt,
                [_pair(frame.readouts.get(name)) for name in names],
            ]
            for frame, picture in zip(frames, drawn, strict=True)
        ],
    }
    text = _json(content).replace("<", "\\u003c")
    text = text.replace("\u2028", " ").replace("\u2029", " ")
    return f'<script type="application/json" class="{kind}">{text}</script>'


def _pair(value: Value | None) -> list[str] | None:
    """Text, exact value, kind: what a cell of a read-out needs."""
    if value is None:
        return None
    kind = "text" if isinstance(value, str) else "number"
    return [format_value(value), value if isinstance(value, str) else repr(value), kind]


def _cell(value: Value | None) -> str:
    pair = _pair(value)
    if pair is None:
        return f">{_MISSING}"
    text, exact, kind = map(_esc, pair)
    return f' data-value="{exact}" data-kind="{kind}">{text}'


def _state(axes: Iterable[Axis], key: Iterable[int]) -> str:
    return ", ".join(
        f"{plain(axis.label)} = {axis.texts[i]}" for axis, i in zip(axes, key, strict=True)
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _esc(text: str) -> str:
    return html.escape(text, quote=True)
