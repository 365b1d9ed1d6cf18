"""Maximum mean discrepancy of large samples, block by block."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import cost_matrix
from otgen_lite.divergences.mmd import KERNELS, SCALES
from otgen_lite.metrics.transport import _points

#: Entries of the kernel matrix held at once.
_BLOCK = 1 << 22


def mmd(
    samples: Any,
    reference: Any,
    kernel: str = "imq",
    scale: float | None = None,
    statistic: str = "u",
) -> float:
    r"""The squared maximum mean discrepancy (MMD) of two samples, in float64.

    .. math:: \mathbb{E} k(x, x') + \mathbb{E} k(y, y') - 2\, \mathbb{E} k(x, y)

    The kernels are those of the penalty :class:`~otgen_lite.MMD`, under the same names. The samples
    may be of any size, because pairs are read in blocks.

    Args:
        samples: (n, d) points.
        reference: (m, d) points.
        kernel: ``"imq"``, C / (C + r^2) with the distance r of two points; ``"rbf"``, exp(-r^2 /
            C); or ``"multi"``, the sum of the ``"imq"`` kernels with C times .1, .2, .5, 1, 2, 5,
            10.
        scale: C > 0, in the squared unit of the points; where None, twice the trace of the
            reference's covariance, which is the mean squared distance of two of its points.
        statistic: ``"u"``, unbiased, so that for two independent samples of the same distribution
            the mean is 0 and values may be negative; or ``"v"``, biased and never negative. The
            points of a stratified reference avoid one another, which lowers the mean of ``"u"`` a
            little below 0: see :func:`floor`.

    Returns:
        The squared discrepancy, without unit.

    Raises:
        ValueError: if shapes do not match, a number is not finite, a name is unknown,
            ``scale <= 0``, or a sample has a single point where ``statistic="u"``.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`gretton_2012`, :cite:t:`tolstikhin_2018`. Chapter: 10.

    Example:
        >>> round(mmd([[0.0]], [[1.0]], scale=1.0, statistic="v"), 6)
        1.0
    """
    x, y = _points(samples, reference)
    _checks.choice("kernel", kernel, KERNELS)
    _checks.choice("statistic", statistic, ("u", "v"))
    if statistic == "u" and min(len(x), len(y)) < 2:
        raise ValueError(
            "samples and reference must hold at least two points each for the U-statistic, got "
            f"{len(x)} and {len(y)}"
        )
    C = _spread(y) if scale is None else _checks.positive("scale", scale)
    if not 0.0 < C < math.inf:
        raise ValueError(
            "reference must be points that differ where scale is None, because their spread is the "
            f"kernel's scale, got {len(y)} with a spread of {C:g}; give scale, a number > 0"
        )
    parts = [_mean(a, b, kernel, C) for a, b in ((x, x), (y, y), (x, y))]
    if statistic == "u":
        top = float(len(SCALES)) if kernel == "multi" else 1.0
        parts[:2] = [(len(p) * v - top) / (len(p) - 1) for p, v in zip((x, y), parts, strict=False)]
    return parts[0] + parts[1] - 2.0 * parts[2]


def _spread(y: Tensor) -> float:
    """The mean squared distance of two independent draws from the points."""
    return 2.0 * float((y - y.mean(dim=0)).square().sum(dim=1).mean())


def _mean(x: Tensor, y: Tensor, kernel: str, C: float) -> float:
    """The mean of the kernel over all pairs."""
    total = 0.0
    for block in x.split(max(1, _BLOCK // len(y))):
        squared = cost_matrix(block, y)
        if kernel == "rbf":
            total += float(torch.exp(-squared / C).sum())
        else:
            factors = SCALES if kernel == "multi" else (1.0,)
            total += sum(float((f * C / (f * C + squared)).sum()) for f in factors)
    return total / (len(x) * len(y))
