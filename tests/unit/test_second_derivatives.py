"""Derivatives of derivatives: right, or an error; never with a part that is missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import otgen_lite as otg

Function = Callable[[Tensor], Tensor]
Y = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
S = torch.tensor([[2.0, 0.3], [0.3, 1.0]], dtype=torch.float64)
O = torch.zeros(2, dtype=torch.float64)


def start() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 2, dtype=torch.float64, generator=generator).requires_grad_()


def slope_length(function: Function, x: Tensor) -> Tensor:
    """|gradient|^2 of the function plus a cube: its own part of the graph is not all there is."""
    total = function(x) + (x**3).sum()
    (slope,) = torch.autograd.grad(total, x, create_graph=True)
    return slope.square().sum()


REFUSED: dict[str, Function] = {
    "divergence": lambda x: otg.sinkhorn_divergence(x, Y, 0.5),
    "divergence, euclidean": lambda x: otg.sinkhorn_divergence(x, Y, 0.5, "euclidean"),
    "divergence, weights": lambda x: otg.sinkhorn_divergence(
        Y[:4], Y, 0.5, a=x[:, 0].softmax(dim=0)
    ),
    "penalty": lambda x: otg.SinkhornPenalty(0.5)(x, Y),
    "sinkhorn": lambda x: otg.solve_sinkhorn(otg.cost_matrix(x, Y), 0.5).value,
    "sinkhorn, batch": lambda x: otg.solve_sinkhorn(x[None] ** 2, 0.5).value.sum(),
    "sinkhorn, points": lambda x: otg.solve_sinkhorn_points(x, Y, 0.5).value,
    "bures": lambda x: otg.bures_wasserstein(O, x.T @ x, O, S),
    "entropic gaussian": lambda x: otg.entropic_gaussian(O, S, O, x.T @ x, 0.5),
    "entropic gaussian, eps": lambda x: otg.entropic_gaussian(O, S, O, 2 * S, x.square().sum()),
    "divergence of gaussians": lambda x: otg.sinkhorn_divergence_gaussian(O, S, O, x.T @ x, 0.5),
    "exact, costs and weights": lambda x: (
        otg.solve_exact(otg.cost_matrix(x, Y), x[:, 0].softmax(dim=0)).value
    ),
}

RIGHT: dict[str, Function] = {
    "exact": lambda x: otg.solve_exact(otg.cost_matrix(x, Y)).value,
    "exact, weights": lambda x: (
        otg.solve_exact(otg.cost_matrix(Y[:4], Y), x[:, 0].softmax(dim=0)).value
    ),
    "bures, means": lambda x: otg.bures_wasserstein(x[0], S, O, 2 * S),
    "line": lambda x: otg.wasserstein_1d(x[:, 0], Y[:, 0], p=3),
    "line, weights": lambda x: otg.wasserstein_1d(Y[:4, 0], Y[:, 0], p=2, a=x[:, 0].softmax(dim=0)),
    "mmd": lambda x: otg.MMD("multi")(x, Y),
    "semi-discrete": lambda x: otg.SemiDiscrete(Y).dual(x),
    "semi-discrete, soft": lambda x: otg.SemiDiscrete(Y, eps=0.3).dual(x),
    "soft transform": lambda x: otg.c_transform(x[:, 0], otg.cost_matrix(Y, x), eps=0.3).sum(),
    "potential": lambda x: otg.solve_sinkhorn_points(Y, Y + 1, 0.5).potential_x(x).sum(),
    "pinwheel": lambda x: otg.data.toy("pinwheel").log_density(x).sum(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_unknown_second_derivative_is_an_error(name: str) -> None:
    x = start()
    length = slope_length(REFUSED[name], x)
    with pytest.raises(NotImplementedError, match="a second derivative was asked for"):
        torch.autograd.grad(length, x)


@pytest.mark.parametrize("name", RIGHT)
def test_a_second_derivative_agrees_with_differences(name: str) -> None:
    x = start()
    (curve,) = torch.autograd.grad(slope_length(RIGHT[name], x), x)
    h, d = 1e-6, torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    ends = [
        slope_length(RIGHT[name], (x.detach() + s * d).requires_grad_()).item() for s in (h, -h)
    ]
    assert (curve * d).sum().item() == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-5)


@pytest.mark.parametrize("name", REFUSED)
def test_the_first_derivative_may_keep_its_graph(name: str) -> None:
    x = start()
    (plain,) = torch.autograd.grad(REFUSED[name](x), x)
    (kept,) = torch.autograd.grad(REFUSED[name](x), x, create_graph=True)
    torch.testing.assert_close(kept.detach(), plain)
    # A loss that the first derivative enters as a number is none of the theorem's business.
    torch.autograd.grad((kept.detach() * x).sum(), x)
