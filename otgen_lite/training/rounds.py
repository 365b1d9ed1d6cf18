"""The rounds of a training: what ``fit`` does between its first check and its last line."""

from __future__ import annotations

import re
import time
import warnings
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from otgen_lite.methods.base import Method
from otgen_lite.training import agreement, streams
from otgen_lite.training.batches import Batches
from otgen_lite.training.devices import Processes
from otgen_lite.training.errors import (
    NonFiniteError,
    TrainingError,
    about_numbers,
    bad_members,
    describe,
    first_bad,
)
from otgen_lite.training.failed import Failed
from otgen_lite.training.foreign import foreign
from otgen_lite.training.history import History
from otgen_lite.training.interrupts import Stop, says_yes
from otgen_lite.training.modes import Modes
from otgen_lite.training.options import Options
from otgen_lite.training.progress import Bar
from otgen_lite.training.randomness import Borrowed, own_randomness
from otgen_lite.training.seats import Seat
from otgen_lite.training.state import State
from otgen_lite.training.weights import Averages, Snapshot

#: Errors of the first round that may come from data of another shape than the networks take.
_OF_SHAPES = re.compile(r"shape|size|dimension|channels|numbers a row|expected.*input", re.I)

#: Rounds between two looks at everything: weights, and on an accelerator the losses.
LOOK = 100


class Rounds:
    """One training: its players, its data, and where it stands."""

    def __init__(
        self,
        method: Method,
        seats: list[Seat],
        batches: Batches,
        options: Options,
        processes: Processes,
        device: torch.device,
        history: History,
        borrowed: Borrowed,
    ) -> None:
        self.borrowed, self.modes = borrowed, Modes(method)
        self._keys = [streams.key(options.seed, kind) for kind in ("turns", "metrics")]
        self.method, self.seats, self.batches = method, seats, batches
        self.options, self.processes, self.device = options, processes, device
        self.history = history
        self.generator = torch.Generator(device=device)
        self.averages = Averages(method, options.ema) if options.ema else None
        self.snapshot = Snapshot(method)
        self.stop, self.called = Stop(), False
        self.failed = Failed(method, seats, self.snapshot)
        history.failed = self.failed.errors  # type: ignore[assignment]
        self.state = State(
            method, seats, batches, options, self.averages, self.failed, history, device
        )
        for seat in seats:
            seat.goes_on = self._goes_on
        self.saved: int | None = None
        self._batch = torch.empty(0)
        self._looked = 0
        self._spans = {"look": LOOK, "end": options.steps}
        if options.metrics:
            self._spans["metrics"] = options.metrics_every or max(1, options.steps // 20)
        if options.path is not None:
            self._spans["checkpoint"] = options.checkpoint_every or max(1, options.steps // 10)

    def run(self, bar: Bar | None, stop: Stop) -> None:
        """All rounds that are left, or those before an end is asked for.

        Raises:
            TrainingError: if a loss or a weight is no finite number.
        """
        first, start = self.history.steps, time.perf_counter() - self.history.seconds
        self.stop = stop
        try:
            self._rounds(first, start, bar)
        except NonFiniteError as found:
            raise self._stopped(found, self.history.steps + 1) from found.why
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

    def _rounds(self, first: int, start: float, bar: Bar | None) -> None:
        options, history, averages = self.options, self.history, self.averages
        pause = self._next_pause(first)
        callbacks = options.callbacks if self.processes.first else ()
        if self._ends():  # asked for before there was a round
            history.interrupted = first < options.steps
            self._say(first)
            return
        for step in range(first, options.steps):
            self._round(step)
            history.steps = step + 1
            if averages is not None:
                averages.add(step + 1)
            if callbacks:
                self._call(callbacks)
            ends = self._ends()
            if ends or step + 1 >= pause:
                history.seconds = time.perf_counter() - start
                self._pause(step + 1, ends)
                if ends:
                    return
                pause = self._next_pause(step + 1)
            if bar is not None and time.perf_counter() >= bar.next:
                bar.update(history)

    def _round(self, step: int) -> None:
        """Every player's steps, each with a batch and a seed of its own."""
        options, method, generator = self.options, self.method, self.generator
        self.borrowed.begin(step)
        method.schedule(step / options.steps)
        if not options.constant:
            factor = options.factor(step)
            for seat in self.seats:
                seat.set_rate(factor)
        turn, reused = 0, None
        for seat in self.seats:
            for _ in range(seat.inner):
                # A seed for every turn: who draws more than another, in another grid point say,
                # does not move the draws that follow, and a resumed run needs no state.
                generator.manual_seed(streams.mixed(self._keys[0], step, turn))
                turn += 1
                try:
                    reused = self._turn(seat, reused, streams.mixed(self._keys[0], step, turn))
                except NonFiniteError:
                    raise
                except Exception as error:
                    self._explain(seat.player, step, error)
                    raise
        if self.failed:
            self.failed.hold()

    def _explain(self, player: str, step: int, error: Exception) -> None:
        """Where a loss failed; as a loss that is no finite number, where numbers are the cause."""
        weights = [p.detach() for p in self.method.parameters()]
        if about_numbers(error, self._batch, *weights):
            raise NonFiniteError(player, torch.empty(0), self._batch, why=error) from error
        if step:
            error.add_note(f"fit: in step {step + 1} of {self.options.steps}, player {player!r}")

    def _turn(
        self, seat: Seat, reused: dict[str, Tensor] | None, seed: int
    ) -> dict[str, Tensor] | None:
        """One step of one player; tensors for the next to reuse."""
        method, generator = self.method, self.generator
        if seat.prepares:
            method.prepare(seat.player, generator)
        # Reused tensors belong to their batch; who takes them over takes both.
        batch = self._batch if reused else self.batches.next()
        self._batch = batch
        if self.processes.world == 1:
            noise = method.noise(seat.player, batch, generator)
            return seat.step(batch, {**noise, **reused} if reused else noise)
        joined = self.processes.joined(batch)
        noise = self.processes.share(method.noise(seat.player, joined, generator))
        # What a network draws by itself, it draws for other rows than its fellows.
        with own_randomness(streams.mixed(seed, 1 + self.processes.rank), self.device):
            return seat.step(batch, {**noise, **reused} if reused else noise)

    def _call(self, callbacks: Any) -> None:
        """The callbacks; one that returns True or raises KeyboardInterrupt ends the training."""
        try:
            with self.modes.evaluation() if foreign(callbacks) else nullcontext():
                for callback in callbacks:
                    if says_yes(callback(self.history.steps, self.method, self.history)):
                        self.called = True
        except KeyboardInterrupt:
            self.called = True

    def _ends(self) -> bool:
        """Whether to stop after this round; all processes do so together."""
        if self.processes.world > 1:
            return agreement.ends(self.stop, self.called)
        return self.called or self.stop.number > 0

    def _next_pause(self, step: int) -> int:
        """The next round after which there is something to do beside training."""
        after = min(step + span - step % span for span in self._spans.values())
        return min(after, self.options.steps)

    def _pause(self, step: int, stop: bool) -> None:
        """Look, measure, write."""
        end = step == self.options.steps
        if stop or end or any(step % span == 0 for span in self._spans.values()):
            self._look(step)
        if self.options.metrics and (end or step % self._spans["metrics"] == 0):
            self._measure(step)
        if self.options.path is not None and (stop or end or step % self._spans["checkpoint"] == 0):
            self._save(step)
        self.history.interrupted = stop and not end
        if stop or end:
            self.processes.most(0)  # who is through waits until the first has written
        self._say(step)

    def _say(self, step: int) -> None:
        """What a signal led to, if there was one."""
        if self.stop.number and self.processes.first:
            path = self.options.path if self.saved == step else None
            self.stop.say(step, self.options.steps, path)

    def _look(self, step: int) -> None:
        """Fetch the losses; losses and weights must be finite, and the weights are kept."""
        fresh: dict[str, Tensor] = {}
        for seat in self.seats:
            seat.record.fetch(self.processes.mean)
            fresh[seat.player] = seat.record.tensor()[self._looked * seat.inner :]
        if not all(seat.watch for seat in self.seats):
            self._look_back(fresh)
        bad = self.snapshot.bad()
        if bad and not self._without_bad_weights(step, bad):
            raise self._stopped(NonFiniteError(self._owner(bad[0]), torch.empty(0)), step, bad)
        self.snapshot.take(step)
        self._looked = step

    def _look_back(self, fresh: dict[str, Tensor]) -> None:
        """Losses of an accelerator, which were not looked at when they came."""
        inner = {seat.player: seat.inner for seat in self.seats}
        while True:
            alive = {player: self._of_others(values) for player, values in fresh.items()}
            found = first_bad(alive, inner)
            if found is None:
                break
            player, round_, loss = found
            bad = NonFiniteError(player, loss)
            step = self._looked + round_ + 1
            if not self._without(bad_members(loss), bad, step):
                raise self._stopped(bad, step)
        if self.failed:
            self.failed.hold()

    def _of_others(self, values: Tensor) -> Tensor:
        """Losses, with zeros for members that failed already."""
        if not self.failed or values.ndim < 2:
            return values
        values = values.clone()
        values[:, list(self.failed.errors)] = 0.0
        return values

    def _goes_on(self, found: NonFiniteError) -> bool:
        """Leave members behind whose loss is no finite number; whether there are others."""
        bad = [k for k in bad_members(found.loss) if k not in self.failed.errors]
        return found.loss.ndim == 1 and self._without(bad, found, self.history.steps + 1)

    def _without_bad_weights(self, step: int, bad: list[str]) -> bool:
        """Leave members behind whose weights are no longer finite; whether that was all."""
        if not self.failed.can([]):
            return False
        count = len(self.method.members)  # type: ignore[arg-type]
        members = [k for k in range(count) if not self.failed.good(k)]
        found = NonFiniteError(self._owner(bad[0]), torch.empty(0))
        if not self._without(members, found, step):
            return False
        self.failed.hold()
        return not self.snapshot.bad()

    def _without(self, members: list[int], found: NonFiniteError, step: int) -> bool:
        """Leave members behind; False where nobody would be left, or members are not apart."""
        if not self.failed.can(members):
            return False
        seen = all(seat.watch for seat in self.seats)
        for k in members:
            loss = found.loss[k] if found.loss.ndim == 1 and len(found.loss) else found.loss
            good = self.failed.good(k)
            error = describe(
                NonFiniteError(found.player, loss, found.batch), step, self.options.steps,
                weights=[], kept=None if good and seen else self.snapshot.step,
                checkpoint=self.options.path, saved=self.saved,
            )  # fmt: skip
            self.failed.add(k, error, back=not (good and seen))
        return True

    def _owner(self, name: str) -> str:
        """The player that moves a weight."""
        return next((seat.player for seat in self.seats if name in seat.params), "")

    def _stopped(
        self, found: NonFiniteError, step: int, bad: list[str] | None = None
    ) -> TrainingError:
        """The error of a training that cannot go on; the method gets weights that are good."""
        bad = self.snapshot.bad() if bad is None else bad
        kept = None
        if bad or not all(seat.watch for seat in self.seats):
            self.snapshot.put_back()
            kept = self.snapshot.step
        error = describe(
            found, step, self.options.steps, weights=bad, kept=kept,
            checkpoint=self.options.path, saved=self.saved,
        )  # fmt: skip
        error.history = self.history
        return error

    def _measure(self, step: int) -> None:
        """The metrics, of the averaged weights where there are some, with draws of their own."""
        lent = nullcontext() if self.averages is None else self.averages.lent()
        seed = streams.mixed(self._keys[1], step)
        with self.modes.evaluation(), own_randomness(seed, self.device), lent:
            self._metrics(step)

    def _metrics(self, step: int) -> None:
        for name, metric in self.options.metrics.items():
            value = metric(self.method)
            whole = isinstance(value, Tensor) and value.ndim > 0
            at, values = self.history.metrics.setdefault(name, ([], []))
            at.append(step)
            values.append(value.detach().cpu().double() if whole else float(value))

    def _save(self, step: int) -> None:
        """Write a checkpoint; the first process does, in the name of all.

        Where that fails, the training goes on: it has more to lose than the time until the next.
        """
        if not self.processes.first or self.options.path is None:
            return
        history = self.history
        try:
            with self.stop.writing():
                self.state.write(self.options.path, step)
        except OSError as error:
            history.unsaved = f"the checkpoint of step {step} is not written: {error}"
            kept = "there is none" if self.saved is None else f"the last is of step {self.saved}"
            warnings.warn(f"{history.unsaved}; {kept}", RuntimeWarning, stacklevel=2)
        else:
            history.unsaved, self.saved = None, step

    def probe(self) -> None:
        """See that a checkpoint can be written, by writing one beside the file.

        Raises:
            OSError: in every process, if it cannot.
        """
        error: OSError | None = None
        if self.processes.first and self.options.path is not None:
            try:
                self.state.write(self.options.path, self.history.steps, keep=False)
            except OSError as found:
                error = found
        error = self.processes.same(error, self.device)
        if error is not None:
            raise error

    def resume(self, content: bytes) -> None:
        """Go on where a checkpoint was written; see :meth:`State.resume`."""
        self.saved = self._looked = self.state.resume(content)
        self.snapshot.take(self._looked)

    def finish(self) -> None:
        """The method holds what it was trained for."""
        if self.averages is not None and self.history.steps:
            self.averages.put()
        if self.failed:
            self.failed.hold()
