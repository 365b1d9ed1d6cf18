"""Transport between Gaussians for the squared cost."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.transport.closed_forms._gaussian import (
    GaussianTransport,
    factor,
    gaussian,
    same_dimension,
)


def bures_wasserstein(m1: Any, S1: Any, m2: Any, S2: Any) -> Tensor:
    r"""The optimal transport cost between two Gaussians for the cost :math:`\|x - y\|^2`.

    .. math::
        W_2^2 = \|m_1 - m_2\|^2 + \operatorname{tr} S_1 + \operatorname{tr} S_2
                - 2 \operatorname{tr} (S_1^{1/2} S_2 S_1^{1/2})^{1/2} .

    This is the **cost** (a squared distance, never halved). It is computed in float64 as
    ``|m1 - m2|^2 + |L1 - L2 Q|_F^2`` with any factors ``S = L L^T`` and the best orthogonal matrix
    Q: a sum of squares, in which nothing cancels when the two Gaussians are close.

    Covariances may be singular. The cost is differentiable in the means, and in a covariance where
    it is positive definite. At a singular covariance the derivative is infinite in some directions,
    and the derivative along the range of the covariance is returned.

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
    with _checks.beside(m1, S1, m2, S2):
        m1, S1 = gaussian("1", m1, S1)
        m2, S2 = gaussian("2", m2, S2)
    m1, S1, m2, S2 = _checks.common(m1, S1, m2, S2)
    same_dimension(m1, m2)
    return (m1 - m2).square().sum() + GaussianTransport.apply(S1, S2, 0.0)


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
    with _checks.beside(m1, S1, m2, S2):
        m1, S1 = gaussian("1", m1, S1)
        m2, S2 = gaussian("2", m2, S2)
    m1, S1, m2, S2 = (v.detach() for v in _checks.common(m1, S1, m2, S2))
    same_dimension(m1, m2)
    L1, roots = factor(S1)
    if float(roots.min()) == 0.0:
        raise ValueError("S1 must be positive definite, got a singular matrix")
    L2, _ = factor(S2)
    U, sigma, _ = torch.linalg.svd(L1.T @ L2)
    # L1 has orthogonal columns of lengths `roots`, so that this is its inverse times U.
    B = (L1 / roots.square()) @ U
    A = (B * sigma) @ B.T
    return A.to(S1.dtype), (m2 - A.to(m2.dtype) @ m1)
