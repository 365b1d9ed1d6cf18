"""Costs against scipy, and where they are delicate: far away, close together, at zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

import otgen_lite as otg
from otgen_lite import costs

NAMES = ("sqeuclidean", "euclidean", "cityblock")
# 1 to 8 sum coordinate by coordinate, the others use the matrix product.
DIMENSIONS = (1, 2, 8, 9, 64)


def clouds(n: int, m: int, d: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return x, torch.randn(m, d, generator=generator, dtype=torch.float64) + 0.5


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_scipy(name: str, d: int) -> None:
    x, y = clouds(17, 9, d)
    expected = cdist(x.numpy(), y.numpy(), name)
    np.testing.assert_allclose(otg.cost_matrix(x, y, name), expected, rtol=1e-12)


def test_squared_cost_is_never_halved() -> None:
    assert otg.cost_matrix([[0.0]], [[3.0]]).item() == 9.0
    assert otg.paired_cost([[0.0]], [[3.0]]).item() == 9.0


def test_default_is_the_squared_euclidean_cost() -> None:
    x, y = clouds(3, 4, 2)
    assert torch.equal(otg.cost_matrix(x, y), otg.cost_matrix(x, y, "sqeuclidean"))


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("name", NAMES)
def test_far_from_the_origin_no_digit_is_lost(name: str, d: int) -> None:
    x, y = (torch.round(8 * cloud) / 8 for cloud in clouds(12, 7, d))
    shift = 2.0**20  # exact in float64, with three binary digits behind the point
    near, far = otg.cost_matrix(x, y, name), otg.cost_matrix(x + shift, y + shift, name)
    # Only the centre is rounded, relative to the shift: 2^20 * 2^-53, times the distances.
    torch.testing.assert_close(far, near, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("d", [1, 2, 8])
def test_small_distances_in_float32_keep_their_digits(d: int) -> None:
    x = torch.full((1, d), 1.0)
    y = x + 2.0**-20
    assert otg.cost_matrix(x, y).item() == pytest.approx(d * 2.0**-40, rel=1e-6)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_no_squared_cost_is_negative(d: int) -> None:
    x = torch.randn(200, d, generator=torch.Generator().manual_seed(1)) + 100.0
    C = otg.cost_matrix(x, x)
    assert C.min() >= 0
    # float32 rounding relative to the squared diameter, which is of order d * 10
    assert C.diagonal().max() <= 1e-4 * d


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_agree_with_differences(name: str, d: int) -> None:
    x, y = (cloud.requires_grad_() for cloud in clouds(2, 3, d))
    assert torch.autograd.gradcheck(lambda u, v: otg.cost_matrix(u, v, name), (x, y))
    assert torch.autograd.gradcheck(lambda u, v: otg.paired_cost(u, v[:2], name), (x, y))


@pytest.mark.parametrize("function", [otg.cost_matrix, otg.paired_cost])
@pytest.mark.parametrize("name", NAMES)
def test_gradient_at_distance_zero_is_zero(name: str, function) -> None:
    x = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    y = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    function(x, y, name).sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))
    assert torch.equal(y.grad, torch.zeros_like(y))


@pytest.mark.parametrize("d", [2, 20])
@pytest.mark.parametrize("name", [*NAMES, "callable"])
def test_paired_cost_is_the_diagonal(name: str, d: int) -> None:
    cost = (lambda x, y: x @ y.T + x[:, :1] ** 2) if name == "callable" else name
    x, y = clouds(70, 70, d)  # more than one block of a callable
    torch.testing.assert_close(
        otg.paired_cost(x, y, cost), otg.cost_matrix(x, y, cost).diagonal(), rtol=1e-12, atol=1e-12
    )


def test_callable_gets_points_in_order_and_passes_gradients() -> None:
    def uphill(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (y.T - x).clamp(min=0)

    x = torch.tensor([[0.0], [5.0]], requires_grad=True)
    C = otg.cost_matrix(x, torch.tensor([[1.0], [2.0], [7.0]]), uphill)
    assert C.tolist() == [[1.0, 2.0, 7.0], [0.0, 0.0, 2.0]]
    C.sum().backward()
    assert x.grad.tolist() == [[-3.0], [-1.0]]


def test_types() -> None:
    x32, y64 = torch.zeros(1, 2), torch.ones(1, 2, dtype=torch.float64)
    assert otg.cost_matrix(x32, x32).dtype == torch.float32
    assert otg.cost_matrix(x32, y64).dtype == torch.float64
    assert otg.cost_matrix(np.zeros((1, 2), np.float32), x32).dtype == torch.float32
    assert otg.cost_matrix([[0, 1]], [[2, 3]]).dtype == torch.float64


def test_any_memory_layout_is_welcome() -> None:
    x = np.arange(12.0).reshape(6, 2)
    expected = torch.from_numpy(cdist(x[::-2], x, "sqeuclidean"))
    assert torch.equal(otg.cost_matrix(x[::-2], np.asfortranarray(x)), expected)
    frozen = x.copy()
    frozen.flags.writeable = False
    assert torch.equal(otg.cost_matrix(frozen[::-2], torch.from_numpy(x.T.copy()).T), expected)


def test_inputs_are_left_as_they_were() -> None:
    x, y = clouds(5, 6, 12)
    before = x.clone(), y.clone()
    otg.cost_matrix(x, y)
    assert torch.equal(x, before[0])
    assert torch.equal(y, before[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("d", DIMENSIONS)
def test_outliers_take_no_digits_from_other_costs(d: int, dtype: torch.dtype) -> None:
    # One far point in both, and a far group as large as the rest: no centre suits all.
    x, y = (cloud.to(dtype) for cloud in clouds(10, 12, d))
    for far in (1, 10):
        shift = torch.zeros(10, 1, dtype=dtype)
        shift[:far] = 4096.0 if dtype == torch.float32 else 1e7
        p, q = torch.cat([x, x + shift]), torch.cat([y, y[:10] + shift])
        expected = cdist(p.double().numpy(), q.double().numpy(), "sqeuclidean")
        rtol = 1e-3 if dtype == torch.float32 else 1e-11
        np.testing.assert_allclose(otg.cost_matrix(p, q).double().numpy(), expected, rtol=rtol)


@pytest.mark.parametrize("d", [9, 40])
def test_gradients_agree_where_costs_are_summed_after_all(d: int) -> None:
    x, y = clouds(3, 3, d)
    far = torch.zeros(3, d, dtype=torch.float64)
    far[0] = 1e4
    x, y = (x + far).requires_grad_(), (y + far).requires_grad_()
    (slope,) = torch.autograd.grad(otg.cost_matrix(x, y)[0, 0], x, create_graph=True)
    torch.testing.assert_close(slope[0].detach(), 2 * (x[0] - y[0]).detach())
    (curve,) = torch.autograd.grad(slope[0, 0], x)
    assert curve[0, 0].item() == 2.0


@pytest.mark.parametrize("function", [otg.cost_matrix, otg.paired_cost])
@pytest.mark.parametrize(("name", "size"), [("sqeuclidean", 1e200), ("euclidean", 1e200),
                                            ("cityblock", 1e308)])  # fmt: skip
def test_costs_beyond_all_numbers_are_refused(name: str, size: float, function) -> None:
    with pytest.raises(ValueError, match=r"x and y must be points whose .* cost is"):
        function([[size, 0.0]], [[-size, size]], name)


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("cost", [*NAMES, lambda x, y: (x[:, None] - y).abs().pow(3).sum(dim=2)])
def test_the_unchecked_costs_are_the_checked_ones_and_can_be_stacked(cost: Any, d: int) -> None:
    x, y = clouds(40, 40, d)
    every, own = otg.cost_matrix(x, y, cost), otg.paired_cost(x, y, cost)
    torch.testing.assert_close(costs.matrix(x, y, cost), every, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(costs.pairs(x, y, cost), own, rtol=0, atol=0)
    torch.testing.assert_close(every.diagonal(), own, rtol=1e-12, atol=1e-12)
    shift = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for function in (costs.matrix, costs.pairs):
        together = torch.vmap(lambda by, f=function: f(x + by, y, cost))(shift)
        alone = torch.stack([function(x + by, y, cost) for by in shift])
        torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)


def test_the_unchecked_costs_look_at_no_number() -> None:
    x, y = clouds(3, 3, 2)
    x[0, 0] = torch.nan
    assert bool(costs.matrix(x, y, "sqeuclidean")[0].isnan().all())
    assert costs.pairs(x, y, "euclidean").isnan().tolist() == [True, False, False]
    for function in (costs.matrix, costs.pairs):
        with pytest.raises(ValueError, match=r"cost must return shape \(3, 3\)"):
            function(x, y, lambda a, b: a)
        with pytest.raises(TypeError, match="cost must return a tensor"):
            function(x, y, lambda a, b: 1.0)


def test_what_is_no_cost_is_refused() -> None:
    assert costs.checked_cost("cityblock") == "cityblock"
    assert costs.checked_cost(len) is len
    with pytest.raises(ValueError, match="did you mean 'sqeuclidean'"):
        costs.checked_cost("sqeuclid")
    with pytest.raises(TypeError, match="cost must be a name or a callable, got 2"):
        costs.checked_cost(2)
