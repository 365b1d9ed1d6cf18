"""The alternating algorithm on the semi-dual: where its formula holds, and where it does not."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import otgen_lite as otg

F64 = torch.float64
PAIR = torch.tensor([[-1.0], [1.0]], dtype=F64)


class Shift(nn.Module):
    """g(z) = theta + z."""

    def __init__(self, theta: float = 0.0) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=F64))

    def forward(self, z: Tensor) -> Tensor:
        return z + self.theta


def with_psi(method: otg.SemiDual, psi: Tensor) -> otg.SemiDual:
    method.potential.average.copy_(psi)
    return method


def slope(method: otg.SemiDual, z: Tensor, theta: float | None = None) -> tuple[float, float]:
    """Value and derivative in theta at codes z."""
    if theta is not None:
        method.generator.theta.data.fill_(theta)
    value = method("generator", torch.zeros_like(z), {"prior": z})
    (found,) = torch.autograd.grad(value, method.generator.theta)
    return float(value.detach()), float(found)


@pytest.mark.parametrize("at", [0.0, 0.3])
def test_an_atom_sits_where_the_cells_meet(at: float) -> None:
    # mu = delta_theta, nu = (delta_-1 + delta_1) / 2: W = theta^2 + 1 is smooth; at the optimal
    # psi, psi_2 - psi_1 = -4 theta0, the semi-dual is theta^2 + 1 - 2 |theta - theta0|.
    psi = torch.tensor([2 * at, -2 * at], dtype=F64)
    method = with_psi(otg.SemiDual(Shift(), PAIR, prior=1), psi)
    one = torch.zeros(1, 1, dtype=F64)
    h = 1e-6
    for side, expected in ((1, 2 * at - 2), (-1, 2 * at + 2)):
        value, found = slope(method, one, at + side * h)
        assert found == pytest.approx(expected, abs=1e-5)
        assert value == pytest.approx((at + side * h) ** 2 + 1 - 2 * h, abs=1e-12)


def test_entropy_lets_the_alternation_arrive() -> None:
    # Gradient steps with the best psi in between, from theta = 0.4. With eps > 0 the slope is
    # 2 theta; without, each step has length 2 eta |theta -+ 1| at least.
    one = torch.zeros(1, 1, dtype=F64)
    ends = {}
    for eps in (0.1, 0.0):
        method = otg.SemiDual(Shift(0.4), PAIR, eps=eps, prior=1)
        theta = 0.4
        for _ in range(400):
            with_psi(method, torch.tensor([2 * theta, -2 * theta], dtype=F64))
            theta -= 0.05 * slope(method, one, theta)[1]
        ends[eps] = abs(theta)
    assert ends[0.1] < 1e-12
    assert ends[0.0] > 1e-3


def test_a_law_with_a_density_has_the_gradient() -> None:
    # g = theta + z, z uniform on [-1/2, 1/2]: W = theta^2 + 7/12.
    n = 2000
    z = ((torch.arange(n, dtype=F64) + 0.5) / n - 0.5)[:, None]
    for theta in (0.0, 0.3, -1.1):
        method = with_psi(
            otg.SemiDual(Shift(), PAIR, prior=1), torch.tensor([2 * theta, -2 * theta])
        )
        value, found = slope(method, z, theta)
        assert value == pytest.approx(theta**2 + 7 / 12, abs=1e-6)
        assert found == pytest.approx(2 * theta, abs=1e-12)


@pytest.mark.parametrize("rule", ["gradient", "adam"])
def test_the_ascent_finds_the_potential(rule: str) -> None:
    y = torch.tensor([[0.1], [0.25], [0.9]], dtype=F64)
    b = torch.tensor([0.2, 0.5, 0.3], dtype=F64)
    method = otg.SemiDual(
        Shift(), y, b=b, prior=otg.UniformPrior(1), rule=rule, warm_up=0, memory=0.01
    )
    generator = torch.Generator().manual_seed(0)
    for k in range(400):
        method.schedule(k / 400)
        method.prepare("generator", generator)
    psi = method.potential.average - b @ method.potential.average
    truth = torch.tensor([0.05475, 0.04725, -0.11525], dtype=F64)
    assert (psi - truth).abs().max() < 5e-3
    solved = method.semidiscrete()
    grid = (torch.arange(20_000, dtype=F64)[:, None] + 0.5) / 20_000
    assert float(solved.dual(grid)) == pytest.approx(0.0340833, abs=1e-4)
    assert (solved.masses(grid) - b).abs().max() < 0.01
    assert int(method.potential.count) == 4000


@pytest.mark.parametrize("eps", [0.0, 0.2])
@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean", lambda x, y: torch.cdist(x, y) ** 3])
def test_the_slope_in_psi_is_what_the_ascent_follows(eps: float, cost: otg.costs.Cost) -> None:
    rng = torch.Generator().manual_seed(0)
    y = torch.randn(6, 2, generator=rng, dtype=F64)
    b = torch.rand(6, generator=rng, dtype=F64) + 0.1
    b = b / b.sum()
    x = torch.randn(50, 2, generator=rng, dtype=F64)
    psi = 0.2 * torch.randn(6, generator=rng, dtype=F64)
    net = otg.MLP(2, [], 2, generator=0).double()
    method = otg.SemiDual(net, y, b=b, eps=eps, cost=cost, memory=1.0)
    p = method.potential
    p.psi.copy_(psi)
    p.climb(x, 1e-3, "gradient")
    moved = (p.psi - psi) / 1e-3 * b
    h = 1e-6
    for j in range(6):
        ends = []
        for sign in (1, -1):
            p.average.copy_(psi)
            p.average[j] += sign * h
            ends.append(float(p.value(x)))
        assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(float(moved[j]), abs=1e-7)


def test_the_average_forgets_at_the_rate_it_says() -> None:
    rng = torch.Generator().manual_seed(0)
    y = torch.randn(6, 2, generator=rng, dtype=F64)
    method = otg.SemiDual(otg.MLP(2, [], 2, generator=0).double(), y, memory=0.25)
    p, seen = method.potential, []
    for _ in range(9):
        p.climb(torch.randn(20, 2, generator=rng, dtype=F64), 0.1, "gradient")
        seen.append(p.psi.clone())
    # The mean of the first four, and then a quarter of the newest each time.
    expected = torch.stack(seen[:4]).mean(dim=0)
    for psi in seen[4:]:
        expected = 0.75 * expected + 0.25 * psi
    assert (p.average - expected).abs().max() < 1e-12
    x = torch.randn(20, 2, generator=rng, dtype=F64)
    made = method.generator(x).detach()
    value = otg.SemiDiscrete(y, psi=expected).dual(made)
    assert float(method("generator", x, {"prior": x}).detach()) == pytest.approx(float(value))


def test_the_value_is_that_of_the_solver() -> None:
    rng = torch.Generator().manual_seed(1)
    y, x = (torch.randn(n, 3, generator=rng, dtype=F64) for n in (9, 40))
    psi = 0.3 * torch.randn(9, generator=rng, dtype=F64)
    for eps in (0.0, 0.3):
        for cost in ("sqeuclidean", "cityblock"):
            net = otg.MLP(3, [], 3, generator=0).double()
            method = with_psi(otg.SemiDual(net, y, eps=eps, cost=cost), psi)
            mine = method("generator", x, {"prior": x})
            solver = otg.SemiDiscrete(y, cost=cost, eps=eps, psi=psi)
            made = net(x).detach()
            # The solver centres psi, which changes no value.
            assert float(mine.detach()) == pytest.approx(float(solver.dual(made)), abs=1e-12)
            again = method.semidiscrete()
            assert float(again.dual(made)) == pytest.approx(float(mine.detach()), abs=1e-12)


def test_entropic_gradient_is_that_of_the_converged_cost() -> None:
    rng = torch.Generator().manual_seed(2)
    y, z = (torch.randn(n, 2, generator=rng, dtype=F64) for n in (7, 15))
    eps = 0.3
    net = otg.MLP(2, [3], 2, activation=nn.Tanh, generator=0).double()
    weight = net[0].weight

    def solved() -> otg.SinkhornPointsResult:
        return otg.solve_sinkhorn_points(net(z).detach(), y, eps, tol=1e-11)

    method = with_psi(otg.SemiDual(net, y, eps=eps), solved().potentials[1])
    value = method("generator", z, {"prior": z})
    assert float(value.detach()) == pytest.approx(float(solved().value), abs=1e-9)
    (found,) = torch.autograd.grad(value, weight)
    h = 1e-5
    for k in range(weight.numel()):
        ends = []
        for sign in (1, -1):
            weight.data.view(-1)[k] += sign * h
            ends.append(float(solved().value))
            weight.data.view(-1)[k] -= sign * h
        assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(float(found.view(-1)[k]), abs=1e-6)


TRIANGLE = torch.tensor([[0.0, 0.3], [0.0, 0.7], [2**-0.5, 0.5]])


def segment(eps: float, seed: int) -> tuple[float, float]:
    """Train a segment towards the triangle's corners: its exact cost, and half its length."""
    line = otg.MLP(1, [], 2, generator=seed)
    method = otg.SemiDual(
        line, TRIANGLE, eps=eps, prior=otg.UniformPrior(1, -1.0, 1.0), psi_batch=200, decay=False,
        psi_step=0.02, warm_up=100,
    )  # fmt: skip
    data = TRIANGLE.repeat(70, 1)
    otg.fit(
        method, data, steps=1500, batch_size=200, lr=5e-3, schedule="cosine", seed=seed,
        progress=False,
    )  # fmt: skip
    half = line[0].weight.detach()[:, 0].double()
    value = otg.segment_to_atoms(line[0].bias.detach().double(), half, TRIANGLE.double())[0]
    return float(value), float(half.norm())


@pytest.mark.parametrize("seed", [0, 1])
def test_a_segment_in_a_triangle_ends_in_a_stationary_one(seed: int) -> None:
    value, _ = segment(0.0, seed)
    # The global minimum, and the vertical segment, which is a local one.
    assert min(abs(value - 0.0577778), abs(value - 0.1140741)) < 1e-3


def test_much_entropy_collapses_the_segment() -> None:
    # From eps = 2 Lambda_max(Cov nu) = .2222 on, the best segment is the mean of the data.
    value, half = segment(0.25, 0)
    assert 0.1370 < value < 0.1385
    assert half < 0.03
    value, half = segment(0.1, 0)
    assert 0.0640 < value < 0.0652
    assert half == pytest.approx(0.4262, abs=0.015)


def run(steps: int, **options: object) -> tuple[otg.SemiDual, otg.History]:
    data = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    method = otg.SemiDual(
        otg.MLP(2, [8], 2, generator=0), data, psi_steps=3, psi_batch=32, warm_up=4
    )
    history = otg.fit(method, data, steps=steps, batch_size=16, seed=5, progress=False, **options)  # type: ignore[arg-type]
    return method, history


def test_the_potential_is_state_and_a_run_goes_on_from_it() -> None:
    whole, _ = run(6)
    again, _ = run(6)
    state, other = whole.state_dict(), again.state_dict()
    assert {k for k in state if k.startswith("potential.")} == {
        f"potential.{k}" for k in ("y", "b", "eps", "psi", "average", "mean", "square", "count")
    }
    assert all(torch.equal(state[k], other[k]) for k in state)
    assert int(whole.potential.count) == 6 * 3 + 4
    fresh = otg.SemiDual(otg.MLP(2, [8], 2, generator=9), torch.zeros(40, 2) + torch.arange(2))
    fresh.prepare("generator")  # what it keeps of its atoms for the ascent must go
    fresh.load_state_dict(state)
    z = torch.ones(3, 2)
    assert torch.equal(fresh("generator", z, {"prior": z}), whole("generator", z, {"prior": z}))
    # The ascent goes on from what was loaded, atoms and all.
    for method in (fresh, whole):
        method.psi_steps, method.psi_batch, method.length = 3, 32, 0.1
        method.prepare("generator", torch.Generator().manual_seed(1))
    assert torch.equal(fresh.potential.psi, whole.potential.psi)


class StopError(Exception):
    """What interrupts a run."""


def test_a_killed_run_ends_where_the_whole_one_does(tmp_path) -> None:  # type: ignore[no-untyped-def]
    whole, _ = run(6)
    path = tmp_path / "run.pt"

    def stop(step: int, method: otg.SemiDual, history: otg.History) -> None:
        if step == 4:
            raise StopError

    with pytest.raises(StopError):
        run(6, checkpoint=path, checkpoint_every=2, callbacks=[stop])
    resumed, _ = run(6, checkpoint=path, checkpoint_every=2)
    state, other = whole.state_dict(), resumed.state_dict()
    assert all(torch.equal(state[k], other[k]) for k in state)


def test_images_and_their_atoms() -> None:
    images = torch.rand(12, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    net = otg.MLP(3, [8], 16, generator=0, shape=(1, 4, 4))
    method = otg.SemiDual(net, images, psi_steps=2, psi_batch=8, warm_up=0)
    otg.fit(method, images, steps=2, batch_size=4, progress=False)
    assert tuple(method.sample(3, 0).shape) == (3, 1, 4, 4)
    assert tuple(method.potential.y.shape) == (12, 16)


class Reads(TorchDispatchMode):
    """Counts the numbers that Python waits for."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        waits = (torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero, torch.ops.aten.equal)
        self.count += func.overloadpacket in waits
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("rule", ["gradient", "adam"])
@pytest.mark.parametrize("eps", [0.0, 0.2])
@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean", lambda x, y: torch.cdist(x, y) ** 3])
def test_a_round_waits_for_no_number(rule: str, eps: float, cost: otg.costs.Cost) -> None:
    data = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    method = otg.SemiDual(
        otg.MLP(2, [8], 2, generator=0), data, eps=eps, cost=cost, rule=rule, psi_steps=10,
        psi_batch=32, warm_up=4,
    )  # fmt: skip
    method.prepare("generator")  # reads eps and the count once
    with Reads() as reads:
        for _ in range(3):
            method.prepare("generator")
            method("generator", data[:16]).backward()
    assert reads.count == 0
    assert int(method.potential.count) == 44


def test_a_count_that_others_wrote_is_read_again() -> None:
    method, _ = run(2)
    method.potential.count.fill_(1000)
    assert method.potential.steps() == 1000
    method.load_state_dict(run(1)[0].state_dict())
    assert method.potential.steps() == 7


Y = torch.zeros(5, 2) + torch.arange(5)[:, None]
BAD = [
    ({"y": torch.zeros(0, 2)}, ValueError, r"y must be \(N, ...\) data with N >= 1"),
    ({"y": torch.zeros(5)}, ValueError, r"y must be \(N, ...\) data with N >= 1, got shape \(5,\)"),
    ({"y": torch.full((5, 2), math.nan)}, ValueError, "y must hold finite numbers"),
    ({"b": torch.ones(5)}, ValueError, "b must sum to 1"),
    ({"b": torch.tensor([0.5, 0.5, 0.0, 0.0, 0.0])}, ValueError, "b must be positive"),
    ({"eps": -0.1}, ValueError, "eps must be a finite number >= 0"),
    ({"cost": "euclid"}, ValueError, "did you mean 'euclidean'"),
    ({"psi_steps": 0}, ValueError, "psi_steps must be a whole number >= 1"),
    ({"psi_batch": 0}, ValueError, "psi_batch must be a whole number >= 1"),
    ({"psi_step": 0.0}, ValueError, "psi_step must be a finite number > 0"),
    ({"warm_up": -1}, ValueError, "warm_up must be a whole number >= 0"),
    ({"memory": 1.5}, ValueError, r"memory must be a share in \(0, 1\], got 1.5"),
    ({"rule": "asgd"}, ValueError, "rule must be one of"),
]


@pytest.mark.parametrize(("options", "error", "text"), BAD, ids=[str(b[2])[:20] for b in BAD])
def test_what_is_refused(options: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        otg.SemiDual(nn.Linear(2, 2), **{"y": Y, **options})


def test_what_is_refused_later() -> None:
    with pytest.raises(ValueError, match=r"generator must return points of the shape of y.*\(3,\)"):
        otg.SemiDual(nn.Linear(2, 3), Y).prepare("generator")
    with pytest.raises(ValueError, match=r"must return points of the data's shape \(3,\)"):
        otg.SemiDual(nn.Linear(2, 2), Y)("generator", torch.zeros(4, 3))
