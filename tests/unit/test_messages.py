"""What people write by mistake: it works, or the error names the argument and what it must be."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import otgen_lite as otg
from otgen_lite import metrics
from otgen_lite.sweep import grid as grids

X = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
Y = 2 * X + 1
FRAME = pd.DataFrame(X.numpy(), columns=["a", "b"])
SAME = nn.Identity()
DRAW = otg.data.toy("two_moons").sample
QUICK = dict(steps=2, batch_size=5, progress=False)


def make(lam: float = 1.0) -> otg.PenalizedOT:
    encoder, decoder = otg.MLP(2, [8], 1, generator=1), otg.MLP(1, [8], 2, generator=2)
    return otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=lam)


def losses(data: object) -> torch.Tensor:
    return otg.fit(make(), data, **QUICK).losses["autoencoder"]


# --- tables and arrays of other kinds -----------------------------------------------------------


def test_a_table_of_numbers_is_points() -> None:
    assert torch.equal(losses(FRAME), losses(X))
    assert torch.equal(losses(FRAME.set_index(FRAME["a"])), losses(X))  # no row is called 0
    assert metrics.w2sq(FRAME, X) == 0.0
    assert torch.equal(otg.cost_matrix(FRAME, FRAME), otg.cost_matrix(X, X))
    swept = otg.sweep(make, {"lam": [1.0, 2.0]}, FRAME, **QUICK)
    torch.testing.assert_close(swept.history(lam=1.0).losses["autoencoder"], losses(X))


@pytest.mark.parametrize(
    "column", [["x"] * 20, [True] * 20, pd.date_range("2020", periods=20), [1j] * 20]
)
def test_a_table_with_another_column_names_it(column) -> None:
    table = FRAME.assign(bad=column)
    for call in (
        lambda: losses(table),
        lambda: metrics.w2sq(table, FRAME),
        lambda: otg.sweep(make, {"lam": [1.0, 2.0]}, table, **QUICK),
    ):
        with pytest.raises(TypeError, match=r"must be a table of real numbers.*column 'bad'"):
            call()


@pytest.mark.parametrize("turn", [lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a[::-2, ::-1]])
def test_arrays_that_run_backwards(turn) -> None:
    backwards = turn(X.numpy())
    forwards = torch.from_numpy(backwards.copy())
    assert torch.equal(losses(backwards), losses(forwards))
    swept = otg.sweep(make, {"lam": [1.0, 2.0]}, backwards, **QUICK)
    torch.testing.assert_close(swept.history(lam=1.0).losses["autoencoder"], losses(forwards))
    assert metrics.w2sq(backwards, forwards) == 0.0
    labels = (np.arange(20) % 2)[::-1]
    assert metrics.Classifier(X.numpy()[::-1], labels).labels.tolist() == [0, 1]
    with pytest.raises(TypeError, match=r"data must be of a floating type, got a ndarray of int64"):
        losses(turn(np.arange(40).reshape(20, 2)))


class Items(torch.utils.data.Dataset):
    def __init__(self, items: list[torch.Tensor]) -> None:
        self.items = items

    def __getitem__(self, k: int) -> torch.Tensor:
        return self.items[k]

    def __len__(self) -> int:
        return len(self.items)


def test_items_of_several_shapes() -> None:
    items = [*X, torch.ones(3)]
    message = r"one shape, got \(2,\) of data\[\d+\] and \(3,\) of data\[20\]"
    with pytest.raises(ValueError, match=message):
        losses(Items(items))
    with pytest.raises(TypeError, match=r"data must be a tensor or an array.*ragged"):
        losses(items)


# --- training -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_training_where_gradients_are_switched_off(mode) -> None:
    expected = losses(X)
    method, other = make(), make()
    with mode():
        found = otg.fit(method, X, **QUICK).losses["autoencoder"]
        drawn = otg.fit(other, X.clone(), **QUICK).losses["autoencoder"]
        assert not torch.is_grad_enabled()
    assert torch.equal(found, expected)
    assert torch.equal(drawn, expected)
    with torch.no_grad():
        assert torch.equal(losses(X), expected)
        swept = otg.sweep(make, {"lam": [1.0, 2.0]}, X, stack=True, **QUICK)
    assert torch.equal(
        swept.history(lam=1.0).losses["autoencoder"],
        otg.sweep(make, {"lam": [1.0, 2.0]}, X, **QUICK).history(lam=1.0).losses["autoencoder"],
    )
    with torch.inference_mode():
        frozen = make()
    with pytest.raises(ValueError, match=r"method must be made outside of torch.inference_mode"):
        otg.fit(frozen, X, **QUICK)


def test_a_method_that_fit_does_not_train_says_what_does() -> None:
    method = otg.LatentOT(SAME, SAME, X)
    with pytest.raises(TypeError, match=r"got a LatentOT that has none: .*fit_map\(\)"):
        otg.fit(method, X)


def test_a_sweep_of_methods_that_fit_does_not_train() -> None:
    with pytest.raises(TypeError, match=r"make_method must return a Method with players.*fit_map"):
        otg.sweep(lambda lam: otg.LatentOT(SAME, SAME, X), {"lam": [1.0, 2.0]}, X, **QUICK)


def test_an_axis_of_a_table() -> None:
    assert grids.axes({"lam": pd.Series([1.0, 2.0])}) == {"lam": [1.0, 2.0]}


def test_errors_that_have_nothing_to_do_with_shapes_get_no_note_about_them() -> None:
    class Strange(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("out of tea")

    method = make()
    method.decoder = nn.Sequential(method.decoder, Strange())
    with pytest.raises(RuntimeError, match="out of tea") as error:
        otg.fit(method, X, **QUICK)
    assert not getattr(error.value, "__notes__", [])


# --- networks, penalties, seeds -----------------------------------------------------------------


@pytest.mark.parametrize("hidden", [8, np.int64(8), np.array([8]), torch.tensor([8]), (8,)])
def test_widths_of_hidden_layers(hidden) -> None:
    assert str(otg.MLP(2, hidden, 1)) == str(otg.MLP(2, [8], 1))


@pytest.mark.parametrize("hidden", [None, "8", [8.0], 8.0, {"a": 8}, True])
def test_widths_that_are_none(hidden) -> None:
    with pytest.raises(TypeError, match=r"hidden must be a (list of )?whole number"):
        otg.MLP(2, hidden, 1)


NETWORKS = {
    "MLP": lambda **more: otg.MLP(2, [8, 8], 1, **more),
    "PairCritic": lambda **more: otg.networks.PairCritic(2, 2, 8, **more),
    "ImplicitEncoder": lambda **more: otg.networks.ImplicitEncoder(2, 2, 8, 2, **more),
    "ConvEncoder": lambda **more: otg.networks.ConvEncoder((1, 28, 28), 2, **more),
    "ConvDecoder": lambda **more: otg.networks.ConvDecoder(2, (1, 28, 28), **more),
    "ConvCritic": lambda **more: otg.networks.ConvCritic((1, 28, 28), **more),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_activations_as_people_write_them(network) -> None:
    make_network = NETWORKS[network]
    expected = str(make_network(activation=nn.Tanh))
    for given in (nn.Tanh(), "tanh", "Tanh", lambda: nn.Tanh()):
        assert str(make_network(activation=given)) == expected
    slope = nn.PReLU()  # with a weight: each layer has its own
    made = [m for m in make_network(activation=slope).modules() if isinstance(m, nn.PReLU)]
    assert slope not in made
    assert len({id(m.weight) for m in made}) == len(made) > 0
    for wrong in (torch.tanh, None, 3, nn.functional.relu, lambda: torch.tanh):
        with pytest.raises(TypeError, match="activation must be a class of modules"):
            make_network(activation=wrong)
    with pytest.raises(ValueError, match=r"activation must be one of .*did you mean 'relu'"):
        make_network(activation="rellu")


@pytest.mark.parametrize("final", [nn.Sigmoid, nn.Sigmoid(), "sigmoid"])
def test_a_last_layer_is_written_likewise(final) -> None:
    assert isinstance(otg.MLP(2, 8, 1, final=final)[-1], nn.Sigmoid)
    assert isinstance(otg.networks.ConvDecoder(2, (1, 28, 28), final=final)[-1], nn.Sigmoid)


def test_shapes_of_images() -> None:
    assert otg.MLP(2, 8, 4, shape=4)(X).shape == (20, 4)
    for network in (otg.networks.ConvEncoder, otg.networks.ConvCritic):
        with pytest.raises(ValueError, match=r"shape must be \(channels, height, width\), got 784"):
            network(784, *([2] if network is otg.networks.ConvEncoder else []))


@pytest.mark.parametrize("word", [None, 3, ["imq"], otg.MMD])
def test_names_that_are_no_text(word) -> None:
    for call, name in (
        (lambda: otg.MMD(word), "kernel"),
        (lambda: otg.MMD(statistic=word), "statistic"),
        (lambda: otg.data.mnist(split=word), "split"),
        (lambda: otg.LatentOT(SAME, SAME, X, map=word), "map"),
    ):
        with pytest.raises(TypeError, match=f"{name} must be one of '"):
            call()


SEEDED = {
    "MLP": lambda s: otg.MLP(2, 8, 1, generator=s)[0].weight,
    "toy": lambda s: otg.data.toy("two_moons").sample(3, s),
    "sample": lambda s: make().sample(3, s),
    "floor": lambda s: metrics.floor(torch.mean, DRAW, 3, seed=s),
    "fit": lambda s: otg.fit(make(), X, seed=s, **QUICK).losses["autoencoder"],
    "Classifier": lambda s: metrics.Classifier(X, torch.arange(20) % 2, seed=s).confidence,
    "fit_map": lambda s: otg.LatentOT(SAME, SAME, X, map="gaussian").fit_map(seed=s).sample(2, 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", SEEDED)
def test_seeds(kind) -> None:
    call = SEEDED[kind]
    for bad in (2**64, 2**200, -1, -(2**63)):
        with pytest.raises(ValueError, match=f"must be a whole number .*got {bad}"):
            call(bad)
    for good in (0, 2**32, 2**63, 2**64 - 1, np.int64(3)):
        call(good)
    one, two = call(3), call(np.int64(3))
    assert torch.equal(one, two) if isinstance(one, torch.Tensor) else one == two


# --- arguments that were not given --------------------------------------------------------------


@pytest.mark.parametrize("statistic", ["u", "v"])
@pytest.mark.parametrize("reference", [torch.zeros(5, 2), torch.full((5, 2), 3.0)])
def test_a_kernels_scale_that_the_points_do_not_give(statistic, reference) -> None:
    with pytest.raises(ValueError, match="reference must be points that differ"):
        metrics.mmd(X, reference, statistic=statistic)
    assert metrics.mmd(X, reference, scale=1.0, statistic=statistic) > 0
    with pytest.raises(ValueError, match="scale must be a finite number > 0, got 0"):
        metrics.mmd(X, reference, scale=0.0)


def test_advice_is_what_was_not_done() -> None:
    calls = (
        lambda **more: otg.solve_sinkhorn(otg.cost_matrix(X, Y), 1e-3, max_iter=3, **more),
        lambda **more: otg.solve_sinkhorn_points(X, Y, 1e-3, max_iter=3, **more),
    )
    for call in calls:
        for scaling in (False, True):
            with pytest.warns(otg.ConvergenceWarning) as warned:
                call(eps_scaling=scaling)
            assert ("set eps_scaling=True" in str(warned[0].message)) == (not scaling)
    with pytest.warns(otg.ConvergenceWarning) as warned:  # it has no such argument
        otg.sinkhorn_divergence(X, Y, 1e-3, max_iter=2)
    assert all("eps_scaling" not in str(w.message) for w in warned)


# --- sweeps -------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [make(), otg.MLP(2, 8, 1)])
def test_a_method_in_the_place_of_what_makes_it(made) -> None:
    with pytest.raises(TypeError, match=r"make_method must be a function .* lambda lam: \w+\("):
        otg.sweep(made, {"lam": [1.0, 2.0]}, X, **QUICK)


def test_too_many_points_are_refused_and_many_are_shown(monkeypatch, capsys) -> None:
    def never(**point: float) -> None:
        raise AssertionError("a method was made")

    with pytest.raises(ValueError, match=re.escape("a 2,000 × b 2,000 = 4,000,000")):
        otg.sweep(never, {"a": range(2000), "b": range(2000)}, X, **QUICK)
    method = make()
    monkeypatch.setattr(otg.PenalizedOT, "named_parameters", lambda self: iter(()))
    points = [{"lam": float(k)} for k in range(grids.MANY)]
    for many, progress, shown in ((0, True, True), (0, False, False), (1, True, False)):
        grids.methods(lambda lam: method, points[many:], progress=progress)
        assert ("making methods" in capsys.readouterr().err) == shown


def test_a_long_axis_is_checked_in_no_time() -> None:
    comparisons = []

    class Counted(float):
        def __eq__(self, other: object) -> bool:
            comparisons.append(other)
            return float(self) == other

        __hash__ = float.__hash__

    grids.axes({"lam": [Counted(k) for k in range(5000)]})
    assert len(comparisons) < 5000
    with pytest.raises(ValueError, match="different values, got True twice"):
        grids.axes({"lam": [1, 2.0, True]})
