"""The losses and metrics of a training run."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from otgen_lite.training.errors import TrainingError


class Record:
    """Numbers in the order in which they come: (n,) or (n, K), kept on the CPU.

    What was appended last waits in a list, on its device; it is fetched when somebody looks, in
    one piece, so that an accelerator is not asked after every update.

    Args:
        capacity: how many are expected.
        deferred: whether numbers that wait are taken in by :func:`fetch` alone; several processes
            do so together.
    """

    def __init__(self, capacity: int = 0, *, deferred: bool = False) -> None:
        self._values = torch.empty(0)
        self._count, self._capacity = 0, capacity
        self._pending: list[Tensor] = []
        self._deferred = deferred
        #: Append a detached loss.
        self.append = self._pending.append

    def __len__(self) -> int:
        return self._count + len(self._pending)

    def tensor(self) -> Tensor:
        """All numbers so far."""
        if not self._deferred:
            fetch([self])
        return self._values[: self._count]

    def waiting(self) -> Tensor | None:
        """The numbers that wait, on their device; they wait no longer."""
        if not self._pending:
            return None
        fresh = torch.stack(self._pending)
        self._pending.clear()
        return fresh

    def extend(self, fresh: Tensor) -> None:
        """Append several numbers; those of half precision in single, which NumPy knows."""
        fresh = fresh.float() if fresh.dtype.itemsize == 2 else fresh
        end = self._count + len(fresh)
        if not self._count:
            self._values = fresh.new_empty((max(self._capacity, end), *fresh.shape[1:]))
        elif end > len(self._values):
            more = fresh.new_empty((end, *fresh.shape[1:]))
            self._values = torch.cat([self._values[: self._count], more])
        self._values[self._count : end] = fresh
        self._count = end

    def last(self) -> Tensor | None:
        """The last number, on its device, without fetching the others."""
        if self._pending:
            return self._pending[-1]
        return self._values[self._count - 1] if self._count else None


def fetch(
    records: Sequence[Record], change: Callable[[Tensor], Tensor] = lambda fresh: fresh
) -> None:
    """Take in the numbers that wait in several records, in one piece.

    ``change`` is applied to it, such as a mean over processes: one message for all players.
    """
    found = [(record, fresh) for record in records if (fresh := record.waiting()) is not None]
    for kind in {(fresh.dtype, fresh.device): None for _, fresh in found}:
        alike = [(r, fresh) for r, fresh in found if (fresh.dtype, fresh.device) == kind]
        flat = change(torch.cat([fresh.flatten() for _, fresh in alike])).cpu()
        parts = flat.split([fresh.numel() for _, fresh in alike])
        for (record, fresh), part in zip(alike, parts, strict=True):
            record.extend(part.view(fresh.shape))


class History:
    """The losses and metrics of a training run, which are appended while it trains.

    Attributes:
        losses: for each player an (n,) tensor with one entry for each update; (n, K) where the
            method is a stack of K members.
        metrics: for each metric, by name, the numbers of steps after which it was evaluated, and
            its values.
        steps: number of steps done.
        interrupted: whether the run was stopped before its last step, by the user or by a callback.
        stopped_early: whether it was a callback that stopped it, by returning True.
        seconds: wall-clock time of the steps in seconds, over all parts of a resumed run.
        unsaved: why the last checkpoint could not be written; None where it was, or none was
            wanted.
        failed: where the method is a stack, the errors of the members that failed, by index; the
            others continued.

    Chapter: 7, 10, and every chapter that trains.

    Example:
        >>> history = History({"critic": torch.tensor([3.0, 1.0, 2.0, 0.5])}, steps=2)
        >>> history
        History(2 steps, 0.0 s: critic 0.5)
        >>> history.to_frame()["critic"].tolist()
        [2.0, 1.25]
    """

    def __init__(
        self,
        losses: Mapping[str, Tensor] | None = None,
        steps: int = 0,
        metrics: Mapping[str, tuple[list[int], list[float]]] | None = None,
        interrupted: bool = False,
        seconds: float = 0.0,
    ) -> None:
        self._records: dict[str, Record] = {}
        for player, values in (losses or {}).items():
            self._records[player] = record = Record()
            record.extend(values.detach().cpu())
        self.steps = steps
        self.interrupted = interrupted
        self.stopped_early = False
        self.seconds = seconds
        self.unsaved: str | None = None
        self.failed: dict[int, TrainingError] = {}
        self.metrics: dict[str, tuple[list[int], list[Any]]] = {
            name: (list(at), list(values)) for name, (at, values) in (metrics or {}).items()
        }

    @classmethod
    def of(cls, records: dict[str, Record]) -> History:
        """A history that grows with these records."""
        history = cls()
        history._records = records
        return history

    @property
    def losses(self) -> dict[str, Tensor]:
        """The loss of every update, by player."""
        return {player: record.tensor() for player, record in self._records.items()}

    def last(self) -> dict[str, float]:
        """The last loss of each player; of a stack, the mean over members that have not failed."""
        found = {player: record.last() for player, record in self._records.items()}
        if self.failed:
            found = {
                player: value[[k for k in range(len(value)) if k not in self.failed]]
                for player, value in found.items()
                if value is not None
            }
        means = {player: value.mean() for player, value in found.items() if value is not None}
        if len({mean.device for mean in means.values()}) > 1:
            return {player: float(mean) for player, mean in means.items()}
        # An accelerator waits whenever it is asked: once for all players.
        values = torch.stack(list(means.values())).tolist() if means else []
        return dict(zip(means, values, strict=True))

    def to_frame(self) -> Any:
        """A pandas table with a row for each step and a column for each player and metric.

        The loss of a player with several updates in a step is their mean. A stack of members has a
        column for each, ``player[k]``. Metrics are NaN where they were not evaluated.

        Raises:
            ImportError: if pandas is not installed.
        """
        import pandas as pd

        index = pd.RangeIndex(1, self.steps + 1, name="step")
        columns: dict[str, Any] = {}
        for player, values in self.losses.items():
            columns |= _columns(player, _per_step(values, self.steps).numpy(), index)
        for name, (at, taken) in self.metrics.items():
            rows = np.array([np.asarray(v) for v in taken], dtype=np.float64)
            columns |= _columns(name, rows, pd.Index(at, name="step"))
        return pd.DataFrame(columns, index=index)

    def plot(self, *, smooth: int | None = None) -> Figure:
        """Plot the losses over the steps and, beside them, the metrics if there are any.

        Args:
            smooth: number of steps in a running mean; 1 for no smoothing, and a fiftieth of all
                steps where None.

        Returns:
            A figure of the book's width.

        Raises:
            ValueError: if there is no loss yet.
        """
        from otgen_lite.plots import figure

        if not any(len(values) for values in self.losses.values()):
            raise ValueError("history must hold at least one loss to be drawn, got none")
        width = max(1, self.steps // 50) if smooth is None else _checks.count("smooth", smooth)
        fig, axes = figure(1, 2 if self.metrics else 1, height=3.0)
        axes = np.atleast_1d(axes)
        for player, values in self.losses.items():
            curve = _running_mean(_per_step(values, self.steps), width)
            _draw(axes[0], np.arange(len(curve)) + width, curve, player)
        for name, (at, taken) in self.metrics.items():
            _draw(axes[1], at, np.array([np.asarray(v) for v in taken]), name)
        for ax, label in zip(axes, ("loss", "metric"), strict=False):
            ax.set(xlabel="step", ylabel=label)
            ax.legend()
        return fig

    def __repr__(self) -> str:
        words = [f"{player} {loss:.4g}" for player, loss in self.last().items()]
        words += [f"{name} {_short(values[-1])}" for name, (_, values) in self.metrics.items()]
        state = self._end()
        seconds = f"{self.seconds:.1f} s"
        return f"History({self.steps} steps{state}, {seconds}: {', '.join(words) or 'no loss yet'})"

    def _end(self) -> str:
        """An end before the last step, in words."""
        if not self.interrupted:
            return ""
        return ", stopped early" if self.stopped_early else ", interrupted"

    def _repr_html_(self) -> str:
        rows = []
        for player, values in self.losses.items():
            if len(values):
                tenth = max(1, len(values) // 10)
                first, end = float(values[:tenth].mean()), float(values[-tenth:].mean())
                rows.append((f"loss of {player}", f"{first:.4g}", f"{end:.4g}"))
        for name, (_, taken) in self.metrics.items():
            rows.append((name, _short(taken[0]), _short(taken[-1])))
        body = "".join(
            f'<tr><th scope="row">{html.escape(a)}</th><td>{b}</td><td>{c}</td></tr>'
            for a, b, c in rows
        )
        state = self._end()
        # Two builds of the book give the same page, whatever the machine does beside them.
        timed = os.environ.get("OTGEN_BOOK", "0") in ("", "0")
        took = f" in {self.seconds:.1f} s" if timed else ""
        return (
            f"<table><caption>{self.steps} steps{state}{took}; of losses the mean"
            ' over the first and the last tenth</caption><thead><tr><th scope="col"></th>'
            '<th scope="col">first</th><th scope="col">last</th></tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )


def _per_step(values: Tensor, steps: int) -> Tensor:
    """(steps,) or (steps, K): the mean over a player's updates in a step."""
    updates = max(1, len(values) // steps) if steps else 1
    whole = len(values) // updates * updates
    means = values[:whole].view(-1, updates, *values.shape[1:]).mean(dim=1)
    return means[:steps] if steps else means


def _running_mean(values: Tensor, width: int) -> Tensor:
    """The mean of the last ``width`` values, from the first on that has so many."""
    if width == 1:
        return values
    total = torch.cat([torch.zeros_like(values[:1]), values]).double().cumsum(dim=0)
    return (total[width:] - total[:-width]) / width


def _draw(ax: Any, x: Any, curve: Any, name: str) -> None:
    """One line; for a stack of members one each, thin, with one name."""
    lines = ax.plot(x, curve, linewidth=2.0 if curve.ndim == 1 else 0.6)
    for line in lines:
        line.set(color=lines[0].get_color(), label="_")
    lines[0].set_label(name)


def _columns(name: str, rows: Any, index: Any) -> dict[str, Any]:
    """One column, or one for each member of a stack."""
    import pandas as pd

    if rows.ndim == 1:
        return {name: pd.Series(rows, index=index[: len(rows)])}
    return {
        f"{name}[{k}]": pd.Series(column, index=index[: len(rows)])
        for k, column in enumerate(rows.T)
    }


def _short(value: Any) -> str:
    """A metric in few digits; the mean where there are several."""
    return f"{float(np.asarray(value, dtype=np.float64).mean()):.4g}"
