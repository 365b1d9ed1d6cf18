"""Moment matching."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from otgen_lite.divergences.base import Penalty, in_full_precision


class MomentMatching(Penalty):
    r"""Moment matching: the squared distance between the means plus that between the covariances.

    .. math::
        D(Q, P) = \|m_Q - m_P\|^2 + \|\Sigma_Q - \Sigma_P\|_F^2

    with the means and covariances of the two samples; the covariances are divided by n and m, and
    :math:`\|\cdot\|_F` is the Frobenius norm. Because it compares only two moments, 0 does not mean
    that Q = P. The code of :cite:t:`tolstikhin_2018` pre-trains its encoder with this penalty.

    Source: :cite:t:`tolstikhin_2018`. Chapter: 8, 10.

    Example:
        >>> import torch
        >>> p = torch.tensor([[-1.0], [1.0]])
        >>> float(MomentMatching()(2.0 * p + 3.0, p))  # 3^2 + (4 - 1)^2
        18.0
    """

    @in_full_precision
    def forward(self, q: Tensor, p: Tensor, noise: Mapping[str, Tensor] | None = None) -> Tensor:
        """The penalty for (n, d) codes ``q`` and (m, d) codes ``p``: 0-d."""
        means = (q.mean(dim=0) - p.mean(dim=0)).square().sum()
        return means + (_covariance(q) - _covariance(p)).square().sum()


def _covariance(x: Tensor) -> Tensor:
    x = x - x.mean(dim=0)
    return x.T @ x / len(x)
