"""What each construct of a chapter becomes in its notebook."""

import re
import sys
from typing import Any

import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from .conftest import EXTENSIONS, SmallBook

sys.path.append(str(EXTENSIONS))

import colab_math

SITE = "https://books.example.org/small/"
PAGE = SITE + "book/01_first.html"


@pytest.fixture(scope="module")
def cells(made: SmallBook) -> list[dict[str, Any]]:
    return list(made.notebook("01_first.ipynb")["cells"])


@pytest.fixture(scope="module")
def text(cells: list[dict[str, Any]]) -> str:
    """All text cells, one below the other."""
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


@pytest.fixture(scope="module")
def code(cells: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """(source, metadata) of the code cells."""
    return [("".join(c["source"]), c["metadata"]) for c in cells if c["cell_type"] == "code"]


@pytest.fixture(scope="module")
def page(text: str) -> str:
    """The text as HTML: mathematics cut out first, then CommonMark with tables, as in Jupyter."""
    parser = MarkdownIt("commonmark").enable("table")
    return str(parser.use(dollarmath_plugin, double_inline=True).render(text))


def test_nothing_of_the_source_language_is_left(text: str) -> None:
    outside_code = re.sub(r"(?s)```.*?```|`[^`\n]*`", "", text)
    for mark in (":::", "{prf", "{eq}", "{ref}", "{cite", "{glue", ":label:", ":class:", "(sec-"):
        assert mark not in outside_code, mark
    assert "```{" not in text


@pytest.mark.parametrize(
    "expected",
    [
        "# 1. The first chapter",
        "## 1.1. Mathematics: $a \\le b$",
        "- say *what* a **cost** is,\n- write `C_ij` and 5 \\* 3 \\* 2 for \\$5 (five dollars).",
        "Inline $x_1^*$, and $|x| \\le 1$ over a line break.",
        "$$\n\\min_{P \\in U(a, b)} \\sum_{ij} C_{ij} P_{ij} \\tag{1.1}\n$$",
        "$$\n\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}\n$$",
        "$$\n\\begin{aligned}\ne &= f \\\\\ng &= h\n\\end{aligned}\n$$",
        f"By [(1.1)]({PAGE}#equation-eq-primal)",
        f"see [Fig. 1.2]({PAGE}#fig-line),",
        f"[Lists, tables, notes]({PAGE}#sec-lists)",
        f"[Table 1.1]({PAGE}#tab-costs)",
        f"[The second chapter]({SITE}book/02_second.html)",
        f"[Theorem 1.2]({PAGE}#thm-main)",
        "> **Definition 1.1** (Cost)\n>\n> A **cost** is a function $c \\ge 0$.",
        "> **Theorem 1.2** (Both sides, $P$ and $D$)\n>\n> The two values are equal:\n>\n"
        "> $$ P = D. \\tag{1.2} $$\n>\n> - first, $P \\le D$;\n> - then $P \\ge D$.",
        f"**Proof.** Use [Definition 1.1]({PAGE}#def-cost). Then",
        "<details>\n<summary><b>Proof</b></summary>\n\nA longer one, see "
        f"[(1.2)]({PAGE}#equation-eq-equal).\n\n</details>",
        "> **Remark**\n>\n> Without a number.",
        "The value is 0.500 and the word is seven.",
        "1. one\n   - one a\n\n     second paragraph of one a\n\n     ```python\n",
        "- **Term**: its definition, with $m$.",
        "- **Other term**: first paragraph\n\n  second paragraph",
        "**Table 1.1** Costs that are used\n\n| name | formula | note |\n| --- | :---: | ---: |\n"
        "| one | $x < y$ | a \\| b |\n| two | $\\vert x - y\\vert ^2$ | `a \\| b` |",
        "a footnote<sup>1</sup> and another one<sup>2</sup>.",
        "<sup>1</sup> Because of $w$.\n\n<sup>2</sup> The *second* note.",
        "> **Read *this***\n>\n> A tip with a list:\n>\n> 1. one\n> 2. two",
        "> **Note**\n>\n> A note.\n>\n> > A quotation inside.",
        "<summary><b>Warning</b></summary>\n\nFolded.",
        "<summary><b>The answer, for $\\lambda$</b></summary>\n\nIt moves. See [Theorem 1.2]",
        '**Words**\n\nIn words.\n\n**Code**\n\n```python\nprint("in code")\n```',
        "```python\ndef gap(left: float, right: float) -> float:\n"
        '    """How far the two sides are apart."""\n    return abs(left - right)\n```',
        f"![A line that goes up]({SITE}_images/line.png)\n\n"
        "**Fig. 1.1** A picture that lies in the book, with $x$.",
        f"in a line ![small]({SITE}_images/line.png) of text, H<sub>2</sub>O",
        f"[link to a section]({PAGE}#sec-maths) and [https://example.org](https://example.org)",
        "snake_case and \\_this\\_, 3 \\* 4, \\~5, `a|b`, ``a`b``, [not]&#40;a link), &lt;div>, "
        "&amp;lt; and $a< b$:",
        "1\\. is no list,\n\\# no heading,\n\\- no item.",
        '<span class="kept">kept</span>',
        f"**Fig. 1.2** The line, from [(1.1)]({PAGE}#equation-eq-primal).",
        "> **Exercise 1.1** (How much, for $n = 2$?)\n>\n> ★ Compute it.",
        "<summary><b>Solution to Exercise 1.1 (How much, for $n = 2$?)</b></summary>",
        "> **Exercise 1.2**\n>\n> ★★ Without a title.",
        "<summary><b>Solution to Exercise 1.2</b></summary>\n\nRun this.\n\n</details>",
        "<summary><b>Solution to Exercise 1.2, continued</b></summary>\n\nIt gives two.",
        "> **Exercise 1.3** (Run it)\n>\n> Change this cell:",
        "> **Exercise 1.3 (Run it), continued**\n>\n> and look.",
        "> **Exercise (Not counted)**\n>\n> Optional.",
    ],
)
def test_construct(text: str, expected: str) -> None:
    assert expected in text


def test_citations_are_text_with_links_to_the_bibliography(text: str) -> None:
    assert re.search(
        rf"and \[\[Villani, 2009\]\({SITE}book/bibliography\.html#ref-villani-2009\)\], as", text
    )
    assert re.search(
        rf"as Villani \[\[2009\]\({SITE}book/bibliography\.html#ref-villani-2009\)\] says", text
    )


def test_a_hidden_function_stays_hidden(text: str) -> None:
    assert "not on the page" not in text


def test_it_reads_as_markdown(page: str) -> None:
    assert page.count("<h1>") == 1
    assert page.count("<h2>") == 5
    assert page.count("<table>") == 1
    assert page.count("<td") == 6
    assert page.count("<details>") == page.count("</details>") == 7
    assert re.search(r"<li>.*?one.*?<ul>\s*<li>", page, re.DOTALL)
    # The theorem is one quotation with its formula and its list in it.
    theorem = re.search(r"<blockquote>(?:(?!</blockquote>).)*Theorem 1\.2.*?</blockquote>", page,
                        re.DOTALL)  # fmt: skip
    assert theorem is not None
    assert "math block" in theorem[0]
    assert theorem[0].count("<li>") == 2
    # Every dollar sign belongs to a formula, or is the one in "$5".
    bare = re.sub(r'(?s)<(span|div) class="math[^"]*">.*?</\1>|<summary>.*?</summary>', "", page)
    assert bare.count("$") == 1
    assert "$5 (five dollars)" in bare


def test_formulas_in_summaries_keep_their_dollars(page: str) -> None:
    summaries = re.findall(r"<summary>.*?</summary>", page)
    assert any("$\\lambda$" in summary for summary in summaries)
    assert not any("**" in summary or "](" in summary for summary in summaries)


def test_cells_of_the_build_are_left_out(code: list[tuple[str, dict[str, Any]]]) -> None:
    assert not any("glue" in source or "myst_nb" in source for source, _ in code)


def test_folded_code(code: list[tuple[str, dict[str, Any]]]) -> None:
    folded = {source: meta for source, meta in code if "cellView" in meta}
    assert folded == {
        "#@title Code\nmath.sqrt(2)": {"cellView": "form", "tags": ["hide-input"]},
        "#@title Code of Fig. 1.3\nfigure": {"cellView": "form", "tags": ["hide-cell"]},
        '#@title Code\nprint("removed on the page, but it must run")': {
            "cellView": "form", "tags": ["remove-input"]
        },
        '%%capture\nprint("a cell magic")': {"cellView": "form", "tags": ["hide-input"]},
        "#@title Solution to Exercise 1.2: code\nsolution = 1 + 1\nprint(solution)": {
            "cellView": "form"
        },
    }  # fmt: skip


def test_other_code_is_as_on_the_page(code: list[tuple[str, dict[str, Any]]]) -> None:
    plain = [source for source, meta in code[1:] if "cellView" not in meta]
    assert plain == [
        "import math",
        "from matplotlib.figure import Figure\n\nfigure = Figure(figsize=(2, 1))\n"
        "figure.subplots().plot([0, 1], [0, 1])\nfigure",
        "x = 1",
        "x = 1",
        "start = 0",
    ]


def test_the_setup_cell_comes_first_and_is_open(
    website: SmallBook, cells: list[dict[str, Any]]
) -> None:
    """On the website it stands behind the goals; a notebook must run from top to bottom."""
    sources = ["".join(cell["source"]) for cell in cells]
    setup = sources.index("import math")
    assert not cells[setup]["metadata"].keys() & {"cellView"}
    assert [c["id"] for c in cells[:setup] if c["cell_type"] == "code"] == ["install"]
    assert setup < next(k for k, source in enumerate(sources) if "You will be able to" in source)
    html = website.page("01_first.html")
    goals, shown = html.index("You will be able to"), html.index('class="kn">import</span>')
    assert goals < shown < html.index('id="mathematics')


def test_code_follows_its_text(cells: list[dict[str, Any]]) -> None:
    kinds = [c["cell_type"] for c in cells]
    assert kinds[:4] == ["markdown", "code", "markdown", "code"]
    sources = ["".join(c["source"]) for c in cells]
    solution = next(i for i, s in enumerate(sources) if "solution = 1 + 1" in s)
    assert sources[solution - 1].endswith("Run this.\n\n</details>")
    assert sources[solution + 1].startswith("<details>\n<summary><b>Solution to Exercise 1.2, cont")


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        ("a\n\nb", "$$\n\\begin{aligned}\na \\\\\nb\n\\end{aligned}\n$$"),
        ("\\begin{cases} a \\\\ b \\end{cases}", "$$\n\\begin{cases} a \\\\ b \\end{cases}\n$$"),
        ("\\begin{equation}\na\n\\end{equation}", "$$\na\n$$"),
        ("\\begin{gather*}\na \\\\ b\n\\end{gather*}",
         "$$\n\\begin{gathered}\na \\\\ b\n\\end{gathered}\n$$"),
        ("a <b", "$$\na < b\n$$"),
    ],
)  # fmt: skip
def test_displayed_formulas(tex: str, expected: str) -> None:
    assert colab_math.display(tex) == expected


def test_a_quoted_formula_stands_on_one_line_without_its_comments() -> None:
    formula = colab_math.display("a % one\n= 5\\% b", tag="1.2", one_line=True)
    assert formula == "$$ a = 5\\% b \\tag{1.2} $$"


def test_inline_formulas() -> None:
    assert colab_math.inline("a\\ ") == "$a\\ $"
    assert colab_math.inline(r"\|x\| |y|", in_table=True) == r"$\Vert x\Vert  \vert y\vert $"
