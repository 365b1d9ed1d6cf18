"""Averaged stochastic ascent of the semi-dual: rounds of steps, each ending in an average."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.transport._semidual import SampledDual

#: ``sample(n, generator)`` draws n points (n, d).
Sampler = Callable[[int, torch.Generator], Any]

#: Steps of the first round.
FIRST_ROUND = 64

#: First step in psi, relative to the mean excess of the cost over its row minimum, and the
#: factor from one round to the next. Chosen on two moons and on digits with other seeds.
_FIRST_STEP, _STEP_FACTOR = 0.03, 0.5

#: Memories of the mean gradient and of its mean square, in steps.
_MEAN, _SQUARE = 0.1, 0.01

#: The last part of a round that is averaged.
_TAIL = 0.25


class Source:
    """Draws from a sampler and checks what comes."""

    def __init__(self, sample: Sampler, like: Tensor, generator: torch.Generator) -> None:
        if not callable(sample):
            raise TypeError(f"sample must be a callable (n, generator) -> (n, d), got {sample!r}")
        self.sample, self.like, self.generator = sample, like, generator
        self.drawn = 0

    def draw(self, n: int) -> Tensor:
        """(n, d) points in the type of ``like``, on its device."""
        x = self.sample(n, self.generator)
        if not isinstance(x, Tensor):
            x = _checks.tensor(f"sample({n}, generator)", x, finite=False)
        shape = (n, self.like.shape[1])
        if tuple(x.shape) != shape:
            raise ValueError(
                f"sample({n}, generator) must have shape {shape}, got {_checks.shape_text(x)}"
            )
        if x.device != self.like.device:
            raise ValueError(
                f"sample({n}, generator) must be on the device of y, {self.like.device}, "
                f"got {x.device}"
            )
        x = _checks.tensor(f"sample({n}, generator)", x)
        self.drawn += n
        return x.detach()


@dataclass
class Round:
    """The state of the ascent at the end of a round."""

    psi: Tensor
    steps: int
    batch: int
    step_size: float
    of_round: int


class Ascent:
    r"""Rounds of averaged ascent, for ever; the caller decides when to stop.

    Where ``step`` is given, psi moves by step / sqrt(k) times the gradient in the k-th step.
    Where it is None, each coordinate of psi is moved by its mean gradient over the root of its
    mean square (Adam's rule), times a step that falls linearly to zero within each round. Both
    scale with the cost, and no constant depends on the problem.

    Each round draws twice as many points as the one before: twice the steps, or, where the noise
    dominates, more steps and a larger batch by a factor of sqrt(2) each. Noise dominates where the
    square of the mean gradient over the round's tail is at most twice what independent batches of
    mean zero would make it. The plain ascent keeps its batch.
    """

    def __init__(
        self,
        dual: SampledDual,
        source: Source,
        psi: Tensor,
        first: Tensor,
        batch: int,
        step: float | None,
        length: float | None,
    ) -> None:
        self.dual, self.source, self.batch = dual, source, batch
        self.psi, self.step, self.steps = psi.double().clone(), step, 0
        self.mean, self.square = torch.zeros_like(self.psi), torch.zeros_like(self.psi)
        self.length = _FIRST_STEP * self._spread(first) if length is None else length

    def _spread(self, x: Tensor) -> float:
        """The mean excess of the cost over its row minimum: the size that psi may have."""
        total = 0.0
        # Another cost may hold a large function of y, which psi has taken up by now.
        at = torch.zeros_like(self.psi) if self.dual.squared else self.psi
        for _, scores in self.dual.blocks(at, x):
            total += float((scores.amax(dim=1) - scores.mean(dim=1)).sum())
        return total / x.shape[0]

    def rounds(self, last: int | None, seen: Callable[[int, Tensor], None]) -> Iterator[Round]:
        """Rounds up to ``last`` steps in all; ``seen(k, psi)`` after every step."""
        size = FIRST_ROUND
        while last is None or self.steps < last:
            left = math.inf if last is None else last - self.steps
            of_round = size if left >= 2 * size else int(min(left, 2 * size))
            psi, length, signal, noise = self._round(of_round, seen)
            yield Round(psi, self.steps, self.batch, length, of_round)
            noisy = self.step is None and signal <= 2 * noise
            size = round(size * (math.sqrt(2) if noisy else 2))
            self.batch = round(self.batch * math.sqrt(2)) if noisy else self.batch
            self.length *= _STEP_FACTOR

    def _round(
        self, count: int, seen: Callable[[int, Tensor], None]
    ) -> tuple[Tensor, float, float, float]:
        average, drift = torch.zeros_like(self.psi), torch.zeros_like(self.psi)
        tail, square = 0, 0.0
        first = 0 if self.step is not None else count - max(1, round(_TAIL * count))
        length = 0.0
        for k in range(count):
            x = self.dual.centred(self.source.draw(self.batch))
            gradient = self.dual.b - self.dual.masses(self.psi, x)
            self.steps += 1
            length = self._move(gradient, k / count)
            if k >= first:
                tail += 1
                average += (self.psi - average) / tail
                drift += gradient
                square += float(gradient @ gradient)
            seen(self.steps, average if tail else self.psi)
        if self.step is None:
            self.psi = average.clone()
        return average, length, float(drift @ drift) / tail**2, square / tail**2

    def _move(self, gradient: Tensor, done: float) -> float:
        """One step; returns its length."""
        if self.step is not None:
            length = self.step / math.sqrt(self.steps)
            self.psi = self.psi.add(gradient, alpha=length)
            return length
        self.mean.lerp_(gradient, _MEAN)
        self.square.mul_(1 - _SQUARE).addcmul_(gradient, gradient, value=_SQUARE)
        length = self.length * (1 - done)
        fresh = 1 - (1 - _MEAN) ** self.steps
        root = self.square.sqrt().div_(math.sqrt(1 - (1 - _SQUARE) ** self.steps))
        self.psi = self.psi.addcdiv(self.mean, root.add_(1e-300), value=length / fresh)
        return length
