"""Every method trains on the device: nothing stays behind, and the numbers are the CPU's."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

import otgen_lite as otg
from otgen_lite.methods import priors
from otgen_lite.training import progress, training_run
from tests.accelerator.methods import DZ, EACH, MAKERS, PENALTIES, classes, data
from tests.accelerator.standin import NAME, reads
from tests.accelerator.walk import AtTheCPU, left_behind

OPTIONS: dict[str, Any] = {"steps": 4, "batch_size": 16, "progress": False, "lr": 1e-3}

#: Those whose plans are made on the CPU, by a linear programme or scikit-learn.
BY_THE_CPU = ("exact", "pairs", "mixture", "gaussian")


def test_no_method_is_forgotten() -> None:
    assert {name.partition(",")[0] for name in MAKERS} == classes()
    penalties = set(otg.divergences.__all__) - {"Penalty"}
    assert {name.partition(" ")[0] for name in PENALTIES} == penalties


def _agree(on_device: Any, on_cpu: Any) -> None:
    torch.testing.assert_close(on_device.cpu(), on_cpu, rtol=1e-4, atol=1e-5)


def _asked(method: Any, x: Any) -> dict[str, Any]:
    """What a trained method says, from seeds."""
    out = {"sample": method.sample(5, generator=torch.Generator().manual_seed(3))}
    if hasattr(method, "encode"):
        out["encode"] = method.encode(x, 4)
        out["reconstruct"] = method.reconstruct(x, 4)
        out["decode"] = method.decode(torch.ones(2, DZ))
    if hasattr(method, "log_likelihood"):
        out |= {"likelihood": method.log_likelihood(x, 3, 4), **method.parts(x, 4)}
    if hasattr(method, "semidiscrete"):
        problem = method.semidiscrete()
        out |= {"psi": problem.psi, "to": problem.transport(x.to(problem.y))}
    return out


def _without_sample(name: str) -> bool:
    return name.startswith("AutoEncoder")


def _trained(method: Any, x: Any) -> otg.History | None:
    return otg.fit(method, x, **OPTIONS) if method.players else None


@pytest.mark.parametrize("name", MAKERS)
def test_a_method_that_was_moved(name: str, device: torch.device) -> None:
    """Networks are moved to the device; the data are on the CPU, where torch makes new tensors."""
    x = data()
    on_cpu = MAKERS[name](x)
    method = copy.deepcopy(on_cpu).to(device)
    assert not left_behind(method.state_dict())
    before, after = _trained(on_cpu, x), _trained(method, x)
    assert not left_behind(method)
    for player in method.players:
        assert before is not None
        assert after is not None
        _agree(after.losses[player], before.losses[player])
    if _without_sample(name):
        assert method.encode(x).device == device
        return
    expected, found = _asked(on_cpu, x), _asked(method, x)
    assert not left_behind(found)
    for what, value in expected.items():
        _agree(found[what], value)


@pytest.mark.parametrize("name", MAKERS)
def test_a_method_made_on_the_device(name: str, used: torch.device) -> None:
    """After ``use_device()`` data and networks are made there, and the CPU computes no numbers."""
    x = data().to(used)
    with AtTheCPU() as cpu:
        method = MAKERS[name](x)
        history = _trained(method, x)
    assert not left_behind(method)
    assert history is None or all(len(v) for v in history.losses.values())
    if not any(word in name for word in BY_THE_CPU):
        assert not [line for line in cpu.seen if "uniform" not in line]  # initial weights, by seed
    with torch.device("cpu"):
        expected = MAKERS[name](x.cpu())
    for key, value in expected.state_dict().items():
        assert method.state_dict()[key].shape == value.shape


@pytest.mark.parametrize("name", MAKERS)
def test_noise_from_either_generator(name: str, device: torch.device) -> None:
    """A loss draws from the device's generator or from the CPU's; its noise is on the device."""
    x = data()
    method = MAKERS[name](x).to(device)
    for where in ("cpu", device):
        generator = torch.Generator(where).manual_seed(7)
        for player in method.players:
            method.prepare(player, generator)
            noise = method.noise(player, x[:16].to(device), generator)
            assert not left_behind(noise)
            assert method(player, x[:16].to(device), noise).device == device
        if not _without_sample(name):
            assert method.sample(3, generator).device == device


@pytest.mark.parametrize("name", [*EACH, "VAE", "LatentOT, pairs, semidiscrete"])
def test_a_run_is_taken_up(name: str, used: torch.device, tmp_path: Path) -> None:
    """A checkpoint of the device continues bit for bit, and says no to a run on the CPU."""
    x = data().to(used)
    whole, part = MAKERS[name](x), MAKERS[name](x)
    if not whole.players:
        return
    more = {"device": None} if not whole.scheduled() else {"callbacks": [lambda k, *_: k == 2]}
    options = {**OPTIONS, "checkpoint": tmp_path / "run.pt"}
    otg.fit(whole, x, **OPTIONS)
    otg.fit(part, x, **{**options, **({"steps": 2} if "device" in more else more)})
    again = MAKERS[name](x)
    otg.fit(again, x, **options)
    for key, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[key].cpu(), value.cpu()), key
    assert not left_behind(again)
    with torch.device("cpu"):
        other = MAKERS[name](x.cpu())
    with pytest.raises(ValueError, match="device"):
        otg.fit(other, x.cpu(), **options)


@pytest.mark.parametrize("prior", [otg.GaussianPrior(2), otg.UniformPrior(2)])
def test_priors_draw_for_the_device(prior: Any, device: torch.device) -> None:
    like = torch.zeros(1, device=device)
    for generator in (None, torch.Generator().manual_seed(1), torch.Generator(device)):
        for draw in (prior.draw(4, generator, like), priors.even(prior, 4, generator, like)):
            assert (draw.device, draw.dtype) == (device, torch.float32)
    seeded = prior.draw(4, torch.Generator().manual_seed(1), like)
    again = prior.draw(4, torch.Generator().manual_seed(1), like.cpu())
    assert torch.equal(seeded.cpu(), again)


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_draw_for_the_device(name: str, device: torch.device) -> None:
    penalty = PENALTIES[name]().to(device)
    q, p = data(12)[:, :DZ].to(device), data(24)[12:, :DZ].to(device)
    for generator in (None, torch.Generator(), torch.Generator(device)):
        noise = penalty.noise(q, generator)
        assert not left_behind(noise)
        assert penalty(q, p, noise).device == device
    assert penalty(q, p[:5]).device == device


def test_a_sweep(used: torch.device) -> None:
    """Members of a grid, stacked and one after another."""
    x = data().to(used)

    def make(lam: float) -> otg.Method:
        return otg.PenalizedOT(
            otg.MLP(3, [8], 2, generator=1), otg.MLP(2, [8], 3, generator=2),
            penalty=otg.MMD(), lam=lam,
        )  # fmt: skip

    runs = []
    for stack in (True, False):
        found = otg.sweep(
            make, {"lam": [0.1, 1.0, 10.0]}, x, stack=stack, steps=4, batch_size=16,
            progress=False, metrics={"size": lambda m: float(m.sample(8, 1).norm())},
        )  # fmt: skip
        members = list(found.methods)
        assert not left_behind(members)
        assert all(m.sample(2, 0).device.type == NAME for m in members)
        runs.append([p for m in members for p in m.parameters()])
    for one, two in zip(*runs, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_the_device_may_be_named(device: torch.device) -> None:
    """Data and networks on the CPU; ``fit`` is told where to train."""
    for name in ("auto", NAME, f"{NAME}:0"):
        method = MAKERS["AAE"](data())
        otg.fit(method, data(), device=name, **OPTIONS)
        assert not left_behind(method)


@pytest.mark.parametrize("more", [{"ema": 0.9}, {"clip_grad": 1.0}, {"optimizer": "rmsprop"},
                                  {"schedule": "cosine", "warmup": 1}])  # fmt: skip
def test_options_of_a_training(more: dict[str, Any], used: torch.device) -> None:
    method = MAKERS["WGAN, gp"](data())
    otg.fit(method, data().to(used), **OPTIONS, **more)
    assert not left_behind(method)


#: Methods with a solver in their loss, whose own reads are counted where the solver is tested.
SOLVERS = ("SinkhornPenalty", "MKE, exact", "MKE, sinkhorn", "MKE, divergence", "SemiDual", "pairs")

#: Options with machinery of their own.
COSTLY: list[dict[str, Any]] = [
    {"schedule": "cosine"}, {"optimizer": "rmsprop"}, {"optimizer": "sgd", "clip_grad": None},
]  # fmt: skip


def _reads(make: Any, x: Any, **more: Any) -> float:
    """Reads of the device a step: the difference between two trainings, without their begin."""
    counts = []
    for steps in (10, 30):
        method = make(x)
        with reads() as found:
            otg.fit(method, x, **{**OPTIONS, "clip_grad": 1.0, "ema": 0.9, **more, "steps": steps})
        counts.append(len(found))
    return (counts[1] - counts[0]) / 20


@pytest.mark.parametrize("name", [n for n in MAKERS if not any(word in n for word in SOLVERS)])
def test_a_step_waits_for_no_number(name: str, used: torch.device, monkeypatch: Any) -> None:
    x = data().to(used)
    if not MAKERS[name](x).players:
        return
    assert _reads(MAKERS[name], x) == 0
    # The bar asks for the losses of all players at once, and here after every step.
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    assert _reads(MAKERS[name], x, progress=True) == 1


@pytest.mark.parametrize("more", COSTLY)
def test_options_wait_for_no_number(more: dict[str, Any], used: torch.device) -> None:
    x = data().to(used)
    assert _reads(MAKERS["AAE"], x, **more) == 0


def test_a_check_of_everything_takes_two_reads(used: torch.device) -> None:
    # All losses in one piece, and whether all weights are finite; the batches fill no epoch twice.
    x = data().to(used)
    counts = []
    for steps in (training_run.CHECK_EVERY + 1, 3 * training_run.CHECK_EVERY + 1):
        with reads() as found:
            otg.fit(MAKERS["AAE"](x), x, **{**OPTIONS, "steps": steps})
        counts.append(len(found))
    assert counts[1] - counts[0] == 2 * 2


def test_reads_are_counted(device: torch.device) -> None:
    value = torch.arange(4.0, device=device)
    with reads() as found:
        value.add_(1.0)
        value.to(device), value[1:], value[torch.tensor([0, 1])]
        assert found == []
        float(value[0]), value.tolist(), value.cpu(), bool((value > 0).all()), value[value > 0]
    assert len(found) == 5
