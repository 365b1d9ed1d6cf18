"""The lengths of a chapter's sentences, as :mod:`tools.prose` measures them.

The mean has 15 to 18 words, at most a quarter of the sentences have eight or fewer, and no more
than two of these stand in a row.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from tools import prose
from tools.language.faults import Fault

MEAN = (15.0, 18.0)
SHARE = 0.25
#: Chapters whose second edition is being written.
NOT_YET: tuple[str, ...] = ()


def check(file: str, text: str) -> Iterator[Fault]:
    """The three rules, on one page."""
    paragraphs = [prose.sentences(paragraph) for paragraph in prose.paragraphs(text)]
    counts = [prose.length(sentence) for paragraph in paragraphs for sentence in paragraph]
    if not counts:
        return
    mean = statistics.mean(counts)
    if not MEAN[0] <= round(mean, 1) <= MEAN[1]:
        aim = f"join sentences (aim: {MEAN[0]:.0f} to {MEAN[1]:.0f})"
        yield Fault(file, 1, "mean-length", f"{mean:.1f} words", "", aim)
    share = sum(count <= prose.SHORT for count in counts) / len(counts)
    if share > SHARE:
        yield Fault(file, 1, "short-share", f"{share:.0%}", "", f"at most {SHARE:.0%} are short")
    for paragraph in paragraphs:
        for run in prose.runs(paragraph):
            words = " | ".join(run)
            yield Fault(file, line(text, run[0]), "short-run", words, "", "join what belongs")


def line(text: str, sentence: str) -> int:
    """The line on which a sentence begins: the first with its longest stretch between formulas."""
    stretch = max(sentence.replace("Ω", "\n").split("\n"), key=len).strip()
    for size in (len(stretch), 30, 15):
        at = text.find(stretch[:size])
        if at >= 0:
            return text.count("\n", 0, at) + 1
    return 1
