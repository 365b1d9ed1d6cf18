r"""The rows of an aligned derivation, each as a formula of its own.

On a wide screen the rows stand below one another, aligned at their relations. A phone has no room
for that; there each row is a line that may break at its relations like any other.
"""

from __future__ import annotations

import re

_ALIGNED = re.compile(r"\\begin\{(aligned|gathered|split)\}(.*)\\end\{\1\}\s*([.,;]?)", re.DOTALL)
_TOKEN = re.compile(r"\\begin\{\w+\*?\}|\\end\{\w+\*?\}|\\\\(?:\[[^\]]*\])?|\\.|[{}&]", re.DOTALL)


def rows(tex: str) -> list[str]:
    r"""The rows of a formula that is one aligned environment; an empty list for any other.

    >>> rows(r"\begin{aligned} a &= b \\ &\le \sqrt{c} \end{aligned}")
    ['a {}= b', '{}\\le \\sqrt{c}']
    >>> rows(r"\begin{aligned} a &= \begin{cases} 1 \\ 2 \end{cases} \end{aligned}")
    ['a {}= \\begin{cases} 1 \\\\ 2 \\end{cases}']
    >>> rows("a = b")
    []
    """
    found = _ALIGNED.fullmatch(tex.strip())
    if found is None:
        return []
    out, row, depth, end = [], "", 0, 0
    for token in _TOKEN.finditer(found[2]):
        row += found[2][end : token.start()]
        end, text = token.end(), token[0]
        depth += text.startswith((r"\begin", "{")) - text.startswith((r"\end", "}"))
        if depth == 0 and text.startswith("\\\\"):
            out.append(row)
            row = ""
        elif depth == 0 and text == "&":
            row += "{}"  # keeps the space before a relation that begins the row
        else:
            row += text
    out.append(row + found[2][end:])
    lines = [" ".join(row.split()) for row in out if row.strip(" \n{}")]
    if lines:
        lines[-1] += found[3]
    return lines
