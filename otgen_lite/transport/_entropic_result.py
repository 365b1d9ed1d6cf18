"""Results of the entropic solvers: values, potentials, plans, maps at new points."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import Cost, cost_matrix
from otgen_lite.transport._entropic_problem import Problem
from otgen_lite.transport.transforms import c_transform

#: Entries of a cost matrix between new points and atoms that are looked at together.
_NEW = 1 << 22


@dataclass(frozen=True, eq=False)
class SinkhornResult:
    """The solution of an entropic problem; for a batch, tensors have a leading axis of length B.

    Attributes:
        value: 0-d tensor, the dual value at the potentials. It never exceeds the optimal value, and
            at convergence it is <P, C> + eps KL(P | a b^T). Differentiable where the problem was.
        potentials: the tensors f (n,) and g (m,), with sum_i a_i f_i = sum_j b_j g_j.
        converged: whether ``marginal_error`` is at most ``tol``; a (B,) tensor for a batch.
        n_iter: sweeps, each of which updates both potentials once; a (B,) tensor for a batch.
        marginal_error: L1 distance of the plan's row sums to a, plus that of its column sums to b,
            computed in float64; a (B,) tensor for a batch.
        errors: (k, 2) tensor: numbers of sweeps, and the marginal error after them; (k, 1 + B) for
            a batch. The last row is the check in float64.
        eps: the regularisation, in the unit of the cost; a (B,) tensor where one was given.

    Chapter: 3.
    """

    value: Tensor
    potentials: tuple[Tensor, Tensor]
    converged: Any
    n_iter: Any
    marginal_error: Any
    errors: Tensor
    eps: Any
    _problem: Problem = field(repr=False)
    _single: bool = field(repr=False)

    @cached_property
    def plan(self) -> Tensor:
        """(n, m) tensor P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps), computed on first use."""
        out = self._problem.plan()
        return out[0] if self._single else out

    @cached_property
    def linear(self) -> Tensor:
        """The transport part <P, C> of the value, computed on first use."""
        out = self._problem.linear()
        return out[0] if self._single else out

    def __repr__(self) -> str:
        if not self._single:
            done = int(self.converged.sum())
            return f"{type(self).__name__}({len(self.value)} problems, {done} converged)"
        return (
            f"{type(self).__name__}(value={self.value.item():.6g}, converged={self.converged}, "
            f"n_iter={self.n_iter}, marginal_error={self.marginal_error:.3g})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class SinkhornPointsResult(SinkhornResult):
    """The solution of an entropic problem between points, with potentials that are functions.

    ``plan`` computes the whole matrix P, and ``linear`` the transport cost <P, C>.

    Chapter: 3.
    """

    _points: tuple[Tensor, Tensor, Cost] = field(repr=False)

    def potential_x(self, x_new: Any) -> Tensor:
        r"""The potential f at new points, as the (c, eps)-transform of g.

        .. math::
            f(x) = -\varepsilon \log \sum_j b_j\, e^{(g_j - c(x, y_j)) / \varepsilon} .

        At the points of the problem it agrees with ``potentials[0]`` up to the marginal error.

        Args:
            x_new: (k, d) points; differentiable in them.

        Returns:
            (k,) tensor.
        """
        _, y, cost = self._points
        new, y = _new("x_new", x_new, y)
        g, b = self._problem.g[0], self._problem.b[0]
        parts = new.split(max(1, _NEW // len(y)))
        return torch.cat(
            [c_transform(g, cost_matrix(p, y, cost), self.eps, b).to(y.dtype) for p in parts]
        )

    def potential_y(self, y_new: Any) -> Tensor:
        """The potential g at new points, the (c, eps)-transform of f; see :meth:`potential_x`."""
        x, _, cost = self._points
        new, x = _new("y_new", y_new, x)
        f, a = self._problem.f[0], self._problem.a[0]
        parts = new.split(max(1, _NEW // len(x)))
        return torch.cat(
            [c_transform(f, cost_matrix(x, p, cost).T, self.eps, a).to(x.dtype) for p in parts]
        )

    def barycentric(self, x_new: Any = None) -> Tensor:
        r"""The barycentric map: the mean of y under the conditional distribution of the plan.

        .. math::
            T(x) = \sum_j \pi_j(x)\, y_j, \qquad
            \pi_j(x) \propto b_j\, e^{(g_j - c(x, y_j)) / \varepsilon} .

        Args:
            x_new: (k, d) points; differentiable in them. The points x of the problem where None.

        Returns:
            (k, d) tensor of points.
        """
        x, y, cost = self._points
        new, y = _new("x_new", x if x_new is None else x_new, y)
        g, b = self._problem.g[0], self._problem.b[0]
        prior = g / self.eps + torch.log(b)
        parts = new.split(max(1, _NEW // len(y)))
        maps = [torch.softmax(prior - cost_matrix(p, y, cost) / self.eps, dim=1) for p in parts]
        return torch.cat([pi.to(y.dtype) @ y for pi in maps])


def _new(name: str, value: Any, known: Tensor) -> tuple[Tensor, Tensor]:
    """New points and those of the problem, in their common type."""
    with _checks.beside(value, known):
        new, known = _checks.common(_checks.points(name, value), known)
    if new.shape[1] != known.shape[1]:
        raise ValueError(
            f"{name} must be points of dimension {known.shape[1]}, got shape "
            f"{_checks.shape_text(new)}"
        )
    return new, known
