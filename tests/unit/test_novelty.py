"""Novelty: closed forms on grids, copies, fresh data, twins, and what it refuses."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

import otgen_lite as otg
from otgen_lite.metrics import novelty

DOUBLE = torch.float64


def normal(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def circle(n: int, seed: int) -> torch.Tensor:
    angle = 2 * torch.pi * torch.rand(n, generator=torch.Generator().manual_seed(seed)).double()
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def test_of_a_grid_it_is_the_distance_in_steps() -> None:
    axis = torch.arange(6, dtype=DOUBLE) * 0.3
    grid = torch.cartesian_prod(axis, axis, axis)
    for shift, expected in (((0.1, 0, 0), 1 / 3), ((0.15, 0.15, 0.15), math.sqrt(3) / 2)):
        assert novelty(grid + torch.tensor(shift, dtype=DOUBLE), grid) == pytest.approx(
            expected, rel=1e-9
        )
    assert novelty(grid[-1:] + torch.tensor([0.0, 0.0, 0.9], dtype=DOUBLE), grid) == pytest.approx(
        3.0
    )


def test_copies_score_exactly_zero_also_far_from_the_origin() -> None:
    data = normal(300, 20, 0) + 1e6
    assert novelty(data[torch.randperm(300)[:50]], data) == 0.0
    images, _ = otg.data.digits()
    assert novelty(images[::7], images) == 0.0


def test_a_second_implementation_agrees_also_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = normal(70, 12, 1), normal(90, 12, 2)
    own = cKDTree(y.numpy()).query(y.numpy(), k=2)[0][:, 1]
    expected = cKDTree(y.numpy()).query(x.numpy())[0].mean() / own.mean()
    assert novelty(x, y) == pytest.approx(expected, rel=1e-12)
    monkeypatch.setattr(sys.modules["otgen_lite.metrics.nearest"], "_BLOCK", 640)
    assert novelty(x, y) == pytest.approx(expected, rel=1e-12)


def test_fresh_data_score_one_in_the_limit_and_a_little_less_before() -> None:
    # On a circle the nearest of n arcs is 1 / (2 (n + 1)) of a turn away, so n / (n + 1) in all.
    n, tries = 8, 4000
    fresh, own = 0.0, 0.0
    for seed in range(tries):
        points = circle(n + 1, seed)
        alone = torch.cdist(points, points) + 9 * torch.eye(n + 1, dtype=DOUBLE)
        arc = 2 * (alone[0].min() / 2).asin() / (2 * math.pi)
        inner = 2 * (alone[1:, 1:].amin(dim=1) / 2).asin() / (2 * math.pi)
        fresh, own = fresh + float(arc) / tries, own + float(inner.mean()) / tries
    assert fresh / own == pytest.approx(n / (n + 1), abs=0.03)
    assert novelty(circle(20_000, 1), circle(1000, 2)) == pytest.approx(1.0, abs=0.06)
    assert novelty(normal(2000, 5, 1), normal(2000, 5, 2)) == pytest.approx(1.0, abs=0.03)


def test_halves_of_the_digits_noise_and_blur() -> None:
    images, _ = otg.data.digits()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    half, other = images[order[:898]], images[order[898:]]
    assert novelty(half, other) == pytest.approx(1.0, abs=0.03)
    noise = torch.rand(500, 8, 8, generator=torch.Generator().manual_seed(1))
    assert novelty(noise, other) > 2.0
    assert novelty(other + 0.04 * (noise[:1] - 0.5), other) < 0.3
    nearest = torch.cdist(half.flatten(1), other.flatten(1)).topk(4, largest=False).indices
    between = other[nearest].mean(dim=1)  # nobody's copy, and nearer than data are
    assert 0.5 < novelty(between, other) < 0.85
    assert novelty(other.mean(dim=0, keepdim=True), other) > 1.2  # of all of them: near to none


def test_twins_in_training_are_at_distance_zero() -> None:
    assert novelty([[0.5]], [[0.0], [0.0], [1.0], [3.0]]) == pytest.approx(0.5 / (3 / 4))
    for twins in ([[2.0], [2.0]], [[1.0], [1.0], [4.0], [4.0]]):
        with pytest.raises(ValueError, match="training must hold a point that differs"):
            novelty([[0.5]], twins)


def test_all_is_flattened_and_bytes_go_with_bytes() -> None:
    x, y = normal(5, 12, 1), normal(7, 12, 2)
    assert novelty(x.view(5, 3, 4), y.view(7, 1, 4, 3)) == novelty(x, y)
    assert isinstance(novelty(x.numpy(), y.tolist()), float)
    ink = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)
    assert novelty(ink, ink) == 0.0
    with pytest.raises(ValueError, match="samples and training must be on one scale"):
        novelty(ink, ink / 255.0)


@pytest.mark.parametrize(
    ("samples", "training", "message"),
    [
        ([[0.0]], [[1.0]], "training must hold at least two points, .* got 1"),
        ([[0.0]], [[1.0, 2.0], [0.0, 1.0]], "same size when flattened, got 1 and 2 numbers each"),
        ([0.0, 1.0], [[1.0], [2.0]], r"samples must have shape \(n, ...\) .* got \(2,\)"),
        (torch.zeros(0, 2), torch.zeros(3, 2), r"samples must .* got \(0, 2\)"),
        ([[math.nan]], [[1.0], [2.0]], "samples must hold finite numbers, got one that is nan"),
        ([[0.0]], [[1.0], [math.inf]], "training must hold finite numbers, got one that is inf"),
    ],
)
def test_what_it_refuses(samples: object, training: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        novelty(samples, training)
