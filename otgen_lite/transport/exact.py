"""The Kantorovich problem of two discrete measures, solved exactly.

The linear programme is solved by the network simplex of the POT library (Bonneel et al., 2011);
what is added here are checked inputs, potentials that are feasible at *every* pair of atoms, a
check of strong duality, and derivatives by the envelope theorem.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks

#: Largest duality gap, relative to the largest |C_ij|, that is still called a solution.
GAP_TOL = 1e-9

#: Entries of C that are looked at together where the potentials are completed.
_CHUNK = 1 << 18


@dataclass(frozen=True, eq=False)
class ExactResult:
    """A solved Kantorovich problem.

    Attributes:
        value: 0-d tensor, the cost <P, C>; differentiable where the problem was.
        plan: (n, m) tensor P with row sums a and column sums b.
        potentials: the tensors f (n,) and g (m,), with f_i + g_j <= C_ij at every pair and
            sum_i a_i f_i = sum_j b_j g_j.
    """

    value: Tensor
    plan: Tensor
    potentials: tuple[Tensor, Tensor]

    def __repr__(self) -> str:
        n, m = self.plan.shape
        return f"ExactResult(value={self.value.item():.6g}, plan={n} x {m})"


def solve_exact(
    C: Any, a: Any = None, b: Any = None, *, max_iter: int = 100_000_000
) -> ExactResult:
    r"""Solve the Kantorovich problem of a cost matrix and two weight vectors.

    .. math::
        W(a, b) = \min_{P \ge 0,\ P 1 = a,\ P^\top 1 = b} \sum_{ij} P_{ij} C_{ij}
                = \max_{f_i + g_j \le C_{ij}} \sum_i a_i f_i + \sum_j b_j g_j .

    The value is the cost itself, not a root of it; the dual has two plus signs. All is computed
    in float64 by the network simplex of the POT library, on the CPU.

    The potentials satisfy f_i + g_j <= C_ij at every pair, also where a weight is zero. They are
    fixed by sum_i a_i f_i = sum_j b_j g_j = W/2, for (f + t, g - t) is as good for every t.

    Where an input requires a gradient, ``value`` is differentiable by the envelope theorem: the
    derivative in C is P, in a it is f, in b it is g. Weights can only move at constant total mass,
    so that their derivatives mean something only up to an additive constant; the constant is the
    one above. Where plan or potentials are not unique, this is one element of the
    subdifferential (in C: of the superdifferential).

    Args:
        C: (n, m) costs, any finite numbers.
        a: (n,) weights, non-negative with sum 1; uniform where None.
        b: (m,) weights, the same.
        max_iter: pivots after which the simplex gives up.

    Returns:
        :class:`ExactResult` in the type of ``C`` and on its device: ``value``, ``plan`` and
        ``potentials``.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or weights are negative or do
            not sum to 1.
        TypeError: if an argument is not an array of real numbers.
        RuntimeError: if the simplex gave up, or if strong duality fails by more than 1e-9
            relative to the largest ``|C_ij|``.

    Source: :cite:t:`bonneel_2011`, :cite:t:`flamary_2021`, :cite:t:`peyre_2019`. Chapter: 1.

    Example:
        >>> r = solve_exact([[0.0, 1.0], [1.0, 0.0]], a=[0.5, 0.5], b=[0.25, 0.75])
        >>> r.value
        tensor(0.2500, dtype=torch.float64)
        >>> r.plan
        tensor([[0.2500, 0.2500],
                [0.0000, 0.5000]], dtype=torch.float64)
        >>> f, g = r.potentials
        >>> bool((f[:, None] + g <= torch.tensor([[0.0, 1.0], [1.0, 0.0]]) + 1e-12).all())
        True
    """
    C = _checks.matrix("C", C)
    n, m = C.shape
    max_iter = _checks.count("max_iter", max_iter)
    a = _checks.weights("a", a, n, like=C)
    b = _checks.weights("b", b, m, like=C)
    value, plan, f, g = _solve(_to_numpy(C), _to_numpy(a), _to_numpy(b), max_iter)
    out = [torch.from_numpy(array).to(C) for array in (plan, f, g)]
    result = torch.tensor(value, dtype=C.dtype, device=C.device)
    if torch.is_grad_enabled() and (C.requires_grad or a.requires_grad or b.requires_grad):
        result = _Envelope.apply(C, a, b, result, *out)
    return ExactResult(result, out[0], (out[1], out[2]))


class _Envelope(torch.autograd.Function):
    """The optimal value as a function of (C, a, b), with (P, f, g) for a derivative."""

    @staticmethod
    def forward(
        ctx: Any, C: Tensor, a: Tensor, b: Tensor, value: Tensor, P: Tensor, f: Tensor, g: Tensor
    ) -> Tensor:
        ctx.save_for_backward(P, f, g)
        ctx.weight_dtype = a.dtype
        return value.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        P, f, g = ctx.saved_tensors
        slopes = (P, f.to(ctx.weight_dtype), g.to(ctx.weight_dtype))
        asked = ctx.needs_input_grad
        return (
            *(grad * s if ask else None for s, ask in zip(slopes, asked, strict=False)),
            *(None,) * 4,
        )


def _to_numpy(value: Tensor) -> np.ndarray:
    """The numbers in float64 and row by row; no copy where they already are."""
    array = value.detach().to(device="cpu", dtype=torch.float64).numpy()
    return np.ascontiguousarray(array)


def _solve(
    C: np.ndarray, a: np.ndarray, b: np.ndarray, max_iter: int
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Value, plan and potentials of a checked problem."""
    import ot  # here, because it imports so much that `import otgen_lite` would take twice as long

    a, b = a / a.sum(), b / b.sum()
    rows, columns = np.flatnonzero(a), np.flatnonzero(b)
    whole = rows.size == a.size and columns.size == b.size
    # Atoms without mass stay out of the simplex: what it says about them cannot be relied on.
    support = C if whole else C[np.ix_(rows, columns)]
    inner, exponent = _conditioned(support)
    plan, log = ot.emd(
        a[rows], b[columns], inner, numItermax=max_iter, log=True,
        center_dual=False, check_marginals=False,
    )  # fmt: skip
    if log["warning"] is not None:
        raise RuntimeError(
            f"the network simplex stopped before the optimum ({log['warning']}); "
            f"raise max_iter above {max_iter}, or look for extreme ratios in C, a or b"
        )
    if not whole:
        inner, plan = plan, np.zeros_like(C)
        plan[np.ix_(rows, columns)] = inner
    g = np.full(b.size, -np.inf)
    g[columns] = np.ldexp(log["v"], exponent)
    f, g = _complete(C, g)
    value = float(np.vdot(plan, C))
    gap = value - float(a @ f + b @ g)
    scale = max(abs(float(C.max())), abs(float(C.min())))
    if not abs(gap) <= GAP_TOL * scale:
        raise RuntimeError(
            f"plan and potentials of the network simplex disagree by {gap:.3g} where C is of size "
            f"{scale:.3g}; look for extreme ratios in C, a or b"
        )
    shift = (b @ g - a @ f) / 2
    return value, plan, f + shift, g - shift


def _conditioned(C: np.ndarray) -> tuple[np.ndarray, int]:
    """The same problem in a range where the simplex is accurate: C * 2^-exponent.

    The simplex gives artificial arcs the cost ``(max C + 1) n``. Where all costs are tiny, the 1
    swallows the digits of the potentials; where they are negative and large, that number is not
    the largest. A power of two rounds nothing, and the usual problem is passed on as it is.
    """
    low, high = float(C.min()), float(C.max())
    if low >= 0.0 and (high == 0.0 or 0.5 <= high <= 1e9):
        return C, 0
    exponent = math.frexp(max(-low, high))[1]
    return np.ldexp(C, -exponent), exponent


def _complete(C: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest f that g allows, and g itself where it is -inf (atoms without mass)."""
    n, m = C.shape
    step = max(1, _CHUNK // m)
    f = np.empty(n)
    for i in range(0, n, step):
        f[i : i + step] = (C[i : i + step] - g).min(axis=1)
    free = np.flatnonzero(np.isneginf(g))
    if free.size:
        g = g.copy()
        g[free] = math.inf
        for i in range(0, n, step):
            slack = C[i : i + step, free] - f[i : i + step, None]
            g[free] = np.minimum(g[free], slack.min(axis=0))
    return f, g
