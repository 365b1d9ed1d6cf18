"""Handwritten digits, and images as measures."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks


def digits(*, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor]:
    """The 1,797 handwritten digits of scikit-learn, 8 x 8 pixels each, without a download.

    Args:
        dtype: floating type of the images; torch's default where None.

    Returns:
        images (1797, 8, 8) with ink from 0 (paper) to 1, and labels (1797,) from 0 to 9.

    Raises:
        TypeError: if ``dtype`` is not a floating-point type, because integers cannot hold grey
            values.

    Licence: CC BY 4.0, according to the UCI Machine Learning Repository; the images are part of
    scikit-learn, not of this package.

    Source: :cite:t:`alpaydin_1998`. Chapter: 1.

    Example:
        >>> images, labels = digits()
        >>> images.shape, labels[:4].tolist()
        (torch.Size([1797, 8, 8]), [0, 1, 2, 3])
    """
    dtype = _checks.floating(dtype)
    images, labels = _digits()
    home = torch.get_default_device()
    return images.to(dtype, copy=True).to(home), labels.to(home, copy=True)


@lru_cache(maxsize=1)
def _digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return torch.from_numpy(bunch.images) / 16.0, torch.from_numpy(bunch.target).long()


def image_to_measure(image: Any) -> tuple[Tensor, Tensor]:
    """Turn an image into a discrete probability measure: its ink, at the centres of its pixels.

    Args:
        image: (height, width) non-negative amounts of ink, not all of them zero.

    Returns:
        weights (k,) with sum 1 and points (k, 2). The unit of length is a pixel; the first
        coordinate runs to the right, the second upwards, and the lower left pixel is the origin.
        Pixels are listed row by row, from the top left.

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
