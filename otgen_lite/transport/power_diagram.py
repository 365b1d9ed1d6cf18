"""Power diagrams in the plane: the cells of semi-discrete transport as polygons."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks


def power_cells(y: Any, psi: Any, box: Any) -> list[Tensor]:
    r"""The power cells of atoms in the plane, clipped to a box or a convex polygon.

    .. math:: L_j = \{x : \|x - y_j\|^2 - \psi_j \le \|x - y_k\|^2 - \psi_k \ \forall k\} .

    Args:
        y: (N, 2) atoms.
        psi: (N,) potential.
        box: ((x0, x1), (y0, y1)), or the corners (k, 2) of a convex polygon with k >= 3.

    Returns:
        a list of N polygons (k, 2), counter-clockwise; (0, 2) where a cell is empty.

    Example:
        >>> cells = power_cells([[0.25, 0.5], [0.75, 0.5]], [0.0, 0.0], ((0, 1), (0, 1)))
        >>> [len(cell) for cell in cells]
        [4, 4]
    """
    y = _checks.points("y", y)
    psi = _checks.vector("psi", psi, y.shape[0], "one entry for each atom")
    corners = np.asarray(box, dtype=float)
    if corners.shape == (2, 2):
        (x0, x1), (y0, y1) = corners
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    points, heights = y.detach().double().numpy(), psi.detach().double().numpy()
    out = []
    for j in range(len(points)):
        cell = corners
        for k in range(len(points)):
            if k != j and len(cell):
                normal = 2 * (points[k] - points[j])
                level = points[k] @ points[k] - points[j] @ points[j] - heights[k] + heights[j]
                cell = _clip(cell, normal, level)
        out.append(torch.from_numpy(cell).to(y))
    return out


def _clip(polygon: np.ndarray, normal: np.ndarray, level: float) -> np.ndarray:
    """The part of a convex polygon where normal . x <= level."""
    side = polygon @ normal - level
    if (side <= 0).all():
        return polygon
    kept = []
    for i in range(len(polygon)):
        j = (i + 1) % len(polygon)
        if side[i] <= 0:
            kept.append(polygon[i])
        if (side[i] <= 0) != (side[j] <= 0):
            t = side[i] / (side[i] - side[j])
            kept.append(polygon[i] + t * (polygon[j] - polygon[i]))
    return np.array(kept).reshape(-1, 2)
