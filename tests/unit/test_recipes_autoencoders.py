"""Recipes with an encoder: what is in them, and that each trains (on tiny budgets)."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch

from otgen_lite import recipes
from otgen_lite.data import eight_gaussians
from otgen_lite.methods import LatentOT
from otgen_lite.recipes import digits, latent, ring_latent
from otgen_lite.recipes._basis import BasisEncoder
from otgen_lite.training import History, fit

RING = ("vae", "penalized_ot", "aae", "avb", "latent_ot_semidiscrete", "latent_ot_pairs")
DIGITS = (*RING, "latent_ot_gaussian", "latent_ot_mixture")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Auto-encoders of the latent recipes for a few steps only, and their potentials."""
    few = {"steps": 5, "batch_size": 32}
    monkeypatch.setattr(ring_latent, "AUTOENCODER", {**ring_latent.AUTOENCODER, **few})
    monkeypatch.setattr(digits, "AUTOENCODER", {**digits.AUTOENCODER, **few})
    monkeypatch.setattr(ring_latent, "STEPS", 20)


def ring(n: int, seed: int = 0) -> torch.Tensor:
    return eight_gaussians(n, seed, dtype=torch.float32)


@pytest.mark.parametrize("name", RING)
def test_ring_recipe_trains_and_samples(name: str) -> None:
    method, history = recipes.get("eight_gaussians", name).train(3, ring(1200), steps=3)
    sample = method.sample(50, torch.Generator().manual_seed(0))
    assert sample.shape == (50, 2)
    assert sample.dtype == torch.float32
    assert torch.isfinite(sample).all()
    assert all(torch.isfinite(torch.as_tensor(v)).all() for v in history.losses.values())


@pytest.mark.parametrize("name", DIGITS)
def test_digits_recipe_trains_and_samples(name: str) -> None:
    recipe = recipes.get("digits", name)
    method, _ = recipe.train(3, recipe.data(0)[:300], steps=2)
    sample = method.sample(20, torch.Generator().manual_seed(0))
    assert sample.shape == (20, 8, 8)
    assert float(sample.min()) >= 0.0
    assert float(sample.max()) <= 1.0


@pytest.mark.parametrize("name", RING)
def test_same_seed_same_model(name: str) -> None:
    """Nothing is drawn from torch's own generator; another seed gives another model."""
    samples = []
    for outer, seed in ((0, 4), (1, 4), (2, 5)):
        torch.manual_seed(outer)
        method, _ = recipes.get("eight_gaussians", name).train(seed, ring(1200), steps=2)
        samples.append(method.sample(30, torch.Generator().manual_seed(0)))
    assert torch.equal(samples[0], samples[1])
    assert not torch.equal(samples[0], samples[2])


def test_vae_ends_at_the_variance_of_the_modes() -> None:
    """The model with the decoder's noise is then the data's law, not a blurred one."""
    method, _ = recipes.get("eight_gaussians", "vae").train(0, ring(300), steps=50)
    at = method.decoder_var
    method.schedule(0.0)
    assert float(method.decoder_var) == pytest.approx(0.5)
    method.schedule(1.0)
    assert float(method.decoder_var) == pytest.approx(0.05**2)
    assert at is method.decoder_var


@pytest.mark.parametrize("name", ["penalized_ot", "aae", "avb"])
@pytest.mark.parametrize("on", ["eight_gaussians", "digits"])
def test_encoders_have_noise_of_their_own(on: str, name: str) -> None:
    """What the findings ask for: codes of one point differ, by the encoder's noise alone."""
    recipe = recipes.get(on, name)
    data = ring(10) if on == "eight_gaussians" else recipe.data(0)[:10]
    method: Any = recipe.make(0, data)
    same = data[:1].expand(100, *data.shape[1:])
    codes = method.encode(same, torch.Generator().manual_seed(0))
    assert float(codes.std(dim=0).min()) > 0.0


@pytest.mark.parametrize("data", ["eight_gaussians", "digits"])
def test_discriminators_are_the_faster_players(data: str) -> None:
    for name in ("aae", "avb"):
        rates = recipes.get(data, name).options["lr"]
        assert rates["critic"] > rates["autoencoder"]


def test_basis_moves_every_code_along_the_same_shapes() -> None:
    """Differences of codes are the sum of a_i(x) v_i: linear in the scales, and spread at first."""
    draw = torch.Generator().manual_seed(0)
    encoder = BasisEncoder(3, 2, [8], draw)
    x = torch.rand(4000, 3, generator=draw)
    noise = torch.randn(4000, encoder.noise_dim, generator=draw)
    assert float(encoder(x, noise).std(dim=0).min()) > 0.3
    last = encoder.body[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
        once = encoder(x, noise)  # place 0, scales 1/2
        last.bias[2:] = 0.5  # scales 1
        last.bias[:2] = 3.0
        twice = encoder(x, noise)
    assert torch.allclose(twice, 2.0 * once + 3.0, atol=1e-5)


def test_spread_takes_each_leaf_once() -> None:
    """Leaves of 16 consecutive numbers on a line: one index from each."""
    points = torch.randperm(256, generator=torch.Generator().manual_seed(1))[:, None].float()
    picks = ring_latent.spread(points, 4, torch.Generator().manual_seed(0))
    leaf = (points[picks, 0] / 16).floor()
    assert leaf.sort().values.tolist() == list(range(16))


def test_spread_keeps_the_shares_of_the_modes() -> None:
    """Off by the leaves that reach across a gap: fewer than a tenth of what chance would do."""
    points = ring(20_000)
    truth = torch.bincount(mode_of(points), minlength=8) / len(points)
    picks = ring_latent.spread(points, 9, torch.Generator().manual_seed(0))
    found = torch.bincount(mode_of(points[picks]), minlength=8) / len(picks)
    # 512 random picks err by (7/64/512)^(1/2) = .0146 in each mode.
    assert float((found - truth).square().mean().sqrt()) < 0.1 * (7 / 64 / 512) ** 0.5


def mode_of(points: torch.Tensor) -> torch.Tensor:
    angle = torch.atan2(points[:, 1], points[:, 0])
    return (angle / (torch.pi / 4)).round().long() % 8


def test_semidiscrete_samples_are_reconstructions_of_atoms() -> None:
    data = ring(1500)
    method, _ = recipes.get("eight_gaussians", "latent_ot_semidiscrete").train(1, data)
    assert isinstance(method, LatentOT)
    atoms = method.decode(method.codes)
    sample = method.sample(200, torch.Generator().manual_seed(0))
    apart = (sample[:, None] - atoms[None]).abs().amax(dim=2)
    assert float(apart.amin(dim=1).max()) < 1e-6


LATENT = [("eight_gaussians", n) for n in ("semidiscrete", "pairs")] + [
    ("digits", n) for n in ("semidiscrete", "pairs", "gaussian", "mixture")
]


@pytest.mark.parametrize(("on", "kind"), LATENT)
def test_latent_recipes_use_every_option_in_every_training(
    on: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each training gets all that was asked for, in place of what the recipe would take."""
    given: list[dict[str, Any]] = []

    def noted(method: Any, data: Any, **options: Any) -> History:
        given.append(options)
        return fit(method, data, **{**options, "compile": False, "ema": None})

    monkeypatch.setattr(latent, "fit", noted)
    asked: dict[str, Any] = {
        "steps": 2, "batch_size": 16, "lr": 1e-4, "optimizer": "sgd", "betas": (0.5, 0.5),
        "adam_eps": 1e-7, "schedule": "constant", "warmup": 1, "ema": 0.5, "clip_grad": 2.0,
        "precision": "bf16", "compile": True, "device": "cpu", "callbacks": [lambda *_: None],
        "checkpoint": None, "checkpoint_every": None, "resume": False,
        "metrics": {"one": lambda m: 1.0}, "metrics_every": 1,
    }  # fmt: skip
    recipe = recipes.get(on, f"latent_ot_{kind}")
    data = ring(1200) if on == "eight_gaussians" else recipe.data(0)[:200]
    _, history = recipe.train(0, data, **asked)
    assert len(given) == (2 if kind == "pairs" else 1)
    last = {"metrics", "metrics_every"}
    for k, options in enumerate(given):
        due = asked if k == len(given) - 1 else {n: v for n, v in asked.items() if n not in last}
        assert {**options, **due} == options
        assert options["seed"] == 0
    assert history.metrics["one"][0] == [1, 2]
    # Nothing that fit takes was left out of what is checked here.
    taken = set(inspect.signature(fit).parameters) - {"method", "data", "seed", "progress"}
    assert set(asked) == taken
    ran = list(recipe.stages(**asked).values())
    assert [{**options, **ran[k]} for k, options in enumerate(given)] == given


@pytest.mark.parametrize("on", ["eight_gaussians", "digits"])
def test_options_that_fit_does_not_take_are_refused(
    on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        pytest.fail("work has started")

    for name in recipes.names(on):
        recipe = recipes.get(on, name)
        monkeypatch.setattr(recipe, "_maker", fail)
        for option in ("nonsense", "step", "method"):
            with pytest.raises(TypeError, match=f"an option of fit must be .*, got '{option}'"):
                recipe.train(0, ring(8), **{option: 5})
    with pytest.raises(TypeError, match="got 'step'; did you mean 'steps'"):
        recipes.recipe(on, "new", step=3)
