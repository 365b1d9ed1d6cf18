"""Sharpness of images."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from otgen_lite import _checks
from otgen_lite.metrics import _image_scale

#: The discrete Laplacian.
LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))

#: Weights of red, green and blue in grey (ITU-R BT.601).
GREY = (0.299, 0.587, 0.114)


def sharpness(images: Any) -> float:
    r"""The sharpness of images: the variance of the Laplacian of each image, averaged over images.

    Each image is converted to grey and convolved with the 3 x 3 Laplacian (0 1 0; 1 -4 1; 0 1 0),
    without padding; the variance is taken over the pixels of **one** image (divided by their
    number). This is the measure in the code of the Wasserstein auto-encoder. It is a second moment:
    noise raises it just as edges do, and pixel values multiplied by a factor multiply it by the
    square of that factor. The true distribution does not maximise it, so a model should match the
    number of the data, not exceed it.

    Args:
        images: (n, h, w), (n, 1, h, w) or (n, 3, h, w) with h, w >= 3; colours are red, green,
            blue. Bytes (uint8) are divided by 255.

    Returns:
        The mean variance, in the squared unit of the ink. The handwritten digits with ink in [0, 1]
        have 1.0344.

    Raises:
        ValueError: if the shape is none of these or a number is not finite.
        TypeError: if it is not an array of real numbers, or is one of whole numbers that are not
            bytes.

    Source: :cite:t:`tolstikhin_2018`. Chapter: 10, 11, 14.

    Example:
        >>> from otgen_lite.data import digits
        >>> round(sharpness(digits()[0]), 4)
        1.0344
    """
    grey = _grey(images)
    kernel = torch.tensor(LAPLACIAN, dtype=torch.float64, device=grey.device)
    edges = conv2d(grey, kernel[None, None])
    return float(edges.flatten(1).var(dim=1, correction=0).mean())


def _grey(images: Any) -> Tensor:
    """Grey images (n, 1, h, w) in float64."""
    x = _image_scale.images("images", images).detach().to(torch.float64)
    if x.ndim == 3:
        x = x[:, None]
    if x.ndim != 4 or x.shape[1] not in (1, 3) or min(x.shape[2:]) < 3 or len(x) == 0:
        raise ValueError(
            "images must have shape (n, h, w), (n, 1, h, w) or (n, 3, h, w) with n >= 1 and "
            f"h, w >= 3, got {_checks.shape_text(x)}"
        )
    if x.shape[1] == 3:
        x = torch.einsum("c,nchw->nhw", torch.tensor(GREY).to(x), x)[:, None]
    return x
