"""Explorers on the website, in a real browser: keyboard, touch, dark, small, without a script."""

import io
import json
import os
import re
import shutil
from types import SimpleNamespace

import pytest
from docutils import nodes
from PIL import Image
from playwright.sync_api import expect

from book._ext import explorers as extension
from tests.book import sample_explorers
from tests.book.conftest import MiniBook, make_minibook
from tests.book.explorer_driver import (
    axes_of,
    check,
    fingerprint,
    picture_at,
    ready,
    sweep,
    walk,
)
from tests.book.site import new_context, served
from tests.patience import until

NAMES = list(sample_explorers.ALL)
PAGE = "book/03_explorers.html"
#: A formula that the reader's browser, or the build, has typeset.
TYPESET = "mjx-container, .katex"
CHAPTER = """---
jupytext:
  text_representation: {{extension: .md, format_name: myst}}
kernelspec: {{display_name: Python 3, language: python, name: python3}}
otgen:
  budget: 60
  needs: []
---

# A chapter with explorers

```{{chapter-facts}}
```

Some $x^2$ first.

{cells}
"""
CELL = """```{{code-cell}}
import sample_explorers
sample_explorers.{name}()
```
"""
QUESTIONS = """```{{admonition}} Questions
{questions}
```
"""
FILLER = "\n\n".join(["A paragraph that takes room, so that what follows is far below."] * 60)


def _asked(name):
    """The cell of an explorer, and behind it a question for each axis."""
    made = sample_explorers.ALL[name]()
    questions = [f"{k}. Move {axis.label} ({axis.name})." for k, axis in enumerate(made.axes, 1)]
    return CELL.format(name=name) + QUESTIONS.format(questions="\n".join(questions))


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The small book of the tests with one chapter, which holds the sample explorers."""
    made = make_minibook(tmp_path_factory.mktemp("explorers") / "book")
    shutil.copy(sample_explorers.__file__, made.root / "book")
    cells = [_asked(name) for name in NAMES] + [CELL.format(name="ranking")]
    made.write("03_explorers.md", CHAPTER.format(cells="\n".join([*cells[:2], FILLER, *cells[2:]])))
    for name in ("01_small.md", "02_other.md"):
        (made.root / "book" / name).unlink()
    toc = made.root / "_toc.yml"
    lines = toc.read_text().replace("book/01_small", "book/03_explorers").splitlines()
    toc.write_text("\n".join(line for line in lines if "02_other" not in line))
    (made.root / "notebooks" / "03_explorers.ipynb").write_text("{}")
    status, output = made.build()
    assert status == 0, output
    return made


@pytest.fixture(scope="module")
def site(book):
    """The address of the built book, served on this machine."""
    with served(book.root / "_build/html") as address:
        yield address


@pytest.fixture(scope="module")
def expected():
    """What Python computes, name to explorer."""
    return {name: made() for name, made in sample_explorers.ALL.items()}


@pytest.fixture
def visit(browser):
    """Open pages; at the end there must have been no console error and no foreign request."""
    contexts, faults = [], []

    def open_page(address, prepare=None, until="load", **options):
        context = new_context(browser, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on(
            "console",
            lambda message: message.type == "error" and faults.append(f"console: {message.text}"),
        )
        page.on(
            "request",
            lambda request: (
                re.match(r"(https?://127\.0\.0\.1|data:|blob:|file:)", request.url)
                or faults.append(f"request to {request.url}")
            ),
        )
        if prepare:
            prepare(page)
        page.goto(address, wait_until=until)
        page.faults = faults
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, faults


def figure_of(page, name):
    return page.locator(f'figure.otg-explorer[data-name="{name}"]')


# --- what the builder wrote --------------------------------------------------------------


def test_frames_leave_the_page(book):
    html = (book.root / "_build/html" / PAGE).read_text(encoding="utf-8")
    sources = re.findall(r'data-src="\.\./(_explorers/[^"]+)"', html)
    assert [re.sub(r"-[0-9a-f]{12}\.js$", "", source) for source in sources] == [
        f"_explorers/{name}" for name in NAMES
    ]
    assert 'class="otg-frames' not in html
    assert "data:image" not in html
    pictures = re.findall(r'(?:src|srcset)="\.\./(_explorers/[^"]+\.webp)"', html)
    phones = re.findall(r'data-src-narrow="\.\./(_explorers/[^"]+)"', html)
    assert len(phones) == len(NAMES)
    assert len(pictures) == 2 * len(NAMES)
    for source in (*sources, *phones, *pictures):
        assert (book.root / "_build/html" / source).is_file()


def test_script_and_style_only_where_an_explorer_is(book):
    html = book.root / "_build/html"
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        has = 'class="otg-explorer"' in text
        assert has == (page == html / PAGE)
        assert text.count("window.otgExplorers = begin") == has
        assert text.count("<script>otgExplorers();</script>") == (len(NAMES) - 1) * has
        assert len(re.findall(r"<link [^>]*explorer\.css", text)) == has


def test_rebuilding_keeps_what_is_used_and_nothing_else(book, tmp_path):
    copy = MiniBook(tmp_path / "book")
    shutil.copytree(book.root, copy.root)
    folder = copy.root / "_build/html/_explorers"
    first = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert len(first) == 4 * len(NAMES)  # frames and first picture, wide and narrow

    copy.edit("03_explorers.md", "Some $x^2$ first.", "Some other words.")
    status, output = copy.build()
    assert status == 0, output
    assert "Some other words." in (copy.root / "_build/html" / PAGE).read_text(encoding="utf-8")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == first

    copy.edit("03_explorers.md", CELL.format(name="bare"), "")
    status, output = copy.build()
    assert status == 0, output
    assert set(os.listdir(folder)) == {name for name in first if not name.startswith("bare-")}

    copy.edit("03_explorers.md", "sample_explorers.two()", "sample_explorers.one()")
    status, output = copy.build()
    assert status == 1, "two explorers of one name on a page must not pass"
    assert "two explorers of this page have the name 'one'" in output


def test_other_builders_see_the_output_as_it_is(tmp_path, expected):
    text = expected["bare"].to_html(standalone=False)
    document = nodes.document(None, None)
    document += nodes.raw(text=text, format="html", classes=["output", "text_html"])
    app = SimpleNamespace(builder=SimpleNamespace(name="markdown"), outdir=tmp_path)
    extension.move_frames(app, document, "page")
    assert document[0].astext() == text
    assert not list(tmp_path.iterdir())


# --- moving ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_is_pythons(visit, site, expected, name):
    page = visit(f"{site}/{PAGE}")
    explorer = expected[name]
    shown = walk(page, figure_of(page, name))
    assert len(shown) == len(explorer.positions())
    for one in shown:
        check(one, explorer)
    assert [one.values for one in shown] == [
        explorer.values(position) for position in explorer.positions()
    ]
    assert len({one.alt for one in shown}) == len(shown)


def test_each_axis_changes_what_is_seen(visit, site, expected):
    page = visit(f"{site}/{PAGE}")
    along = sweep(page, figure_of(page, "three"))
    assert {axis: len(shown) for axis, shown in along.items()} == {
        "lam": 3,
        "masses": 2,
        "steps": 4,
    }
    assert len({one.picture for one in along["lam"]}) == 3
    assert len({one.picture for one in along["steps"]}) == 1  # even masses: the same picture
    assert [one.readouts["product"] for one in along["steps"]] == [0.1, 0.2, 0.5, 1.0]


def test_keys_for_ends_and_pages(visit, site):
    page = visit(f"{site}/{PAGE}")
    figure = figure_of(page, "bare")
    ready(figure)
    slider = figure.get_by_role("slider", name="power")
    slider.focus()
    for key, at in [("End", 4), ("ArrowLeft", 3), ("Home", 0), ("ArrowUp", 1), ("ArrowDown", 0)]:
        page.keyboard.press(key)
        assert axes_of(figure)[0]["at"] == at, key
        expect(figure).to_have_attribute("data-frame", str(at))


def test_it_starts_where_python_says(visit, site, expected):
    page = visit(f"{site}/{PAGE}")
    figure = figure_of(page, "two")
    ready(figure)
    assert [axis["at"] for axis in axes_of(figure)] == [1, 1]
    shown = picture_at(page, figure.locator("img").evaluate("(image) => image.currentSrc"))
    assert shown == expected["two"].frame(p=2, masses="skewed").picture.data


def test_from_disk_without_a_server(browser, book, expected):
    page = browser.new_page()
    page.goto((book.root / "_build/html" / PAGE).as_uri())
    for shown in walk(page, figure_of(page, "one")):
        check(shown, expected["one"])
    page.close()


def test_the_standalone_document(visit, tmp_path, expected):
    file = tmp_path / "two.html"
    file.write_text(expected["two"].to_html(), encoding="utf-8")
    page = visit(file.as_uri())
    for shown in walk(page, figure_of(page, "two")):
        check(shown, expected["two"])


# --- when ---------------------------------------------------------------------------------


def test_frames_are_fetched_when_they_come_near(visit, site):
    fetched = []
    page = visit(
        f"{site}/{PAGE}",
        lambda page: page.on(
            "request", lambda request: request.url.endswith(".js") and fetched.append(request.url)
        ),
    )
    ready(figure_of(page, "one"))
    page.wait_for_load_state("networkidle")
    assert not [url for url in fetched if "/three-" in url or "/bare-" in url]
    assert figure_of(page, "three").get_attribute("data-state") == "waiting"
    ready(figure_of(page, "three"))
    assert len([url for url in fetched if "/three-" in url]) == 1


def test_a_phone_loads_the_narrow_drawings_and_no_others(visit, site, expected):
    asked = []
    page = visit(
        f"{site}/{PAGE}",
        lambda page: page.on("request", lambda r: "_explorers/" in r.url and asked.append(r.url)),
        viewport={"width": 390, "height": 800},
    )
    figure = figure_of(page, "one")
    shown = walk(page, figure)
    for one in shown:
        check(one, expected["one"], picture=False)
    assert len({one.picture for one in shown}) == len(shown)
    wide = {fingerprint(expected["one"].frame(**one.values).picture.data) for one in shown}
    assert not wide & {one.picture for one in shown}
    image = figure.locator("img")
    assert image.evaluate("(image) => image.naturalWidth") == 700
    assert image.bounding_box()["width"] >= 330
    mine = [url for url in asked if "/one-" in url]
    assert len(mine) == 2  # the first picture, and the frames
    assert figure.get_attribute("data-src-narrow").split("/")[-1] in "".join(mine)


#: Scripts that the theme loads at the end of a page, or when it has been read.
LATE = re.compile(r"_static/(vendor/mathjax|scripts/(bootstrap|pydata)).*js")


def test_controls_live_before_anything_else_has_loaded(visit, site):
    """All scripts that the page does not wait for are held back: the slider works all the same."""
    page = visit(
        f"{site}/{PAGE}",
        lambda page: page.route(LATE, lambda route: None),
        until="commit",
    )
    figure = figure_of(page, "one")
    expect(figure).to_have_attribute("data-state", re.compile("waiting|loading|ready"))
    figure.get_by_role("slider").focus()
    page.keyboard.press("End")
    expect(figure.locator("output")).to_have_text("12346")
    expect(figure).to_have_attribute("data-frame", "3")
    assert page.evaluate("performance.timing.domContentLoadedEventStart") == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_when_pictures_and_frames_come(visit, site, width):
    held, free = [], []
    page = visit(
        f"{site}/{PAGE}",
        lambda page: page.route(
            "**/_explorers/*", lambda route: route.continue_() if free else held.append(route)
        ),
        until="domcontentloaded",
        viewport={"width": width, "height": 800},
    )
    figure = figure_of(page, "two")  # without a formula: only what comes could move it
    parts = [figure.locator(name) for name in ("", ".otg-panel", ".otg-readout", "summary")]
    parts[0] = figure

    def sizes():
        top = figure.bounding_box()["y"]
        return [(box["y"] - top, box["height"]) for part in parts if (box := part.bounding_box())]

    figure.scroll_into_view_if_needed()
    before = sizes()
    assert before[1][1] > 100  # room for the picture is there before it
    until(lambda: held, look=lambda: page.wait_for_timeout(10))
    free.append(True)
    for route in held:
        route.continue_()
    ready(figure)
    figure.locator("img").evaluate("(image) => image.decode()")
    assert sizes() == before


def test_what_was_chosen_before_the_frames_came_is_shown(visit, site, expected):
    held = []
    page = visit(
        f"{site}/{PAGE}",
        lambda page: page.route("**/_explorers/one-*.js", lambda route: held.append(route)),
        until="domcontentloaded",
    )
    figure = figure_of(page, "one")
    figure.get_by_role("slider").focus()
    page.keyboard.press("End")
    expect(figure.locator("output")).to_have_text("12346")
    assert figure.locator("td").first.inner_text() == "4"
    until(lambda: held, look=lambda: page.wait_for_timeout(10))
    held[0].continue_()
    ready(figure)
    expect(figure.locator("td").first).to_have_text("1.524 × 10⁸")


def test_frames_that_are_missing_are_told(visit, site):
    page = visit(f"{site}/{PAGE}", lambda page: page.route("**/_explorers/one-*", _not_found))
    figure = figure_of(page, "one")
    expect(figure.get_by_role("alert")).to_contain_text("could not be loaded")
    expect(figure.get_by_role("slider")).to_be_disabled()
    expect(figure.locator("img")).to_be_visible()
    expect(figure_of(page, "two").get_by_role("slider")).to_be_enabled()
    assert all("404" in fault for fault in page.faults)
    page.faults.clear()


def _not_found(route):
    route.fulfill(status=404, body="")


# --- for everybody -----------------------------------------------------------------------


def test_names_roles_and_the_spoken_value(visit, site, expected):
    page = visit(f"{site}/{PAGE}")
    figure = figure_of(page, "two")
    ready(figure)
    slider = figure.get_by_role("slider", name="cost exponent p", exact=True)
    expect(slider).to_have_attribute("aria-valuetext", "2")
    expect(figure.get_by_role("combobox", name="masses of the piles", exact=True)).to_be_visible()
    expect(figure.get_by_role("table", name="Read-outs of the picture above")).to_be_visible()
    expect(figure.get_by_role("rowheader", name="cost", exact=True).first).to_be_visible()
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "3")
    alt = expected["two"].frame(p=3, masses="skewed").picture.alt
    expect(figure.get_by_role("img", name=alt, exact=True)).to_be_visible()
    live = figure.locator("[aria-live=polite]")
    expect(live).to_have_text("cost: 0.3; masses are: skewed; undefined: NaN")


def test_a_caption_with_a_formula_is_typeset(visit, site):
    page = visit(f"{site}/{PAGE}")
    expect(figure_of(page, "one").locator("figcaption").locator(TYPESET)).to_have_count(2)
    expect(figure_of(page, "one").locator(".otg-name").locator(TYPESET)).to_have_count(1)
    expect(figure_of(page, "one").locator(".otg-readout th").locator(TYPESET)).to_have_count(1)


@pytest.mark.parametrize("width", [320, 360])
def test_a_phone(visit, site, expected, width):
    page = visit(
        f"{site}/{PAGE}",
        viewport={"width": width, "height": 740},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    for name in NAMES:
        ready(figure_of(page, name))
        for summary in figure_of(page, name).locator("summary").all():
            summary.tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for control in page.locator(".otg-explorer [data-axis], .otg-explorer summary").all():
        box = control.bounding_box()
        assert box["height"] >= 44
        assert box["width"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    for part in page.locator(".otg-explorer, .otg-picture, .otg-readout, .otg-scroll").all():
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    slider = figure_of(page, "bare").get_by_role("slider")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    slider.tap(position={"x": box["width"] - 11, "y": 22})
    expect(figure_of(page, "bare")).to_have_attribute("data-frame", "4")
    expect(figure_of(page, "bare").locator("img")).to_have_attribute(
        "alt", expected["bare"].frame(power=5).picture.alt
    )


CONTRASTS = """(figure) => {
    const luminance = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((c) => {
            c /= 255;
            return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const found = [];
    for (const e of figure.querySelectorAll("*")) {
        const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!text || !e.checkVisibility() || e.closest("script, .otg-hidden")) continue;
        const colours = [getComputedStyle(e).color, ground(e)];
        const [low, high] = colours.map(luminance).sort((a, b) => a - b);
        found.push([`${e.localName}: ${e.textContent.slice(0, 20)}`, (high + 0.05) / (low + 0.05),
                    ...colours]);
    }
    return found;
}"""


@pytest.mark.parametrize("where", ["site", "alone"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_colours_can_be_read(visit, site, tmp_path, expected, scheme, where):
    file = tmp_path / "two.html"
    file.write_text(expected["two"].to_html(), encoding="utf-8")
    address = f"{site}/{PAGE}" if where == "site" else file.as_uri()
    page = visit(address, color_scheme=scheme)
    figure = figure_of(page, "two")
    ready(figure)
    figure.locator("summary").click()
    contrasts = figure.evaluate(CONTRASTS)
    assert len(contrasts) > 20
    worst = min(contrasts, key=lambda found: found[1])
    print(f"\n{scheme}, {where}: lowest contrast {worst[1]:.2f} ({worst})")
    assert worst[1] >= 4.5, worst
    style = figure.evaluate(
        """(figure) => {
            const { color, backgroundColor } = getComputedStyle(figure);
            const image = getComputedStyle(figure.querySelector("img"));
            const around = getComputedStyle(figure.parentElement);
            return [color, backgroundColor, image.backgroundColor, image.filter, image.padding,
                    around.padding];
        }"""
    )
    ink, card = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in style[:2])
    assert (ink > card) == (scheme == "dark")
    turned = "invert(1) hue-rotate(180deg)" if scheme == "dark" else "none"
    assert style[2:5] == ["rgba(0, 0, 0, 0)", turned, "0px"]
    # The picture has no box: its corners are the ground of the card.
    image = Image.open(io.BytesIO(figure.locator("img").screenshot())).convert("RGB")
    card = tuple(map(int, re.findall(r"\d+", style[1])[:3]))
    for corner in ((2, 2), (image.width - 3, image.height - 3)):
        assert max(abs(a - b) for a, b in zip(image.getpixel(corner), card, strict=True)) <= 1
    # The theme's frame around outputs in the dark is not there.
    assert where == "alone" or style[5] == "0px"


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_ranking_on_the_same_page(visit, site, scheme):
    options = {"viewport": {"width": 390, "height": 740}, "has_touch": True, "is_mobile": True}
    page = visit(f"{site}/{PAGE}", color_scheme=scheme, **options)
    figure = page.locator("figure.otg-ranking")
    expect(figure).to_have_attribute("data-state", "ready")
    rows = figure.get_by_role("listitem")
    assert [row.get_attribute("data-name") for row in rows.all()] == ["a λ", "b", "c"]
    expect(figure.locator(".otg-ends").locator(TYPESET)).to_have_count(1)
    figure.get_by_role("button", name="Move a λ down").tap()
    figure.get_by_role("button", name="Show the order").tap()
    # a stands before c; b and c cannot be told apart, as 1 ± 0.6 and 2 ± 0.5 overlap.
    expect(figure.locator(".otg-result p")).to_contain_text("1 of 2 pairs")
    expect(figure.locator(".otg-result p")).to_contain_text("1 pair is not counted")
    expect(figure.locator(".otg-result").locator(TYPESET)).to_have_count(2)
    contrasts = figure.evaluate(CONTRASTS)
    assert len(contrasts) > 20
    assert min(contrasts, key=lambda found: found[1])[1] >= 4.5, contrasts
    ink, card = figure.evaluate(
        "(f) => [getComputedStyle(f).color, getComputedStyle(f).backgroundColor]"
    )
    assert (sum(map(int, re.findall(r"\d+", ink)[:3])) > 384) == (scheme == "dark")
    assert (sum(map(int, re.findall(r"\d+", card)[:3])) > 384) == (scheme == "light")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert figure.evaluate("(f) => getComputedStyle(f.parentElement).padding") == "0px"


def test_without_javascript(browser, site, expected):
    context = new_context(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/{PAGE}")
    figure = figure_of(page, "two")
    first = expected["two"].frame(p=2, masses="skewed")
    expect(figure.locator("img")).to_be_visible()
    figure.locator("img").evaluate("(image) => image.decode()")
    address = figure.locator("img").evaluate("(image) => image.currentSrc")
    assert picture_at(page, address) == first.picture.data
    expect(figure.locator(".otg-controls")).to_be_hidden()
    expect(figure.locator("noscript .otg-note")).to_contain_text("The controls need JavaScript.")
    expect(figure.locator("noscript .otg-note")).to_be_visible()
    expect(figure.locator(".otg-readout td").first).to_have_text("0.2")
    figure.locator("summary").click()
    rows = figure.locator(".otg-values tbody tr")
    expect(rows).to_have_count(9)
    for row, position in zip(rows.all(), expected["two"].positions(), strict=True):
        expect(row).to_be_visible()
        readouts = expected["two"].at(position).readouts
        shown = row.locator("td[data-value]")
        assert [cell.get_attribute("data-value") for cell in shown.all()] == [
            value if isinstance(value, str) else repr(value) for value in readouts.values()
        ]
    context.close()


def test_the_payload_is_plain_data(book):
    for file in (book.root / "_build/html/_explorers").glob("*.js"):
        text = file.read_text(encoding="utf-8")
        key, data = re.fullmatch(
            r"\(window\.otgFrames = window\.otgFrames \|\| \{\}\)\[\"([^\"]+)\"\] = (.*);\n", text
        ).groups()
        assert key == file.stem
        assert json.loads(data)["name"] == key.rsplit("-", 1)[0]
