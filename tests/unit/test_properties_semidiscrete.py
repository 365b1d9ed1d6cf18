"""Laws that hold for every problem, on problems that hypothesis makes up: atoms and cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generated import coordinates, fixed, measures, weights
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import otgen_lite as otg

costs = st.sampled_from(["sqeuclidean", "euclidean", "cityblock"])
blocks = st.sampled_from([None, 1, 5, 64])


@st.composite
def potentials(draw: st.DrawFn, n: int) -> np.ndarray:
    return draw(arrays(float, n, elements=coordinates))


def made(problem, psi, eps: float = 0.0, **options) -> otg.SemiDiscrete:
    y, b = problem
    return otg.SemiDiscrete(y, b, eps=eps, psi=psi, **options)


@fixed
@given(measures(2), costs, st.sampled_from([0.0, 0.1, 5.0]), blocks, st.data())
def test_every_number_is_the_one_of_the_formula(pair, cost: str, eps: float, block, data) -> None:
    (x, _), (y, b) = pair
    psi = data.draw(potentials(len(b)))
    sd = made((y, b), psi, eps, cost=cost, block=block)
    centred = psi - b @ psi
    scale = 1 + np.abs(psi).max()
    np.testing.assert_allclose(sd.psi, centred, atol=1e-13 * scale)
    C = otg.cost_matrix(x, y, cost)
    soft = otg.c_transform(centred, C, eps, None if eps == 0 else b).numpy()
    # sum b psi is 0 up to rounding
    assert sd.dual(x).item() == pytest.approx(soft.mean(), abs=1e-11 * (scale + C.max().item()))
    slack = C.numpy() - centred
    cells = sd.cells(x).numpy()
    best = slack.min(axis=1)
    assert (slack[np.arange(len(x)), cells] - best <= 1e-12 * (scale + C.max().item())).all()
    assert torch.equal(sd.transport(x), torch.from_numpy(y)[cells])
    if eps == 0:
        share = np.zeros_like(slack)
        share[np.arange(len(x)), cells] = 1.0
    else:
        share = b * np.exp((soft[:, None] - slack) / eps)
    np.testing.assert_allclose(sd.masses(x), share.mean(axis=0), atol=1e-10)
    np.testing.assert_allclose(sd.gradient(x), b - share.mean(axis=0), atol=1e-10)
    np.testing.assert_allclose(sd.barycentric(x), share @ y, atol=1e-9 * (1 + np.abs(y).max()))


@fixed
@given(measures(2), st.sampled_from([0.0, 0.5]), st.data())
def test_the_dual_is_concave_with_that_gradient(pair, eps: float, data) -> None:
    (x, _), (y, b) = pair
    one, two = (made((y, b), data.draw(potentials(len(b))), eps) for _ in range(2))
    values = [sd.dual(x).item() for sd in (one, two)]
    middle = made((y, b), (one.psi + two.psi) / 2, eps).dual(x).item()
    scale = 1 + sum(np.abs(v) for v in values)
    assert middle >= sum(values) / 2 - 1e-12 * scale
    # The tangent plane lies above.
    step = two.psi - one.psi
    assert values[1] <= values[0] + (one.gradient(x) @ step).item() + 1e-12 * scale
    assert abs(one.gradient(x).sum().item()) <= 1e-12


@fixed
@given(measures(2), st.sampled_from([0.0, 0.5]), st.data())
def test_the_derivative_in_x_goes_to_where_x_is_sent(pair, eps: float, data) -> None:
    (x, _), (y, b) = pair
    sd = made((y, b), data.draw(potentials(len(b))), eps)
    at = torch.tensor(x, requires_grad=True)
    sd.dual(at).backward()
    expected = 2 * (torch.from_numpy(x) - sd.barycentric(x)) / len(x)
    torch.testing.assert_close(at.grad, expected, rtol=0, atol=1e-9)


@fixed
@given(measures(1, d=1))
def test_the_best_prices_on_the_line_are_known(single) -> None:
    ((y, b),) = single
    y = y.round(3)  # atoms at 1e-20 of one another share their cell at random
    value, psi, edges = otg.uniform_to_atoms(y, b, -3.0, 3.0)
    n = 4000
    x = -3.0 + 6.0 * (np.arange(n) + 0.5)[:, None] / n
    sd = made((y, b), psi)
    assert sd.dual(x).item() == pytest.approx(value.item(), abs=1e-6 * (1 + value.item()))
    # Each edge cuts one step of the grid; equal atoms have one cell, which is the first one's.
    distinct = np.unique(y)
    masses, wanted = np.zeros(len(distinct)), np.zeros(len(distinct))
    place = np.searchsorted(distinct, y[:, 0])
    np.add.at(masses, place, sd.masses(x).numpy())
    np.add.at(wanted, place, b)
    assert np.abs(masses - wanted).max() <= 2.5 / n
    along = y[sd.cells(x).numpy(), 0]
    assert (np.diff(along) >= 0).all()
    inside = np.abs(x - edges.numpy()).min(axis=1) > 6.0 / n
    owner = np.sort(y[:, 0])[np.searchsorted(edges.numpy()[1:-1], x[:, 0])]
    assert (along[inside] == owner[inside]).all()


@st.composite
def diagrams(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    y = np.unique(
        draw(arrays(float, (draw(st.integers(1, 9)), 2), elements=coordinates)).round(3), axis=0
    )
    return y, draw(potentials(len(y)))


def area(polygon: np.ndarray) -> float:
    """The shoelace formula: positive for corners that run counter-clockwise."""
    if len(polygon) == 0:
        return 0.0
    x, y = polygon.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


@fixed
@given(diagrams(), st.integers(0, 2**31))
def test_power_cells_tile_the_box(diagram, seed: int) -> None:
    y, psi = diagram
    cells = [cell.numpy() for cell in otg.power_cells(y, psi, ((-5.0, 4.0), (-3.0, 6.0)))]
    assert len(cells) == len(y)
    areas = np.array([area(cell) for cell in cells])
    assert areas.min() >= -1e-9
    assert areas.sum() == pytest.approx(81.0, rel=1e-9)
    x = np.random.default_rng(seed).uniform((-5.0, -3.0), (4.0, 6.0), size=(200, 2))
    slack = ((x[:, None] - y) ** 2).sum(axis=2) - psi
    two = np.sort(slack, axis=1)[:, :2]
    owner = otg.SemiDiscrete(y, psi=psi).cells(x).numpy()
    for point, j, best in zip(x, owner, two, strict=True):
        if len(best) == 1 or best[1] - best[0] > 1e-6:
            corner, after = cells[j], np.roll(cells[j], -1, axis=0)
            edge, to = after - corner, point - corner
            assert (edge[:, 0] * to[:, 1] - edge[:, 1] * to[:, 0] >= -1e-6).all()


@fixed
@given(diagrams(), st.floats(-5, 5))
def test_power_cells_do_not_see_a_constant(diagram, constant: float) -> None:
    y, psi = diagram
    box = ((-5.0, 4.0), (-3.0, 6.0))
    here, there = otg.power_cells(y, psi, box), otg.power_cells(y, psi + constant, box)
    for one, two in zip(here, there, strict=True):
        assert area(one.numpy()) == pytest.approx(area(two.numpy()), abs=1e-6)


@fixed
@given(st.data(), st.integers(1, 6))
def test_masses_add_up_to_one(data, n: int) -> None:
    b = data.draw(weights(n))
    y = data.draw(arrays(float, (n, 2), elements=coordinates))
    x = torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for eps in (0.0, 1e-3, 1e3):
        masses = otg.SemiDiscrete(y, b, eps=eps).masses(x)
        assert masses.sum().item() == pytest.approx(1.0, abs=1e-12)
        assert masses.min() >= 0
        if eps > 0:
            assert (masses[b == 0] == 0).all()
