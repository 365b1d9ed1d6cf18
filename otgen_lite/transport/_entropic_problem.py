"""The common part of the entropic solvers: checked weights and eps, the plan, derivatives."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import Cost, cost_matrix, matrix
from otgen_lite.transport._blocks import (
    TINY,
    Costs,
    MatrixCosts,
    Numbers,
    Part,
    PointCosts,
    rows_times,
    symmetric_sums,
)
from otgen_lite.transport._flat import FLAT, polished
from otgen_lite.transport._once_differentiable import held_fixed
from otgen_lite.transport._sinkhorn_state import State

LOG2 = math.log(2.0)

#: Cost matrices of points are formed once up to this many entries: 128 MiB in float64.
WHOLE = 1 << 24


class ConvergenceWarning(UserWarning):
    """A warning: an iteration stopped before it reached the required accuracy."""


class Problem:
    """Costs and weights of B problems, with the potentials once they are known.

    Attributes:
        costs: scaled costs.
        eps: (B,) regularisation.
        a: (B, n) weights, float64, sum 1, without graph.
        b: (B, m) weights, the same.
        dtype: the type of results.
        phi: (B, n) first potential over eps log 2, in float64.
        gamma: (B, m) second potential, the same.
        annealed: whether eps was annealed to its value.
        uniform: whether all weights are known to be uniform.
    """

    phi: Tensor
    gamma: Tensor
    asked: tuple[bool, bool]
    left: Tensor
    right: Tensor
    rows: Tensor
    columns: Tensor
    annealed: bool = False

    def __init__(
        self,
        costs: Costs,
        eps: Tensor,
        a: Tensor,
        b: Tensor,
        dtype: torch.dtype,
        uniform: bool = False,
    ) -> None:
        self.costs, self.eps, self.dtype, self.uniform = costs, eps, dtype, uniform
        self.a, self.b = a.detach(), b.detach()

    def take(self, s: State) -> Tensor:
        """Keep the potentials, and return the dual value (B,)."""
        self.phi, self.gamma = s.phi, s.gamma
        excess = s.mass - 1.0
        if (s.size < FLAT).any():
            excess = self._polish((s.size < FLAT).nonzero()[0], excess, s)
        mean = (self.a * self.phi).sum(dim=1) + (self.b * self.gamma).sum(dim=1)
        return self.eps * (LOG2 * mean - excess)

    def _polish(self, flat: Numbers, excess: Tensor, s: State) -> Tensor:
        """Better potentials for the problems of a large eps, and the mass beyond 1 of all."""
        index = s.on_device(flat)
        costs = self.costs if len(index) == len(excess) else self.costs.only(index)
        of = (self.phi[index], self.gamma[index], self.a[index], self.b[index])
        phi, gamma, mass, error = polished(costs, *of)
        self.phi, self.gamma = self.phi.clone(), self.gamma.clone()
        self.phi[index], self.gamma[index] = phi, gamma
        s.error = s.error.copy()
        s.error[flat] = error.cpu().numpy()
        s.history[-1:] = [(k, s.error) for k, _ in s.history[-1:]]
        if hasattr(self, "rows"):
            del self.rows  # the sums of the plan that it was before
        return excess.index_put((index,), mass)

    @property
    def f(self) -> Tensor:
        """(B, n) first potential in float64."""
        return self.phi * (self.eps * LOG2)[:, None]

    @property
    def g(self) -> Tensor:
        """(B, m) second potential in float64."""
        return self.gamma * (self.eps * LOG2)[:, None]

    def block(self, part: Part) -> Tensor:
        """A part of the plan in float64, in memory that the next call reuses."""
        out = self.costs.exponents(part, self.phi, self.gamma).clamp_(TINY, -TINY).exp2_()
        return out.mul_(self.b[part[0], None, :]).mul_(self.a[part][:, :, None])

    def prepare_slopes(self, x: Tensor, y: Tensor, asked: tuple[bool, bool]) -> None:
        """Factors of the derivatives, so that the last check of the marginals brings these as well.

        For squared distances these are 2 (row sum x_i - sum_j P_ij y_j): one product of the plan
        with d + 1 columns, of which the last is the row sum that is checked anyway.
        """
        self.asked = asked
        # As rows: a product with few columns is slow.
        x, y = x.detach().double().T, y.detach().double().T
        self.left = torch.cat([x, torch.ones_like(x[:1])]).mul_(self.a)
        self.right = torch.cat([y, torch.ones_like(y[:1])]).mul_(self.b)

    def marginals(
        self, costs: Costs, phi: Tensor, gamma: Tensor, a: Tensor, b: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As the function of this name, for one problem with prepared slopes; keeps the sums."""
        left = self.left if self.asked[1] else self.left[-1:]
        right = self.right if self.asked[0] else self.right[-1:]
        self.rows = right.new_empty((len(right), self.a.shape[1]))
        self.columns = left.new_zeros((len(left), self.b.shape[1]))
        for part in costs.parts():
            kernel = costs.exponents(part, phi, gamma)[0].clamp_(TINY, -TINY).exp2_()
            self.rows[:, part[1]] = rows_times(right, kernel.T)
            self.columns += rows_times(left[:, part[1]], kernel)
        self.rows *= a
        self.columns *= b
        return self.rows[None, -1], self.columns[None, -1]

    def own_sums(self, costs: Costs, phi: Tensor, a: Tensor) -> Tensor:
        """Row sums of a measure with itself, for one with prepared slopes; keeps the sums."""
        self.rows = symmetric_sums(costs, phi, self.right).mul_(a)
        return self.rows[None, -1]

    def plan(self) -> Tensor:
        """(B, n, m) plan."""
        out = torch.empty(self.costs.shape, dtype=self.dtype, device=self.costs.device)
        for part in self.costs.parts():
            out[part] = self.block(part).to(self.dtype)
        return out

    def linear(self) -> Tensor:
        """(B,) transport part <P, C>."""
        out = torch.zeros_like(self.eps)
        for part in self.costs.parts():
            P = self.block(part).clone()
            scaled = self.costs.exponents(part, None, None)
            out[part[0]] -= (P * scaled).sum(dim=(1, 2))
        return (out * self.eps * LOG2).to(self.dtype)

    def by_points(
        self, x: Tensor, y: Tensor, cost: Cost, asked: tuple[bool, bool]
    ) -> list[Tensor | None]:
        """Derivatives of <P, C(x, y)> in x and in y at a fixed plan; one problem."""
        slopes = [torch.zeros_like(p, dtype=torch.float64) if ask else None
                  for p, ask in zip((x, y), asked, strict=True)]  # fmt: skip
        if not any(asked):
            return slopes
        if cost == "sqeuclidean":
            if not hasattr(self, "rows") or self.asked != asked:
                self.prepare_slopes(x, y, asked)
                self.marginals(self.costs, self.phi, self.gamma, self.a, self.b)
            pulled = (self.rows, self.columns if asked[1] else None)
            for k, (p, moved) in enumerate(zip((x, y), pulled, strict=True)):
                if asked[k] and moved is not None:
                    slopes[k] = 2.0 * (moved[-1, :, None] * p.double() - moved[:-1].T)
            return slopes
        for part in self.costs.parts():
            P, rows = self.block(part)[0], part[1]
            with torch.enable_grad():
                xs, ys = x[rows].detach().requires_grad_(), y.detach().requires_grad_()
                linear = (P.to(x.dtype) * matrix(xs, ys, cost)).sum()
                dx, dy = torch.autograd.grad(linear, (xs, ys), materialize_grads=True)
            if slopes[0] is not None:
                slopes[0][rows] = dx.to(torch.float64)
            if slopes[1] is not None:
                slopes[1] += dy.to(torch.float64)
        return slopes


class Envelope(torch.autograd.Function):
    """A value whose derivatives are known: ``slopes(grad, asked)`` gives them times ``grad``."""

    @staticmethod
    def forward(
        ctx: Any,
        value: Tensor,
        slopes: Callable[[Tensor, tuple[bool, ...]], list[Tensor | None]],
        *inputs: Tensor,
    ) -> Tensor:
        ctx.slopes = slopes
        ctx.save_for_backward(*inputs)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        with torch.no_grad():
            found = ctx.slopes(grad, tuple(ctx.needs_input_grad[2:]))
        inputs = ctx.saved_tensors
        what = "the slope of an entropic transport cost"
        grads = (
            None if s is None else held_fixed(what, s.to(t.dtype), grad, *inputs)
            for s, t in zip(found, inputs, strict=True)
        )
        return None, None, *grads


def with_slopes(
    value: Tensor,
    slopes: Callable[[Tensor, tuple[bool, ...]], list[Tensor | None]],
    *inputs: Tensor,
) -> Tensor:
    """``value`` as a function of the inputs, where one of them requires a gradient."""
    if torch.is_grad_enabled() and any(t.requires_grad for t in inputs):
        return Envelope.apply(value, slopes, *inputs)
    return value


def costs_of_points(
    x: Tensor, y: Tensor, cost: Cost, eps: float, block: int | None = None
) -> Costs:
    """Costs that are computed in blocks, where their matrix or kernel shall not be stored.

    A stored kernel of squared distances needs no matrix of them.
    """
    x, y = (x.detach(),) * 2 if x is y else (x.detach(), y.detach())
    scale = 1.0 / (eps * LOG2)
    streamed = block is not None or x.shape[0] * y.shape[0] > WHOLE
    if cost != "sqeuclidean" and not streamed:
        with torch.no_grad():
            C = cost_matrix(x, y, cost)[None]
        return MatrixCosts(C, torch.full((1,), scale, dtype=torch.float64, device=x.device), scale)
    return PointCosts(x, y, cost, scale, block, streamed)


def weights(name: str, value: Any, size: int, B: int, like: Tensor) -> Tensor:
    """(B, size) weights in float64 with sum 1, with their graph."""
    if value is not None and getattr(value, "ndim", 1) == 2:
        if tuple(value.shape) != (B, size):
            raise ValueError(
                f"{name} must have shape ({size},) or ({B}, {size}), one weight for each atom, "
                f"got {tuple(value.shape)}"
            )
        out = torch.stack([_checks.weights(name, row, size, like=like) for row in value])
    else:
        out = _checks.weights(name, value, size, like=like).expand(B, size)
    return out / out.detach().sum(dim=1, keepdim=True)


def warn(s: State, tol: float, stacklevel: int, *, annealed: bool = False) -> None:
    """Say that an iteration ended too early, where it did."""
    late = int((~(s.error <= tol)).sum())
    if not late:
        return
    scaling = "" if annealed else ", or set eps_scaling=True"
    advice = f"raise max_iter, eps or tol{scaling}"
    which = "Sinkhorn" if len(s.error) == 1 else f"Sinkhorn: {late} of {len(s.error)} problems"
    warnings.warn(
        f"{which} stopped after {int(s.sweeps.max())} sweeps with a marginal error of "
        f"{float(s.error.max()):.3g} where tol={tol:.3g} was asked for; {advice}",
        ConvergenceWarning,
        stacklevel=stacklevel + 1,
    )
