"""Explorers: one object; a widget, a page, a picture."""

import base64
import io
import json
import os
import re
import subprocess
import sys
import threading
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest
from explore_samples import Frames, bars, make
from matplotlib.figure import Figure
from PIL import Image

from otgen_lite.explore import Explorer, FrameError, format_value
from otgen_lite.explore import explorer as module
from otgen_lite.explore.frames import FrameStore
from otgen_lite.explore.picture import DETAILS, draw, encode, reduce_colours
from otgen_lite.plots import keep, photograph
from tests.patience import until

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def book(monkeypatch):
    monkeypatch.setenv("OTGEN_BOOK", "1")


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.delenv("OTGEN_BOOK", raising=False)
    monkeypatch.setattr(module, "live_kernel", lambda: True)


# --- numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (1.0, "1"),
        (0, "0"),
        (-0.0, "0"),
        (-2.5, "−2.5"),
        (1234.5678, "1235"),
        (0.00123456, "0.001235"),
        (0.99999, "1"),
        (999999, "999999"),
        (120, "120"),
        (1234567, "1.235 × 10⁶"),
        (-1e-12, "−1 × 10⁻¹²"),
        (float("nan"), "NaN"),
        (float("-inf"), "−∞"),
        ("as it is", "as it is"),
    ],
)
def test_numbers_are_written_for_readers(value, text):
    assert format_value(value) == text


# --- arguments ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"axes": {}}, ValueError, "axes must hold 1 to 3 axes, but holds 0"),
        ({"axes": {letter: [1] for letter in "abcd"}}, ValueError, "holds 4"),
        ({"axes": [1, 2]}, TypeError, "axes must be a dict"),
        ({"axes": {"p": []}}, ValueError, r"axes\['p'\] must not be empty"),
        ({"axes": {"p": "even"}}, TypeError, r"axes\['p'\] must be a list of values"),
        ({"axes": {"p": [1, "two"]}}, TypeError, "only numbers or only strings"),
        ({"axes": {"p": [1, 1.0]}}, ValueError, "distinct"),
        ({"axes": {"p": [1, float("inf")]}}, ValueError, "finite"),
        ({"axes": {"p": [True, False]}}, TypeError, r"axes\['p'\] must be a number or a string"),
        ({"axes": {"p": [" "]}}, ValueError, "empty strings"),
        ({"axes": {"p": [1], "two words": [1]}}, ValueError, "identifier"),
        (
            {"axes": {"p": range(11), "masses": [str(i) for i in range(11)]}},
            ValueError,
            r"11 × 11 = 121 frames, but at most 120 are allowed: take fewer values",
        ),
        ({"labels": {"q": "x"}}, ValueError, r"labels names \['q'\]"),
        ({"labels": {"p": ""}}, ValueError, r"labels\['p'\] must be a text"),
        ({"name": "Two Piles"}, ValueError, "name must be lower-case"),
        ({"name": "../x"}, ValueError, "name must be lower-case"),
        ({"caption": None}, TypeError, "caption must be a string"),
        ({"alt": "always the same"}, ValueError, "alt must name an axis or a read-out"),
        ({"alt": "{"}, ValueError, "alt is not a valid format string"),
        ({"alt": 3}, TypeError, "alt must be a format string or a callable"),
        ({"frame": 3}, TypeError, "frame must be a function"),
        ({"frame": lambda p: bars(1)}, TypeError, r"frame must take the axes \['p', 'masses'\]"),
        ({"start": {"q": 1}}, ValueError, r"start names \['q'\]"),
        ({"start": {"p": 4}}, ValueError, r"axis 'p' must be one of \[1, 2, 3\], but was 4"),
        ({"start": {"masses": "evn"}}, ValueError, "did you mean 'even'"),
    ],
)
def test_a_bad_argument_is_named(changes, error, message):
    with pytest.raises(error, match=message):
        make(**changes)


def test_as_many_frames_as_allowed():
    axes = {"p": range(12), "masses": [str(i) for i in range(10)]}
    assert len(make(axes=axes).positions()) == 120


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"p": 1}, r"needs a value for each of \['p', 'masses'\]"),
        ({"p": 1, "masses": "even", "q": 2}, "needs a value for each"),
        ({"p": 1.5, "masses": "even"}, r"axis 'p' must be one of \[1, 2, 3\]"),
        ({"p": "1", "masses": "even"}, "axis 'p' must be one of"),
    ],
)
def test_a_frame_that_is_not_there(values, message):
    with pytest.raises(ValueError, match=message):
        make().frame(**values)


# --- frames ------------------------------------------------------------------------------


def test_a_frame_is_computed_once():
    frames = Frames()
    explorer = make(frames)
    picture, readouts = explorer.frame(p=2, masses="even")
    assert explorer.frame(masses="even", p=np.float64(2)) == (picture, readouts)
    assert readouts == {"cost": 0.2, "kind": "even <piles>"}
    assert picture.alt == "p = 2, even: cost 0.2"
    explorer.readouts(p=2, masses="even")["cost"] = 7
    assert explorer.readouts(p=2, masses="even")["cost"] == 0.2
    assert frames.calls == [(2, "even")]


def test_readouts_of_other_libraries_become_numbers():
    torch = pytest.importorskip("torch")
    readouts = {"a": torch.tensor(0.5), "b": np.int64(3), "c": np.str_("x")}
    explorer = make(lambda p, masses: (bars(p), readouts), alt="{p}")
    found = explorer.readouts(p=1, masses="even")
    assert found == {"a": 0.5, "b": 3, "c": "x"}
    assert [type(value) for value in found.values()] == [float, int, str]


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (None, "must be a matplotlib Figure"),
        ((bars(1), [1]), "must be a matplotlib Figure"),
        ((bars(1), {"list": [1]}), "read-out 'list' must be a number or a string"),
        ((bars(1), {3: 1}), "the name of a read-out must be a text"),
        ((bars(1), {"other": 1}), "alt names 'cost', but the frame has only"),
    ],
)
def test_an_answer_that_is_no_frame(drawn, message):
    with pytest.raises(FrameError, match=message):
        make(lambda p, masses: drawn).frame(p=1, masses="even")


def test_a_failing_frame_names_its_values():
    frames = Frames()
    frames.failing = {2}
    with pytest.raises(FrameError, match=r"'piles': frame\(p=2, masses='even'\).*no frame at 2"):
        make(frames).frame(p=2, masses="even")


def test_alt_by_a_function():
    explorer = make(alt=lambda values, readouts: f"{values['p']}!{readouts['cost']:.2f}")
    assert explorer.frame(p=3, masses="even").picture.alt == "3!0.30"
    with pytest.raises(FrameError, match="alt must give a text"):
        make(alt=lambda values, readouts: "").frame(p=3, masses="even")


def test_threads_that_ask_for_the_same_frame_share_it():
    frames = Frames()
    frames.gates = {1: threading.Event()}
    explorer = make(frames)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(explorer.frame(p=1, masses="even")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(frames.calls) > 0)
    frames.gates[1].set()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert frames.calls == [(1, "even")]


class Stop(BaseException):
    """As Ctrl-C is: no ``Exception``."""


def test_a_store_survives_ctrl_c():
    answers = [Stop(), "frame"]

    def compute(key):
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    store = FrameStore(compute)
    with pytest.raises(Stop):
        store.get((0,))
    assert store.get((0,)) == "frame"


# --- pictures ----------------------------------------------------------------------------


def test_pictures_have_one_size_whatever_savefig_is_told():
    with matplotlib.rc_context({"savefig.bbox": "tight", "savefig.dpi": 30}):
        picture = make().frame(p=1, masses="even").picture
    assert (picture.width, picture.height) == (700, 350)
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.size == (700, 350)
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_small_spot_keeps_its_colour():
    """Median cut, Pillow's default, gives the few pixels of the spot to their neighbours."""
    figure = Figure(figsize=(7, 4))
    axes = figure.add_subplot()
    axes.imshow(np.linspace(0, 1, 10_000).reshape(100, 100), cmap="viridis", aspect="auto")
    axes.plot([50], [50], ".", color="red", ms=4)
    image = draw(figure)
    kept = reduce_colours(image, 64).convert("RGB")
    error = np.abs(np.asarray(kept, int) - np.asarray(image, int)).max()
    assert len(image.getcolors(10**6)) > 64
    assert error < 48
    spots = [(r, g, b) for _, (r, g, b) in kept.getcolors(10**6) if r > 200 and g < 60 and b < 60]
    assert spots


def test_few_colours_are_kept_exactly():
    rng = np.random.default_rng(0)
    palette = rng.integers(0, 256, (60, 3), dtype=np.uint8)
    image = Image.fromarray(palette[rng.integers(0, 60, (80, 90))])
    picture = encode(image)
    with Image.open(io.BytesIO(picture.data)) as decoded:
        assert np.array_equal(np.asarray(decoded.convert("RGB")), np.asarray(image))
    with Image.open(io.BytesIO(picture.png())) as decoded:
        assert decoded.format == "PNG"
        assert not decoded.info.keys() & {"Software", "Creation Time", "date"}
        assert np.array_equal(np.asarray(decoded.convert("RGB")), np.asarray(image))


def test_a_photograph_may_lose_detail_only_when_told():
    rng = np.random.default_rng(0)
    noise = np.kron(rng.normal(size=(50, 70, 3)), np.ones((8, 8, 1)))
    smooth = np.cumsum(noise, axis=1)
    smooth = 255 * (smooth - smooth.min()) / np.ptp(smooth) + rng.normal(size=smooth.shape)
    image = Image.fromarray(smooth.clip(0, 255).astype(np.uint8))
    exact, lossy = encode(image), encode(image, lossy=True)
    assert 2 * len(lossy.data) <= len(exact.data)
    assert encode(draw(bars(1)), lossy=True).data == encode(draw(bars(1))).data


def test_figures_of_pyplot_are_closed():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    before = pyplot.get_fignums()

    def frame(p, masses):
        figure, axes = pyplot.subplots()
        axes.plot([1, p])
        if masses == "skewed":
            return figure, {"cost": object()}
        return figure, {"cost": p}

    explorer = make(frame)
    explorer.frame(p=1, masses="even")
    with pytest.raises(FrameError):
        explorer.frame(p=1, masses="skewed")
    assert pyplot.get_fignums() == before


# --- the page ----------------------------------------------------------------------------


class Page(HTMLParser):
    """The elements of a page with attributes and text, and a check that they nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found = [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), []))
        if tag not in ("img", "input", "meta", "link", "source"):
            self.open.append((tag, self.found[-1][2]))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, texts in self.open:
            texts.append(data)

    def all(self, tag, **attributes):
        return [
            (attrs, "".join(texts))
            for name, attrs, texts in self.found
            if name == tag and all(attrs.get(k.rstrip("_")) == v for k, v in attributes.items())
        ]


def test_the_page_holds_every_frame_exactly():
    explorer = make(caption="Piles & costs")
    page = Page(explorer.to_html(standalone=False))
    ((_, script),) = page.all("script", class_="otg-frames")
    content = json.loads(script)
    ((image, _),) = page.all("img")
    sources = [image["src"], *(source for source, _, _ in content["pictures"][1:])]
    assert len(content["frames"]) == 6
    for key, (place, alt, cells) in zip(explorer.positions(), content["frames"], strict=True):
        values = explorer.values(key)
        frame = explorer.frame(**values)
        assert sources[place] == frame.picture.src
        assert alt == frame.picture.alt
        assert float(cells[0][1]) == frame.readouts["cost"]
        assert cells[0][0] == format_value(frame.readouts["cost"])
        assert cells[1] == [frame.readouts["kind"]] * 2 + ["text"]
    assert [text for _, text in page.all("figcaption")] == ["Piles & costs"]


def test_the_page_is_complete_without_a_script():
    explorer = make(start={"p": 2})
    page = Page(explorer.to_html(standalone=False))
    first = explorer.frame(p=2, masses="even")
    ((image, _),) = page.all("img")
    assert image["src"] == first.picture.src
    assert image["alt"] == first.picture.alt
    assert (image["width"], image["height"]) == ("700", "350")
    assert "disabled" not in page.all("fieldset")[0][0]  # its script may be there at once
    shown = {attrs["data-name"]: attrs for attrs, _ in page.all("td") if "data-name" in attrs}
    assert float(shown["cost"]["data-value"]) == 0.2
    rows = [text for _, text in page.all("tr")]
    assert rows[-6:] == [
        f"{p}{masses}{format_value(0.1 * p)}{masses} <piles>"
        for p in (1, 2, 3)
        for masses in ("even", "skewed")
    ]


def test_every_control_is_labelled():
    page = Page(make(start={"p": 3}).to_html(standalone=False))
    texts = {attrs["id"]: text for attrs, text in page.all("span") if "id" in attrs}
    ((slider, _),) = page.all("input")
    ((select, _),) = page.all("select")
    assert texts[slider["aria-labelledby"]] == "exponent p"
    assert texts[select["aria-labelledby"]] == "masses"
    assert (slider["type"], slider["value"], slider["max"]) == ("range", "2", "2")
    assert slider["aria-valuetext"] == "3"
    assert page.all("output", for_=slider["id"])[0][1] == "3"
    assert [attrs["value"] for attrs, _ in page.all("option")] == ["even", "skewed"]


def test_text_cannot_break_out_of_the_page():
    nasty = "</script><b x='\">&"
    explorer = make(
        lambda p, masses: (bars(p), {nasty: nasty}),
        axes={"p": [1, 2], "masses": [nasty, "even"]},
        labels={"p": nasty},
        alt="{p} " + nasty,
        caption=nasty,
    )
    text = explorer.to_html(standalone=False)
    assert "<b" not in text
    page = Page(text)
    assert page.all("option")[0][0]["value"] == nasty
    assert page.all("td", **{"data-name": nasty})[0][0]["data-value"] == nasty
    assert page.all("figcaption")[0][1] == nasty
    content = json.loads(page.all("script")[0][1])
    assert content["readouts"] == [nasty]
    assert content["frames"][0][1:] == ["1 " + nasty, [[nasty, nasty, "text"]]]


def test_formulas_wait_to_be_typeset_on_the_website_and_are_slanted_elsewhere():
    def frame(p, masses):
        return bars(p), {"$W_p^2$": 0.1 * p, "kind": masses}

    explorer = make(
        frame, caption="cost $W_p < 1$ & more", labels={"p": r"exponent $\lambda$"}, alt="{p}"
    )
    span = '<span class="math notranslate nohighlight">\\({}\\)</span>'
    text = explorer.to_html(standalone=False)
    assert f"cost {span.format('W_p &lt; 1')} &amp; more" in text
    assert f">exponent {span.format(chr(92) + 'lambda')}</span>" in text
    assert text.count(span.format("W_p^2")) == 2  # read-outs, and the table of all
    alone = explorer.to_html()
    assert 'class="math' not in alone
    assert "exponent <i>λ</i>" in alone
    assert "<i>W<sub>p</sub><sup>2</sup></i>" in alone
    # What Python gives stays as it was named, and exact.
    assert explorer.readouts(p=3, masses="even")["$W_p^2$"] == 0.1 * 3
    (cell,) = (a for a, _ in Page(text).all("td") if a.get("data-name") == "W_p^2")
    assert float(cell["data-value"]) == 0.1


def test_the_book_has_drawings_for_phones_and_nobody_else(book, monkeypatch):
    explorer = make()
    phone = explorer.narrow((0, 0))
    assert phone.width == 700
    assert phone.data != explorer.at((0, 0)).picture.data
    page = Page(explorer.to_html(standalone=False))
    (source,) = (attrs for attrs, _ in page.all("source"))
    assert source["srcset"] == phone.src
    assert (source["width"], source["media"]) == ("350", "(max-width: 600px)")
    wide, narrow = (json.loads(text) for _, text in page.all("script"))
    assert [f[1:] for f in wide["frames"]] == [f[1:] for f in narrow["frames"]]
    assert {p[1] for p in wide["pictures"][1:]} == {700}
    assert {p[1] for p in narrow["pictures"][1:]} == {350}
    assert "<source" not in explorer.to_html()
    # One drawing serves both where the figure says so.
    same = make(lambda p, masses: (keep(bars(p)), {"cost": p}), alt="{p}")
    assert same.narrow((0, 0)) is None
    assert "<source" not in same.to_html(standalone=False)
    monkeypatch.delenv("OTGEN_BOOK")
    assert make().narrow((0, 0)) is None


def test_photographs_are_marked_and_have_no_ground(book):
    explorer = make(lambda p, masses: (photograph(bars(p)), {"cost": p}), alt="{p}", lossy=True)
    text = explorer.to_html(standalone=False)
    assert 'class="otg-panel otg-photo"' in text
    with Image.open(io.BytesIO(explorer.at((0, 0)).picture.data)) as image:
        assert image.mode == "RGBA"
        assert image.getpixel((0, 0))[3] == 0
    assert 'class="otg-panel"' in make().to_html(standalone=False)


def test_equal_pictures_are_stored_once():
    explorer = make(lambda p, masses: (bars(p), {"cost": p}))
    page = Page(explorer.to_html(standalone=False))
    assert len(json.loads(page.all("script")[0][1])["pictures"]) == 3


def test_frames_may_have_different_readouts():
    explorer = make(lambda p, masses: (bars(p), {"bound": 1.0} if p > 1 else {}), alt="{p}")
    page = Page(explorer.to_html(standalone=False))
    frames = json.loads(page.all("script")[0][1])["frames"]
    assert [cells for _, _, cells in frames[::2]] == [[None], *[[["1", "1.0", "number"]]] * 2]


def test_without_readouts_the_table_tells_what_is_seen():
    explorer = make(lambda p, masses: bars(p), alt="bars for p = {p}, {masses}")
    page = Page(explorer.to_html(standalone=False))
    assert not page.all("table", class_="otg-readout")
    assert page.all("td")[-1][1] == "bars for p = 3, skewed"


def test_the_same_explorer_gives_the_same_bytes():
    explorer = make()
    assert explorer.to_html() == explorer.to_html() == make().to_html()


def test_a_standalone_document_asks_nobody():
    text = make().to_html()
    assert text.startswith("<!doctype html>")
    page = Page(text)
    addresses = [
        attrs[key]
        for _, attrs, _ in page.found
        for key in ("src", "href", "srcset")
        if key in attrs
    ]
    assert len(addresses) == 2  # the picture, and an empty icon
    assert all(address.startswith("data:") for address in addresses)
    assert not re.search(r"https?:|//\w|@import|url\(", re.sub(r"base64,[\w+/=]+", "", text))


def crowd(p, q):
    """A frame as in the chapters: two clouds and a curve."""
    rng = np.random.default_rng([p, q])
    figure = Figure(figsize=(6.4, 3.6))
    axes = figure.add_subplot()
    axes.scatter(*rng.normal(size=(2, 60)), s=15)
    axes.scatter(*rng.normal(size=(2, 60)) + 1, s=15)
    axes.plot(np.linspace(-3, 3), np.sin(np.linspace(-3, 3) * p + q))
    return figure


def test_a_hundred_frames_fit_on_a_page(book):
    explorer = Explorer({"p": range(10), "q": range(10)}, crowd, name="crowd", alt="{p} {q}")
    text = explorer.to_html(standalone=False)
    wide, narrow = (script for _, script in Page(text).all("script"))
    print(f"100 frames: {len(wide):,} bytes wide, {len(narrow):,} narrow")
    assert max(len(wide), len(narrow)) <= 1.1e6 + 20_000  # the pictures, and the read-outs
    assert len(text) - len(wide) - len(narrow) <= 80_000  # the first two, and the table of values


def test_detail_is_lost_before_the_budget(book, monkeypatch):
    axes = {"p": [1, 2], "masses": ["even", "skewed"]}

    def weight(explorer):
        pictures = {explorer.at(key).picture.data for key in explorer.positions()}
        return sum(len(base64.b64encode(data)) for data in pictures)

    def frame(p, masses):
        return crowd(p, 0), {"cost": p}

    best = make(frame, axes=axes)
    assert best.at((0, 0)).picture.width == DETAILS[0].width
    monkeypatch.setattr(module, "BUDGET", weight(best))
    assert weight(make(frame, axes=axes)) == weight(best)
    monkeypatch.setattr(module, "BUDGET", weight(best) * 3 // 4)
    less = make(frame, axes=axes)
    assert weight(less) <= module.BUDGET
    assert less.at((0, 0)).picture.alt == best.at((0, 0)).picture.alt
    monkeypatch.setattr(module, "BUDGET", 1000)
    with pytest.raises(ValueError, match=r"'piles': its 2 pictures take .* take fewer values"):
        make(frame, axes=axes)


# --- which form, where -------------------------------------------------------------------


def test_elsewhere_a_picture_stands_for_the_whole(monkeypatch):
    monkeypatch.delenv("OTGEN_BOOK", raising=False)
    frames = Frames()
    bundle = make(frames, start={"p": 2})._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert frames.calls == [(2, "even")]
    assert bundle["text/plain"] == "Explorer 'piles': p (3) × masses (2), 6 frames"


def test_in_the_book_all_frames_are_made_at_once_and_no_widget(book):
    frames = Frames()
    explorer = make(frames)
    assert len(frames.calls) == 6
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/png"}
    assert bundle["text/html"] == explorer.to_html(standalone=False)
    assert len(frames.calls) == 6
    with pytest.raises(RuntimeError, match="while the book is built"):
        explorer.widget()


def test_in_the_book_a_failing_frame_fails_the_cell(book):
    frames = Frames()
    frames.failing = {3}
    with pytest.raises(FrameError, match=r"frame\(p=3, masses='even'\) failed: ZeroDivisionError"):
        make(frames)


def test_in_a_kernel_the_widget_is_shown(kernel):
    frames = Frames()
    explorer = make(frames)
    assert not frames.calls
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png", VIEW}
    assert bundle[VIEW]["model_id"] == explorer.widget().model_id
    assert frames.calls == [(1, "even")]


def test_the_book_needs_no_widgets():
    code = """
import sys, otgen_lite.explore
from matplotlib.figure import Figure
explorer = otgen_lite.explore.Explorer(
    {"p": [1, 2]}, lambda p: Figure(), name="x", alt="{p}"
)
assert "text/html" in explorer._repr_mimebundle_()
assert "ipywidgets" not in sys.modules
"""
    environment = {**os.environ, "OTGEN_BOOK": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_large_areas_keep_their_colours():
    """A cell's grey is that grey on the page, however many other colours are in the picture."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)
    greys = [0xE1, 0xC2, 0xD0]
    for k, grey in enumerate(greys):
        pixels[20 * k : 20 * k + 10] = grey
    image = reduce_colours(Image.fromarray(pixels), 32).convert("RGB")
    assert [image.getpixel((5, 20 * k + 5)) for k in range(3)] == [(grey,) * 3 for grey in greys]
    assert len(image.getcolors()) <= 32
