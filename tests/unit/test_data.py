"""The toys have the law that they say, the digits are the digits, the pictures the pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

import otgen_lite as otg

TOYS = [
    otg.data.eight_gaussians,
    otg.data.two_moons,
    otg.data.pinwheel,
    otg.data.checkerboard,
    otg.data.rings,
    otg.data.swiss_roll,
]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]

toys = pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.__name__)


@toys
@pytest.mark.parametrize("device", DEVICES)
def test_shape_type_and_place(toy, device: str) -> None:
    generator = torch.Generator(device).manual_seed(0)
    for n in (1, 7):
        x = toy(n, generator)
        assert x.shape == (n, 2)
        assert x.dtype == torch.get_default_dtype()
        assert x.device.type == device
        assert toy(n, generator, dtype=torch.float64).dtype == torch.float64


@toys
def test_the_same_seed_gives_the_same_points(toy) -> None:
    assert torch.equal(toy(50, 3), toy(50, 3))
    assert torch.equal(toy(50, 3), toy(50, torch.Generator().manual_seed(3)))
    assert not torch.equal(toy(50, 3), toy(50, 4))


@toys
def test_a_generator_moves_on_and_the_global_one_is_left_alone(toy) -> None:
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(0)
    assert not torch.equal(toy(50, generator), toy(50, generator))
    toy(50, 3)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(toy(50), toy(50))  # without a generator: torch's own
    assert not torch.equal(torch.get_rng_state(), before)


@toys
def test_one_point_more_does_not_change_the_law(toy) -> None:
    # Mean and covariance of two independent halves agree: 5 standard errors of 20,000 draws.
    x, y = toy(20_000, 1, dtype=torch.float64), toy(20_001, 2, dtype=torch.float64)
    assert (x.mean(dim=0) - y.mean(dim=0)).abs().max() < 5 * 2.0 * math.sqrt(2 / 20_000)
    assert (torch.cov(x.T) - torch.cov(y.T)).abs().max() < 5 * 4.0 * math.sqrt(2 / 20_000)


def test_eight_gaussians() -> None:
    n = 40_000
    x = otg.data.eight_gaussians(n, 0, dtype=torch.float64)
    angle = torch.arange(8, dtype=torch.float64) * (math.pi / 4)
    centres = 2.0 * torch.stack([angle.cos(), angle.sin()], dim=1)
    squared, nearest = torch.cdist(x, centres).square().min(dim=1)
    counts = torch.bincount(nearest, minlength=8)
    # 5 standard deviations of a binomial count, and of a mean of exponentials
    assert (counts - n / 8).abs().max() < 5 * math.sqrt(n * 7 / 64)
    assert squared.mean().item() == pytest.approx(2 * 0.05**2, rel=5 / math.sqrt(n))


def test_eight_gaussians_other_sizes() -> None:
    x = otg.data.eight_gaussians(100, 0, radius=5.0, std=0.0)
    torch.testing.assert_close(x.norm(dim=1), torch.full((100,), 5.0))


def test_two_moons() -> None:
    x = otg.data.two_moons(5000, 0, std=0.0, dtype=torch.float64)
    upper = (x - torch.tensor([-0.5, -0.25])).norm(dim=1)
    lower = (x - torch.tensor([0.5, 0.25])).norm(dim=1)
    on_upper = ((upper - 1).abs() < 1e-6) & (x[:, 1] >= -0.25 - 1e-6)
    on_lower = ((lower - 1).abs() < 1e-6) & (x[:, 1] <= 0.25 + 1e-6)
    assert (on_upper | on_lower).all()
    assert 0.45 < on_upper.double().mean() < 0.55


def test_checkerboard() -> None:
    x = otg.data.checkerboard(8000, 0)
    cell = torch.floor(x).long() + 2
    assert cell.min() >= 0
    assert cell.max() <= 3
    assert (cell.sum(dim=1) % 2 == 0).all()  # one colour only
    counts = torch.bincount(4 * cell[:, 0] + cell[:, 1], minlength=16)
    assert (counts[counts > 0] - 1000).abs().max() < 5 * math.sqrt(8000 * 7 / 64)
    assert (counts > 0).sum() == 8


def test_rings() -> None:
    radius = otg.data.rings(5000, 0, std=0.0).norm(dim=1)
    inner, outer = (radius - 1).abs() < 1e-5, (radius - 2).abs() < 1e-5
    assert (inner | outer).all()
    assert 0.45 < inner.double().mean() < 0.55


def test_pinwheel() -> None:
    x = otg.data.pinwheel(5000, 0, arms=3, twist=0.0, dtype=torch.float64)
    # Untwisted, a third of a turn maps the law to itself, and arms are thin: |across| ~ 0.2.
    angle = torch.atan2(x[:, 1], x[:, 0])
    arm = torch.round(angle / (2 * math.pi / 3))
    off = x.norm(dim=1) * torch.sin(angle - arm * (2 * math.pi / 3))
    assert off.square().mean().sqrt().item() == pytest.approx(0.2, rel=0.1)
    twisted = otg.data.pinwheel(5000, 0, arms=3, dtype=torch.float64)
    torch.testing.assert_close(twisted.norm(dim=1), x.norm(dim=1))  # turning moves along circles
    assert not torch.allclose(twisted, x)


def test_swiss_roll() -> None:
    x = otg.data.swiss_roll(2000, 0, std=0.0, dtype=torch.float64)
    radius = x.norm(dim=1)
    assert radius.min() >= 2 / 3 - 1e-9
    assert radius.max() <= 2 + 1e-9
    turn = radius * (4.5 * math.pi / 2)  # the angle is proportional to the radius
    expected = radius[:, None] * torch.stack([turn.cos(), turn.sin()], dim=1)
    torch.testing.assert_close(x, expected)


def test_digits() -> None:
    images, labels = otg.data.digits()
    assert images.shape == (1797, 8, 8)
    assert images.dtype == torch.get_default_dtype()
    assert (images.min(), images.max()) == (0.0, 1.0)
    assert torch.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    # SCIENCE: the trace of the covariance is 4.6933 over n pixels of ink in [0, 1]
    pixels = otg.data.digits(dtype=torch.float64)[0].reshape(1797, 64)
    assert torch.cov(pixels.T).trace().item() == pytest.approx(4.6933, abs=5e-3)


def test_digits_are_a_copy() -> None:
    images, labels = otg.data.digits(dtype=torch.float64)
    images.zero_()
    labels.zero_()
    again, kept = otg.data.digits(dtype=torch.float64)
    assert again.max() == 1
    assert kept.max() == 9


def test_image_to_measure_stands_upright() -> None:
    # An L: the foot is at the bottom right, so at (1, 0).
    image = torch.tensor([[2.0, 0.0], [2.0, 0.0], [2.0, 4.0]], dtype=torch.float64)
    weights, points = otg.data.image_to_measure(image)
    assert points.tolist() == [[0, 2], [0, 1], [0, 0], [1, 0]]
    assert weights.tolist() == [0.2, 0.2, 0.2, 0.4]


def test_image_to_measure_of_a_digit() -> None:
    image = otg.data.digits()[0][5]
    weights, points = otg.data.image_to_measure(image)
    assert len(points) == (image > 0).sum()
    assert weights.min() > 0
    assert weights.sum().item() == pytest.approx(1.0, abs=1e-6)
    drawn = torch.zeros(8, 8)
    column, row = points.long().T
    drawn[7 - row, column] = weights
    torch.testing.assert_close(drawn * image.sum(), image)
    otg.solve_exact(otg.cost_matrix(points, points), weights, weights)  # a measure, as it is


def test_image_to_measure_passes_gradients() -> None:
    image = torch.tensor([[1.0, 3.0]], requires_grad=True)
    weights, _ = otg.data.image_to_measure(image)
    weights[0].backward()
    torch.testing.assert_close(image.grad, torch.tensor([[3.0, -1.0]]) / 16)


@pytest.mark.parametrize("name", ["china", "flower"])
def test_picture_is_the_one_of_scikit_learn(name: str) -> None:
    whole = otg.data.picture(name)
    assert whole.shape == (427, 640, 3)
    assert whole.dtype == torch.float64
    peer = load_sample_image(f"{name}.jpg")
    np.testing.assert_allclose(whole, peer / 255.0, atol=1e-15)


@pytest.mark.parametrize("height", [1, 61, 100, 300, 427])
@pytest.mark.parametrize("name", ["china", "flower"])
def test_picture_is_averaged_over_areas(name: str, height: int) -> None:
    small = otg.data.picture(name, height=height)
    width = round(640 * height / 427)
    assert small.shape == (height, width, 3)
    # The mean over a cell is a difference of the integral from 0, which is linear within pixels.
    mean = load_sample_image(f"{name}.jpg") / 255.0
    for axis, new in ((0, height), (1, width)):
        mean = np.moveaxis(mean, axis, 0)
        old = len(mean)
        total = np.concatenate([np.zeros_like(mean[:1]), mean.cumsum(axis=0)])
        edge = np.arange(new + 1) * (old / new)
        below = np.minimum(edge.astype(int), old - 1)
        at = total[below] + (edge - below)[:, None, None] * mean[below]
        mean = np.moveaxis(np.diff(at, axis=0) * (new / old), 0, axis)
    np.testing.assert_allclose(small, mean, atol=1e-11)
    np.testing.assert_allclose(
        small.mean(dim=(0, 1)), otg.data.picture(name).mean(dim=(0, 1)), rtol=1e-12
    )


def test_picture_is_a_copy() -> None:
    otg.data.picture("china").zero_()
    assert otg.data.picture("china").max() > 0.9


def test_palette_holds_different_pixels() -> None:
    n = 500
    image = torch.arange(3.0 * n).reshape(20, 25, 3)
    colours = otg.data.palette(image, 40, generator=3)
    assert colours.shape == (40, 3)
    assert colours.dtype == image.dtype
    pixel = colours[:, 0] / 3
    assert torch.equal(colours, image.reshape(-1, 3)[pixel.long()])
    assert len(pixel.unique()) == 40
    everything = otg.data.palette(image, n, generator=3)
    assert sorted(everything[:, 0].tolist()) == image[..., 0].flatten().tolist()
    assert torch.equal(everything[:40], colours)
    assert torch.equal(otg.data.palette(image.reshape(-1, 3), 40, generator=3), colours)


def test_palette_draws_every_pixel_as_often() -> None:
    image = torch.eye(3)[None]
    generator = torch.Generator().manual_seed(0)
    draws = torch.cat([otg.data.palette(image, 1, generator) for _ in range(900)])
    # 5 standard deviations of a binomial count
    assert (draws.sum(dim=0) - 300).abs().max() < 5 * math.sqrt(900 * 2 / 9)


def test_palette_leaves_the_global_generator_alone() -> None:
    image = otg.data.picture("flower", height=10)
    before = torch.get_rng_state()
    same = [otg.data.palette(image, 5, generator=0) for _ in range(2)]
    assert torch.equal(*same)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(otg.data.palette(image, 5), otg.data.palette(image, 5))


def test_greys_are_refused_where_there_is_no_place_for_them() -> None:
    for dtype in (torch.int64, torch.uint8, torch.bool, torch.complex64):
        for call in (
            lambda d: otg.data.digits(dtype=d),
            lambda d: otg.data.rings(4, 0, dtype=d),
            lambda d: otg.data.toy("eight_gaussians").stratified(16, dtype=d),
            lambda d: otg.data.toy("eight_gaussians").sample(16, 0, dtype=d),
        ):
            with pytest.raises(TypeError, match=f"dtype must be a floating type, got {dtype}"):
                call(dtype)
