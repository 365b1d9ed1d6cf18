"""Transport between Gaussians for the squared cost."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks

#: Asymmetry and negative eigenvalues up to this, relative to the matrix, are taken for rounding.
_ROUNDING = {torch.float64: 1e-8, torch.float32: 1e-4}


def bures_wasserstein(m1: Any, S1: Any, m2: Any, S2: Any) -> Tensor:
    r"""The transport cost of :math:`\|x - y\|^2` between two Gaussians.

    .. math::
        W_2^2 = \|m_1 - m_2\|^2 + \operatorname{tr} S_1 + \operatorname{tr} S_2
                - 2 \operatorname{tr} (S_1^{1/2} S_2 S_1^{1/2})^{1/2} .

    This is the **cost** (squared distance, never halved). It is computed as
    ``|m1 - m2|^2 + |L1 - L2 Q|_F^2`` with any factors ``S = L L^T`` and the best rotation Q: a sum
    of squares, in which nothing cancels when the two Gaussians are close. All in float64.

    Covariances may be singular. Differentiable in the means, and in a covariance where it is
    positive definite; at a singular one the derivative is infinite in some directions, and what
    comes back is the one along its range.

    Args:
        m1: (d,) mean, or a number.
        S1: (d, d) covariance, symmetric and positive semi-definite; for d = 1 a number, the
            **variance**.
        m2: (d,) mean.
        S2: (d, d) covariance.

    Returns:
        0-d tensor in the common type of the arguments, in the squared unit of the points.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or a covariance is not
            symmetric and positive semi-definite.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`gelbrich_1990`, :cite:t:`peyre_2019`. Chapter: 2.

    Example:
        >>> bures_wasserstein(0.0, 1.0, 3.0, 4.0)   # standard deviations 1 and 2
        tensor(10., dtype=torch.float64)
        >>> bures_wasserstein([0, 0], [[1, 0], [0, 0]], [0, 0], [[0, 0], [0, 4]])
        tensor(5., dtype=torch.float64)
    """
    m1, S1 = _gaussian("1", m1, S1)
    m2, S2 = _gaussian("2", m2, S2)
    m1, S1, m2, S2 = _checks.common(m1, S1, m2, S2)
    _same_dimension(m1, m2)
    return (m1 - m2).square().sum() + _Bures.apply(S1, S2)


def gaussian_map(m1: Any, S1: Any, m2: Any, S2: Any) -> tuple[Tensor, Tensor]:
    r"""The optimal map between two Gaussians for the squared cost: :math:`T(x) = A x + t`.

    .. math::
        A = S_1^{-1/2} (S_1^{1/2} S_2 S_1^{1/2})^{1/2} S_1^{-1/2}, \qquad t = m_2 - A m_1 .

    A is symmetric and positive semi-definite with A S1 A = S2. The result carries no gradient.

    Args:
        m1: (d,) mean, or a number.
        S1: (d, d) covariance, positive definite; for d = 1 a number, the variance.
        m2: (d,) mean.
        S2: (d, d) covariance, positive semi-definite.

    Returns:
        ``(A, t)`` of shapes (d, d) and (d,); the images of points ``x`` (n, d) are ``x @ A + t``.

    Raises:
        ValueError: as :func:`bures_wasserstein`, and if ``S1`` is singular.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`gelbrich_1990`, :cite:t:`peyre_2019`. Chapter: 2.

    Example:
        >>> A, t = gaussian_map([0.0, 0.0], [[1.0, 0.0], [0.0, 4.0]], [1.0, 0.0], [[9, 0], [0, 1]])
        >>> A
        tensor([[3.0000, 0.0000],
                [0.0000, 0.5000]], dtype=torch.float64)
        >>> t
        tensor([1., 0.], dtype=torch.float64)
    """
    m1, S1 = _gaussian("1", m1, S1)
    m2, S2 = _gaussian("2", m2, S2)
    m1, S1, m2, S2 = (v.detach() for v in _checks.common(m1, S1, m2, S2))
    _same_dimension(m1, m2)
    L1, roots = _factor(S1)
    if float(roots.min()) == 0.0:
        raise ValueError("S1 must be positive definite, got a singular matrix")
    L2, _ = _factor(S2)
    U, sigma, _ = torch.linalg.svd(L1.T @ L2)
    # L1 has orthogonal columns of lengths `roots`, so that this is its inverse times U.
    B = (L1 / roots.square()) @ U
    A = (B * sigma) @ B.T
    return A.to(S1.dtype), (m2 - A.to(m2.dtype) @ m1)


class _Bures(torch.autograd.Function):
    """tr S1 + tr S2 - 2 tr (S1^1/2 S2 S1^1/2)^1/2 with gradients I - A_12 and I - A_21.

    The derivative is written out because the one of an eigendecomposition fails where two
    eigenvalues coincide, at S = I for example, although this function is smooth there.
    """

    @staticmethod
    def forward(ctx: Any, S1: Tensor, S2: Tensor) -> Tensor:
        L1, _ = _factor(S1)
        L2, _ = _factor(S2)
        U, sigma, Vh = torch.linalg.svd(L1.T @ L2)
        ctx.save_for_backward(L1, L2, U, sigma, Vh)
        ctx.dtype = S1.dtype
        return (L1 - L2 @ (Vh.T @ U.T)).square().sum().to(S1.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        L1, L2, U, sigma, Vh = ctx.saved_tensors
        eye = torch.eye(sigma.numel(), dtype=sigma.dtype, device=sigma.device)
        cut = sigma.numel() * torch.finfo(sigma.dtype).eps * sigma.max()
        inverse = torch.where(sigma > cut, 1.0 / sigma, torch.zeros_like(sigma))
        B1, B2 = L1 @ U, L2 @ Vh.T
        slopes = (eye - (B2 * inverse) @ B2.T, eye - (B1 * inverse) @ B1.T)
        first, second = (
            (grad * s).to(ctx.dtype) if ask else None
            for s, ask in zip(slopes, ctx.needs_input_grad, strict=True)
        )
        return first, second


def _factor(S: Tensor) -> tuple[Tensor, Tensor]:
    """L with S = L L^T and orthogonal columns, and the lengths of these columns, in float64.

    Eigenvalues below the rounding error of the largest count as zero: their square roots would
    carry half as many wrong digits into the result.
    """
    values, vectors = torch.linalg.eigh(S.detach().to(torch.float64))
    cut = values.numel() * torch.finfo(torch.float64).eps * values.max()
    roots = torch.where(values > cut, values, torch.zeros_like(values)).sqrt()
    return vectors * roots, roots


def _gaussian(index: str, mean: Any, covariance: Any) -> tuple[Tensor, Tensor]:
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


def _same_dimension(m1: Tensor, m2: Tensor) -> None:
    if m1.shape != m2.shape:
        raise ValueError(
            "m1 and m2 must have the same dimension, got shapes "
            f"{_checks.shape_text(m1)} and {_checks.shape_text(m2)}"
        )
