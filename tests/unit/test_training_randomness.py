"""Random numbers of a training: nobody else's, and nobody else disturbs them."""

from __future__ import annotations

import copy
import math
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    Sampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

import otgen_lite as otg
from otgen_lite.training import streams

F64 = torch.float64
X = torch.randn(40, 2, generator=torch.Generator().manual_seed(5), dtype=F64)


def mlp(d: int, out: int, seed: int) -> nn.Module:
    return otg.MLP(d, [6], out, generator=seed).double()


def plain() -> otg.Method:
    return otg.PenalizedOT(mlp(2, 2, 0), mlp(2, 2, 1), penalty=otg.MMD(), lam=1.0)


def noisy(norm: bool = False) -> otg.Method:
    """An auto-encoder that draws by itself, and may have a state that calls move."""
    more = [nn.BatchNorm1d(6).double()] if norm else []
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = nn.Linear(6, 2, dtype=F64)
    net = nn.Sequential(mlp(2, 6, 0), *more, nn.Dropout(0.5), head)
    return otg.PenalizedOT(net, mlp(2, 2, 1), penalty=otg.MMD(), lam=1.0, prior=2)


def train(method: otg.Method, data: Any = X, **options: Any) -> otg.History:
    return otg.fit(method, data, **{"steps": 8, "batch_size": 10, "progress": False, **options})


def losses(history: otg.History) -> Tensor:
    return history.losses["autoencoder"]


class Watching(otg.Method):
    """Keeps what it is given: the batches, and normal draws."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.zeros((), dtype=F64))
        self.players = {"one": otg.Player(("theta",))}
        self.batches: list[Tensor] = []
        self.draws: list[Tensor] = []

    def noise(self, player: str, batch: Tensor, generator: Any = None) -> dict[str, Tensor]:
        self.batches.append(batch.clone())
        self.draws.append(torch.randn(len(batch), 2, generator=generator, dtype=F64))
        return {}

    def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
        return self.theta.square()


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_no_draw_of_a_training_is_a_draw_of_the_same_seed(seed: int) -> None:
    own = torch.Generator().manual_seed(seed)
    theirs = torch.randn(10, 2, generator=own, dtype=F64)
    method = Watching()
    torch.manual_seed(seed)
    train(method, lambda n, generator: torch.randn(n, 2, generator=generator), seed=seed)
    assert not any(torch.equal(draw, theirs) for draw in method.draws)
    single = torch.randn(10, 2, generator=own.manual_seed(seed))
    assert not any(torch.equal(batch, single.double()) for batch in method.batches)
    ordered = Watching()
    train(ordered, torch.arange(40.0)[:, None], seed=seed)
    order = torch.randperm(40, generator=own.manual_seed(seed))[:10]
    assert not torch.equal(ordered.batches[0][:, 0], order.double())


def test_keys_are_those_of_numpys_seed_sequence() -> None:
    keys = [streams.key(seed, kind) for seed in range(50) for kind in streams.KINDS]
    assert len(set(keys)) == len(keys)
    child = np.random.SeedSequence(3).spawn(2)[1]
    assert streams.key(3, streams.KINDS[1]) == int(child.generate_state(1, np.uint64)[0])


def test_no_two_updates_of_a_training_share_a_seed() -> None:
    # They would where step and update differ by (s, u) with s STEP + u UPDATE = 0 modulo 2^64.
    # These pairs are a lattice in the plane; Gauss's reduction finds its shortest vector.
    step, update, modulus = streams._STEP, streams._UPDATE, 1 << 64
    u, v = (1, -step * pow(update, -1, modulus) % modulus), (0, modulus)
    while True:
        u, v = sorted((u, v), key=lambda w: w[0] ** 2 + w[1] ** 2)
        length = u[0] ** 2 + u[1] ** 2
        times = (2 * (u[0] * v[0] + u[1] * v[1]) + length) // (2 * length)
        if times == 0:
            break
        v = v[0] - times * u[0], v[1] - times * u[1]
    assert (u[0] * step + u[1] * update) % modulus == 0
    assert u[0] ** 2 + u[1] ** 2 > (10**9) ** 2
    key = streams.key(0, "updates")
    seeds = {streams.mixed(key, step, update) for step in range(20_000) for update in range(5)}
    assert len(seeds) == 100_000


def test_seeds_of_neighbours_have_nothing_in_common() -> None:
    key, n = streams.key(0, "updates"), 4000
    seeds = [[streams.mixed(key, step, update) for update in range(2)] for step in range(n + 1)]
    # The next update, and the next step.
    for other in (lambda k: seeds[k][1], lambda k: seeds[k + 1][0]):
        changed = [f"{seeds[k][0] ^ other(k):063b}" for k in range(n)]
        shares = np.array([[bit == "1" for bit in row] for row in changed]).mean(axis=0)
        # Of fair coins the share has the standard deviation 1/(2 √n); 63 bits, five deviations.
        assert np.abs(shares - 0.5).max() < 5 * 0.5 / math.sqrt(n)
        draws = [
            torch.stack([torch.randn(8, generator=torch.Generator().manual_seed(s)) for s in row])
            for row in ([row[0] for row in seeds[:n]], [other(k) for k in range(n)])
        ]
        # Products of independent normal numbers have variance 1: 64 means, five deviations.
        assert (draws[0].T @ draws[1] / n).abs().max() < 5 / math.sqrt(n)


def disturb(*_: Any) -> float:
    """Draws from everything, and seeds it."""
    random.random(), np.random.rand(3), torch.rand(5)
    torch.manual_seed(1), random.seed(1), np.random.seed(1)
    return 0.0


@pytest.mark.parametrize("make", [plain, noisy, lambda: noisy(norm=True)])
def test_metrics_and_callbacks_move_nothing(make: Callable[[], otg.Method]) -> None:
    def look(*arguments: Any) -> float:
        method = arguments[1] if len(arguments) == 3 else arguments[0]
        method.sample(7)
        method.reconstruct(X)  # batch normalisation would remember them
        method.train()
        return disturb()

    quiet, watched = make(), make()
    expected = train(quiet)
    found = train(watched, metrics={"m": look}, metrics_every=1, callbacks=[look])
    assert torch.equal(losses(found), losses(expected))
    for a, b in zip(quiet.state_dict().values(), watched.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_metrics_are_the_same_numbers_whatever_was_drawn_before(tmp_path: Path) -> None:
    def run(path: Path, stop: int = 0) -> Any:
        metrics = {
            "m": lambda method: float(method.sample(3).sum()),
            "r": lambda m: random.random(),
        }
        return train(
            plain(), metrics=metrics, metrics_every=3, checkpoint=path,
            callbacks=[lambda step, m, h: disturb() or step == stop],
        ).metrics  # fmt: skip

    whole = run(tmp_path / "whole")
    torch.rand(1)
    assert run(tmp_path / "again") == whole
    random.random()
    run(tmp_path / "broken", stop=4)
    assert run(tmp_path / "broken") == whole
    assert whole["r"][0] == [3, 6, 8]
    assert len(set(whole["r"][1])) == 3


class Jittered(nn.Module):
    """A network that draws from a generator that it holds, or from the program's."""

    def __init__(self, rng: Any) -> None:
        super().__init__()
        self.net, self.rng = mlp(2, 2, 0), rng

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x + float(self.rng.random()))


@pytest.mark.parametrize("kind", ["python", "numpy", "the program's", "numpy's own"])
def test_networks_that_draw_are_resumed_too(kind: str, tmp_path: Path) -> None:
    def run(path: Path, stop: int = 0) -> Tensor:
        rng = {
            "python": random.Random(3), "numpy": np.random.default_rng(3),
            "the program's": random, "numpy's own": np.random,
        }[kind]  # fmt: skip
        method = otg.PenalizedOT(Jittered(rng), mlp(2, 2, 1), penalty=otg.MMD(), lam=1.0, prior=2)
        callbacks = [lambda step, m, h: disturb() or m.reconstruct(X) is None or step == stop]
        return losses(train(method, checkpoint=path, callbacks=callbacks))

    whole = run(tmp_path / "whole")
    assert len(run(tmp_path / "broken", stop=3)) == 3
    assert torch.equal(run(tmp_path / "broken"), whole)
    quiet = otg.PenalizedOT(mlp(2, 2, 0), mlp(2, 2, 1), penalty=otg.MMD(), lam=1.0)
    assert not torch.equal(losses(train(quiet)), whole)


def test_callbacks_see_evaluation_mode_and_modes_are_each_modules_own() -> None:
    method, seen = noisy(norm=True), []
    norm, dropout = method.encoder[1], method.encoder[2]
    dropout.eval()  # the user's wish
    during: list[tuple[bool, bool, bool]] = []
    method.encoder[0].register_forward_pre_hook(
        lambda *_: during.append((method.encoder.training, norm.training, dropout.training))
    )
    look = lambda step, m, h: seen.append((m.encoder.training, norm.training))  # noqa: E731
    for _ in range(2):  # the second training remembers
        train(method, callbacks=[look], metrics={"m": lambda m: 0.0})
        assert not method.training
    assert set(during) == {(True, True, False)}
    assert set(seen) == {(False, False)}
    method.train()
    during.clear()
    train(method)
    assert set(during) == {(True, True, True)}


def test_frozen_statistics_stay_and_a_network_trained_before_is_trained_again() -> None:
    method = noisy(norm=True)
    method.encoder[1].eval()
    before = method.encoder[1].running_mean.clone()
    train(method)
    assert torch.equal(method.encoder[1].running_mean, before)
    first = noisy(norm=True)
    train(first)
    again = otg.PenalizedOT(first.encoder, mlp(2, 2, 4), penalty=otg.MMD(), lam=1.0, prior=2)
    before = first.encoder[1].running_mean.clone()
    train(again)
    assert not torch.equal(first.encoder[1].running_mean, before)


def test_trainings_in_threads_are_the_trainings_alone() -> None:
    alone = [losses(train(noisy(), steps=30, seed=k)) for k in range(3)]
    methods, found = [noisy() for _ in range(3)], {}

    def run(k: int) -> None:
        found[k] = losses(train(methods[k], steps=30, seed=k))

    threads = [threading.Thread(target=run, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(found[k], alone[k]) for k in range(3))


def test_a_method_that_draws_nothing_by_itself_leaves_the_programs_generators_alone() -> None:
    torch.manual_seed(3)
    random.seed(3)
    states = []
    original = otg.PenalizedOT.loss

    def watching(self: Any, *arguments: Any) -> Any:
        states.append((torch.get_rng_state(), random.getstate()))
        return original(self, *arguments)

    before = torch.get_rng_state(), random.getstate()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(otg.PenalizedOT, "loss", watching)
        train(plain())
    assert len(states) == 8
    assert all(torch.equal(a, before[0]) and b == before[1] for a, b in states)


def test_a_training_panel_leaves_the_programs_generators_to_the_notebook() -> None:
    torch.manual_seed(3)
    before, states = torch.get_rng_state(), []
    panel = otg.TrainingPanel(
        lambda lam: otg.PenalizedOT(mlp(2, 2, 0), mlp(2, 2, 1), penalty=otg.MMD(), lam=lam), X,
        {"lam": (0.1, 10.0)}, show=lambda m: otg.plots.clouds(source=m.sample(5, 0)), name="own",
        alt="Draws, {lam}.", options={"steps": 6, "batch_size": 10},
    )  # fmt: skip

    def watch(step: int, history: otg.History) -> None:
        states.append(torch.get_rng_state())

    thread = threading.Thread(target=panel.train, args=(watch,))
    thread.start()
    thread.join()
    assert len(states) == 6
    assert all(torch.equal(state, before) for state in states)


class Flipped(Dataset):
    """Points, some of them turned around, by one of the generators."""

    def __init__(self, draw: Callable[[], float], share: float = 0.5) -> None:
        self.draw, self.share = draw, share

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, k: int) -> Tensor:
        return -X[k] if self.draw() < self.share else X[k]


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_random_items_are_new_in_every_epoch(seed: int, share: float) -> None:
    method = Watching()
    data = Flipped(lambda: float(torch.rand(())), share)
    train(method, data, steps=40, seed=seed)  # ten epochs
    rows = torch.cat(method.batches)
    same = (rows[:, None] == X).all(dim=2)
    turned = (rows[:, None] == -X).all(dim=2)
    assert bool((same | turned).any(dim=1).all())
    # Turned at most 10 times of 10 and never 0 for all points: a frozen set has 0 or 10 alone.
    counts = turned.sum(dim=0)
    assert bool(((counts > 0) & (counts < 10)).any())
    assert abs(float(counts.sum()) / 400 - share) < 4.5 * (share * (1 - share) / 400) ** 0.5


class Stateful(Sampler):
    """An order that depends on how many epochs there were."""

    def __init__(self) -> None:
        self.epochs = 0

    def __len__(self) -> int:
        return len(X)

    def __iter__(self) -> Iterator[int]:
        self.epochs += 1
        return iter([(k * 7 + self.epochs) % len(X) for k in range(len(X))])


class Shuffling(Sampler):
    """An order by a generator of its own."""

    def __init__(self, generator: Any) -> None:
        self.generator = generator

    def __len__(self) -> int:
        return len(X)

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(X)))
        if isinstance(self.generator, np.random.Generator):
            return iter(self.generator.permutation(order).tolist())
        self.generator.shuffle(order)
        return iter(order)


def weighted(generator: torch.Generator | None = None) -> Any:
    return WeightedRandomSampler(torch.arange(1.0, 41.0).tolist(), 40, generator=generator)


def loader(**options: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(X), batch_size=10, **options)


LOADERS: dict[str, Callable[[], Any]] = {
    "shuffled": lambda: loader(shuffle=True),
    "generator": lambda: loader(shuffle=True, generator=torch.Generator().manual_seed(3)),
    "weighted": lambda: loader(sampler=weighted()),
    "weighted, generator": lambda: loader(sampler=weighted(torch.Generator().manual_seed(1))),
    "subset": lambda: loader(sampler=SubsetRandomSampler(range(40))),
    "replacement": lambda: loader(sampler=RandomSampler(X, replacement=True)),
    "batch sampler": lambda: DataLoader(
        TensorDataset(X), batch_sampler=BatchSampler(Shuffling(random.Random(2)), 10, True)
    ),
    "python": lambda: loader(sampler=Shuffling(random.Random(2))),
    "numpy": lambda: loader(sampler=Shuffling(np.random.default_rng(2))),
    "the program's": lambda: loader(sampler=Shuffling(random)),
    "state": lambda: loader(sampler=Stateful()),
    "items by python": lambda: DataLoader(Flipped(random.random), 10, shuffle=True),
    "items by numpy": lambda: DataLoader(Flipped(np.random.default_rng(3).random), 10),
    "set by numpy's own": lambda: Flipped(np.random.random_sample),
    "set by torch": lambda: Flipped(lambda: float(torch.rand(()))),
    "set with a generator": lambda: Flipped(random.Random(8).random),
    "sampler": lambda: lambda n, generator: torch.from_numpy(np.random.rand(n, 2)),
    "sampler of a generator": lambda: partial_of(np.random.default_rng(4)),
}  # fmt: skip


def partial_of(rng: np.random.Generator) -> Any:
    return lambda n, generator: torch.from_numpy(rng.random((n, 2)))


@pytest.mark.parametrize("kind", LOADERS)
def test_every_kind_of_data_is_resumed_and_is_the_same_again(kind: str, tmp_path: Path) -> None:
    def run(data: Any, path: Path | None = None, stop: int = 0) -> list[Tensor]:
        method = Watching()
        more: dict[str, Any] = {} if path is None else {"checkpoint": path}
        train(method, data, steps=14, callbacks=[lambda s, m, h: disturb() or s == stop], **more)
        return method.batches

    data = LOADERS[kind]()
    whole = run(data)
    again = run(data)  # the same object, as the members of a sweep get it
    assert all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))
    first = run(LOADERS[kind](), tmp_path / "run.pt", stop=6)
    rest = run(LOADERS[kind](), tmp_path / "run.pt")
    assert (len(first), len(rest)) == (6, 8)
    assert all(torch.equal(a, b) for a, b in zip(whole, [*first, *rest], strict=True))
    assert len({tuple(batch.flatten().tolist()) for batch in whole}) > 4
    other = Watching()
    train(other, LOADERS[kind](), steps=14, seed=1)
    if kind != "state":
        assert not all(torch.equal(a, b) for a, b in zip(whole, other.batches, strict=True))


def test_a_users_generators_are_as_before_and_count() -> None:
    generator = torch.Generator().manual_seed(3)
    before = generator.get_state()
    runs = []
    for start in (3, 4):
        method = Watching()
        train(method, loader(shuffle=True, generator=generator.manual_seed(start)))
        runs.append(method.batches)
    assert not torch.equal(runs[0][0], runs[1][0])
    generator.manual_seed(3)
    train(Watching(), loader(shuffle=True, generator=generator))
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("stack", [True, False])
def test_members_of_a_sweep_see_the_same_batches_and_metrics(stack: bool) -> None:
    def make(lam: float) -> otg.Method:
        return otg.PenalizedOT(mlp(2, 2, 0), mlp(2, 2, 1), penalty=otg.MMD(), lam=lam)

    data = loader(shuffle=True, generator=torch.Generator().manual_seed(3))
    options: dict[str, Any] = {
        "steps": 9, "progress": False, "metrics": {"m": lambda m: float(m.sample(4).sum())},
    }  # fmt: skip
    s = otg.sweep(make, {"lam": [0.1, 10.0]}, data, stack=stack, **options)
    for (point, method), history in zip(s, s.histories, strict=True):
        alone = make(**point)
        expected = otg.fit(alone, data, **options)
        assert history.metrics["m"][1] == pytest.approx(expected.metrics["m"][1], abs=1e-7)
        for a, b in zip(method.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=0.0, atol=1e-8)


def test_a_state_that_cannot_be_kept_is_refused_before_the_first_step() -> None:
    class Open(Stateful):
        def __init__(self) -> None:
            super().__init__()
            self.lock = threading.Lock()

    with pytest.raises(TypeError, match=r"sampler can be copied, .* got a Open .*set_epoch"):
        train(Watching(), loader(sampler=Open()))
    living = loader(num_workers=1, persistent_workers=True, multiprocessing_context="fork")
    with pytest.raises(ValueError, match="persistent_workers=False: workers that live on"):
        train(Watching(), living)


def test_generators_of_data_are_found_where_functions_and_objects_hold_them() -> None:
    from otgen_lite.training.foreign import Generators

    mine, deep = random.Random(1), np.random.default_rng(2)

    def closing() -> float:
        return mine.random()

    class Holding:
        def __init__(self) -> None:
            self.steps = [{"flip": deep}, closing]
            self.many = ["a path"] * 50_000

    assert {id(g) for g in Generators(Holding())} == {id(mine), id(deep)}
    assert list(Generators([random.random, np.random.rand, torch.rand])) == []
    assert list(Generators(copy.copy(closing))) == [mine]
    assert list(Generators(uses_a_global)) == [GLOBAL]


GLOBAL = np.random.RandomState(4)


def uses_a_global() -> float:
    return float(GLOBAL.rand())
