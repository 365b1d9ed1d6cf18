"""Two photographs, and the colours in a picture."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite._draws import Randomness, as_generator

#: Height and width of both photographs as they come.
_FULL_SIZE = (427, 640)


def picture(name: str, height: int | None = None) -> Tensor:
    r"""One of the two colour photographs of scikit-learn, without a download.

    It is scaled down by averaging over areas: each new pixel is the mean of the old pixels that it
    covers, and a pixel on its border counts with the fraction that is covered. So the mean colour
    of the picture does not change. The numbers are the sRGB values of the file, not linear
    intensities.

    Args:
        name: ``"china"``, a summer palace under a blue sky, or ``"flower"``, an orange dahlia.
            Photographs by danielbuechele (https://www.flickr.com/photos/danielbuechele/) and by
            vultilion (https://www.flickr.com/photos/vultilion/), both under the licence CC BY 2.0
            (https://creativecommons.org/licenses/by/2.0/): a page that shows one must name author
            and licence, and say that the picture was scaled.
        height: number of rows, at most 427; where None, the original size of 427 x 640 pixels.

    Returns:
        (H, W, 3) red, green and blue in float64, from 0 to 1, rows from the top; W is H times
        640 / 427, to the nearest whole number.

    Raises:
        ValueError: if the name is unknown or the height is not from 1 to 427.
        TypeError: if the height is not a whole number.

    Source: :cite:t:`pedregosa_2011`. Chapter: 3, 4.

    Example:
        >>> picture("flower", height=60).shape
        torch.Size([60, 90, 3])
    """
    full_height, full_width = _FULL_SIZE
    name = _checks.choice("name", name, ("china", "flower"))
    height = full_height if height is None else _checks.count("height", height)
    if height > full_height:
        raise ValueError(
            f"height must be {full_height} at most, the photograph's own, got {height}"
        )
    width = max(round(height * full_width / full_height), 1)
    with torch.device("cpu"):
        image = _photograph(name).to(torch.float64) / 255.0
        rows, columns = _averages(full_height, height), _averages(full_width, width)
        scaled = torch.einsum("ih,hwc,jw->ijc", rows, image, columns).clamp(0.0, 1.0)
    return _checks.moved(scaled, torch.get_default_device())


@lru_cache(maxsize=2)
def _photograph(name: str) -> Tensor:
    import sklearn.datasets
    from PIL import Image

    path = Path(sklearn.datasets.__file__).parent / "images" / f"{name}.jpg"
    with Image.open(path) as file:
        return torch.from_numpy(np.array(file.convert("RGB")))


def _averages(old: int, new: int) -> Tensor:
    """(new, old) matrix of means: entry (i, h) is the part of new cell i that old cell h fills."""
    start = torch.arange(new, dtype=torch.float64)[:, None] * (old / new)
    pixel = torch.arange(old, dtype=torch.float64)
    overlap = torch.minimum(start + old / new, pixel + 1.0) - torch.maximum(start, pixel)
    return overlap.clamp(min=0.0) * (new / old)


def palette(image: Any, k: int, generator: Randomness = None) -> Tensor:
    """The colours of ``k`` different pixels of a picture, drawn at random.

    They are points in the colour cube [0, 1]^3, and a sample of the picture's palette: the
    distribution of its colours, without regard to where in the picture they occur.

    Args:
        image: (H, W, 3) colours, or (n, 3).
        k: number of colours, at most the number of pixels.
        generator: a ``torch.Generator``, a seed, or None.

    Returns:
        (k, 3) colours in the type of the image, in random order.

    Raises:
        ValueError: if the image has another shape, an entry that is not finite, or fewer than k
            pixels.
        TypeError: if an argument has the wrong type.

    Chapter: 3, 4.

    Example:
        >>> palette(picture("china", height=40), 100, generator=0).shape
        torch.Size([100, 3])
    """
    image = _checks.tensor("image", image)
    if image.ndim not in (2, 3) or image.shape[-1] != 3 or image.numel() == 0:
        raise ValueError(
            f"image must have shape (H, W, 3) or (n, 3), got {_checks.shape_text(image)}"
        )
    colours = image.reshape(-1, 3)
    k = _checks.count("k", k)
    if k > colours.shape[0]:
        raise ValueError(f"k must be {colours.shape[0]} at most, one for each pixel, got {k}")
    generator = as_generator(generator)
    device = generator.device if generator is not None else colours.device
    order = torch.randperm(colours.shape[0], generator=generator, device=device)
    return colours[order[:k].to(colours.device)]
