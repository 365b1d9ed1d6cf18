"""The checkpoint of a run: its content, its file, and whether this run may go on from it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _identity
from otgen_lite.methods.base import Method
from otgen_lite.training import checkpoints
from otgen_lite.training.batches import Batches
from otgen_lite.training.failed import Failed
from otgen_lite.training.history import History
from otgen_lite.training.options import Options
from otgen_lite.training.player_state import PlayerState
from otgen_lite.training.weights import Averages


class RunCheckpoint:
    """Everything that moves in a run, and all that must be the same when it is taken up again."""

    def __init__(
        self,
        method: Method,
        players: list[PlayerState],
        batches: Batches,
        options: Options,
        averages: Averages | None,
        failed: Failed,
        history: History,
        device: torch.device,
    ) -> None:
        self.method, self.players, self.batches, self.options = method, players, batches, options
        self.averages, self.failed, self.history, self.device = averages, failed, history, device
        #: The step of the last good checkpoint; None where there is none.
        self.saved: int | None = None
        #: The facts of the method before training, and those that have moved since.
        self.problem: dict[str, str] = {}
        self.moved: set[str] = set()
        self.run_is: dict[str, str] = {}
        if options.path is not None:
            self.problem, self.run_is = method.identity(), self.fingerprint()

    def write(self, path: Path, step: int, *, keep: bool = True) -> None:
        """Write a checkpoint after ``step`` steps; without ``keep`` only see that one can."""
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
            "players": {player.name: player.state() for player in self.players},
            "averages": {} if self.averages is None else self.averages.state(),
            "batches": self.batches.state(),
            "losses": history.losses,
            "metrics": history.metrics,
            "failed": self.failed.state(),
        }
        checkpoints.write(path, content, keep=keep)

    def save(self, step: int) -> None:
        """Write a checkpoint. Where that fails, the training goes on, for it has more to lose."""
        assert self.options.path is not None
        try:
            self.write(self.options.path, step)
        except OSError as error:
            self.history.unsaved = f"the checkpoint of step {step} is not written: {error}"
            kept = "there is none" if self.saved is None else f"the last is of step {self.saved}"
            warnings.warn(f"{self.history.unsaved}; {kept}", RuntimeWarning, stacklevel=2)
        else:
            self.history.unsaved, self.saved = None, step

    def resume(self, content: bytes) -> int:
        """Take over the state of a checkpoint; the step that it was written in.

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
        self.saved = self.history.steps
        return self.saved

    def _changes(self, found: dict[str, Any]) -> list[checkpoints.Difference]:
        """Differences between the run of a checkpoint and this one that may not be."""
        out = []
        for name, old, new in checkpoints.of_options(found["options"], self.run_is):
            why = self._steps_differ(int(found["step"])) if name == "steps" else None
            if why != "":
                out.append((name, old, f"{new} ({why})" if why else new))
        if not {"method", "players", "parameters"} & {name for name, _, _ in out}:
            out += checkpoints.of_problem(found, self.problem)
        return out

    def _steps_differ(self, done: int) -> str:
        """The reason why a run of other ``steps`` is no continuation; empty if it is one."""
        if done > self.options.steps:
            return f"{done} are done"
        if self.options.counting:
            return self.options.counting
        return "the method's schedule depends on it" if self.method.scheduled() else ""

    def _check_parts(self, path: Path, found: dict[str, Any]) -> None:
        """See that a checkpoint has everything that this run is going to take from it."""
        checkpoints.need(path, found["method"], list(self.method.state_dict()), "method")
        for player in self.players:
            checkpoints.need(path, found["players"], [player.name], "players")
            inside = f"players[{player.name!r}]"
            checkpoints.need(path, found["players"][player.name], list(player.state()), inside)
            checkpoints.need(path, found["losses"], [player.name], "losses")
        if self.averages is not None:
            checkpoints.need(path, found["averages"], self.averages.names, "averages")
        checkpoints.need(path, found["batches"], list(self.batches.state()), "batches")

    def _load(self, found: dict[str, Any]) -> None:
        """Take over the state of a checkpoint; the method last."""
        for player in self.players:
            player.load(found["players"][player.name])
            player.record.extend(found["losses"][player.name])
        if self.averages is not None:
            self.averages.load(found["averages"])
        self.batches.load(found["batches"])
        self.history.metrics = {k: (list(at), list(v)) for k, (at, v) in found["metrics"].items()}
        self.problem, self.moved = dict(found["problem"]), set(found["moved"])
        self.history.steps = int(found["step"])
        self.history.seconds = float(found["seconds"])
        self.method.load_state_dict(found["method"])
        self.failed.load(found["failed"])

    def fingerprint(self) -> dict[str, str]:
        """The identity of a run beside its method, in words."""
        shapes = {n: tuple(p.shape) for n, p in self.method.named_parameters()}
        parts = {
            "method": type(self.method).__qualname__,
            "players": checkpoints.named({s.name: s.updates for s in self.players}),
            "parameters": ", ".join(f"{name} {shape}" for name, shape in shapes.items()),
            "data": self.batches.fingerprint,
            "device": self.device.type,
        }
        return parts | self.options.fingerprint()


def _tensors(method: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers, as they lie in memory."""
    return dict(method.named_parameters()) | dict(method.named_buffers())
