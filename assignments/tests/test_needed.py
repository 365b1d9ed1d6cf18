"""Which cells of a notebook are run for an answer."""

from __future__ import annotations

import ast

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from coursework import needed

HELPER = "def helper(x):\n    return scale * x"
ANSWER = "def answer(x):\n    return helper(x)"


def numbers(sources: list[str], *names: str) -> list[int]:
    return [c.number for c in needed.needed(needed.cells(sources), names or ("answer",))]


def test_an_answer_needs_what_it_uses_and_no_trials():
    sources = [
        "scale = 2",
        HELPER,
        "print(helper(3))",
        ANSWER,
        "assert answer(1) == 2",
        "other = 1",
    ]
    assert numbers(sources) == [0, 1, 3]


@pytest.mark.parametrize(
    "binding",
    [
        "scale = 2",
        "scale: int = 2",
        "unused, (scale, *rest) = 1, (2, 3)",
        "for scale in [1, 2]:\n    pass",
        "with open('x') as scale:\n    pass",
        "print(scale := 2)",
        "print([scale := k for k in range(3)])",
        "import numpy as scale",
        "from math import pi as scale",
        "class scale:\n    pass",
        "async def scale():\n    pass",
        "def set_it():\n    global scale\n    scale = 2",
        "match [1, 2]:\n    case [_, scale]:\n        pass",
        "match {'a': 1}:\n    case {**scale}:\n        pass",
        "if True:\n    try:\n        scale = 2\n    except ValueError:\n        pass",
        "scale = 2\ndel scale",
    ],
)
def test_every_way_to_bind_a_name(binding):
    assert numbers([binding, HELPER, ANSWER]) == [0, 1, 2]


@pytest.mark.parametrize(
    "no_binding",
    [
        "def f():\n    scale = 2",
        "f = lambda scale: scale",
        "print([scale for scale in range(3)])",
        "class A:\n    scale = 2",
        "def f(scale=1):\n    return scale",
    ],
)
def test_what_binds_a_name_elsewhere(no_binding):
    assert numbers([no_binding, HELPER, ANSWER]) == [1, 2]


@pytest.mark.parametrize(
    "use",
    [
        "def answer():\n    return [scale for k in range(3)]",
        "@scale\ndef answer():\n    pass",
        "def answer(x=scale):\n    pass",
        "def answer() -> scale:\n    pass",
        "class answer(scale):\n    pass",
        "class answer:\n    inside = scale",
        "answer = f'{scale}'",
        "answer = lambda: lambda: scale",
        "answer = 1\nanswer += scale",
        "def answer():\n    global scale\n    scale += 1",
    ],
)
def test_every_way_to_use_a_name(use):
    assert numbers(["scale = 2", use]) == [0, 1]


def test_a_local_variable_is_no_use_of_a_global_one():
    sources = ["P = slow()", "def answer(x):\n    P = 2 * x\n    return [P for P in P]"]
    assert numbers(sources) == [1]


@pytest.mark.parametrize(
    "change",
    [
        "W[0] = 2",
        "W[0] += 2",
        "W.data = 2",
        "W.weight.data[0] = 2",
        "del W[0]",
        "W.append(1)",
        "history = train(W)",
        "train(net=W)",
        "train(*W)",
        "init.zeros_(W.weight)",
        "print(W.pop())",
        "for k in range(3):\n    W.append(k)",
        "W = W + 1",
    ],
)
def test_a_cell_that_may_change_an_object_is_needed(change):
    assert numbers(["W = make()", "def answer():\n    return W", change]) == [0, 1, 2]


@pytest.mark.parametrize("harmless", ["print(W)", "W", "len(W)", "def f():\n    W.append(1)"])
def test_a_cell_that_only_looks_at_an_object_is_not(harmless):
    assert numbers(["W = make()", "def answer():\n    return W", harmless]) == [0, 1]


@pytest.mark.parametrize("trial", ["check(answer)", "helper.calls()", "plot(np.arange(3))"])
def test_functions_and_modules_are_not_changed_by_calls(trial):
    sources = ["def helper():\n    pass", "def answer(x):\n    return helper(np.sum(x))", trial]
    assert numbers(sources) == [0, 1]


def test_attributes_of_functions_are():
    assert numbers(["def answer():\n    pass", "answer.calls = 0"]) == [0, 1]


@pytest.mark.parametrize(
    "cell",
    [
        "import torch\ntorch.set_default_dtype(torch.float64)",
        "torch.manual_seed(0)",
        "from math import *",
        "%matplotlib inline\nimport numpy as np\nrng = np.random.default_rng(0)",
    ],
)
def test_imports_and_settings_always_run(cell):
    assert numbers([cell, "answer = 1"]) == [0, 1]


@pytest.mark.parametrize(
    "cell", ["import time\nwhile True:\n    time.sleep(1)", "import math\nslow(math.pi)"]
)
def test_a_cell_with_an_import_that_does_more_does_not(cell):
    assert numbers([cell, "answer = 1"]) == [1]


def test_the_last_of_two_bindings_wins_as_in_a_notebook():
    assert numbers(["answer = 1", "answer = 2"]) == [0, 1]


@pytest.mark.parametrize(
    "source",
    [
        "%%time\nanswer = 1",
        "!pip install --quiet \\\n  something\nanswer = 1",
        "%matplotlib inline\nanswer = 1",
        "%time answer = 1",
        "np.dot?\nanswer = 1",
        "files = !ls\nanswer = 1",
        ">>> answer = 1",
        "grader.check('q1')\nanswer = 1",
        "import otter\ngrader = otter.Notebook('x.ipynb')\nanswer = 1",
    ],
)
def test_what_only_a_notebook_understands(source):
    (cell,) = needed.cells([source])
    names = {"np": None, "get_ipython": Shell}
    exec(compile(cell.source, "cell", "exec"), names)
    assert names["answer"] == 1
    assert numbers([source]) == [0]


class Shell:
    """Stands for a notebook, whose functions do nothing."""

    def __getattr__(self, name):
        return lambda *args: None


def test_text_that_looks_like_a_magic_is_kept():
    source = 'answer = """\n% of all\n!\n"""\nshare = (7\n    % 4)'
    names: dict = {}
    exec(needed.cells([source])[0].source, names)
    assert names["answer"] == "\n% of all\n!\n"
    assert names["share"] == 3


@pytest.mark.parametrize(
    "magic", ["%%bash\nanswer = 1", "%%html\n<b>answer</b>", "%%writefile x\na = 1"]
)
def test_cells_in_another_language_are_empty(magic):
    assert needed.cells([magic])[0].source.strip() == ""


def test_lines_keep_their_numbers_without_the_checks():
    (cell,) = needed.cells(["grader.check(\n    'q1',\n)\nanswer = 1"])
    assert ast.parse(cell.source).body[0].lineno == 4


def test_a_check_on_the_line_of_an_answer_takes_nothing_away():
    (cell,) = needed.cells(["answer = 1; grader.check('q1')"])
    assert "answer" in cell.binds
    assert "grader" not in cell.uses | cell.binds


@pytest.mark.parametrize(
    "broken", ["def answer(x)\n    return 1", "answer = (1", "if True:\nanswer = 1", "answer = 1 +"]
)
def test_the_author_of_a_cell_that_cannot_be_read_sees_it(broken):
    assert numbers(["other = (", broken]) == [1]


UNREADABLE = {
    "characters": ("x = 1\n" + "# " + "x" * needed.CHARACTERS, "100,000 characters"),
    "lines": ("\n" * needed.LINES, "2,000 lines"),
    "half a character": ("x = '\ud800'", "half a character"),
}


@pytest.mark.parametrize(("rest", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_cell_that_cannot_be_read_says_so_where_it_is_missed(rest, why):
    cells = needed.cells(["other = 1", f"answer = 1\n{rest}"])
    (cell,) = needed.needed(cells, ("answer",))
    assert cell.number == 1
    with pytest.raises(ValueError, match=f"this cell cannot be read: .*{why}"):
        exec(compile(cell.source, "cell 1", "exec"), {})


def test_cells_as_long_as_they_may_be_are_read():
    source = "answer = 1\n" + "\n" * (needed.LINES - 2)
    source += "#" * (needed.CHARACTERS - len(source))
    assert "cannot be read" not in needed.cells([source])[0].source


def test_the_length_of_a_notebook_is_limited():
    source = "#" * needed.CHARACTERS
    cells = needed.cells([source] * 6 + ["answer = 1"])
    assert ["cannot be read" in c.source for c in cells] == [False] * 6 + [True]
    assert "answer" in cells[-1].binds


@pytest.mark.parametrize("line", ["?a", "a?", "!ls", "%magic", "x = %magic", ")"])
def test_what_only_a_notebook_understands_is_taken_apart_so_often(line, monkeypatch):
    """So many lines, so many times: of any number of cells, and then no more of them."""
    taken = []
    real = TransformerManager.do_one_token_transform

    def counted(self, lines):
        taken.append(len(lines))
        return real(self, lines)

    monkeypatch.setattr(TransformerManager, "do_one_token_transform", counted)
    monkeypatch.setattr(needed._Transformer, "left", 2000)
    needed.cells([f"{line}\n" * 100 + "(("] * 50)
    assert 1500 < sum(taken) <= 2000


def test_what_is_python_is_not_transformed(monkeypatch):
    monkeypatch.setattr(needed._Transformer, "left", 0)
    assert needed.cells(["answer = 1\n\n\n"])[0].source == "answer = 1\n\n\n"


@pytest.mark.parametrize(
    "deep", ["+".join("1" * 1500), "a" + ".b" * 1500, "-" * 1500 + "1", "[" * 150 + "]" * 150]
)
def test_a_deep_expression_is_read_or_shown_to_its_author(deep):
    assert numbers(["other = 1", f"answer = {deep}"]) == [1]


def test_many_branches_are_read():
    branches = "if a:\n    pass\n" + "elif a:\n    pass\n" * 900
    assert numbers([branches + "else:\n    answer = 1"]) == [0]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_checks_are_found_on_their_lines_whatever_ends_these(end):
    (cell,) = needed.cells([f"x = 1{end}'\x0c'{end}grader.check('q1'){end}answer = 1"])
    assert ast.dump(ast.parse(cell.source)) == ast.dump(ast.parse("x = 1\n'\x0c'\nanswer = 1"))
