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
from otgen_lite.training import agreement, checkpoints, streams
from otgen_lite.training.batches import Batches
from otgen_lite.training.devices import Processes
from otgen_lite.training.errors import (
    NonFiniteError,
    TrainingError,
    about_numbers,
    describe,
    first_bad,
)
from otgen_lite.training.foreign import foreign
from otgen_lite.training.history import History
from otgen_lite.training.interrupts import Stop, says_yes
from otgen_lite.training.modes import Modes
from otgen_lite.training.options import Options
from otgen_lite.training.progress import Bar
from otgen_lite.training.randomness import Borrowed, own_randomness
from otgen_lite.training.seats import Seat
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
        turn, left = 0, None
        for seat in self.seats:
            for _ in range(seat.inner):
                # A seed for every turn: who draws more than another, in another grid point say,
                # does not move the draws that follow, and a resumed run needs no state.
                generator.manual_seed(streams.mixed(self._keys[0], step, turn))
                turn += 1
                try:
                    left = self._turn(seat, left, streams.mixed(self._keys[0], step, turn))
                except NonFiniteError:
                    raise
                except Exception as error:
                    self._failed(seat.player, step, error)
                    raise

    def _failed(self, player: str, step: int, error: Exception) -> None:
        """Where a loss failed; as a loss that is no finite number, where numbers are the cause."""
        weights = [p.detach() for p in self.method.parameters()]
        if about_numbers(error, self._batch, *weights):
            raise NonFiniteError(player, torch.empty(0), self._batch, why=error) from error
        if step:
            error.add_note(f"fit: in step {step + 1} of {self.options.steps}, player {player!r}")

    def _turn(
        self, seat: Seat, left: dict[str, Tensor] | None, seed: int
    ) -> dict[str, Tensor] | None:
        """One step of one player; what it leaves for the next."""
        method, generator = self.method, self.generator
        if seat.prepares:
            method.prepare(seat.player, generator)
        # What a player left belongs to its batch; who takes it over takes both.
        batch = self._batch if left else self.batches.next()
        self._batch = batch
        if self.processes.world == 1:
            noise = method.noise(seat.player, batch, generator)
            return seat.step(batch, {**noise, **left} if left else noise)
        joined = self.processes.joined(batch)
        noise = self.processes.share(method.noise(seat.player, joined, generator))
        # What a network draws by itself, it draws for other rows than its fellows.
        with own_randomness(streams.mixed(seed, 1 + self.processes.rank), self.device):
            return seat.step(batch, {**noise, **left} if left else noise)

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
            found = first_bad(fresh, {seat.player: seat.inner for seat in self.seats})
            if found is not None:
                player, round_, loss = found
                raise self._stopped(NonFiniteError(player, loss), self._looked + round_ + 1)
        bad = self.snapshot.bad()
        if bad:
            raise self._stopped(NonFiniteError(self._owner(bad[0]), torch.empty(0)), step, bad)
        self.snapshot.take(step)
        self._looked = step

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
        return describe(
            found, step, self.options.steps, weights=bad, kept=kept,
            checkpoint=self.options.path, saved=self.saved,
        )  # fmt: skip

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
                checkpoints.write(self.options.path, self._content(step))
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
                content = self._content(self.history.steps)
                checkpoints.write(self.options.path, content, keep=False)
            except OSError as found:
                error = found
        error = self.processes.same(error, self.device)
        if error is not None:
            raise error

    def _content(self, step: int) -> dict[str, Any]:
        """What a checkpoint holds."""
        history = self.history
        return {
            "options": self.fingerprint(),
            "step": step,
            "seconds": history.seconds,
            "method": self.method.state_dict(),
            "seats": {seat.player: seat.state() for seat in self.seats},
            "averages": {} if self.averages is None else self.averages.state(),
            "batches": self.batches.state(),
            "losses": history.losses,
            "metrics": history.metrics,
        }

    def resume(self, content: bytes) -> None:
        """Go on where a checkpoint was written."""
        assert self.options.path is not None
        found = checkpoints.parse(self.options.path, content, self.fingerprint())
        self.method.load_state_dict(found["method"])
        for seat in self.seats:
            seat.load(found["seats"][seat.player])
            seat.record.extend(found["losses"][seat.player])
        if self.averages is not None:
            self.averages.load(found["averages"])
        self.batches.load(found["batches"])
        self.history.metrics = {k: (list(at), list(v)) for k, (at, v) in found["metrics"].items()}
        self.history.steps = self.saved = self._looked = int(found["step"])
        self.history.seconds = float(found["seconds"])
        self.snapshot.take(self.history.steps)

    def fingerprint(self) -> dict[str, str]:
        """What makes a run the run it is, in words."""
        parts = {
            "method": type(self.method).__qualname__,
            "players": checkpoints.named({s.player: s.inner for s in self.seats}),
            "parameters": checkpoints.named(
                {n: tuple(p.shape) for n, p in self.method.named_parameters()}
            ),
            "data": self.batches.fingerprint,
            "device": self.device.type,
        }
        settings = {name: repr(value) for name, value in self.method.settings().items()}
        return parts | settings | self.options.fingerprint()

    def finish(self) -> None:
        """The method holds what it was trained for."""
        if self.averages is not None and self.history.steps:
            self.averages.put()
