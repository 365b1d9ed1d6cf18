"""Devices and processes: what can be checked without an accelerator."""

from typing import Any

import pytest
import torch
from torch import nn

import otgen_lite as otg
from otgen_lite.training import batches, devices
from otgen_lite.training.batches import Placement
from otgen_lite.training.devices import Processes, resolve
from otgen_lite.training.history import Record, fetch
from otgen_lite.training.randomness import own_randomness
from otgen_lite.training.sources import batches_of

CPU = torch.device("cpu")


@pytest.fixture
def two_accelerators(monkeypatch: Any) -> list[int]:
    """A machine with two accelerators, as far as torch tells."""
    chosen: list[int] = []
    fake = torch.accelerator
    monkeypatch.setattr(fake, "is_available", lambda: True)
    monkeypatch.setattr(fake, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(fake, "device_count", lambda: 2)
    monkeypatch.setattr(fake, "set_device_index", chosen.append)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    return chosen


def test_the_device_is_where_the_method_is(two_accelerators: list[int]) -> None:
    assert resolve(None, CPU) == CPU
    assert two_accelerators == []
    assert resolve(None, torch.device("cuda", 1)) == torch.device("cuda", 1)


def test_auto_is_the_accelerator(two_accelerators: list[int], monkeypatch: Any) -> None:
    assert resolve("auto", CPU) == torch.device("cuda", 0)
    assert resolve("cuda", CPU) == torch.device("cuda", 0)
    assert resolve("cuda:1", CPU) == torch.device("cuda", 1)
    assert two_accelerators == [0, 0, 1]
    with pytest.raises(ValueError, match=r"got 'cuda:2'; torch sees the CPU and 2 of type 'cuda'"):
        resolve("cuda:2", CPU)
    with pytest.raises(ValueError, match="got 'mps'"):
        resolve("mps", CPU)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    assert resolve("auto", CPU) == CPU


def test_every_process_takes_its_own(two_accelerators: list[int], monkeypatch: Any) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    for asked in (None, "auto", "cuda"):
        assert resolve(asked, CPU) == torch.device("cuda", 1)
    assert resolve("cpu", CPU) == CPU


def test_a_method_is_moved_before_anything_is_made_of_it(monkeypatch: Any) -> None:
    # The meta device has shapes without numbers: what is made there was made after the move.
    moved = []
    monkeypatch.setattr(devices, "resolve", lambda device, here: torch.device("meta"))
    monkeypatch.setattr(nn.Module, "to", lambda self, where: moved.append(where))
    with pytest.raises((NotImplementedError, RuntimeError)):
        otg.fit(otg.VAE(otg.MLP(1, [], 2), otg.MLP(1, [], 1)), torch.ones(4, 1), progress=False)
    assert moved == [torch.device("meta")]


def test_own_randomness_is_its_own() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    torch.rand(2)
    with own_randomness(7, CPU):
        first = torch.rand(3)

    def failing() -> None:
        with own_randomness(7, CPU):
            assert torch.equal(torch.rand(3), first)
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert torch.equal(torch.rand(2), expected[2:])


def test_rows_of_processes_are_the_joined_batch() -> None:
    noise = {"z": torch.arange(12.0), "shared_w": torch.ones(5), "0/shared_v": torch.ones(3)}
    parts = [Processes(rank, 3).share(noise) for rank in range(3)]
    assert torch.equal(torch.cat([p["z"] for p in parts]), noise["z"])
    assert all(len(p["shared_w"]) == 5 and len(p["0/shared_v"]) == 3 for p in parts)
    whole = Processes(1, 3).joined(torch.zeros(4, 2, dtype=torch.float64))
    assert (whole.shape, whole.dtype) == ((12, 2), torch.float64)
    one = Processes()
    assert one.share(noise) is noise
    assert one.first


def test_data_that_do_not_fit_stay_where_they_are(monkeypatch: Any) -> None:
    monkeypatch.setattr(batches, "MEMORY", 30)
    x = torch.arange(10.0)[:, None]
    place = Placement(torch.empty(0, device="meta"), Processes())
    assert not place.holds(x)
    found = batches_of(x, 4, 0, place)
    assert found.next().device.type == "meta"
    assert found._generator.device.type == "cpu"  # type: ignore[attr-defined]
    assert place.holds(x[:7])


def test_pinned_memory_for_copies_beside_the_work(monkeypatch: Any) -> None:
    done: list[Any] = []
    place = Placement(torch.empty(0), Processes())
    place.device = torch.device("cuda", 0)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: (done.append("pin"), self)[1])
    monkeypatch.setattr(torch.Tensor, "is_pinned", lambda self: False)
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *a, **k: (done.append((a, k)), self)[1])
    place.put(torch.ones(2, 2))
    assert done == [((torch.float32,), {}), "pin", ((place.device,), {"non_blocking": True})]


def test_losses_are_fetched_in_one_piece() -> None:
    fetched = []
    record = Record(capacity=3, deferred=True)
    for k in range(5):
        record.append(torch.tensor(float(k)))
    assert len(record.tensor()) == 0  # held back until all processes fetch theirs
    assert record.last() == 4.0
    fetch([record], lambda fresh: (fetched.append(len(fresh)), 2 * fresh)[1])
    assert fetched == [5]
    assert record.tensor().tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert len(record) == 5
