"""Bold terms and the glossary: which words are terms, and what each side lacks."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes

from book._ext import first_uses


def read(env, page, *bold):
    """Read a page whose only words are these, in bold."""
    document = new_document(page)
    document += [nodes.paragraph("", "", nodes.strong("", text)) for text in bold]
    first_uses.collect(SimpleNamespace(env=SimpleNamespace(**vars(env), docname=page)), document)
    return [node["ids"] for node in document.findall(nodes.strong)]


@pytest.fixture
def env():
    return SimpleNamespace(otgen_first_uses={})


@pytest.mark.parametrize(
    "text",
    ["A heading.", "Measured:", "same,", "Why?", "“A claim.”", '"A claim."', "You will be able to"],
)
def test_what_is_no_term(env, text):
    assert read(env, "book/03_entropy", text) == [[]]
    assert first_uses.uses(env) == {"book/03_entropy": {}}


def test_only_chapters_define_terms(env):
    assert read(env, "book/how_to_read", "explorer") == [[]]


def test_the_first_place_of_a_term_on_a_page_gets_the_anchor(env):
    assert read(env, "book/03_entropy", "Soft  cells", "soft cells") == [["term-soft-cells"], []]
    assert first_uses.uses(env)["book/03_entropy"] == {"soft cells": "term-soft-cells"}


def test_an_entry_leads_to_the_earliest_chapter_of_any_of_its_names(env):
    read(env, "book/10_pot_aae", "coupling")
    read(env, "book/02_distances", "slack", "plan")
    assert list(first_uses.first(env, ["plan", "coupling"])) == [("book/02_distances", "term-plan")]
    assert list(first_uses.first(env, ["nowhere"])) == []


def test_the_link_stands_at_the_end_of_the_entry(env):
    read(env, "book/02_distances", "plan")
    term, meaning = nodes.term("", "plan"), nodes.paragraph("", "A matrix.")
    entry = nodes.definition_list_item("", term, nodes.definition("", meaning))
    page = new_document("book/glossary")
    page += addnodes.glossary("", nodes.definition_list("", entry))
    builder = SimpleNamespace(get_relative_uri=lambda here, there: f"{there}.html")
    first_uses.link_back(SimpleNamespace(env=env, builder=builder), page, "book/glossary")
    assert meaning.astext() == "A matrix. Chapter 2"
    (link,) = meaning.findall(nodes.reference)
    assert link["refuri"] == "book/02_distances.html#term-plan"
