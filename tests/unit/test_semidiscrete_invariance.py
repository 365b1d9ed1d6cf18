"""Semi-discrete fits: what the cost holds of functions of one point decides about nothing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import otgen_lite as otg

Y = torch.tensor([[0.2, 0.3], [0.7, 0.2], [0.5, 0.8]], dtype=torch.float64)


def square(n: int, g: torch.Generator) -> Tensor:
    return torch.rand(n, 2, generator=g, dtype=torch.float64)


def shares(sd: otg.SemiDiscrete) -> Tensor:
    return sd.masses(square(40_000, torch.Generator().manual_seed(9)))


@pytest.mark.parametrize(
    ("shift", "cost"),
    [
        (0.0, "sqeuclidean"), (1e3, "sqeuclidean"), (1e7, "sqeuclidean"), (-1e7, "sqeuclidean"),
        (0.0, "euclidean"), (1e3, "euclidean"), (-1e4, "euclidean"),
    ],
)  # fmt: skip
def test_atoms_far_from_the_law_get_their_masses(shift: float, cost: str) -> None:
    sd = otg.SemiDiscrete(Y + shift, cost=cost).fit(square)
    assert sd.converged
    assert (shares(sd) - 1 / 3).abs().max() < 0.05
    if cost == "sqeuclidean":  # the same problem, so the same gap
        near = otg.SemiDiscrete(Y).fit(square)
        # Of an estimate that is all noise, the few points that rounding moves are a large share.
        assert abs(sd.gap - near.gap) <= near.gap_error
        bounds = [otg.SemiDiscrete(y).fit(square, certify="bound").gap for y in (Y + shift, Y)]
        assert bounds[0] == pytest.approx(bounds[1], rel=1e-3)


def test_a_cost_with_a_large_function_of_either_point() -> None:
    def cost(x: Tensor, y: Tensor) -> Tensor:
        squared = (x[:, None] - y).square().sum(dim=2)
        return squared + 1e6 * y[:, 0] ** 2 + 1e5 * x[:, :1]

    sd = otg.SemiDiscrete(Y, cost=cost).fit(square)
    assert sd.converged
    assert (shares(sd) - 1 / 3).abs().max() < 0.02


def test_too_few_digits_are_refused() -> None:
    with pytest.raises(ValueError, match="y must be near enough to the samples"):
        otg.SemiDiscrete((Y + 1e4).float()).fit(lambda n, g: square(n, g).float())
    with pytest.raises(ValueError, match="y must be near enough to the samples"):
        otg.SemiDiscrete(Y - 1e7, cost="euclidean").fit(square)


def test_the_reported_dual_is_that_of_the_points_as_they_are() -> None:
    sd = otg.SemiDiscrete(Y + 100.0).fit(square, steps=400, tol=None)
    x = square(40_000, torch.Generator().manual_seed(3))
    error = sd.history["dual_error"][-1]
    assert 0 < error < 10
    assert sd.history["dual"][-1] == pytest.approx(sd.dual(x).item(), abs=5 * error)


def test_the_warning_gives_the_gap_as_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    from otgen_lite.transport import _fit

    monkeypatch.setattr(_fit, "_MOST_DRAWN", 1000)
    with pytest.warns(otg.ConvergenceWarning, match=r"is 0\.\d+ \+- .* of the transport's scale"):
        otg.SemiDiscrete(Y + 1e3).fit(square, tol=1e-9)


@pytest.mark.parametrize("copies", [[0, 1, 2, 0], [0, 1, 2, 0, 1, 2], [0, 0, 0]])
def test_equal_atoms_are_one_atom_with_their_mass(copies: list[int]) -> None:
    sd = otg.SemiDiscrete(Y[copies]).fit(square)
    assert sd.converged
    assert torch.equal(sd.psi, sd.psi[[copies.index(k) for k in copies]])
    wanted = torch.bincount(torch.tensor(copies), minlength=3) / len(copies)
    held = torch.zeros(3, dtype=torch.float64).index_add(0, torch.tensor(copies), shares(sd))
    assert (held - wanted).abs().max() < 0.03
