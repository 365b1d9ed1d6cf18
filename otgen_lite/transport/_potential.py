"""Ascent of the semi-dual while the law that is transported keeps moving."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from otgen_lite import _checks, costs
from otgen_lite.costs import Cost
from otgen_lite.transport._semidual import BLOCK, SampledDual, argmax, softened
from otgen_lite.transport.surrogates import with_gradient_of

#: Memories of the mean gradient and of its mean square, in steps, as in `SemiDiscrete.fit`.
_MEAN, _SQUARE = 0.1, 0.01


class Potential(nn.Module):
    """psi on the atoms, its average, and what the ascent remembers: all of it state.

    A step waits for no number of the device.
    It needs double precision; from a device without it stays away, on the CPU.

    Args:
        y: (N, d) atoms.
        b: (N,) masses in float64 with sum 1.
        cost: a name or a callable.
        eps: regularisation >= 0.
        memory: share of the newest iterate in the average.
    """

    #: Made from the rest when it is asked for.
    _caches = ("_engine", "_known")

    y: Tensor
    b: Tensor
    eps: Tensor
    psi: Tensor
    average: Tensor
    mean: Tensor
    square: Tensor
    count: Tensor

    def __init__(self, y: Tensor, b: Tensor, cost: Cost, eps: float, memory: float) -> None:
        super().__init__()
        self.cost, self.memory = cost, memory
        zero = torch.zeros(len(y), dtype=torch.float64, device=y.device)
        self.register_buffer("y", y)
        self.register_buffer("b", b)
        self.register_buffer("eps", torch.tensor(eps, dtype=torch.float64, device=y.device))
        for name in ("psi", "average", "mean", "square"):
            self.register_buffer(name, zero.clone())
        self.register_buffer("count", torch.zeros((), dtype=torch.int64, device=y.device))
        self._engine: SampledDual | None = None
        self._known: tuple[int, int] | None = None  # the count, and its version when it was read

    def steps(self) -> int:
        """Steps of the ascent so far; the number is read only where others have written it."""
        if self._known is None or self._known[1] != self.count._version:
            self._known = int(self.count), self.count._version
        return self._known[0]

    def engine(self) -> SampledDual:
        """Scores and masses, on the atoms where they are now."""
        if self._engine is None:
            eps = float(self.eps)
            self._engine = SampledDual(
                self.y, self.b, self.cost, eps, BLOCK, self.y.dtype, checked=False
            )
        return self._engine

    def _apply(self, fn: Any, recurse: bool = True) -> Potential:
        if _checks.wide(fn(self.y[:0]).device) != torch.float64:
            return self
        self._engine = self._known = None  # copies of what moves or changes its type
        return super()._apply(fn, recurse)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._engine = self._known = None
        super()._load_from_state_dict(*args, **kwargs)

    def climb(self, x: Tensor, length: float, rule: str) -> None:
        """One step on the points x, and the average of the iterates."""
        engine = self.engine()
        gradient = engine.masses(self.psi, engine.centred(x)).neg_().add_(self.b)
        k = self.steps() + 1
        self.count += 1
        self._known = k, self.count._version
        if rule == "gradient":
            self.psi.addcdiv_(gradient, self.b, value=length)
        else:
            self.mean.lerp_(gradient, _MEAN)
            self.square.mul_(1 - _SQUARE).addcmul_(gradient, gradient, value=_SQUARE)
            root = self.square.sqrt().div_(math.sqrt(1 - (1 - _SQUARE) ** k))
            fresh = 1 - (1 - _MEAN) ** k
            self.psi.addcdiv_(self.mean, root.add_(1e-300), value=length / fresh)
        self.average.lerp_(self.psi, max(self.memory, 1.0 / k))

    def transform(self, x: Tensor) -> Tensor:
        """(n,) transform of the average at points; differentiable in them."""
        engine = self.engine()
        if engine.eps == 0.0:
            with torch.no_grad():
                scores = engine.blocks(self.average, engine.centred(x))
                j = torch.cat([argmax(part) for _, part in scores])
            return costs.pairs(x, self.y[j], self.cost) - self.average.to(x.dtype)[j]
        if engine.squared:
            return self._soft_squared(x)
        slack = (self.average.to(x.dtype) - costs.matrix(x, self.y, self.cost)) / engine.eps
        return -engine.eps * torch.logsumexp(slack + self.b.log().to(x.dtype), dim=1)

    def _soft_squared(self, x: Tensor) -> Tensor:
        """The soft transform of the squared cost: its gradient is 2 (x - the mean of pi(x))."""
        engine = self.engine()
        with torch.no_grad():
            centred = engine.centred(x)
            value, mean = torch.empty_like(x[:, 0]), torch.empty_like(x)
            for part, scores in engine.blocks(self.average, centred):
                weights, top = softened(engine.log_weights(scores))
                total = weights.sum(dim=1, keepdim=True)
                value[part] = -engine.eps * (top + total.log())[:, 0]
                mean[part] = weights @ engine.y / total
            value += engine.base(centred).to(x.dtype)
            slope = 2.0 * (centred - mean)
        return with_gradient_of(value, (x * slope).sum(dim=1))

    def value(self, x: Tensor) -> Tensor:
        """The semi-dual of the points x at the average."""
        return self.transform(x).mean() + (self.b @ self.average).to(x.dtype)
