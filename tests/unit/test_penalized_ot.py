"""Penalised transport: its parts by hand, the decoder's noise, and a law of training."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import otgen_lite as otg
from tests.unit.autoencoders import DZ, D, data, draws, net, penalized


class Scale(nn.Module):
    """x times a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


def three_halves(x: Tensor, y: Tensor) -> Tensor:
    return (x[:, None] - y).abs().pow(1.5).sum(-1)


def of_a_pair(x: Tensor, y: Tensor, cost: str) -> float:
    """One cost by its definition."""
    gaps = (x - y).detach().abs().flatten().tolist()
    if cost == "sqeuclidean":
        return sum(g**2 for g in gaps)
    if cost == "euclidean":
        return sum(g**2 for g in gaps) ** 0.5
    return sum(g**1.5 for g in gaps) if cost == "three_halves" else sum(gaps)


@pytest.mark.parametrize("n", [5, 70])
@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean", "cityblock", "three_halves"])
def test_parts_by_hand(cost: str, n: int) -> None:
    given = three_halves if cost == "three_halves" else cost
    method = penalized("mmd", cost=given, lam=3.0, decoder_var=0.25)
    x = data(n)
    noise = draws(method, "autoencoder", x)
    codes = method.encoder(x)
    made = method.decoder(codes)
    extra = 0.0
    if cost == "sqeuclidean":
        assert "decoder" not in noise
        extra = D * 0.25
    else:
        made = made + 0.5 * noise["decoder"]
    transport = sum(of_a_pair(a, b, cost) for a, b in zip(x, made, strict=True)) / n + extra
    penalty = float(otg.MMD()(codes, noise["prior"]))
    parts = method.objective(x, noise)
    assert float(parts["transport"].detach()) == pytest.approx(transport, rel=1e-12)
    assert float(parts["penalty"].detach()) == pytest.approx(penalty, abs=1e-14)
    assert float(parts["total"].detach()) == pytest.approx(transport + 3.0 * penalty, rel=1e-12)
    assert torch.equal(method("autoencoder", x, noise), parts["total"])


def test_images_are_summed_over_all_pixels() -> None:
    x = torch.rand(4, 1, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    method = otg.PenalizedOT(
        otg.MLP(15, [], 2, generator=0).double(),
        otg.MLP(2, [], 15, shape=(1, 3, 5), generator=1).double(),
        penalty=otg.MMD(),
        lam=0.0,
        decoder_var=0.1,
    )
    made = method.reconstruct(x)
    expected = float((x - made).square().sum()) / 4 + 15 * 0.1
    assert float(method("autoencoder", x).detach()) == pytest.approx(expected, rel=1e-12)


def test_noise_of_the_decoder_passes_through_the_cost() -> None:
    # The mean over draws of a drawn squared cost is the analytic one: d sigma^2 more.
    x = data(4000)

    def squared(a: Tensor, b: Tensor) -> Tensor:
        return (a[:, None] - b).square().sum(-1)

    drawn = penalized("mmd", cost=squared, decoder_var=0.3)
    exact = penalized("mmd", decoder_var=0.3)
    with torch.no_grad():
        codes = exact.codes(x, {})
        mean = float(exact.transport_cost(x, codes, {}))
        value = float(drawn.transport_cost(x, codes, draws(drawn, "autoencoder", x)))
        plain = float(penalized("mmd").transport_cost(x, codes, {}))
    assert mean == pytest.approx(plain + D * 0.3, rel=1e-12)
    # Variance of |r + sigma xi|^2 is 4 sigma^2 |r|^2 + 2 d sigma^4; four standard errors.
    error = ((4 * 0.3 * plain + 2 * D * 0.09) / 4000) ** 0.5
    assert abs(value - mean) < 4.0 * error
    assert abs(value - plain) > 10.0 * error


def test_b4_on_the_line() -> None:
    # P_X = N(0, s^2), G(z) = a z, encoder z = x / s: E|X - aZ|^2 + sigma^2 = (s - a)^2 + sigma^2.
    n = 200_000
    z = torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n)[:, None]
    s, a, sigma = 1.0, 0.8, 0.6
    method = otg.PenalizedOT(
        Scale(1.0 / s), Scale(a), penalty=otg.SlicedWasserstein(1), lam=5.0,
        decoder_var=sigma**2, prior=1,
    )  # fmt: skip
    noise = {"prior": z, "shared_lines": torch.ones(1, 1, dtype=torch.float64)}
    parts = method.objective(s * z, noise)
    assert float(parts["penalty"].detach()) == pytest.approx(0.0, abs=1e-15)
    assert float(parts["total"].detach()) == pytest.approx((s - a) ** 2 + sigma**2, abs=1e-4)


def test_lambda_weighs_the_penalty_alone() -> None:
    x = data(12)
    method = penalized("moments", lam=2.0)
    noise = draws(method, "autoencoder", x)
    parts = method.objective(x, noise)
    method.lam.fill_(0.0)
    plain = method("autoencoder", x, noise)
    assert float(plain.detach()) == float(parts["transport"].detach())
    slope = torch.func.grad(
        lambda lam: torch.func.functional_call(method, {"lam": lam}, ("autoencoder", x, noise))
    )(torch.tensor(0.7, dtype=torch.float64))
    assert float(slope.detach()) == pytest.approx(float(parts["penalty"].detach()), rel=1e-12)


def test_players_and_steps() -> None:
    assert list(penalized("mmd").players) == ["autoencoder"]
    method = penalized("adversarial", critic_steps=3)
    updates = {name: player.updates for name, player in method.players.items()}
    assert updates == {"critic": 3, "autoencoder": 1}
    x = data(6)
    # Each player's gradient reaches its own parameters and no other's.
    method("critic", x).backward()
    assert all(p.grad is None for p in [*method.encoder.parameters(), *method.decoder.parameters()])
    assert all(p.grad is not None for p in method.penalty.parameters())
    names = {name for name, _ in method.parameters_of("autoencoder")}
    assert names == {
        name for name, _ in method.named_parameters() if name.startswith(("encoder", "decoder"))
    }


def test_priors_may_be_anything_with_draws() -> None:
    method = penalized("mmd", prior=otg.UniformPrior(DZ, -1.0, 1.0))
    assert float(draws(method, "autoencoder", data(500))["prior"].abs().max()) <= 1.0
    assert [penalized("mmd", prior=p).prior.dim for p in (None, DZ)] == [DZ, DZ]
    wide = otg.PenalizedOT(net(D, 5, 0), nn.Sequential(nn.Tanh(), net(5, D, 1)), penalty=otg.MMD())
    assert wide.prior.dim == 5


def test_t2_no_shrinkage() -> None:
    # Data with covariance Lambda, linear encoder and decoder: the decoder's covariance is Lambda,
    # where a VAE has (Lambda - sigma^2)_+ (test_vae_training.py).
    truth = torch.tensor([1.0, 0.5, 0.25, 0.1])
    x = torch.randn(4096, 4, generator=torch.Generator().manual_seed(0))
    x = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T, correction=0))).T
    x = x * truth.sqrt()
    encoder, decoder = otg.MLP(4, [], 4, generator=0), otg.MLP(4, [], 4, generator=1)
    method = otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=10.0)
    otg.fit(
        method, x, steps=1500, batch_size=128, lr=2e-2, schedule="cosine", ema=0.99, seed=0,
        progress=False,
    )  # fmt: skip
    W = decoder[0].weight.detach()
    found = torch.linalg.eigvalsh(W @ W.T).flip(0)
    assert torch.all((found - truth).abs() < 0.05 * truth + 0.01), found
