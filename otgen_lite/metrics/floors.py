"""The sampling floor: what samples of the true distribution score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks


@dataclass(frozen=True)
class Floor:
    """Values of a metric on samples of the true distribution.

    Attributes:
        mean: mean over the repeats.
        sd: standard deviation of a single repeat (the sum of squares is divided by repeats - 1).
        values: the value of each repeat.

    Chapter: 5, and every later chapter that measures a model.
    """

    mean: float
    sd: float
    values: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.mean:.4g} ± {self.sd:.2g} ({len(self.values)} draws)"


def floor(
    metric: Callable[..., float],
    sampler: Callable[[int, torch.Generator], Tensor],
    n: int,
    *,
    repeats: int = 10,
    seed: int = 0,
    **options: Any,
) -> Floor:
    """The sampling floor of a metric: its values on independent samples of the true distribution.

    It is what a perfect model would score. A model whose score is near the floor cannot be told
    from the truth by this metric at this n, and a difference between two models that is much
    smaller than ``sd`` is no evidence that they differ.

    Args:
        metric: a function of samples, ``metric(samples, **options) -> float``.
        sampler: draws from the true distribution, ``sampler(n, generator) -> samples``.
        n: number of samples, the same as for the model.
        repeats: number of independent draws, at least 2.
        seed: seed of the generator of all draws, which is on torch's default device.
        **options: passed on to the metric, for example ``reference=...``.

    Returns:
        :class:`Floor`: mean, standard deviation of one draw, and the values.

    Raises:
        ValueError: if ``n < 1`` or ``repeats < 2``.
        TypeError: if ``metric`` or ``sampler`` is not callable.

    Chapter: 5, and every later chapter that measures a model.

    Example:
        >>> from otgen_lite import data, metrics
        >>> ring = data.toy("eight_gaussians")
        >>> f = floor(metrics.share_within, ring.sample, 1000, modes=ring.modes, std=ring.std)
        >>> bool(f.mean > 0.998)
        True
    """
    for name, value in (("metric", metric), ("sampler", sampler)):
        if not callable(value):
            raise TypeError(f"{name} must be callable, got {value!r}")
    n, repeats = _checks.count("n", n), _checks.count("repeats", repeats, at_least=2)
    generator = torch.Generator(torch.get_default_device())
    generator.manual_seed(_checks.seed("seed", seed))
    found = [float(metric(sampler(n, generator), **options)) for _ in range(repeats)]
    values = torch.tensor(found, dtype=torch.float64, device="cpu")
    return Floor(float(values.mean()), float(values.std()), tuple(found))
