"""The result of a sweep."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from otgen_lite import _checks, _choices
from otgen_lite.methods.base import Method
from otgen_lite.sweep.grid import Point
from otgen_lite.training import History, TrainingError


@dataclass(repr=False)
class Sweep:
    """The result of a sweep: one trained member for each point of the grid.

    Iterating over it gives pairs of a point and its method.

    Attributes:
        grid: the list of values of each axis, by name.
        points: the points of the grid, where the last axis changes fastest.
        methods: the trained method of each point, an ordinary method.
        histories: the losses and metrics of each point.
        stacked: whether the members were trained as a stack.
        reason: why they were not, or how many stacks there were, in words.
        failures: the errors of members whose loss or weights became non-finite, by index in
            ``points``. Such a member holds weights from before its failure; in tables, the
            step in which it failed is its only number.

    Chapter: 10, and every chapter that compares hyper-parameters.

    Example:
        >>> import torch, otgen_lite as otg
        >>> def make(lam):
        ...     encoder, decoder = otg.MLP(2, [8], 1, generator=1), otg.MLP(1, [8], 2, generator=2)
        ...     return otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=lam)
        >>> s = otg.sweep(make, {"lam": [1.0, 10.0]}, torch.ones(9, 2), steps=5, batch_size=9,
        ...               progress=False)
        >>> s.at(lam=10.0) is s.methods[1]
        True
    """

    grid: Mapping[str, Sequence[Any]]
    points: list[Point]
    methods: list[Method]
    histories: list[History]
    stacked: bool
    reason: str
    failures: dict[int, TrainingError] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[tuple[Point, Method]]:
        return iter(zip(self.points, self.methods, strict=True))

    def __repr__(self) -> str:
        axes = " × ".join(f"{name} {len(values)}" for name, values in self.grid.items())
        how = "stacked" if self.stacked else "one after another"
        early = sum(history.stopped_early for history in self.histories)
        by_user = any(h.interrupted and not h.stopped_early for h in self.histories)
        stop = f"; {early} stopped early" if early else ""
        stop += "; interrupted" if by_user else ""
        failed = f"; {len(self.failures)} failed" if self.failures else ""
        return f"Sweep({len(self)} members: {axes}; {how}: {self.reason}{failed}{stop})"

    def _repr_html_(self) -> str:
        """The last losses and metrics, a row a member; forty rows at most."""
        head, rows = self._table()
        cells = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_text(value))}</td>" for value in row) + "</tr>"
            for row in rows[:40]
        )
        more = f"; the first 40 of {len(rows)}" if len(rows) > 40 else ""
        return (
            f"<table><caption>{html.escape(repr(self))}{more}</caption>"
            f"<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
        )

    @property
    def interrupted(self) -> bool:
        """Whether the training was stopped before its last step, by the user or by a callback."""
        return any(history.interrupted for history in self.histories)

    def index(self, **point: Any) -> int:
        """The index of a point in ``points``; axes with a single value may be left out.

        Numbers are compared up to rounding: 0.3 finds 0.1 * 3 and the 0.3 of float32.

        Raises:
            ValueError: if an axis or a value is not in the grid, or an axis is missing.
        """
        for name in point:
            if name not in self.grid:
                known = ", ".join(repr(n) for n in self.grid)
                raise ValueError(
                    f"{name} must be an axis of the grid, which are {known}"
                    f"{_checks.suggestion(name, self.grid)}"
                )
        place = 0
        for name, values in self.grid.items():
            place = place * len(values) + self._along(name, values, point)
        return place

    @staticmethod
    def _along(name: str, values: Sequence[Any], point: Point) -> int:
        if name not in point:
            if len(values) == 1:
                return 0
            raise ValueError(f"{name} must be given: one of {_listed(values)}")
        place = _choices.place(point[name], values)
        if place is None:
            raise ValueError(f"{name} must be one of {_listed(values)}, got {point[name]!r}")
        return place

    def at(self, **point: Any) -> Method:
        """The trained method of a point: ``s.at(lam=10.0)``; see :meth:`index`."""
        return self.methods[self.index(**point)]

    def history(self, **point: Any) -> History:
        """The losses and metrics of a point; see :meth:`index`."""
        return self.histories[self.index(**point)]

    def to_frame(self) -> Any:
        """A pandas table with a row for each member: its point, last losses, and metrics.

        The loss of a player is in the column ``loss_PLAYER``. If members have failed, there is a
        column ``failed_in_step``, and they have no other numbers.

        Raises:
            ImportError: if pandas is not installed.
        """
        import pandas as pd

        head, rows = self._table()
        return pd.DataFrame(rows, columns=head)

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        players = list(dict.fromkeys(p for h in self.histories for p in h.losses))
        metrics = list(dict.fromkeys(m for h in self.histories for m in h.metrics))
        rows = []
        for k, (point, history) in enumerate(zip(self.points, self.histories, strict=True)):
            last = {} if k in self.failures else history.last()
            row = [*point.values(), *(last.get(player, math.nan) for player in players)]
            for name in metrics:
                values = history.metrics.get(name, ([], []))[1]
                known = values and k not in self.failures
                row.append(float(values[-1]) if known else math.nan)
            if self.failures:
                row.append(float(self.failures[k].step) if k in self.failures else math.nan)
            rows.append(row)
        head = [*self.grid, *(f"loss_{player}" for player in players), *metrics]
        return [*head, *(["failed_in_step"] if self.failures else [])], rows


def _listed(values: Sequence[Any]) -> str:
    return "[" + ", ".join(_name(value) for value in values) + "]"


def _name(value: Any) -> str:
    name = getattr(value, "__qualname__", None)
    return name if callable(value) and name else repr(value)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _name(value).strip("'")
