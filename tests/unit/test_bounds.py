"""Bounds of the transport cost by networks: on their sides, whatever was trained."""

import pytest
import torch

import otgen_lite as otg
from otgen_lite import bounds

TINY = 1e-12


def problem(k: int, n: int = 12, models: int = 4):
    g = torch.Generator().manual_seed(k)
    z, y = torch.randn(2, n, 2, generator=g, dtype=torch.float64)
    bend = torch.linspace(-1, 1, models, dtype=torch.float64)[:, None, None]
    return z + bend * z.flip(1).sin(), y, z


@pytest.mark.parametrize("width", [0, 1, 4, 16])
@pytest.mark.parametrize("steps", [1, 60])
def test_the_cost_lies_between_however_little_was_trained(width, steps):
    for k in range(3):
        x, y, z = problem(k)
        E, _ = bounds.exact(x, y)
        low = bounds.critics(x, y, width=width, steps=steps, seed=k)
        high = bounds.encoders(x, y, z, width=width, steps=steps, seed=k)
        assert (low <= E + TINY).all()
        assert (high >= E - TINY).all()


def test_the_exact_cost_is_that_of_the_network_simplex():
    x, y, _ = problem(5)
    E, perm = bounds.exact(x, y)
    for cloud, value, order in zip(x, E, perm, strict=True):
        assert abs(otg.solve_exact(otg.cost_matrix(cloud, y)).value - value) < TINY
        assert abs((cloud[order] - y).square().sum(1).mean() - value) < TINY
        assert sorted(order.tolist()) == list(range(len(y)))


def test_squares_are_the_costs_of_the_package():
    x, y, _ = problem(6)
    for cloud, C in zip(x, bounds.squares(x, y), strict=True):
        assert (C - otg.cost_matrix(cloud, y)).abs().max() < TINY


def test_gaps_close_with_width():
    x, y, z = problem(7, n=40)
    E, _ = bounds.exact(x, y)
    low = [(E - bounds.critics(x, y, width=w)).mean() for w in (0, 4, 64)]
    high = [(bounds.encoders(x, y, z, width=w) - E).mean() for w in (0, 64)]
    assert low[0] > low[1] > low[2] > -TINY
    assert low[2] < 0.1 * low[0]
    assert high[1] < 0.3 * high[0]


def test_an_affine_encoder_is_exact_where_the_plan_is_affine():
    _, y, _ = problem(8)
    turn = torch.tensor([[1.2, 0.3], [0.3, 0.5]], dtype=torch.float64)  # positive: optimal
    x = (y @ turn)[None]
    E, _ = bounds.exact(x, y)
    assert (bounds.encoders(x, y, y, width=0) - E).abs().max() < TINY


def test_an_affine_critic_on_one_generated_place_is_exact():
    x, y = torch.zeros(1, 3, 2), torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    E = y.square().sum(1).mean()
    assert abs(bounds.critics(x, y, width=0, steps=800) - E) < 1e-3


def test_models_do_not_see_one_another():
    x, y, z = problem(9)
    for bound in (lambda c: bounds.critics(c, y, width=3, steps=30),
                  lambda c: bounds.encoders(c, y, z, width=3, steps=30)):  # fmt: skip
        together = bound(x)
        assert all((bound(x[k : k + 1]) - together[k]).abs() < 1e-9 for k in range(len(x)))


def test_penalised_values_are_those_of_some_encoder():
    x, y, z = problem(10)
    bend = torch.linspace(-1, 1, 4, dtype=torch.float64)[:, None, None]

    def decode(q):
        return q + bend * q.flip(-2).sin()

    lams = [0.0, 1.0, 50.0]
    value, penalty = bounds.penalised(decode, x, y, z, lams, width=4, steps=80)
    assert value.shape == penalty.shape == (3, 4)
    lam = torch.tensor(lams, dtype=torch.float64)[:, None]
    assert (penalty >= -TINY).all()
    assert (value >= lam * penalty - TINY).all()
    # The weight is felt: codes are nearer to the prior where they pay for it.
    assert (penalty[2] < penalty[0]).all()


def test_an_encoder_that_is_right_pays_nothing():
    _, _, z = problem(11)
    value, penalty = bounds.penalised(lambda q: q, z[None], z, z, [5.0], width=0)
    assert value.item() < 1e-4
    assert penalty.item() < 1e-4


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda x, y, z: bounds.critics(x[0], y, width=1), "x must have shape"),
        (lambda x, y, z: bounds.critics(x, y[:, :1], width=1), "y must have shape"),
        (lambda x, y, z: bounds.critics(x, y, width=-1), "width must be"),
        (lambda x, y, z: bounds.critics(x, y, width=1, steps=0), "steps must be"),
        (lambda x, y, z: bounds.encoders(x, y[:-1], z, width=1), "equally many points"),
        (lambda x, y, z: bounds.penalised(lambda q: q, x, y, z, [-1.0], width=1), "lams must be"),
        (lambda x, y, z: bounds.exact(x, y[:-1]), "as many"),
    ],
)  # fmt: skip
def test_wrong_input_is_named(call, what):
    with pytest.raises(ValueError, match=what):
        call(*problem(0))
