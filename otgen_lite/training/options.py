"""The options of ``fit``, checked before work starts."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from otgen_lite import _checks
from otgen_lite.training.checkpoints import At, named

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}

#: Factors of the learning rate, of the share of the training that is over.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda t: 1.0,
    "cosine": lambda t: 0.5 * (1.0 + math.cos(math.pi * t)),
}

PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}

#: The options that a resumed run must share with the one that it resumes.
_DECIDING = (
    "steps", "batch_size", "lr", "optimizer", "betas", "adam_eps", "schedule", "warmup", "ema",
    "clip_grad", "precision", "compile", "seed",
)  # fmt: skip

#: Makes the optimizer of a player from its parameters and its learning rate.
MakeOptimizer = Callable[[list[torch.nn.Parameter], float], torch.optim.Optimizer]


@dataclass(frozen=True)
class Options:
    """The options of :func:`otgen_lite.fit`, whose docstring explains them."""

    steps: int = 2000
    batch_size: int = 128
    lr: float | Mapping[str, float] = 1e-3
    optimizer: str | MakeOptimizer = "adam"
    betas: Sequence[float] = (0.9, 0.999)
    adam_eps: float = 1e-8
    schedule: str | Callable[[float], float] = "constant"
    warmup: int = 0
    ema: float | None = None
    clip_grad: float | Mapping[str, float] | None = None
    precision: str | None = None
    compile: bool = False
    seed: int = 0
    metrics: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    metrics_every: int | None = None
    callbacks: Sequence[Callable[..., Any]] = ()
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_every: int | None = None
    resume: bool = True
    progress: bool = True

    def __post_init__(self) -> None:
        _checks.count("steps", self.steps)
        _checks.count("batch_size", self.batch_size)
        _checks.count("warmup", self.warmup, at_least=0)
        _checks.seed("seed", self.seed)
        self._check_optimizer()
        if isinstance(self.schedule, str):
            _checks.choice("schedule", self.schedule, SCHEDULES)
        elif not callable(self.schedule):
            raise TypeError(f"schedule must be a name or a callable, got {self.schedule!r}")
        else:
            self._check_factors(self.schedule)
        if self.ema is not None and not 0.0 < _checks.number("ema", self.ema) < 1.0:
            raise ValueError(f"ema must be None or between 0 and 1, got {self.ema!r}")
        if self.precision is not None:
            if not isinstance(self.precision, str):
                raise TypeError(f"precision must be None or a name, got {self.precision!r}")
            _checks.choice("precision", self.precision, PRECISIONS)
        self._check_reports()

    def _check_factors(self, shape: Callable[[float], float], looks: int = 1000) -> None:
        """A negative factor would climb: where a schedule goes is seen before it gets there."""
        every = max(1, self.steps // looks)
        for step in [*range(0, self.steps, every), self.steps - 1]:
            _factor(shape, step / self.steps)

    def _check_optimizer(self) -> None:
        if isinstance(self.optimizer, str):
            _checks.choice("optimizer", self.optimizer, OPTIMIZERS)
        elif not callable(self.optimizer):
            raise TypeError(f"optimizer must be a name or a callable, got {self.optimizer!r}")
        _each("lr", self.lr, lambda name, value: _checks.number(name, value, at_least=0.0))
        if self.clip_grad is not None:
            _each("clip_grad", self.clip_grad, _checks.positive)
        if not isinstance(self.betas, Sequence) or len(self.betas) != 2:
            raise TypeError(f"betas must be two numbers, got {self.betas!r}")
        for beta in self.betas:
            if not 0.0 <= _checks.number("betas", beta) < 1.0:
                raise ValueError(f"betas must be in [0, 1), got {self.betas!r}")
        _checks.number("adam_eps", self.adam_eps, at_least=0.0)

    def _check_reports(self) -> None:
        if not isinstance(self.metrics, Mapping):
            raise TypeError(f"metrics must be a dict of functions by name, got {self.metrics!r}")
        for name, metric in self.metrics.items():
            if not callable(metric):
                raise TypeError(f"metrics[{name!r}] must be callable, got {metric!r}")
        if not isinstance(self.callbacks, Sequence):
            raise TypeError(f"callbacks must be a list of callables, got {self.callbacks!r}")
        for callback in self.callbacks:
            if not callable(callback):
                raise TypeError(f"callbacks must hold callables, got {callback!r}")
        for name in ("metrics_every", "checkpoint_every"):
            if getattr(self, name) is not None:
                _checks.count(name, getattr(self, name))
        if self.metrics_every is not None and not self.metrics:
            raise ValueError("metrics_every needs metrics, got none")
        if self.checkpoint_every is not None and self.checkpoint is None:
            raise ValueError("checkpoint_every needs checkpoint, the path of a file, got None")
        if self.checkpoint is not None and not isinstance(self.checkpoint, (str, os.PathLike)):
            raise TypeError(f"checkpoint must be a path, got {self.checkpoint!r}")

    @property
    def path(self) -> Path | None:
        """The file of checkpoints."""
        return None if self.checkpoint is None else Path(self.checkpoint)

    def for_players(self, players: Iterable[str]) -> None:
        """Options by player must name players that there are; rates must name all of them."""
        players = list(players)
        for name in ("lr", "clip_grad"):
            value = getattr(self, name)
            if not isinstance(value, Mapping):
                continue
            for player in value:
                _checks.choice(f"a player in {name}", player, players)
            missing = [player for player in players if player not in value]
            if name == "lr" and missing:
                raise ValueError(f"lr must hold a rate for every player, got none for {missing}")

    def rate(self, player: str) -> float:
        """The learning rate of a player, before the schedule."""
        return float(self.lr[player] if isinstance(self.lr, Mapping) else self.lr)

    def max_norm(self, player: str) -> float | None:
        """The largest norm of a player's gradient, or None."""
        bound = self.clip_grad
        return bound.get(player) if isinstance(bound, Mapping) else bound

    def factor(self, step: int) -> float:
        """The factor of the learning rates in a step, counted from 0."""
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        return warm * _factor(self._shape, step / self.steps)

    @property
    def _shape(self) -> Callable[[float], float]:
        return SCHEDULES[self.schedule] if isinstance(self.schedule, str) else self.schedule

    @property
    def constant(self) -> bool:
        """Whether the learning rates never move."""
        return self.schedule == "constant" and not self.warmup

    def fingerprint(self) -> dict[str, str]:
        """The options that decide the numbers, in words; a run is resumed with the same ones."""
        point = {"point": self.checkpoint.point} if isinstance(self.checkpoint, At) else {}
        return {name: named(getattr(self, name)) for name in _DECIDING} | point

    @property
    def counting(self) -> str:
        """Why a run of other ``steps`` would go another way from the start; nothing where not."""
        return "" if self.schedule == "constant" else "the learning rate's schedule depends on it"

    def make_optimizer(self, player: str, params: list[torch.nn.Parameter]) -> Any:
        """A player's optimizer: fused where torch has a fused one for these parameters."""
        rate = self.rate(player)
        if not isinstance(self.optimizer, str):
            made = self.optimizer(params, rate)
            if not isinstance(made, torch.optim.Optimizer):
                raise TypeError(f"optimizer must make a torch optimizer, got {made!r}")
            return made
        make = OPTIMIZERS[self.optimizer]
        if self.optimizer == "rmsprop":
            return make(params, lr=rate, foreach=True)
        more = {} if self.optimizer == "sgd" else {"betas": self.betas, "eps": self.adam_eps}
        try:
            return make(params, lr=rate, fused=True, **more)
        except RuntimeError:  # no fused one on this device
            return make(params, lr=rate, **more)


def _factor(shape: Callable[[float], float], progress: float) -> float:
    """A schedule's factor of the learning rate, checked."""
    return _checks.number(f"schedule({progress:g})", shape(progress), at_least=0.0)


def _each(name: str, value: Any, check: Callable[[str, Any], float]) -> None:
    """Check a number, or every number of a dict by player."""
    if isinstance(value, Mapping):
        for player, one in value.items():
            check(f"{name}[{player!r}]", one)
    else:
        check(name, value)
