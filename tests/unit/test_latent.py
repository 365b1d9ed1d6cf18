"""The machinery of chapter 13: draws without chance, samplers of codes, and the attack."""

from __future__ import annotations

import pytest
import torch

import otgen_lite as otg
from otgen_lite import latent


def test_even_places_have_the_moments_and_the_halves_of_a_gaussian() -> None:
    z = latent.even_gaussian(2000).double()
    assert z.mean(0).abs().max() < 0.01
    assert torch.allclose(torch.cov(z.T), torch.eye(2, dtype=z.dtype), atol=0.01)
    for angle in torch.linspace(0, 3, 7, dtype=z.dtype):
        side = z @ torch.stack([angle.cos(), angle.sin()])
        assert (side > 0).double().mean().item() == pytest.approx(0.5, abs=0.004)


def test_balanced_takes_as_many_of_each_mode() -> None:
    x = torch.cat([torch.zeros(9, 1), torch.ones(4, 1)])
    kept = latent.balanced(x, torch.tensor([[0.0], [1.0]]), 6)
    assert kept[:, 0].tolist() == [0, 0, 0, 1, 1, 1]


def test_hard_images_are_codes_and_soft_ones_lie_between() -> None:
    two = latent.Clusters(2, codes=16, steps=300, network_steps=2, seed=1)
    z = latent.even_gaussian(200)
    hard, soft = two.image("hard", 0.0, z), two.image("soft", 1.0, z)
    assert otg.cost_matrix(hard, two.problem.y).amin(1).max() < 1e-10
    assert soft.norm(dim=1).max() < hard.norm(dim=1).max() + 1e-6
    assert torch.allclose(two.image("hard", 1.0, z), z)
    with pytest.raises(ValueError, match="kind"):
        two.image("mixture", 0.1, z)


def test_a_sampler_of_codes_copies_at_level_zero_only() -> None:
    x = torch.rand(120, 3, generator=torch.Generator().manual_seed(0))
    sampler = latent.CodeSampler(latent.autoencoder(x, 2, 16, 0, steps=50, batch_size=60), x)
    for level, low in ((0, -1e-9), (1, 0.01), (2, 0.05)):
        code = sampler.draw("hard", 80, atoms=40, level=level, seed=3)
        assert otg.metrics.novelty(code, sampler.codes[:40]) > low
    copies = sampler.draw("hard", 80, atoms=40, level=0, seed=3)
    assert otg.metrics.novelty(copies, sampler.codes[:40]) < 1e-6
    for kind in ("soft", "mixture"):
        assert sampler.draw(kind, 7, atoms=60, level=2, seed=4).shape == (7, 2)


def test_what_is_out_of_range_is_named() -> None:
    x = torch.rand(60, 3, generator=torch.Generator().manual_seed(0))
    sampler = latent.CodeSampler(latent.autoencoder(x, 2, 8, 0, steps=2, batch_size=30), x)
    known, unknown = latent.patients()
    for call, name in (
        (lambda: sampler.draw("hard", 5, atoms=61, level=0, seed=1), "atoms"),
        (lambda: sampler.draw("hard", 5, atoms=30, level=3, seed=1), "level"),
        (lambda: latent.Clusters(401), "number"),
        (lambda: latent.Clusters(8, codes=7), "codes"),
        (lambda: latent.patients(known=569), "known"),
        (lambda: latent.patients(seed=-1), "seed must be a whole number >= 0"),
        (lambda: latent.usefulness(known[known[:, -1] > 0], unknown), "records"),
        (lambda: latent.balanced(x, x[:9], 8), "n must"),
    ):
        with pytest.raises(ValueError, match=name):
            call()


def test_copies_leak_and_noise_does_not() -> None:
    known, unknown = latent.patients()
    assert latent.leak(known, known, unknown) == 1.0
    far = torch.randn(380, 31, generator=torch.Generator().manual_seed(1))
    assert latent.leak(far, known, unknown) == pytest.approx(0.5, abs=0.06)
    assert latent.leak(unknown, known, unknown) == 0.0
