"""Batches: each kind of data, its order, and taking it up again where it was left."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
)

import otgen_lite as otg
from otgen_lite.training import batches as batches_module
from otgen_lite.training.batches import Batches, Placement
from otgen_lite.training.devices import Processes
from otgen_lite.training.loaders import Loaded
from otgen_lite.training.randomness import own_randomness
from otgen_lite.training.sources import batches_of

CPU = torch.device("cpu")
X = torch.arange(22.0)[:, None] * torch.ones(1, 3)


def place(processes: Processes = Processes()) -> Placement:  # noqa: B008
    return Placement(torch.empty(0), processes)


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
    "loader": lambda: DataLoader(Items(), batch_size=6, shuffle=True, drop_last=True),
    "loader with a generator": lambda: DataLoader(
        TensorDataset(X),
        batch_size=6,
        shuffle=True,
        drop_last=True,
        generator=torch.Generator().manual_seed(3),
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


def test_a_sampler_of_ones_own_for_each_process_is_respected(monkeypatch: Any) -> None:
    from torch.utils.data import DistributedSampler

    def answers(self: Processes, value: Any) -> list[Any]:
        """Of two processes that agree in shapes and hold different rows."""
        return [value if isinstance(value, dict) else f"{value} {k}" for k in range(self.world)]

    monkeypatch.setattr(Processes, "all", answers)

    def loader(rank: int) -> DataLoader[Any]:
        sampler: Any = DistributedSampler(Items(), num_replicas=2, rank=rank, seed=1)
        return DataLoader(Items(), batch_size=11, sampler=sampler)

    parts = [take(Loaded(loader(rank), 0, place(Processes(rank, 2))), 2) for rank in range(2)]
    for first, second in zip(*parts, strict=True):
        assert sorted(torch.cat([first, second])[:, 0].tolist()) == list(range(22))
    assert not torch.equal(parts[0][0], parts[0][1])  # another order in every epoch
    monkeypatch.setattr(Processes, "all", lambda self, value: [value] * self.world)
    with pytest.raises(ValueError, match="got the same batch in processes 0 and 1: a sampler with"):
        take(Loaded(loader(0), 0, place(Processes(0, 2))), 1)


def test_a_set_is_read_once_where_its_type_says_that_it_is_data() -> None:
    class Counting(Items):
        read = 0

        def __getitem__(self, k: int) -> tuple[Tensor, int]:
            self.read += 1
            return super().__getitem__(k)

    class Said(Counting):
        fixed = True

    class Made(Said):
        """Made from a fixed one, perhaps with random changes: that is not known."""

    found = {}
    for kind in (Counting, Said, Made):
        data = kind()
        take(batches_of(Subset(data, range(22)), 5, 1, place()), 40)
        found[kind] = data.read
    # One to see the shape; then all of them, or what each batch takes.
    assert found == {Counting: 1 + 200, Said: 1 + 22, Made: 1 + 200}
    data = Counting()
    data.fixed = True  # type: ignore[attr-defined]
    take(batches_of(ConcatDataset([data, TensorDataset(X)]), 5, 1, place()), 40)
    assert data.read == 1 + 22


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
        (np.ones((3, 2), dtype=np.int64), TypeError, "floating type, got a ndarray of int64"),
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


class Given(Dataset):
    """A set of what somebody has."""

    def __init__(self, items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, k: int) -> Any:
        return self.items[k]


class Flowing(IterableDataset):
    """A stream of what somebody has."""

    def __init__(self, items: Any) -> None:
        self.items = items

    def __iter__(self) -> Any:
        return iter(self.items)


BYTES = np.arange(24, dtype=np.uint8).reshape(12, 2)

WAYS: dict[str, Callable[[Any], Any]] = {
    "array": lambda a: a,
    "tensor": torch.from_numpy,
    "list": lambda a: a.tolist(),
    "set of arrays": Given,
    "set of tensors": lambda a: Given(torch.from_numpy(a)),
    "set of lists": lambda a: Given(a.tolist()),
    "set of pairs": lambda a: Given([(row, 0) for row in a]),
    "tensor set": lambda a: TensorDataset(torch.from_numpy(a)),
    "subset": lambda a: Subset(Given(a), range(12)),
    "loader": lambda a: DataLoader(Given(a), batch_size=4),
    "loader of arrays": lambda a: DataLoader(Given(a), batch_size=4, collate_fn=np.stack),
    "stream": Flowing,
    "sampler": lambda a: lambda n, generator: torch.from_numpy(a[:n]),
    "sampler of arrays": lambda a: lambda n, generator: a[:n],
}


@pytest.mark.parametrize("kind", ["uint8", "int64", "bool"])
@pytest.mark.parametrize("way", WAYS)
def test_whole_numbers_are_refused_wherever_they_come_from(way: str, kind: str) -> None:
    with pytest.raises(TypeError, match=r"must be of a floating type, got .*/ 255"):
        batches_of(WAYS[way](BYTES.astype(kind)), 4, 0, place())


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@pytest.mark.parametrize("way", [way for way in WAYS if way != "set of lists"])
def test_floating_types_are_the_same_points_wherever_they_come_from(way: str, kind: str) -> None:
    batches = batches_of(WAYS[way]((BYTES / 32).astype(kind)), 4, 0, place())
    points = torch.cat(take(batches, 3))
    assert points.dtype == torch.float32
    rows = {tuple(row) for row in points.tolist()}
    assert rows <= {tuple(row) for row in (BYTES / 32).tolist()}
    assert len(rows) == (4 if "sampler" in way else 12)


def test_images_are_refused_with_the_remedy() -> None:
    from PIL import Image

    images = [Image.fromarray(np.full((3, 3), k, dtype=np.uint8)) for k in range(8)]
    for mode in ("L", "RGB", "1"):
        data = Given([image.convert(mode) for image in images])
        with pytest.raises(TypeError, match=r"data\[0\] .* got a Image .*np.asarray\(x\) / 255"):
            batches_of(data, 4, 0, place())
    floats = batches_of(Given([image.convert("F") for image in images]), 4, 0, place())
    assert take(floats, 1)[0].shape == (4, 3, 3)


@pytest.mark.parametrize(
    ("items", "error", "words"),
    [
        ([1.0, 2.0, 3.0], ValueError, r"points that are vectors .*, got a number of data\[0\]"),
        ([[1.0, 2.0]] * 3, ValueError, "a list or a tuple is a point and its labels"),
        ([{"x": torch.ones(2)}] * 4, TypeError, r"data\[0\] must be a tensor or an array"),
        ([torch.ones(2), torch.ones(3)] * 2, ValueError, r"one shape, got \(\d,\) of data"),
    ],
)
def test_bad_items(items: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        take(batches_of(Given(items), 4, 0, place()), 1)


ROWS = torch.arange(258.0).reshape(129, 2)

#: 129 points in batches of 128: the last one would be a point alone.
RAGGED: dict[str, Callable[[], Any]] = {
    "tensor": lambda: ROWS,
    "set": lambda: Given(ROWS),
    "loader": lambda: DataLoader(TensorDataset(ROWS), 128),
    "shuffled loader": lambda: DataLoader(TensorDataset(ROWS), 128, shuffle=True),
    "batch sampler": lambda: DataLoader(
        TensorDataset(ROWS), batch_sampler=[list(range(128)), [128]]
    ),
    "stream": lambda: Flowing(ROWS),
    "loader of a stream": lambda: DataLoader(Flowing(ROWS), 128),
}


@pytest.mark.filterwarnings("ignore:the last batch of the DataLoader")
@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("kind", RAGGED)
def test_the_rest_of_an_epoch_is_left_out_of_every_kind_of_data(
    kind: str, world: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(Processes, "all", lambda self, value: [value] * self.world)
    for rank in range(world):
        batches = batches_of(RAGGED[kind](), 128, 0, place(Processes(rank, world)))
        assert [len(batch) for batch in take(batches, 5)] == [128 // world] * 5


@pytest.mark.filterwarnings("ignore:the last batch of the DataLoader")
@pytest.mark.parametrize("kind", RAGGED)
def test_losses_that_compare_points_train_on_every_kind_of_data(kind: str) -> None:
    encoder = torch.nn.Sequential(torch.nn.BatchNorm1d(2), otg.MLP(2, [4], 2, generator=0))
    method = otg.PenalizedOT(encoder, otg.MLP(2, [4], 2, generator=1), penalty=otg.MMD(), lam=1.0)
    assert otg.fit(method, RAGGED[kind](), steps=3, progress=False).steps == 3


def test_what_a_loader_leaves_out_is_told_before_the_first_step() -> None:
    with pytest.warns(UserWarning, match="last batch of the DataLoader has 1 of 128 points"):
        batches_of(RAGGED["loader"](), 128, 0, place())
    with pytest.warns(UserWarning, match=r"batch_size = 200 .* more than its 129 points"):
        small = batches_of(DataLoader(TensorDataset(ROWS), 200), 200, 0, place())
    assert [len(batch) for batch in take(small, 3)] == [129] * 3
    with pytest.raises(ValueError, match=r"DataLoader must be a multiple .* 2, got 5"):
        batches_of(DataLoader(TensorDataset(ROWS), 5), 6, 0, place(Processes(0, 2)))


def test_a_stream_that_does_not_begin_anew_is_named() -> None:
    class Once(IterableDataset):
        def __init__(self) -> None:
            self.rows = iter(ROWS)

        def __iter__(self) -> Any:
            return self.rows

    batches = batches_of(Once(), 100, 0, place())
    take(batches, 1)
    with pytest.raises(ValueError, match="got none in epoch 2; an iterable must begin anew"):
        take(batches, 1)
