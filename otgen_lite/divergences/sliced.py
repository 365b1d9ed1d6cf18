"""The sliced Wasserstein cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite._draws import normal
from otgen_lite.divergences.base import Penalty, in_full_precision


class SlicedWasserstein(Penalty):
    r"""The sliced Wasserstein cost: the mean transport cost between projections to random lines.

    .. math::
        D(Q, P) = \mathbb{E}\, W_p^p\big(\langle\theta, \cdot\rangle_\# Q,\
            \langle\theta, \cdot\rangle_\# P\big)

    Here θ is uniform on the unit sphere. D is a cost, not its p-th root. On a line the optimal plan
    pairs equal quantiles, so that sorting solves the problem exactly, also for samples of unequal
    sizes. For p = 2, a shift by a vector a costs :math:`\|a\|^2 / d`, because a random line sees on
    average only ``1 / d`` of the squared distance. Computed from samples, the value is biased: its
    mean is never below D.

    Args:
        n_projections: number of random lines at each evaluation.
        p: exponent >= 1 of the cost.

    Raises:
        ValueError: if ``n_projections < 1`` or ``p < 1``.

    Source: :cite:t:`kolouri_2019`, :cite:t:`bonneel_2015`. Chapter: 10.

    Example:
        >>> p = torch.zeros(4, 2, dtype=torch.float64)
        >>> generator = torch.Generator().manual_seed(0)
        >>> penalty = SlicedWasserstein(2000)
        >>> value = penalty(p + 1.0, p, penalty.noise(p, generator))  # shift by (1, 1): 2 / 2
        >>> abs(float(value) - 1.0) < 0.05
        True
    """

    def __init__(self, n_projections: int = 50, p: float = 2.0) -> None:
        super().__init__()
        self.n_projections = _checks.count("n_projections", n_projections)
        self.p = _checks.number("p", p, at_least=1.0)

    def extra_repr(self) -> str:
        """The options, as ``repr`` shows them."""
        return f"{self.n_projections}, p={self.p:g}"

    def noise(self, q: Tensor, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Random directions of length 1, (n_projections, d), the same for the whole batch."""
        shape = (self.n_projections, q.shape[-1])
        lines = normal(shape, generator, q)
        return {"shared_lines": lines / lines.norm(dim=1, keepdim=True)}

    @in_full_precision
    def forward(self, q: Tensor, p: Tensor, noise: Mapping[str, Tensor] | None = None) -> Tensor:
        """The cost for (n, d) codes ``q`` and (m, d) codes ``p``: 0-d, in the codes' unit^p."""
        lines = (self.noise(q) if noise is None else noise)["shared_lines"]
        left = torch.sort(lines @ q.T, dim=1).values
        right = torch.sort(lines @ p.T, dim=1).values
        if len(q) == len(p):
            return _power(left - right, self.p).mean()
        i, j, mass = quantile_pairs(len(q), len(p), left)
        return (_power(left[:, i] - right[:, j], self.p) * mass).sum(dim=1).mean()


def _power(difference: Tensor, p: float) -> Tensor:
    return difference.square() if p == 2.0 else difference.abs().pow(p)


def quantile_pairs(n: int, m: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of ranks of n and of m equal atoms in the monotone plan, and their masses."""
    # In units of 1 / (n m) every jump of both quantile functions is at a whole number.
    first, second = np.arange(1, n + 1) * m, np.arange(1, m + 1) * n
    ends = np.union1d(first, second)
    mass = np.diff(ends, prepend=0) / (n * m)
    i, j = np.searchsorted(first, ends), np.searchsorted(second, ends)
    return (
        torch.as_tensor(i, device=like.device),
        torch.as_tensor(j, device=like.device),
        torch.as_tensor(mass, dtype=like.dtype, device=like.device),  # rounded before it leaves
    )
