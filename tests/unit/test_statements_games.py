"""What chapter 7 measures of games and critics, against closed forms and critics known by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import otgen_lite as otg
from otgen_lite.statements import _games as games

F64 = torch.float64


class Linear(nn.Module):
    """The critic w . u."""

    def __init__(self, *w: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=F64))

    def forward(self, u: Tensor) -> Tensor:
        return u @ self.w


def column(*places: float) -> Tensor:
    return torch.tensor(places, dtype=F64)[:, None]


def test_places_of_a_gaussian() -> None:
    z = games.gaussian(2001)
    assert z[1000] == pytest.approx(0.0, abs=1e-6)
    assert float(z.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(z.var()) == pytest.approx(1.0, abs=5e-3)
    assert (z.diff() > 0).all()


def test_the_exact_slope_of_two_points() -> None:
    x, y, u = torch.tensor([2.0]), torch.tensor([0.0]), torch.tensor([-1.0, 1.0, 3.0])
    assert games.exact_slope(u, x, y).tolist() == [0.0, 1.0, 0.0]
    assert games.exact_slope(u, y, x).tolist() == [0.0, -1.0, 0.0]


def test_the_exact_slope_earns_w1() -> None:
    x, y = torch.randn(2, 9, generator=otg.generator(0), dtype=F64)
    u = torch.linspace(-5, 5, 200_001, dtype=F64)
    phi = games.exact_slope(u, x, y).cumsum(0) * (u[1] - u[0])
    at = [phi[torch.searchsorted(u, v)].mean() for v in (x, y)]
    W = float(otg.wasserstein_1d(x, y))
    assert float(at[0] - at[1]) == pytest.approx(W, abs=2e-4)


@pytest.mark.parametrize(("w", "wrong"), [(0.5, 0.0), (-2.0, 1.0)])
def test_a_linear_critic_on_the_line(w: float, wrong: float) -> None:
    judged = games.on_the_line(Linear(w), column(3.0, 4.0), column(0.0, 1.0))
    assert judged.slopes.tolist() == [w, w]
    assert judged.wrong.double().mean() == wrong
    assert judged.value == pytest.approx(3.0 * w)
    assert judged.w1 == pytest.approx(3.0)


def test_a_linear_critic_along_its_ways() -> None:
    x, y = torch.tensor([[3.0, 4.0]], dtype=F64), torch.zeros(2, 2, dtype=F64)
    ways = torch.tensor([[0.6, 0.8], [-0.6, -0.8]], dtype=F64)
    judged = games.along(Linear(0.0, 2.0), x, y, ways)
    assert judged == pytest.approx((8.0, 2.0, 0.0, 0.5))
    assert games.along(Linear(0.0, 0.0), x, y, ways) == pytest.approx((0.0, 0.0, 0.0, 0.0))


def test_the_two_players_move_in_turns() -> None:
    g = otg.generator(0)
    game = otg.WGAN(
        otg.MLP(1, [4], 1, generator=g), otg.MLP(1, [4], 1, generator=g), n_critic=2, prior=1
    )
    x, codes = torch.randn(8, 1, generator=g), torch.linspace(-1, 1, 5)[:, None]
    states = games.half_steps(game, x, codes, steps=3, batch_size=8, lr=0.01)
    assert len(states) == 7
    for k, ((critic, y), (later, moved)) in enumerate(pairwise(states)):
        same_critic = torch.equal(critic(x), later(x))
        assert same_critic == (k % 2 == 1)
        assert torch.equal(y, moved) == (k % 2 == 0)
    assert torch.equal(states[-1][1], game.generator(codes))


def test_a_network_at_its_clip_is_not_steeper_than_the_bound() -> None:
    assert games.clip_bound([3, 1], 0.5) == pytest.approx(0.5 * 3**0.5)
    net = otg.MLP(2, [16, 8], 1, generator=otg.generator(0))
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(0.3)
    slope = games.slopes_at(net, torch.ones(1, 2)).norm().item()
    # All weights are equal and all units are on: every matrix is as long as it can be.
    assert slope == pytest.approx(games.clip_bound([2, 16, 8, 1], 0.3), rel=1e-5)
