"""The losses of minimum Kantorovich estimation, with the two formulas of their gradient."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from otgen_lite.costs import Cost
from otgen_lite.methods._mke_costs import costs_between, with_gradient_of
from otgen_lite.methods._mke_dual import inner_potential
from otgen_lite.methods._pieces import pair_cost
from otgen_lite.transport import (
    ConvergenceWarning,
    SinkhornPointsResult,
    sinkhorn_divergence,
    solve_exact,
    solve_sinkhorn_points,
)

T = TypeVar("T")


def exact_by_plan(x: Tensor, y: Tensor, cost: Cost) -> Tensor:
    """The exact cost; its gradient holds the plan still."""
    with torch.no_grad():
        plan = solve_exact(costs_between(x, y, cost)).plan.to(x.device)
        rows, columns = plan.nonzero(as_tuple=True)
    return plan[rows, columns] @ pair_cost(x[rows], y[columns], cost)


def exact_by_potential(x: Tensor, y: Tensor, cost: Cost) -> Tensor:
    """The exact cost; its gradient is that of the potential at each point."""
    C = costs_between(x, y, cost)
    g = inner_potential(C, solve_exact(C.detach()))
    slack = C - g
    return slack.gather(1, slack.argmin(dim=1, keepdim=True)).mean() + g.mean()


@dataclass(frozen=True)
class Solver:
    """Entropic problems, solved up to a tolerance."""

    cost: Cost
    eps: float
    tol: float
    max_iter: int

    def loss(self, x: Tensor, y: Tensor, gradient: str, debiased: bool) -> Tensor:
        """The entropic cost of two samples, or their Sinkhorn divergence."""
        if gradient == "plan":
            return self.divergence(x, y) if debiased else self.between(x, y).value
        cross = self.between(x.detach(), y)
        # f as a function of the point: the soft transform of g, which stays where it is.
        f = cross.potential_x(x).mean()
        if not debiased:
            return with_gradient_of(cross.value, f)
        with torch.no_grad():
            value = self.divergence(x, y)
        own = self.between(x.detach(), x.detach()).potential_x(x).mean()
        return with_gradient_of(value, f - own)

    def between(self, x: Tensor, y: Tensor) -> SinkhornPointsResult:
        """The entropic problem of two samples."""
        options: Any = {"tol": self.tol, "max_iter": self.max_iter}
        return _quietly(lambda: solve_sinkhorn_points(x, y, self.eps, self.cost, **options))

    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        """The Sinkhorn divergence of two samples."""
        options: Any = {"tol": self.tol, "max_iter": self.max_iter}
        return _quietly(lambda: sinkhorn_divergence(x, y, self.eps, self.cost, **options))


def _quietly(solve: Callable[[], T]) -> T:
    """A solve that may stop early: in training, a loose tolerance is a choice, not a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return solve()
