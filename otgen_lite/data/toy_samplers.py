"""Samplers of toy distributions in the plane."""

from __future__ import annotations

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite._draws import Randomness
from otgen_lite.data import _toy_maps
from otgen_lite.data._draw import Draw


def eight_gaussians(
    n: int,
    generator: Randomness = None,
    *,
    radius: float = 2.0,
    std: float = 0.05,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Draw from a mixture of eight equally likely isotropic Gaussians, centred on a circle.

    Args:
        n: number of points.
        generator: a ``torch.Generator``, a seed, or None.
        radius: radius of the circle.
        std: standard deviation of each Gaussian, in each coordinate.
        dtype: floating type; torch's default where None.

    Returns:
        (n, 2) points.

    Chapter: 1, 2, 5.

    Example:
        >>> eight_gaussians(5, generator=0).shape
        torch.Size([5, 2])
    """
    draw = Draw(n, generator, dtype)
    std = _checks.number("std", std, at_least=0.0)
    return _toy_maps.eight_gaussians(draw.integers(8), draw.normal(2), radius=radius, std=std)


def two_moons(
    n: int, generator: Randomness = None, *, std: float = 0.05, dtype: torch.dtype | None = None
) -> Tensor:
    """Draw from two interlocking half circles of radius 1, with Gaussian noise.

    Args:
        n: number of points.
        generator: a ``torch.Generator``, a seed, or None.
        std: standard deviation of the noise.
        dtype: floating type; torch's default where None.

    Returns:
        (n, 2) points around the origin.

    Example:
        >>> two_moons(5, generator=0).shape
        torch.Size([5, 2])
    """
    draw = Draw(n, generator, dtype)
    std = _checks.number("std", std, at_least=0.0)
    lower, along = draw.integers(2), draw.uniform()
    return _toy_maps.two_moons(lower, along) + std * draw.normal(2)


def pinwheel(
    n: int,
    generator: Randomness = None,
    *,
    arms: int = 5,
    twist: float = 0.25,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Draw from elongated Gaussians around the origin that are twisted into the arms of a pinwheel.

    Args:
        n: number of points.
        generator: a ``torch.Generator``, a seed, or None.
        arms: number of arms.
        twist: strength of the twist: the point 2a of a straight arm turns by ``twist * exp(a)``
            radians.
        dtype: floating type; torch's default where None.

    Returns:
        (n, 2) points, nearly all within 4 of the origin.

    Example:
        >>> pinwheel(5, generator=0).shape
        torch.Size([5, 2])
    """
    draw = Draw(n, generator, dtype)
    arms = _checks.count("arms", arms)
    twist = _checks.number("twist", twist)
    return _toy_maps.pinwheel(draw.integers(arms), draw.normal(2), arms=arms, twist=twist)


def checkerboard(
    n: int, generator: Randomness = None, *, dtype: torch.dtype | None = None
) -> Tensor:
    """Draw uniformly from the eight black squares of a 4 x 4 board over [-2, 2]^2.

    Args:
        n: number of points.
        generator: a ``torch.Generator``, a seed, or None.
        dtype: floating type; torch's default where None.

    Returns:
        (n, 2) points.

    Example:
        >>> checkerboard(5, generator=0).abs().max() <= 2
        tensor(True)
    """
    draw = Draw(n, generator, dtype)
    square = draw.integers(8)
    return _toy_maps.checkerboard(square, torch.stack([draw.uniform(), draw.uniform()], dim=1))


def rings(
    n: int, generator: Randomness = None, *, std: float = 0.05, dtype: torch.dtype | None = None
) -> Tensor:
    """Draw from two equally likely circles of radius 1 and 2 around the origin, with noise.

    Args:
        n: number of points.
        generator: a ``torch.Generator``, a seed, or None.
        std: standard deviation of the noise.
        dtype: floating type; torch's default where None.

    Returns:
        (n, 2) points.

    Example:
        >>> rings(5, generator=0).shape
        torch.Size([5, 2])
    """
    draw = Draw(n, generator, dtype)
    std = _checks.number("std", std, at_least=0.0)
    ring, along = draw.integers(2), draw.uniform()
    return _toy_maps.rings(ring, along) + std * draw.normal(2)


def swiss_roll(
    n: int, generator: Randomness = None, *, std: float = 0.05, dtype: torch.dtype | None = None
) -> Tensor:
    """Draw from a spiral of one and a half turns, uniform in its angle, with Gaussian noise.

    Args:
        n: number of points.
        generator: a ``torch.Generator``, a seed, or None.
        std: standard deviation of the noise.
        dtype: floating type; torch's default where None.

    Returns:
        (n, 2) points, within about 2 of the origin.

    Example:
        >>> swiss_roll(5, generator=0).shape
        torch.Size([5, 2])
    """
    draw = Draw(n, generator, dtype)
    std = _checks.number("std", std, at_least=0.0)
    return _toy_maps.swiss_roll(draw.uniform()) + std * draw.normal(2)
