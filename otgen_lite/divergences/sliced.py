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
    r"""The mean cost of transport along random lines.

    .. math::
        D(Q, P) = \mathbb{E}\, W_p^p\big(\langle\theta, \cdot\rangle_\# Q,\
            \langle\theta, \cdot\rangle_\# P\big)

    Here θ is uniform on the sphere. It is a cost, not its root. On a line the optimal plan pairs
    equal quantiles, so a sort solves the problem exactly, for samples of equal and of unequal
    size. A shift by a costs :math:`\|a\|^2 / d` for p = 2: lines share the distance between d
    coordinates. The samples' own fluctuation adds a bias, which is never negative.

    Args:
        n_projections: lines drawn for each value.
        p: the exponent >= 1.

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
        return f"{self.n_projections}, p={self.p:g}"

    def noise(self, q: Tensor, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """The directions, (n_projections, d) of length 1, the same for the whole batch."""
        shape = (self.n_projections, q.shape[-1])
        lines = normal(shape, generator, q)
        return {"shared_lines": lines / lines.norm(dim=1, keepdim=True)}

    @in_full_precision
    def forward(self, q: Tensor, p: Tensor, noise: Mapping[str, Tensor] | None = None) -> Tensor:
        """The cost between (n, d) codes ``q`` and (m, d) codes ``p``: 0-d."""
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
    """Which ranks of n and of m equal atoms meet in the monotone plan, and with how much mass."""
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
