"""The run of a training: the work of ``fit`` between its checks and its result.

A *step* of a training lets every player move; a player makes one or several *updates* in it::

    for step in range(steps):
        method.schedule(step / steps)                           # and the learning rates
        for name, player in method.players.items():
            for _ in range(player.updates):
                method.prepare(name, generator)                 # an ascent without a network, say
                batch = next(batches)
                noise = method.noise(name, batch, generator)    # all that the loss draws
                method(name, batch, noise).backward()           # the formula of the book
                optimizers[name].step()
                method.project(name, parameters)                # back to where they may be
        # averaged weights, callbacks; now and then a check of all numbers, metrics, a checkpoint

The rest of this file is about the same numbers in every run (a seed for each update), about
several processes, and about an end before the last step.
"""

from __future__ import annotations

import re
import time
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from otgen_lite.methods.base import Method
from otgen_lite.training import agreement, streams
from otgen_lite.training.batches import Batches
from otgen_lite.training.devices import Processes, alone
from otgen_lite.training.errors import NonFiniteError, TrainingError, about_numbers
from otgen_lite.training.failed import Failed
from otgen_lite.training.finite import FiniteCheck
from otgen_lite.training.foreign import foreign
from otgen_lite.training.history import History
from otgen_lite.training.interrupts import Stop, says_yes
from otgen_lite.training.modes import Modes
from otgen_lite.training.options import Options
from otgen_lite.training.player_state import PlayerState
from otgen_lite.training.progress import Bar
from otgen_lite.training.randomness import Borrowed, own_randomness
from otgen_lite.training.run_checkpoint import RunCheckpoint
from otgen_lite.training.weights import Averages, Snapshot

#: Errors of the first step that may come from data of another shape than the networks take.
_OF_SHAPES = re.compile(r"shape|size|dimension|channels|numbers a row|expected.*input", re.I)

#: Steps between two checks of all numbers: weights, and on an accelerator the losses.
CHECK_EVERY = 100


class TrainingRun:
    """One training: its players, its data, and how far it is."""

    def __init__(
        self,
        method: Method,
        players: list[PlayerState],
        batches: Batches,
        options: Options,
        processes: Processes,
        device: torch.device,
        history: History,
        borrowed: Borrowed,
    ) -> None:
        self.borrowed, self.modes = borrowed, Modes(method)
        self._keys = [streams.key(options.seed, kind) for kind in ("updates", "metrics")]
        self.method, self.players, self.batches = method, players, batches
        self.options, self.processes, self.device = options, processes, device
        self.history = history
        self.generator = torch.Generator(device=device)
        self.averages = Averages(method, options.ema) if options.ema else None
        self.stop = Stop()
        # A callback returned True; a callback raised KeyboardInterrupt.
        self._said_yes = self._interrupted = False
        snapshot = Snapshot(method)
        self.failed = Failed(method, players, snapshot, history.failed)
        self.checkpoint = RunCheckpoint(
            method, players, batches, options, self.averages, self.failed, history, device
        )
        self.finite = FiniteCheck(
            method, players, options, processes, history, snapshot, self.failed, self.checkpoint
        )
        self._batch = torch.empty(0)
        # Steps between two occasions; at each of them all numbers are checked.
        self._every = {"check": CHECK_EVERY}
        if options.metrics:
            self._every["metrics"] = options.metrics_every or max(1, options.steps // 20)
        if options.path is not None:
            self._every["checkpoint"] = options.checkpoint_every or max(1, options.steps // 10)

    def run(self, bar: Bar | None, stop: Stop) -> None:
        """All remaining steps, or those before an end is asked for.

        Raises:
            TrainingError: if a loss or a weight is no finite number.
        """
        first, start = self.history.steps, time.perf_counter() - self.history.seconds
        self.stop = stop
        try:
            self._steps(first, start, bar)
        except NonFiniteError as found:
            raise self.finite.stopped(found, self.history.steps + 1) from found.why
        except KeyboardInterrupt:
            if self.processes.world > 1:
                raise
            self.history.interrupted = True
        except (RuntimeError, ValueError) as error:
            ours = isinstance(error, TrainingError) or not len(self._batch)
            if self.history.steps == first and not ours and _OF_SHAPES.search(str(error)):
                shape = tuple(self._batch.shape)
                error.add_note(f"fit: a batch of data has shape {shape}; do the networks take it?")
            raise
        finally:
            self.history.seconds = time.perf_counter() - start

    def _steps(self, first: int, start: float, bar: Bar | None) -> None:
        options, history, averages = self.options, self.history, self.averages
        next_check = self._next_check(first)
        callbacks = options.callbacks if self.processes.first else ()
        if self._ends():  # asked for before there was a step
            history.interrupted = first < options.steps
            self._say(first)
            return
        for step in range(first, options.steps):
            self._step(step)
            history.steps = step + 1
            if averages is not None:
                averages.add(step + 1)
            if callbacks:
                self._call(callbacks)
            ends = self._ends()
            if ends or step + 1 >= next_check:
                history.seconds = time.perf_counter() - start
                self._check(step + 1, ends)
                if ends:
                    return
                next_check = self._next_check(step + 1)
            if bar is not None and time.perf_counter() >= bar.next:
                bar.update(history)

    def _step(self, step: int) -> None:
        """Every player's updates, each with a batch and a seed of its own."""
        options, method, generator = self.options, self.method, self.generator
        self.borrowed.begin(step)
        method.schedule(step / options.steps)
        if not options.constant:
            factor = options.factor(step)
            for player in self.players:
                player.set_rate(factor)
        update, reused = 0, None
        for player in self.players:
            for _ in range(player.updates):
                # A seed for every update: draws of one, more in another grid point say, do not
                # move the draws that follow, and a resumed run needs no state.
                generator.manual_seed(streams.mixed(self._keys[0], step, update))
                update += 1
                # The seed of the update that follows, which is mixed once more with the rank.
                networks = streams.mixed(self._keys[0], step, update)
                try:
                    reused = self._update(player, reused, networks)
                except NonFiniteError:
                    raise
                except Exception as error:
                    self._explain(player.name, step, error)
                    raise
        if self.failed:
            self.failed.hold()

    def _explain(self, player: str, step: int, error: Exception) -> None:
        """The place of a loss that failed; NonFiniteError where numbers are the cause."""
        weights = [p.detach() for p in self.method.parameters()]
        if about_numbers(error, self._batch, *weights):
            raise NonFiniteError(player, torch.empty(0), self._batch, why=error) from error
        if step:
            error.add_note(f"fit: in step {step + 1} of {self.options.steps}, player {player!r}")

    def _update(
        self, player: PlayerState, reused: dict[str, Tensor] | None, networks: int
    ) -> dict[str, Tensor] | None:
        """One update of one player; tensors for the next player to reuse.

        Args:
            player: the player.
            reused: tensors of the player before.
            networks: the seed of the networks' own draws, where there are several processes.
        """
        method, generator = self.method, self.generator
        if player.prepares:
            method.prepare(player.name, generator)
        # Reused tensors belong to their batch, so the next player takes both.
        batch = self._batch if reused else self.batches.next()
        self._batch = batch
        if self.processes.world == 1:
            noise = method.noise(player.name, batch, generator)
            return player.update(batch, {**noise, **reused} if reused else noise)
        joined = self.processes.joined(batch)
        noise = self.processes.share(method.noise(player.name, joined, generator))
        # What a network draws by itself, it draws for other rows than its fellows.
        with own_randomness(streams.mixed(networks, 1 + self.processes.rank), self.device):
            return player.update(batch, {**noise, **reused} if reused else noise)

    def _call(self, callbacks: Any) -> None:
        """The callbacks; one that returns True or raises KeyboardInterrupt ends the training."""
        try:
            with alone(), self.modes.evaluation() if foreign(callbacks) else nullcontext():
                for callback in callbacks:
                    if says_yes(callback(self.history.steps, self.method, self.history)):
                        self._said_yes = True
        except KeyboardInterrupt:
            self._interrupted = True

    def _ends(self) -> bool:
        """Whether to stop after this step; all processes do so together."""
        called = self._said_yes or self._interrupted
        if self.processes.world > 1:
            return agreement.ends(self.stop, called)
        return called or self.stop.number > 0

    def _next_check(self, step: int) -> int:
        """The next step after which all numbers are checked, and perhaps measured or written."""
        after = min(step + span - step % span for span in self._every.values())
        return min(after, self.options.steps)

    def _check(self, step: int, stop: bool) -> None:
        """Check all numbers; measure and write, where that is due."""
        end = step == self.options.steps
        self.finite.check(step)
        if self.options.metrics and (end or step % self._every["metrics"] == 0):
            self._measure(step)
        due = self.options.path is not None and (
            stop or end or step % self._every["checkpoint"] == 0
        )
        if due and self.processes.first:  # in the name of all
            with self.stop.writing():
                self.checkpoint.save(step)
        self.history.interrupted = stop and not end
        if stop or end:
            # A process that is through waits here until the first has written, whose alone
            # the callbacks are.
            interrupted = self.processes.most(int(self._interrupted))
            self.history.stopped_early = stop and not (end or interrupted or self.stop.number)
        self._say(step)

    def _say(self, step: int) -> None:
        """The effect of a signal, if there was one."""
        if self.stop.number and self.processes.first:
            path = self.options.path if self.checkpoint.saved == step else None
            self.stop.say(step, self.options.steps, path)

    def _measure(self, step: int) -> None:
        """The metrics, of the averaged weights where there are some, with draws of their own."""
        lent = nullcontext() if self.averages is None else self.averages.lent()
        seed = streams.mixed(self._keys[1], step)
        with alone(), self.modes.evaluation(), own_randomness(seed, self.device), lent:
            self._metrics(step)

    def _metrics(self, step: int) -> None:
        for name, metric in self.options.metrics.items():
            value = metric(self.method)
            whole = isinstance(value, Tensor) and value.ndim > 0
            at, values = self.history.metrics.setdefault(name, ([], []))
            at.append(step)
            values.append(value.detach().cpu().double() if whole else float(value))

    def probe(self) -> None:
        """See that a checkpoint can be written, by writing one beside the file.

        Raises:
            OSError: in every process, if it cannot.
        """
        error: OSError | None = None
        if self.processes.first and self.options.path is not None:
            try:
                self.checkpoint.write(self.options.path, self.history.steps, keep=False)
            except OSError as found:
                error = found
        error = self.processes.same(error, self.device)
        if error is not None:
            raise error

    def resume(self, content: bytes) -> None:
        """Go on from a checkpoint; see :meth:`RunCheckpoint.resume`."""
        self.finite.begin(self.checkpoint.resume(content))

    def finish(self) -> None:
        """Give the method the weights that it was trained for."""
        if self.averages is not None and self.history.steps:
            self.averages.put()
        if self.failed:
            self.failed.hold()
