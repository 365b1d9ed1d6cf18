"""The index: under which letter, in which chapters, and to which place each number leads."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from book._ext import book_index
from book._ext.book_index import Section


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("plan", "P"),
        (r"\psi", "psi"),
        (r"\hat\psi", "psi"),
        (r"\varepsilon", "epsilon"),
        (r"\theta_t", "theta"),
        (r"\mathcal N(m, S)", "N"),
        (r"\operatorname{osc}", "O"),
        (r"\lVert S \rVert_F", "S"),
        (r"\Pi(a, b)", "pi"),
        (r"\chi^2", "chi"),
        ("1-lipschitz", "other"),
        (r"\sqrt{2}", "other"),
    ],
)
def test_letters(name, letter):
    assert book_index.initial(name) == letter


def test_latin_then_greek_then_the_rest():
    letters = ["other", "psi", "A", "alpha", "Z"]
    assert sorted(letters, key=book_index.rank) == ["A", "Z", "alpha", "psi", "other"]


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("a plan, two plans", 2),
        ("planning without a plane", 0),
        ("a couple of losses", 0),
        ("the plan-based", 1),
    ],
)
def test_words(text, times):
    assert len(book_index.pattern("plan").findall(text)) == times


def test_words_of_a_section_are_its_own():
    inner = nodes.section("", nodes.paragraph("", "Deeper"), ids=["inner"])
    text = nodes.paragraph("", "", nodes.Text("The "), nodes.emphasis("", "Plan"), nodes.Text("s"))
    outer = nodes.section("", text, nodes.literal_block("", "plan = 1"), inner, ids=["outer"])
    assert book_index.words(outer) == "the plans"


def test_a_proof_belongs_to_its_section():
    content = nodes.section("", nodes.paragraph("", "of a plan"), ids=["proof-content"])
    outer = nodes.section("", nodes.admonition("", content), ids=["outer"])
    page = new_document("book/01_a")
    page += outer
    app = SimpleNamespace(env=SimpleNamespace(docname="book/01_a"))
    book_index.collect(app, page)
    assert book_index.texts(app.env) == {"book/01_a": [Section("outer", "of a plan")]}


def environment():
    """Three chapters: the first defines, the second uses often, the third once."""
    pages = ["book/01_a", "book/02_b", "book/03_c"]
    texts = {
        pages[0]: [Section("top", "a plan")],
        pages[1]: [Section("top", "plan"), Section("more", "plans and couplings, a plan")],
        pages[2]: [Section("top", "one plan")],
    }
    return SimpleNamespace(
        found_docs=set(pages),
        otgen_section_texts=texts,
        otgen_first_uses={pages[0]: {"plan": "term-plan"}, pages[1]: {}, pages[2]: {}},
    )


def test_the_definition_is_marked_and_a_chapter_that_only_mentions_is_not_listed():
    assert list(book_index.places(environment(), ["plan", "coupling"])) == [
        (1, "book/01_a", "term-plan", True),
        (2, "book/02_b", "more", False),
    ]


def test_an_entry_stands_once_under_each_letter():
    entry = nodes.definition_list_item(
        "", *(nodes.term("", name) for name in ("plan", "coupling", "plans (couplings)"))
    )
    assert {k: v.astext() for k, v in book_index.names_of(entry).items()} == {
        "P": "plan",
        "C": "coupling",
    }


def row(*cells):
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def test_symbols_are_sorted_and_rows_about_code_are_left_out():
    rows = [
        row([nodes.math("", r"\psi")], [nodes.Text("prices")]),
        row([nodes.math("", "P")], [nodes.Text("plan")]),
        row([nodes.math("", "C")], [nodes.literal("", "cost_matrix")]),
        row([nodes.Text("symbol")], [nodes.Text("meaning")]),
    ]
    tree = nodes.section("", nodes.table("", nodes.tgroup("", nodes.tbody("", *rows), cols=2)))
    table = book_index.symbol_table(SimpleNamespace(get_doctree=lambda page: tree), "notation")
    found = [r[0].astext() for body in table.findall(nodes.tbody) for r in body]
    assert found == ["P", r"\psi"]
