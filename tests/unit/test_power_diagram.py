"""Power cells: areas, the argmin rule, degenerate atoms, and what may not be asked."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

import otgen_lite as otg

BOX = ((0.0, 1.0), (0.0, 1.0))


def area(polygon: torch.Tensor) -> float:
    p = polygon.numpy()
    q = np.roll(p, -1, axis=0)
    return float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum() / 2)


def depth(polygon: torch.Tensor, x: np.ndarray) -> np.ndarray:
    """How far points are inside a counter-clockwise polygon; negative outside."""
    p = polygon.numpy()
    side = np.roll(p, -1, axis=0) - p
    side = side / np.linalg.norm(side, axis=1, keepdims=True)
    away = x[:, None, :] - p
    return (side[:, 0] * away[..., 1] - side[:, 1] * away[..., 0]).min(axis=1)


def atoms(n: int, spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((n, 2)), spread * rng.random(n)


@pytest.mark.parametrize(("n", "spread"), [(1, 0.0), (2, 0.0), (3, 0.1), (60, 0.0), (300, 0.01)])
@pytest.mark.parametrize("box", [BOX, ((-2.0, 3.0), (0.2, 0.6)), [[0, 0], [2, 0], [1, 2], [0, 1]]])
def test_cells_tile_the_box_by_the_argmin_rule(n: int, spread: float, box: object) -> None:
    y, psi = atoms(n, spread)
    cells = otg.power_cells(y, psi, box)
    hull = np.array(box, dtype=float)
    if hull.shape == (2, 2):
        hull = np.array([[x, z] for x in hull[0] for z in hull[1]])[[0, 2, 3, 1]]
    whole = area(torch.from_numpy(hull))
    assert sum(area(c) for c in cells) == pytest.approx(whole, rel=1e-12)
    x = np.random.default_rng(1).random((2000, 2)) * np.ptp(hull, axis=0) + hull.min(axis=0)
    x = x[depth(torch.from_numpy(hull), x) > 0]
    winner = (((x[:, None] - y) ** 2).sum(axis=2) - psi).argmin(axis=1)
    for j, cell in enumerate(cells):
        if len(cell):
            inside = depth(cell, x)
            assert (inside[winner == j] > -1e-9).all()
            assert (inside[winner != j] < 1e-9).all()
        else:
            assert not (winner == j).any()


def test_cells_of_the_class_are_these() -> None:
    y, psi = atoms(40, 0.02)
    x = torch.rand(3000, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    sd = otg.SemiDiscrete(y, psi=psi)
    cells = otg.power_cells(y, sd.psi, BOX)
    for j, index in enumerate(sd.cells(x)[:300]):
        assert depth(cells[index], x[j : j + 1].numpy())[0] > -1e-9
    exact = torch.tensor([area(c) for c in cells])
    assert (sd.masses(x) - exact).abs().max() < 5 * (0.1 / 3000) ** 0.5


def test_empty_cells_and_a_constant_do_not_matter() -> None:
    y, psi = atoms(50, 0.05)
    psi[7] = -5.0
    cells = otg.power_cells(y, psi, BOX)
    assert cells[7].shape == (0, 2)
    for cell, shifted in zip(cells, otg.power_cells(y, psi + 3.0, BOX), strict=True):
        torch.testing.assert_close(cell, shifted, rtol=0, atol=1e-12)
    alone = np.delete(np.arange(50), 7)
    for cell, j in zip(otg.power_cells(y[alone], psi[alone], BOX), alone, strict=True):
        torch.testing.assert_close(cell, cells[j], rtol=0, atol=1e-12)


def test_atoms_on_a_line_a_grid_and_a_circle() -> None:
    n = 12
    line = np.column_stack([(np.arange(n) + 0.5) / n, np.full(n, 0.3)])
    assert [round(area(c), 12) for c in otg.power_cells(line, np.zeros(n), BOX)] == [
        round(1 / n, 12)
    ] * n
    grid = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n] * 2), axis=-1).reshape(-1, 2)
    for cell in otg.power_cells(grid, np.zeros(n * n), BOX):
        assert area(cell) == pytest.approx(1 / n**2, rel=1e-9)
    angle = 2 * np.pi * np.arange(8) / 8
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    octants = [area(c) for c in otg.power_cells(circle, np.zeros(8), ((-1, 1), (-1, 1)))]
    assert sum(octants) == pytest.approx(4.0, rel=1e-12)
    assert octants[0::2] == pytest.approx([octants[0]] * 4, rel=1e-9)


def test_far_from_the_origin_and_in_other_units() -> None:
    y, psi = atoms(100, 0.01)
    cells = otg.power_cells(y, psi, BOX)
    scaled = otg.power_cells(1e-6 * y, 1e-12 * psi, ((0.0, 1e-6), (0.0, 1e-6)))
    moved = otg.power_cells(y + 1000.0, psi, ((1000.0, 1001.0), (1000.0, 1001.0)))
    for cell, small, far in zip(cells, scaled, moved, strict=True):
        torch.testing.assert_close(1e6 * small, cell, rtol=0, atol=1e-9)
        assert area(far - 1000.0) == pytest.approx(area(cell), abs=1e-9)


def test_types_and_orientation() -> None:
    y, psi = atoms(5, 0.0)
    cells = otg.power_cells(torch.from_numpy(y).float(), psi, [[0, 0], [0, 1], [1, 1], [1, 0]])
    assert all(c.dtype == torch.float32 and area(c) > 0 for c in cells)


@pytest.mark.parametrize(
    ("y", "psi", "box", "message"),
    [
        ([[0.0, 0.0, 0.0]], [0.0], BOX, "y must have shape (N, 2), got (1, 3)"),
        ([[0.0, 0.0]], [0.0, 1.0], BOX, "psi must have shape (1,), one entry for each atom"),
        ([[0.0, 0.0]], [float("nan")], BOX, "psi must hold finite numbers, got one that is nan"),
        ([[0.1, 0.2], [0.5, 0.5], [0.1, 0.2]], [0.0, 0.0, 1.0], BOX,
         "y must hold distinct atoms, got y[0] equal to y[2]"),
        ([[0.0, 0.0]], [0.0], ((1.0, 0.0), (0.0, 1.0)), "with x0 < x1 and y0 < y1, got"),
        ([[0.0, 0.0]], [0.0], [[0.0, 1.0]], "box must have shape (2, 2), or (k, 2)"),
        ([[0.0, 0.0]], [0.0], [[0, 0], [2, 0], [0.5, 0.5], [0, 2]], "box must be a convex polygon"),
        ([[0.0, 0.0]], [0.0], [[0, 0], [1, 1], [1, 0], [0, 1]], "box must be a convex polygon"),
    ],
)  # fmt: skip
def test_bad_input(y: object, psi: object, box: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        otg.power_cells(y, psi, box)
