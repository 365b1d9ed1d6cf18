"""Power diagrams in the plane: the cells of semi-discrete transport as polygons."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks


def power_cells(y: Any, psi: Any, box: Any) -> list[Tensor]:
    r"""The power (Laguerre) cells of atoms in the plane, clipped to a box or a convex polygon.

    .. math::
        L_j = \{x : \|x - y_j\|^2 - \psi_j \le \|x - y_k\|^2 - \psi_k \text{ for all } k\} .

    These are the cells of :class:`SemiDiscrete` for the squared cost and eps = 0. A cell is an
    intersection of half-planes, one for each neighbour. Two atoms are neighbours if an edge of the
    lower convex hull of the points (y_j, \|y_j\|^2 - psi_j) in space joins them; Qhull finds this
    hull. Each cell is then clipped in float64, so that the areas sum to that of the box up to
    rounding.

    Args:
        y: (N, 2) atoms, no two equal.
        psi: (N,) Kantorovich potential, in the square of the unit of y.
        box: ((x0, x1), (y0, y1)) with x0 < x1 and y0 < y1, or the corners (k, 2) of a convex
            polygon in order, k >= 3.

    Returns:
        A list of N polygons (k_j, 2), counter-clockwise, in the type of ``y`` and on its device;
        (0, 2) where the cell has no interior in the box.

    Raises:
        ValueError: if shapes do not match, a number is not finite, two atoms are equal, or the box
            is empty or not convex.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`aurenhammer_1987`. Chapter: 4.

    Example:
        >>> left, right = power_cells([[0.25, 0.5], [0.75, 0.5]], [0.1, 0.0], ((0, 1), (0, 1)))
        >>> left
        tensor([[0.0000, 0.0000],
                [0.6000, 0.0000],
                [0.6000, 1.0000],
                [0.0000, 1.0000]], dtype=torch.float64)
    """
    atoms = _checks.points("y", y)
    if atoms.shape[1] != 2:
        raise ValueError(f"y must have shape (N, 2), got {_checks.shape_text(atoms)}")
    height = _checks.vector("psi", psi, atoms.shape[0], "one entry for each atom")
    corners = _corners(box)
    centre = corners.mean(axis=0)
    scale = float(np.abs(corners - centre).max())
    points = (_numbers(atoms) - centre) / scale
    heights, corners = _numbers(height) / scale**2, (corners - centre) / scale
    _refuse_duplicates(points)
    cells = []
    for j, neighbours in enumerate(_neighbours(points, heights, corners)):
        cell = _cell(j, neighbours, points, heights, corners) * scale + centre
        cells.append(torch.from_numpy(cell.reshape(-1, 2)).to(atoms))
    return cells


def _numbers(value: Tensor) -> np.ndarray:
    return value.detach().to(device="cpu", dtype=torch.float64).numpy()


def _corners(box: Any) -> np.ndarray:
    """The corners of the box, counter-clockwise."""
    corners = _numbers(_checks.matrix("box", box))
    if corners.shape == (2, 2):
        (x0, x1), (y0, y1) = corners
        if not (x0 < x1 and y0 < y1):
            raise ValueError(
                f"box must be ((x0, x1), (y0, y1)) with x0 < x1 and y0 < y1, got {corners.tolist()}"
            )
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    if corners.shape[1] != 2 or corners.shape[0] < 3:
        raise ValueError(
            f"box must have shape (2, 2), or (k, 2) with k >= 3 for a polygon, got {corners.shape}"
        )
    side = np.roll(corners, -1, axis=0) - corners
    turn = _cross(side, np.roll(side, -1, axis=0))
    angle = np.arctan2(turn, (side * np.roll(side, -1, axis=0)).sum(axis=1)).sum()
    if turn.min() < 0 < turn.max() or not np.isclose(abs(angle), 2 * np.pi):
        raise ValueError(
            "box must be a convex polygon with its corners in order, got one that is not"
        )
    return corners if angle > 0 else corners[::-1].copy()


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def _refuse_duplicates(points: np.ndarray) -> None:
    order = np.lexsort(points.T)
    same = np.flatnonzero((points[order][1:] == points[order][:-1]).all(axis=1))
    if same.size:
        first, second = sorted(order[same[0] : same[0] + 2].tolist())
        raise ValueError(f"y must hold distinct atoms, got y[{first}] equal to y[{second}]")


def _neighbours(points: np.ndarray, heights: np.ndarray, corners: np.ndarray) -> list[np.ndarray]:
    """For each atom those that may share an edge with it; itself where its cell is empty.

    Three more atoms stand around all the others, so low that their cells miss the box. With them
    no set of atoms is degenerate, not even points on one line.
    """
    from scipy.spatial import ConvexHull

    n = len(points)
    reach = 4 * max(1.0, float(np.abs(points).max()))
    angles = np.pi * np.array([0.5, 7 / 6, 11 / 6])
    around = 2 * reach * np.column_stack([np.cos(angles), np.sin(angles)])
    far = ((np.abs(corners).max() + np.abs(points)) ** 2).sum(axis=1) - heights
    low = np.full(3, -1.0 - float(far.max()))
    sites = np.concatenate([points, around])
    lifted = np.square(sites).sum(axis=1) - np.concatenate([heights, low])
    lifted -= lifted.min()
    spread = max(float(lifted.max()), 1e-300)
    hull = ConvexHull(np.column_stack([sites, lifted * (reach / spread)]))
    lower = hull.simplices[hull.equations[:, 2] < 0]
    pairs = np.concatenate([lower[:, [0, 1]], lower[:, [1, 2]], lower[:, [2, 0]]])
    pairs = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    seen = np.zeros(len(sites), dtype=bool)
    seen[pairs[:, 0]] = True
    pairs = pairs[(pairs < n).all(axis=1)]
    groups = np.split(pairs[:, 1], np.searchsorted(pairs[:, 0], np.arange(1, n)))
    return [group if seen[j] else np.array([j]) for j, group in enumerate(groups)]


def _cell(
    j: int, neighbours: np.ndarray, points: np.ndarray, heights: np.ndarray, corners: np.ndarray
) -> np.ndarray:
    """The corners of one cell, in the coordinates of the points."""
    polygon = corners
    # |x - y_j|^2 - psi_j <= |x - y_k|^2 - psi_k, with y_j as the origin: no squares that cancel.
    step = points[neighbours] - points[j]
    level = np.square(step).sum(axis=1) + heights[j] - heights[neighbours]
    for k, normal, bound in zip(neighbours, step, level, strict=True):
        if k == j:
            return np.empty((0, 2))
        polygon = _clip(polygon, (polygon - points[j]) @ (2 * normal) - bound)
        if len(polygon) < 3:
            return np.empty((0, 2))
    return polygon


def _clip(polygon: np.ndarray, side: np.ndarray) -> np.ndarray:
    """The part of a convex polygon where the affine function with these values is <= 0."""
    outside = side > 0
    if not outside.any():
        return polygon
    kept = []
    for i in range(len(polygon)):
        j = (i + 1) % len(polygon)
        if not outside[i]:
            kept.append(polygon[i])
        if side[i] * side[j] < 0:
            kept.append(polygon[i] + side[i] / (side[i] - side[j]) * (polygon[j] - polygon[i]))
    return np.array(kept).reshape(-1, 2)
