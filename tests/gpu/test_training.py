"""Every method trains on the device, in every precision, and nothing stays behind."""

import math
from typing import Any

import pytest
import torch

import otgen_lite as otg
from tests.gpu import zoo

pytestmark = pytest.mark.gpu
STEPS = 20


@pytest.mark.parametrize("name", zoo.METHODS)
def test_a_method_trains_there_with_all_that_it_has(name: str, device: torch.device) -> None:
    method, x = zoo.made(name)
    own, drawn = method.noise, {}

    def noise(player: str, batch: Any, generator: Any = None) -> dict[str, torch.Tensor]:
        found = own(player, batch, generator)
        drawn.update({f"{player} {key}": value for key, value in found.items()})
        return found

    method.noise = noise  # type: ignore[method-assign]
    history = otg.fit(method, x, steps=STEPS, batch_size=32, device=device, progress=False)
    assert zoo.elsewhere(zoo.tensors(method), device) == []
    assert zoo.elsewhere(drawn, device) == []
    for player, losses in history.losses.items():
        assert len(losses) % STEPS == 0, player
        assert bool(torch.isfinite(losses).all()), player
    if hasattr(method, "sample") and not isinstance(method, (otg.AutoEncoder, otg.LatentOT)):
        assert method.sample(5, 0).device.type == device.type


@pytest.mark.parametrize("name", zoo.METHODS)
def test_half_precision_takes_the_same_way_at_first(name: str, device: torch.device) -> None:
    losses = {}
    for precision in (None, "bf16"):
        method, x = zoo.made(name)
        more = {"precision": precision, "device": device, "progress": False}
        history = otg.fit(method, x, steps=1, batch_size=64, seed=3, **more)
        assert zoo.elsewhere(zoo.tensors(method), device) == []
        assert all(p.dtype == torch.float32 for p in method.parameters())
        losses[precision] = {player: float(values[0]) for player, values in history.losses.items()}
    if "avb" in name:  # adaptive contrast divides by the spread of a few draws: no bound holds
        assert all(math.isfinite(value) for value in losses["bf16"].values())
        return
    # Eight bits: each layer's products are wrong by 2^-8, and there are a few layers, and a
    # difference of a few such numbers.
    for player, value in losses[None].items():
        assert math.isclose(losses["bf16"][player], value, rel_tol=16 * 2**-8, abs_tol=16 * 2**-8)


@pytest.mark.parametrize("map", ["semidiscrete", "gaussian", "mixture", "argmin", "quadratic"])
def test_a_latent_map_lives_where_its_codes_are(map: str, device: torch.device) -> None:
    inner, x = zoo.made("digits/latent_ot_pairs")
    inner.to(device)
    method = otg.LatentOT(inner, data=x.to(device), map=map, components=3)
    method.fit_map(seed=0, **({"tol": 0.1} if map == "semidiscrete" else {}))
    assert zoo.elsewhere(zoo.tensors(method), device) == []
    sample = method.sample(6, 0)
    assert sample.device.type == device.type
    assert bool(torch.isfinite(sample).all())
    assert method.reconstruct(x.to(device)[:3]).device.type == device.type
