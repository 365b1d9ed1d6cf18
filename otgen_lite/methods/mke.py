"""Minimum Kantorovich estimation: fit a generator by its transport cost to the data."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from otgen_lite import _checks, costs
from otgen_lite.costs import Cost, checked_cost
from otgen_lite.gathering import gathered
from otgen_lite.methods.base import Noise, Player, flat
from otgen_lite.methods.generator_model import GeneratorModel
from otgen_lite.methods.priors import Prior, even
from otgen_lite.precision import full_precision
from otgen_lite.transport import (
    ConvergenceWarning,
    SinkhornPointsResult,
    sinkhorn_divergence,
    solve_exact,
    solve_sinkhorn_points,
)
from otgen_lite.transport.fixed_sinkhorn import fixed_sinkhorn
from otgen_lite.transport.inner_potential import inner_potential
from otgen_lite.transport.surrogates import with_gradient_of

T = TypeVar("T")

DISCREPANCIES = ("exact", "sinkhorn", "divergence")
GRADIENTS = ("plan", "potential")


class MKE(GeneratorModel):
    r"""Minimum Kantorovich estimation: a generator that minimises the transport cost to the data.

    .. math::
        \min_\theta\ E(\theta) = W_c(g_\theta \# \zeta, \nu)

    Each step draws as many codes as there are data in the batch and solves the transport problem
    between the two samples: exactly, with entropic regularisation, or as the Sinkhorn divergence. W
    is a cost, not its root; a squared cost is not halved; the entropic value is
    :math:`\langle P, C \rangle + \varepsilon\, \mathrm{KL}(P \mid a \otimes b)`.

    The optimal plan π* and the optimal potential f* (on the generator's side) both give the
    gradient wherever it exists:

    .. math::
        \nabla E(\theta)
            &= \int [\partial_\theta g_\theta(z)]^\top \nabla f^*(g_\theta(z))\, d\zeta(z) \\
            &= \int [\partial_\theta g_\theta(z)]^\top \nabla_1 c(g_\theta(z), y)\, d\pi^*(z, y)

    The first is ``gradient="potential"``, the second ``gradient="plan"``. They agree where the plan
    is unique, as it always is with entropy. For the exact cost, the potential is taken from the
    relative interior of the set of optimal potentials, because at a vertex of that set, which a
    simplex solver returns, pairs without mass are tight too and give another gradient; finding an
    interior potential takes time that grows with the cube of the batch size. Where several plans
    are optimal, E has a kink, and each formula returns the slope on one side of it. Where the plan
    splits the mass of a generated point, as it must if there are fewer of them than data, the
    potential has a kink at that point although E has none; without entropy, only the plan gives the
    gradient there.

    The expectation of the loss over batches is not E, and its minimiser is too narrow for small
    batches (chapter 5 computes by how much, for a model with the right shape and a free scale).

    Args:
        generator: (n, d_z) codes to data.
        discrepancy: ``"exact"``, ``"sinkhorn"`` or ``"divergence"``.
        eps: regularisation > 0 in the unit of the cost; required unless the discrepancy is exact.
        cost: a name or a callable; symmetric for the divergence.
        gradient: ``"plan"`` or ``"potential"``.
        prior: a prior, its dimension, or None for a standard Gaussian of the dimension that the
            generator takes.
        sweeps: fixed number of Sinkhorn sweeps in each step, after four with a larger eps, whatever
            accuracy that reaches. This is fast, and the only variant that a grid can stack. Where
            None, each problem is solved up to ``tol``. In both cases the returned value is a lower
            bound of the entropic cost.
        tol: L1 error of both marginals together at which the solver stops.
        max_iter: sweeps after which it stops in any case, without a warning.
        ratio: number of generated points for each data point of a batch: a whole number or the
            reciprocal of one.
        even: whether the codes of a batch are spread evenly. Each code by itself still has the
            prior's distribution, but together they represent it better than independent codes, so
            that batches differ less by chance. Samples are independent in any case.

    Raises:
        ValueError: if a name is unknown, ``eps`` is missing or not positive, or a number is out of
            range.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`genevay_2017`, :cite:t:`feydy_2019`. Chapter: 5.

    Example:
        >>> import otgen_lite as otg
        >>> line = otg.MLP(1, [], 1, generator=0).double()
        >>> m = MKE(line, discrepancy="exact")
        >>> batch, codes = torch.randn(8, 1).double(), torch.randn(8, 1, 1).double()
        >>> by_plan, = torch.autograd.grad(m("generator", batch, {"prior": codes}), line[0].bias)
        >>> m.gradient = "potential"
        >>> by_f, = torch.autograd.grad(m("generator", batch, {"prior": codes}), line[0].bias)
        >>> bool((by_plan - by_f).abs() < 1e-12)
        True
    """

    eps: Tensor

    def __init__(
        self,
        generator: nn.Module,
        *,
        discrepancy: str = "exact",
        eps: float | None = None,
        cost: Cost = "sqeuclidean",
        gradient: str = "plan",
        prior: Prior | int | None = None,
        sweeps: int | None = None,
        tol: float = 1e-2,
        max_iter: int = 500,
        ratio: float = 1.0,
        even: bool = False,
    ) -> None:
        super().__init__(generator, prior)
        self.discrepancy = _checks.choice("discrepancy", discrepancy, DISCREPANCIES)
        self.gradient = _checks.choice("gradient", gradient, GRADIENTS)
        self.cost = checked_cost(cost)
        self.sweeps = None if sweeps is None else _checks.count("sweeps", sweeps)
        self.tol = _checks.positive("tol", tol)
        self.max_iter = _checks.count("max_iter", max_iter)
        self.copies, self.thinning = _ratio(ratio)
        self.even = bool(even)
        self.stackable = self.discrepancy != "exact" and self.sweeps is not None
        if self.discrepancy != "exact":
            if eps is None:
                raise ValueError(
                    "eps must be a number > 0, in the unit of the cost, where discrepancy is "
                    f"{discrepancy!r}; got None"
                )
            self.hyper("eps", _checks.positive("eps", eps))
        elif eps is not None:
            raise ValueError(f"eps must be None where discrepancy is 'exact', got {eps!r}")
        self.players = {"generator": Player(("generator",))}

    def loss(self, player: str, batch: Tensor, noise: Noise) -> Tensor:
        """The transport cost between generated points and the batch: 0-d, in the cost's unit."""
        codes = noise["prior"].flatten(0, 1)[:: self.thinning]
        y = flat(gathered(batch))
        x = flat(gathered(self.made(codes, batch)))
        with full_precision(y):
            # Solvers are on the CPU where the device has no double precision.
            return self.loss_between(x, y).to(x.device)

    def loss_between(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss between generated points (n, d) and data (m, d): 0-d, with that gradient."""
        if self.discrepancy == "exact":
            formula = exact_by_plan if self.gradient == "plan" else exact_by_potential
            return formula(x, y, self.cost)
        debiased = self.discrepancy == "divergence"
        if self.sweeps is not None:
            return fixed_sinkhorn(x, y, self.cost, self.eps, self.sweeps, self.gradient, debiased)
        how = Solver(self.cost, float(self.eps), self.tol, self.max_iter)
        return how.loss(x, y, self.gradient, debiased)

    def noise(
        self, player: str, batch: Tensor, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Draws from the prior, ``{"prior": (n, copies, d_z)}``, for a batch of n data."""
        n = len(batch) * self.copies
        if self.even:
            z = even(self.prior, n, generator, batch)
        else:
            z = self.prior.draw(n, generator, batch)
        return {"prior": z.unflatten(0, (len(batch), self.copies))}


def exact_by_plan(x: Tensor, y: Tensor, cost: Cost) -> Tensor:
    """The exact cost; its gradient holds the plan still."""
    with torch.no_grad():
        plan = solve_exact(costs.matrix(x, y, cost)).plan.to(x.device)
        rows, columns = plan.nonzero(as_tuple=True)
    return plan[rows, columns] @ costs.pairs(x[rows], y[columns], cost)


def exact_by_potential(x: Tensor, y: Tensor, cost: Cost) -> Tensor:
    """The exact cost; its gradient is that of the potential at each point."""
    C = costs.matrix(x, y, cost)
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
            return self.divergence(x, y) if debiased else self.solve(x, y).value
        cross = self.solve(x.detach(), y)
        # f as a function of the point: the soft transform of g, which stays where it is.
        f = cross.potential_x(x).mean()
        if not debiased:
            return with_gradient_of(cross.value, f)
        with torch.no_grad():
            value = self.divergence(x, y)
        own = self.solve(x.detach(), x.detach()).potential_x(x).mean()
        return with_gradient_of(value, f - own)

    def solve(self, x: Tensor, y: Tensor) -> SinkhornPointsResult:
        """The entropic problem of two samples, solved."""
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


def _ratio(ratio: float) -> tuple[int, int]:
    """Generated points for each data point: copies of each, or every k-th."""
    number = _checks.positive("ratio", ratio)
    copies, thinning = (round(number), 1) if number >= 1 else (1, round(1 / number))
    if abs(copies / thinning - number) > 1e-9 * number:
        raise ValueError(f"ratio must be a whole number or one over a whole number, got {ratio!r}")
    return copies, thinning
