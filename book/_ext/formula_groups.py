r"""Groups of a typeset formula that must not break: short brackets, and its end with the full stop.

KaTeX ends a part (``katex-base``) behind every relation and binary operator, and a browser may
break between parts, also in ``(a - b)`` and before a full stop that follows. Parts that belong
together are put into one span that does not break.
"""

from __future__ import annotations

import html as html_
import re

PART = '<span class="katex-base">'
#: Letters in a bracket that is kept whole: more would not fit on a phone.
LETTERS = 30


def keep_together(markup: str, ending: str = "") -> str:
    """The markup with its short brackets, and its last part and ``ending``, kept together.

    Args:
        markup: a formula as KaTeX writes it.
        ending: punctuation that follows it. A screen reader finds it behind the MathML.

    >>> part = PART + "{}</span>"
    >>> page = f'<span class="katex"><span>{part.format("a=")}{part.format("b")}</span></span>'
    >>> keep_together(page, ".").partition("b</span>")[2]
    '.</span></span></span>'
    """
    ending = html_.escape(ending)
    head, *parts = markup.split(PART)
    if not parts:
        return markup + ending
    close = _closers(markup)
    parts[-1] = parts[-1][: len(parts[-1]) - len(close)] + ending
    joined = "".join(_joined(group, ending and group is last) for group, last in _groups(parts))
    return (head + joined + close).replace("</math>", f"</math>{ending}", 1)


def _closers(markup: str) -> str:
    """The closing tags behind the last part: two, or three where the formula is displayed."""
    return "</span>" * (3 if markup.startswith('<span class="katex-display"') else 2)


def _groups(parts: list[str]) -> list[tuple[list[str], list[str]]]:
    """Parts with the parts that their brackets hold, each with the last group of all."""
    groups: list[list[str]] = []
    inside: list[str] = []
    for part in parts:
        inside.append(part)
        if not _is_open("".join(inside)):
            groups.append(inside)
            inside = []
    if inside:  # a bracket that is closed nowhere: [0, 1)
        groups += [[part] for part in inside]
    return [(group, groups[-1]) for group in groups]


def _is_open(markup: str) -> bool:
    """Whether a bracket or a norm is opened and not closed."""
    opened = markup.count('class="mopen') - markup.count('class="mclose')
    return opened > 0 or markup.count(">∥<") % 2 == 1


def _joined(group: list[str], must: object) -> str:
    """A group as markup; in one piece if it has to be, or if it is short."""
    letters = len(re.sub(r"<[^>]*>", "", "".join(group)))
    pieces = [PART + part for part in group]
    if must:
        first = "" if letters <= LETTERS else "".join(pieces[:-1])
        kept = "".join(pieces) if letters <= LETTERS else pieces[-1]
        return f'{first}<span class="otg-together">{kept}</span>'
    if len(group) > 1 and letters <= LETTERS:
        return f'<span class="otg-together">{"".join(pieces)}</span>'
    return "".join(pieces)
