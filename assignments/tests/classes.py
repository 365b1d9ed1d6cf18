"""Submissions for the tests of a whole class, named as the systems name them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

#: An assignment with two questions, the second of which a person reads.
SOURCE = '''\
---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
assignment:
  title: Sums
  minutes: 10
  chapters: [01_kantorovich]
---

# Assignment 1: Sums

```{code-cell} ipython3
:tags: [setup]
import numpy as np
```

```{raw-cell}
# BEGIN QUESTION
name: q1
points: 3
answers: [total]
objective: add
section: 01_kantorovich
seconds: 2
```

## Question 1: a sum

```{code-cell} ipython3
:tags: [solution]
def total(values):
    """The sum of values."""
    # BEGIN SOLUTION
    return sum(values)
    # END SOLUTION
```

```{code-cell} ipython3
:tags: [test]
""" # BEGIN TEST CONFIG
points: 0
hidden: false
""" # END TEST CONFIG
def test_three(total):
    assert total([1.0, 2.0]) == 3.0, "1 and 2 are 3"
```

```{code-cell} ipython3
:tags: [test]
""" # BEGIN TEST CONFIG
points: 3
hidden: true
""" # END TEST CONFIG
def test_the_secret_name_of_a_hidden_test(total, hidden):
    from coursework import near

    values = hidden("q1", 1).random(5)
    near(total(list(values)), values.sum(), "the sum")
```

```{raw-cell}
# END QUESTION
```

```{raw-cell}
# BEGIN QUESTION
name: q2
points: 2
manual: true
objective: explain
section: 01_kantorovich
```

## Question 2: why?

```{raw-cell}
# END QUESTION
```
'''
RIGHT = "def total(values):\n    return sum(values)"
VISIBLE = "def total(values):\n    return 3.0"
WRONG = "def total(values):\n    print('a word that was printed')\n    return sum(values) / 2"
HANGS = "def total(values):\n    while True:\n        pass"
SLOW = "def total(values):\n    for _ in range(4 * 10**6):\n        pass\n    return sum(values)"


def assignment(folder: Path) -> Path:
    """The folder of the assignment's source."""
    folder.mkdir(parents=True)
    (folder / "assignment.md").write_text(SOURCE, encoding="utf-8")
    return folder


def notebook(*cells: str, version: int = 4) -> str:
    """A notebook with these code cells."""
    if version == 3:
        old = [
            {"cell_type": "code", "input": c, "outputs": [], "language": "python", "metadata": {}}
            for c in cells
        ]
        facts = {"metadata": {"name": ""}, "worksheets": [{"cells": old, "metadata": {}}]}
        return json.dumps(facts | {"nbformat": 3, "nbformat_minor": 0})
    new = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{k}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for k, source in enumerate(cells)
    ]
    return json.dumps({"cells": new, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def written(root: Path, files: dict[str, str | bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
    return root


def zipped(path: Path, files: dict[str, str | bytes]) -> Path:
    """A zip with these files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


#: As Gradescope writes it: Ruby's symbols, times, and submissions of groups.
METADATA = """\
---
submission_2001:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0017'
    :email: ada@example.org
  :created_at: 2026-01-05 17:12:33.123456000 Z
  :score: 0.0
  :status: processed
  :results: {}
  :history: []
submission_2002:
  :submitters:
  - :name: "Émile Borel"
    :sid: '0018'
    :email: emile@example.org
  - :name: Grace Hopper
    :sid: '0019'
    :email: grace@example.org
  :created_at: 2026-01-05 18:00:00.000000000 Z
submission_2003:
  :submitters:
  - :name: Nobody Home
    :sid: '0020'
    :email: nobody@example.org
"""


def canvas() -> dict[str, str | bytes]:
    """An export of Canvas."""
    return {
        "lovelaceada_11_9001_01_sums.ipynb": notebook(RIGHT),
        "borelemile_LATE_12_9002_01_sums-1.ipynb": notebook(WRONG),
        "anon_aB3x_9003_01_sums.ipynb": notebook(RIGHT),
        "LATE_anon_zz9_9004_01_sums.ipynb": notebook(RIGHT),
        "hoppergrace_13_9005_01_sums.ipynb": notebook(WRONG),
        "hoppergrace_13_9006_01_sums-1.ipynb": notebook(WRONG),
        "hoppergrace_13_9010_01_sums-2.ipynb": notebook(RIGHT),
        "noetheremmy_14_text.html": "<p>I have written it here</p>",
    }


def moodle() -> dict[str, str | bytes]:
    """An export of Moodle, in the forms that its versions have."""
    return {
        "Ada Lovelace_500123_assignsubmission_file_/01_sums.ipynb": notebook(RIGHT),
        "Émile Borel_500124_assignsubmission_file/meine Lösung.ipynb": notebook(WRONG),
        "Grace Hopper_500125_assignsubmission_file_01_sums.ipynb": notebook(RIGHT),
        "Emmy Noether_500126_assignsubmission_onlinetext_/onlinetext.html": "<p>Hello</p>",
    }


def gradescope(root: str = "") -> dict[str, str | bytes]:
    """An export of Gradescope."""
    return {
        f"{root}submission_metadata.yml": METADATA,
        f"{root}submission_2001/01_sums.ipynb": notebook(RIGHT),
        f"{root}submission_2002/01_sums.ipynb": notebook(WRONG),
        f"{root}submission_2002/notes.txt": "nothing",
    }
