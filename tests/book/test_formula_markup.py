"""The markup of formulas: where it may break, what follows it, and signs of numbers."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from book._ext import katex, minus
from book._ext.formula_groups import LETTERS, keep_together

TOGETHER = re.compile(r'<span class="otg-together">')


class Tags(HTMLParser):
    """Whether every tag is closed where it should be."""

    def __init__(self, markup):
        super().__init__()
        self.open, self.fine = [], True
        self.feed(markup)
        self.fine = self.fine and not self.open

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)

    def handle_endtag(self, tag):
        self.fine = self.fine and bool(self.open) and self.open.pop() == tag


def letters(markup):
    return re.sub(r"<[^>]*>|\u200b", "", markup)


def visible(markup):
    """The half that is seen; the other one is MathML."""
    return markup[markup.index('<span class="katex-html"') :]


@pytest.mark.parametrize("display", [False, True])
@pytest.mark.parametrize(
    ("tex", "groups"),
    [
        (r"a = b + c", 0),
        (r"(a - b)^2 = c", 1),
        (r"x = \|m_1 - m_2\|^2 + (s_1 - s_2)^2", 2),
        (r"\langle a - b, c - d \rangle \le 1", 1),
        (r"[0, 1) = I", 0),
        ("f(" + " + ".join(f"x_{{{k}}}" for k in range(10, 30)) + ") = 1", 0),
        (r"\bigl( a - b \bigr) = \frac{1}{2}", 1),
    ],
)
def test_short_brackets_stay_whole(tex, groups, display):
    made = katex.typeset(tex, display)
    kept = keep_together(made)
    assert len(TOGETHER.findall(kept)) == groups
    assert TOGETHER.sub("", kept).count("<span") == made.count("<span")
    assert letters(visible(kept)) == letters(visible(made))
    assert Tags(kept).fine


@pytest.mark.parametrize(
    "tex", ["S_1", "a = b", "a = (b - c)", "[0, 1)", "f(" + "x + " * 20 + "1)"]
)
def test_a_full_stop_stays_with_the_last_part(tex):
    kept = keep_together(katex.typeset(tex), ".")
    assert Tags(kept).fine
    last = letters(kept[kept.rindex('<span class="otg-together">') :])
    assert last.endswith(".")
    assert 1 < len(last) <= LETTERS + 1
    assert letters(visible(kept)) == letters(visible(katex.typeset(tex))) + "."
    assert "</math>." in kept  # a screen reader reads the other half


def test_negative_numbers_of_cells_get_a_minus_sign():
    page = new_document("page")
    for text in ("-0.37", "0.37", "-", "a-1"):
        page += nodes.inline("", text, classes=["pasted-text"])
    page += nodes.inline("", "-1", classes=["other"])
    minus.true_signs(SimpleNamespace(), page, "page")
    assert [node.astext() for node in page] == ["−0.37", "0.37", "-", "a-1", "-1"]
