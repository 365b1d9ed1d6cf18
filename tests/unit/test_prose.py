"""The measure of the prose, against sentences counted by hand."""

from pathlib import Path

import pytest

from tools import prose

PAGE = """---
otgen: {budget: 1}
---

# A heading is no sentence

Two piles, i.e. two measures, cost $W_c(a, b)$ to move. The plan is

$$
P = a \\otimes b ,
$$

which is dear. See {prf:ref}`thm-one` and {cite:t}`monge_1781`! {cite:p}`monge_1781`

| a table | is |
|---|---|
| not | prose. |

```{code-cell} ipython3
x = 1  # Nor is this. Or this.
```

```{prf:theorem} Its title is none
:label: thm-one

It holds. It is short. It is proved.
```

````{exercise} ★ One
:label: ex-one

- An item without a stop
- Another (in brackets.) Then more.
````
"""

COUNTED = [
    ("Two piles, i.e. two measures, cost Ω to move.", 9),
    ("The plan is Ω which is dear.", 7),  # formulas of a line of their own count as one word, too
    ("See Ω and Ω!", 4),
    ("It holds.", 2),
    ("It is short.", 3),
    ("It is proved.", 3),
    ("An item without a stop", 5),
    ("Another (in brackets.)", 3),
    ("Then more.", 2),
]


def found(text: str) -> list[str]:
    return [s for paragraph in prose.paragraphs(text) for s in prose.sentences(paragraph)]


def test_the_sentences_of_a_page() -> None:
    sentences = [s.replace(" ,", ",") for s in found(PAGE)]
    assert sentences == [s for s, _ in COUNTED]
    assert [prose.length(s) for s in sentences] == [n for _, n in COUNTED]


def test_more_than_two_short_ones_in_a_row_are_a_run() -> None:
    rows = [list(prose.runs(prose.sentences(p))) for p in prose.paragraphs(PAGE)]
    assert [row for row in rows if row] == [[["It holds.", "It is short.", "It is proved."]]]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("The cost is 0.5. It falls.", 2),
        ("By Peyré et al. Transport is old.", 1),
        ("Is it? It is!", 2),
        ("(It is.) “So it is.” Yes.", 3),
    ],
)
def test_where_a_sentence_ends(text: str, count: int) -> None:
    assert len(found(text)) == count


def test_the_table_names_every_chapter() -> None:
    chapters = sorted((Path(prose.ROOT) / "book").glob("[0-9]*.md"))
    lines = list(prose.table(chapters))
    assert [line.split()[0] for line in lines[1:]] == [page.stem for page in chapters]
