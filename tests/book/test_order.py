"""What stands where on the website: pictures before their code, the setup behind the goals."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document
from myst_nb.sphinx_ import HideCodeCellNode

from book._ext.order import CODE, MADE, SETUP, WHOLE, arrange


def code(text):
    source = nodes.container(nb_element="cell_code_source")
    source += nodes.literal_block(text, text)
    return source


def cell(text, *output, folded=True, tags=(), prompt=CODE):
    made = nodes.container(nb_element="cell_code", cell_metadata={"tags": list(tags)})
    if folded:
        fold = HideCodeCellNode(prompt_show=prompt, prompt_hide="Hide")
        fold["classes"].append("above-input")
        fold += code(text)
        made += fold
    else:
        made += code(text)
    if output:
        shown = nodes.container(nb_element="cell_code_output")
        shown.extend(output)
        made += shown
    return made


def picture():
    return nodes.figure("", nodes.image(uri="a.png"))


def goals():
    item = nodes.list_item("", nodes.paragraph("", "climb"))
    return [nodes.paragraph("", "You will be able to"), nodes.bullet_list("", item)]


def arranged(*children, builder="html"):
    document = new_document("page")
    document.extend(children)
    app = SimpleNamespace(builder=SimpleNamespace(name=builder))
    arrange(app, document, "page")
    return document


def words(node):
    """All code of a page or a part of it, in order; a picture is a star."""
    kinds = (nodes.literal_block, nodes.figure)
    return [
        "*" if isinstance(found, nodes.figure) else found.astext()
        for found in node.findall(lambda n: isinstance(n, kinds))
    ]


def test_folded_code_goes_below_its_picture_with_the_silent_cells_before_it():
    page = arranged(cell("a"), cell("b"), cell("c", picture()))
    assert words(page) == ["*", "a", "b", "c"]
    (fold,) = page.findall(HideCodeCellNode)
    assert fold["prompt_show"] == fold["prompt_hide"] == MADE


@pytest.mark.parametrize(
    "before",
    [
        cell("open", folded=False),
        cell("printed", nodes.paragraph("", "1")),
        nodes.paragraph("", "text between them"),
        cell("import", tags=["setup"]),
    ],
    ids=["open", "printed", "text", "setup"],
)
def test_what_is_read_before_the_picture_stays_there(before):
    page = arranged(cell("a"), before, cell("c", picture()))
    assert words(page)[-2:] == ["*", "c"]
    assert "a" in words(page)[:2]


def test_code_that_prints_stays_above_what_it_prints():
    page = arranged(cell("a", nodes.paragraph("", "1")))
    assert [n.get("nb_element") for n in page[0].children[1:]] == ["cell_code_output"]


def test_open_code_stays_above_its_picture():
    assert words(arranged(cell("a", picture(), folded=False))) == ["a", "*"]


def test_the_setup_stands_behind_the_goals():
    page = arranged(cell("import", tags=["setup"]), cell("p", picture()), *goals(), cell("next"))
    assert words(page) == ["*", "p", "import", "next"]
    assert [fold["prompt_show"] for fold in page.findall(HideCodeCellNode)] == [MADE, SETUP, CODE]


def test_a_cell_may_call_its_fold_something_else():
    page = arranged(cell("a", picture(), prompt="The three lines"))
    (fold,) = page.findall(HideCodeCellNode)
    assert fold["prompt_show"] == fold["prompt_hide"] == "The three lines"


def test_a_solution_is_folded_with_what_it_prints_and_says_so():
    solution = cell("a", nodes.paragraph("", "1"))
    fold, shown = solution.children
    solution.remove(shown)
    fold += shown
    page = arranged(cell("b", nodes.paragraph("", "2")), solution)
    folds = list(page.findall(HideCodeCellNode))
    assert [fold["prompt_show"] for fold in folds] == [CODE, WHOLE]
    assert folds[1].astext().endswith("1")


@pytest.mark.parametrize("builder", ["colab", "latex"])
def test_other_builders_keep_the_order_of_the_source(builder):
    page = arranged(cell("import", tags=["setup"]), cell("p", picture()), *goals(), builder=builder)
    assert words(page) == ["import", "p", "*"]
