"""Answers that are wrong to every question: nothing written, a hang, an equal of everything."""

from __future__ import annotations

import ast

from otter.assign.solutions import replace_solutions

from coursework.bank import Answer
from coursework.source import Question

FUNCTIONS = {
    "returns nothing": "def {name}(*args, **kwargs):\n    return None\n",
    "raises an exception": "def {name}(*args, **kwargs):\n    raise ValueError('no idea')\n",
    "hangs": "def {name}(*args, **kwargs):\n    while True:\n        pass\n",
    "an object that equals everything": """\
class Everything(float):
    def __eq__(self, other): return True
    __ne__ = lambda self, other: False
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    __hash__ = None
    def __array__(self, *args, **kwargs): return self
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self

def {name}(*args, **kwargs):
    return object.__new__(type("Right", (), dict(vars(Everything))))
""",
    "reads the tests": """\
import gc
import glob
import os
import re

def found():
    for obj in gc.get_objects():
        if isinstance(obj, dict) and "expected" in obj:
            return obj["expected"]
    for pattern in ("*.py", "*.json", "../**/q*.py", "/autograder/**/*", "/tmp/*/assignment.json"):
        for path in glob.glob(pattern, recursive=True)[:50]:
            if os.path.isfile(path):
                try:
                    numbers = re.findall(r"[0-9]+[.][0-9]+", open(path).read())
                except Exception:
                    continue
                if numbers:
                    return float(numbers[0])
    raise ValueError("no tests here")

def {name}(*args, **kwargs):
    return found()
""",
}
VALUES = {
    "raises an exception": "{name} = 1 / 0\n",
    "hangs": "while True:\n    {name} = 0\n",
    "an object that equals everything": """\
class Everything:
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: True
    __hash__ = None
    def __getitem__(self, key): return self
    def __iter__(self): return iter([self])

{name} = Everything()
""",
}


def answers(question: Question) -> list[Answer]:
    """What is wrong to this question as to any other; each gets no point."""
    solution = "\n\n".join(question.solution)
    blank = "\n".join(replace_solutions(solution.split("\n"), "python"))
    found = [Answer("nothing is written", blank + "\n", 0.0)]
    functions = {n.name for n in ast.parse(solution).body if isinstance(n, ast.FunctionDef)}
    kinds = FUNCTIONS if set(question.answers) <= functions else VALUES
    for title, code in kinds.items():
        text = "\n\n".join(code.replace("{name}", name) for name in question.answers)
        found.append(Answer(title, text, 0.0))
    return found
