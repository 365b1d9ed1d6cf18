"""Entropic transport between Gaussians, and where entropy makes a model collapse."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.transport.closed_forms._gaussian import (
    GaussianTransport,
    gaussian,
    pair,
    regularisation,
    same_dimension,
    slopes,
)


def entropic_gaussian(m1: Any, S1: Any, m2: Any, S2: Any, eps: Any) -> Tensor:
    r"""The entropic transport cost of :math:`\|x - y\|^2` between two Gaussians.

    .. math::
        \mathrm{OT}_\varepsilon
        = \min_P \int \|x - y\|^2 dP + \varepsilon\, \mathrm{KL}(P \,|\, \alpha \otimes \beta)
        = \|m_1 - m_2\|^2 + \operatorname{tr} S_1 + \operatorname{tr} S_2 - \operatorname{tr} D
          + \tfrac{\varepsilon}{2} \Big( d + \log \det
            \tfrac{1}{\varepsilon} \big(D + \tfrac{\varepsilon}{2} I\big) \Big),
        \qquad
        D = \big( 4 S_1^{1/2} S_2 S_1^{1/2} + \tfrac{\varepsilon^2}{4} I \big)^{1/2} .

    The squared cost is not halved, and the entropy is relative to the product of the two Gaussians.
    Among plans with given second moments the Gaussian one has the least KL. So the optimal plan is
    Gaussian, and only its cross-covariance is left to be optimised
    (:func:`entropic_gaussian_plan`). The value is computed in float64 as a sum of squares and
    positive terms, in which nothing cancels.

    Covariances may be singular: a Dirac is ``S = 0``. Differentiable in the means; in both
    covariances for eps > 0, singular or not; and in ``eps`` where that is a tensor (the derivative
    is the KL of the plan). For eps = 0 the value is :func:`bures_wasserstein`; for eps → ∞ it tends
    to the cost of the product coupling, ``|m1 - m2|^2 + tr S1 + tr S2``.

    Args:
        m1: (d,) mean, or a number.
        S1: (d, d) covariance, symmetric and positive semi-definite; for d = 1 a number, the
            **variance**.
        m2: (d,) mean.
        S2: (d, d) covariance.
        eps: regularisation >= 0, in the squared unit of the points.

    Returns:
        0-d tensor in the common type of the arguments, in the squared unit of the points.

    Raises:
        ValueError: if shapes do not match, a number is not finite, ``eps < 0``, or a covariance is
            not symmetric and positive semi-definite.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`janati_2020`, :cite:t:`mallasto_2022`. Chapter: 3.

    Example:
        >>> entropic_gaussian(0.0, 1.0, 3.0, 4.0, eps=0.0)
        tensor(10., dtype=torch.float64)
        >>> entropic_gaussian(0.0, 1.0, 3.0, 4.0, eps=1.0)
        tensor(11.2244, dtype=torch.float64)
    """
    m1, S1, m2, S2 = _two_gaussians(m1, S1, m2, S2)
    return (m1 - m2).square().sum() + GaussianTransport.apply(S1, S2, _eps("eps", eps, S1))


def entropic_gaussian_plan(m1: Any, S1: Any, m2: Any, S2: Any, eps: Any) -> Tensor:
    r"""The cross-covariance of the optimal entropic plan between two Gaussians.

    .. math::
        K = \int (x - m_1)(y - m_2)^\top dP
          = \tfrac12 S_1^{1/2} D S_1^{-1/2} - \tfrac{\varepsilon}{4} I ,

    with D as in :func:`entropic_gaussian`. The plan is the Gaussian with mean (m1, m2) and
    covariance ``[[S1, K], [K^T, S2]]``. K is computed without the inverse, so that covariances may
    be singular. At eps = 0 it is the limit for eps → 0, which is ``S1 A`` with the optimal map A of
    :func:`gaussian_map` where that exists; for eps → ∞ it tends to 0. The result carries no
    gradient.

    Args:
        m1: (d,) mean, or a number.
        S1: (d, d) covariance, symmetric and positive semi-definite; for d = 1 the variance.
        m2: (d,) mean.
        S2: (d, d) covariance.
        eps: regularisation >= 0, in the squared unit of the points.

    Returns:
        (d, d) tensor whose entry (i, j) is the covariance of coordinate i of x and j of y.

    Raises:
        ValueError: as :func:`entropic_gaussian`.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`janati_2020`. Chapter: 3.

    Example:
        >>> entropic_gaussian_plan(0.0, 1.0, 3.0, 4.0, eps=0.0)
        tensor([[2.]], dtype=torch.float64)
        >>> entropic_gaussian_plan(0.0, 1.0, 3.0, 4.0, eps=1.0)
        tensor([[1.7656]], dtype=torch.float64)
    """
    _, S1, _, S2 = _two_gaussians(m1, S1, m2, S2)
    B1, s, B2 = pair(S1, S2)
    correlation = s * slopes(s, regularisation(_eps("eps", eps, S1), B1, B2))
    return ((B1 * correlation) @ B2.T).to(S1.dtype)


def sinkhorn_divergence_gaussian(m1: Any, S1: Any, m2: Any, S2: Any, eps: Any) -> Tensor:
    r"""The Sinkhorn divergence of :math:`\|x - y\|^2` between two Gaussians.

    .. math::
        S_\varepsilon(\alpha, \beta) = \mathrm{OT}_\varepsilon(\alpha, \beta)
        - \tfrac12 \mathrm{OT}_\varepsilon(\alpha, \alpha)
        - \tfrac12 \mathrm{OT}_\varepsilon(\beta, \beta) .

    It is never negative, and 0 only for equal Gaussians, up to rounding. For eps → 0 it tends to
    :func:`bures_wasserstein`, for eps → ∞ to ``|m1 - m2|^2``. It is differentiable in the same
    arguments as :func:`entropic_gaussian`.

    Args:
        m1: (d,) mean, or a number.
        S1: (d, d) covariance, symmetric and positive semi-definite; for d = 1 the variance.
        m2: (d,) mean.
        S2: (d, d) covariance.
        eps: regularisation >= 0, in the squared unit of the points.

    Returns:
        0-d tensor in the common type of the arguments, in the squared unit of the points.

    Raises:
        ValueError: as :func:`entropic_gaussian`.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`feydy_2019`, :cite:t:`janati_2020`. Chapter: 3.

    Example:
        >>> sinkhorn_divergence_gaussian(0.0, 1.0, 3.0, 4.0, eps=1.0)
        tensor(9.9923, dtype=torch.float64)
        >>> sinkhorn_divergence_gaussian(0.0, 4.0, 0.0, 4.0, eps=1.0)
        tensor(0., dtype=torch.float64)
    """
    m1, S1, m2, S2 = _two_gaussians(m1, S1, m2, S2)
    e = _eps("eps", eps, S1)
    own = GaussianTransport.apply(S1, S1, e) + GaussianTransport.apply(S2, S2, e)
    return (m1 - m2).square().sum() + GaussianTransport.apply(S1, S2, e) - own / 2


def entropic_fit_scale(b: Any, eps: Any) -> Tensor:
    r"""The scale that entropic transport prefers: :math:`s = \sqrt{(b^2 - \varepsilon/2)_+}`.

    It minimises :math:`\mathrm{OT}_\varepsilon(N(0, s^2), N(0, b^2))` over s for the cost
    :math:`|x - y|^2`. So a Gaussian model that is fitted by entropic transport comes out too
    narrow, and from eps = 2 b² on it collapses to a point. With
    ``delta = (4 s^2 b^2 + eps^2 / 4)^(1/2)`` the derivative in s² is
    ``1 - 2 b^2 / (delta + eps / 2)``; it is 0 where ``delta = 2 b^2 - eps / 2``, and squaring this
    gives s² = b² − eps/2. The Sinkhorn divergence has its minimum at s = b for every eps.

    Args:
        b: standard deviation of the data, >= 0: a number or an array.
        eps: regularisation >= 0, in the squared unit of b; broadcast against ``b``.

    Returns:
        A tensor of standard deviations of the best model, 0-d for two numbers.

    Raises:
        ValueError: if an entry is negative or not finite, or shapes do not broadcast.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`rigollet_weed_2018` (the minimiser over all models is deconvolution).
    Chapter: 3.

    Example:
        >>> entropic_fit_scale(1.0, [0.0, 0.72, 2.0, 5.0])
        tensor([1.0000, 0.8000, 0.0000, 0.0000], dtype=torch.float64)
    """
    with _checks.beside(b, eps):
        b, eps = _checks.common(_non_negative("b", b), _non_negative("eps", eps))
    b, eps = _broadcast("b", b, "eps", eps)
    half = (eps / 2).sqrt()
    # (b - h)(b + h): no cancellation of squares. The root is taken of positive numbers only, so
    # that the derivative is 0 and not NaN where the model is a point.
    rest = (b - half) * (b + half)
    positive = rest > 0
    root = torch.where(positive, rest, torch.ones_like(rest)).sqrt()
    return torch.where(positive, root, torch.zeros_like(rest))


def entropic_collapse_eps(points: Any, weights: Any = None) -> Tensor:
    r"""The critical regularisation, from which on the Dirac mass at the mean is locally stable.

    .. math::
        \varepsilon_c = 2 \Lambda_{\max}(\operatorname{Cov}) ,

    for the cost :math:`\|x - y\|^2`, where Cov is the covariance of β (divided by n, not by n - 1)
    and :math:`\Lambda_{\max}` its largest eigenvalue. When
    :math:`\mathrm{OT}_\varepsilon(\alpha, \beta)` is minimised over all models α, the Dirac at the
    mean of β is stable under small perturbations if and only if eps >= eps_c. This is necessary for
    the model to collapse, but not sufficient: another model may still be better. For Gaussian data
    the collapse happens exactly there (:func:`entropic_fit_scale`).

    Args:
        points: (n, d) points of the data β.
        weights: (n,) weights, non-negative with sum 1; uniform where None.

    Returns:
        0-d tensor, in the squared unit of the points.

    Raises:
        ValueError: if the points have another shape or an entry that is not finite, or weights are
            negative or do not sum to 1.
        TypeError: if an argument has the wrong type.

    Chapter: 3.

    Example:
        >>> triangle = [[0.0, 0.3], [0.0, 0.7], [2**-0.5, 0.5]]
        >>> entropic_collapse_eps(triangle)
        tensor(0.2222, dtype=torch.float64)
    """
    x = _checks.points("points", points)
    w = _checks.weights("weights", weights, x.shape[0], like=x)
    w = w / w.sum()
    wide = x.to(torch.float64)
    centred = wide - w @ wide
    return (2 * torch.linalg.eigvalsh(centred.T @ (w[:, None] * centred))[-1]).to(x.dtype)


def entropic_dipole(theta: Any, eps: Any = 0.0) -> Tensor:
    r"""The entropic transport cost between two pairs of opposite points on the unit circle.

    .. math::
        \mathrm{OT}_\varepsilon = 2 - \varepsilon \log \cosh \frac{2 \cos\theta}{\varepsilon},
        \qquad \mathrm{OT}_0 = 2 - 2 |\cos\theta| ,

    for :math:`\tfrac12 \delta_u + \tfrac12 \delta_{-u}`, u = (cos θ, sin θ), against
    :math:`\tfrac12 \delta_{e_1} + \tfrac12 \delta_{-e_1}` and the cost :math:`\|x - y\|^2`. The two
    costs are 2 ∓ 2 cos θ, and by symmetry the potentials are constant. As a function of θ, the cost
    without entropy has a kink at θ = π/2, where both pairings are optimal; for eps > 0 it is
    smooth.

    Args:
        theta: angle in radians: a number or an array.
        eps: regularisation >= 0; broadcast against ``theta``.

    Returns:
        A tensor of values, 0-d for two numbers; differentiable (at the kink the derivative is 0).

    Raises:
        ValueError: if an entry is not finite, ``eps < 0``, or shapes do not broadcast.
        TypeError: if an argument has the wrong type.

    Chapter: 3, 6.

    Example:
        >>> entropic_dipole([0.0, 1.0], eps=0.5)
        tensor([0.3464, 1.2594], dtype=torch.float64)
    """
    with _checks.beside(theta, eps):
        theta, eps = _checks.common(_checks.tensor("theta", theta), _non_negative("eps", eps))
    theta, eps = _broadcast("theta", theta, "eps", eps)
    gain = (2 * theta.cos()).abs()
    soft = torch.where(eps > 0, eps, torch.ones_like(eps))
    # eps log cosh(t / eps) = |t| - eps log 2 + eps log(1 + exp(-2 |t| / eps)).
    rest = soft * (torch.log1p(torch.exp(-2 * gain / soft)) - math.log(2.0))
    return 2 - gain - torch.where(eps > 0, rest, torch.zeros_like(rest))


def _two_gaussians(m1: Any, S1: Any, m2: Any, S2: Any) -> tuple[Tensor, ...]:
    with _checks.beside(m1, S1, m2, S2):
        m1, S1 = gaussian("1", m1, S1)
        m2, S2 = gaussian("2", m2, S2)
    same_dimension(m1, m2)
    return _checks.common(m1, S1, m2, S2)


def _eps(name: str, value: Any, like: Tensor) -> Tensor:
    """A number >= 0 as a 0-d float64 tensor, with its graph where it has one."""
    number = _checks.number(name, value, at_least=0.0)
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.reshape(()).to(device=like.device, dtype=torch.float64)
    return torch.tensor(number, dtype=torch.float64, device=like.device)


def _non_negative(name: str, value: Any) -> Tensor:
    out = _checks.tensor(name, value)
    if out.numel() and float(out.detach().min()) < 0:
        raise ValueError(f"{name} must be >= 0, got {float(out.detach().min()):.6g}")
    return out


def _broadcast(first: str, x: Tensor, second: str, y: Tensor) -> tuple[Tensor, Tensor]:
    try:
        x, y = torch.broadcast_tensors(x, y)
    except RuntimeError:
        raise ValueError(
            f"{first} and {second} must have shapes that broadcast, got "
            f"{_checks.shape_text(x)} and {_checks.shape_text(y)}"
        ) from None
    return x, y
