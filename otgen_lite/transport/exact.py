"""The Kantorovich problem of two discrete measures, solved exactly.

The linear programme is solved by the network simplex of the POT library (Bonneel et al., 2011);
what is added here are checked inputs, potentials that are feasible at *every* pair of atoms, a
certificate of strong duality, more runs where one run is not certified, and derivatives by the
envelope theorem.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.transport._once_differentiable import held_fixed
from otgen_lite.transport._simplex import GAP_TOL, Answer, NoOptimumError, direct, within_rounding
from otgen_lite.transport._simplex_repair import careful


@dataclass(frozen=True, eq=False)
class ExactResult:
    """The solution of a Kantorovich problem.

    Attributes:
        value: 0-d tensor, the cost <P, C>; differentiable where the problem was.
        plan: (n, m) tensor P with row sums a and column sums b.
        potentials: the tensors f (n,) and g (m,), with f_i + g_j <= C_ij at every pair and
            sum_i a_i f_i = sum_j b_j g_j.

    Chapter: 1.
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
    r"""Solve the Kantorovich problem for a cost matrix and two weight vectors, exactly.

    .. math::
        W(a, b) = \min_{P \ge 0,\ P 1 = a,\ P^\top 1 = b} \sum_{ij} P_{ij} C_{ij}
                = \max_{f_i + g_j \le C_{ij}} \sum_i a_i f_i + \sum_j b_j g_j .

    The value is the cost itself, not a root of it; the dual has two plus signs. Everything is
    computed in float64 by the network simplex of the POT library, on the CPU.

    The potentials satisfy f_i + g_j <= C_ij at every pair, even where a weight is zero. Since
    (f + t, g - t) is optimal for every t if (f, g) is, they are normalised by
    sum_i a_i f_i = sum_j b_j g_j = W/2.

    Where an input requires a gradient, ``value`` is differentiable by the envelope theorem: the
    derivative in C is P, in a it is f, in b it is g. Weights can change only at constant total
    mass, so that their derivatives are determined only up to an additive constant; it is fixed by
    the normalisation. Where plan or potentials are not unique, the derivative is one element of the
    subdifferential (in C: of the superdifferential). A second derivative, which the theorem does
    not give, raises an error.

    No digits are lost to a function of i alone or of j alone that is added to C, because it costs
    every plan the same, nor to a cost that the plan does not pay, such as an entry of 1e16 among
    entries of size 1. An entry ``inf`` forbids its pair.

    Args:
        C: (n, m) costs: any finite numbers, or inf for a pair that must not be used.
        a: (n,) weights, non-negative with sum 1; uniform where None.
        b: (m,) weights, the same.
        max_iter: pivots after which the simplex gives up.

    Returns:
        :class:`ExactResult` in the type of ``C`` and on its device: ``value``, ``plan`` and
        ``potentials``.

    Raises:
        ValueError: if shapes do not match, a number is NaN or -inf, weights are not finite, are
            negative or do not sum to 1, or every plan uses a pair that is forbidden.
        TypeError: if an argument is not an array of real numbers.
        RuntimeError: if the simplex gave up, or if the duality gap exceeds both 1e-8 of the plan's
            cost (after subtraction of the column and row minima of C) and the rounding error of the
            costs that the plan pays.

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
    C = _checks.costs("C", C)
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
        ctx.save_for_backward(C, a, b, P, f, g)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        C, a, b, P, f, g = ctx.saved_tensors
        asked = ctx.needs_input_grad
        # Where C moves, the plan stays, and where weights move, the potentials do; not vice versa.
        return (
            grad * held_fixed("the plan of solve_exact", P, a, b) if asked[0] else None,
            *(
                grad * held_fixed("a potential of solve_exact", p.to(w.dtype), C) if ask else None
                for p, w, ask in zip((f, g), (a, b), asked[1:3], strict=True)
            ),
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
    a, b = a / a.sum(), b / b.sum()
    # Differences of costs near the largest number overflow; what they decide is certified below.
    with np.errstate(over="ignore", invalid="ignore"):
        answer = _answer(C, a, b, max_iter)
        plan, f, g = answer.plan, answer.f, answer.g
        if not answer.certified and not within_rounding(C, answer):
            raise RuntimeError(
                "plan and potentials of the network simplex disagree: the duality gap is "
                f"{answer.gap / answer.scale if answer.scale else math.inf:.3g} of the plan's "
                f"cost above the row and column minima of C, where {GAP_TOL:g} is allowed; look "
                "for extreme ratios in C, a or b"
            )
        i, j = np.nonzero(plan)
        value = float(plan[i, j] @ C[i, j])
    if not math.isfinite(value):
        raise ValueError(f"C must have a cost that is a finite number, got a value of {value}")
    rows, columns = np.flatnonzero(a), np.flatnonzero(b)
    shift = (b[columns] @ g[columns] - a[rows] @ f[rows]) / 2
    return value, plan, f + shift, g - shift


def _answer(C: np.ndarray, a: np.ndarray, b: np.ndarray, max_iter: int) -> Answer:
    """One run of the simplex, and several where the first does not prove itself."""
    try:
        answer = direct(C, a, b, max_iter)
        return answer if answer is not None and answer.certified else careful(C, a, b, max_iter)
    except NoOptimumError as error:
        raise RuntimeError(
            f"the network simplex stopped before the optimum ({error}); "
            f"raise max_iter above {max_iter}, or look for extreme ratios in C, a or b"
        ) from None
