"""``Ranking``: names that a reader puts in order before seeing the numbers."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Any

from .checks import check_name, check_text
from .explorer import building_book
from .formula import marked, plain
from .page import asset, style
from .page import standalone as document
from .text import format_value, plain_value

#: More rows than this are no guess any more.
_MOST = 20


class Ranking:
    """A list of names that the reader drags into an order and then compares with the true one.

    It needs no kernel and is the same on the website, in Jupyter and in Colab: one piece of HTML
    with its own script, which loads nothing and stores nothing. Rows are dragged by mouse or
    finger, or moved by buttons; without JavaScript the true order can be unfolded below the list.
    The list starts in alphabetical order, or in the reverse where alphabetical order happens to be
    the true one. *Show the order* puts the true order beside the reader's, counts the pairs in the
    wrong order, and computes Kendall's τ = 1 - 2 · wrong / counted. Two values that differ by no
    more than the sum of their spreads cannot be told apart by the score, so their pair is not
    counted; the reader is told how many such pairs there are.

    Args:
        items: the value of each name, in any order; 2 to 20 names.
        name: lower-case letters, digits and hyphens; unique on its page.
        question: what the reader is asked to put in order.
        score: what the values measure, in a few words.
        smallest_first: whether the smallest value has the first place.
        spreads: the spread >= 0 of each value, such as a standard deviation over seeds; for all
            names or for none.
        caption: a sentence under the list. Formulas ``$…$`` are typeset where the page can do so,
            in the caption, the question, the score and the names.

    Raises:
        ValueError: if there are too few or too many names, a value is not finite, a spread is
            negative or missing, or no pair of values can be told apart.
        TypeError: if an argument has the wrong type.

    Chapter: 14.

    Example:
        >>> ranking = Ranking(
        ...     items={"VAE": 1.40, "WGAN": 2.10, "copies": 0.68},
        ...     spreads={"VAE": 0.03, "WGAN": 0.12, "copies": 0.02},
        ...     name="digits-order",
        ...     question="Whose digits are nearest to the data?",
        ...     score="$W_2^2$",
        ... )
        >>> ranking.truth, ranking.start
        (('copies', 'VAE', 'WGAN'), ('WGAN', 'VAE', 'copies'))
        >>> ranking.compare(("VAE", "copies", "WGAN"))
        (1, 3)
    """

    def __init__(
        self,
        items: Mapping[str, Any],
        *,
        name: str,
        question: str,
        score: str,
        smallest_first: bool = True,
        spreads: Mapping[str, Any] | None = None,
        caption: str = "",
    ) -> None:
        self.values = _numbers("items", items)
        if not 2 <= len(self.values) <= _MOST:
            raise ValueError(f"items must hold 2 to {_MOST} names, got {len(self.values)}")
        self.name = check_name(name)
        self.question = _filled("question", question)
        self.score = _filled("score", score)
        self.caption = check_text("caption", caption)
        self.smallest_first = bool(smallest_first)
        self.spreads = dict.fromkeys(self.values, 0.0)
        if spreads is not None:
            self.spreads = _numbers("spreads", spreads)
            if set(self.spreads) != set(self.values):
                odd = sorted(set(self.spreads) ^ set(self.values))
                raise ValueError(f"spreads must be of the names in items, but differ in {odd}")
        if low := [item for item, spread in self.spreads.items() if spread < 0]:
            raise ValueError(f"spreads must be >= 0, got {self.spreads[low[0]]} of {low[0]!r}")
        by_name = sorted(self.values, key=lambda item: (plain(item).casefold(), item))
        sign = 1 if smallest_first else -1
        #: The names in their true order; equal values by name.
        self.truth = tuple(sorted(by_name, key=lambda item: sign * self.values[item]))
        #: The names as the list begins.
        self.start = tuple(reversed(by_name) if self.truth == tuple(by_name) else by_name)
        if self.compare(self.truth)[1] == 0:
            raise ValueError("items must hold two values that differ by more than their spreads")

    def compare(self, order: tuple[str, ...]) -> tuple[int, int]:
        """The number of pairs in the wrong order, and the number of pairs that are counted."""
        if sorted(order) != sorted(self.values):
            raise ValueError(f"order must hold each of {list(self.truth)} once, got {list(order)}")
        wrong = counted = 0
        for i, first in enumerate(order):
            for second in order[i + 1 :]:
                gap = abs(self.values[first] - self.values[second])
                if gap == 0 or gap <= self.spreads[first] + self.spreads[second]:
                    continue
                counted += 1
                wrong += self.truth.index(first) > self.truth.index(second)
        return wrong, counted

    def text(self, item: str) -> str:
        """The value of a name as the reader sees it, with its spread where there is one."""
        value, spread = self.values[item], self.spreads[item]
        if spread == 0.0:
            return format_value(value)
        digits = 1 - math.floor(math.log10(spread))  # two digits of the spread
        if not 0 <= digits <= 6:
            return f"{format_value(value)} ± {format_value(float(f'{spread:.2g}'))}"
        return f"{value:.{digits}f} ± {spread:.{digits}f}".replace("-", "−")

    def to_html(self, standalone: bool = True) -> str:
        """The list as HTML with its style and script.

        Args:
            standalone: whether to return a whole document, which a browser can open from disk, or
                only the part that belongs into a page.
        """
        typeset = building_book() and not standalone
        part = (
            f"{style('ranking.css')}\n{self._figure(typeset)}\n"
            f"<script>\n{asset('ranking.js')}</script>"
        )
        return document(plain(self.question), part) if standalone else part

    def _repr_html_(self) -> str:
        return self.to_html(standalone=False)

    def __repr__(self) -> str:
        return f"Ranking {self.name!r}: {len(self.values)} names by {plain(self.score)}"

    def _figure(self, typeset: bool) -> str:
        ident = f"ranking-{self.name}"
        first = "smallest" if self.smallest_first else "largest"
        spread = any(self.spreads.values())
        untold = "differ by no more than their two spreads together" if spread else "are equal"
        caption = marked(self.caption, typeset)
        return "\n".join([
            f'<figure class="otg-ranking" id="{ident}" data-name="{self.name}" '
            f'aria-labelledby="{ident}-question">',
            f'<p id="{ident}-question"><strong>{marked(self.question, typeset)}</strong></p>',
            f'<p class="otg-ends">The {first} {marked(self.score, typeset)} comes first. '
            "Drag a row by its dots, or move it by its arrows.</p>",
            '<ol role="list" aria-label="Your order">',
            *(self._row(item, typeset) for item in self.start),
            "</ol>",
            '<div class="otg-actions" hidden><button type="button">Show the order</button>'
            '<button type="button">Start again</button></div>',
            '<p class="otg-status otg-hidden" role="status" aria-live="polite"></p>',
            f'<div class="otg-result" data-untold="{untold}" hidden></div>',
            "<details><summary>The true order</summary><table><thead><tr>"
            '<th scope="col">Place</th><th scope="col">True order</th></tr></thead><tbody>',
            *(
                f'<tr><th scope="row">{place}</th><td>{self._named(item, typeset)} '
                f'<span class="otg-amount">{_esc(self.text(item))}</span></td></tr>'
                for place, item in enumerate(self.truth, 1)
            ),
            "</tbody></table></details>",
            f"<figcaption>{caption}</figcaption>" if caption else "",
            "</figure>",
        ])  # fmt: skip

    def _row(self, item: str, typeset: bool) -> str:
        name = _esc(plain(item))
        buttons = "".join(
            f'<button type="button" aria-label="Move {name} {way}">{arrow}</button>'
            for way, arrow in (("up", "▲"), ("down", "▼"))
        )
        return (
            f'<li data-name="{name}" data-place="{self.truth.index(item)}" '
            f'data-value="{self.values[item]!r}" data-spread="{self.spreads[item]!r}" '
            f'data-text="{_esc(self.text(item))}"><span class="otg-grip" aria-hidden="true"></span>'
            f"{self._named(item, typeset)}{buttons}</li>"
        )

    def _named(self, item: str, typeset: bool) -> str:
        return f'<span class="otg-item">{marked(item, typeset)}</span>'


def _numbers(argument: str, given: Any) -> dict[str, float]:
    """Name to finite number."""
    if not isinstance(given, Mapping):
        raise TypeError(f"{argument} must be a dict of name to number, got {given!r}")
    found = {}
    for name, value in given.items():
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"a name in {argument} must be a text, got {name!r}")
        number = plain_value(value, f"{argument}[{name!r}]")
        if isinstance(number, str):
            raise TypeError(f"{argument}[{name!r}] must be a number, got {number!r}")
        if not math.isfinite(number):
            raise ValueError(f"{argument}[{name!r}] must be finite, got {number}")
        found[name] = float(number)
    return found


def _filled(argument: str, text: Any) -> str:
    if not check_text(argument, text):
        raise ValueError(f"{argument} must not be empty")
    return check_text(argument, text)


def _esc(text: str) -> str:
    return html.escape(text, quote=True)
