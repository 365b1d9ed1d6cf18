"""Two moments."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from otgen_lite.divergences.base import Penalty, in_full_precision


class MomentMatching(Penalty):
    r"""The squared distance of means and of covariances.

    .. math::
        D(Q, P) = \|m_Q - m_P\|^2 + \|\Sigma_Q - \Sigma_P\|_F^2

    with the moments of the two samples, covariances divided by n and m. It sees nothing beyond two
    moments: 0 does not mean equal. WAE's code prepares its encoder in this way.

    Source: :cite:t:`tolstikhin_2018`. Chapter: 10, 12.

    Example:
        >>> import torch
        >>> p = torch.tensor([[-1.0], [1.0]])
        >>> float(MomentMatching()(2.0 * p + 3.0, p))  # 3^2 + (4 - 1)^2
        18.0
    """

    @in_full_precision
    def forward(self, q: Tensor, p: Tensor, noise: Mapping[str, Tensor] | None = None) -> Tensor:
        """The distance for (n, d) codes ``q`` and (m, d) codes ``p``: 0-d."""
        means = (q.mean(dim=0) - p.mean(dim=0)).square().sum()
        return means + (_covariance(q) - _covariance(p)).square().sum()


def _covariance(x: Tensor) -> Tensor:
    x = x - x.mean(dim=0)
    return x.T @ x / len(x)
