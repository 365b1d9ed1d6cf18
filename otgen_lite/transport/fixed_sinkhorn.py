"""A fixed number of Sinkhorn sweeps, which is fast and which ``vmap`` can run.

No value of a tensor is read in Python, by ``.item()`` or an ``if``, so nothing waits for the
device.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from otgen_lite import costs
from otgen_lite.costs import Cost
from otgen_lite.transport.surrogates import with_gradient_of

#: Sweeps between two kernels. A half-sweep changes the range of a scaling by a factor of at most
#: the number of points, so that float32 does not overflow in between.
_SWEEPS_PER_KERNEL = 4

#: Values of eps before the last one, each for one sweep. Without them mass that must travel far
#: (from one cluster to another) would hardly move in a few sweeps.
_LEVELS = 4

#: Exponents below this are cut: a product of the kernel with a vector of tiny numbers would be
#: subnormal, and a processor needs ten times longer for those.
_FLOOR = -60.0


class SinkhornState(NamedTuple):
    """The state after the sweeps.

    Attributes:
        plan: (n, m), with row sums exactly 1 / n.
        g: (m,) second potential; the first is its soft transform.
        value: 0-d dual value, never above the optimum.
    """

    plan: Tensor
    g: Tensor
    value: Tensor


def fixed_sinkhorn(
    x: Tensor, y: Tensor, cost: Cost, eps: Tensor, sweeps: int, gradient: str, debiased: bool
) -> Tensor:
    """The entropic cost or the Sinkhorn divergence of two samples after so many sweeps.

    The last half-sweep makes the rows of the plan exact, so that the gradient by the plan and the
    one by the potential, which :class:`~otgen_lite.MKE` writes down, are the same number, however
    far the columns are from theirs.
    """
    squared = isinstance(cost, str) and cost == "sqeuclidean"
    by_hand = squared and gradient == "plan"
    with torch.set_grad_enabled(torch.is_grad_enabled() and not by_hand):
        C = costs.matrix(x, y, cost)
        own = costs.matrix(x, x.detach(), cost) if debiased else C
    cross = solve_pair(C.detach(), eps, sweeps)
    value, itself = cross.value, cross
    if debiased:
        itself = solve_self(own.detach(), eps, sweeps)
        with torch.no_grad():
            other = solve_self(costs.matrix(y, y, cost), eps, sweeps)
        value = value - (itself.value + other.value) / 2.0
    if by_hand:
        centre = itself.plan @ x.detach() if debiased else x.detach() / len(x)
        slope = 2.0 * (centre - cross.plan @ y)
        return with_gradient_of(value, (x * slope).sum())
    surrogate = _surrogate(C, cross, eps, gradient)
    if debiased:
        surrogate = surrogate - _surrogate(own, itself, eps, gradient)
    return with_gradient_of(value, surrogate)


def _surrogate(C: Tensor, solved: SinkhornState, eps: Tensor, gradient: str) -> Tensor:
    """A number with the right gradient in the first points: <P, C>, or the mean potential."""
    if gradient == "plan":
        return (solved.plan * C).sum()
    return -(eps * torch.logsumexp((solved.g - C) / eps, dim=1)).mean()


@torch.no_grad()
def solve_pair(C: Tensor, eps: Tensor, sweeps: int) -> SinkhornState:
    """Two uniform measures: eps comes down from the mean cost, then ``sweeps`` at eps."""
    n, m = C.shape
    f = C.amin(dim=1)
    g = (C - f[:, None]).amin(dim=0)
    first = torch.maximum(C.mean(), eps)
    levels = [eps * (first / eps) ** (1.0 - k / _LEVELS) for k in range(_LEVELS)]
    pieces = [(level, 1) for level in levels]
    starts = range(0, sweeps, _SWEEPS_PER_KERNEL)
    pieces += [(eps, min(_SWEEPS_PER_KERNEL, sweeps - k)) for k in starts]
    for at, count in pieces:
        kernel = ((f[:, None] + g - C) / at).clamp_min_(_FLOOR).exp_()
        u, v = torch.ones_like(f), torch.ones_like(g)
        for _ in range(count):
            u = m / (kernel @ v)
            v = n / (u @ kernel)
        g = g + at * v.log()
        last, f = f, f + at * u.log()
    rows = m / (kernel @ v)
    plan = kernel.mul_(rows[:, None]).mul_(v).div_(n * m)
    return SinkhornState(plan, g, (last + eps * rows.log()).mean() + g.mean())


@torch.no_grad()
def solve_self(C: Tensor, eps: Tensor, sweeps: int) -> SinkhornState:
    """A measure with itself: one potential, the mean of it and its soft transform."""
    n = C.shape[0]
    kernel = (C / -eps).clamp_min_(_FLOOR).exp_()
    v = torch.ones_like(C[0])
    for _ in range(sweeps):
        v = (v * n / (kernel @ v)).sqrt()
    u = n / (kernel @ v)
    plan = kernel.mul_(u[:, None]).mul_(v).div_(n * n)
    g = eps * v.log()
    return SinkhornState(plan, g, (eps * u.log()).mean() + g.mean())
