"""Bad options: every message names the argument, what it was and what it must be."""

import math
from typing import Any

import pytest
import torch
from torch import nn

import otgen_lite as otg
from otgen_lite.training.options import Options

X = torch.randn(12, 2, generator=torch.Generator().manual_seed(0))


def method(d: int = 2) -> otg.PenalizedOT:
    critic = otg.Adversarial(otg.MLP(1, [3], 1, generator=2))
    nets = otg.MLP(d, [3], 1, generator=0), otg.MLP(1, [3], d, generator=1)
    return otg.PenalizedOT(*nets, penalty=critic, lam=1.0)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"steps": 0}, ValueError, "steps must be a whole number >= 1, got 0"),
        ({"steps": 2.5}, TypeError, "steps must be a whole number, got 2.5"),
        ({"batch_size": -1}, ValueError, "batch_size must be a whole number >= 1"),
        ({"lr": -1.0}, ValueError, "lr must be a finite number >= 0"),
        ({"lr": float("nan")}, ValueError, "lr must be a finite number"),
        (
            {"lr": {"critik": 1.0}},
            ValueError,
            "a player in lr must be one of .* did you mean 'critic'",
        ),
        ({"lr": {"critic": 1.0}}, ValueError, r"lr must hold a rate for every player.*autoenc"),
        ({"lr": {"critic": "a"}}, TypeError, r"lr\['critic'\] must be a number"),
        ({"optimizer": "adan"}, ValueError, "optimizer must be one of .* did you mean 'adam'"),
        ({"optimizer": 3}, TypeError, "optimizer must be a name or a callable, got 3"),
        ({"optimizer": lambda p, lr: 3}, TypeError, "optimizer must make a torch optimizer, got 3"),
        ({"betas": (0.9,)}, TypeError, "betas must be two numbers"),
        ({"betas": (0.9, 1.0)}, ValueError, r"betas must be in \[0, 1\)"),
        ({"adam_eps": -1e-8}, ValueError, "adam_eps must be a finite number >= 0"),
        ({"schedule": "cosin"}, ValueError, "schedule must be one of .* did you mean 'cosine'"),
        ({"schedule": 1.0}, TypeError, "schedule must be a name or a callable"),
        ({"warmup": -1}, ValueError, "warmup must be a whole number >= 0"),
        ({"ema": 1.0}, ValueError, "ema must be None or between 0 and 1, got 1.0"),
        ({"clip_grad": 0.0}, ValueError, "clip_grad must be a finite number > 0"),
        (
            {"clip_grad": {"crtic": 1.0}},
            ValueError,
            "a player in clip_grad must be one of .*'critic'",
        ),
        ({"precision": "bf61"}, ValueError, "precision must be one of .* did you mean 'bf16'"),
        ({"precision": 16}, TypeError, "precision must be None or a name, got 16"),
        ({"seed": -1}, ValueError, "seed must be a whole number >= 0"),
        ({"seed": None}, TypeError, "seed must be a whole number, got None"),
        ({"device": "cudda"}, ValueError, "device must be 'auto' or one that torch knows"),
        ({"metrics": [len]}, TypeError, "metrics must be a dict of functions by name"),
        ({"metrics": {"a": 1}}, TypeError, r"metrics\['a'\] must be callable, got 1"),
        ({"metrics_every": 5}, ValueError, "metrics_every needs metrics"),
        ({"callbacks": [3]}, TypeError, "callbacks must hold callables, got 3"),
        ({"callbacks": print}, TypeError, "callbacks must be a list of callables"),
        ({"checkpoint_every": 5}, ValueError, "checkpoint_every needs checkpoint"),
        ({"checkpoint": 5}, TypeError, "checkpoint must be a path, got 5"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], words: str) -> None:
    model = method()
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(error, match=words):
        otg.fit(model, X, **{"steps": 2, "batch_size": 4, "progress": False, **options})
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_an_accelerator_that_is_not_here(monkeypatch: Any) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    with pytest.raises(ValueError, match="got 'cuda'; torch sees only the CPU"):
        otg.fit(method(), X, device="cuda")


def test_something_that_is_no_method() -> None:
    with pytest.raises(TypeError, match="method must be a Method with players, got a Linear"):
        otg.fit(nn.Linear(2, 2), X)  # type: ignore[arg-type]


def test_a_player_without_parameters() -> None:
    model = method()
    model.penalty.requires_grad_(False)
    with pytest.raises(ValueError, match="something to train for every player, got none for 'cri"):
        otg.fit(model, X)


def test_data_of_another_shape_than_the_networks_take() -> None:
    model = method()
    model.encoder = nn.Linear(3, 1)
    for found, error in ((model, RuntimeError), (method(3), ValueError)):
        with pytest.raises(error) as raised:
            otg.fit(found, X, batch_size=4, progress=False)
        note = "fit: a batch of data has shape (4, 2); do the networks take it?"
        assert raised.value.__notes__ == [note]


@pytest.mark.parametrize(
    ("schedule", "error", "words"),
    [
        (lambda t: -1.0, ValueError, r"schedule\(0\) must be a finite number >= 0, got -1.0"),
        (lambda t: 1.0 - 2.0 * t, ValueError, r"schedule\(0.51\) must be .*, got -0.02"),
        (lambda t: math.inf if t > 0.95 else 1.0, ValueError, r"schedule\(0.96\) .*, got inf"),
        (lambda t: math.nan, ValueError, r"schedule\(0\) must be a finite number >= 0, got nan"),
        (lambda t: None, TypeError, r"schedule\(0\) must be a number, got None"),
    ],
)
def test_a_schedule_that_would_climb_is_refused_before_the_first_step(
    schedule: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Options(steps=100, schedule=schedule)


def test_a_schedule_is_looked_at_in_every_round_too() -> None:
    # A dip between the looks that are made before the first step.
    options = Options(steps=10_000, schedule=lambda t: -1.0 if t == 0.50005 else 1.0)
    assert options.factor(5000) == 1.0
    with pytest.raises(ValueError, match=r"schedule\(0.50005\) must be a finite number >= 0"):
        Options(steps=20_000, schedule=lambda t: -1.0 if t == 0.50005 else 1.0).factor(10_001)
