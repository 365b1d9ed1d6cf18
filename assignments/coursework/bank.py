"""The bank of answers of a question, right and wrong, with the points that each must get.

``answers/q1.py`` is divided by lines that begin with ``# %%``:

    # %% right: loops instead of matrices
    # %% wrong: the cost is halved [points 1]

What follows such a line, up to the next one, is what a student has written. A wrong answer without
``[points …]`` gets none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from coursework.source import SourceError

MARK = re.compile(r"^# %% (right|wrong): (.*?)(?: \[points ([\d.]+)\])?$", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """An answer to a question.

    Attributes:
        title: what it does, or the mistake in it.
        code: its source.
        points: what it must get; None: all.
    """

    title: str
    code: str
    points: float | None


def read(path: Path) -> list[Answer]:
    """The answers in a file; raises ``SourceError`` for a line ``# %%`` of another form."""
    text = path.read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("# %%") and MARK.match(line) is None:
            raise SourceError(
                f"{path.parent.parent.name}, {path.name}: {line!r} is neither `# %% right: …` "
                "nor `# %% wrong: …`"
            )
    pieces = MARK.split(text)
    found = []
    for kind, title, points, code in zip(
        pieces[1::4], pieces[2::4], pieces[3::4], pieces[4::4], strict=True
    ):
        expected = None if kind == "right" else float(points or 0)
        found.append(Answer(title, code.strip("\n") + "\n", expected))
    return found
