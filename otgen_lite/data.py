"""Data: measures in the plane that one can look at, and real handwritten digits.

Every toy draws ``n`` points from an explicit ``generator`` or seed, so that the same seed gives the
same points. ``generator=None`` draws from torch's own generator, which this package never seeds.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks

#: A torch generator, a seed, or None.
Randomness = torch.Generator | int | None


def eight_gaussians(
    n: int,
    generator: Randomness = None,
    *,
    radius: float = 2.0,
    std: float = 0.05,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Eight round Gaussians on a circle, equally likely.

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
    draw = _Draw(n, generator, dtype)
    std = _checks.number("std", std, at_least=0.0)
    angle = draw.integers(8) * (math.pi / 4)
    return radius * _on_circle(angle) + std * draw.normal(2)


def two_moons(
    n: int, generator: Randomness = None, *, std: float = 0.05, dtype: torch.dtype | None = None
) -> Tensor:
    """Two half circles of radius 1 that reach into one another, with Gaussian noise.

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
    draw = _Draw(n, generator, dtype)
    std = _checks.number("std", std, at_least=0.0)
    lower = draw.integers(2)
    sign = (1.0 - 2.0 * lower)[:, None]
    moon = sign * _on_circle(math.pi * draw.uniform())
    centre = torch.stack([lower - 0.5, 0.5 * lower - 0.25], dim=1)
    return moon + centre + std * draw.normal(2)


def pinwheel(
    n: int,
    generator: Randomness = None,
    *,
    arms: int = 5,
    twist: float = 0.25,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Long Gaussians around the origin, twisted into the arms of a wheel.

    Args:
        n: number of points.
        generator: a ``torch.Generator``, a seed, or None.
        arms: number of arms.
        twist: how fast an arm turns with its distance from the origin, times e in radians.
        dtype: floating type; torch's default where None.

    Returns:
        (n, 2) points, nearly all within 4 of the origin.

    Example:
        >>> pinwheel(5, generator=0).shape
        torch.Size([5, 2])
    """
    draw = _Draw(n, generator, dtype)
    arms = _checks.count("arms", arms)
    twist = _checks.number("twist", twist)
    arm = draw.integers(arms) * (2 * math.pi / arms)
    noise = draw.normal(2)
    along, across = 1.0 + 0.3 * noise[:, 0], 0.1 * noise[:, 1]
    angle = arm + twist * torch.exp(along)
    cos, sin = angle.cos(), angle.sin()
    return 2.0 * torch.stack([along * cos - across * sin, along * sin + across * cos], dim=1)


def checkerboard(
    n: int, generator: Randomness = None, *, dtype: torch.dtype | None = None
) -> Tensor:
    """Uniform on the eight black squares of a 4 x 4 board over [-2, 2]^2.

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
    draw = _Draw(n, generator, dtype)
    square = draw.integers(8)
    column = torch.div(square, 2, rounding_mode="floor")
    row = 2.0 * (square % 2) + column % 2
    inside = torch.stack([draw.uniform(), draw.uniform()], dim=1)
    return torch.stack([column, row], dim=1) + inside - 2.0


def rings(
    n: int, generator: Randomness = None, *, std: float = 0.05, dtype: torch.dtype | None = None
) -> Tensor:
    """Two circles of radius 1 and 2 around the origin, equally likely, with Gaussian noise.

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
    draw = _Draw(n, generator, dtype)
    std = _checks.number("std", std, at_least=0.0)
    radius = 1.0 + draw.integers(2)
    return radius[:, None] * _on_circle(2 * math.pi * draw.uniform()) + std * draw.normal(2)


def swiss_roll(
    n: int, generator: Randomness = None, *, std: float = 0.05, dtype: torch.dtype | None = None
) -> Tensor:
    """A spiral of one and a half turns, uniform in its angle, with Gaussian noise.

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
    draw = _Draw(n, generator, dtype)
    std = _checks.number("std", std, at_least=0.0)
    turn = 1.5 * math.pi * (1.0 + 2.0 * draw.uniform())
    radius = turn * (2.0 / (4.5 * math.pi))
    return radius[:, None] * _on_circle(turn) + std * draw.normal(2)


def digits(*, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor]:
    """The handwritten digits that come with scikit-learn: real, small, and offline.

    Args:
        dtype: floating type of the images; torch's default where None.

    Returns:
        images (1797, 8, 8) with ink from 0 (paper) to 1, and labels (1797,) from 0 to 9.

    Source: :cite:t:`alpaydin_1998`. Chapter: 1.

    Example:
        >>> images, labels = digits()
        >>> images.shape, labels[:4].tolist()
        (torch.Size([1797, 8, 8]), [0, 1, 2, 3])
    """
    images, labels = _digits()
    return images.to(dtype or torch.get_default_dtype(), copy=True), labels.clone()


@lru_cache(maxsize=1)
def _digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return torch.from_numpy(bunch.images) / 16.0, torch.from_numpy(bunch.target).long()


def image_to_measure(image: Any) -> tuple[Tensor, Tensor]:
    """An image as a probability measure: its ink, at the centres of the pixels that have some.

    Args:
        image: (height, width) ink, non-negative, with some ink in it.

    Returns:
        weights (k,) with sum 1 and points (k, 2). The unit of length is a pixel; the first
        coordinate runs to the right, the second upwards, and the lower left pixel is the origin.
        Pixels come row by row, from the top left.

    Raises:
        ValueError: if the image has another shape, no ink, or negative or infinite ink.
        TypeError: if it is not an array of real numbers.

    Chapter: 1.

    Example:
        >>> weights, points = image_to_measure([[0.0, 3.0], [1.0, 0.0]])
        >>> weights
        tensor([0.7500, 0.2500], dtype=torch.float64)
        >>> points
        tensor([[1., 1.],
                [0., 0.]], dtype=torch.float64)
    """
    image = _checks.matrix("image", image)
    low = float(image.detach().min())
    if low < 0:
        raise ValueError(f"image must be non-negative ink, got {low:.6g}")
    total = image.sum()
    if total.item() <= 0:
        raise ValueError("image must hold some ink, got an empty sheet")
    row, column = (image > 0).nonzero(as_tuple=True)
    points = torch.stack([column, image.shape[0] - 1 - row], dim=1).to(image.dtype)
    return image[row, column] / total, points


class _Draw:
    """``n`` independent draws at a time, from one source of randomness."""

    def __init__(self, n: int, generator: Randomness, dtype: torch.dtype | None) -> None:
        self.n = _checks.count("n", n)
        if isinstance(generator, int) and not isinstance(generator, bool):
            generator = torch.Generator().manual_seed(generator)
        if generator is not None and not isinstance(generator, torch.Generator):
            raise TypeError(
                f"generator must be a torch.Generator, a seed or None, got {generator!r}"
            )
        dtype = dtype or torch.get_default_dtype()
        if not dtype.is_floating_point:
            raise TypeError(f"dtype must be a floating type, got {dtype}")
        self.generator = generator
        self.kind: dict[str, Any] = {
            "generator": generator,
            "dtype": dtype,
            "device": generator.device if generator is not None else "cpu",
        }

    def normal(self, d: int) -> Tensor:
        return torch.randn(self.n, d, **self.kind)

    def uniform(self) -> Tensor:
        return torch.rand(self.n, **self.kind)

    def integers(self, k: int) -> Tensor:
        """Whole numbers 0, …, k - 1 in the floating type."""
        return torch.randint(k, (self.n,), **self.kind)


def _on_circle(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()], dim=1)
