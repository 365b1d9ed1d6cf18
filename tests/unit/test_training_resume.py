"""A checkpoint is taken up by the problem that it was written for, and by no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import otgen_lite as otg
from tests.unit.training_runs import data

ROWS = data(32)
OPTIONS: dict[str, Any] = {"steps": 2, "batch_size": 8, "progress": False}


def net(inputs: int = 2, outputs: int = 2, seed: int = 0, **more: Any) -> nn.Module:
    return otg.MLP(inputs, [4], outputs, generator=seed, **more).double()


def penalized(*, cost: Any = "sqeuclidean", penalty: Any = otg.MMD, seed: int = 0, **more: Any):
    nets = [net(seed=seed), net(seed=1)]
    return otg.PenalizedOT(*nets, penalty=penalty(), cost=cost, **{"lam": 2.0, **more})


def wgan(seed: int = 0, **more: Any) -> otg.WGAN:
    return otg.WGAN(net(seed=seed), net(outputs=1, seed=2), **{"n_critic": 1, **more})


def mke(seed: int = 0, **more: Any) -> otg.MKE:
    return otg.MKE(net(seed=seed), **{"discrepancy": "divergence", "eps": 0.5, "sweeps": 3, **more})


def semidual(seed: int = 0, atoms: Any = ROWS, **more: Any) -> otg.SemiDual:
    return otg.SemiDual(net(seed=seed), atoms, **{"psi_steps": 1, "warm_up": 0, **more})


def vae(seed: int = 0, **more: Any) -> otg.VAE:
    return otg.VAE(net(outputs=4, seed=seed), net(seed=1), **more)


def scaled(scale: float) -> Callable[..., Any]:
    return lambda x, y: scale * torch.cdist(x, y)


def shrinking(least: float) -> Callable[[float], float]:
    return lambda progress: 1.0 - (1.0 - least) * progress


def adversarial(**more: Any) -> Callable[[], otg.Penalty]:
    activation = more.pop("activation", nn.ReLU)
    return lambda: otg.Adversarial(net(outputs=1, seed=3, activation=activation), **more)


def activated(activation: Any) -> otg.PenalizedOT:
    nets = [net(activation=activation), net(seed=1)]
    return otg.PenalizedOT(*nets, penalty=otg.MMD())


def frozen(scale: float) -> otg.PenalizedOT:
    """A network with a layer that is not trained."""
    first = nn.Linear(2, 2, bias=False, dtype=torch.float64).requires_grad_(False)
    first.weight.copy_(scale * torch.eye(2))
    return otg.PenalizedOT(nn.Sequential(first, net()), net(seed=1), penalty=otg.MMD())


class Sloped(nn.Module):
    """A network whose setting is a private attribute."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.inner, self._slope, self.in_features = net(), slope, 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._slope * self.inner(x)


def sloped(slope: float) -> otg.PenalizedOT:
    return otg.PenalizedOT(Sloped(slope), net(seed=1), penalty=otg.MMD())


ATOMS = ROWS.clone()
ATOMS[17, 1] += 1e-6
MASSES = torch.linspace(1.0, 2.0, 32, dtype=torch.float64)

#: What is changed, and where the message says so: the method before, the method now.
CHANGES: dict[str, tuple[Callable[[], otg.Method], Callable[[], otg.Method]]] = {
    "cost": (penalized, lambda: penalized(cost="cityblock")),
    "cost.scale": (lambda: penalized(cost=scaled(1.0)), lambda: penalized(cost=scaled(2.0))),
    "penalty": (penalized, lambda: penalized(penalty=otg.MomentMatching)),
    "penalty.kernel": (penalized, lambda: penalized(penalty=lambda: otg.MMD("rbf"))),
    "penalty.scale": (penalized, lambda: penalized(penalty=lambda: otg.MMD(scale=3.0))),
    "penalty.statistic": (penalized, lambda: penalized(penalty=lambda: otg.MMD(statistic="v"))),
    "penalty.p": (
        lambda: penalized(penalty=otg.SlicedWasserstein),
        lambda: penalized(penalty=lambda: otg.SlicedWasserstein(p=1.0)),
    ),
    "penalty.saturating": (
        lambda: penalized(penalty=adversarial()),
        lambda: penalized(penalty=adversarial(saturating=True)),
    ),
    "penalty.discriminator.1": (
        lambda: penalized(penalty=adversarial()),
        lambda: penalized(penalty=adversarial(activation=nn.Tanh)),
    ),
    "lam": (penalized, lambda: penalized(lam=3.0)),
    "decoder_var": (penalized, lambda: penalized(decoder_var=0.1)),
    "prior.scale": (penalized, lambda: penalized(prior=otg.GaussianPrior(2, scale=2.0))),
    "prior": (penalized, lambda: penalized(prior=otg.UniformPrior(2))),
    "reuses": (
        lambda: penalized(penalty=adversarial()),
        lambda: penalized(penalty=adversarial(), reuse_codes=True),
    ),
    "encoder.1": (lambda: activated(nn.ReLU), lambda: activated(nn.Tanh)),
    "encoder.1.negative_slope": (
        lambda: activated(lambda: nn.LeakyReLU(0.1)), lambda: activated(lambda: nn.LeakyReLU(0.2)),
    ),
    "encoder._slope": (lambda: sloped(1.0), lambda: sloped(5.0)),
    "encoder.0.weight": (lambda: frozen(1.0), lambda: frozen(2.0)),
    "constraint": (lambda: wgan(constraint="gp"), lambda: wgan(constraint="clip")),
    "one_sided": (lambda: wgan(constraint="gp"), lambda: wgan(constraint="gp", one_sided=True)),
    "gp_weight": (lambda: wgan(constraint="gp"), lambda: wgan(constraint="gp", gp_weight=3.0)),
    "clip": (lambda: wgan(constraint="clip"), lambda: wgan(constraint="clip", clip=0.3)),
    "discrepancy": (mke, lambda: mke(discrepancy="sinkhorn")),
    "gradient": (mke, lambda: mke(gradient="potential")),
    "eps": (mke, lambda: mke(eps=0.6)),
    "sweeps": (mke, lambda: mke(sweeps=4)),
    "even": (mke, lambda: mke(even=True)),
    "potential.eps": (semidual, lambda: semidual(eps=0.5)),
    "potential.cost": (semidual, lambda: semidual(cost="cityblock", psi_step=0.1)),
    "potential.y": (semidual, lambda: semidual(atoms=ATOMS)),
    "potential.b": (semidual, lambda: semidual(b=MASSES / MASSES.sum())),
    "potential.memory": (semidual, lambda: semidual(memory=0.5)),
    "rule": (lambda: semidual(psi_step=0.1), lambda: semidual(psi_step=0.1, rule="adam")),
    "psi_steps": (semidual, lambda: semidual(psi_steps=2)),
    "planned.least": (
        lambda: vae(decoder_var=shrinking(0.1)), lambda: vae(decoder_var=shrinking(0.2)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(CHANGES))
def test_another_problem_is_refused_by_name_and_nothing_is_loaded(
    what: str, tmp_path: Path
) -> None:
    first, other = CHANGES[what]
    path = tmp_path / "run.pt"
    otg.fit(first(), ROWS, **OPTIONS, checkpoint=path)
    method = other()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    with pytest.raises(ValueError, match=f"{what} was .*, now ") as error:
        otg.fit(method, ROWS, **OPTIONS, checkpoint=path)
    assert str(path) in str(error.value)
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())
    # The same problem is taken up, from whatever weights.
    again = first()
    with torch.no_grad():
        for value in (p for p in again.parameters() if p.requires_grad):
            value.add_(1.0)
    assert otg.fit(again, ROWS, **OPTIONS, checkpoint=path).steps == 2


OTHER_OPTIONS: dict[str, tuple[Any, Any]] = {
    "schedule": (lambda t: 1.0 - t, lambda t: 1.0 - 0.5 * t),
    "optimizer": (
        lambda p, lr: torch.optim.SGD(p, lr=lr),
        lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.5),
    ),
}


@pytest.mark.parametrize("name", list(OTHER_OPTIONS))
def test_another_function_of_the_same_name_is_another_option(name: str, tmp_path: Path) -> None:
    one, other = OTHER_OPTIONS[name]
    path = tmp_path / "run.pt"
    otg.fit(penalized(), ROWS, **OPTIONS, checkpoint=path, **{name: one})
    with pytest.raises(ValueError, match=f"{name} was <lambda>.*, now <lambda>"):
        otg.fit(penalized(), ROWS, **OPTIONS, checkpoint=path, **{name: other})
    otg.fit(penalized(), ROWS, **OPTIONS, checkpoint=path, **{name: one})


def drawn(scale: float) -> Callable[..., Any]:
    return lambda n, g: scale * torch.randn(n, 2, generator=g, dtype=torch.float64)


def test_data_that_differ_in_one_number_are_other_data(tmp_path: Path) -> None:
    rows, path = data(2000), tmp_path / "run.pt"
    otg.fit(penalized(), rows, **OPTIONS, checkpoint=path)
    rows[1001, 1] += 1e-9
    with pytest.raises(ValueError, match="other options: data was"):
        otg.fit(penalized(), rows, **OPTIONS, checkpoint=path)
    otg.fit(penalized(), drawn(1.0), **OPTIONS, checkpoint=tmp_path / "drawn.pt")
    with pytest.raises(ValueError, match="other options: data was sampler"):
        otg.fit(penalized(), drawn(2.0), **OPTIONS, checkpoint=tmp_path / "drawn.pt")


class Running(nn.Module):
    """A state of its own in a buffer, in a plain attribute, and in a list that grows."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.in_features = net(), 2
        self.norm = nn.BatchNorm1d(2, dtype=torch.float64)
        self.calls, self._sizes = 0, []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self._sizes.append(len(x))
        return self.norm(self.inner(x))


def test_what_moves_while_training_is_state_and_no_setting(tmp_path: Path) -> None:
    def made() -> otg.PenalizedOT:
        return otg.PenalizedOT(Running(), net(seed=1), penalty=otg.MMD())

    whole = made()
    otg.fit(whole, ROWS, **OPTIONS)
    path, same = tmp_path / "run.pt", made()
    otg.fit(same, ROWS, **OPTIONS, checkpoint=path, callbacks=[lambda step, m, h: step == 1])
    for method in (same, made()):  # the same object, and one as in another process
        kept = path.read_bytes()
        assert otg.fit(method, ROWS, **OPTIONS, checkpoint=path).steps == 2
        assert torch.equal(method.encoder.norm.running_mean, whole.encoder.norm.running_mean)
        path.write_bytes(kept)


def test_a_run_that_is_over_goes_on_for_more_steps(tmp_path: Path) -> None:
    path, more = tmp_path / "run.pt", {**OPTIONS, "steps": 5, "warmup": 1}
    short = {**more, "steps": 2}
    otg.fit(penalized(), ROWS, **short, checkpoint=path)
    method, whole = penalized(), penalized()
    history = otg.fit(method, ROWS, **more, checkpoint=path)
    expected = otg.fit(whole, ROWS, **more)
    assert torch.equal(history.losses["autoencoder"], expected.losses["autoencoder"])
    for a, b in zip(method.parameters(), whole.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(ValueError, match=r"steps was 5, now 2 \(5 are done\)"):
        otg.fit(penalized(), ROWS, **short, checkpoint=path)


@pytest.mark.parametrize(
    ("made", "more", "why"),
    [
        (penalized, {"schedule": "cosine"}, "the learning rate's schedule depends on it"),
        (lambda: vae(decoder_var=shrinking(0.1)), {}, "the method's schedule depends on it"),
        (semidual, {}, "the method's schedule depends on it"),
        (lambda: vae(decoder_var=0.3), {}, ""),
        (lambda: semidual(decay=False), {}, ""),
    ],
)
def test_other_steps_are_refused_where_they_change_what_was_done(
    made: Callable[[], otg.Method], more: dict[str, Any], why: str, tmp_path: Path
) -> None:
    options = {**OPTIONS, **more, "checkpoint": tmp_path / "run.pt"}
    otg.fit(made(), ROWS, **options)
    if why:
        with pytest.raises(ValueError, match=rf"steps was 2, now 3 \({why}\)"):
            otg.fit(made(), ROWS, **{**options, "steps": 3})
    else:
        assert otg.fit(made(), ROWS, **{**options, "steps": 3}).steps == 3


# -- sweeps


@pytest.mark.parametrize("stack", [True, False])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"seed": [1, 2]}, {"seed": [3, 4]}),
        ({"cost": ["euclidean", "cityblock"], "seed": [1, 2]},
         {"cost": ["cityblock", "euclidean"], "seed": [1, 2]}),
        ({"lam": [1.0, 2.0]}, {"lam": [1.0, 3.0]}),
    ],
)  # fmt: skip
def test_a_grid_is_resumed_by_the_same_grid(
    one: Any, other: Any, stack: bool, tmp_path: Path
) -> None:
    options = {**OPTIONS, "checkpoint": tmp_path / "run.pt", "stack": stack}
    first = otg.sweep(penalized, one, ROWS, **options)
    kept = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=r"same grid, got one with .* where now is "):
        otg.sweep(penalized, other, ROWS, **options)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == kept
    again = otg.sweep(penalized, one, ROWS, **options)
    for a, b in zip(first.methods, again.methods, strict=True):
        for p, q in zip(a.parameters(), b.parameters(), strict=True):
            assert torch.equal(p, q)


def test_functions_of_one_name_are_points_of_their_own(tmp_path: Path) -> None:
    options = {**OPTIONS, "checkpoint": tmp_path / "run.pt", "stack": False}
    otg.sweep(penalized, {"cost": [scaled(1.0), scaled(2.0)]}, ROWS, **options)
    with pytest.raises(ValueError, match="same grid"):
        otg.sweep(penalized, {"cost": [scaled(1.0), scaled(3.0)]}, ROWS, **options)
    otg.sweep(penalized, {"cost": [scaled(1.0), scaled(2.0)]}, ROWS, **options)


def test_no_member_is_trained_before_all_checkpoints_fit(tmp_path: Path) -> None:
    options = {**OPTIONS, "checkpoint": tmp_path / "run.pt", "stack": False}
    otg.sweep(penalized, {"seed": [1, 2]}, ROWS, **options)
    (tmp_path / "run-0.pt").unlink()
    with pytest.raises(ValueError, match="same grid, got one with seed=2 where now is seed=3"):
        otg.sweep(penalized, {"seed": [1, 3]}, ROWS, **options)
    assert not (tmp_path / "run-0.pt").exists()
