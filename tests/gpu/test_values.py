"""A loss and its gradient are the same numbers on both devices, for the same batch and noise."""

import pytest
import torch

from tests.gpu import zoo

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("name", zoo.METHODS)
def test_losses_and_gradients_agree_with_the_cpu(name: str, device: torch.device) -> None:
    double = torch.float64
    method, x = zoo.made(name, double)
    batch, draw = x[:48], torch.Generator("cpu").manual_seed(1)
    here: dict[str, tuple[torch.Tensor, list[torch.Tensor]]] = {}
    noises = {player: method.noise(player, batch, draw) for player in method.players}
    for player, noise in noises.items():
        here[player] = _loss(method, player, batch, noise)
    method.to(device)
    for player, noise in noises.items():
        there, slopes = _loss(method, player, batch.to(device), zoo.moved(noise, device))
        assert there.device.type == device.type
        value, expected = here[player]
        bound = zoo.tolerance(double, zoo.VALUE)
        assert abs(float(there) - float(value)) <= bound * max(1.0, abs(float(value))), player
        size = max(1.0, *(float(slope.norm()) for slope in expected))
        for one, other in zip(slopes, expected, strict=True):
            apart = float((one.cpu() - other).norm())
            assert apart <= zoo.tolerance(double, zoo.GRADIENT) * size, player


def _loss(method, player, batch, noise):
    loss = method(player, batch, noise)
    params = [value for _, value in method.parameters_of(player) if value.requires_grad]
    slopes = torch.autograd.grad(loss, params, allow_unused=True)
    return loss.detach(), [s for s in slopes if s is not None]
