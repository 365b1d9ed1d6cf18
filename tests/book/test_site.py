"""The built book in a real browser, with every other host blocked."""

import json
import re

import pytest

from tests.book import explorer_driver
from tests.book.site import ROOT, Watch, new_context, pages_of_the_book

PAGES = pages_of_the_book()
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}

#: Formulas that are not markup.
RAW_FORMULAS = """() => [...document.querySelectorAll(".math")]
    .filter((e) => !e.querySelector(".katex-html") || !e.querySelector("math"))
    .map((e) => e.textContent.slice(0, 80))"""
#: Every picture has been fetched, or could not be.
ALL_IMAGES = """() => Promise.all([...document.images].map((image) => {
    image.loading = "eager";
    return image.complete || new Promise((done) => { image.onload = image.onerror = done; });
}))"""
#: What sticks out of the page on the right, if anything does.
STICKS_OUT = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const clips = (e) => ["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX);
    const scrolls = (e) => e && e !== document.body && (clips(e) || scrolls(e.parentElement));
    return [...document.querySelectorAll("main *")]
        .filter((e) => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement))
        .slice(0, 3).map((e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 60)}`)
        .concat(["the page scrolls sideways"]);
}"""


@pytest.fixture
def visit(browser, address):
    """Open a page of the book; at the end, nothing may have gone wrong on it."""
    contexts = []

    def open_page(name, viewport=DESKTOP, scheme="light"):
        context = new_context(browser, viewport=viewport, color_scheme=scheme)
        watch = Watch(context, address)
        contexts.append((context, watch, name))
        page = context.new_page()
        page.goto(f"{address}/{name}.html", wait_until="load")
        return page

    yield open_page
    for context, watch, name in contexts:
        context.close()
        assert watch.faults == [], name


@pytest.fixture(scope="module", params=PAGES)
def desk(request, browser, address):
    """A page on a desk, opened once for the tests that only look; nothing may go wrong on it."""
    context = new_context(browser, viewport=DESKTOP)
    watch = Watch(context, address)
    page = context.new_page()
    page.goto(f"{address}/{request.param}.html", wait_until="load")
    yield request.param, page
    context.close()
    assert watch.faults == [], request.param


def test_a_page_is_quiet_and_its_formulas_are_set(desk):
    _, page = desk
    assert page.evaluate(RAW_FORMULAS) == []
    # Pictures may load late: look at all of it.
    page.evaluate(ALL_IMAGES)
    broken = "[...document.images].filter((i) => !i.complete || !i.naturalWidth).map((i) => i.src)"
    assert page.evaluate(broken) == []
    assert page.title()


#: The grounds of the corners of every drawing, as the reader sees them, and what lies around it.
PICTURES = """() => [...document.querySelectorAll("main .cell_output img")].map((image) => {
    const figure = image.closest("picture.otg-figure, .otg-panel");
    const style = getComputedStyle(image);
    return { ours: Boolean(figure), photo: Boolean(figure?.classList.contains("otg-photo")),
             ground: style.backgroundColor, padding: style.padding, filter: style.filter,
             width: image.getBoundingClientRect().width, text: image.alt.slice(0, 60) };
})"""


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_is_one_for_the_dark_and_for_phones(visit, name):
    for picture in visit(name, {"width": 390, "height": 844}, "dark").evaluate(PICTURES):
        assert picture["ours"], f"drawn without the book's style: {picture}"
        assert picture["ground"] == "rgba(0, 0, 0, 0)", picture
        assert picture["padding"] == "0px", picture
        assert (picture["filter"] == "none") == picture["photo"], picture
        assert 320 <= picture["width"] <= 390, picture


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_sticks_out_on_a_phone(visit, name, scheme):
    page = visit(name, PHONE, scheme)
    assert page.evaluate(STICKS_OUT) == []
    assert page.evaluate("document.documentElement.dataset.theme") == scheme


def test_ids_are_unique(desk):
    _, page = desk
    ids = page.evaluate("[...document.querySelectorAll('main [id]')].map((e) => e.id)")
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("name", [name for name in PAGES if name.split("/")[-1][:2].isdigit()])
def test_folded_parts_unfold(visit, name):
    page = visit(name)
    folded = page.locator(".admonition.toggle-hidden")
    total = folded.count()
    assert total > 0, "a chapter folds its long proofs and its solutions"
    page.locator(".admonition.toggle-hidden .admonition-title").first.click()
    assert folded.count() == total - 1
    # The script knows the title and its button, not a formula in the title.
    deaf = "(e) => getComputedStyle(e).pointerEvents === 'none'"
    inside = ".admonition.toggle > .admonition-title > :not(button, a)"
    assert page.evaluate(f"[...document.querySelectorAll('{inside}')].every({deaf})")


def code_up_to_the_last_explorer(name):
    """The chapter's code cells, as far as its explorers need them."""
    path = ROOT / "_build" / "jupyter_execute" / f"{name}.ipynb"
    if not path.is_file():
        return []
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    last = max((k for k, s in enumerate(sources) if "Explorer(" in s), default=-1)
    return sources[: last + 1]


def explorers_in_python(name, monkeypatch):
    """Run a chapter's code here, and keep the explorers that it makes."""
    import otgen_lite

    made = {}

    class Kept(otgen_lite.Explorer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made[kwargs["name"]] = self

    monkeypatch.setattr(otgen_lite, "Explorer", Kept)
    monkeypatch.delenv("OTGEN_BOOK", raising=False)
    monkeypatch.setenv("OTGEN_SCALE", "small")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(ROOT / "book")
    namespace = {"__name__": "chapter"}
    for source in code_up_to_the_last_explorer(name):
        exec(compile(source, name, "exec"), namespace)
    return made


def changes(frames, axis, what):
    """Whether an axis, moved alone, changes something for some values of the others."""
    seen = {}
    for shown in frames:
        others = tuple((name, v) for name, v in shown.values.items() if name != axis)
        seen.setdefault(others, set()).add(json.dumps(getattr(shown, what)))
    return any(len(kinds) > 1 for kinds in seen.values())


@pytest.mark.parametrize("name", [name for name in PAGES if code_up_to_the_last_explorer(name)])
def test_the_explorers_show_what_python_computes(visit, monkeypatch, name):
    explorers = explorers_in_python(name, monkeypatch)
    page = visit(name)
    figures = page.locator("figure.otg-explorer")
    assert sorted(explorers) == sorted(
        figures.nth(k).get_attribute("data-name") for k in range(figures.count())
    )
    for k in range(figures.count()):
        figure = figures.nth(k)
        explorer = explorers[figure.get_attribute("data-name")]
        frames = explorer_driver.walk(page, figure)
        for shown in frames:
            explorer_driver.check(shown, explorer, picture=False)
        assert len({shown.alt for shown in frames}) == len(frames), "two frames, one alt text"
        for axis in frames[0].values:
            assert changes(frames, axis, "picture"), f"{axis}: the picture stays"
            assert changes(frames, axis, "readouts"), f"{axis}: the numbers stay"


def test_every_chapter_has_an_explorer():
    chapters = [name for name in PAGES if name.split("/")[-1][:2].isdigit()]
    assert [name for name in chapters if not code_up_to_the_last_explorer(name)] == []


def test_a_chapter_has_the_number_of_its_file(desk):
    name, page = desk
    found = re.search(r"/(\d\d)_", name)
    if found:
        number = int(found.group(1))
        assert page.locator("h1 .section-number").first.inner_text().strip() == f"{number}."
        figures = page.locator("figcaption .caption-number").all_inner_texts()
        assert figures
        assert {text.split()[1].split(".")[0] for text in figures} == {str(number)}
    else:
        assert page.locator("h1 .section-number").count() == 0
