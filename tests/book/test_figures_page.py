"""Figures of cells on the website, in a real browser: no box in the dark, narrow on a phone."""

import io
import re

import pytest
from PIL import Image

import tools.figures
from tests.book.conftest import make_minibook
from tests.book.site import new_context, served
from tests.book.test_gates import CELL, SMALL, add

PAGE = f"book/{SMALL.removesuffix('.md')}.html"
HEADER = "---\nmystnb:\n  image:\n    alt: {alt}\n---\n"
CELLS = {
    "curves": """import otgen_lite as otg
otg.plots.use_book_style()
fig, axes = otg.plots.figure(1, 2, height=3.0)
for ax in axes:
    ax.plot([0, 1], [0, 1], color=otg.plots.BLUE)
fig""",
    "strip": "otg.plots.image_strip([[[0, 1], [1, 0]]] * 2, ['one', 'two'])",
    "photograph": "otg.plots.photographs([[[[0.9, 0.1, 0.1], [0.1, 0.2, 0.9]]]], ['two pixels'])",
}
DARK, LIGHT = (18, 18, 18), (255, 255, 255)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The small book of the tests, with three figures on a page."""
    made = make_minibook(tmp_path_factory.mktemp("figures") / "book")
    for alt, code in CELLS.items():
        add(made, CELL.format(HEADER.format(alt=alt) + code))
    status, output = made.build()
    assert status == 0, output
    return made


@pytest.fixture(scope="module")
def site(book):
    with served(book.root / "_build/html") as address:
        yield address


@pytest.fixture
def visit(browser, site):
    contexts = []

    def open_page(width=1200, scheme="light"):
        context = new_context(
            browser, viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site}/{PAGE}", wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()


def drawn(page, alt):
    """The picture on the screen, when it is there."""
    image = page.get_by_alt_text(alt, exact=True)
    image.scroll_into_view_if_needed()
    image.evaluate("(image) => image.decode()")
    return image


def shot(page, alt):
    return Image.open(io.BytesIO(drawn(page, alt).screenshot())).convert("RGB")


def corners(image):
    right, bottom = image.width - 3, image.height - 3
    return {image.getpixel(at) for at in ((2, 2), (right, 2), (2, bottom), (right, bottom))}


@pytest.mark.parametrize(("scheme", "ground"), [("light", LIGHT), ("dark", DARK)])
@pytest.mark.parametrize("width", [1200, 390])
def test_a_drawing_lies_on_the_ground_of_the_page(visit, scheme, ground, width):
    page = visit(width, scheme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == f"rgb{ground}"
    assert corners(shot(page, "curves")) == {ground}
    # Ink is ink in both: dark on light, light on dark, and blue is blue.
    colours = shot(page, "curves").getcolors(1 << 20)
    red, _, blue = max((c for _, c in colours), key=lambda c: c[2] - c[0])
    assert blue - red > 60
    inks = [sum(c) for _, c in colours]
    assert (max(inks) - sum(ground) > 500) if scheme == "dark" else (min(inks) < 200)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_photograph_keeps_its_colours_in_both_themes(visit, scheme):
    image = shot(visit(1200, scheme), "photograph")
    left, right = (image.getpixel((round(x * image.width), image.height // 3)) for x in (0.2, 0.8))
    assert all(abs(a - b) < 25 for a, b in zip(left, (230, 26, 26), strict=True)), left
    assert all(abs(a - b) < 25 for a, b in zip(right, (26, 51, 230), strict=True)), right


def test_a_phone_gets_the_narrow_drawing_and_only_that(visit):
    page = visit(390)
    asked = []
    page.on("request", lambda request: "_images" in request.url and asked.append(request.url))
    page.reload(wait_until="load")
    for alt in CELLS:
        image = drawn(page, alt)
        narrow = image.evaluate("(i) => i.parentElement.querySelector('source')?.srcset")
        shown = image.evaluate("(i) => i.currentSrc")
        assert narrow, alt
        assert shown.endswith(narrow.split("/")[-1])
        # Two pixels of the picture for each of the page, and no letter smaller than drawn.
        size = image.evaluate("(i) => [i.naturalWidth, i.getBoundingClientRect().width]")
        assert size[0] == 700
        assert size[1] >= 330
    assert len(set(asked)) == len(CELLS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_desktop_gets_the_wide_drawing(visit):
    page = visit(1200)
    for alt in CELLS:
        image = drawn(page, alt)
        assert image.evaluate("(i) => i.naturalWidth") == 1400


def test_nothing_moves_when_the_pictures_arrive(book):
    html = (book.root / "_build/html" / PAGE).read_text(encoding="utf-8")
    pictures = re.findall(r'<picture class="otg-figure[^"]*">.*?</picture>', html)
    assert len(pictures) == len(CELLS)
    for text in pictures:
        sizes = re.findall(r'width="(\d+)" height="(\d+)"', text)
        assert [width for width, _ in sizes] == ["350", "700"]
        assert 'loading="lazy"' in text
    for name in re.findall(r"_images/[^\"]+", html):
        assert (book.root / "_build/html" / name).is_file()


def test_the_contact_sheet_shows_every_figure_in_both_widths(book):
    assert tools.figures.main(["--root", str(book.root)]) == 0
    shown = list(tools.figures.figures(book.root / "_build/html"))
    assert [one.alt for one in shown] == list(CELLS)
    assert [one.photograph for one in shown] == [False, False, True]
    text = (book.root / "_build/figures/index.html").read_text(encoding="utf-8")
    addresses = re.findall(r'src="([^"]+)"', text)
    assert len(addresses) == 4 * len(CELLS)  # two widths, two themes
    assert all((book.root / "_build/figures" / address).is_file() for address in addresses)
