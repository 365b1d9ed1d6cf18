"""The list that a reader puts in order, in a real browser: keyboard, mouse, finger, no script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import otgen_lite as otg
from tests.book.site import new_context

ITEMS = {"alpha": 4.0, "beta": 1.0, "gamma": 3.0, "delta": 2.0, "a much longer name <&>": 2.1}
RANKING = otg.Ranking(
    ITEMS, name="five", question="Which one is least?", score="$W_2^2$",
    spreads=dict.fromkeys(ITEMS, 0.1), caption="Five names.",
)  # fmt: skip
START = ["a much longer name <&>", "alpha", "beta", "delta", "gamma"]
PHONE = {"viewport": {"width": 390, "height": 700}, "has_touch": True, "is_mobile": True}
#: Room before and behind, so that there is something to scroll.
ROOM = '<p style="height: 900px">Room.</p>'


@pytest.fixture
def visit(browser: Browser, tmp_path) -> Iterator:  # type: ignore[no-untyped-def]
    contexts, faults = [], []

    def open_page(room: bool = False, **options) -> Page:  # type: ignore[no-untyped-def]
        text = RANKING.to_html()
        if room:
            text = text.replace("<style>", ROOM + "<style>", 1).replace("</body>", ROOM + "</body>")
        file = tmp_path / "ranking.html"
        file.write_text(text, encoding="utf-8")
        context = new_context(browser, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: said.type == "error" and faults.append(said.text))
        page.on("request", lambda r: r.url.startswith(("file:", "data:")) or faults.append(r.url))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, faults


def names(page: Page) -> list[str | None]:
    return [row.get_attribute("data-name") for row in rows(page)]


def rows(page: Page) -> list[Locator]:
    return page.locator(".otg-ranking ol > li").all()


def middle(part: Locator) -> tuple[float, float]:
    box = part.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_by_keyboard_alone(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit()
    assert names(page) == START
    page.keyboard.press("Tab")
    expect(button(page, "Move a much longer name <&> up")).to_be_focused()
    said = page.locator(".otg-status")
    page.keyboard.press("Enter")
    expect(said).to_have_text("a much longer name <&> is first already")
    page.keyboard.press("Tab")
    for place in (2, 3):
        page.keyboard.press("Space")
        expect(said).to_have_text(f"a much longer name <&>: place {place} of 5")
        expect(button(page, "Move a much longer name <&> down")).to_be_focused()
    assert names(page) == ["alpha", "beta", "a much longer name <&>", "delta", "gamma"]
    expect(button(page, "Move alpha up")).to_have_attribute("aria-disabled", "true")
    button(page, "Move alpha down").press("Enter")
    assert names(page)[:2] == ["beta", "alpha"]
    button(page, "Show the order").press("Enter")
    verdict = page.locator(".otg-result p")
    # beta, alpha, long, delta, gamma: alpha stands before three that are less.
    expect(verdict).to_contain_text("3 of 9 pairs are in the wrong order: Kendall’s τ is 0.33")
    expect(verdict).to_contain_text("1 pair is not counted, because the values differ by no more")
    assert RANKING.compare(tuple(names(page))) == (3, 9)
    expect(said).to_have_text(verdict.inner_text())
    lines = page.locator(".otg-result tbody tr")
    expect(lines).to_have_count(5)
    assert lines.nth(1).inner_text().split("\n")[0].split() == ["2", "alpha"]
    assert "4.00 ± 0.10" in lines.nth(1).inner_text()
    assert "delta" in lines.nth(1).inner_text()
    expect(page.locator(".otg-same")).to_have_count(2)  # the first and the third
    button(page, "Start again").press("Enter")
    assert names(page) == START
    expect(page.locator(".otg-result")).to_be_hidden()


def test_the_true_order_has_no_wrong_pair(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit()
    for place, name in enumerate(RANKING.truth):
        while names(page).index(name) > place:
            button(page, f"Move {name} up").click()
    button(page, "Show the order").click()
    expect(page.locator(".otg-result p")).to_contain_text("0 of 9 pairs are in the wrong order")
    expect(page.locator(".otg-result p")).to_contain_text("τ is 1.00")
    expect(page.locator(".otg-same")).to_have_count(5)
    button(page, "Move beta down").click()  # what was compared is another order now
    expect(page.locator(".otg-result")).to_be_hidden()


def test_by_mouse(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit()
    x, y = middle(rows(page)[4].locator(".otg-grip"))
    _, to = middle(rows(page)[1])
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 3, (y + to) / 2, steps=5)
    expect(rows(page)[3]).to_have_class("otg-held")
    page.mouse.move(x + 3, to - 2, steps=5)
    page.mouse.up()
    assert names(page) == ["a much longer name <&>", "gamma", "alpha", "beta", "delta"]
    expect(page.locator(".otg-status")).to_have_text("gamma: place 2 of 5")
    expect(page.locator(".otg-held")).to_have_count(0)
    assert [row.get_attribute("style") or "" for row in rows(page)] == [""] * 5
    # To the bottom, beyond the list, and in one jump.
    page.mouse.move(*middle(rows(page)[0].locator(".otg-grip")))
    page.mouse.down()
    page.mouse.move(x, 690)
    page.mouse.up()
    assert names(page) == ["gamma", "alpha", "beta", "delta", "a much longer name <&>"]
    # The other buttons of a mouse do not drag, and a row is not dragged by its name.
    for part, which in ((".otg-grip", "right"), (".otg-item", "left")):
        page.mouse.move(*middle(rows(page)[0].locator(part)))
        page.mouse.down(button=which)
        page.mouse.move(x, 600, steps=3)
        page.mouse.up(button=which)
    assert names(page)[0] == "gamma"


def touch(page: Page, start: tuple[float, float], ends: list[tuple[float, float]]) -> None:
    """A finger that goes down, moves and leaves, as the browser itself sees it."""
    client = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    send("touchStart", start)
    for end in ends:
        send("touchMove", end)
    send("touchEnd")


def test_by_finger_and_the_page_still_scrolls(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit(room=True, **PHONE)
    page.evaluate("window.scrollTo(0, 800)")
    x, y = middle(rows(page)[0].locator(".otg-grip"))
    _, to = middle(rows(page)[2])
    touch(page, (x, y), [(x, y + 10), (x, (y + to) / 2), (x, to + 2)])
    assert names(page) == ["alpha", "beta", "a much longer name <&>", "delta", "gamma"]
    assert page.evaluate("window.scrollY") == 800
    x, y = middle(rows(page)[3].locator(".otg-item"))
    touch(page, (x, y), [(x, y - 30), (x, y - 90), (x, y - 150)])
    page.wait_for_function("window.scrollY > 850")
    assert names(page) == ["alpha", "beta", "a much longer name <&>", "delta", "gamma"]


def test_a_row_held_at_the_edge_scrolls_the_page(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit(room=True, viewport={"width": 390, "height": 230})
    page.evaluate("document.querySelector('.otg-ranking li').scrollIntoView()")
    before = page.evaluate("window.scrollY")
    x, y = middle(rows(page)[0].locator(".otg-grip"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, 215, steps=4)
    page.wait_for_function("(before) => window.scrollY > before + 30", arg=before)
    page.mouse.up()
    assert names(page)[-1] == START[0]


def test_a_phone(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit(**PHONE)
    button(page, "Show the order").tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    parts = page.locator(".otg-ranking button, .otg-grip").all()
    assert len(parts) == 3 * 5 + 2
    for part in parts:
        box = part.bounding_box()
        assert min(box["width"], box["height"]) >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


def test_nothing_moves_when_the_script_begins(visit) -> None:  # type: ignore[no-untyped-def]
    heights = {}
    for script in (True, False):
        page = visit(java_script_enabled=script)
        heights[script] = page.locator(".otg-ranking ol").bounding_box()
    assert heights[True] == heights[False]


def test_names_and_roles(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit()
    figure = page.get_by_role("figure", name="Which one is least?")
    expect(figure).to_have_attribute("data-state", "ready")
    expect(figure.get_by_role("list", name="Your order").get_by_role("listitem")).to_have_count(5)
    expect(figure.get_by_role("button")).to_have_count(12)
    expect(figure.get_by_role("status")).to_have_count(1)
    expect(figure.locator("details")).to_be_hidden()


def test_without_javascript(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit(java_script_enabled=False)
    assert page.get_by_role("button").count() == 0
    page.locator("summary").click()
    shown = page.locator("details tbody tr")
    assert [row.inner_text().split("\t")[1].split("\n")[0] for row in shown.all()] == [
        *RANKING.truth
    ]
    assert "1.00 ± 0.10" in shown.first.inner_text()


def test_two_on_one_page_begin_once_each(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit()
    part = RANKING.to_html(standalone=False).replace("ranking-five", "ranking-other")
    page.evaluate("(part) => document.body.append(document.createRange()"
                  ".createContextualFragment(part))", part)  # fmt: skip
    expect(page.locator(".otg-ranking[data-state=ready]")).to_have_count(2)
    second = page.locator(".otg-ranking").nth(1)
    second.get_by_role("button", name="Move alpha up").click()
    assert second.locator("li").first.get_attribute("data-name") == "alpha"
    assert names(page)[:5] == START
