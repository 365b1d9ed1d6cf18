"""The rounds of a training: what ``fit`` does between its first check and its last line."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _identity
from otgen_lite.methods.base import Method
from otgen_lite.training import checkpoints, devices
from otgen_lite.training.batches import Batches
from otgen_lite.training.devices import Processes
from otgen_lite.training.errors import (
    NonFiniteError,
    TrainingError,
    bad_members,
    describe,
    first_bad,
)
from otgen_lite.training.failed import Failed
from otgen_lite.training.history import History
from otgen_lite.training.interrupts import Interrupts
from otgen_lite.training.options import Options
from otgen_lite.training.progress import Bar
from otgen_lite.training.seats import Seat
from otgen_lite.training.weights import Averages, Snapshot

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
    ) -> None:
        self.method, self.seats, self.batches = method, seats, batches
        self.options, self.processes, self.device = options, processes, device
        self.history = history
        self.generator = torch.Generator(device=device)
        self.averages = Averages(method, options.ema) if options.ema else None
        self.snapshot = Snapshot(method)
        self.failed = Failed(method, seats, self.snapshot)
        history.failed = self.failed.errors  # type: ignore[assignment]
        for seat in seats:
            seat.goes_on = self._goes_on
        self.interrupts = Interrupts()
        self.saved: int | None = None
        #: What the method was before training, and what of it has moved since.
        self.problem: dict[str, str] = {}
        self.moved: set[str] = set()
        self.run_is: dict[str, str] = {}
        if options.path is not None:
            self.problem, self.run_is = method.identity(), self.fingerprint()
        self._batch = torch.empty(0)
        self._looked = 0
        self._spans = {"look": LOOK, "end": options.steps}
        if options.metrics:
            self._spans["metrics"] = options.metrics_every or max(1, options.steps // 20)
        if options.path is not None:
            self._spans["checkpoint"] = options.checkpoint_every or max(1, options.steps // 10)

    def run(self, bar: Bar | None) -> None:
        """All rounds that are left.

        Raises:
            TrainingError: if a loss or a weight is no finite number.
        """
        first, start = self.history.steps, time.perf_counter() - self.history.seconds
        try:
            with self.interrupts:
                self._rounds(first, start, bar)
        except NonFiniteError as found:
            raise self._stopped(found, self.history.steps + 1) from None
        except KeyboardInterrupt:
            if self.processes.world > 1:
                raise
            self.history.interrupted = True
        except (RuntimeError, ValueError) as error:
            ours = isinstance(error, TrainingError) or not len(self._batch)
            if self.history.steps == first and not ours:
                shape = tuple(self._batch.shape)
                error.add_note(f"fit: a batch of data has shape {shape}; do the networks take it?")
            raise
        finally:
            self.history.seconds = time.perf_counter() - start

    def _rounds(self, first: int, start: float, bar: Bar | None) -> None:
        options, history, averages = self.options, self.history, self.averages
        alone, pause = self.processes.world == 1, self._next_pause(first)
        callbacks = options.callbacks if self.processes.first else ()
        for step in range(first, options.steps):
            self._round(step)
            history.steps = step + 1
            if averages is not None:
                averages.add(step + 1)
            if callbacks:
                self._call(callbacks)
            if step + 1 >= pause or (alone and self.interrupts.asked):
                history.seconds = time.perf_counter() - start
                if self._pause(step + 1):
                    return
                pause = self._next_pause(step + 1)
            if bar is not None and time.perf_counter() >= bar.next:
                bar.update(history)

    def _round(self, step: int) -> None:
        """Every player's steps, each with a batch and a seed of its own."""
        options, method, generator = self.options, self.method, self.generator
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
                generator.manual_seed(mixed(options.seed, step, turn))
                turn += 1
                if seat.prepares:
                    method.prepare(seat.player, generator)
                # What a player left belongs to its batch; who takes it over takes both.
                batch = self._batch if left else self.batches.next()
                self._batch = batch
                if self.processes.world == 1:
                    noise = method.noise(seat.player, batch, generator)
                else:
                    joined = self.processes.joined(batch)
                    noise = self.processes.share(method.noise(seat.player, joined, generator))
                left = seat.step(batch, {**noise, **left} if left else noise)
        if self.failed:
            self.failed.hold()

    def _call(self, callbacks: Any) -> None:
        """The callbacks; one that returns True or raises KeyboardInterrupt ends the training."""
        try:
            for callback in callbacks:
                if callback(self.history.steps, self.method, self.history) is True:
                    self.interrupts.asked = True
        except KeyboardInterrupt:
            self.interrupts.asked = True

    def _next_pause(self, step: int) -> int:
        """The next round after which there is something to do beside training."""
        after = min(step + span - step % span for span in self._spans.values())
        return min(after, self.options.steps)

    def _pause(self, step: int) -> bool:
        """Look, measure, write; whether to stop here."""
        end = step == self.options.steps
        stop = self.processes.any(self.interrupts.asked, self.device)
        if stop or end or any(step % span == 0 for span in self._spans.values()):
            self._look(step)
        if self.options.metrics and (end or step % self._spans["metrics"] == 0):
            self._measure(step)
        if self.options.path is not None and (stop or end or step % self._spans["checkpoint"] == 0):
            self._save(step)
        self.history.interrupted = stop and not end
        return stop

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
        """The metrics, of the averaged weights where there are some."""
        self.method.eval()
        try:
            if self.averages is None:
                self._metrics(step)
            else:
                with self.averages.lent():
                    self._metrics(step)
        finally:
            training_mode(self.method)

    def _metrics(self, step: int) -> None:
        for name, metric in self.options.metrics.items():
            value = metric(self.method)
            whole = isinstance(value, Tensor) and value.ndim > 0
            at, values = self.history.metrics.setdefault(name, ([], []))
            at.append(step)
            values.append(value.detach().cpu() if whole else float(value))

    def _save(self, step: int) -> None:
        """Write a checkpoint; the first process does, in the name of all."""
        if not self.processes.first or self.options.path is None:
            return
        history = self.history
        # What is no longer as it was is state; from then on it decides nothing about a resumed run.
        apart = _identity.differences(self.problem, self.method.identity())
        self.moved |= {name for name, _, _ in apart}
        content: dict[str, Any] = {
            "options": self.run_is,
            "problem": self.problem,
            "moved": sorted(self.moved),
            "step": step,
            "seconds": history.seconds,
            "method": self.method.state_dict(),
            "seats": {seat.player: seat.state() for seat in self.seats},
            "averages": {} if self.averages is None else self.averages.state(),
            "batches": self.batches.state(),
            "generators": devices.states(self.device),
            "losses": history.losses,
            "metrics": history.metrics,
            "failed": self.failed.state(),
        }
        checkpoints.write(self.options.path, content)
        self.saved = step

    def resume(self, content: bytes) -> None:
        """Go on where a checkpoint was written.

        Raises:
            ValueError: if the checkpoint is damaged, or of another run; the method is as it was.
        """
        path = self.options.path
        assert path is not None
        found = checkpoints.parse(path, content)
        checkpoints.agree(path, self._changes(found))
        self._check_parts(path, found)
        kept = {name: value.clone() for name, value in _tensors(self.method).items()}
        try:
            self._load(found)
        except Exception as error:
            with torch.no_grad():
                for name, value in _tensors(self.method).items():
                    value.copy_(kept[name])
            raise ValueError(
                f"checkpoint {str(path)!r} does not fit this run ({type(error).__name__}: "
                f"{error}); give another path, or resume=False"
            ) from error

    def _changes(self, found: dict[str, Any]) -> list[checkpoints.Difference]:
        """What differs between the run of a checkpoint and this one, and may not."""
        out = []
        for name, old, new in checkpoints.of_options(found["options"], self.run_is):
            why = self._steps_differ(int(found["step"])) if name == "steps" else None
            if why != "":
                out.append((name, old, f"{new} ({why})" if why else new))
        if not {"method", "players", "parameters"} & {name for name, _, _ in out}:
            out += checkpoints.of_problem(found, self.problem)
        return out

    def _steps_differ(self, done: int) -> str:
        """Why a run of other ``steps`` is no continuation; nothing where it is one."""
        if done > self.options.steps:
            return f"{done} are done"
        if self.options.counting:
            return self.options.counting
        return "the method's schedule depends on it" if self.method.scheduled() else ""

    def _check_parts(self, path: Path, found: dict[str, Any]) -> None:
        """See that a checkpoint has everything that this run is going to take from it."""
        checkpoints.need(path, found["method"], list(self.method.state_dict()), "method")
        for seat in self.seats:
            checkpoints.need(path, found["seats"], [seat.player], "seats")
            place = f"seats[{seat.player!r}]"
            checkpoints.need(path, found["seats"][seat.player], list(seat.state()), place)
            checkpoints.need(path, found["losses"], [seat.player], "losses")
        if self.averages is not None:
            checkpoints.need(path, found["averages"], self.averages.names, "averages")
        checkpoints.need(path, found["batches"], list(self.batches.state()), "batches")

    def _load(self, found: dict[str, Any]) -> None:
        """Take over the state of a checkpoint; the method last."""
        for seat in self.seats:
            seat.load(found["seats"][seat.player])
            seat.record.extend(found["losses"][seat.player])
        if self.averages is not None:
            self.averages.load(found["averages"])
        self.batches.load(found["batches"])
        devices.set_states(self.device, found["generators"])
        self.history.metrics = {k: (list(at), list(v)) for k, (at, v) in found["metrics"].items()}
        self.problem, self.moved = dict(found["problem"]), set(found["moved"])
        self.history.steps = self.saved = self._looked = int(found["step"])
        self.history.seconds = float(found["seconds"])
        self.method.load_state_dict(found["method"])
        self.failed.load(found["failed"])
        self.snapshot.take(self.history.steps)

    def fingerprint(self) -> dict[str, str]:
        """What makes a run the run it is beside its method, in words."""
        shapes = {n: tuple(p.shape) for n, p in self.method.named_parameters()}
        parts = {
            "method": type(self.method).__qualname__,
            "players": checkpoints.named({s.player: s.inner for s in self.seats}),
            "parameters": ", ".join(f"{name} {shape}" for name, shape in shapes.items()),
            "data": self.batches.fingerprint,
            "device": self.device.type,
        }
        return parts | self.options.fingerprint()

    def finish(self) -> None:
        """The method holds what it was trained for."""
        if self.averages is not None and self.history.steps:
            self.averages.put()
        if self.failed:
            self.failed.hold()


def training_mode(module: nn.Module) -> None:
    """Training mode for networks that are trained; a frozen network stays as it was trained."""
    params = list(module.parameters())
    if params and not any(p.requires_grad for p in params):
        module.eval()
        return
    module.training = True
    for child in module.children():
        training_mode(child)


def _tensors(method: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers, as they lie in memory."""
    return dict(method.named_parameters()) | dict(method.named_buffers())


def mixed(seed: int, step: int, turn: int) -> int:
    """A seed for one turn of one round: 63 bits of splitmix64 of the three numbers."""
    mask = (1 << 64) - 1
    z = (seed * 0x9E3779B97F4A7C15 + step * 0xD1B54A32D192ED03 + turn * 0x8CB92BA72F3D8DD7) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return (z ^ (z >> 31)) >> 1
