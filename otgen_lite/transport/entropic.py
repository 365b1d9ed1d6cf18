"""Entropic optimal transport of discrete measures: Sinkhorn's iteration.

The POT library has several forms of it. The one here is our own, because it needs a fraction of
their time: the kernel is scaled by the hard transform, stored once in float32, and the iteration
is accelerated; what is returned is checked in float64 with the full cost. ``make bench`` measures
it beside them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import NAMES, Cost, cost_matrix
from otgen_lite.transport import _entropic_problem as _problem
from otgen_lite.transport._blocks import MatrixCosts, spread
from otgen_lite.transport._entropic_problem import LOG2, ConvergenceWarning, Problem
from otgen_lite.transport._entropic_result import SinkhornPointsResult, SinkhornResult
from otgen_lite.transport._sinkhorn import solve
from otgen_lite.transport._sinkhorn_state import State

__all__ = [
    "ConvergenceWarning",
    "SinkhornPointsResult",
    "SinkhornResult",
    "solve_sinkhorn",
    "solve_sinkhorn_points",
]

#: Problems that are swept together hold at most this many entries, so that they stay in a cache;
#: on an accelerator, so that it is busy.
_BATCH_ENTRIES, _BATCH_ENTRIES_DEVICE = 1 << 20, 1 << 28


def solve_sinkhorn(
    C: Any,
    eps: Any,
    a: Any = None,
    b: Any = None,
    *,
    tol: float = 1e-6,
    max_iter: int = 10_000,
    eps_scaling: bool = False,
    init: tuple[Any, Any] | None = None,
) -> SinkhornResult:
    r"""Solve the entropic transport problem for a cost matrix and two weight vectors, by Sinkhorn.

    .. math::
        W_\varepsilon(a, b)
            &= \min_{P 1 = a,\ P^\top 1 = b} \langle P, C \rangle
               + \varepsilon\, \mathrm{KL}(P \mid a b^\top) \\
            &= \max_{f, g}\ \langle a, f \rangle + \langle b, g \rangle
               - \varepsilon \sum_{ij} a_i b_j\, e^{(f_i + g_j - C_{ij}) / \varepsilon}
               + \varepsilon ,

    with P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps) at the optimum. The entropy is relative to
    the product of the weights, and eps is in the unit of the cost.

    One sweep fits the row sums of P and then its column sums; in the long run, the error shrinks by
    a constant factor from sweep to sweep. Every third sweep is followed by an Anderson step on the
    potentials, which is undone if it lowers the dual value. The kernel is scaled by hard
    transforms, so that the largest entry of each row and column is 1; it is stored in float32, and
    scaled anew before an entry can overflow. The error is read only after some sweeps, which are
    predicted from its decay, so that the program does not wait for an accelerator in between. At
    the end both marginals are computed in float64, whatever the type of C; where their error is
    above ``tol``, the iteration continues with a kernel in float64. Memory in addition to C: half
    of a float64 C.

    Where an input requires a gradient, ``value`` is differentiable by the envelope theorem: the
    derivative in C is P, in a it is f, in b it is g, the last two up to an additive constant.

    Args:
        C: (n, m) costs: any finite numbers; or (B, n, m) for B problems in one call.
        eps: regularisation > 0, in the unit of the cost; or a (B,) tensor of them.
        a: (n,) weights, non-negative with sum 1; uniform where None; or (B, n).
        b: (m,) weights, the same; or (B, m).
        tol: L1 error of both marginals together at which the iteration has converged.
        max_iter: sweeps after which the iteration gives up. ``converged`` is then False, and a
            :class:`ConvergenceWarning` is issued.
        eps_scaling: whether to anneal eps from the largest difference of costs down to ``eps`` by
            factors of 4; each problem is solved roughly and starts from the solution of the one
            before. This is faster where eps is below about 1e-3 of that difference.
        init: potentials (f, g) to start from, with the shapes of those of the result. The first
            sweep uses only g; f must merely have the right shape.

    Returns:
        :class:`SinkhornResult` in the type of ``C`` and on its device.

    Raises:
        ValueError: if shapes do not match, a number is not finite, ``eps`` or ``tol`` is not
            positive, ``max_iter < 1``, weights are negative or do not sum to 1, or ``eps`` is so
            small (2e-16 of the costs) that C / eps has no digits after the decimal point.

    Warns:
        ConvergenceWarning: if ``tol`` is not reached within ``max_iter`` sweeps.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`cuturi_2013`, :cite:t:`peyre_2019`. Chapter: 3.

    Example:
        >>> r = solve_sinkhorn([[0.0, 1.0], [1.0, 0.0]], eps=0.5)
        >>> r.plan
        tensor([[0.4404, 0.0596],
                [0.0596, 0.4404]], dtype=torch.float64)
        >>> bool(abs(r.value - (r.linear + 0.5 * (r.plan * torch.log(4 * r.plan)).sum())) < 1e-6)
        True
    """
    C = _checks.tensor("C", C)
    if C.ndim not in (2, 3) or C.numel() == 0:
        raise ValueError(
            "C must have shape (n, m) or (B, n, m) with at least one entry, got "
            f"{_checks.shape_text(C)}"
        )
    single = C.ndim == 2
    batch = C[None] if single else C
    B, n, m = batch.shape
    eps_b = _eps(eps, B, C)
    uniform = a is None and b is None
    a = _problem.weights("a", a, n, B, like=C)
    b = _problem.weights("b", b, m, B, like=C)
    common = None if isinstance(eps, Tensor) and eps.ndim == 1 else 1.0 / (float(eps) * LOG2)
    costs = MatrixCosts(batch.detach(), 1.0 / (eps_b * LOG2), common)
    problem = Problem(costs, eps_b, a, b, C.dtype, uniform)
    s = _solved(problem, tol, max_iter, eps_scaling, init, single)
    value = problem.take(s).to(C.dtype)

    def slopes(grad: Tensor, asked: tuple[bool, ...]) -> list[Tensor | None]:
        each = grad[:, None]
        return [
            problem.plan() * each[:, :, None] if asked[0] else None,
            problem.f * each if asked[1] else None,
            problem.g * each if asked[2] else None,
        ]

    value = _problem.with_slopes(value, slopes, batch, a, b)
    eps = eps_b.to(C.dtype) if isinstance(eps, Tensor) and eps.ndim == 1 else float(eps)
    return SinkhornResult(**_fields(problem, s, value, tol, eps, single))


def solve_sinkhorn_points(
    x: Any,
    y: Any,
    eps: float,
    cost: Cost = "sqeuclidean",
    a: Any = None,
    b: Any = None,
    *,
    tol: float = 1e-6,
    max_iter: int = 10_000,
    eps_scaling: bool = False,
    init: tuple[Any, Any] | None = None,
    block: int | None = None,
) -> SinkhornPointsResult:
    r"""Solve the entropic transport problem between two sets of weighted points, by Sinkhorn.

    Problem and iteration are those of :func:`solve_sinkhorn` for C_ij = c(x_i, y_j). Up to 2^24
    entries (128 MiB in float64) the cost matrix is stored once; for the squared distance only its
    kernel is. For larger problems, and whenever ``block`` is given, no matrix is stored: each sweep
    computes the costs of a few rows at a time, 2^18 entries by default (2^24 on an accelerator), so
    that memory is that block and a few numbers for each point. Here too, most sweeps are in
    float32.

    Where an input requires a gradient, ``value`` is differentiable in x, y, a and b by the envelope
    theorem: the plan is held fixed. For the squared distance the derivative in x_i is
    2 (a_i x_i - sum_j P_ij y_j), without an array of all differences.

    Args:
        x: (n, d) points.
        y: (m, d) points.
        eps: regularisation > 0, in the unit of the cost.
        cost: as in :func:`~otgen_lite.cost_matrix`; a callable is called on blocks of rows.
        a: (n,) weights, non-negative with sum 1; uniform where None.
        b: (m,) weights, the same.
        tol: as in :func:`solve_sinkhorn`.
        max_iter: as in :func:`solve_sinkhorn`.
        eps_scaling: as in :func:`solve_sinkhorn`.
        init: as in :func:`solve_sinkhorn`.
        block: number of rows of the cost matrix that are computed together; chosen by size where
            None.

    Returns:
        :class:`SinkhornPointsResult`: the fields of :class:`SinkhornResult`, and the potentials
        and the barycentric map at new points.

    Raises:
        ValueError: as :func:`solve_sinkhorn`, and if the points' dimensions differ or the cost's
            name is unknown.
        TypeError: if an argument has the wrong type.

    Warns:
        ConvergenceWarning: if ``tol`` is not reached within ``max_iter`` sweeps.

    Source: :cite:t:`peyre_2019`, :cite:t:`feydy_2019`. Chapter: 3.

    Example:
        >>> r = solve_sinkhorn_points([[0.0], [1.0]], [[0.0], [3.0]], eps=0.5)
        >>> r.potential_x([[0.0], [1.0]]) - r.potentials[0] < 1e-6
        tensor([True, True])
        >>> r.barycentric()
        tensor([[0.0074],
                [2.9926]], dtype=torch.float64)
    """
    x, y = _checks.pair(x, y)
    if cost not in NAMES:
        cost_matrix(x[:1].detach(), y[:1].detach(), cost)  # names what is wrong before any work
    number = _checks.positive("eps", eps)
    n, m = len(x), len(y)
    uniform = a is None and b is None
    a = _problem.weights("a", a, n, 1, like=x)
    b = _problem.weights("b", b, m, 1, like=x)
    rows = None if block is None else _checks.count("block", block)
    costs = _problem.costs_of_points(x, y, cost, number, rows)
    eps_b = torch.full((1,), number, dtype=torch.float64, device=x.device)
    problem = Problem(costs, eps_b, a, b, x.dtype, uniform)
    s = _solved(problem, tol, max_iter, eps_scaling, init, True)
    value = problem.take(s).to(x.dtype)

    def slopes(grad: Tensor, asked: tuple[bool, ...]) -> list[Tensor | None]:
        here = problem.by_points(x, y, cost, (asked[0], asked[1]))
        here += [problem.f if asked[2] else None, problem.g if asked[3] else None]
        return [None if slope is None else slope * grad for slope in here]

    value = _problem.with_slopes(value, slopes, x, y, a, b)
    fields = _fields(problem, s, value, tol, number, True)
    return SinkhornPointsResult(**fields, _points=(x.detach(), y.detach(), cost))


def _solved(
    problem: Problem, tol: float, max_iter: int, eps_scaling: bool, init: Any, single: bool
) -> State:
    """The iteration of a problem whose batch is cut into pieces that a cache can hold."""
    tol = _checks.positive("tol", tol)
    max_iter = _checks.count("max_iter", max_iter)
    costs, a, b = problem.costs, problem.a, problem.b
    gamma = None
    if init is not None:
        gamma = _init(init, a, b, single) / (problem.eps * LOG2)[:, None]
    problem.annealed = bool(eps_scaling)
    annealing = spread(costs) * LOG2 if eps_scaling else 1.0
    B, n, m = costs.shape
    entries = _BATCH_ENTRIES if a.device.type == "cpu" else _BATCH_ENTRIES_DEVICE
    step = max(1, entries // (n * m))
    how: dict[str, Any] = {"annealing": annealing, "uniform": problem.uniform}
    if step >= B:
        return solve(costs, a, b, tol, max_iter, gamma, **how)
    pieces = []
    for i in torch.arange(B, device=a.device).split(step):
        start = None if gamma is None else gamma[i]
        part = costs.only(i)
        pieces.append(solve(part, a[i], b[i], tol, max_iter, start, **how))
    return State.concatenated(pieces)


def _fields(
    problem: Problem, s: State, value: Tensor, tol: float, eps: Any, single: bool
) -> dict[str, Any]:
    """The fields of a result, after the warning."""
    _problem.warn(s, tol, stacklevel=3, annealed=problem.annealed)
    f, g = problem.f.to(problem.dtype), problem.g.to(problem.dtype)
    fields: dict[str, Any] = {"eps": eps, "errors": s.errors()}
    fields |= {"_problem": problem, "_single": single}
    if not single:
        return fields | {
            "value": value, "potentials": (f, g), "converged": s.on_device(s.error <= tol),
            "n_iter": s.on_device(s.sweeps), "marginal_error": s.on_device(s.error),
        }  # fmt: skip
    return fields | {
        "value": value[0], "potentials": (f[0], g[0]), "converged": bool(s.error[0] <= tol),
        "n_iter": int(s.sweeps[0]), "marginal_error": float(s.error[0]),
    }  # fmt: skip


def _eps(eps: Any, B: int, like: Tensor) -> Tensor:
    """(B,) regularisations in float64."""
    if isinstance(eps, Tensor) and eps.ndim == 1:
        out = _checks.vector("eps", eps, B, "one for each problem").detach()
        if float(out.min()) <= 0.0:
            raise ValueError(f"eps must be finite numbers > 0, got one that is {out.min():.6g}")
        return out.to(like.device, torch.float64)
    return torch.full((B,), _checks.positive("eps", eps), dtype=torch.float64, device=like.device)


def _init(init: Any, a: Tensor, b: Tensor, single: bool) -> Tensor:
    """The second of two checked potentials, (B, m) in float64."""
    if not isinstance(init, (tuple, list)) or len(init) != 2:
        raise TypeError(f"init must be a pair of potentials (f, g), got {type(init).__name__}")
    for k, weights in enumerate((a, b)):
        shape = tuple(weights.shape[1:] if single else weights.shape)
        potential = _checks.tensor(f"init[{k}]", init[k]).detach()
        if tuple(potential.shape) != shape:
            raise ValueError(
                f"init[{k}] must have shape {shape}, one entry for each atom, got "
                f"{_checks.shape_text(potential)}"
            )
    return potential.to(b).reshape(b.shape)
