"""The glossary and the text hold each other: every bold term is defined there, and links back.

A chapter sets a term in bold where it defines it, and only there. This extension gives each such
place an anchor, and ends each entry of the glossary with a link to the first of them. A bold term
without an entry, and an entry that no chapter sets in bold, are warnings, and so faults of the
build.

Not a term: bold text that ends with a stop, a colon, a comma or a question mark (a heading that
runs into its paragraph), a quoted claim, and the heading of the list of goals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import chapters
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

NO_TERM = re.compile(r"[.:,?!][”\"]?$|^[“\"]|^You will be able to$")

logger = logging.getLogger(__name__)


def key(text: str) -> str:
    """A term as it is looked up: lower case, single spaces."""
    return " ".join(text.lower().split())


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Give every bold term of a chapter an anchor, and remember the first of each."""
    page = app.env.docname
    found: dict[str, str] = {}
    for strong in doctree.findall(nodes.strong) if chapters.number(page) else ():
        text = strong.astext().strip()
        if NO_TERM.search(text) or key(text) in found:
            continue
        anchor = nodes.make_id(f"term-{text}")
        strong["ids"].append(anchor)
        found[key(text)] = anchor
    uses(app.env)[page] = found


def uses(env: BuildEnvironment) -> dict[str, dict[str, str]]:
    """Page -> the terms that it sets in bold -> anchor."""
    found: dict[str, dict[str, str]] = vars(env).setdefault("otgen_first_uses", {})
    return found


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    uses(env).pop(docname, None)


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    uses(env).update({name: uses(other)[name] for name in docnames if name in uses(other)})


def check(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Compare both lists; the glossary is written anew in every build."""
    pages = [name for name in sorted(env.found_docs) if glossaries(env, name)]
    if not pages:
        return []
    defined = {
        key(term.astext())
        for page in pages
        for glossary in glossaries(env, page)
        for term in glossary.findall(nodes.term)
    }
    bold = {term: page for page in reversed(in_order(env)) for term in uses(env)[page]}
    for term in sorted(bold.keys() - defined):
        logger.warning("bold, and not in the glossary: %s", term, location=bold[term])
    for term in sorted(defined - bold.keys()):
        logger.warning("in the glossary, and bold in no chapter: %s", term, location=pages[0])
    return pages


def glossaries(env: BuildEnvironment, page: str) -> list[addnodes.glossary]:
    """The glossaries of a page; reading a page's tree takes a while, so only reference pages."""
    if chapters.number(page):
        return []
    return list(env.get_doctree(page).findall(addnodes.glossary))


def in_order(env: BuildEnvironment) -> list[str]:
    """The chapters by their numbers."""
    return sorted(page for page in uses(env) if chapters.number(page))


def link_back(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """End each entry with a link to the place where its term is set in bold first."""
    for glossary in doctree.findall(addnodes.glossary):
        for entry in glossary.findall(nodes.definition_list_item):
            terms = [key(term.astext()) for term in entry.findall(nodes.term)]
            for page, anchor in first(app.env, terms):
                uri = f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
                name = f"Chapter {chapters.number(page)}"
                link = nodes.reference("", name, internal=True, refuri=uri)
                last = list(entry.findall(nodes.paragraph))[-1]
                last += [nodes.Text(" "), link]


def first(env: BuildEnvironment, terms: list[str]) -> Iterator[tuple[str, str]]:
    """The first place of any of an entry's terms."""
    for page in in_order(env):
        for term, anchor in uses(env)[page].items():
            if term in terms:
                yield page, anchor
                return


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", check)
    app.connect("doctree-resolved", link_back)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
