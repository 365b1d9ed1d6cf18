"""Entropic optimal transport of discrete measures: Sinkhorn's iteration.

The iteration is our own: it takes the weights out of the kernel, holds the kernel once, and
over-relaxes; the reason is measured in ``benchmarks/``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import Cost, cost_matrix
from otgen_lite.transport import _sinkhorn
from otgen_lite.transport.transforms import c_transform


class ConvergenceWarning(UserWarning):
    """An iteration stopped before it reached the accuracy that was asked for."""


@dataclass(frozen=True, eq=False)
class SinkhornResult:
    """A solved entropic problem; for a batch every entry has a leading axis of length B.

    Attributes:
        value: 0-d tensor, the dual value at the potentials; at convergence it equals
            <P, C> + eps KL(P | a b^T). Differentiable where the problem was.
        potentials: the tensors f (n,) and g (m,), with sum_i a_i f_i = sum_j b_j g_j.
        converged: whether ``marginal_error`` is at most ``tol``.
        n_iter: sweeps done; one sweep updates both potentials once.
        marginal_error: sum_i |P_i. - a_i| + sum_j |P_.j - b_j|, computed once more at the end.
        errors: (k, 2) tensor: sweeps, and the marginal error seen there; (k, 1 + B) for a batch.
        eps: the regularisation, in the unit of the cost.
    """

    value: Tensor
    potentials: tuple[Tensor, Tensor]
    converged: Any
    n_iter: Any
    marginal_error: Any
    errors: Tensor
    eps: Any
    _problem: Any = field(repr=False)

    @cached_property
    def plan(self) -> Tensor:
        """(n, m) tensor P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps), computed on first use."""
        return self._problem.plan()

    @cached_property
    def linear(self) -> Tensor:
        """The transport part <P, C> of the value, computed on first use."""
        return self._problem.linear()


@dataclass(frozen=True, eq=False)
class SinkhornPointsResult(SinkhornResult):
    """A solved entropic problem between points, with potentials at every other point too."""

    def potential_x(self, x_new: Any) -> Tensor:
        """f at new points: the (c, eps)-transform of g, differentiable in ``x_new``."""
        p = self._problem
        new, y = _checks.common(_checks.points("x_new", x_new), p.y)
        g = self.potentials[1].to(new.dtype)
        return c_transform(g, cost_matrix(new, y, p.cost), eps=self.eps, b=p.b[0])

    def potential_y(self, y_new: Any) -> Tensor:
        """g at new points: the (c, eps)-transform of f, differentiable in ``y_new``."""
        p = self._problem
        new, x = _checks.common(_checks.points("y_new", y_new), p.x)
        f = self.potentials[0].to(new.dtype)
        return c_transform(f, cost_matrix(x, new, p.cost).T, eps=self.eps, b=p.a[0])

    def barycentric(self, x_new: Any = None) -> Tensor:
        """sum_j P(j | x) y_j at the points ``x``, or at new ones: differentiable in ``x_new``."""
        p = self._problem
        new, y = _checks.common(_checks.points("x_new", p.x if x_new is None else x_new), p.y)
        g = self.potentials[1].to(new.dtype)
        logs = (g - cost_matrix(new, y, p.cost)) / self.eps + torch.log(p.b[0])
        return (torch.softmax(logs, dim=1).to(y.dtype) @ y).to(y.dtype)


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
    r"""Solve the entropic transport problem of a cost matrix and two weight vectors.

    .. math::
        W_\varepsilon(a, b) = \min_{P 1 = a,\ P^\top 1 = b} \langle P, C \rangle
            + \varepsilon\, \mathrm{KL}(P \mid a b^\top) .
    """
    C = _batch_of_costs(C)
    single = C.ndim == 2
    C = C[None] if single else C
    B, n, m = C.shape
    eps_b = _eps(eps, B, C)
    a = _weights("a", a, n, C)
    b = _weights("b", b, m, C)
    tol = _checks.positive("tol", tol)
    max_iter = _checks.count("max_iter", max_iter)
    problem = _Dense(C, eps_b, a.detach(), b.detach(), single)
    out = problem.solve(tol, max_iter, init)
    return _result(SinkhornResult, problem, out, tol, eps, (C, a, b), single)


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
    r"""The same for two sets of weighted points."""
    x, y = _checks.common(_checks.points("x", x), _checks.points("y", y))
    C = cost_matrix(x, y, cost)[None]
    eps_b = _eps(_checks.positive("eps", eps), 1, C)
    a = _weights("a", a, x.shape[0], C)
    b = _weights("b", b, y.shape[0], C)
    tol = _checks.positive("tol", tol)
    max_iter = _checks.count("max_iter", max_iter)
    problem = _Dense(C.detach(), eps_b, a.detach(), b.detach(), True)
    problem.x, problem.y, problem.cost = x.detach(), y.detach(), cost
    out = problem.solve(tol, max_iter, init)
    return _result(SinkhornPointsResult, problem, out, tol, float(eps), (C, a, b), True)


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
    r"""The Sinkhorn divergence of two sets of weighted points."""
    asked = {"tol": tol, "max_iter": max_iter}
    cross = solve_sinkhorn_points(x, y, eps, cost, a, b, **asked).value
    first = solve_sinkhorn_points(x, x, eps, cost, a, a, **asked).value
    second = solve_sinkhorn_points(y, y, eps, cost, b, b, **asked).value
    return cross - (first + second) / 2


class _Dense:
    """A batch of cost matrices with weights, and the potentials once they are known."""

    x: Tensor
    y: Tensor
    cost: Cost

    def __init__(self, C: Tensor, eps: Tensor, a: Tensor, b: Tensor, single: bool) -> None:
        self.C, self.eps, self.a, self.b, self.single = C.detach(), eps, a, b, single
        self.phi = self.gamma = a

    def solve(self, tol: float, max_iter: int, init: Any) -> _sinkhorn.Outcome:
        if init is None:
            start = torch.zeros_like(self.a), torch.zeros_like(self.b)
        else:
            f, g = (torch.as_tensor(p, dtype=torch.float64) for p in init)
            start = (
                (f / self.eps[:, None]).expand_as(self.a),
                (g / self.eps[:, None]).expand_as(self.b),
            )
        out = _sinkhorn.solve(self.C, self.eps, self.a, self.b, tol, max_iter, start)
        self.phi, self.gamma = out.phi, out.gamma
        return out

    def plans(self) -> Tensor:
        E = self.phi[:, :, None] + self.gamma[:, None, :] - self.C / self.eps[:, None, None]
        return (torch.exp(E) * self.a[:, :, None] * self.b[:, None, :]).to(self.C.dtype)

    def plan(self) -> Tensor:
        out = self.plans()
        return out[0] if self.single else out

    def linear(self) -> Tensor:
        out = (self.plans() * self.C).sum(dim=(1, 2))
        return out[0] if self.single else out


class _Value(torch.autograd.Function):
    """The optimal value as a function of (C, a, b): the derivatives are P, f and g."""

    @staticmethod
    def forward(ctx: Any, C: Tensor, a: Tensor, b: Tensor, value: Tensor, problem: Any) -> Tensor:
        ctx.problem = problem
        return value.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        p = ctx.problem
        slopes = (lambda: p.plans() * grad[:, None, None], lambda: p.f * grad[:, None],
                  lambda: p.g * grad[:, None])  # fmt: skip
        asked = ctx.needs_input_grad
        return (*(s() if ask else None for s, ask in zip(slopes, asked, strict=False)), None, None)


def _result(
    kind: Any, problem: Any, out: _sinkhorn.Outcome, tol: float, eps: Any, inputs: Any, single: bool
) -> Any:
    """The result of an outcome: gauge, value with its derivatives, warning."""
    C, a, b = inputs
    mean_f, mean_g = (problem.a * out.phi).sum(1), (problem.b * out.gamma).sum(1)
    half = (mean_g - mean_f) / 2
    problem.phi, problem.gamma = out.phi + half[:, None], out.gamma - half[:, None]
    problem.f, problem.g = problem.phi * problem.eps[:, None], problem.gamma * problem.eps[:, None]
    value = (problem.eps * (mean_f + mean_g + 1.0 - out.mass)).to(C.dtype)
    if torch.is_grad_enabled() and any(t.requires_grad for t in inputs):
        value = _Value.apply(C, a, b, value, problem)
    converged = out.error <= tol
    if not bool(converged.all()):
        worst = float(out.error.max())
        warnings.warn(
            f"Sinkhorn stopped after {int(out.n_iter.max())} sweeps at a marginal error of "
            f"{worst:.3g}, above tol={tol:.3g}: raise max_iter, eps or tol, or set "
            "eps_scaling=True",
            ConvergenceWarning,
            stacklevel=3,
        )
    f, g = problem.f.to(C.dtype), problem.g.to(C.dtype)
    if single:
        return kind(
            value[0], (f[0], g[0]), bool(converged[0]), int(out.n_iter[0]), float(out.error[0]),
            out.history, eps, problem,
        )  # fmt: skip
    return kind(value, (f, g), converged, out.n_iter, out.error, out.history, eps, problem)


def _batch_of_costs(C: Any) -> Tensor:
    out = _checks.tensor("C", C)
    if out.ndim not in (2, 3) or out.numel() == 0:
        raise ValueError(
            f"C must have shape (n, m) or (B, n, m), none of them 0, got {_checks.shape_text(out)}"
        )
    return out


def _eps(eps: Any, B: int, like: Tensor) -> Tensor:
    if isinstance(eps, Tensor) and eps.ndim == 1:
        out = _checks.vector("eps", eps, B, "one for each problem").detach()
        low = float(out.min())
        if low <= 0.0:
            raise ValueError(f"eps must be > 0, got one that is {low:.6g}")
        return out.to(like.device, torch.float64)
    return torch.full((B,), _checks.positive("eps", eps), dtype=torch.float64, device=like.device)


def _weights(name: str, value: Any, size: int, C: Tensor) -> Tensor:
    """(B, size) weights with sum 1, with their graph."""
    if value is not None and getattr(value, "ndim", 1) == 2:
        rows = [_checks.weights(name, row, size, like=C) for row in value]
        out = torch.stack(rows)
    else:
        out = _checks.weights(name, value, size, like=C).expand(C.shape[0], size)
    return out / out.detach().sum(dim=1, keepdim=True)
