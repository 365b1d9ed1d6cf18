"""Lengths of the chapters' sentences, page by page.

``python -m tools.prose`` prints a table; ``python -m tools.prose book/05_mke.md --runs`` also
prints where more than two short sentences stand in a row, and the longest sentences. It measures
and judges nothing: the aims are in CONTRIBUTING ("Language"), and ``tools/language`` holds them.

What counts: paragraphs, list items, and the text inside of statements, proofs, exercises and boxes.
What does not: code, tables, headings, captions and front matter. A formula is one word; a sentence
that is interrupted by a displayed formula goes on behind it. Sentences are told apart at ``.``,
``!`` and ``?`` before a capital, a digit or a formula, except behind an abbreviation.
"""

from __future__ import annotations

import argparse
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_role import myst_role_plugin

ROOT = Path(__file__).resolve().parent.parent
SHORT = 8

#: Directives whose content is prose.
PROSE = re.compile(r"\{(prf:\w+|exercise|solution|admonition|note|tip|warning|important|hint)\}")
#: Lines of options at the head of a directive.
OPTION = re.compile(r"^:[\w-]+:.*$")
ABBREVIATION = re.compile(r"\b(e\.g|i\.e|cf|vs|et al|Fig|Eq|Ch|Sec|Thm|Prop|No|pp|St|Dr|[A-Z])\.$")
END = re.compile(r"([.!?][\"”’)*]*)\s+(?=[\"“‘(*]*[A-Z0-9Ω])")
#: Placeholder of a formula in a sentence: a word that may begin one.
FORMULA = "Ω"

MARKDOWN = (
    MarkdownIt("commonmark")
    .enable("table")
    .use(front_matter_plugin)
    .use(dollarmath_plugin)
    .use(myst_role_plugin)
    .use(colon_fence_plugin)
)


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a page, formulas replaced; one that a displayed formula cuts is one."""
    open_end = ""
    tokens = MARKDOWN.parse(text)
    in_heading = in_table = False
    for token in tokens:
        kind = token.type
        if kind in ("heading_open", "heading_close"):
            in_heading = kind.endswith("open")
        elif kind in ("table_open", "table_close"):
            in_table = kind.endswith("open")
        elif kind.startswith("math_block"):
            open_end = f"{open_end} {FORMULA}" if open_end else ""
        elif kind in ("fence", "colon_fence"):
            if open_end:
                yield open_end
                open_end = ""
            if PROSE.match(token.info.strip()):
                yield from paragraphs(content(token.content))
        elif kind == "inline" and not in_heading and not in_table:
            words = f"{open_end} {plain(token)}".strip()
            open_end = ""
            if words and words[-1] not in '.!?*"”)':
                open_end = words
            elif words:
                yield words
        elif kind in ("list_item_open", "list_item_close") and open_end:
            yield open_end
            open_end = ""
    if open_end:
        yield open_end


def content(text: str) -> str:
    """Content of a directive, without its options."""
    lines = text.split("\n")
    while lines and (OPTION.match(lines[0]) or not lines[0].strip()):
        lines.pop(0)
    return "\n".join(lines)


def plain(token: Token) -> str:
    """The words of a line of text; roles and formulas as one word each."""
    parts = []
    for child in token.children or []:
        if child.type in ("math_inline", "math_inline_double", "code_inline"):
            parts.append(FORMULA)
        elif child.type == "myst_role":
            parts.append(FORMULA if child.meta["name"] != "cite:p" else "")
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "text":
            parts.append(child.content)
    return re.sub(r"\s+", " ", "".join(parts)).strip()


def sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph."""
    found: list[str] = []
    for part in END.sub(r"\1\n", paragraph).split("\n"):
        if found and ABBREVIATION.search(found[-1]):
            found[-1] += f" {part}"
        else:
            found.append(part)
    return [s for s in found if re.search(r"\w", s)]


def length(sentence: str) -> int:
    """Words of a sentence; words joined by a hyphen are one, a dash is none."""
    return sum(re.search(r"\w", word) is not None for word in sentence.split())


def runs(paragraph: list[str]) -> Iterator[list[str]]:
    """More than two short sentences in a row."""
    row: list[str] = []
    for sentence in [*paragraph, "x " * (SHORT + 1)]:
        if length(sentence) <= SHORT:
            row.append(sentence)
            continue
        if len(row) > 2:
            yield row
        row = []


def table(pages: list[Path]) -> Iterator[str]:
    """One line a page."""
    head = f"{'page':<20} sentences  mean  median  ≤ {SHORT} words"
    yield f"{head}  ≤ 10 words  > 35 words  short runs"
    for page in pages:
        text = [sentences(p) for p in paragraphs(page.read_text(encoding="utf-8"))]
        n = [length(s) for paragraph in text for s in paragraph]
        if not n:
            continue
        many = sum(len(list(runs(paragraph))) for paragraph in text)

        def share(count: int, of: int = len(n)) -> str:
            return f"{100 * count / of:.0f} %"

        yield (
            f"{page.stem:<20} {len(n):>9}  {statistics.mean(n):>4.1f}  {statistics.median(n):>6.0f}"
            f"  {share(sum(k <= SHORT for k in n)):>9}  {share(sum(k <= 10 for k in n)):>10}"
            f"  {share(sum(k > 35 for k in n)):>10}  {many:>10}"
        )


def remarks(page: Path) -> Iterator[str]:
    """Places to look at: runs of short sentences, and the longest sentences."""
    text = [sentences(p) for p in paragraphs(page.read_text(encoding="utf-8"))]
    yield f"\n{page.stem}: more than two short sentences in a row"
    for paragraph in text:
        for row in runs(paragraph):
            yield "  " + " | ".join(row)
    yield f"{page.stem}: the longest sentences"
    for sentence in sorted((s for p in text for s in p), key=length, reverse=True)[:5]:
        yield f"  {length(sentence)}: {sentence}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("pages", nargs="*", type=Path, help="pages; all chapters if none is named")
    parser.add_argument("--runs", action="store_true", help="say where to look")
    options = parser.parse_args()
    pages = options.pages or sorted((ROOT / "book").glob("[0-9]*.md"))
    print("\n".join(table(pages)))
    if options.runs:
        for page in pages:
            print("\n".join(remarks(page)))


if __name__ == "__main__":
    main()
