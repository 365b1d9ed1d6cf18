"""Runs: checkpoints go from device to device, and a sweep is its members trained alone."""

from pathlib import Path

import pytest
import torch

import otgen_lite as otg
from tests.gpu import zoo

pytestmark = pytest.mark.gpu


NAMES = ["digits/vae", "digits/aae", "digits/wgan_gp", "digits/semidual"]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_goes_on_from_its_checkpoint(name: str, device: torch.device, tmp_path: Path) -> None:
    histories = []
    for steps in (10, 20):
        method, x = zoo.made(name)
        if name == "digits/semidual":  # its steps become shorter with the training's length
            method.decay = False  # type: ignore[assignment]
        more = {"device": device, "checkpoint": tmp_path / "run.pt", "progress": False}
        histories.append(otg.fit(method, x, steps=steps, batch_size=32, **more))
        assert zoo.elsewhere(zoo.tensors(method), device) == []
    first, second = histories
    assert second.steps == 20
    for player, losses in first.losses.items():
        both = second.losses[player]
        assert torch.equal(both[: len(losses)], losses)  # it went on, and did not begin anew
        assert bool(torch.isfinite(both).all())
    if device.type == "cpu":
        return
    # On another device the draws would be others: it says so, and nothing goes on.
    method, x = zoo.made(name)
    with pytest.raises(ValueError, match=f"device was {device.type}.*now cpu"):
        otg.fit(method, x, steps=30, batch_size=32, **{**more, "device": "cpu"})


@pytest.mark.parametrize("there_first", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_weights_go_from_device_to_device(
    name: str, there_first: bool, device: torch.device, tmp_path: Path
) -> None:
    first, second = [device, zoo.CPU] if there_first else [zoo.CPU, device]
    trained, x = zoo.made(name, torch.float64)
    otg.fit(trained, x, steps=5, batch_size=32, device=first, progress=False)
    torch.save(trained.state_dict(), tmp_path / "weights.pt")
    fresh, _ = zoo.made(name, torch.float64)
    fresh.to(second)
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", map_location=second))
    assert zoo.elsewhere(zoo.tensors(fresh), second) == []
    draw = torch.Generator("cpu").manual_seed(2)
    for player in trained.players:
        noise = trained.to("cpu").noise(player, x[:32], draw)
        values = []
        for method, where in ((trained, first), (fresh, second)):
            method.to(where)
            loss = method(player, x[:32].to(where), zoo.moved(noise, where))
            values.append(float(loss.detach()))
        bound = zoo.tolerance(torch.float64, zoo.VALUE)
        assert abs(values[1] - values[0]) <= bound * max(1.0, abs(values[0]))


def penalized(lam: float) -> otg.Method:
    """A small penalised method in double precision."""
    with zoo.CPU:
        nets = [otg.MLP(2, [6, 6], 2, generator=k).double() for k in (1, 2)]
    return otg.PenalizedOT(*nets, penalty=otg.MMD(), lam=lam)


def aae(decoder_var: float) -> otg.Method:
    """A small adversarial auto-encoder in double precision."""
    with zoo.CPU:
        nets = [otg.MLP(2, [6, 6], out, generator=k).double() for k, out in enumerate((2, 2, 1))]
    return otg.AAE(*nets, decoder_var=decoder_var)


@pytest.mark.parametrize(
    ("make", "grid"),
    [(penalized, {"lam": [0.1, 1.0, 10.0]}), (aae, {"decoder_var": [0.05, 0.5]})],
)
def test_a_sweep_is_its_members(make, grid, device: torch.device) -> None:
    draw = torch.Generator("cpu").manual_seed(5)
    x = torch.randn(90, 2, generator=draw, dtype=torch.float64, device="cpu")
    options = {"steps": 9, "batch_size": 16, "progress": False, "device": device}
    found = otg.sweep(make, grid, x, stack=True, **options)
    for point, member in found:
        alone = make(**point)
        otg.fit(alone, x, **options)
        assert zoo.elsewhere(zoo.tensors(member), device) == []
        # The bar of the same test on the CPU.
        torch.testing.assert_close(
            dict(member.state_dict()), dict(alone.state_dict()), rtol=0.0, atol=1e-8
        )


def test_a_sweep_that_is_left_to_choose_stays_on_the_device(device: torch.device) -> None:
    draw = torch.Generator("cpu").manual_seed(5)
    x = torch.randn(90, 2, generator=draw, dtype=torch.float64, device="cpu")
    found = otg.sweep(penalized, {"lam": [0.1, 1.0]}, x, steps=3, batch_size=16, progress=False,
                      device=device)  # fmt: skip
    assert found.at(lam=1.0).sample(4, 0).device.type == device.type
