"""Mentions of chapters become links, where the chapter exists."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from book._ext import chapter_links

PAGES = {"book/index", "book/01_kantorovich", "book/06_gradient", "book/10_pot_aae"}
APP = SimpleNamespace(
    env=SimpleNamespace(found_docs=PAGES),
    builder=SimpleNamespace(get_relative_uri=lambda here, there: f"{there}.html"),
)


def links(*children, page="book/01_kantorovich"):
    """The text of a page, and its links."""
    document = new_document(page)
    document += nodes.paragraph("", "", *children)
    chapter_links.link(APP, document, page)
    found = {node.astext(): node["refuri"] for node in document.findall(nodes.reference)}
    return document.astext(), found


SIX, TEN = "book/06_gradient.html", "book/10_pot_aae.html"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Chapter 6 asks when.", {"Chapter 6": SIX}),
        ("as in chapter 10, where", {"chapter 10": TEN}),
        ("Chapters 6, 9 and 10 say", {"Chapters 6": SIX, "10": TEN}),
        ("Chapter: 6, 10.", {"Chapter: 6": SIX, "10": TEN}),
        ("in chapter\n6", {"chapter\n6": SIX}),
        ("chapter 9 is to come", {}),
        ("chapter 60 of another book, and section 6", {}),
        ("chapter 1 is this page", {}),
        ("chapter 6, 10.5 of it", {"chapter 6": SIX}),
    ],
)
def test_mentions(text, found):
    assert links(nodes.Text(text)) == (text, found)


@pytest.mark.parametrize("closed", [nodes.reference, nodes.literal, nodes.title])
def test_no_link_in_a_link_code_or_a_heading(closed):
    node = closed("", "chapter 6", **({"refuri": "there"} if closed is nodes.reference else {}))
    text, found = links(node)
    assert text == "chapter 6"
    assert set(found.values()) <= {"there"}
