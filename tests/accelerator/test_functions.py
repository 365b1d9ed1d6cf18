"""Functions: what comes in on the device goes out on the device, with the CPU's numbers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import otgen_lite as otg
from otgen_lite import metrics, transport
from tests.accelerator.standin import NAME
from tests.accelerator.walk import left_behind, tensors

X = torch.rand(12, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Y = torch.rand(8, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
B = torch.tensor([1, 2, 3, 2, 1, 1, 1, 1], dtype=torch.float64) / 12
M, S = X.mean(dim=0), torch.cov(X.T) + torch.eye(2, dtype=torch.float64)


def _semidiscrete(x: Tensor, y: Tensor, b: Tensor, *_: Any) -> Any:
    def draw(n: int, g: torch.Generator) -> Tensor:
        return torch.rand(n, 2, generator=g, dtype=y.dtype, device=g.device)

    out: dict[str, Any] = {}
    for eps in (0.0, 0.2):
        found = otg.SemiDiscrete(y, b=b, eps=eps).fit(draw, steps=30, tol=None)
        out |= {f"psi {eps}": found.psi, f"masses {eps}": found.masses(x)}
        out |= {f"dual {eps}": found.dual(x), f"gradient {eps}": found.gradient(x)}
        out |= {f"to {eps}": found.barycentric(x)}
    hard = otg.SemiDiscrete(y, b=b).fit(draw, tol=0.1)
    return {**out, "to": hard.transport(x), "cells": hard.cells(x), "gap": hard.gap}


def _exact(x: Tensor, y: Tensor, b: Tensor, *_: Any) -> Any:
    found = otg.solve_exact(otg.cost_matrix(x, y), b=b)
    return {"value": found.value, "plan": found.plan, "potentials": found.potentials}


def _sinkhorn(x: Tensor, y: Tensor, b: Tensor, *_: Any) -> Any:
    found = otg.solve_sinkhorn(otg.cost_matrix(x, y), 0.1, b=b)
    return {"value": found.value, "plan": found.plan, "potentials": found.potentials}


def _sinkhorn_points(x: Tensor, y: Tensor, b: Tensor, *_: Any) -> Any:
    found = otg.solve_sinkhorn_points(x, y, 0.1, b=b)
    return {
        "value": found.value, "plan": found.plan, "potentials": found.potentials,
        "linear": found.linear, "new x": found.potential_x(y), "new y": found.potential_y(x),
        "to": found.barycentric(), "new to": found.barycentric(y),
    }  # fmt: skip


Call = Callable[..., Any]

#: By name of the function: a call of (x, y, b, m, S); all of its results are compared.
TRANSPORT: dict[str, Call] = {
    "SemiDiscrete": _semidiscrete,
    "bures_wasserstein": lambda x, y, b, m, S: otg.bures_wasserstein(m, S, m + 1, 2 * S),
    "c_transform": lambda x, y, b, m, S: [
        otg.c_transform(b, otg.cost_matrix(x, y)),
        otg.c_transform(b, otg.cost_matrix(x, y), eps=0.1, b=b),
    ],
    "entropic_collapse_eps": lambda x, y, b, m, S: otg.entropic_collapse_eps(y, b),
    "entropic_dipole": lambda x, y, b, m, S: otg.entropic_dipole(b, 0.2),
    "entropic_fit_scale": lambda x, y, b, m, S: otg.entropic_fit_scale(b, 0.1),
    "entropic_gaussian": lambda x, y, b, m, S: otg.entropic_gaussian(m, S, m + 1, 2 * S, 0.3),
    "entropic_gaussian_plan": lambda x, y, b, m, S: otg.entropic_gaussian_plan(m, S, m, 2 * S, 0.3),
    "gaussian_map": lambda x, y, b, m, S: otg.gaussian_map(m, S, m + 1, 2 * S),
    "gaussian_to_circle": lambda x, y, b, m, S: otg.gaussian_to_circle(8, m[0]),
    "power_cells": lambda x, y, b, m, S: otg.power_cells(y, b / 10, ((0, 1), (0, 1))),
    "segment_to_atoms": lambda x, y, b, m, S: otg.segment_to_atoms(m, m / 4, y, b),
    "sinkhorn_divergence": lambda x, y, b, m, S: otg.sinkhorn_divergence(x, y, 0.1, b=b),
    "sinkhorn_divergence_gaussian": lambda x, y, b, m, S: otg.sinkhorn_divergence_gaussian(
        m, S, m + 1, 2 * S, 0.3
    ),
    "solve_exact": _exact,
    "solve_sinkhorn": _sinkhorn,
    "solve_sinkhorn_points": _sinkhorn_points,
    "uniform_to_atoms": lambda x, y, b, m, S: otg.uniform_to_atoms(y[:, 0], b),
    "wasserstein_1d": lambda x, y, b, m, S: otg.wasserstein_1d(x[:, 0], y[:, 1], p=2, b=b),
    "cost_matrix": lambda x, y, b, m, S: [
        otg.cost_matrix(x, y, cost) for cost in ("sqeuclidean", "euclidean", "cityblock")
    ],
    "paired_cost": lambda x, y, b, m, S: otg.paired_cost(x[:8], y),
}
#: These make results from numbers alone: where torch makes new tensors.
FROM_NUMBERS = {"quantise_gaussian"}
RESULTS = {"ConvergenceWarning", "ExactResult", "SinkhornPointsResult", "SinkhornResult"}


def test_no_function_is_forgotten() -> None:
    assert set(transport.__all__) - RESULTS - FROM_NUMBERS <= set(TRANSPORT)
    assert set(metrics.__all__) - {"Floor", "Judgement", "inception"} == set(METRICS)
    assert set(otg.data.__all__) - NOT_DRAWN == set(DATA)


def _same(found: Any, expected: Any) -> None:
    pairs = list(zip(tensors(found), tensors(expected), strict=True))
    assert pairs
    for (path, one), (_, two) in pairs:
        torch.testing.assert_close(one.detach().cpu(), two.detach(), msg=lambda m, p=path: p + m)


@pytest.mark.parametrize("name", TRANSPORT)
def test_solvers_and_closed_forms(name: str, device: torch.device) -> None:
    """On tensors of the device, while torch makes new ones on the CPU; and derivatives."""
    given = [X, Y, B, M, S]
    expected = TRANSPORT[name](*given)
    there = [value.to(device) for value in given]
    found = TRANSPORT[name](*there)
    assert not left_behind(found)
    _same(found, expected)
    for single in (there[:2], given[:2]):
        for value in single:
            value.requires_grad_()
    slopes = []
    for inputs in (there, given):
        try:
            out = [t for _, t in tensors(TRANSPORT[name](*inputs)) if t.requires_grad]
            total = sum((t.square().sum() for t in out), inputs[0].sum() * 0.0)
            slopes.append(torch.autograd.grad(total, inputs[:2], allow_unused=True))
        except (RuntimeError, ValueError, TypeError) as error:
            slopes.append(type(error))
        finally:
            for value in inputs[:2]:
                value.requires_grad_(False)
    assert isinstance(slopes[0], type) == isinstance(slopes[1], type), slopes
    if not isinstance(slopes[0], type):
        for one, two in zip(*slopes, strict=True):
            assert (one is None) == (two is None)
            if one is not None:
                torch.testing.assert_close(one.cpu(), two)


@pytest.mark.parametrize("name", TRANSPORT)
def test_solvers_after_use_device(name: str, used: torch.device) -> None:
    """Arrays go to the device as tensors do."""
    found = TRANSPORT[name](*(value.to(used) for value in (X, Y, B, M, S)))
    assert not left_behind(found)
    if name in ("cost_matrix", "paired_cost", "wasserstein_1d", "sinkhorn_divergence"):
        again = TRANSPORT[name](*(value.numpy() for value in (X, Y, B, M, S)))
        assert not left_behind(again)
        _same(again, [t.cpu() for _, t in tensors(found)])


def _digits(device: Any) -> tuple[Tensor, Tensor]:
    images, labels = otg.data.digits(dtype=torch.float64)
    return images[:200].to(device), labels[:200].to(device)


#: By name of a metric: a call of (samples, reference), points or images by ``image``.
METRICS: dict[str, Call] = {
    "Classifier": lambda x, y: otg.metrics.Classifier(*_digits(x.device)).probabilities(_image(x)),
    "digits_classifier": lambda x, y: otg.metrics.digits_classifier().probabilities(_image(x)),
    "fid": lambda x, y: metrics.fid(x, y, features=torch.nn.Identity()),
    "floor": lambda x, y: list(
        metrics.floor(lambda s: metrics.w2sq(s, y), otg.data.toy("rings").sample, 20).values
    ),
    "frechet": lambda x, y: metrics.frechet(x, y),
    "mmd": lambda x, y: metrics.mmd(x, y, kernel="multi"),
    "mode_coverage": lambda x, y: metrics.mode_coverage(x, y, 0.1),
    "novelty": lambda x, y: metrics.novelty(x, y),
    "share_within": lambda x, y: metrics.share_within(x, y, 0.1),
    "sharpness": lambda x, y: metrics.sharpness(_image(x)),
    "sinkhorn": lambda x, y: metrics.sinkhorn(x, y, 0.1),
    "w2sq": lambda x, y: metrics.w2sq(x, y),
    "within_mode_std": lambda x, y: metrics.within_mode_std(x, y, 0.5),
}


def _image(x: Tensor) -> Tensor:
    return x.flatten()[:1, None].expand(3, 64).reshape(3, 8, 8) * torch.linspace(
        0, 1, 64, device=x.device, dtype=x.dtype
    ).view(8, 8)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("where", ["device", "used"])
def test_metrics(name: str, where: str, request: pytest.FixtureRequest) -> None:
    """The same number wherever samples and reference are, together or apart."""
    with torch.device("cpu"):
        expected = METRICS[name](X, Y)
    device = request.getfixturevalue(where)
    x, y = X.to(device), Y.to(device)
    for samples, reference in ((x, y), (x, Y), (X, y)):
        found = METRICS[name](samples, reference)
        if isinstance(expected, Tensor):
            assert found.device == samples.device
            found = found.cpu()
        if name != "floor" or where != "used":
            assert (
                found == pytest.approx(expected, rel=1e-6)
                if not isinstance(expected, Tensor)
                else torch.allclose(found, expected)
            )


#: What of the data package is fetched or read from a folder, or is no function.
NOT_DRAWN = {"CelebA", "DownloadError", "Toy", "celeba", "data_dir", "fashion_mnist", "mnist"}
TOYS = ("checkerboard", "eight_gaussians", "pinwheel", "rings", "swiss_roll", "two_moons")


def _toy(name: str) -> Call:
    def call(g: Any) -> Any:
        law = otg.data.toy(name)
        if isinstance(g, torch.Generator):
            g.manual_seed(3)
        stratified = law.stratified(law.components * 3)
        return [law.sample(9, g), stratified, law.log_density(stratified), law.modes]

    return call


#: By name: a call of a generator.
DATA: dict[str, Call] = {
    **{name: lambda g, name=name: getattr(otg.data, name)(9, g) for name in TOYS},
    "digits": lambda g: otg.data.digits(),
    "image_to_measure": lambda g: otg.data.image_to_measure([[0.0, 1.0], [2.0, 0.0]]),
    "palette": lambda g: otg.data.palette(otg.data.picture("china", 8), 5, g),
    "picture": lambda g: otg.data.picture("flower", 8),
    "toy": lambda g: [_toy(name)(g) for name in TOYS],
}


@pytest.mark.parametrize("name", DATA)
def test_data(name: str, used: torch.device) -> None:
    """After ``use_device()`` data are made on the device, from any source of randomness."""
    with torch.device("cpu"):
        expected = DATA[name](3)
    for source in (3, torch.Generator().manual_seed(3), otg.generator(3)):
        found = DATA[name](source)
        assert not left_behind(found)
        _same(found, expected)  # the stand-in draws what the CPU draws
    assert not left_behind(DATA[name](None))


def test_quantised(used: torch.device) -> None:
    assert not left_behind(otg.quantise_gaussian(3))


@pytest.mark.parametrize("make", [
    lambda: otg.MLP(3, [4], 2, generator=0),
    lambda: otg.ConvEncoder((1, 28, 28), 2, norm=True, generator=0),
    lambda: otg.ConvDecoder(2, (1, 28, 28), norm=True, generator=0),
    lambda: otg.ConvCritic((1, 28, 28), generator=0),
    lambda: otg.ImplicitEncoder(3, 1, [4], 2, generator=0),
    lambda: otg.PairCritic(3, 2, [4], generator=0),
])  # fmt: skip
def test_networks(make: Any, used: torch.device) -> None:
    """A seed gives the same weights on every device."""
    with torch.device("cpu"):
        expected = make()
    made = make()
    assert not left_behind(made)
    for one, two in zip(made.parameters(), expected.parameters(), strict=True):
        assert torch.equal(one.cpu(), two)
        assert one.requires_grad


@pytest.mark.parametrize("label", otg.statements.REGISTRY)
def test_statements(label: str, used: torch.device) -> None:
    """A statement is computed by the CPU, bit for bit; its sides come out on the device."""
    statement = otg.statements.REGISTRY[label]
    sizes = statement.sizes[0]
    with torch.device("cpu"):
        expected = statement(torch.Generator().manual_seed(0), **sizes)
    found = statement(torch.Generator().manual_seed(0), **sizes)
    for one, two in zip(tensors(found), tensors(expected), strict=True):
        assert one[1].device == used
        torch.testing.assert_close(one[1].cpu(), two[1], rtol=0.0, atol=0.0)
    statement(otg.generator(0), **sizes)
    assert torch.get_default_device().type == NAME


def test_what_chapters_take_from_statements(used: torch.device) -> None:
    """Functions beside the statements take tensors, generators and functions of the device."""
    from otgen_lite.statements import entropic_bias, kantorovich, penalised

    C, a, b = kantorovich.problem(otg.generator(1), 4, 3)
    assert not left_behind([C, a, b])
    value, plan = penalised.primal(C, a, b, 0.3, "KL")
    assert plan.device == used
    assert value == pytest.approx(penalised.primal(C.cpu(), a.cpu(), b.cpu(), 0.3, "KL")[0])
    centre = torch.full((3,), 0.25)

    def loss(scale: Tensor) -> Tensor:
        return (scale * torch.ones(3) - centre).square().sum()

    assert entropic_bias.flat_scale(loss, 1e-3, 1.0) == pytest.approx(0.25)
