"""Batches: each kind of data, its order, and taking it up again where it was left."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import otgen_lite as otg
from otgen_lite.training import batches as batches_module
from otgen_lite.training.batches import Batches, Loaded, Place
from otgen_lite.training.devices import Processes, own_randomness
from otgen_lite.training.sources import batches_of

CPU = torch.device("cpu")
X = torch.arange(22.0)[:, None] * torch.ones(1, 3)


def place(processes: Processes = Processes()) -> Place:  # noqa: B008
    return Place(torch.empty(0), processes)


def take(batches: Batches, count: int) -> list[Tensor]:
    return [batches.next().clone() for _ in range(count)]


class Items(Dataset):
    """A set of points with labels."""

    def __init__(self, changing: bool = False) -> None:
        self.changing = changing

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, k: int) -> tuple[Tensor, int]:
        if k >= len(X):
            raise IndexError(k)
        return X[k] + (0.01 * torch.rand(1) if self.changing else 0.0), k


class Stream(IterableDataset):
    """Points one after another."""

    def __iter__(self) -> Any:
        return iter(X)


def sample(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, 3, generator=generator, dtype=torch.float64)


KINDS: dict[str, Callable[[], Any]] = {
    "tensor": lambda: X,
    "array": lambda: X.numpy().astype(np.float64),
    "nested list": X.tolist,
    "tensor set": lambda: TensorDataset(X, torch.arange(22)),
    "set": Items,
    "changing set": lambda: Items(changing=True),
    "loader": lambda: DataLoader(Items(), batch_size=4, shuffle=True, drop_last=True),
    "loader with a generator": lambda: DataLoader(
        TensorDataset(X), batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(3)
    ),
    "stream": Stream,
    "sampler": lambda: sample,
}


@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_resumed_where_they_were_left(kind: str) -> None:
    with own_randomness(5, CPU):
        whole = batches_of(KINDS[kind](), 5, 1, place())
        take(whole, 7)
        state, generators = whole.state(), torch.get_rng_state()
        rest = take(whole, 9)
    with own_randomness(5, CPU):
        other = batches_of(KINDS[kind](), 5, 1, place())
        other.load(state)
        torch.set_rng_state(generators)
        again = take(other, 9)
    assert all(torch.equal(a, b) for a, b in zip(rest, again, strict=True))
    assert rest[0].dtype == torch.float32
    assert not torch.equal(rest[0], rest[1])


@pytest.mark.parametrize("block", [1, 70, 1 << 20])
def test_an_epoch_is_a_permutation_without_its_rest(block: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(batches_module, "BLOCK", block)
    batches = batches_of(X, 5, 1, place())
    epochs = [torch.cat(take(batches, 4))[:, 0] for _ in range(30)]
    assert all(len(epoch.unique()) == 20 for epoch in epochs)
    assert not torch.equal(epochs[0], epochs[1])
    counts = torch.bincount(torch.cat(epochs).long(), minlength=22)
    # Each point is left out of an epoch with probability 1/11: 600/22 times 30, give or take.
    assert counts.min() >= 20
    assert counts.max() <= 30


def test_the_order_does_not_depend_on_the_block(monkeypatch: Any) -> None:
    first = take(batches_of(X, 5, 1, place()), 9)
    monkeypatch.setattr(batches_module, "BLOCK", 1)
    second = take(batches_of(X, 5, 1, place()), 9)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_batch_larger_than_the_data_is_all_of_them_and_says_so() -> None:
    with pytest.warns(UserWarning, match="batch_size = 50 is more than the 22 points"):
        batches = batches_of(X, 50, 1, place())
    first, second = take(batches, 2)
    assert torch.equal(first.sort(dim=0).values, X)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "stream"])
def test_processes_share_the_joined_batch(kind: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(Processes, "all", lambda self, value: [value] * self.world)
    with own_randomness(5, CPU):
        whole = take(batches_of(KINDS[kind](), 6, 1, place()), 6)
    parts = []
    for rank in range(2):
        with own_randomness(5, CPU):
            own = place(Processes(rank, 2))
            data = KINDS[kind]()
            parts.append(take(batches_of(data, 6, 1, own), 6))
    if "changing" in kind:
        return  # each process draws its own changes
    for joined, first, second in zip(whole, *parts, strict=True):
        assert torch.equal(torch.cat([first, second]), joined)


@pytest.mark.parametrize(("size", "last", "got"), [(5, True, 5), (4, False, 1), (None, None, 1)])
def test_rows_that_cannot_be_divided_are_refused(size: Any, last: Any, got: int) -> None:
    data = TensorDataset(X[:21])
    if size is None:  # one point at a time: no batches to speak of
        loader: Any = DataLoader(data, batch_size=1)
    else:
        loader = DataLoader(data, batch_size=size, drop_last=last)
    with pytest.raises(ValueError, match=rf"multiple of .* processes, 2, got one of {got};"):
        batches_of(loader, 6, 1, place(Processes(0, 2)))


def test_a_sampler_of_ones_own_for_each_process_is_respected() -> None:
    from torch.utils.data import DistributedSampler

    def loader(rank: int) -> DataLoader[Any]:
        sampler: Any = DistributedSampler(Items(), num_replicas=2, rank=rank, seed=1)
        return DataLoader(Items(), batch_size=11, sampler=sampler)

    parts = [take(Loaded(loader(rank), place(Processes(rank, 2))), 2) for rank in range(2)]
    for first, second in zip(*parts, strict=True):
        assert sorted(torch.cat([first, second])[:, 0].tolist()) == list(range(22))
    assert not torch.equal(parts[0][0], parts[0][1])  # another order in every epoch


def test_a_set_is_read_once_unless_it_changes() -> None:
    counted = {False: 0, True: 0}

    class Counting(Items):
        def __getitem__(self, k: int) -> tuple[Tensor, int]:
            counted[self.changing] += 1
            return super().__getitem__(k)

    for changing in (False, True):
        with own_randomness(0, CPU):
            take(batches_of(Counting(changing), 5, 1, place()), 40)
    assert counted == {False: 2 + 22, True: 2 + 200}


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (torch.empty(0, 2), ValueError, r"data must hold at least one point, got shape \(0, 2\)"),
        (
            torch.ones(5),
            ValueError,
            r"data must have shape .* got \(5,\); .* write data\[:, None\]",
        ),
        (torch.ones(()), ValueError, "data must have shape"),
        (torch.full((3, 2), float("nan")), ValueError, "data must hold finite numbers, got .* nan"),
        (np.array([[1.0, np.inf]]), ValueError, "data must hold finite numbers, got .* inf"),
        (
            torch.ones(3, 2, dtype=torch.uint8),
            TypeError,
            "floating type, got torch.uint8; .* / 255",
        ),
        (np.ones((3, 2), dtype=np.int64), TypeError, "floating type, got torch.int64"),
        (torch.ones(3, 2, dtype=torch.complex64), TypeError, "floating type, got torch.complex64"),
        (torch.ones(3, 2, dtype=torch.bool), TypeError, "floating type, got torch.bool"),
        (np.array([["a"]]), TypeError, "data must be a tensor or an array of real numbers"),
        ((torch.ones(3, 2), torch.ones(3)), TypeError, r"points alone, .* give data\[0\]"),
        ("eight_gaussians", TypeError, "data must be a tensor, an array, a Dataset"),
        (None, TypeError, "data must be a tensor, an array, a Dataset"),
        (TensorDataset(torch.empty(0, 2)), ValueError, "data must hold at least one point"),
        (DataLoader([], batch_size=4), ValueError, "data must hold at least one batch"),
        (DataLoader([1.0, 2.0]), TypeError, r"data must give batches that are tensors \(n, ...\)"),
        (lambda n, g: torch.ones(n - 1, 2), ValueError, "must draw n points, got 3"),
        (lambda n, g: torch.ones(n), ValueError, "data must have shape"),
    ],
)
def test_bad_data(data: Any, error: type[Exception], words: str) -> None:
    method = otg.VAE(otg.MLP(2, [3], 2, generator=0), otg.MLP(1, [3], 2, generator=1))
    with pytest.raises(error, match=words):
        otg.fit(method, data, steps=2, batch_size=4, progress=False)


def test_data_take_the_type_of_the_networks() -> None:
    for dtype in (torch.float32, torch.float64):
        net = otg.VAE(
            otg.MLP(3, [3], 2, generator=0).to(dtype), otg.MLP(1, [3], 3, generator=1).to(dtype)
        )
        history = otg.fit(net, X.double(), steps=2, batch_size=4, progress=False)
        assert history.losses["autoencoder"].dtype == dtype


def test_several_processes_need_a_batch_that_they_can_share() -> None:
    with pytest.raises(ValueError, match="multiple of the number of processes, 2, got 5"):
        batches_of(X, 5, 1, place(Processes(0, 2)))
