"""Answers that are nearly the same code, by winnowing (copydetect), with their shares.

A submission is the code of its answers. Names become one letter and comments go; what is left is
compared in passages of :data:`NOISE` characters. Passages of the assignment's own code do not
count, and neither do those that a third of the class has.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from copydetect import CodeFingerprint, __version__, compare_files
from copydetect.utils import get_token_coverage, highlight_overlap
from markupsafe import Markup

from coursework.classroom import figures, pages

#: Characters of the shortest passage that counts, names being one letter.
NOISE = 25
#: Share of one submission's code that is the other's too, from which a pair is listed.
THRESHOLD = 0.6
#: Common characters below which no pair is listed, whatever the share: short answers are alike.
LEAST = 200
#: A passage that more submissions than this have, and more than a third, is nobody's in particular.
MANY = 10
#: Characters of a submission that are compared: hundreds of times those of a right answer to all.
LONGEST = 100_000
#: Pairs whose code is shown.
SHOWN = 40
WHY = (
    "of the six assignments' right answers, written in different ways, no two share a quarter of "
    "their code; a copy with other names shares nearly all of it."
)


@dataclass(frozen=True)
class Pair:
    """Two submissions with common code.

    Attributes:
        ids, names: whose they are.
        shares: of each one's code that is the other's too.
        common: characters in common, names being one letter.
        code: both, with what is in common marked.
    """

    ids: tuple[str, str]
    names: tuple[str, str]
    shares: tuple[float, float]
    common: int
    code: tuple[Markup, Markup] | None = None

    @property
    def share(self) -> float:
        return max(self.shares)


@dataclass(frozen=True)
class Comparison:
    """All pairs of a class: those that are listed, and the shares of all.

    Attributes:
        pairs: from the threshold on, the most alike first.
        shares: of all pairs.
        threshold: from which share a pair is listed.
        common: a passage that more submissions have does not count.
        cut: names of submissions of which only the beginning was compared, with their characters.
    """

    pairs: tuple[Pair, ...]
    shares: tuple[float, ...]
    threshold: float
    common: int
    cut: tuple[tuple[str, int], ...] = ()


def compare(
    answers: dict[str, str], names: dict[str, str], given: str = "", threshold: float = THRESHOLD
) -> Comparison:
    """Compare each two submissions.

    Args:
        answers: by id, the code of the answers.
        names: by id.
        given: the assignment's own code.
        threshold: share from which a pair is listed.
    """
    common = max(MANY, len(answers) // 3)
    cut = tuple((names.get(i) or i, len(a)) for i, a in answers.items() if len(a) > LONGEST)
    answers = {i: a[:LONGEST] for i, a in answers.items()}
    prints = _fingerprints({i: a for i, a in answers.items() if a.strip()}, given, common)
    shares, listed = [], []
    for first, second in combinations(prints, 2):
        overlap, both, slices = compare_files(prints[first], prints[second])
        pair = Pair(
            (first, second),
            (names.get(first) or first, names.get(second) or second),
            (min(1.0, float(both[0])), min(1.0, float(both[1]))),
            int(overlap),
        )
        shares.append(pair.share)
        if pair.share >= threshold and pair.common >= LEAST:
            listed.append((pair, slices))
    listed.sort(key=lambda item: (-item[0].share, -item[0].common, item[0].ids))
    pairs = [
        _with_code(pair, prints, slices) if k < SHOWN else pair
        for k, (pair, slices) in enumerate(listed)
    ]
    return Comparison(tuple(pairs), tuple(shares), threshold, common, cut)


def page(comparison: Comparison, title: str) -> str:
    """The page for an instructor."""
    plot = None
    if comparison.shares:
        plot = figures.of_shares(list(comparison.shares), "pairs", "Common code of pairs")
    return pages.render(
        "similar.html",
        title=title,
        pairs=comparison.pairs,
        count=len(comparison.shares),
        threshold=comparison.threshold,
        common=comparison.common,
        noise=NOISE,
        least=LEAST,
        longest=LONGEST,
        cut=comparison.cut,
        why=WHY,
        version=__version__,
        plot=plot,
    )


def table(comparison: Comparison) -> str:
    """The listed pairs as JSON."""
    pairs = [
        {
            "ids": pair.ids,
            "names": pair.names,
            "shares": [round(s, 4) for s in pair.shares],
            "common_characters": pair.common,
        }
        for pair in comparison.pairs
    ]
    facts = {
        "threshold": comparison.threshold,
        "compared": len(comparison.shares),
        "cut": [{"name": name, "characters": size} for name, size in comparison.cut],
        "pairs": pairs,
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def _fingerprints(answers: dict[str, str], given: str, common: int) -> dict[str, Any]:
    prints = {id: _fingerprint(id, code) for id, code in answers.items()}
    of_all = Counter(h for p in prints.values() for h in p.hashes)
    excluded = {h for h, n in of_all.items() if n > common} | _fingerprint("", given).hashes
    for one in prints.values():
        _exclude(one, excluded)
    return prints


def _fingerprint(id: str, code: str) -> Any:
    # A window of one passage keeps all of them: nothing depends on how Python seeds its hashes.
    return CodeFingerprint(id, NOISE, 1, language="python", fp=io.StringIO(code))


def _exclude(one: Any, excluded: set[int]) -> None:
    """Passages do not count.

    copydetect has an argument for that, which also drops passages that a file has twice.
    """
    one.hashes = one.hashes - excluded
    one.hash_idx = {h: where for h, where in one.hash_idx.items() if h in one.hashes}
    one.token_coverage = get_token_coverage(one.hash_idx, NOISE, len(one.filtered_code))


def _with_code(pair: Pair, prints: dict[str, Any], slices: Any) -> Pair:
    code = tuple(
        _marked(prints[id].raw_code, np.asarray(where))
        for id, where in zip(pair.ids, slices, strict=True)
    )
    return Pair(pair.ids, pair.names, pair.shares, pair.common, code)  # type: ignore[arg-type]


def _marked(code: str, where: np.ndarray) -> Markup:
    if where.ndim != 2 or not where.size:
        return Markup.escape(code)
    marked, _ = highlight_overlap(code, where.astype(int), "<mark>", "</mark>", escape_html=True)
    return Markup(marked)
