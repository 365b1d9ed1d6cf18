"""Metrics of images: one scale for bytes and floats, and judges that do not learn or gamble."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from torch import nn

import otgen_lite as otg
from otgen_lite import metrics

BYTES = (otg.data.digits(dtype=torch.float64)[0] * 255).round().to(torch.uint8)[:400, None]
FLOATS = BYTES.double() / 255.0
LABELS = otg.data.digits()[1][:400]


@functools.cache
def judge_of(kind: str) -> metrics.Classifier:
    images = {"bytes": BYTES.numpy(), "floats": FLOATS}[kind]
    return metrics.Classifier(images[:100], LABELS[:100])


def flat(images: torch.Tensor) -> torch.Tensor:
    return images.flatten(1)[:, ::7]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("make", [lambda x: x, lambda x: x.numpy()])
def test_bytes_are_the_same_images_as_their_floats(dtype, make) -> None:
    a, b = slice(0, 200), slice(200, 400)
    floats = FLOATS.to(dtype)
    expected = metrics.fid(floats[a], floats[b], flat)
    for x, y in ((BYTES, floats), (floats, BYTES)):
        assert metrics.fid(make(x)[a], make(y)[b], flat) == pytest.approx(expected, rel=1e-9)
    assert metrics.fid(BYTES[a], BYTES[b], flat) == pytest.approx(expected, rel=1e-5)
    assert metrics.sharpness(make(BYTES)) == pytest.approx(metrics.sharpness(floats), rel=1e-6)
    expected = judge_of("floats").probabilities(FLOATS)
    for kind in ("bytes", "floats"):
        found = judge_of(kind).probabilities(make(BYTES))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [lambda x: 255 * x, lambda x: 2 * x - 1])
def test_two_scales_are_told_apart(scale) -> None:
    other = scale(FLOATS)
    for x, y in ((other, BYTES), (BYTES, other)):
        with pytest.raises(ValueError, match=r"must be in \[0, 1\] or bytes"):
            metrics.fid(x, y, flat)
    for x, y in ((other, FLOATS), (FLOATS, other)):
        with pytest.warns(UserWarning, match="samples and reference should be on one scale"):
            metrics.fid(x, y, flat)
    with pytest.warns(UserWarning, match="images and the images it knows"):
        judge_of("floats")(FLOATS / 255)
    with pytest.warns(UserWarning, match="images and the images it knows should be on one scale"):
        judge_of("floats")(other)


@pytest.mark.filterwarnings("error")
def test_ink_that_overshoots_and_blurs_is_on_the_same_scale() -> None:
    noise = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    metrics.Classifier(noise, torch.arange(20) % 2)(0.3 * noise[:3])  # few: narrow by chance
    for x in (1.4 * FLOATS - 0.2, 0.6 * FLOATS, torch.zeros_like(FLOATS)):
        metrics.fid(x, FLOATS, flat)
        judge_of("floats")(x)


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint16"])
def test_whole_numbers_of_another_type_have_no_scale(dtype) -> None:
    x = BYTES.numpy().astype(dtype)
    for call in (
        lambda: metrics.fid(x, FLOATS, flat),
        lambda: metrics.fid(FLOATS, x, flat),
        lambda: metrics.sharpness(x),
        lambda: metrics.Classifier(x, LABELS),
    ):
        with pytest.raises(TypeError, match=f"(floating type or bytes|real numbers).*{dtype}"):
            call()


def test_bytes_beside_other_points_are_refused() -> None:
    x, y = BYTES.flatten(1), FLOATS.flatten(1)
    for metric in (metrics.frechet, metrics.mmd, metrics.w2sq):
        with pytest.raises(ValueError, match=r"must be on one scale, got \w+ as bytes"):
            metric(x[:9], y[:9])
    with pytest.raises(ValueError, match="samples and modes must be on one scale"):
        metrics.share_within(x, y, 0.1)


# --- judges -------------------------------------------------------------------------------------


def network() -> nn.Sequential:
    """Every kind of layer that behaves otherwise while it is trained."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.BatchNorm1d(6), nn.Dropout(0.5))


class Holder:
    def __init__(self, net: nn.Module) -> None:
        self.net = net

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images)

    def see(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images)


class Encoder(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images)


@torch.enable_grad()
def through(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
    return net(images)


def of_defaults(net: nn.Module) -> object:
    return lambda images, seen=net: seen(images)


WAYS = {
    "itself": lambda net: net,
    "lambda": lambda net: lambda images: net(images),
    "lambda of a lambda": lambda net: (lambda f: lambda images: f(images))(lambda im: net(im)),
    "partial": lambda net: functools.partial(through, net),
    "object": Holder,
    "method of an object": lambda net: Holder(net).see,
    "method of a network": lambda net: Encoder(net).encode,
    "default": of_defaults,
    "in a list": lambda net: (lambda nets: lambda images: nets[0](images))([net]),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_network_in_training_mode_neither_gambles_nor_learns(way: str) -> None:
    net = network()
    net[3].eval()  # one part alone: each is to be as it was
    x, y = FLOATS[:200].float(), FLOATS[200:].float()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    features = WAYS[way](net)
    value = metrics.fid(x, y, features)
    modes = [net.training, *(part.training for part in net)]
    assert modes == [True, True, True, True, False]
    for name, now in net.state_dict().items():
        assert torch.equal(now, before[name]), name
    assert all(p.grad is None for p in net.parameters())
    assert metrics.fid(x, y, features, batch_size=17) == pytest.approx(value, rel=1e-5)
    with torch.no_grad():
        seen = [net.eval()(images) for images in (x, y)]
    assert value == pytest.approx(metrics.frechet(*seen), rel=1e-5)


def test_a_network_is_as_it_was_after_an_error() -> None:
    net = network()
    with pytest.raises(RuntimeError):
        metrics.fid(torch.ones(4, 5), torch.rand(4, 5), net)
    assert all(module.training for module in net.modules())


def test_a_network_gets_images_of_its_type() -> None:
    net = network().eval()
    value = metrics.fid(FLOATS[:99], FLOATS[99:], net)  # float64 images, float32 weights
    assert value == pytest.approx(metrics.fid(FLOATS[:99], FLOATS[99:], net.double()), rel=1e-4)
    assert np.isfinite(value)
