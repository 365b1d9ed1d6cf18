"""What every auto-encoder must do: stack, repeat, go to disk and back, and refuse bad input."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

import otgen_lite as otg
from otgen_lite.methods import encoder_models, network_calls
from otgen_lite.methods.priors import even
from tests.unit.autoencoders import (
    DZ,
    KINDS,
    D,
    aae,
    avb,
    data,
    draws,
    encoder,
    gradients,
    net,
    penalized,
    vae,
)

SEEDS = (0, 1, 2)
EACH = pytest.mark.parametrize("kind", list(KINDS))


@EACH
def test_stacked_losses_and_gradients_are_those_of_each(kind: str) -> None:
    members = [KINDS[kind](seed=seed) for seed in SEEDS]
    for k, member in enumerate(members):
        for name in ("lam", "decoder_var"):
            if name in dict(member.named_buffers()):
                getattr(member, name).fill_(0.3 + k)
    assert len({member.signature() for member in members}) == 1
    values, buffers = stack_module_state(members)
    batch = data(8)
    for player in members[0].players:
        noise = draws(members[0], player, batch)

        def loss(own: dict[str, Tensor], hyper: dict[str, Tensor], player=player, noise=noise):
            return functional_call(members[0], (own, hyper), (player, batch, noise))

        together = vmap(loss)(values, buffers)
        slopes = vmap(grad(loss))(values, buffers)
        for k, member in enumerate(members):
            alone = member(player, batch, noise)
            assert float(together[k].detach()) == pytest.approx(float(alone.detach()), abs=1e-12)
            for name, slope in gradients(member, player, batch, noise).items():
                torch.testing.assert_close(slopes[name][k], slope, atol=1e-12, rtol=1e-12)


def test_a_penalty_that_looks_at_numbers_says_so() -> None:
    assert penalized("mmd").stackable
    assert not penalized("sinkhorn").stackable
    assert all(method.stackable for method in (aae(), vae(), avb()))


@EACH
def test_noise_needs_shapes_alone(kind: str) -> None:
    one, other = KINDS[kind](seed=0), KINDS[kind](seed=1)
    for parameter in other.parameters():
        parameter.data.mul_(3.0)
    batch = data(6)
    for player in one.players:
        first, second = draws(one, player, batch), draws(other, player, 5.0 * batch)
        assert first.keys() == second.keys()
        for name, value in first.items():
            assert torch.equal(value, second[name])
            assert name.startswith("shared_") or len(value) == 6


@EACH
def test_same_noise_same_loss_and_a_generator_that_repeats(kind: str) -> None:
    method, batch = KINDS[kind](seed=0), data(6)
    moved = []
    for player in method.players:
        noise, again = draws(method, player, batch), draws(method, player, batch)
        assert torch.equal(method(player, batch, noise), method(player, batch, again))
        other = draws(method, player, batch, seed=1)
        moved.append(not torch.equal(method(player, batch, noise), method(player, batch, other)))
    # A deterministic encoder draws nothing for the non-saturating loss; its opponent does.
    assert any(moved)


# The moments of the adaptive contrast pass no gradient, by design: test_avb.py has its own check.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "avb contrast"])
def test_gradients_by_finite_differences(kind: str) -> None:
    method, batch = KINDS[kind](seed=0), data(4)
    for player in method.players:
        noise = draws(method, player, batch)
        values = dict(method.parameters_of(player))
        names = list(values)

        def loss(*own: Tensor, player=player, noise=noise, names=names) -> Tensor:
            return functional_call(
                method, dict(zip(names, own, strict=True)), (player, batch, noise)
            )

        own = [v.detach().clone().requires_grad_() for v in values.values()]
        assert torch.autograd.gradcheck(loss, own, eps=1e-6, rtol=1e-5, atol=1e-8, fast_mode=True)


@EACH
def test_state_dict_round_trip(kind: str) -> None:
    method, other = KINDS[kind](seed=0), KINDS[kind](seed=7)
    method.schedule(0.5)
    for name, value in method.named_buffers():
        if name in ("lam", "decoder_var"):
            value.mul_(1.7)
    file = io.BytesIO()
    torch.save(method.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    batch = data(5)
    for player in method.players:
        noise = draws(method, player, batch)
        assert torch.equal(method(player, batch, noise), other(player, batch, noise))
    assert torch.equal(method.sample(4, 0), other.sample(4, 0))
    assert float(other.variance().detach()) == float(method.variance().detach())


@EACH
def test_samples_codes_and_reconstructions(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, x = KINDS[kind](seed=0), data(11)
    z = method.encode(x, 3)
    assert z.shape == (11, DZ)
    assert torch.equal(z, method.encode(x, torch.Generator().manual_seed(3)))
    assert torch.equal(z, method.encode(x.numpy(), 3))
    assert torch.equal(method.reconstruct(x, 3), method.decode(z))
    made = method.sample(11, 5)
    assert made.shape == (11, D)
    assert not made.requires_grad
    assert torch.equal(made, method.sample(11, torch.Generator().manual_seed(5)))
    assert not torch.equal(made, method.sample(11, 6))
    assert torch.equal(made, method.sample(11, noise={"prior": method.prior.draw(
        11, torch.Generator().manual_seed(5), x)}))  # fmt: skip
    # Many rows go through the networks in blocks, and nothing changes but rounding.
    monkeypatch.setattr(network_calls, "ROWS", 4)
    torch.testing.assert_close(method.sample(11, 5), made, atol=1e-13, rtol=1e-13)
    torch.testing.assert_close(method.encode(x, 3), z, atol=1e-13, rtol=1e-13)


@EACH
def test_mixed_precision_keeps_the_digits_of_the_loss(kind: str) -> None:
    method, x = KINDS[kind](seed=0).float(), data(8).float()
    for player in method.players:
        noise = draws(method, player, x)
        full = method(player, x, noise)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = method(player, x, noise)
            codes = method.codes(x, draws(method, player, x))
        # A density evaluated at codes of three digits would have no more.
        assert codes.dtype == torch.float32
        assert half.dtype == torch.float32
        # Networks in bfloat16 have three digits; the loss itself must not lose more.
        assert float(half.detach()) == pytest.approx(float(full.detach()), rel=0.02, abs=0.01)


def test_random_encoders_take_their_draws_as_given() -> None:
    x = data(6)
    for method, width in ((vae(), DZ), (avb(), 4)):
        e = torch.randn(6, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        assert torch.equal(method.encode(x, noise={"encoder": e}), method.codes(x, {"encoder": e}))
        assert not torch.equal(method.encode(x, 0), method.encode(x, 1))
    method = vae()
    mean, log_var = method.posterior(x)
    given = method.encode(x, noise={"encoder": torch.ones(6, DZ).double()})
    torch.testing.assert_close(given, (mean + (0.5 * log_var).exp()).detach())


def test_noise_of_the_decoder() -> None:
    method = vae(decoder_var=0.49)
    plain = method.sample(5000, 0)
    noisy = method.sample(5000, 0, decoder_noise=True)
    assert torch.equal(plain, method.sample(5000, 0))
    # Four standard errors of a variance from 15,000 numbers.
    assert float((noisy - plain).var()) == pytest.approx(0.49, abs=4 * 0.49 * (2 / 15000) ** 0.5)
    ones = torch.ones(3, D).double()
    noise = {"prior": torch.zeros(3, DZ).double(), "decoder": ones}
    made = method.sample(3, noise=noise, decoder_noise=True)
    torch.testing.assert_close(made, method.decode(noise["prior"]) + 0.7 * ones)


def test_images_and_convolutions() -> None:
    shape = (1, 28, 28)
    x = torch.rand(6, *shape, generator=torch.Generator().manual_seed(0))
    make: list[Any] = [
        otg.PenalizedOT(
            otg.ConvEncoder(shape, 4, width=4, generator=0),
            otg.ConvDecoder(4, shape, width=4, norm=True, generator=1),
            penalty=otg.MMD(), cost="cityblock",
        ),
        otg.VAE(
            otg.ConvEncoder(shape, 8, width=4, norm=True, generator=0),
            otg.ConvDecoder(4, shape, width=4, final=nn.Sigmoid, generator=1), prior=4,
        ),
        otg.AVB(
            otg.ImplicitEncoder(784, 4, [8], 4, generator=0),
            otg.MLP(4, [8], 784, shape=shape, generator=1),
            otg.PairCritic(784, 4, [8], generator=2),
        ),
    ]  # fmt: skip
    for method in make:
        for player in method.players:
            loss = method(player, x, draws(method, player, x))
            assert loss.shape == ()
            assert bool(loss.isfinite())
        assert method.sample(3, 0).shape == (3, *shape)
        assert method.reconstruct(x, 0).shape == x.shape
        assert method.encode(x, 0).shape == (6, 4)


@pytest.mark.parametrize("make", [aae, lambda **k: penalized("adversarial", **k)])
def test_codes_that_are_reused_are_those_of_the_batch(make: Any) -> None:
    fresh, again = make(), make(reuse_codes=True)
    assert (list(fresh.players), fresh.reuses) == (["critic", "autoencoder"], False)
    assert (list(again.players), again.reuses) == (["autoencoder", "critic"], True)
    batch = data(6)
    noise = draws(again, "autoencoder", batch)
    loss, codes = again("autoencoder", batch, noise, reuse=True)
    assert torch.equal(loss, fresh("autoencoder", batch, noise))
    assert list(codes) == ["reused_codes"]
    assert not codes["reused_codes"].requires_grad
    assert torch.equal(codes["reused_codes"], fresh.encode(batch))
    noise = draws(again, "critic", batch)
    own = again("critic", batch, noise)
    assert torch.equal(again("critic", batch, noise | codes), own)
    # Given other codes it takes those: nothing is encoded a second time.
    other = again("critic", batch, noise | {"reused_codes": codes["reused_codes"] + 1.0})
    assert not torch.equal(other, own)
    assert fresh("autoencoder", batch, draws(fresh, "autoencoder", batch), reuse=True)[1] == {}


def test_priors_draw_what_their_density_says() -> None:
    like, generator = torch.zeros(1, dtype=torch.float64), torch.Generator().manual_seed(0)
    normal, flat = otg.GaussianPrior(2, scale=1.5), otg.UniformPrior(2, -1.0, 3.0)
    z = normal.draw(40_000, generator, like)
    expected = torch.distributions.Normal(0.0, 1.5).log_prob(z).sum(dim=1)
    torch.testing.assert_close(normal.log_density(z), expected)
    # Four standard errors of mean and variance.
    assert float(z.mean().abs()) < 4 * 1.5 / 80_000**0.5
    assert float(z.var()) == pytest.approx(2.25, abs=4 * 2.25 * (2 / 80_000) ** 0.5)
    z = flat.draw(40_000, generator, like)
    assert bool(((z >= -1.0) & (z < 3.0)).all())
    assert float(z.mean()) == pytest.approx(1.0, abs=4 * (16 / 12 / 80_000) ** 0.5)
    density = flat.log_density(torch.tensor([[0.0, 0.0], [0.0, 3.1], [-1.0, 3.0]]).double())
    assert density.tolist() == pytest.approx([-math.log(16.0), -math.inf, -math.log(16.0)])
    for prior in (normal, flat):
        assert prior.draw(3, generator, like.float()).dtype == torch.float32
    assert (repr(normal), repr(flat)) == ("GaussianPrior(2, scale=1.5)", "UniformPrior(2, -1, 3)")


def test_even_codes() -> None:
    like = torch.zeros(1, dtype=torch.float64)
    for prior, mean in (
        (otg.GaussianPrior(3, scale=2.0), 12.0),
        (otg.UniformPrior(2, -1, 3), 14 / 3),
    ):
        runs = [torch.Generator().manual_seed(seed) for seed in range(200)]
        codes = torch.stack([even(prior, 256, run, like) for run in runs])
        errors = codes.square().sum(dim=2).mean(dim=1) - mean
        single = codes[:, 0].square().sum(dim=1) - mean
        # One code alone has the prior's law, and the mean over a batch has no bias...
        assert abs(float(single.mean())) < 4.0 * float(single.std()) / 200**0.5
        assert abs(float(errors.mean())) < 4.0 * float(errors.std()) / 200**0.5
        # ...and it errs at most a third as much as that of 256 independent codes.
        assert float(errors.std()) < float(single.std()) / 256**0.5 / 3.0
    first = even(prior, 5, torch.Generator().manual_seed(1), like)
    assert torch.equal(first, even(prior, 5, torch.Generator().manual_seed(1), like))

    class Other:
        dim = 2

        def draw(self, n, generator, like):
            return like

    with pytest.raises(TypeError, match="even codes need a GaussianPrior or a UniformPrior"):
        even(Other(), 3, None, like)


def wide(outputs: int) -> nn.Module:
    return net(D, outputs, 0)


BATCH = data(4)
BAD = [
    (lambda: penalized(lam=-1.0), ValueError, "lam must be a finite number >= 0, got -1.0"),
    (lambda: penalized(lam=float("nan")), ValueError, "lam must be a finite number >= 0, got nan"),
    (lambda: penalized(lam="ten"), TypeError, "lam must be a number, got 'ten'"),
    (lambda: penalized(decoder_var=-0.1), ValueError,
     "decoder_var must be a finite number >= 0, got -0.1"),
    (lambda: penalized(cost="sqeuclid"), ValueError, "did you mean 'sqeuclidean'?"),
    (lambda: penalized(cost=2), TypeError, "cost must be a name or a callable, got 2"),
    (lambda: penalized(critic_steps=0), ValueError,
     "critic_steps must be a whole number >= 1, got 0"),
    (lambda: penalized(prior="normal"), TypeError,
     "prior must be a prior such as GaussianPrior(2), a dimension, or None, got 'normal'"),
    (lambda: otg.GaussianPrior(0), ValueError, "dim must be a whole number >= 1, got 0"),
    (lambda: otg.GaussianPrior(2, 0.0), ValueError, "scale must be a finite number > 0, got 0.0"),
    (lambda: otg.UniformPrior(2, 1.0, 1.0), ValueError, "high must be above low = 1, got 1"),
    (lambda: penalized(prior=0), ValueError, "prior must be a whole number >= 1, got 0"),
    (lambda: otg.PenalizedOT(wide(2), net(DZ, D, 0), penalty="mmd"), TypeError,
     "penalty must be one of otgen_lite.divergences, such as MMD(), got 'mmd'"),
    (lambda: otg.PenalizedOT(lambda x: x, net(DZ, D, 0), penalty=otg.MMD()), TypeError,
     "encoder must be a torch.nn.Module, got function"),
    (lambda: otg.PenalizedOT(wide(2), None, penalty=otg.MMD()), TypeError,
     "decoder must be a torch.nn.Module, got NoneType"),
    (lambda: otg.PenalizedOT(wide(2), nn.Identity(), penalty=otg.MMD()), ValueError,
     "the dimension of the codes cannot be read from decoder; give prior=GaussianPrior(d)"),
    (lambda: otg.PenalizedOT(wide(2), net(DZ, D, 0), penalty=otg.MMD(), encoding="gauss"),
     ValueError, "encoding must be one of 'deterministic', 'gaussian', 'implicit', got 'gauss'; "
     "did you mean 'gaussian'?"),
    (lambda: aae(decoder_var=0.0), ValueError, "decoder_var must be a finite number > 0, got 0.0"),
    (lambda: otg.AAE(wide(2), net(DZ, D, 0), "critic"), TypeError,
     "discriminator must be a torch.nn.Module, got str"),
    (lambda: vae(decoder_var=0), ValueError, "decoder_var must be a finite number > 0, got 0"),
    (lambda: vae(decoder_var="learn"), ValueError, "did you mean 'learned'?"),
    (lambda: vae(decoder_var=lambda t: -1.0), ValueError,
     "decoder_var(0) must be a finite number > 0, got -1.0"),
    (lambda: vae(decoder_var=lambda t: 1.0 - t).schedule(1.0), ValueError,
     "decoder_var(1) must be a finite number > 0, got 0.0"),
    (lambda: vae().log_likelihood(BATCH, 0), ValueError,
     "n_importance must be a whole number >= 1, got 0"),
    (lambda: vae().parts(BATCH, draws=0), ValueError, "draws must be a whole number >= 1, got 0"),
    (lambda: avb(decoder_var=-1), ValueError, "decoder_var must be a finite number > 0, got -1"),
    (lambda: avb(contrast_draws=1), ValueError,
     "contrast_draws must be a whole number >= 2, got 1"),
    # Shapes, when a loss first sees them.
    (lambda: penalized()("encoder", BATCH), ValueError,
     "player must be one of 'autoencoder', got 'encoder'"),
    (lambda: otg.PenalizedOT(wide(5), net(DZ, D, 0), penalty=otg.MMD())("autoencoder", BATCH),
     ValueError, "a deterministic encoder must return shape (n, 2), the code for a prior of "
     "dimension 2, got (4, 5)"),
    (lambda: otg.VAE(wide(3), net(DZ, D, 0))("autoencoder", BATCH), ValueError,
     "a gaussian encoder must return shape (n, 4), mean and log-variance for a prior of "
     "dimension 2, got (4, 3)"),
    (lambda: otg.AAE(wide(2), net(DZ, 5, 0), net(DZ, 1, 0))("autoencoder", BATCH), ValueError,
     "the decoder must return data of the batch's shape (4, 3), got (4, 5)"),
    (lambda: otg.AAE(wide(2), net(DZ, D, 0), net(DZ, 2, 0))("critic", BATCH), ValueError,
     "a discriminator must return shape (n,) or (n, 1), got (8, 2)"),
    (lambda: penalized(cost=lambda x, y: x)("autoencoder", BATCH), ValueError,
     "cost must return shape (4, 4) for these points, got (4, 3)"),
    (lambda: penalized()("autoencoder", BATCH[:1]), ValueError,
     "the U-statistic needs at least two points in q and in p, got 1 and 1"),
    (lambda: vae().sample(0), ValueError, "n must be a whole number >= 1, got 0"),
    (lambda: vae().sample(3, -1), ValueError, "generator must be a whole number >= 0, got -1"),
    (lambda: vae().sample(3, 0.5), TypeError,
     "generator must be a torch.Generator, a seed or None, got 0.5"),
    (lambda: vae().sample(3, noise={"prior": torch.zeros(2, DZ).double()}), ValueError,
     "noise['prior'] must have 3 rows, got 2"),
    (lambda: vae().encode(BATCH, noise={}), ValueError, "noise must hold 'encoder', got []"),
    (lambda: vae().encode(BATCH.log()), ValueError, "x must hold finite numbers, got one"),
    (lambda: vae().encode(BATCH[:, :2]), ValueError,
     "this MLP takes 3 numbers a row, got a tensor of shape (4, 2)"),
    (lambda: vae().decode("code"), TypeError, "z must be a tensor or an array of real numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def test_encoder_kinds_cover_the_helper() -> None:
    for kind in encoder_models.ENCODERS:
        noise = {"encoder": torch.zeros(4, 4 if kind == "implicit" else DZ).double()}
        method = penalized("mmd", kind)
        assert isinstance(encoder(kind), nn.Module)
        assert method.codes(BATCH, noise).shape == (4, DZ)
