"""The critics behind chapter 7: two points on the line, where everything is known by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from otgen_lite.statements import _critics as critics

F64 = torch.float64


def at(*places: float) -> Tensor:
    return torch.tensor(places, dtype=F64)


@pytest.mark.parametrize(("m", "lam"), [(2.0, 10.0), (0.3, 0.1), (5.0, 1.0)])
def test_the_penalty_between_two_points(m: float, lam: float) -> None:
    line = critics.penalised_line(at(m), at(0.0))
    assert float(line.w1) == pytest.approx(m, abs=1e-12)
    assert float(line.objective(lam)) == pytest.approx(m + m**2 / (4 * lam), abs=1e-12)
    assert float(line.value(lam)) == pytest.approx(m + m**2 / (2 * lam), abs=1e-12)
    assert line.slopes(lam).tolist() == pytest.approx([1 + m / (2 * lam)], abs=1e-12)


def test_the_best_slope_points_to_the_data() -> None:
    # The model stands between two data points: it is pushed to both sides.
    line = critics.penalised_line(at(-1.0, 1.0), at(0.0))
    assert line.slopes(1.0).sign().tolist() == [-1.0, 1.0]
    # Each of the two segments is drawn half of the time and has length one.
    assert line.density.tolist() == pytest.approx([0.5, 0.5], abs=1e-12)


def test_no_slope_where_the_shares_agree() -> None:
    line = critics.penalised_line(at(0.0, 3.0), at(1.0, 4.0))
    assert line.surplus.tolist() == pytest.approx([-0.5, 0.0, -0.5], abs=1e-12)
    assert line.slopes(1.0)[1] == 0.0


@pytest.mark.parametrize("eps", [0.4, 0.01])
def test_the_reversed_critic_of_two_points(eps: float) -> None:
    x, y = at(0.0)[:, None], at(1.0)[:, None]
    critic, ways, W = critics.backwards(x, y, eps)
    assert float(W) == pytest.approx(1.0, abs=1e-9)
    assert ways.tolist() == [[-1.0]]
    assert 1.0 - eps - 1e-9 <= float(critic(x) - critic(y)) <= 1.0
    h = 1e-7
    assert float(critic(y + h) - critic(y - h)) == pytest.approx(2 * h, abs=1e-12)


def test_an_exact_critic_has_no_tie_at_the_model() -> None:
    # By symmetry the prices of the simplex may tie at both model points; these do not.
    x, y = torch.eye(2, dtype=F64), -torch.eye(2, dtype=F64)
    tops, partner = critics.slackest(x, y)
    scores = tops - torch.cdist(y, x)
    assert scores.argmax(dim=1).tolist() == partner.tolist()
    first, second = scores.topk(2, dim=1).values.T
    assert float((first - second).min()) >= -1e-12


def test_waves_are_one_lipschitz_and_know_their_gradient() -> None:
    critic, gradient = critics.waves(torch.Generator().manual_seed(0), 3)
    u = torch.randn(50, 3, generator=torch.Generator().manual_seed(1), dtype=F64)
    found = torch.func.vmap(torch.func.grad(lambda p: critic(p[None])[0]))(u)
    torch.testing.assert_close(found, gradient(u), rtol=0.0, atol=1e-12)
    assert float(gradient(u).norm(dim=1).max()) <= 1.0
