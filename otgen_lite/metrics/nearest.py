"""Novelty: distances of samples to the training data, in units of the data's own distances."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.costs import paired_cost
from otgen_lite.metrics import _image_scale

#: Entries of the distance matrix held at once.
_BLOCK = 1 << 22


def novelty(samples: Any, training: Any) -> float:
    r"""Mean distance from samples to the nearest training point, relative to that among the data.

    With :math:`N(x, A)` the Euclidean distance from x to the nearest point of A, samples
    :math:`x_1, \dots, x_n` and training points :math:`y_1, \dots, y_m`,

    .. math::
        \frac{\frac1n \sum_i N\bigl(x_i, \{y_1, \dots, y_m\}\bigr)}
             {\frac1m \sum_j N\bigl(y_j, \{y_k : k \ne j\}\bigr)} .

    It is 0 for copies of training points and about 1 for fresh data from the same distribution. (A
    fresh point has m possible neighbours and a training point only m - 1, so that fresh data score
    a little less than 1, by about one part in :math:`m d` if they fill d dimensions. Training
    points that occur twice have the opposite effect, because they lower only the denominator.) A
    value above 1 means that samples lie where there are no data, as noise does. A value below 1
    means that they lie nearer to the training data than data do: they are near copies, **or**
    averages of a few similar images, which lie between them. (An average of dissimilar images is
    far from all of them, so that strong blur scores above 1.) Therefore read it together with
    :func:`sharpness`, and compare it with what held-out data score.

    Args:
        samples: (n, ...) points or images; each is flattened.
        training: (m, ...) the data that the model was trained on, m >= 2, of the same size.

    Returns:
        The ratio, without unit, in float64.

    Raises:
        ValueError: if sizes do not match, a number is not finite, only one of the sets is bytes,
            ``training`` has fewer than two points, or each of its points occurs at least twice.
        TypeError: if an argument is not an array of real numbers.

    Chapter: 13, 14.

    Example:
        >>> grid = [[0.0], [1.0], [2.0], [3.0]]
        >>> novelty([[0.5], [1.5]], grid), novelty(grid, grid), novelty([[5.0]], grid)
        (0.5, 0.0, 2.0)
    """
    _image_scale.one_scale("samples", samples, "training", training)
    x, y = _flat("samples", samples), _flat("training", training)
    y = y.to(x.device)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            "samples and training must have the same size when flattened, got "
            f"{x.shape[1]} and {y.shape[1]} numbers each"
        )
    if len(y) < 2:
        raise ValueError(
            "training must hold at least two points, because the distance from each to the nearest "
            f"other one is the unit, got {len(y)}"
        )
    unit = float(_nearest(y, y, leave_out=True).mean())
    if unit == 0.0:
        raise ValueError(
            "training must hold a point that differs from all others, because the mean distance "
            f"to the nearest other one is the unit, got {len(y)} points where it is 0"
        )
    return float(_nearest(x, y).mean()) / unit


def _flat(name: str, value: Any) -> Tensor:
    """Points (n, d) in float64, detached."""
    x = _checks.tensor(name, value).detach().to(torch.float64)
    if x.ndim < 2 or x.numel() == 0:
        raise ValueError(
            f"{name} must have shape (n, ...) with at least one point, got {_checks.shape_text(x)}"
        )
    return x.flatten(1)


def _nearest(x: Tensor, y: Tensor, leave_out: bool = False) -> Tensor:
    """The distance (n,) from each x to the nearest y; to the nearest other row of the same set."""
    found, start = [], 0
    for block in x.split(max(1, _BLOCK // len(y))):
        far = torch.cdist(block, y)
        if leave_out:
            rows = torch.arange(len(block), device=x.device)
            far[rows, start + rows] = torch.inf
        start += len(block)
        # The matrix says which one is nearest, and its distance is measured: a copy is at 0.
        found.append(paired_cost(block, y[far.argmin(dim=1)], "euclidean"))
    return torch.cat(found)
