"""Formulas of the built site: there at once, whole on every screen, readable without scripts."""

import pytest
from playwright.sync_api import expect

from tests.book.site import new_context, pages_of_the_book

PAGES = pages_of_the_book()
NARROW = {"width": 390, "height": 844}
WIDE = {"width": 1440, "height": 900}

OPEN_ALL = """() => {
    document.querySelectorAll("details").forEach((e) => (e.open = true));
    document.querySelectorAll(".toggle-hidden").forEach((e) => e.classList.remove("toggle-hidden"));
}"""
TWO_FRAMES = "() => new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))"
#: Displayed formulas of which a part is not seen, and no sign says so. A sign is a mask that fades
#: the edge behind which there is more, on a box that scrolls.
CUT_WITHOUT_A_SIGN = """() => [...document.querySelectorAll(".katex-display")]
    .filter((formula) => formula.offsetParent !== null)
    .filter((formula) => {
        let right = -Infinity;
        for (const box of formula.querySelectorAll(".katex-base"))
            for (const rectangle of box.getClientRects()) right = Math.max(right, rectangle.right);
        for (let e = formula.parentElement; e; e = e.parentElement) {
            const style = getComputedStyle(e);
            if (style.overflowX === "visible") continue;
            const inside = e.getBoundingClientRect().left + e.clientLeft + e.clientWidth;
            if (right <= inside + 0.5) return false;
            return !(["auto", "scroll"].includes(style.overflowX) && style.maskImage !== "none");
        }
        return right > innerWidth;
    })
    .map((formula) => formula.querySelector("annotation").textContent.slice(0, 80))"""
#: The sum of all layout shifts so far.
SHIFTS = """() => new Promise((done) => {
    let sum = 0;
    const watcher = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) sum += entry.value;
    });
    watcher.observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 300);
})"""


@pytest.fixture
def visit(browser, address):
    contexts = []

    def open_page(name, viewport, **options):
        context = new_context(browser, viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{address}/{name}.html", wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", PAGES)
def test_no_displayed_formula_is_cut_without_a_sign_on_a_phone(visit, name):
    page = visit(name, NARROW)
    page.evaluate(OPEN_ALL)
    page.evaluate(TWO_FRAMES)  # edges.js is told of new sizes once a frame
    assert page.evaluate(CUT_WITHOUT_A_SIGN) == []


def test_a_formula_that_is_cut_without_a_sign_would_be_found(visit):
    page = visit("book/01_kantorovich", NARROW)
    page.add_style_tag(content=".otg-fits { width: 4rem; }")
    page.evaluate(TWO_FRAMES)
    assert page.evaluate(CUT_WITHOUT_A_SIGN) == []  # they fade
    page.add_style_tag(content=".otg-fits { mask-image: none !important; }")
    assert page.evaluate(CUT_WITHOUT_A_SIGN) != []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_reads_without_scripts(browser, address, name):
    context = new_context(browser, viewport=NARROW, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{name}.html")
    seen = page.locator("main").inner_text()
    assert r"\(" not in seen
    assert r"\[" not in seen
    for fold in page.locator(".admonition.dropdown").all():
        assert fold.locator(":scope > :not(.admonition-title)").first.is_visible()
    # Code has colours: they depend on the colour mode, which a script of the theme would set.
    assert page.locator("html").get_attribute("data-theme") == "light"
    context.close()


@pytest.mark.parametrize("viewport", [NARROW, WIDE], ids=["phone", "desk"])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_moves_while_a_page_loads(visit, name, viewport):
    page = visit(name, viewport)
    height = page.evaluate("document.documentElement.scrollHeight")
    # The page of the package is two hundred screens high: forty looks a page are enough.
    for top in range(0, height, max(viewport["height"], height // 40)):
        page.evaluate(f"scrollTo(0, {top})")
        page.evaluate(TWO_FRAMES)
    assert page.evaluate(SHIFTS) <= 0.05


def test_a_link_into_a_folded_box_opens_it(visit):
    page = visit("book/03_entropy", NARROW)
    folded = ".admonition.toggle-hidden > :not(.admonition-title)"
    inside = page.evaluate(f"document.querySelector('{folded}[id], {folded} [id]').id")
    target = page.locator(f"[id='{inside}']")
    assert not target.is_visible()
    page.evaluate(f"location.hash = {inside!r}")
    expect(target).to_be_visible()


def test_numbers_of_equations_lead_to_them(visit):
    page = visit("book/03_entropy", WIDE)
    for link in page.locator("a.reference.internal[href*='equation-']").all():
        target = link.get_attribute("href").partition("#")[2]
        if link.get_attribute("href").startswith("#"):
            assert page.locator(f"[id='{target}'] .eqno").count() == 1
