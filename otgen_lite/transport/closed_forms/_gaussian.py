"""Two covariances in coordinates that suit both: the basis of all formulas for Gaussians."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.transport._once_differentiable import held_fixed

#: Asymmetry and negative eigenvalues up to this, relative to the matrix, are taken for rounding.
_ROUNDING = {torch.float64: 1e-8, torch.float32: 1e-4}


class Pair(NamedTuple):
    """``S1 = B1 B1^T`` and ``S2 = B2 B2^T``, with columns that are paired by the numbers ``s``.

    From any factors ``S = L L^T`` and the singular value decomposition ``L1^T L2 = U s V^T``:
    ``B1 = L1 U`` and ``B2 = L2 V``, so that the cross-covariances that the optimal plans have are
    ``B1 diag(.) B2^T``. The ``s`` are the eigenvalues of ``(S1^1/2 S2 S1^1/2)^1/2``.
    """

    B1: Tensor
    s: Tensor
    B2: Tensor


def pair(S1: Tensor, S2: Tensor) -> Pair:
    """The two covariances in paired coordinates, in float64, without a graph."""
    L1, _ = factor(S1)
    L2, _ = factor(S2)
    U, s, Vh = torch.linalg.svd(L1.T @ L2)
    return Pair(L1 @ U, s, L2 @ Vh.T)


def regularisation(eps: Tensor | float, B1: Tensor, B2: Tensor) -> float:
    """``eps`` as a number, and 0 where it is too small to show in the last digit of anything.

    Its inverse times a covariance would overflow instead.
    """
    number = eps.item() if isinstance(eps, Tensor) else eps
    scale = (B1.square().sum() + B2.square().sum()).item()
    return 0.0 if number <= max(1e-290, 1e-200 * scale) else number


def slopes(s: Tensor, eps: float) -> Tensor:
    """``2 / (delta + eps / 2)`` with ``delta = (4 s^2 + eps^2 / 4)^1/2``; 1 / s for eps = 0.

    At eps = 0 it is 0 in directions that the two do not share.
    """
    if eps == 0.0:
        shared = s > s.numel() * torch.finfo(s.dtype).eps * s.max()
        return torch.where(shared, 1.0 / s, torch.zeros_like(s))
    half = eps / 2
    return 2.0 / (torch.hypot(2 * s, torch.full_like(s, half)) + half)


def information(s: Tensor, eps: float) -> Tensor:
    """KL(P | a x b) of the optimal plan, one summand a pair: log((delta + eps/2) / eps) / 2."""
    if eps == 0.0:
        return torch.where(slopes(s, eps) > 0, torch.inf, 0.0)
    return torch.log1p(s * (s / (eps / 2)) * slopes(s, eps)) / 2


class GaussianTransport(torch.autograd.Function):
    """OT_eps between centred Gaussians: tr S1 + tr S2 - 2 <cross-covariance> + eps KL.

    The derivatives are written out because the one of an eigendecomposition fails where two
    eigenvalues coincide, at S = I for example, although this function is smooth there. They are
    ``I - B2 diag(2 / (delta + eps/2)) B2^T`` in S1, its mirror image in S2, and KL in eps.
    """

    @staticmethod
    def forward(ctx: Any, S1: Tensor, S2: Tensor, eps: Tensor | float) -> Tensor:
        B1, s, B2 = pair(S1, S2)
        inputs = (S1, S2, eps) if isinstance(eps, Tensor) else (S1, S2)
        ctx.save_for_backward(B1, s, B2, *inputs)
        ctx.eps = eps
        # With factors B1 and B2 that are already rotated against one another, the unregularised
        # cost is a sum of squares, and what entropy adds is a sum of positive numbers: nothing
        # cancels when the two Gaussians are close, nor when eps is small or large.
        value = (B1 - B2).square().sum()
        e = regularisation(eps, B1, B2)
        if e > 0.0:
            half = e / 2
            delta = torch.hypot(2 * s, torch.full_like(s, half))
            spread = (2 * s + 2 * s.square() * slopes(s, e)) / (2 * s + delta)
            value = value + (half * spread + e * information(s, e)).sum()
        return value.to(S1.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        B1, s, B2, *inputs = ctx.saved_tensors
        with torch.no_grad():
            e = regularisation(ctx.eps, B1, B2)
            eye = torch.eye(s.numel(), dtype=s.dtype, device=s.device)
            slope = slopes(s, e)
            first, second, third = ctx.needs_input_grad
            found = (
                eye - (B2 * slope) @ B2.T if first else None,
                eye - (B1 * slope) @ B1.T if second else None,
                information(s, e).sum() if third else None,
            )
        what = "the slope of a transport cost between Gaussians"
        types = [t.dtype for t in (*inputs, inputs[0])]
        return tuple(
            None if p is None else (grad * held_fixed(what, p, *inputs)).to(t)
            for p, t in zip(found, types, strict=False)
        )


def factor(S: Tensor) -> tuple[Tensor, Tensor]:
    """L with S = L L^T and orthogonal columns, and the lengths of these columns, in float64.

    Eigenvalues below the rounding error of the largest count as zero: their square roots would
    carry half as many wrong digits into the result.
    """
    values, vectors = torch.linalg.eigh(S.detach().to(torch.float64))
    cut = values.numel() * torch.finfo(torch.float64).eps * values.max()
    roots = torch.where(values > cut, values, torch.zeros_like(values)).sqrt()
    return vectors * roots, roots


def gaussian(index: str, mean: Any, covariance: Any) -> tuple[Tensor, Tensor]:
    """Mean (d,) and covariance (d, d), checked; numbers stand for d = 1."""
    m_name, S_name = f"m{index}", f"S{index}"
    m = _checks.tensor(m_name, mean)
    S = _checks.tensor(S_name, covariance)
    if m.ndim == 0:
        m = m[None]
    if m.ndim != 1 or m.numel() == 0:
        raise ValueError(f"{m_name} must have shape (d,), got {_checks.shape_text(m)}")
    d = m.numel()
    if S.ndim == 0 and d == 1:
        S = S[None, None]
    if tuple(S.shape) != (d, d):
        raise ValueError(
            f"{S_name} must have shape ({d}, {d}), the square of {m_name}'s, got "
            f"{_checks.shape_text(S)}"
        )
    detached = S.detach()
    tol = _ROUNDING[S.dtype] * float(detached.abs().max())
    asymmetry = float((detached - detached.T).abs().max())
    if asymmetry > tol:
        raise ValueError(
            f"{S_name} must be symmetric, got entries that differ from their mirror image by "
            f"{asymmetry:.3g}"
        )
    S = (S + S.T) / 2
    lowest = float(torch.linalg.eigvalsh(S.detach().to(torch.float64)).min())
    if lowest < -tol:
        raise ValueError(
            f"{S_name} must be positive semi-definite, got an eigenvalue of {lowest:.3g}"
        )
    return m, S


def same_dimension(m1: Tensor, m2: Tensor) -> None:
    if m1.shape != m2.shape:
        raise ValueError(
            "m1 and m2 must have the same dimension, got shapes "
            f"{_checks.shape_text(m1)} and {_checks.shape_text(m2)}"
        )
