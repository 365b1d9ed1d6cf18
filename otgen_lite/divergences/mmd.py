"""Maximum mean discrepancy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.divergences.base import Penalty, in_full_precision

#: The scales of the multi-scale kernel, as factors of the kernel's own scale.
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

#: Up to this dimension float64 codes are subtracted coordinate by coordinate.
_DIRECT_UP_TO = 8

KERNELS = ("imq", "rbf", "multi")


class MMD(Penalty):
    r"""The squared maximum mean discrepancy.

    .. math::
        D(Q, P) = \mathbb{E}\, k(Z, Z') + \mathbb{E}\, k(Y, Y') - 2\, \mathbb{E}\, k(Z, Y),
        \qquad Z, Z' \sim Q,\ Y, Y' \sim P \text{ independent}

    It is 0 only where Q = P, for each of the kernels:

    - ``"imq"``, the inverse multiquadric :math:`k(x, y) = C / (C + \|x-y\|^2)`;
    - ``"rbf"``, the Gaussian :math:`k(x, y) = \exp(-\|x-y\|^2 / C)`, whose gradient vanishes at
      codes that are far from all others;
    - ``"multi"``, the sum of the inverse multiquadrics with the scales C times .1, .2, .5, 1, 2, 5,
      10, as in the code of :cite:t:`tolstikhin_2018`; its largest value is 7.

    The U-statistic leaves out the pairs of a point with itself. Its mean is D, so that at equality,
    where D = 0, it takes negative values too. The V-statistic keeps these pairs: it is never
    negative, and its mean exceeds D by about :math:`(k(x,x) - \mathbb{E} k) (1/n + 1/m)`.

    Args:
        kernel: ``"imq"``, ``"rbf"`` or ``"multi"``.
        scale: C > 0, in the square of the codes' unit. Where None it is 2 d, the mean of
            :math:`\|Y-Y'\|^2` under a standard Gaussian prior.
        statistic: ``"u"`` or ``"v"``.

    Raises:
        ValueError: if a name is unknown, ``scale <= 0``, or a sample has a single point and the
            statistic is ``"u"``.

    Source: :cite:t:`gretton_2012`, :cite:t:`tolstikhin_2018`. Chapter: 10, 12.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> p = torch.randn(500, 2, generator=generator, dtype=torch.float64)
        >>> q = torch.randn(500, 2, generator=generator, dtype=torch.float64)
        >>> abs(float(MMD()(q, p))) < 0.002
        True
        >>> float(MMD()(q + 1.0, p)) > 0.1
        True
    """

    def __init__(
        self, kernel: str = "imq", scale: float | None = None, statistic: str = "u"
    ) -> None:
        super().__init__()
        self.kernel = _checks.choice("kernel", kernel, KERNELS)
        self.statistic = _checks.choice("statistic", statistic, ("u", "v"))
        self.scale = None if scale is None else _checks.positive("scale", scale)

    def extra_repr(self) -> str:
        """The options, as ``repr`` shows them."""
        return f"{self.kernel!r}, scale={self.scale}, statistic={self.statistic!r}"

    @in_full_precision
    def forward(self, q: Tensor, p: Tensor, noise: Mapping[str, Tensor] | None = None) -> Tensor:
        """The squared discrepancy of (n, d) codes ``q`` and (m, d) codes ``p``: 0-d."""
        n, m = len(q), len(p)
        within_q, within_p = self._sum(q, q), self._sum(p, p)
        between = self._sum(q, p) / (n * m)
        if self.statistic == "v":
            return within_q / (n * n) + within_p / (m * m) - 2.0 * between
        if min(n, m) < 2:
            raise ValueError(
                f"the U-statistic needs at least two points in q and in p, got {n} and {m}; "
                'statistic="v" works with one'
            )
        top = float(len(SCALES)) if self.kernel == "multi" else 1.0
        within_q = (within_q - n * top) / (n * (n - 1))
        within_p = (within_p - m * top) / (m * (m - 1))
        return within_q + within_p - 2.0 * between

    def _sum(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of k over all pairs."""
        scale = 2.0 * x.shape[-1] if self.scale is None else self.scale
        if self.kernel == "imq":
            return scale * _squared(x, y, scale).reciprocal().sum()
        squared = _squared(x, y)
        if self.kernel == "rbf":
            return torch.exp(squared / -scale).sum()
        if not squared.requires_grad:  # codes of the prior among themselves
            scales = [factor * scale for factor in SCALES]
            return torch.stack([c * (squared + c).reciprocal().sum() for c in scales]).sum()
        total: Tensor = _MultiScale.apply(squared, scale)[0]
        return total


class _MultiScale(torch.autograd.Function):
    """The sum of the seven kernels over all pairs, with the slope made on the way there.

    Left to itself, the derivative goes over the pairs twenty times more.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(squared: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        total, slope = squared.new_zeros(()), torch.zeros_like(squared)
        for factor in SCALES:
            one = (squared + factor * scale).reciprocal()
            total = total + factor * scale * one.sum()
            slope = torch.addcmul(slope, one, one, value=-factor * scale)
        return total, slope

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Any, ...]) -> None:
        ctx.scale = inputs[1]
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(inputs[0], output[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any) -> tuple[Tensor, None]:
        squared, slope = ctx.saved_tensors
        if torch.is_grad_enabled():  # A derivative of the derivative is asked for.
            slope = -sum(f * ctx.scale * (squared + f * ctx.scale) ** -2 for f in SCALES)
        return grad * slope, None


def _squared(x: Tensor, y: Tensor, more: float = 0.0) -> Tensor:
    """(n, m) squared distances plus a number, in one product: the cost is in passes over pairs.

    The product is one of float64: its rounding far from the centre is then below that of the
    float32 codes themselves. Each pair of sets has its own centre. In a few dimensions
    float64 codes are subtracted, which nothing rounds; in many they must be within 1e6 of one
    another, in units of the kernel.
    """
    if x.dtype == torch.float64 and x.shape[-1] <= _DIRECT_UP_TO:
        columns = zip(x.unbind(-1), y.unbind(-1), strict=True)
        total = torch.stack([(xk[:, None] - yk).square() for xk, yk in columns]).sum(dim=0)
        return total + more
    dtype = x.dtype
    x, y = x.to(_checks.wide(x.device)), y.to(_checks.wide(y.device))
    centre = (x.detach().mean(dim=0) + y.detach().mean(dim=0)) / 2
    x, y = x - centre, y - centre
    x2, y2 = (v.square().sum(dim=1, keepdim=True) for v in (x, y))
    left = torch.cat([x, x2 + more, torch.ones_like(x2)], dim=1)
    right = torch.cat([-2.0 * y, torch.ones_like(y2), y2], dim=1)
    return (left @ right.T).clamp(min=more).to(dtype)
