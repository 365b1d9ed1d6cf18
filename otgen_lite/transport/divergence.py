"""The Sinkhorn divergence: entropic transport without its bias."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import NAMES, Cost, cost_matrix
from otgen_lite.transport import _entropic_problem as _problem
from otgen_lite.transport._blocks import marginals
from otgen_lite.transport._entropic_problem import Problem
from otgen_lite.transport._sinkhorn import solve
from otgen_lite.transport._symmetric import row_sums, solve_symmetric

#: Entries of a callable cost that are compared with their mirror image at a time.
_LOOKS = 1 << 22

#: How far they may be apart by rounding, relative to themselves and to the middle cost.
_SYMMETRY = {torch.float64: 1e-7, torch.float32: 1e-4}


def sinkhorn_divergence(
    x: Any,
    y: Any,
    eps: float,
    cost: Cost = "sqeuclidean",
    a: Any = None,
    b: Any = None,
    *,
    tol: float = 1e-6,
    max_iter: int = 10_000,
) -> Tensor:
    r"""The Sinkhorn divergence between two sets of weighted points: debiased entropic transport.

    .. math::
        S_\varepsilon(\alpha, \beta) = W_\varepsilon(\alpha, \beta)
            - \tfrac12 W_\varepsilon(\alpha, \alpha) - \tfrac12 W_\varepsilon(\beta, \beta) ,

    with :math:`W_\varepsilon` as in :func:`~otgen_lite.solve_sinkhorn`. It is zero if the two
    measures are equal, tends to the exact transport cost for eps -> 0, and for eps -> infinity to
    half the squared maximum mean discrepancy of the kernel -c. For the squared and the plain
    Euclidean distance, among other costs, it is never negative.

    The problem of a measure with itself has a single potential. The iteration replaces it by the
    mean of itself and its transform; a few sweeps are enough for every eps.

    Where an input requires a gradient, the result is differentiable in x, y, a and b by the
    envelope theorem: the plans are held fixed. For the squared distance the derivative in x_i is 2
    (sum_k Q_ik x_k - sum_j P_ij y_j), where Q is the plan of the first measure with itself; no
    array of all differences is made. Derivatives in weights are determined up to an additive
    constant.

    Memory: that of :func:`~otgen_lite.solve_sinkhorn_points` for each of the three problems, so
    that no matrix is stored beyond 2^24 pairs of points.

    Args:
        x: (n, d) points.
        y: (m, d) points.
        eps: regularisation > 0, in the unit of the cost.
        cost: as in :func:`~otgen_lite.cost_matrix`; it must be symmetric.
        a: (n,) weights, non-negative with sum 1; uniform where None.
        b: (m,) weights, the same.
        tol: L1 error of both marginals together at which each of the three problems has converged.
            The error of the value is of second order in that of the potentials.
        max_iter: sweeps after which a solver gives up, with a
            :class:`~otgen_lite.ConvergenceWarning`.

    Returns:
        0-d tensor, in the unit of the cost.

    Raises:
        ValueError: as :func:`~otgen_lite.solve_sinkhorn_points`, and if the cost is not symmetric.
        TypeError: if an argument has the wrong type.

    Warns:
        ConvergenceWarning: if ``tol`` is not reached within ``max_iter`` sweeps.

    Source: :cite:t:`feydy_2019`. Chapter: 3.

    Example:
        >>> x = torch.tensor([[0.0], [1.0]], dtype=torch.float64, requires_grad=True)
        >>> value = sinkhorn_divergence(x, x.detach() + 0.5, eps=0.1)
        >>> value.backward()
        >>> value.detach(), x.grad
        (tensor(0.2500, dtype=torch.float64), tensor([[-0.5000],
                [-0.5000]], dtype=torch.float64))

    """
    x, y = _checks.pair(x, y)
    number = _checks.positive("eps", eps)
    tol = _checks.positive("tol", tol)
    max_iter = _checks.count("max_iter", max_iter)
    _check_symmetric(x.detach(), y.detach(), cost)
    uniform = a is None and b is None
    a = _problem.weights("a", a, len(x), 1, like=x)
    b = _problem.weights("b", b, len(y), 1, like=x)
    equal = x.shape == y.shape and torch.equal(x, y) and torch.equal(a, b)
    first = _own(x, cost, number, a, tol, max_iter)
    second = first if equal else _own(y, cost, number, b, tol, max_iter)
    cross = first if equal else _between(x, y, cost, number, a, b, tol, max_iter, uniform)
    value = cross[1] - (first[1] + second[1]) / 2.0

    def slopes(grad: Tensor, asked: tuple[bool, ...]) -> list[Tensor | None]:
        P, Q, R = cross[0], first[0], second[0]
        moved = P.by_points(x, y, cost, (asked[0], asked[1]))
        # The plan of a measure with itself is symmetric: both places of a point count the same.
        own = [*Q.by_points(x, x, cost, (asked[0], False))[:1]]
        own += R.by_points(y, y, cost, (asked[1], False))[:1]
        out = [None if p is None or q is None else p - q for p, q in zip(moved, own, strict=True)]
        out += [P.f - Q.f if asked[2] else None, P.g - R.f if asked[3] else None]
        return [None if slope is None else slope * grad for slope in out]

    return _problem.with_slopes(value.to(x.dtype), slopes, x, y, a, b)[0]


def _between(
    x: Tensor,
    y: Tensor,
    cost: Cost,
    eps: float,
    a: Tensor,
    b: Tensor,
    tol: float,
    max_iter: int,
    uniform: bool,
) -> tuple[Problem, Tensor]:
    """The problem of two measures, solved, and its value in float64."""
    problem = _posed(x, y, cost, eps, a, b)
    check = marginals
    asked = (x.requires_grad, y.requires_grad)
    if cost == "sqeuclidean" and torch.is_grad_enabled() and any(asked):
        problem.prepare_slopes(x, y, asked)
        check = problem.marginals
    of = (problem.costs, problem.a, problem.b)
    s = solve(*of, tol, max_iter, check=check, uniform=uniform)
    value = problem.take(s)
    _problem.warn(s, tol, stacklevel=3, annealed=True)  # there is no eps_scaling here
    return problem, value


def _own(
    x: Tensor, cost: Cost, eps: float, a: Tensor, tol: float, max_iter: int
) -> tuple[Problem, Tensor]:
    """The problem of a measure with itself."""
    problem = _posed(x, x, cost, eps, a, a)
    check = row_sums
    if cost == "sqeuclidean" and torch.is_grad_enabled() and x.requires_grad:
        problem.prepare_slopes(x, x, (True, False))
        check = problem.own_sums
    s = solve_symmetric(problem.costs, problem.a, tol, max_iter, check)
    value = problem.take(s)
    _problem.warn(s, tol, stacklevel=3, annealed=True)  # there is no eps_scaling here
    return problem, value


def _posed(x: Tensor, y: Tensor, cost: Cost, eps: float, a: Tensor, b: Tensor) -> Problem:
    costs = _problem.costs_of_points(x, y, cost, eps)
    eps_b = torch.full((1,), eps, dtype=torch.float64, device=x.device)
    return Problem(costs, eps_b, a, b, x.dtype)


def _check_symmetric(x: Tensor, y: Tensor, cost: Cost) -> None:
    """Named costs are; a callable is tried at every pair that the three problems hold."""
    if not callable(cost):
        if cost not in NAMES:
            cost_matrix(x[:1], y[:1], cost)  # names what is wrong before any work
        return
    with torch.no_grad():
        for first, second in ((x, y), (x, x), (y, y)):
            rows = max(1, _LOOKS // len(second))
            for part in first.split(rows):
                one, other = cost_matrix(part, second, cost), cost_matrix(second, part, cost).T
                # In units of the middle cost: one that is large must not excuse the others.
                off = (one - other).abs() - _SYMMETRY[one.dtype] * one.abs()
                middle = float(one.abs().median())
                if float(off.max()) > _SYMMETRY[one.dtype] * middle:
                    raise ValueError(
                        "cost must be symmetric: c(x, y) and c(y, x) differ by up to "
                        f"{float((one - other).abs().max()):.3g} on these points"
                    )
