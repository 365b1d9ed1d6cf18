"""Latent transport: maps, their signs, and where the error comes from."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import otgen_lite as otg
from otgen_lite.methods.latent_maps import partners

F64 = torch.float64
SAME = nn.Identity()


def ring_points(n: int, std: float, seed: int, scale: float = 1.0) -> Tensor:
    """Eight Gaussians on a circle of radius 2, in equal numbers, divided by ``scale``."""
    rng = torch.Generator().manual_seed(seed)
    angle = torch.arange(n) % 8 * (math.pi / 4)
    centres = 2.0 * torch.stack([angle.cos(), angle.sin()], dim=1)
    return (centres + std * torch.randn(n, 2, generator=rng)) / scale


def on_codes(codes: Tensor, **options: Any) -> otg.LatentOT:
    """Latent transport without an auto-encoder: data are their own codes."""
    return otg.LatentOT(SAME, SAME, codes, **options)


@pytest.mark.parametrize("radius", [2.0, math.sqrt(2.0)])
def test_gaussian_to_eight_atoms(radius: float) -> None:
    angle = torch.arange(8, dtype=F64) * (math.pi / 4)
    atoms = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    m = on_codes(atoms).fit_map(seed=0)
    z = torch.randn(100_000, 2, generator=torch.Generator().manual_seed(1), dtype=F64)
    images = m.transport(z)
    # By symmetry psi = 0 and the cells are sectors.
    sector = (torch.atan2(z[:, 1], z[:, 0]) / (math.pi / 4)).round().long() % 8
    assert (images == atoms[sector]).all(dim=1).double().mean() > 0.99
    value = (
        2 + radius**2 - 2 * radius * math.sqrt(math.pi / 2) * math.sin(math.pi / 8) / (math.pi / 8)
    )
    found = otg.paired_cost(z, images)
    assert abs(found.mean() - value) < 5 * found.std() / math.sqrt(len(z))


def test_the_critic_points_uphill_towards_the_data() -> None:
    # N(0, 1) to N(m, s^2): T(z) = m + s z, so that D'(z) / 2 = (s - 1) z + m for the squared cost.
    shift, width = 1.5, 0.4
    atoms = shift + width * torch.special.ndtri((torch.arange(200, dtype=F64) + 0.5) / 200)[:, None]
    m = on_codes(atoms, map="quadratic", eps=0.02).fit_map(seed=0, steps=2000)
    z = torch.linspace(-1.5, 1.5, 31, dtype=F64)[:, None].requires_grad_()
    (slope,) = torch.autograd.grad(m.latent_map.critic(z, m.codes).sum(), z)
    images = m.transport(z.detach())
    assert (z.detach() + slope / 2 - images).abs().max() < 1e-10
    assert (images - (shift + width * z.detach())).abs().max() < 0.05
    # Differences of D itself: the gradient is no artefact of the graph.
    h = 1e-4
    ends = [m.latent_map.critic(z.detach() + t, m.codes).detach() for t in (h, -h)]
    assert ((ends[0] - ends[1]) / (2 * h) - slope[:, 0]).abs().max() < 1e-4


def test_the_descent_finds_the_same_map() -> None:
    shift, width = 1.5, 0.4
    atoms = shift + width * torch.special.ndtri((torch.arange(200, dtype=F64) + 0.5) / 200)[:, None]
    m = on_codes(atoms, map="argmin", eps=0.02).fit_map(seed=0, steps=2000)
    z = torch.linspace(-1.5, 1.5, 31, dtype=F64)[:, None]
    images = m.transport(z)
    assert (images - (shift + width * z)).abs().max() < 0.08
    # At a minimum inside the box the gradient vanishes; and no neighbour has a lower value.
    value, slope = m.latent_map.objective(images, z)
    assert slope.abs().max() < 1e-2
    for t in (0.1, -0.1):
        assert (m.latent_map.objective(images + t, z)[0] > value).all()


def test_over_the_codes_alone_the_least_value_is_the_cell() -> None:
    codes = torch.randn(12, 2, generator=torch.Generator().manual_seed(0), dtype=F64)
    m = on_codes(codes).fit_map(seed=0)
    z = torch.randn(50, 2, generator=torch.Generator().manual_seed(1), dtype=F64)
    least = (otg.cost_matrix(z, codes) - m.latent_map.psi).argmin(dim=1)
    assert torch.equal(m.transport(z), codes[least])


@pytest.mark.parametrize(
    "prior",
    [None, otg.GaussianPrior(3, 2.0), otg.UniformPrior(3, -1.0, 3.0)],
    ids=["gaussian", "wide", "uniform"],
)
def test_gaussian_map_carries_the_moments(prior: Any) -> None:
    rng = torch.Generator().manual_seed(0)
    A = torch.randn(3, 3, generator=rng, dtype=F64)
    codes = torch.randn(500, 3, generator=rng, dtype=F64) @ A + 2.0
    m = on_codes(codes, map="gaussian", prior=prior).fit_map()
    mean, scale = {None: (0.0, 1.0)}.get(prior, (0.0, 2.0))
    if isinstance(prior, otg.UniformPrior):
        mean, scale = 1.0, math.sqrt(16 / 12)
    # T is affine: mean and covariance of T(Z) are those of its matrix.
    corners = m.transport(torch.cat([torch.zeros(1, 3, dtype=F64), torch.eye(3, dtype=F64)]) + mean)
    matrix = scale * (corners[1:] - corners[0])
    assert (corners[0] - codes.mean(dim=0)).abs().max() < 1e-10
    covariance = torch.cov(codes.T, correction=0)
    assert (matrix.T @ matrix - covariance).abs().max() < 1e-10
    assert (matrix - matrix.T).abs().max() < 1e-10  # optimal: a symmetric matrix


def test_the_distance_alone_gives_a_direction_and_no_length() -> None:
    # U[0, 1] to U[2, 3] for |x - y|: the shift and the reflection cost the same, so that no critic
    # can tell them apart; for the square the shift is the map.
    z = ((torch.arange(100, dtype=F64) + 0.5) / 100)[:, None]
    shifted, reflected = z + 2, 3 - z
    for images in (shifted, reflected):
        assert float(otg.paired_cost(z, images, "euclidean").mean()) == pytest.approx(
            2.0, abs=1e-12
        )
    m = on_codes(shifted, map="semidiscrete", prior=otg.UniformPrior(1)).fit_map(seed=0, steps=3000)
    # Of 100 cells each is .01 wide; the ascent puts their edges within some of these.
    assert (m.transport(z) - shifted).abs().max() < 0.04


def test_one_potential_for_both_sides_collapses() -> None:
    # f(x) - f(y) <= |x - y|^2 / 2 at all pairs of a grid of step h: going step by step costs h / 2
    # for each unit of length, so that the value is h / 2 times W_1 and not W_2^2 / 2.
    n, h = 30, 0.1
    x = h * torch.arange(n, dtype=F64)[:, None]
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.rand(n, generator=rng, dtype=F64) for _ in range(2))
    a, b = a / a.sum(), b / b.sum()
    chain = otg.cost_matrix(x, x) / 2
    for k in range(n):
        chain = torch.minimum(chain, chain[:, k, None] + chain[k])
    value = otg.solve_exact(chain, a, b).value
    length = otg.wasserstein_1d(x[:, 0], x[:, 0], 1, a, b)
    assert abs(float(value - h / 2 * length)) < 1e-12


def test_mixture_finds_separate_clusters() -> None:
    codes = ring_points(800, 0.05, seed=0).double()
    m = on_codes(codes, map="mixture", components=8).fit_map(seed=0, n_init=5)
    x = m.sample(4000, 0)
    assert tuple(x.shape) == (4000, 2)
    assert torch.equal(x, m.sample(4000, 0))
    value = otg.solve_exact(otg.cost_matrix(x[:800], codes)).value
    # Two samples of the codes' law differ by the counts of their modes: .2 is twice that.
    assert float(value) < 0.2
    with pytest.raises(TypeError, match="the mixture is not a map"):
        m.transport(torch.zeros(1, 2))


@pytest.mark.parametrize("plan", ["batch", "whole", "semidiscrete"])
def test_pairs_teach_the_map(plan: str) -> None:
    # The optimal map between two Gaussians is affine: a linear network can learn it.
    rng = torch.Generator().manual_seed(0)
    root = torch.tensor([[1.5, 0.5], [0.5, 0.7]], dtype=F64)
    shift = torch.tensor([1.0, -2.0], dtype=F64)
    codes = torch.randn(600, 2, generator=rng, dtype=F64) @ root + shift
    network = otg.MLP(2, [], 2, generator=0).double()
    m = on_codes(codes, map="pairs", network=network, plan=plan)
    if plan != "batch":
        m.fit_map(seed=0)
    otg.fit(m, codes, steps=300, batch_size=100, lr=0.03, schedule="cosine", seed=1, progress=False)
    affine = on_codes(codes, map="gaussian").fit_map()
    z = torch.randn(500, 2, generator=rng, dtype=F64)
    error = (m.transport(z) - affine.transport(z)).square().sum(dim=1).mean().sqrt()
    # A plan of few points shrinks the map it teaches: by 8 % for 100 in the plane (chapter 5).
    assert error < 0.2
    assert all(p.grad is None for p in SAME.parameters())


def test_partners_are_those_of_the_exact_plan() -> None:
    rng = torch.Generator().manual_seed(0)
    z, codes = (torch.randn(30, 2, generator=rng, dtype=F64) for _ in range(2))
    k = partners(z, codes)
    assert sorted(k.tolist()) == list(range(30))
    exact = otg.solve_exact(otg.cost_matrix(z, codes)).value
    assert abs(otg.paired_cost(z, codes[k]).mean() - exact) < 1e-12


def test_eight_modes_after_latent_transport() -> None:
    # All divided by 1.414, as the convention of this toy has it.
    data = ring_points(800, 0.02, seed=0, scale=1.414)
    encoder = otg.MLP(2, [64, 64], 2, generator=1)
    decoder = otg.MLP(2, [64, 64], 2, generator=2)
    ae = otg.AutoEncoder(encoder, decoder)
    otg.fit(ae, data, steps=800, batch_size=200, lr=3e-3, schedule="cosine", progress=False)
    m = otg.LatentOT(ae, data=data).fit_map(seed=0)
    x = m.sample(2000, 1)
    centres = ring_points(8, 0.0, seed=0, scale=1.414)
    near = torch.cdist(x, centres).min(dim=1)
    assert (near.values < 3 * 0.02 / 1.414).float().mean() >= 0.95
    shares = torch.bincount(near.indices, minlength=8) / 2000
    assert shares.min() > 0.08
    # Codes of the prior that are decoded as they are do not land on the modes.
    raw = torch.cdist(ae.decode(torch.randn(2000, 2)), centres).amin(dim=1)
    assert (raw < 3 * 0.02 / 1.414).float().mean() < 0.5


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_error_budget_on_digits(p: float) -> None:
    images = otg.data.digits()[0][:120].double()
    size = images[0].numel()
    encoder = otg.MLP(size, [32], 4, generator=0).double()
    decoder = otg.MLP(4, [32], size, generator=1, shape=tuple(images.shape[1:])).double()
    ae = otg.AutoEncoder(encoder, decoder)
    for steps in (0, 300):
        if steps:
            otg.fit(ae, images, steps=steps, batch_size=60, lr=3e-3, progress=False)
        for kind in ("gaussian", "semidiscrete"):
            m = otg.LatentOT(ae, data=images, map=kind)
            m.fit_map(seed=0, **({"steps": 400} if kind == "semidiscrete" else {}))
            budget = m.error_budget(images, n=80, generator=3, p=p)
            assert 0 < budget.total <= budget.bound
            assert budget.bound == budget.reconstruction + budget.stretch * budget.latent
            # Each term against a second way to it.
            x = m.sample(80, 3).flatten(1)
            C = otg.cost_matrix(images.flatten(1), x, "euclidean") ** p
            assert budget.total == pytest.approx(float(otg.solve_exact(C).value) ** (1 / p))
            off = (m.reconstruct(images) - images).flatten(1).norm(dim=1)
            assert budget.reconstruction == pytest.approx(float(off.pow(p).mean()) ** (1 / p))
            C = otg.cost_matrix(m.codes, m.sample_codes(80, 3), "euclidean") ** p
            assert budget.latent == pytest.approx(float(otg.solve_exact(C).value) ** (1 / p))


def test_the_budget_is_tight_where_it_can_be() -> None:
    # A perfect auto-encoder that doubles: codes x / 2, decoder 2 z. All of the error is latent.
    class Times(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.tensor(factor, dtype=F64))

        def forward(self, x: Tensor) -> Tensor:
            return self.factor * x

    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=F64)
    m = otg.LatentOT(Times(0.5), Times(2.0), x, map="gaussian").fit_map()
    budget = m.error_budget(x, generator=0)
    assert budget.reconstruction == 0.0
    assert budget.stretch == pytest.approx(2.0, abs=1e-12)
    assert budget.total == pytest.approx(budget.bound, abs=1e-12)


def test_jitter_moves_samples_by_what_it_says() -> None:
    codes = torch.randn(30, 2, generator=torch.Generator().manual_seed(0), dtype=F64)
    plain, moved = (on_codes(codes, jitter=j).fit_map(seed=0) for j in (0.0, 0.3))
    a, b = plain.sample(5000, 1), moved.sample(5000, 1)
    assert float((b - a).std()) == pytest.approx(0.3, rel=0.05)
    assert {tuple(r) for r in a.tolist()} <= {tuple(r) for r in codes.tolist()}
    z = torch.zeros(2, 2, dtype=F64)
    assert torch.equal(moved.sample(2, noise={"prior": z}), plain.transport(z))


@pytest.mark.parametrize(
    "kind", ["semidiscrete", "argmin", "quadratic", "pairs", "gaussian", "mixture"]
)
def test_state_makes_the_same_samples(kind: str) -> None:
    codes = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    options: dict[str, Any] = {"map": kind, "components": 3, "jitter": 0.1}
    steps = {"steps": 100} if kind in ("semidiscrete", "argmin", "quadratic", "pairs") else {}

    def made(data: Tensor, seed: int) -> otg.LatentOT:
        extra = {"plan": "semidiscrete", "network": otg.MLP(2, [4], 2, generator=seed)}
        return on_codes(data, **options, **(extra if kind == "pairs" else {}))

    a, b = made(codes, 0), made(torch.zeros(40, 2) + torch.arange(40)[:, None], 1)
    with pytest.raises(RuntimeError, match=r"must be fitted first: call fit_map\(\)"):
        a.sample(3)
    a.fit_map(seed=0, **steps)
    b.load_state_dict(a.state_dict())
    assert torch.equal(a.sample(20, 5), b.sample(20, 5))
    again = made(codes, 0).fit_map(seed=0, **steps)
    assert torch.equal(a.sample(20, 5), again.sample(20, 5))
    if kind == "pairs":
        batch = codes[:8]
        noise = a.noise("map", batch, torch.Generator().manual_seed(0))
        assert torch.equal(a("map", batch, noise), b("map", batch, noise))


def test_any_auto_encoder() -> None:
    data = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
    encoder, decoder = otg.MLP(3, [8], 2, generator=0), otg.MLP(2, [8], 3, generator=1)
    wae = otg.PenalizedOT(encoder, decoder, penalty=otg.MMD())
    by_method = otg.LatentOT(wae, data=data, map="gaussian").fit_map()
    by_parts = otg.LatentOT(encoder, decoder, data, map="gaussian").fit_map()
    assert torch.equal(by_method.sample(5, 0), by_parts.sample(5, 0))
    assert torch.equal(by_method.reconstruct(data), decoder(encoder(data)).detach())
    assert torch.equal(by_method.codes, encoder(data).detach())
    noisy = otg.VAE(otg.MLP(3, [8], 4, generator=0), decoder)
    assert tuple(otg.LatentOT(noisy, data=data, map="gaussian").fit_map().sample(2).shape) == (2, 3)


def test_a_linear_auto_encoder_finds_the_first_axes() -> None:
    # The least reconstruction error of a linear auto-encoder is the sum of the other eigenvalues.
    rng = torch.Generator().manual_seed(0)
    data = torch.randn(400, 5, generator=rng, dtype=F64) * torch.tensor([3, 2, 1, 0.5, 0.2])
    data = data - data.mean(dim=0)
    ae = otg.AutoEncoder(
        otg.MLP(5, [], 2, generator=0).double(), otg.MLP(2, [], 5, generator=1).double()
    )
    otg.fit(ae, data, steps=600, batch_size=400, lr=0.02, schedule="cosine", progress=False)
    left = torch.linalg.eigvalsh(torch.cov(data.T, correction=0))[:3].sum()
    error = (ae.reconstruct(data) - data).square().sum(dim=1).mean()
    assert float(error / left) == pytest.approx(1.0, abs=1e-3)


def test_what_an_auto_encoder_refuses() -> None:
    with pytest.raises(TypeError, match="decoder must be a torch"):
        otg.AutoEncoder(SAME, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cost must be one of"):
        otg.AutoEncoder(SAME, SAME, cost="l2")
    with pytest.raises(ValueError, match=r"must return data of the batch's shape \(4, 3\), got"):
        otg.AutoEncoder(SAME, nn.Linear(3, 2))("autoencoder", torch.zeros(4, 3))


CODES = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
BAD = [
    ({"map": "semi"}, ValueError, "map must be one of .*did you mean 'semidiscrete'"),
    ({"map": "pairs"}, ValueError, "network must be given for the map 'pairs'"),
    ({"map": "pairs", "network": 3}, TypeError, "network must be a torch"),
    ({"map": "pairs", "network": SAME, "plan": "all"}, ValueError, "plan must be one of"),
    ({"network": SAME}, ValueError, "network must be None for the map 'semidiscrete'"),
    ({"eps": 0.0}, ValueError, "eps must be a finite number > 0"),
    ({"jitter": -1.0}, ValueError, "jitter must be a finite number >= 0"),
    ({"map": "mixture", "components": 0}, ValueError, "components must be a whole number >= 1"),
    ({"prior": 3}, ValueError, "prior must have the dimension of the codes, 2, got 3"),
    ({"data": torch.zeros(0, 2)}, ValueError, r"data must be \(N, ...\) with N >= 1"),
    ({"data": torch.full((3, 2), math.nan)}, ValueError, "data must hold finite numbers"),
    ({"data": None}, TypeError, "data must be a tensor"),
    ({"encoder": nn.Unflatten(1, (2, 1))}, ValueError, r"encoder must return \(n, d_z\) codes"),
    ({"encoder": SAME, "decoder": None}, TypeError, "method with encode and decode where no dec"),
    ({"decoder": 3}, TypeError, "decoder must be a torch"),
]


@pytest.mark.parametrize(("options", "error", "text"), BAD, ids=[b[2][:25] for b in BAD])
def test_what_is_refused(options: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        otg.LatentOT(**{"encoder": SAME, "decoder": SAME, "data": CODES, **options})


def test_what_is_refused_later() -> None:
    m = on_codes(CODES)
    with pytest.raises(ValueError, match="seed must be a whole number >= 0"):
        m.fit_map(seed=-1)
    m.fit_map(steps=50)
    with pytest.raises(ValueError, match=r"z must have shape \(n, d\)"):
        m.transport(torch.zeros(2))
    with pytest.raises(ValueError, match="p must be a finite number >= 1"):
        m.error_budget(CODES, p=0.5)
    with pytest.raises(ValueError, match="n must be a whole number >= 1"):
        m.sample(0)


@pytest.mark.parametrize("plan", ["batch", "semidiscrete", "whole"])
def test_half_precision_leaves_the_plan_whole(plan: str) -> None:
    """In 16 dimensions a product in bfloat16 would give other partners, or none."""
    x = torch.randn(128, 32, generator=torch.Generator().manual_seed(0))
    losses = []
    for precision in (None, "bf16"):
        inner = otg.PenalizedOT(
            otg.MLP(32, [64], 16, generator=0), otg.MLP(16, [64], 32, generator=1),
            penalty=otg.MMD(), lam=1.0, prior=16,
        )  # fmt: skip
        network = otg.MLP(16, [64], 16, generator=2)
        method = otg.LatentOT(inner, data=x, map="pairs", plan=plan, network=network)
        if plan != "batch":
            method.fit_map(seed=0)
        run = otg.fit(method, x, steps=5, batch_size=64, progress=False, precision=precision)
        losses.append(run.losses["map"])
    # The network's products are rounded to 8 bits; another partner would change a third of a loss.
    torch.testing.assert_close(losses[1].double(), losses[0].double(), rtol=2**-5, atol=0)
