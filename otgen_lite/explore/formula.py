r"""Formulas in the texts of an explorer: captions, names of axes and of read-outs.

``$…$`` is a formula. The website typesets it when the page is written. Where there is no
typesetting it is set in italics, and where that is impossible too (a drop-down list, a screen
reader) it is plain text.
"""

from __future__ import annotations

import html
import re

_FORMULA = re.compile(r"\$([^$]+)\$")
_COMMAND = re.compile(r"\\([A-Za-z]+) ?")
_SCRIPT = re.compile(r"([_^])(?:\{([^{}]*)\}|(\S))")
#: The class of formulas for which the website looks.
_SPAN = r'<span class="math notranslate nohighlight">\({}\)</span>'
_NAMES = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "varepsilon": "ε", "epsilon": "ε",
    "eta": "η", "theta": "θ", "lambda": "λ", "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "varphi": "φ", "phi": "φ", "psi": "ψ", "omega": "ω",
    "times": "×", "cdot": "·", "infty": "∞", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥",
    "neq": "≠", "approx": "≈", "to": "→", "sum": "∑", "int": "∫", "sqrt": "√", "circ": "∘",
}  # fmt: skip


def marked(text: str, typeset: bool) -> str:
    r"""HTML of a text: its formulas as the website wants them, or slanted.

    >>> marked("the value $W_2^2$ < 1", typeset=False)
    'the value <i>W<sub>2</sub><sup>2</sup></i> &lt; 1'
    >>> marked(r"a step $\eta$", typeset=True)
    'a step <span class="math notranslate nohighlight">\\(\\eta\\)</span>'
    """
    pieces = [html.escape(piece, quote=True) for piece in _FORMULA.split(text)]
    pieces[1::2] = [_SPAN.format(p) if typeset else _slanted(p) for p in pieces[1::2]]
    return "".join(pieces)


def plain(text: str) -> str:
    r"""The text without dollar signs, Greek letters as letters.

    >>> plain(r"the weight $\lambda_{\max}$"), plain("cost")
    ('the weight λ_max', 'cost')
    """
    return _FORMULA.sub(lambda found: re.sub(r"[{}]", "", _letters(found[1])), text)


def _slanted(formula: str) -> str:
    def script(found: re.Match[str]) -> str:
        tag = "sub" if found[1] == "_" else "sup"
        return f"<{tag}>{found[2] if found[2] is not None else found[3]}</{tag}>"

    text = _SCRIPT.sub(script, _letters(formula))
    return f"<i>{re.sub(r'[{}]', '', text)}</i>"


def _letters(formula: str) -> str:
    """Commands as the letters that they stand for, others by their name."""
    return _COMMAND.sub(lambda found: _NAMES.get(found[1], found[1]), formula)
