"""Networks: shapes, initial law, stacking, and clear words for a wrong shape."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

import otgen_lite as otg
from otgen_lite.networks.convolutional import group_norm, plan

SMALL, LARGE = (1, 28, 28), (3, 64, 64)


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


MAKE: dict[str, tuple[Any, tuple[tuple[int, ...], ...], tuple[int, ...]]] = {
    "mlp": (lambda g: otg.MLP(5, [8, 6], 3, generator=g), ((4, 5),), (4, 3)),
    "mlp linear": (lambda g: otg.MLP(5, [], 3, generator=g), ((4, 5),), (4, 3)),
    "mlp images": (
        lambda g: otg.MLP(6, [8], 12, generator=g, shape=(3, 2, 2), final=nn.Sigmoid),
        ((4, 2, 3),), (4, 3, 2, 2),
    ),
    "implicit": (
        lambda g: otg.ImplicitEncoder(6, 2, [8], 3, generator=g), ((4, 2, 3), (4, 2)), (4, 3),
    ),
    "pair": (lambda g: otg.PairCritic(6, 2, [8], generator=g), ((4, 2, 3), (4, 2)), (4, 1)),
    "encoder": (lambda g: otg.ConvEncoder(SMALL, 8, width=4, generator=g), ((4, *SMALL),), (4, 8)),
    "encoder norm": (
        lambda g: otg.ConvEncoder(LARGE, 8, width=4, norm=True, generator=g),
        ((2, *LARGE),), (2, 8),
    ),
    "decoder": (
        lambda g: otg.ConvDecoder(8, SMALL, width=4, generator=g), ((4, 8),), (4, *SMALL),
    ),
    "decoder norm": (
        lambda g: otg.ConvDecoder(8, LARGE, width=4, norm=True, final=nn.Tanh, generator=g),
        ((2, 8),), (2, *LARGE),
    ),
    "critic": (lambda g: otg.ConvCritic(SMALL, width=4, generator=g), ((4, *SMALL),), (4, 1)),
    "critic norm": (
        lambda g: otg.ConvCritic((3, 32, 32), width=8, norm=True, generator=g),
        ((4, 3, 32, 32),), (4, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(MAKE))
def test_shapes_seeds_and_stacks(name: str) -> None:
    make, inputs, shape = MAKE[name]
    given = [draws(*size, seed=k) for k, size in enumerate(inputs)]
    net = make(0)
    out = net(*given)
    assert out.shape == shape
    # A seed, or a generator: the same weights; torch's own generator is not touched.
    before = torch.random.get_rng_state()
    again, other = make(torch.Generator().manual_seed(0)), make(1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(again(*given), out)
    assert not torch.equal(other(*given), out)
    # A row's output depends on that row alone.
    assert torch.allclose(net(*(x[:1] for x in given)), out[:1], atol=1e-6)
    # Two of them as one.
    values, buffers = stack_module_state([net, other])
    both = vmap(lambda p, b: functional_call(net, (p, b), tuple(given)))(values, buffers)
    assert torch.allclose(both[0], out, atol=1e-5)
    assert torch.allclose(both[1], other(*given), atol=1e-5)


@pytest.mark.parametrize("name", list(MAKE))
def test_initial_weights_have_torchs_own_law(name: str) -> None:
    torch.manual_seed(0)
    net = MAKE[name][0](0)
    for module in net.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            twin = type(module)(
                *((module.in_features, module.out_features) if isinstance(module, nn.Linear)
                  else (module.in_channels, module.out_channels, 4, 2, 1))
            )  # fmt: skip
            for ours, theirs in ((module.weight, twin.weight), (module.bias, twin.bias)):
                assert ours.shape == theirs.shape
            limit = float(module.weight.shape[1] * module.weight[0, 0].numel()) ** -0.5
            largest = float(module.weight.detach().abs().max())
            assert 0.5 * limit < largest <= limit
            if module.weight.numel() > 500:
                # Uniform: the mean square is a third of the limit's, as in torch's own layer.
                assert float(twin.weight.detach().abs().max()) <= limit
                square = float(module.weight.detach().square().mean())
                assert square == pytest.approx(limit**2 / 3, rel=0.2)


def test_no_batch_statistics_anywhere() -> None:
    for make, _, _ in MAKE.values():
        kinds = {type(module).__name__ for module in make(0).modules()}
        assert not any(name.startswith("BatchNorm") for name in kinds)


def test_activations() -> None:
    kinds = [type(m) for m in otg.MLP(2, [3, 3], 1, activation=nn.Softplus, generator=0)]
    assert kinds == [nn.Linear, nn.Softplus, nn.Linear, nn.Softplus, nn.Linear]
    assert any(isinstance(m, nn.LeakyReLU) for m in otg.ConvCritic(SMALL, generator=0))
    out = otg.ConvDecoder(4, SMALL, width=4, final=nn.Sigmoid, generator=0)(10 * draws(3, 4))
    assert bool(((out >= 0.0) & (out <= 1.0)).all())


def test_plans_of_images() -> None:
    assert plan(SMALL, 32) == ([1, 32, 64], (7, 7))
    assert plan((3, 32, 32), 32) == ([3, 32, 64, 128], (4, 4))
    assert plan(LARGE, 32) == ([3, 32, 64, 128, 256], (4, 4))
    assert [group_norm(c).num_groups for c in (4, 8, 12, 32, 128)] == [1, 1, 1, 4, 16]


BAD = [
    (lambda: otg.MLP(0, [2], 1), ValueError, "inputs must be a whole number >= 1, got 0"),
    (lambda: otg.MLP(2, [0], 1), ValueError, "hidden must be a whole number >= 1, got 0"),
    (lambda: otg.MLP(2, [2], 1.5), TypeError, "outputs must be a whole number, got 1.5"),
    (lambda: otg.MLP(2, [2], 6, shape=(2, 2)), ValueError,
     "shape must hold as many numbers as outputs = 6, got (2, 2)"),
    (lambda: otg.MLP(2, [2], 1, generator="seed"), TypeError,
     "generator must be a torch.Generator, a seed or None, got 'seed'"),
    (lambda: otg.MLP(2, [2], 1, generator=-1), ValueError,
     "generator must be a whole number >= 0, got -1"),
    (lambda: otg.MLP(3, [2], 1)(draws(4, 2)), ValueError,
     "this MLP takes 3 numbers a row, got a tensor of shape (4, 2)"),
    (lambda: otg.MLP(3, [2], 1)(draws(3)), ValueError,
     "this MLP takes 3 numbers a row, got a tensor of shape (3,)"),
    (lambda: otg.MLP(3, [2], 1)(draws(4, 3, 2)), ValueError,
     "this MLP takes 3 numbers a row, got a tensor of shape (4, 3, 2)"),
    (lambda: otg.ImplicitEncoder(3, 2, [4], 1)(draws(4, 3), draws(4, 3)), ValueError,
     "noise of this implicit encoder takes 2 numbers a row, got a tensor of shape (4, 3)"),
    (lambda: otg.ImplicitEncoder(3, 0, [4], 1), ValueError,
     "noise_dim must be a whole number >= 1, got 0"),
    (lambda: otg.PairCritic(3, 2, [4])(draws(4, 2), draws(4, 2)), ValueError,
     "x of this critic takes 3 numbers a row, got a tensor of shape (4, 2)"),
    (lambda: otg.ConvEncoder((28, 28), 8), ValueError,
     "shape must be (channels, height, width), got (28, 28)"),
    (lambda: otg.ConvEncoder((1, 45, 45), 8), ValueError,
     "shape must be an image that can be halved down to about 7 pixels a side"),
    (lambda: otg.ConvEncoder((1, 7, 7), 8), ValueError, "got (1, 7, 7)"),
    (lambda: otg.ConvEncoder(SMALL, 8)(draws(4, 28, 28)), ValueError,
     "this network takes images of shape (n, 1, 28, 28), got (4, 28, 28)"),
    (lambda: otg.ConvDecoder(8, SMALL)(draws(4, 7)), ValueError,
     "this decoder takes 8 numbers a row, got a tensor of shape (4, 7)"),
    (lambda: otg.ConvDecoder(0, SMALL), ValueError, "inputs must be a whole number >= 1, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def test_a_layer_is_torchs_own_and_takes_no_draw_but_from_its_generator() -> None:
    before = torch.get_rng_state()
    net = otg.MLP(3, [4], 2, generator=0)
    assert torch.equal(torch.get_rng_state(), before)
    assert [type(layer) for layer in net] == [nn.Linear, nn.ReLU, nn.Linear]
    draw = torch.Generator().manual_seed(0)
    expected = torch.empty(4, 3).uniform_(-(3**-0.5), 3**-0.5, generator=draw)
    assert torch.equal(net[0].weight, expected)
