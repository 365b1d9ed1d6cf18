r"""TeX between the dollar signs of a notebook, for KaTeX and every MathJax.

Numbers come in by ``\tag``; environments that number their lines by themselves become their inner
forms (``align`` -> ``aligned``), because these stand inside ``$$`` everywhere.
"""

from __future__ import annotations

import re

#: Outer environments of amsmath and what they are called inside a displayed formula.
INNER = {"align": "aligned", "flalign": "aligned", "gather": "gathered", "equation": ""}

_ENVIRONMENT = re.compile(r"\\begin\{(\w+)(\*?)\}(.*)\\end\{\1\2\}", re.DOTALL)


def inline(tex: str, in_table: bool = False) -> str:
    """A formula in a line of text; in a table the bars of the formula end no cell."""
    tex = _safe(" ".join(tex.split()))
    if tex.endswith("\\") and not tex.endswith("\\\\"):
        tex += " "  # a space by backslash at the end: "\$" would be a dollar sign
    if in_table:
        tex = tex.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
    return f"${tex}$"


def display(tex: str, tag: str = "", one_line: bool = False) -> str:
    """A displayed formula, with the number of the website; on one line where it is quoted."""
    lines = one_formula(tex)
    lines = _safe("\n".join(line.rstrip() for line in lines.split("\n") if line.strip()))
    if tag:
        lines += f" \\tag{{{tag}}}"
    if one_line:
        lines = re.sub(r"(?<!\\)%.*", "", lines)
        return f"$$ {' '.join(lines.split())} $$"
    return f"$$\n{lines}\n$$"


def one_formula(tex: str) -> str:
    r"""Lines that Sphinx would align, as one formula.

    >>> one_formula("a = b \\\\ c = d")
    '\\begin{aligned}\na = b \\\\ c = d\n\\end{aligned}'
    """
    environment = _ENVIRONMENT.fullmatch(tex.strip())
    if environment and environment[1] in INNER and r"\tag" not in tex:
        inner, body = INNER[environment[1]], environment[3].strip("\n")
        return _surround(inner, body) if inner else body
    parts = [part.strip("\n") for part in re.split(r"\n\s*\n", tex) if part.strip()]
    parts = [_surround("aligned", part) if _has_lines(part) else part for part in parts]
    return parts[0] if len(parts) == 1 else _surround("aligned", " \\\\\n".join(parts))


def _has_lines(tex: str) -> bool:
    r"""Whether a part breaks lines on its own, outside of any environment."""
    depth = 0
    for token in re.findall(r"\\begin|\\end|\\\\", tex):
        depth += {r"\begin": 1, r"\end": -1}.get(token, 0)
        if token == "\\\\" and depth == 0:
            return True
    return False


def _surround(environment: str, body: str) -> str:
    return f"\\begin{{{environment}}}\n{body}\n\\end{{{environment}}}"


def _safe(tex: str) -> str:
    """A "<" before a letter would begin an HTML tag; before a space it does not."""
    return re.sub(r"<(?=[A-Za-z/!?])", "< ", tex)
