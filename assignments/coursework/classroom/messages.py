"""Messages of tests as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

#: What tests say of an answer that returns nothing.
EMPTY = re.compile(
    r"the answer could not be used: TypeError: .*\bNoneType\b.*|.* is None: is there a return\?",
    re.DOTALL,
)
#: And of one that is the notebook's own ``...``.
UNWRITTEN = re.compile(r".* has not been written yet", re.DOTALL)
BLANK = "left blank"
NOTHING = "left blank, or without a `return`: the answer is None"


def shown(messages: Sequence[str]) -> list[str]:
    """The messages of a question, one of them where all say that nothing has been written."""
    if messages and all(UNWRITTEN.fullmatch(m) for m in messages):
        return [BLANK]
    if messages and all(EMPTY.fullmatch(m) or UNWRITTEN.fullmatch(m) for m in messages):
        return [NOTHING]
    return list(messages)


def prose(message: str) -> Markup:
    """The message as HTML, in which what stands in backticks is code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(Markup.escape(message))))
