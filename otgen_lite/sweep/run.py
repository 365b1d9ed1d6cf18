"""``sweep``: a grid of hyper-parameters, trained by ``fit``."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from otgen_lite import _checks
from otgen_lite.methods.base import Method
from otgen_lite.sweep import decide
from otgen_lite.sweep import grid as grids
from otgen_lite.sweep.bar import SweepBar
from otgen_lite.sweep.check_stack import CannotStack
from otgen_lite.sweep.grid import Point
from otgen_lite.sweep.result import Sweep
from otgen_lite.sweep.stack import Stacked
from otgen_lite.sweep.stack_group import StackGroup
from otgen_lite.training import (
    History,
    TrainingError,
    agreement,
    checkpoints,
    devices,
    fit,
    interrupts,
    randomness,
)
from otgen_lite.training.checkpoints import At

#: Errors of members by their place in the grid.
Failures = dict[int, TrainingError]

log = logging.getLogger("otgen_lite")


def sweep(
    make_method: Callable[..., Method],
    grid: Mapping[str, Sequence[Any]],
    data: Any,
    *,
    stack: bool | None = None,
    **options: Any,
) -> Sweep:
    r"""Train a method at every point of a grid of hyper-parameters, as one stack where possible.

    Every member sees the same batches and the same noise, so that two members differ only in the
    hyper-parameter. Each of them is the method that :func:`otgen_lite.fit` would make of
    ``make_method(**point)`` alone, with the same options. Members with equal ``signature()`` (they
    differ only in numbers of registered tensors, and share architecture, cost and penalty) form one
    stack: a module with their parameters stacked, whose loss ``torch.func.vmap`` computes. Several
    stacks, for example one for each cost, are trained side by side, step by step.

    Members are trained one after another where stacking is impossible (an exact linear programme in
    the loss, a loss that depends on tensor values in Python, several processes, an optimizer that
    couples parameters) or where it is no faster (large networks on a CPU). ``.reason`` and the log
    say why.

    Args:
        make_method: makes the method of a point; called by keyword: ``make_method(lam=1.0)``. It
            must make new networks at each call. Members start from the same weights if it draws
            them from the same seed (``MLP(..., generator=0)``), which is what a comparison of
            hyper-parameters needs; to vary the seed, add an axis ``seed``.
        grid: the values of each axis, by name; the points are their product, where the last axis
            changes fastest.
        data: as for ``fit``.
        stack: True requires a stack and raises an error otherwise; False trains one after another;
            None stacks where that is possible and faster. At its first loss a stack is compared
            with its members, in losses and gradients (not with ``compile=True``); if they differ,
            it is not used.
        options: options of ``fit``. Metrics are evaluated for each member, and ``clip_grad`` bounds
            the gradient of each. ``callbacks`` are called with the stack, whose ``.members`` are
            ordinary methods; a callback that returns True ends the training of all its members.
            Without a stack, it ends the training of that member, and the next one begins; and
            ``checkpoint`` is then one file for each member. A checkpoint can only be resumed with
            the same grid, in the same order.

    Returns:
        :class:`Sweep`: the trained methods and their histories, by point.

    Raises:
        ValueError, TypeError: if an argument is wrong; this is checked before work starts.
        CannotStack: if ``stack=True`` and the members cannot be stacked.
        TrainingError: if the loss or the weights of every member become non-finite; the message
            names the points. If this happens to some of them only, the others continue, a warning
            names those that failed, and their errors are in ``.failures``.

    Warns:
        RuntimeWarning: if some members failed.

    Chapter: 10, and every chapter that compares hyper-parameters.

    Example:
        >>> import torch, otgen_lite as otg
        >>> def make(lam, cost):
        ...     encoder, decoder = otg.MLP(2, [8], 1, generator=1), otg.MLP(1, [8], 2, generator=2)
        ...     return otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=lam, cost=cost)
        >>> x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
        >>> grid = {"lam": [1.0, 10.0], "cost": ["sqeuclidean", "cityblock"]}
        >>> s = otg.sweep(make, grid, x, steps=20, progress=False)
        >>> s
        Sweep(4 members: lam 2 × cost 2; stacked: 4 members in 2 stacks)
        >>> s.at(lam=10.0, cost="cityblock").sample(5, 0).shape
        torch.Size([5, 2])
    """
    if stack is not None and not isinstance(stack, bool):
        raise TypeError(f"stack must be True, False or None, got {stack!r}")
    axes = grids.axes(grid)
    points = grids.points(axes)
    data = _checks.table("data", data)
    members = grids.methods(make_method, points, progress=bool(options.get("progress", True)))
    reason = "asked for" if stack is False else decide.obstacle(members, options)
    bundles = _bundles(members)
    if not reason and all(len(group) == 1 for bundle in bundles for group in bundle):
        reason = "no two members have the same signature"
    if not reason and stack is None:
        reason = decide.does_not_pay(members, data, options)
    if not reason:
        try:
            histories, failures = _stacked(members, points, bundles, data, options)
        except CannotStack as error:
            reason = str(error)
        else:
            count = sum(len(bundle) for bundle in bundles)
            how = f"{len(members)} members in {count} stack{'s' if count > 1 else ''}"
            _report(failures, points)
            return Sweep(axes, points, members, histories, True, how, failures)
    if stack:
        raise CannotStack(f"stack=True, but {reason}")
    log.log(logging.INFO if stack is False else logging.WARNING,
            "sweep: members are trained one after another: %s", reason)  # fmt: skip
    histories, failures = _in_turn(members, points, data, options)
    _report(failures, points)
    return Sweep(axes, points, members, histories, False, reason, failures)


def _report(failures: Failures, points: Sequence[Point]) -> None:
    """Warn of members that failed; an error if all did.

    Raises:
        TrainingError: if all failed.
    """
    if len(failures) == len(points):
        first = failures[min(failures)]
        named = "; ".join(grids.words(point) for point in points[:5])
        more = f" and {len(points) - 5} more" if len(points) > 5 else ""
        raise TrainingError(
            f"{first}; the points: {named}{more}", step=first.step, player=first.player,
            members=list(failures), checkpoint=first.checkpoint,
        ) from first  # fmt: skip
    for k, error in sorted(failures.items()):
        warnings.warn(
            f"sweep: the member {grids.words(points[k])} failed and has no result: {error}",
            RuntimeWarning,
            stacklevel=3,
        )


def _bundles(members: Sequence[Method]) -> list[list[list[int]]]:
    """Members of one signature, and of these groups those with the same players."""
    groups: dict[Any, list[int]] = {}
    for k, member in enumerate(members):
        tensors = [*member.named_parameters(), *member.named_buffers()]
        shapes = tuple((n, v.shape, v.dtype, v.device, v.requires_grad) for n, v in tensors)
        groups.setdefault((member.signature(), shapes), []).append(k)
    bundles: dict[Any, list[list[int]]] = {}
    for group in groups.values():
        first = members[group[0]]
        like = next(first.parameters())
        players = tuple((name, player.updates) for name, player in first.players.items())
        bundles.setdefault((players, like.dtype, like.device), []).append(group)
    return list(bundles.values())


def _stacked(
    members: Sequence[Method],
    points: Sequence[Point],
    bundles: list[list[list[int]]],
    data: Any,
    options: dict[str, Any],
) -> tuple[list[History], Failures]:
    """Train every bundle of stacks by one ``fit``; the members' histories."""
    histories = [History(interrupted=True) for _ in members]
    failures: Failures = {}
    bar = SweepBar(len(members), len(bundles), options)
    devices.keep_memory()
    runs: list[History] = []
    with interrupts.watched() as stop:
        try:
            for number, bundle in enumerate(bundles):
                order = [k for group in bundle for k in group]
                own = _numbered(options, number if len(bundles) > 1 else None)
                taken = (options.get("metrics") or {}).items()
                own["metrics"] = {name: _of_members(metric) for name, metric in taken}
                stacks = [Stacked([members[k] for k in group]) for group in bundle]
                group = StackGroup(stacks, [grids.exact(points[k]) for k in order])
                try:
                    runs.append(fit(group, data, **bar.options(own, number)))
                    failed: Mapping[int, Any] = runs[-1].failed
                except TrainingError as error:
                    if error.history is None:
                        raise
                    runs.append(error.history)
                    failed = {**dict.fromkeys(range(len(order)), error), **runs[-1].failed}
                finally:
                    group.release()
                for i, k in enumerate(order):
                    histories[k] = _column(runs[-1], i, failed.get(i))
                failures |= {order[i]: error for i, error in failed.items()}
                if agreement.ends(stop, _by_user(runs[-1])):
                    break
        finally:
            bar.close(runs or histories)
    return histories, failures


def _by_user(history: History) -> bool:
    """Whether a training was interrupted, and not stopped by a callback, which ends it alone."""
    return history.interrupted and not history.stopped_early


def _numbered(options: dict[str, Any], number: int | None) -> dict[str, Any]:
    """The options of one of several trainings, with a checkpoint of its own."""
    out = dict(options)
    if number is not None and out.get("checkpoint") is not None:
        path = Path(out["checkpoint"])
        out["checkpoint"] = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return out


def _of_members(metric: Callable[[Any], Any]) -> Callable[[Any], torch.Tensor]:
    """A metric of a method as a metric of stacks: a number for each member that goes on, all from
    the same draws."""

    def of_members(group: Any) -> torch.Tensor:
        device = next(group.parameters()).device
        start, values = randomness.states(device), []
        for k, member in enumerate(group.members):
            randomness.put(device, start)
            values.append(math.nan if k in group.failed else float(metric(member)))
        return torch.tensor(values, dtype=torch.float64, device="cpu")

    return of_members


def _column(history: History, k: int, failed: TrainingError | None) -> History:
    """The history of one member of a stack, up to where it failed."""
    steps = history.steps if failed is None else min(history.steps, failed.step - 1)
    losses = {}
    for player, values in history.losses.items():
        updates = len(values) // max(1, history.steps)
        rows = values if failed is None else values[: updates * steps]
        losses[player] = rows[:, k].clone() if rows.ndim > 1 else rows
    metrics = {
        n: ([t for t in at if t <= steps],
            [float(v[k]) for t, v in zip(at, values, strict=True) if t <= steps])
        for n, (at, values) in history.metrics.items()
    }  # fmt: skip
    out = History(losses, steps, metrics, history.interrupted, history.seconds)
    out.stopped_early = history.stopped_early
    return out


def _at_point(options: dict[str, Any], point: Point) -> dict[str, Any]:
    """The options of a member; its point stands in its checkpoint."""
    if options.get("checkpoint") is None:
        return options
    return {**options, "checkpoint": At(options["checkpoint"], grids.exact(point))}


def _check_checkpoints(members: Sequence[Method], options: Sequence[dict[str, Any]]) -> None:
    """See that the checkpoints that are there belong to their members, before one is trained."""
    for member, own in zip(members, options, strict=True):
        at = own.get("checkpoint")
        if not isinstance(at, At) or not own.get("resume", True):
            continue
        path = Path(at)
        content = checkpoints.read(path)
        if content is not None:
            found = checkpoints.parse(path, content)
            before, now = {"point": found["options"].get("point", "none")}, {"point": at.point}
            checkpoints.agree(path, checkpoints.of_options(before, now))
            checkpoints.agree(path, checkpoints.of_problem(found, member.identity()))


def _in_turn(
    members: Sequence[Method], points: Sequence[Point], data: Any, options: dict[str, Any]
) -> tuple[list[History], Failures]:
    """Train one member after another, under one bar; one that fails does not stop the others."""
    bar = SweepBar(len(members), len(members), options)
    histories = [History(interrupted=True) for _ in members]
    failures: Failures = {}
    own = [_at_point(_numbered(options, k), point) for k, point in enumerate(points)]
    _check_checkpoints(members, own)
    with interrupts.watched() as stop:
        try:
            for k, member in enumerate(members):
                try:
                    histories[k] = fit(member, data, **bar.options(own[k], k))
                except TrainingError as error:
                    failures[k] = error
                    histories[k] = History() if error.history is None else error.history
                if agreement.ends(stop, _by_user(histories[k])):
                    break
        finally:
            bar.close(histories)
    return histories, failures
