"""The index at the end of the book: terms with the chapters that use them, symbols by letter.

Both are written by the build, from the glossary, the table of symbols and the text, so that they
cannot disagree with these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import chapters
import first_uses
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

#: A chapter that uses a term less often than this only mentions it.
USES = 3
#: Words in these are not the book's text.
CLOSED = (nodes.literal_block, nodes.raw, nodes.math_block, nodes.comment)
GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega",
)  # fmt: skip
#: Decorations of a letter, in TeX.
_DRESS = re.compile(
    r"^(?:\\(?:mathcal|mathbb|mathrm|operatorname|hat|bar|tilde|lVert|lvert|langle|left)\b|[{\s(|])+"
)


class Section(NamedTuple):
    """A section of a chapter, and its own words in lower case."""

    ident: str
    words: str


class TermIndex(nodes.General, nodes.Element):
    """Stands where the list of terms will be."""


class SymbolIndex(nodes.General, nodes.Element):
    """Stands where the table of symbols will be."""


class _Directive(SphinxDirective):
    node: type[nodes.Element]

    def run(self) -> list[nodes.Node]:
        pages: set[str] = vars(self.env).setdefault("otgen_index_pages", set())
        pages.add(self.env.docname)
        return [self.node()]


class TermIndexDirective(_Directive):
    """``{term-index}``: every entry of the glossary, with the chapters that use it."""

    node = TermIndex


class SymbolIndexDirective(_Directive):
    """``{symbol-index}``: every row of the tables of symbols, by letter."""

    node = SymbolIndex


# -- reading ---------------------------------------------------------------------------------------


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Remember the words of each section of a chapter."""
    if chapters.number(app.env.docname):
        texts(app.env)[app.env.docname] = [
            Section(section["ids"][0], words(section))
            for section in doctree.findall(nodes.section)
            # The content of a proof or an exercise is a section in its tree, and none of the page.
            if isinstance(section.parent, (nodes.document, nodes.section))
        ]


def words(section: nodes.section) -> str:
    """The text of a section without its subsections, in lower case."""

    def own(node: nodes.Node) -> Iterator[str]:
        for child in node.children:
            if isinstance(child, nodes.Text):
                yield child.astext()
            elif not (child.parent is section and isinstance(child, nodes.section)) and (
                not isinstance(child, CLOSED)
            ):
                yield from own(child)
                yield "" if isinstance(child, nodes.Inline) else " "

    return " ".join("".join(own(section)).lower().split())


def texts(env: BuildEnvironment) -> dict[str, list[Section]]:
    """Page -> its sections."""
    found: dict[str, list[Section]] = vars(env).setdefault("otgen_section_texts", {})
    return found


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    texts(env).pop(docname, None)


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    texts(env).update({name: texts(other)[name] for name in docnames if name in texts(other)})
    pages: set[str] = vars(env).setdefault("otgen_index_pages", set())
    pages |= vars(other).get("otgen_index_pages", set())


def rewritten(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The index depends on every page, so it is written anew in every build."""
    return sorted(name for name in vars(env).get("otgen_index_pages", ()) if name in env.found_docs)


# -- terms -----------------------------------------------------------------------------------------


def pattern(term: str) -> re.Pattern[str]:
    """A term as a word, in the singular or the plural."""
    return re.compile(rf"(?<!\w){re.escape(term)}(?:s|es)?(?!\w)")


def places(env: BuildEnvironment, names: list[str]) -> Iterator[tuple[int, str, str, bool]]:
    """Chapter, page, anchor, and whether it defines them, for each chapter that uses some names.

    The anchor is the definition, or else the section that has the names most often.
    """
    found = [pattern(name) for name in names]
    defined = dict(first_uses.first(env, names))
    for number, page in sorted(chapters.numbered(env)):
        if page in defined:
            yield number, page, defined[page], True
            continue
        counts = [
            (sum(len(one.findall(section.words)) for one in found), section.ident)
            for section in texts(env)[page]
        ]
        if sum(count for count, _ in counts) >= USES:
            yield number, page, max(counts, key=lambda pair: pair[0])[1], False


def initial(name: str) -> str:
    """The letter under which a term or a symbol stands."""
    bare = _DRESS.sub("", name)
    if bare.startswith("\\"):
        word = re.match(r"\\([A-Za-z]*)", bare).group(1)  # type: ignore[union-attr]
        letter = word.removeprefix("var").lower()
        return letter if letter in GREEK else "other"
    return bare[:1].upper() if bare[:1].isalpha() else "other"


def rank(letter: str) -> tuple[int, int, str]:
    """Latin letters, then Greek ones, then the rest."""
    if letter in GREEK:
        return 1, GREEK.index(letter), letter
    return (2, 0, letter) if letter == "other" else (0, 0, letter)


def term_list(app: Sphinx, here: str) -> list[nodes.Node]:
    """The terms under their letters."""
    under: dict[str, dict[str, nodes.list_item]] = {}
    for page in sorted(app.env.found_docs):
        for glossary in first_uses.glossaries(app.env, page):
            for entry in glossary.findall(nodes.definition_list_item):
                for letter, term in names_of(entry).items():
                    item = nodes.list_item("", line(app, here, page, entry, term))
                    under.setdefault(letter, {})[term.astext().lower()] = item
    out: list[nodes.Node] = []
    for letter in sorted(under, key=rank):
        out.append(nodes.rubric("", letter))
        items = [item for _, item in sorted(under[letter].items())]
        out.append(nodes.bullet_list("", *items, classes=["otg-index"]))
    return out


def names_of(entry: nodes.definition_list_item) -> dict[str, nodes.term]:
    """Letter -> the first of an entry's names that stands under it."""
    found: dict[str, nodes.term] = {}
    for term in entry.findall(nodes.term):
        found.setdefault(initial(term.astext().lower().lstrip("(")), term)
    return found


def line(
    app: Sphinx, here: str, page: str, entry: nodes.definition_list_item, term: nodes.term
) -> nodes.paragraph:
    """A term, which leads to the glossary, and the numbers of the chapters that use it."""
    uri = f"{app.builder.get_relative_uri(here, page)}#{term['ids'][0]}"
    name = nodes.reference("", "", internal=True, refuri=uri)
    name += [child.deepcopy() for child in term.children if shown(child)]
    out = nodes.paragraph("", "", name)
    names = [first_uses.key(other.astext()) for other in entry.findall(nodes.term)]
    for number, chapter, anchor, defined in places(app.env, names):
        uri = f"{app.builder.get_relative_uri(here, chapter)}#{anchor}"
        link = nodes.reference("", str(number), internal=True, refuri=uri)
        out += [nodes.Text(", "), nodes.strong("", "", link) if defined else link]
    return out


def shown(node: nodes.Node) -> bool:
    """Whether a child of a glossary's term is part of its name."""
    return isinstance(node, (nodes.Text, nodes.Inline)) and not isinstance(
        node, nodes.system_message
    )


# -- symbols ---------------------------------------------------------------------------------------


def symbol_table(env: BuildEnvironment, page: str) -> nodes.table | None:
    """The rows of a page's tables whose first cell is a formula, by the letter of the symbol."""
    rows = [
        row
        for body in env.get_doctree(page).findall(nodes.tbody)
        for row in body.findall(nodes.row)
        if len(row) == 2 and symbol(row) and not code(row)
    ]
    if not rows:
        return None
    rows.sort(key=lambda row: (rank(initial(symbol(row))), symbol(row)))
    head = nodes.row(
        "", *(nodes.entry("", nodes.paragraph("", text)) for text in ("symbol", "meaning"))
    )
    group = nodes.tgroup("", *(nodes.colspec(colwidth=w) for w in (20, 80)), cols=2)
    group += [nodes.thead("", head), nodes.tbody("", *(row.deepcopy() for row in rows))]
    return nodes.table("", group, classes=["table"])


def symbol(row: nodes.row) -> str:
    """The first formula of a row's first cell, nothing where it starts with other words."""
    first = row[0][0] if len(row[0]) else None
    found = first[0] if first is not None and len(first) else None
    return found.astext() if isinstance(found, nodes.math) else ""


def code(row: nodes.row) -> bool:
    """Whether a row says how a formula is called in code."""
    return bool(len(row[1]) and len(row[1][0]) and isinstance(row[1][0][0], nodes.literal))


class FillIn(SphinxPostTransform):
    """Replace the placeholders, before references are resolved."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        for place in list(self.document.findall(TermIndex)):
            place.replace_self(term_list(self.app, self.env.docname))
        for place in list(self.document.findall(SymbolIndex)):
            table = symbol_table(self.env, "book/notation")
            place.replace_self([] if table is None else [table])


def setup(app: Sphinx) -> dict[str, Any]:
    for node in (TermIndex, SymbolIndex):
        app.add_node(node)
    app.add_directive("term-index", TermIndexDirective)
    app.add_directive("symbol-index", SymbolIndexDirective)
    app.connect("doctree-read", collect, priority=600)  # after proofs.py has made ids unique
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", rewritten)
    app.add_post_transform(FillIn)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
