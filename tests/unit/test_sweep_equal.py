"""A member of a sweep is the model that ``fit`` trains alone, with the same draws."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

import otgen_lite as otg

F64 = torch.float64
ROWS = torch.randn(90, 2, generator=torch.Generator().manual_seed(5), dtype=F64)
STEPS = 9


def mlp(inputs: int, outputs: int, seed: int, hidden: int = 6) -> nn.Module:
    return otg.MLP(inputs, [hidden, hidden], outputs, generator=seed).double()


def penalized(lam=1.0, cost="sqeuclidean", decoder_var=0.0, penalty=None, seed=0, **more):
    penalty = otg.MMD() if penalty is None else penalty()
    encoder = mlp(2, 2, seed + 1)
    decoder = mlp(2, 2, seed + 2)
    return otg.PenalizedOT(
        encoder, decoder, penalty=penalty, lam=lam, cost=cost, decoder_var=decoder_var, **more
    )


def adversarial(saturating=False, **more):
    def penalty():
        return otg.Adversarial(mlp(2, 1, 9), saturating=saturating)

    return penalized(penalty=penalty, **more)


def aae(decoder_var=1.0, seed=0, **more):
    encoder = mlp(2, 4, seed + 1)
    return otg.AAE(
        encoder, mlp(2, 2, 2), mlp(2, 1, 3), decoder_var=decoder_var, encoding="gaussian", **more
    )


def vae(decoder_var=1.0, seed=0):
    return otg.VAE(mlp(2, 4, seed + 1), mlp(2, 2, 2), decoder_var=decoder_var)


def wgan(seed=0, **more):
    return otg.WGAN(mlp(2, 2, seed + 1), mlp(2, 1, 2), n_critic=2, **more)


def shrinking(progress: float) -> float:
    return 1.0 - 0.9 * progress


def agree(make, grid, stacks=1, **options):
    """Train the grid, then each of its points alone, and compare everything."""
    options = {"steps": STEPS, "batch_size": 16, "progress": False, "lr": 3e-3, **options}
    s = otg.sweep(make, grid, ROWS, stack=True, **options)
    assert s.stacked
    assert s.reason.endswith(f"in {stacks} stack" + ("s" if stacks > 1 else ""))
    moved = []
    for (point, method), history in zip(s, s.histories, strict=True):
        alone = make(**point)
        before = [p.detach().clone() for p in alone.parameters()]
        expected = otg.fit(alone, ROWS, **options)
        torch.testing.assert_close(
            dict(method.state_dict()), dict(alone.state_dict()), rtol=0.0, atol=1e-8
        )
        assert list(history.losses) == list(expected.losses)
        for player, values in expected.losses.items():
            torch.testing.assert_close(history.losses[player], values, rtol=0.0, atol=1e-8)
        pairs = zip(before, alone.parameters(), strict=True)
        moved.append(max(float((a - b).detach().abs().max()) for a, b in pairs))
    assert min(moved) > 1e-4  # there was something to agree about
    return s


LAMS = {"lam": [0.1, 1.0, 10.0]}


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "sgd"])
def test_penalised_transport_with_every_optimizer(optimizer):
    agree(penalized, LAMS, optimizer=optimizer)


@pytest.mark.parametrize("saturating", [False, True])
def test_an_adversarial_penalty(saturating):
    agree(lambda lam: adversarial(lam=lam, saturating=saturating), LAMS)


def test_an_adversarial_auto_encoder_with_averaged_weights_and_a_falling_rate():
    grid = {"decoder_var": [0.05, 0.5], "seed": [0, 3]}
    agree(aae, grid, ema=0.9, schedule="cosine", warmup=3)


def test_a_vae_whose_variance_moves():
    agree(lambda seed: vae(decoder_var=shrinking, seed=seed), {"seed": [0, 1, 2]})
    agree(vae, {"decoder_var": [0.1, 1.0]}, ema=0.8)
    agree(lambda seed: vae(decoder_var="learned", seed=seed), {"seed": [0, 1]})


def test_a_clipped_critic():
    s = agree(lambda clip: wgan(clip=clip, constraint="clip"), {"clip": [0.01, 0.05, 0.3]},
              optimizer="rmsprop")  # fmt: skip
    for point, method in s:
        for p in method.critic.parameters():
            assert float(p.detach().abs().max()) <= point["clip"]


@pytest.mark.parametrize("one_sided", [False, True])
def test_a_gradient_penalty(one_sided):
    agree(lambda gp_weight: wgan(gp_weight=gp_weight, constraint="gp", one_sided=one_sided),
          {"gp_weight": [0.1, 1.0, 10.0]})  # fmt: skip


def test_penalties_of_one_side_and_of_two_are_one_stack():
    s = agree(lambda one_sided: wgan(gp_weight=3.0, constraint="gp", one_sided=one_sided),
              {"one_sided": [False, True]})  # fmt: skip
    assert "1 stack" in s.reason
    assert [bool(method.one_sided) for method in s.methods] == [False, True]


def test_gradients_are_clipped_member_by_member():
    # One bound over all members together would shorten the first because of the last.
    for make, grid in ((penalized, LAMS), (wgan, {"gp_weight": [0.1, 10.0]})):
        agree(make, grid, clip_grad=0.3, optimizer="sgd", lr=0.1)
        agree(make, grid, clip_grad=1e4, optimizer="sgd", lr=0.01)


def test_costs_are_stacks_on_the_same_batches_and_noise():
    grid = {
        "lam": [0.1, 10.0],
        "cost": ["sqeuclidean", "euclidean", "cityblock"],
        "decoder_var": [0.0, 0.1],
    }
    agree(penalized, grid, stacks=3)
    rates = {"critic": 1e-2, "autoencoder": 1e-3}
    agree(adversarial, grid, stacks=3, clip_grad={"critic": 0.2}, lr=rates)


def test_penalties_with_other_players_are_trained_by_a_run_of_their_own():
    kinds = {"mmd": penalized, "gan": adversarial}
    agree(lambda kind, lam: kinds[kind](lam=lam), {"kind": ["mmd", "gan"], **LAMS}, stacks=2)


def test_codes_that_one_player_leaves_for_the_next():
    agree(lambda lam: adversarial(lam=lam, reuse_codes=True), LAMS)
    grid = {"lam": [0.1, 1.0], "cost": ["sqeuclidean", "cityblock"]}
    agree(lambda lam, cost: adversarial(lam=lam, cost=cost, reuse_codes=True), grid, stacks=2)


def sliced(lam):
    encoder = otg.ImplicitEncoder(2, 2, [6], 2, generator=1).double()
    penalty = otg.SlicedWasserstein(n_projections=4)
    return otg.PenalizedOT(encoder, mlp(2, 2, 2), penalty=penalty, lam=lam, encoding="implicit")


def avb(decoder_var, adaptive_contrast=False):
    encoder = otg.ImplicitEncoder(2, 2, [6], 2, generator=1).double()
    critic = otg.PairCritic(2, 2, [6], generator=3).double()
    return otg.AVB(
        encoder, mlp(2, 2, 2), critic, decoder_var=decoder_var, adaptive_contrast=adaptive_contrast
    )


def mke(eps, discrepancy="divergence"):
    return otg.MKE(mlp(2, 2, 1), discrepancy=discrepancy, eps=eps, sweeps=5)


def test_implicit_encoders_and_projections():
    agree(sliced, LAMS)


@pytest.mark.parametrize("adaptive_contrast", [False, True])
def test_variational_bayes_with_an_opponent(adaptive_contrast):
    agree(lambda decoder_var: avb(decoder_var, adaptive_contrast), {"decoder_var": [0.1, 1.0]})


@pytest.mark.parametrize("loss", ["sinkhorn", "divergence"])
def test_estimation_by_a_fixed_number_of_sweeps(loss):
    agree(lambda eps: mke(eps, loss), {"eps": [0.05, 0.2, 1.0]})


def test_convolutions(monkeypatch):
    def make(decoder_var):
        encoder = otg.ConvEncoder((1, 8, 8), 4, width=2, generator=1).double()
        decoder = otg.ConvDecoder(2, (1, 8, 8), width=2, generator=2).double()
        return otg.VAE(encoder, decoder, decoder_var=decoder_var)

    draw = torch.Generator().manual_seed(1)
    monkeypatch.setitem(globals(), "ROWS", torch.randn(30, 1, 8, 8, generator=draw, dtype=F64))
    agree(make, {"decoder_var": [0.5, 2.0]}, steps=4)


class Counting(nn.Module):
    """A network with a state that moves at every call, as running means do."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = mlp(2, 2, 1)
        self.register_buffer("mean", torch.zeros(2, dtype=F64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.layer(x)
        if self.training:
            self.mean.mul_(0.9).add_(0.1 * out.detach().mean(dim=0))
        return out - self.mean


def test_a_state_that_moves_while_training():
    def make(lam):
        return otg.PenalizedOT(Counting(), mlp(2, 2, 2), penalty=otg.MMD(), lam=lam)

    s = agree(make, LAMS)
    means = [method.encoder.mean for method in s.methods]
    assert not torch.equal(means[0], means[2])


class Tied(nn.Module):
    """A decoder whose last layer is its first: one weight in two places, and a frozen layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2, dtype=F64)
        self.last = nn.Linear(2, 2, dtype=F64)
        self.fixed = nn.Linear(2, 2, dtype=F64).requires_grad_(False)
        self.last.weight = self.first.weight
        with torch.no_grad():
            for k, p in enumerate(self.parameters()):
                p.copy_(torch.linspace(-1.0, 1.0, p.numel(), dtype=F64).view_as(p) * (k + 1) / 3)
        self.in_features = 2

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(self.fixed(self.first(z))))


def test_tied_and_frozen_weights_stay_so():
    def make(lam):
        return otg.PenalizedOT(mlp(2, 2, 1), Tied(), penalty=otg.MMD(), lam=lam)

    s = agree(make, LAMS)
    for _, method in s:
        assert method.decoder.last.weight is method.decoder.first.weight
        assert torch.equal(method.decoder.fixed.weight, Tied().fixed.weight)


def test_a_stack_resumed_from_a_checkpoint_is_the_stack_that_was_not_stopped(tmp_path):
    def stop(step, method, history):
        return step == 4

    options = {"steps": STEPS, "batch_size": 16, "progress": False, "ema": 0.9}
    grid = {"lam": [0.1, 10.0], "cost": ["sqeuclidean", "cityblock"]}
    whole = otg.sweep(penalized, grid, ROWS, **options)
    path = tmp_path / "run.pt"
    first = otg.sweep(penalized, grid, ROWS, checkpoint=path, callbacks=(stop,), **options)
    assert first.interrupted
    assert {h.steps for h in first.histories} == {4}
    then = otg.sweep(penalized, grid, ROWS, checkpoint=path, **options)
    assert not then.interrupted
    for a, b in zip(whole.methods, then.methods, strict=True):
        for p, q in zip(a.parameters(), b.parameters(), strict=True):
            assert torch.equal(p, q)
    other = {"lam": [0.1, 20.0], "cost": ["sqeuclidean", "cityblock"]}
    with pytest.raises(ValueError, match=r"same grid, got one with lam=10.0.* now is lam=20.0"):
        otg.sweep(penalized, other, ROWS, checkpoint=path, **options)


def test_only_the_hyper_parameter_differs_between_members():
    # Where the hyper-parameter does nothing, members stay the same, but for rounding.
    s = otg.sweep(
        penalized, {"decoder_var": [0.0, 1.0, 5.0]}, ROWS, steps=5, batch_size=16, progress=False
    )
    assert s.stacked
    for a, b in pairwise(s.methods):
        for p, q in zip(a.parameters(), b.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=0.0, atol=1e-8)
