"""Speed of the built website in a real browser: ``python -m benchmarks.site``.

For each chapter: what it weighs on the wire (each file gzipped, as web servers send it), when the
first picture of each explorer is there after the page is loaded, and how long a step of a slider
takes (from the input event to the decoded picture and the next screen refresh).
"""

from __future__ import annotations

import gzip
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator

from tests.book import explorer_driver
from tests.book.site import HTML, ROOT, launched, pages_of_the_book, served

OUT = ROOT / "_build" / "bench"
#: The bars of the book: seconds to the first picture, and milliseconds for a step.
FIRST_PICTURE, STEP, WEIGHT = 0.5, 50.0, 1.5e6

#: Milliseconds from the load event to the moment at which the picture is decoded.
_FIRST = """async (figure) => {
    const image = figure.querySelector("img");
    await image.decode();
    return performance.now() - performance.getEntriesByType("navigation")[0].loadEventEnd;
}"""


def weight(browser: Browser, address: str, name: str) -> int:
    """Bytes of everything that a page asks for, gzipped where that helps."""
    page = browser.new_page()
    bodies: dict[str, bytes] = {}
    page.on("response", lambda r: bodies.update({r.url: r.body()}))
    page.goto(f"{address}/{name}.html", wait_until="networkidle")
    for figure in page.locator("figure.otg-explorer").all():
        explorer_driver.ready(figure)
    page.wait_for_load_state("networkidle")
    page.close()
    return sum(min(len(body), len(gzip.compress(body))) for body in bodies.values())


def first_picture(browser: Browser, address: str, name: str) -> float:
    """Seconds until the pictures of all explorers of a page are decoded after its load event."""
    page = browser.new_page()
    page.goto(f"{address}/{name}.html", wait_until="load")
    figures: list[Locator] = page.locator("figure.otg-explorer").all()
    seconds = max(figure.evaluate(_FIRST) / 1000 for figure in figures)
    page.close()
    return max(seconds, 0.0)


def steps(browser: Browser, address: str, name: str) -> list[float]:
    """Milliseconds of every step along every axis of every explorer of a page."""
    page = browser.new_page()
    page.goto(f"{address}/{name}.html", wait_until="load")
    times = []
    for figure in page.locator("figure.otg-explorer").all():
        for axis in explorer_driver.axes_of(figure):
            times += explorer_driver.step_times(figure, axis["name"])
    page.close()
    return times


def main() -> int:
    """Measure every chapter, print and write the table; 0 where all bars are kept."""
    rows: list[dict[str, Any]] = []
    with served(HTML) as address, launched() as browser:
        for name in pages_of_the_book():
            if not name.split("/")[-1][:2].isdigit():
                continue
            times = steps(browser, address, name)
            rows.append(
                {
                    "page": name,
                    "bytes": weight(browser, address, name),
                    "first_picture_s": first_picture(browser, address, name),
                    "step_median_ms": statistics.median(times),
                    "step_max_ms": max(times),
                    "steps": len(times),
                }
            )
    text = [
        "| page | on the wire | first picture | step, median | step, largest | steps |",
        "|---|---|---|---|---|---|",
    ]
    text += [
        f"| {r['page']} | {r['bytes'] / 1e6:.2f} MB | {r['first_picture_s']:.2f} s "
        f"| {r['step_median_ms']:.0f} ms | {r['step_max_ms']:.0f} ms | {r['steps']} |"
        for r in rows
    ]
    print("\n".join(text))
    Path(OUT).mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%d")
    (OUT / "site.json").write_text(json.dumps({"date": stamp, "rows": rows}, indent=1))
    (OUT / "site.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    kept = all(
        r["first_picture_s"] <= FIRST_PICTURE and r["step_max_ms"] <= STEP and r["bytes"] <= WEIGHT
        for r in rows
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
