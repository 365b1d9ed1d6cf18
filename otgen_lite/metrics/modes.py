"""Modes: how many a sample covers, and how widely it is spread within them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.metrics import _image_scale


def share_within(samples: Any, modes: Any, std: float, k: float = 4.0) -> float:
    """The share of samples within ``k`` standard deviations of the nearest mode.

    For isotropic Gaussians in the plane the true distribution scores ``1 - exp(-k^2 / 2)``, which
    is 0.99966 at k = 4.

    Args:
        samples: (n, d) points.
        modes: (K, d) centres.
        std: standard deviation of a mode in each coordinate, > 0.
        k: radius in standard deviations, > 0.

    Returns:
        A number from 0 to 1.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or ``std`` or ``k`` is not > 0.
        TypeError: if an argument has the wrong type.

    Chapter: 5, 7, 12, 13.

    Example:
        >>> share_within([[0.1, 0.0], [0.0, 0.3]], [[0.0, 0.0]], std=0.05)
        0.5
    """
    _, _, inside = _nearest(samples, modes, std, k)
    return float(inside.double().mean())


def mode_coverage(
    samples: Any, modes: Any, std: float, k: float = 4.0, *, min_share: float = 0.25
) -> int:
    """The number of modes that a sample covers.

    A mode is covered if the samples within
    ``k`` standard deviations of it are at least ``min_share`` of its fair share of **all** samples.
    The fair share is one K-th: with eight modes and the defaults, a mode needs 1/32 of the samples.
    So neither a diffuse background nor a few stray samples cover a mode.

    Args:
        samples: (n, d) points.
        modes: (K, d) centres of equally likely modes.
        std: standard deviation of a mode in each coordinate, > 0.
        k: radius in standard deviations, > 0.
        min_share: fraction of the fair share that a mode needs, > 0 and at most 1.

    Returns:
        A whole number from 0 to K.

    Raises:
        ValueError: as :func:`share_within`, and if ``min_share`` is out of range.
        TypeError: if an argument has the wrong type.

    Chapter: 7, 13, 14.

    Example:
        >>> mode_coverage([[0.0], [0.1], [9.0]], [[0.0], [9.0], [20.0]], std=0.1)
        2
    """
    needed = _checks.positive("min_share", min_share)
    if needed > 1.0:
        raise ValueError(f"min_share must be a finite number in (0, 1], got {min_share!r}")
    x, nearest, inside = _nearest(samples, modes, std, k)
    n_modes = len(_checks.points("modes", modes))
    held = torch.bincount(nearest[inside], minlength=n_modes)
    return int((held >= needed * len(x) / n_modes).sum())


def within_mode_std(samples: Any, modes: Any, std: float, k: float = 4.0) -> float:
    r"""The standard deviation of samples within modes, per coordinate; a perfect model has ``std``.

    Samples within ``k`` standard deviations of a mode form one group for each mode. Their squared
    deviations from **the mean of their group** are pooled,

    .. math::
        s^2 = \frac{1}{\kappa} \, \frac{\sum_m \sum_{i \in m} \|x_i - \bar x_m\|^2}
                                       {d \sum_m (n_m - 1)} ,
        \qquad \kappa = \frac{\Pr(\chi^2_{d+2} \le k^2)}{\Pr(\chi^2_d \le k^2)} .

    The cut at k removes the tails of a Gaussian, and κ corrects for them: for isotropic Gaussians
    of the given ``std``, :math:`s^2` is an unbiased estimate of ``std``\ :sup:`2` (κ = 0.99732 for
    d = 2, k = 4). A wider distribution loses more by the cut: samples that fill the discs evenly
    score :math:`k\,\mathrm{std}/\sqrt{\kappa (d + 2)}`, which is 0.1001 for std = 0.05, and hardly
    any sample scores more. A mode that is sharp but off centre scores low here; its error shows in
    :func:`w2sq`.

    Args:
        samples: (n, d) points.
        modes: (K, d) centres.
        std: standard deviation of a mode in each coordinate, > 0.
        k: radius in standard deviations, > 0.

    Returns:
        The standard deviation in the unit of the points; NaN where no mode holds two samples.

    Raises:
        ValueError: as :func:`share_within`.
        TypeError: if an argument has the wrong type.

    Chapter: 5, 14.

    Example:
        >>> from otgen_lite.data import eight_gaussians, toy
        >>> ring = toy("eight_gaussians")
        >>> round(within_mode_std(ring.sample(20_000, 0), ring.modes, ring.std), 3)
        0.05
    """
    from scipy.stats import chi2

    x, nearest, inside = _nearest(samples, modes, std, k)
    x, nearest = x[inside], nearest[inside]
    n_modes, d = len(_checks.points("modes", modes)), x.shape[1]
    count = torch.bincount(nearest, minlength=n_modes)
    free = int((count[count > 0] - 1).sum())
    if free == 0:
        return math.nan
    total = x.new_zeros(n_modes, d).index_add_(0, nearest, x)
    mean = total / count.clamp(min=1)[:, None]
    squares = float((x - mean[nearest]).square().sum())
    kept = float(chi2.cdf(k**2, d + 2) / chi2.cdf(k**2, d))
    return math.sqrt(squares / (d * free) / kept)


def _nearest(samples: Any, modes: Any, std: float, k: float) -> tuple[Tensor, Tensor, Tensor]:
    """The samples (n, d) in float64, the number of the nearest mode, and whether it is near."""
    _image_scale.one_scale("samples", samples, "modes", modes)
    x, centres = _checks.points("samples", samples), _checks.points("modes", modes)
    radius = _checks.positive("k", k) * _checks.positive("std", std)
    if x.shape[1] != centres.shape[1]:
        raise ValueError(
            "samples and modes must be points of the same dimension, got shapes "
            f"{_checks.shape_text(x)} and {_checks.shape_text(centres)}"
        )
    x = x.detach().to(torch.float64)
    centres = centres.detach().to(x)
    mode = "donot_use_mm_for_euclid_dist"
    distance, nearest = torch.cdist(x, centres, compute_mode=mode).min(dim=1)
    return x, nearest, distance <= radius
