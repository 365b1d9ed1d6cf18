"""``fit``: checks of its arguments, and the one training that they describe."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from otgen_lite import _checks
from otgen_lite.methods.base import Method
from otgen_lite.training import (
    agreement,
    checkpoints,
    devices,
    foreign,
    interrupts,
    layers,
    sources,
)
from otgen_lite.training.batches import Placement
from otgen_lite.training.history import History
from otgen_lite.training.losses import loss_of, trained
from otgen_lite.training.options import MakeOptimizer, Options
from otgen_lite.training.player_state import PlayerState
from otgen_lite.training.progress import Bar
from otgen_lite.training.randomness import Borrowed
from otgen_lite.training.training_run import TrainingRun


def fit(
    method: Method,
    data: Any,
    *,
    steps: int = 2000,
    batch_size: int = 128,
    lr: float | Mapping[str, float] = 1e-3,
    optimizer: str | MakeOptimizer = "adam",
    betas: tuple[float, float] = (0.9, 0.999),
    adam_eps: float = 1e-8,
    schedule: str | Callable[[float], float] = "constant",
    warmup: int = 0,
    ema: float | None = None,
    clip_grad: float | Mapping[str, float] | None = None,
    precision: str | None = None,
    compile: bool = False,
    seed: int = 0,
    device: str | torch.device | None = None,
    metrics: Mapping[str, Callable[[Any], Any]] | None = None,
    metrics_every: int | None = None,
    callbacks: Sequence[Callable[..., Any]] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    resume: bool = True,
    progress: bool = True,
) -> History:
    """Train any method: in each step, every player makes its updates, in the order of the players.

    Training starts from the present weights of the method, so that ``fit`` may be called again.
    Afterwards the method is in evaluation mode and, if ``ema`` is given, holds the averaged
    weights.

    Everything random comes from ``seed``: batches are drawn by one generator, and the noise of the
    losses by another, with a seed of its own for every update. So two runs see the same batches
    and, draw by draw, the same noise, whatever else they do; on a CPU they agree bit for bit. These
    streams are unrelated to a ``torch.Generator`` with the same seed, from which the data may come.
    What draws by itself (dropout; a user's layer, data, metric or callback) gets separate streams
    in the global generators of torch, Python and NumPy, whose states are restored afterwards.
    Generators of a loader, its sampler or a data set are seeded from ``seed`` and their state, and
    restored too.

    Batches are drawn epoch by epoch: each epoch is a new permutation, and points at its end that do
    not fill a batch are left out, also in the epochs of a loader (a warning says how many).

    Under torchrun the processes train one model, each on its own accelerator, by
    ``DistributedDataParallel``: each takes its rows of the joint batch and of the joint noise,
    gradients are averaged, and the first process reports and writes.

    *What equals, up to rounding, the run of a single process on the joint batch:* losses, weights
    and checkpoints, if the loss is a mean over rows, or gathers the rows of all processes where it
    needs the whole batch, and if tensors, data sets, samplers and loaders draw the same in every
    process. All processes stop after the same step, whether a signal reached one of them, a
    callback of the first returned True, or the loss of one was not finite.

    *What differs:* layers that draw by themselves, such as dropout, draw independently in each
    process (a warning says so), and so do data whose items change at random. A ``DataLoader`` whose
    sampler divides the data (``DistributedSampler``) has the batch size of one process and an order
    of its own. Callbacks are called only in the first process, and a training inside one of them
    runs there alone.

    *What is an error in all processes:* data, options or hyper-parameters that differ between them;
    a sampler that gives the same rows to several processes as if each had its own; and batch
    normalisation, which would see the rows of one process only (use ``nn.SyncBatchNorm`` on GPUs).

    Args:
        method: a module with players, whose ``forward(player, batch, noise)`` is a loss.
        data: (n, ...) tensor or array; a ``Dataset`` (of points, or of tuples whose first entry is
            a point); a ``DataLoader``; or a callable ``(n, generator) -> (n, ...)``. All numbers
            must have a floating-point type. Tensors are kept on the device if they fit there; so
            are a ``TensorDataset``, a ``Subset`` or ``ConcatDataset`` of such, and a data set with
            an attribute ``fixed = True``. The items of other data sets are read again in every
            epoch, because they may change at random. To load in other processes or in another
            order, pass a ``DataLoader`` (without ``persistent_workers``, whose state cannot be
            restored).
        steps: number of steps. In each step every player makes one update with its optimizer, or
            several (``critic_steps``, ``n_critic``), each on a batch of its own.
        batch_size: number of points in a batch, of all processes together. If there are fewer
            points, every batch consists of all of them, and a warning says so. A ``DataLoader`` has
            its own batch size.
        lr: learning rate, or a dict with one for each player.
        optimizer: ``"adam"``, ``"adamw"``, ``"rmsprop"``, ``"sgd"``, or a callable
            ``(parameters, lr) -> optimizer``; a fused implementation is used where torch has one.
        betas: Adam's decay rates of the running mean and the running mean square of the gradient.
        adam_eps: the constant that Adam adds to the root of the mean square.
        schedule: factor of the learning rate: ``"constant"``, ``"cosine"`` (down to 0 at the end),
            or a callable of the fraction of the training that is over, from 0 to 1.
        warmup: number of steps in which the learning rate rises to its value.
        ema: decay β in (0, 1) of the exponential moving average of the weights; see the note.
        clip_grad: largest Euclidean norm of a player's gradient, or a dict with one for each
            player.
        precision: ``"bf16"`` or ``"fp16"`` (with a scaled loss) for automatic mixed precision.
        compile: whether to compile the losses by ``torch.compile``.
        seed: a whole number.
        device: a name; ``"auto"`` for the accelerator if torch sees one; None for the device of the
            method or, under torchrun, the accelerator of each process. The method is moved there.
        metrics: functions of the method that return a number, by name. They are evaluated in
            evaluation mode and with the averaged weights.
        metrics_every: steps between two evaluations of the metrics; a twentieth of ``steps`` where
            None. They are always evaluated after the last step.
        callbacks: functions that are called after every step, in evaluation mode, as
            ``callback(step, method, history)``. A callback that returns True ends the training
            after this step (early stopping); ``history.stopped_early`` and ``.interrupted`` are
            then True. On an accelerator, ``history.losses`` and ``history.last()`` wait until all
            work under way is done. Read them every 100 steps (``if step % 100 == 0``), when the
            loop fetches the losses anyway. With several processes they hold what the loop fetched
            last.
        checkpoint: path of a file for checkpoints. It is written completely or not at all, with a
            checksum, and for the first time before the first step. If a later checkpoint cannot be
            written, a warning says so and the training continues.
        checkpoint_every: steps between two checkpoints; a tenth of ``steps`` where None. One is
            also written at the end and at an interruption.
        resume: whether to continue from ``checkpoint`` if the file exists. It must come from the
            same problem (method, cost, penalty, prior, data: everything but the weights) and the
            same options; only ``steps`` may be larger, if neither the learning rate nor the method
            has a schedule. The result is, on a CPU bit for bit, that of an uninterrupted run.
        progress: whether to show a progress bar.

    Returns:
        :class:`History`: the losses and metrics. After an interruption (Ctrl-C, the stop button of
        a kernel, SIGTERM) the present step is finished and the checkpoint written,
        ``history.interrupted`` is True, and the method can be used. Meanwhile further interruptions
        have no effect, unless a step takes more than ten seconds: then another Ctrl-C leaves at
        once. After SIGTERM the process ends.

    Raises:
        TrainingError: if a loss or a weight becomes non-finite; the message names the step, the
            player and the last good checkpoint. The method then holds the weights from before that
            step; on an accelerator or in several processes, where a check in each step would take
            too long, those of the last check (every 100 steps). They are not the averaged weights.
        ValueError, TypeError: if an argument is wrong; this is checked before work starts.
        OSError: if ``checkpoint`` cannot be written; this is checked before work starts.

    Note:
        The averaged weights are :math:`\\sum_s β^{t-s} θ_s / \\sum_s β^{t-s}` over all steps s up
        to the present step t, so that they are not biased towards the initial weights.

    Chapter: 7, 10, and every chapter that trains.

    Example:
        >>> import otgen_lite as otg
        >>> x = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
        >>> method = otg.PenalizedOT(
        ...     otg.MLP(2, [16], 1, generator=1), otg.MLP(1, [16], 2, generator=2),
        ...     penalty=otg.MMD(), lam=1.0,
        ... )
        >>> history = fit(method, x, steps=50, progress=False)
        >>> history.losses["autoencoder"].shape
        torch.Size([50])
    """
    seed = _checks.seed("seed", seed)
    options = Options(
        steps=steps, batch_size=batch_size, lr=lr, optimizer=optimizer, betas=betas,
        adam_eps=adam_eps, schedule=schedule, warmup=warmup, ema=ema, clip_grad=clip_grad,
        precision=precision, compile=compile, seed=seed, metrics={} if metrics is None else metrics,
        metrics_every=metrics_every, callbacks=callbacks, checkpoint=checkpoint,
        checkpoint_every=checkpoint_every, resume=resume, progress=progress,
    )  # fmt: skip
    like = _checked(method, options)
    here = devices.resolve(device, like.device)
    processes = devices.processes(here)
    if like.device != here:
        method.to(here)
        like = next(method.parameters())
    # Whoever calls may be without gradients; here they are what it is about.
    with (
        Borrowed(seed, here, _may_draw(method, data, options), method) as borrowed,
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        with agreement.together(processes):
            batches = sources.batches_of(data, batch_size, seed, Placement(like, processes))
        try:
            if processes.world > 1:  # of one, nobody needs a digest of all data
                agreement.agree(processes, method, options, data, batches.fingerprint)
            players = _players(method, options, processes, here)
            history = History.of({player.name: player.record for player in players})
            run = TrainingRun(method, players, batches, options, processes, here, history, borrowed)
            if options.path is not None and resume:
                content = checkpoints.read(options.path) if processes.first else None
                content = processes.same(content, here)
                if content is not None:
                    run.resume(content)
            _check_weights(method)
            run.probe()
            with interrupts.watched() as stop:
                _run(run, stop, type(method).__name__ if progress and processes.first else None)
        finally:
            batches.close()
    return history


def _run(run: TrainingRun, stop: interrupts.Stop, title: str | None) -> None:
    """The steps, under a bar with this title."""
    method, history = run.method, run.history
    bar = None if title is None else Bar(title, run.options.steps, history.steps)
    try:
        run.modes.training()
        layers.must_be_shared(method, run.processes)
        run.run(bar, stop)
        run.finish()
    finally:
        method.eval()
        for player in run.players:
            player.drop_gradients()
        if bar is not None:
            bar.close(history)


def _may_draw(method: Method, data: Any, options: Options) -> bool:
    """Whether something in the steps may draw from the program's generators."""
    theirs = [options.optimizer, options.schedule, *options.callbacks]
    return foreign.may_draw(method) or sources.may_draw(data) or foreign.foreign(theirs)


def _check_weights(method: Method) -> None:
    """A training cannot begin with weights that are no finite numbers, nor from such statistics."""
    tensors = dict(method.named_parameters())
    for path, module in method.named_modules():
        if type(module).__module__.startswith("torch."):
            tensors |= {f"{path}.{name}": b for name, b in module.named_buffers(recurse=False)}
    floating = {name: t.detach() for name, t in tensors.items() if t.is_floating_point()}
    good = torch.stack([torch.isfinite(t).all() for t in floating.values()]).tolist()
    for name, fine in zip(floating, good, strict=True):
        if not fine:
            value = floating[name][~torch.isfinite(floating[name])].flatten()[0]
            raise ValueError(
                f"method must have finite weights before the first step, got one that is "
                f"{float(value)} in {name!r}; make or load its networks anew"
            )


def _checked(method: Method, options: Options) -> torch.Tensor:
    """A weight of the method: batches take its type and its device."""
    if not isinstance(method, nn.Module) or not getattr(method, "players", None):
        instead = getattr(method, "instead", "") if isinstance(method, nn.Module) else ""
        raise TypeError(
            f"method must be a Method with players, got a {type(method).__name__}"
            + (f" that has none: {instead}" if instead else "")
        )
    if any(parameter.is_inference() for parameter in method.parameters()):
        raise ValueError(
            "method must be made outside of torch.inference_mode(), got parameters made inside, "
            "which cannot be trained"
        )
    options.for_players(method.players)
    owners: dict[Any, tuple[str, str]] = {}
    for player in method.players:
        own = trained(method, player)
        if not own:
            raise ValueError(
                f"method must have something to train for every player, got none for {player!r}"
            )
        for name, parameter in own.items():
            _check_owner(name, parameter, player, owners)
    return next(p for p in method.parameters() if p.is_floating_point())


def _check_owner(
    name: str, parameter: nn.Parameter, player: str, owners: dict[Any, tuple[str, str]]
) -> None:
    """A number has one optimizer: that of one parameter, of one player."""
    if not parameter.data_ptr():  # it has no numbers
        return
    place = parameter.data_ptr(), parameter.device
    for key in (id(parameter), place):
        first_name, owner = owners.setdefault(key, (name, player))
        if owner != player:
            raise ValueError(
                f"every parameter must belong to one player, got {name!r} for {owner!r} and for "
                f"{player!r}: each would move it by an optimizer of its own; freeze it for one, "
                "or give each a copy"
            )
        if first_name != name:
            raise ValueError(
                f"parameters must not share memory, got {first_name!r} and {name!r}, which are "
                "two: let one be the other (b.weight = a.weight), or copy"
            )


def _players(
    method: Method, options: Options, processes: devices.Processes, device: torch.device
) -> list[PlayerState]:
    # What one process sees of its own rows, the others would wait for: all check together.
    check_each = checks_every_loss(device) and processes.world == 1
    return [
        PlayerState(
            method, player, options, loss=loss_of(method, player, options, processes),
            check_each=check_each, device=device, deferred=processes.world > 1,
        )
        for player in method.players
    ]  # fmt: skip


def checks_every_loss(device: torch.device) -> bool:
    """Whether reading a number is free there; an accelerator would stop and wait."""
    return device.type == "cpu"
