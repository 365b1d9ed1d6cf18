"""The register of the book's statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from otgen_lite.certify import Relation
from otgen_lite.statements._on_cpu import on_cpu
from otgen_lite.statements.only_proved import ONLY_PROVED

#: The source of a statement that is new.
BOOK = "this book"

#: label -> statement, in the order in which the book states them.
REGISTRY: dict[str, Statement] = {}


@dataclass(frozen=True)
class Statement:
    """A statement of the book, as far as it is computed from both sides.

    Calling it with a generator and sizes returns ``(lhs, rhs)``; where the sizes are the whole
    instance, the generator's parameter is called ``_``. ``computed`` names the two sides in a line,
    ``proved`` the parts of the statement that no number checks.
    """

    label: str
    chapter: int
    source: str
    tol: float
    relation: Relation
    sizes: tuple[dict[str, Any], ...]
    both_sides: Callable[..., tuple[Any, Any]]

    @property
    def computed(self) -> str:
        """Words for the two sides, the first line of the docstring of the function."""
        return (self.both_sides.__doc__ or "").strip().split("\n")[0]

    @property
    def proved(self) -> str:
        """The parts that only the proof covers; empty where there are none."""
        return ONLY_PROVED[self.label]

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        return on_cpu(self.both_sides)(*args, **kwargs)


def statement(
    label: str,
    *,
    chapter: int,
    source: str,
    tol: float,
    sizes: Sequence[dict[str, Any]],
    relation: Relation = "==",
) -> Callable[[Callable[..., tuple[Any, Any]]], Statement]:
    """Register a function ``(generator, **sizes) -> (lhs, rhs)`` as a statement of the book.

    Args:
        label: the label of the theorem or proposition in the chapter (``thm-…``, ``prop-…``).
        chapter: number of the chapter that states it.
        source: a key of the bibliography, or ``BOOK``.
        tol: the largest absolute gap between the sides.
        sizes: keyword arguments of the random instances that the tests run; at least five.
        relation: ``"=="`` or ``"<="``.

    What the statement says beyond its two sides stands in ``otgen_lite.statements.only_proved``.

    Raises:
        ValueError: if the label is taken, or there are fewer than five sizes.
    """
    if label in REGISTRY:
        raise ValueError(f"label must be new, but {label!r} is already a statement")
    if len(sizes) < 5:
        raise ValueError(f"sizes must hold at least five instances, got {len(sizes)} for {label!r}")

    def register(both_sides: Callable[..., tuple[Any, Any]]) -> Statement:
        entry = Statement(label, chapter, source, tol, relation, tuple(sizes), both_sides)
        REGISTRY[label] = entry
        return entry

    return register
