"""The identity of the adversarial auto-encoder and penalised transport, in values and gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import otgen_lite as otg
from tests.unit.autoencoders import D, aae, data, draws, gradients, penalized

VARIANCES = [1e-3, 0.05, 0.5, 5.0]


def both(variance: float, kind: str, saturating: bool):
    """An adversarial auto-encoder, and penalised transport with the same networks."""
    first = aae(kind, decoder_var=variance, saturating=saturating)
    second = penalized(
        "saturating" if saturating else "adversarial", kind, seed=5, lam=2.0 * variance
    )
    state = {k: v for k, v in first.state_dict().items() if k != "decoder_var"}
    missing = second.load_state_dict(state, strict=False)
    assert not missing.unexpected_keys
    assert set(missing.missing_keys) == {"lam", "decoder_var"}
    return first, second


def offset(variance: float, d: int = D) -> float:
    return d * variance * math.log(2.0 * math.pi * variance)


@pytest.mark.parametrize("saturating", [False, True])
@pytest.mark.parametrize("kind", ["deterministic", "gaussian", "implicit"])
@pytest.mark.parametrize("variance", VARIANCES)
def test_s4_values_and_gradients(variance: float, kind: str, saturating: bool) -> None:
    first, second = both(variance, kind, saturating)
    x = data(16)
    noise = draws(first, "autoencoder", x)
    scaled = 2.0 * variance * float(first("autoencoder", x, noise).detach())
    expected = float(second("autoencoder", x, noise).detach()) + offset(variance)
    assert scaled == pytest.approx(expected, rel=1e-12, abs=1e-12)
    ours = gradients(first, "autoencoder", x, noise)
    theirs = gradients(second, "autoencoder", x, noise)
    largest = max(float(slope.abs().max()) for slope in theirs.values())
    assert largest > 0.1
    for name, slope in theirs.items():
        assert float((2.0 * variance * ours[name] - slope).abs().max()) < 1e-12 * max(1.0, largest)
    # The opponent's losses are one and the same.
    noise = draws(first, "critic", x)
    assert torch.equal(first("critic", x, noise), second("critic", x, noise))


def test_with_noise_of_the_decoder_another_constant() -> None:
    variance, x = 0.3, data(16)
    first, second = both(variance, "deterministic", False)
    second.decoder_var.fill_(variance)
    noise = draws(first, "autoencoder", x)
    scaled = 2.0 * variance * float(first("autoencoder", x, noise).detach())
    expected = float(second("autoencoder", x, noise).detach()) + offset(variance) - D * variance
    assert scaled == pytest.approx(expected, rel=1e-12)


def test_reconstruction_is_the_log_density_with_its_constant() -> None:
    x, method = data(9), aae(decoder_var=0.4)
    normal = torch.distributions.Normal(method.reconstruct(x), 0.4**0.5)
    expected = -float(normal.log_prob(x).sum(dim=1).mean())
    parts = method.objective(x)
    assert float(parts["reconstruction"].detach()) == pytest.approx(expected, rel=1e-12)
    total = parts["reconstruction"] + parts["penalty"]
    assert float(parts["total"].detach()) == float(total.detach())


def test_images_sum_over_pixels() -> None:
    shape = (1, 4, 4)
    x = torch.rand(5, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    method = otg.AAE(
        otg.MLP(16, [], 2, generator=0).double(),
        otg.MLP(2, [], 16, shape=shape, generator=1).double(),
        otg.MLP(2, [4], 1, generator=2).double(),
        decoder_var=0.2,
    )
    squares = float((x - method.reconstruct(x)).square().sum()) / 5
    expected = squares / 0.4 + 8.0 * math.log(2.0 * math.pi * 0.2)
    value = method.objective(x)["reconstruction"]
    assert float(value.detach()) == pytest.approx(expected, rel=1e-12)


def trained(method: otg.Method, rates: dict[str, float], steps: int) -> list[Tensor]:
    """Plain gradient steps on both players, as they are written by hand."""
    x = data(64)
    curve = []
    for step in range(steps):
        for player in method.players:
            noise = draws(method, player, x, seed=step)
            slopes = gradients(method, player, x, noise)
            for name, value in method.parameters_of(player):
                value.data.sub_(rates[player] * slopes[name])
        curve.append(method("autoencoder", x, draws(method, "autoencoder", x)).detach())
    return curve


def test_trained_by_gradient_descent_the_curves_coincide() -> None:
    variance = 0.1
    first, second = both(variance, "gaussian", False)
    ours = trained(first, {"autoencoder": 2.0 * variance * 0.02, "critic": 0.05}, 40)
    theirs = trained(second, {"autoencoder": 0.02, "critic": 0.05}, 40)
    assert float(theirs[-1]) < 0.8 * float(theirs[0])
    for a, b in zip(ours, theirs, strict=True):
        assert 2.0 * variance * float(a) == pytest.approx(float(b) + offset(variance), abs=1e-11)
