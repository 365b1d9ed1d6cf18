"""The stand-in refuses what CUDA refuses, and gives the CPU's numbers for all else."""

import copy
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.accelerator import standin
from tests.accelerator.standin import NAME

REFUSED: dict[str, Callable[[Any, Any], Any]] = {
    "a sum": lambda here, there: here + there,
    "a sum, the other way round": lambda here, there: there + here,
    "a number of the device": lambda here, there: here * there.sum(),
    "a product of matrices": lambda here, there: there @ here.T,
    "cat": lambda here, there: torch.cat([there, here]),
    "stack of numbers": lambda here, there: torch.stack([there.sum(), here.sum()]),
    "where": lambda here, there: torch.where(here > 0, there, there),
    "gather": lambda here, there: there.gather(0, here.long()),
    "an index of the device, into the CPU's": lambda here, there: here[there[0].long()],
    "a mask of the CPU": lambda here, there: there.masked_fill(here > 0, 0.0),
    "a layer of the CPU": lambda here, there: nn.Linear(3, 2)(there),
    "cdist": lambda here, there: torch.cdist(there, here),
    "searchsorted": lambda here, there: torch.searchsorted(there[0].contiguous(), here[0]),
    "numpy": lambda here, there: there.numpy(),
    "asarray": lambda here, there: np.asarray(there),
    "a generator of the CPU": lambda here, there: torch.rand(
        3, device=there.device, generator=torch.Generator()
    ),
    "a generator of the device": lambda here, there: torch.rand(
        3, device="cpu", generator=torch.Generator(there.device)
    ),
    "a write with a generator of the CPU": lambda here, there: there.normal_(
        generator=torch.Generator()
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cuda_refuses(what: str, device: torch.device) -> None:
    here = torch.ones(2, 3)
    there = here.to(device)
    with pytest.raises((RuntimeError, TypeError), match="device|generator|cpu"):
        REFUSED[what](here, there)


def test_what_cuda_allows(device: torch.device) -> None:
    x = torch.arange(6.0, device=device).view(2, 3)
    assert (x * torch.tensor(2.0)).device == device  # a number of the CPU comes along
    assert x[torch.tensor([1])].tolist() == [[3.0, 4.0, 5.0]]  # and an index
    x[torch.tensor([0])] = 7.0
    x[:, 1:] = torch.tensor([8.0, 9.0])  # a copy
    assert x.tolist() == [[7.0, 8.0, 9.0], [3.0, 8.0, 9.0]]
    assert x.cpu().numpy().sum() == 44


def test_views_share_memory(device: torch.device) -> None:
    x = torch.zeros(3, 4, device=device, requires_grad=True)
    y = x.clone()
    y[1:, ::2].T.add_(1.0)
    assert y.tolist() == [[0.0] * 4, [1.0, 0.0] * 2, [1.0, 0.0] * 2]
    y[0] = 5.0
    y.square().sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[0.0] * 4, [2.0, 0.0] * 2, [2.0, 0.0] * 2]


def test_draws_are_the_devices_own(device: torch.device) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(2, device=device).cpu(), expected[:2])
    assert torch.equal(torch.rand(4), expected)  # the CPU's generator has not moved
    generator = torch.Generator(device).manual_seed(3)
    assert generator.device == device
    assert isinstance(generator, torch.Generator)
    assert torch.equal(torch.rand(4, generator=generator, device=device).cpu(), expected)


def test_networks_train_as_on_the_cpu(device: torch.device) -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2), nn.ReLU(), nn.ConvTranspose2d(3, 2, 3), nn.Flatten(),
        nn.Linear(98, 4), nn.BatchNorm1d(4), nn.Linear(4, 1),
    )  # fmt: skip
    x, other = torch.rand(5, 1, 11, 11), copy.deepcopy(net).to(device)
    for model, batch in ((net, x), (other, x.to(device))):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
        for _ in range(3):
            optimizer.zero_grad()
            model(batch).square().mean().backward()
            optimizer.step()
    for one, two in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
        assert two.device == device
        torch.testing.assert_close(one, two.cpu())


def test_files_keep_the_device(device: torch.device) -> None:
    file = io.BytesIO()
    torch.save({"x": torch.arange(5.0, device=device)[1:]}, file)
    file.seek(0)
    found = torch.load(file)["x"]
    assert (found.device, found.tolist()) == (device, [1.0, 2.0, 3.0, 4.0])
    assert copy.deepcopy(found).tolist() == found.tolist()


def test_nothing_is_left_of_it() -> None:
    with standin.available() as device:
        torch.set_default_device(device)
        assert torch.accelerator.is_available()
        assert torch.accelerator.current_accelerator() == torch.device(NAME)
    assert not torch.accelerator.is_available()
    assert torch.get_default_device() == torch.device("cpu")
    assert type(torch.Generator()) is torch.Generator
    with standin.available(doubles=False) as device:
        with pytest.raises(TypeError, match="float64"):
            torch.zeros(2, dtype=torch.float64, device=device)
        assert torch.zeros(2, device=device).sum() == 0
