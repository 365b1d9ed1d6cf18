"""Minimum Kantorovich estimation: both formulas of the gradient, closed forms and laws."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import otgen_lite as otg
from otgen_lite.transport.inner_potential import inner_potential

F64 = torch.float64
KINDS = [
    {"discrepancy": "exact"},
    {"discrepancy": "sinkhorn", "eps": 0.3, "tol": 1e-11, "max_iter": 20_000},
    {"discrepancy": "divergence", "eps": 0.3, "tol": 1e-11, "max_iter": 20_000},
    {"discrepancy": "sinkhorn", "eps": 0.3, "sweeps": 400},
    {"discrepancy": "divergence", "eps": 0.3, "sweeps": 400},
]
COSTS = ["sqeuclidean", "euclidean", lambda x, y: (x[:, None] - y).abs().pow(1.5).sum(dim=2)]


class Fixed:
    """A prior that always draws the same points."""

    def __init__(self, points: Tensor) -> None:
        self.points, self.dim = points, points.shape[1]

    def draw(self, n: int, generator: torch.Generator | None, like: Tensor) -> Tensor:
        assert n == len(self.points)
        return self.points.to(like)


class Moved(nn.Module):
    """g(z) = m + s z on a line, or in a plane with a matrix."""

    def __init__(self, *, m: float = 0.0, s: float = 1.0) -> None:
        super().__init__()
        self.m = nn.Parameter(torch.tensor(m, dtype=F64))
        self.s = nn.Parameter(torch.tensor(s, dtype=F64))

    def forward(self, z: Tensor) -> Tensor:
        return self.m + self.s * z


def standard(n: int) -> Tensor:
    """(n, 1) points in order with mean 0 and variance 1 up to rounding."""
    z = torch.special.ndtri((torch.arange(n, dtype=F64) + 0.5) / n)
    return (z / z.square().mean().sqrt())[:, None]


def half_square(x: Tensor, y: Tensor) -> Tensor:
    return 0.5 * (x - y.T).square()


def slopes(m: otg.MKE, batch: Tensor, codes: Tensor, *wrt: Tensor) -> list[Tensor]:
    loss = m("generator", batch, {"prior": codes[:, None]})
    return list(torch.autograd.grad(loss, wrt))


@pytest.mark.parametrize("gradient", ["plan", "potential"])
def test_translation_and_scale_on_a_line(gradient: str) -> None:
    z = standard(41)
    g = Moved(m=0.7, s=1.6)
    m = otg.MKE(g, discrepancy="exact", cost=half_square, gradient=gradient, prior=1)
    batch = -0.2 + 0.5 * z[torch.randperm(41, generator=torch.Generator().manual_seed(0))]
    value = m("generator", batch, {"prior": z[:, None]})
    assert abs(float(value.detach()) - 0.5 * (0.9**2 + 1.1**2)) < 1e-12
    by_m, by_s = slopes(m, batch, z, g.m, g.s)
    assert abs(float(by_m) - 0.9) < 1e-10
    assert abs(float(by_s) - 1.1) < 1e-10


def numeric(value: Callable[[], Tensor], weight: Tensor, h: float = 1e-5) -> Tensor:
    """Central differences in every entry of a parameter."""
    out = torch.zeros_like(weight)
    flat, data = out.view(-1), weight.data.view(-1)
    for k in range(len(data)):
        ends = []
        for sign in (1, -1):
            data[k] += sign * h
            with torch.no_grad():
                ends.append(float(value()))
            data[k] -= sign * h
        flat[k] = (ends[0] - ends[1]) / (2 * h)
    return out


@pytest.mark.parametrize("cost", COSTS, ids=["sqeuclidean", "euclidean", "callable"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: "-".join(map(str, k.values())))
def test_both_formulas_are_the_derivative(kind: dict, cost: otg.costs.Cost) -> None:
    rng = torch.Generator().manual_seed(5)
    net = otg.MLP(2, [4], 2, activation=nn.Tanh, generator=1).double()
    batch = torch.randn(9, 2, generator=rng, dtype=F64)
    codes = torch.randn(9, 2, generator=rng, dtype=F64)
    weight = net[0].weight
    found = []
    for gradient in ("plan", "potential"):
        m = otg.MKE(net, cost=cost, gradient=gradient, **kind)
        found += slopes(m, batch, codes, weight)
    expected = numeric(lambda: m("generator", batch, {"prior": codes[:, None]}), weight)
    assert (found[0] - expected).abs().max() < 1e-6
    assert (found[0] - found[1]).abs().max() < 1e-8


@pytest.mark.parametrize("gradient", ["plan", "potential"])
def test_sizes_that_differ(gradient: str) -> None:
    rng = torch.Generator().manual_seed(2)
    net = otg.MLP(2, [4], 2, activation=nn.Tanh, generator=1).double()
    batch = torch.randn(12, 2, generator=rng, dtype=F64)
    for ratio, points in ((0.25, 3), (2, 24)):
        m = otg.MKE(net, gradient=gradient, ratio=ratio)
        noise = m.noise("generator", batch, torch.Generator().manual_seed(0))
        z = noise["prior"].flatten(0, 1)[:: m.thinning]
        C = otg.cost_matrix(net(z), batch)
        assert tuple(C.shape) == (points, 12)
        solved = otg.solve_exact(C)
        loss = m("generator", batch, noise)
        assert abs(float((loss - solved.value).detach())) < 1e-12
        (mine,) = torch.autograd.grad(loss, net[0].weight)
        expected = numeric(lambda m=m, noise=noise: m("generator", batch, noise), net[0].weight)
        off = float((mine - expected).abs().max())
        # A point whose mass is split among atoms sits where their cells meet: the cost has a
        # derivative, but the potential has a kink there.
        split = points < 12 and gradient == "potential"
        assert off > 1e-2 if split else off < 1e-6


def test_inner_potentials_touch_the_cost_at_the_plan_alone() -> None:
    rng = torch.Generator().manual_seed(0)
    for n, m in ((12, 12), (7, 11), (11, 7)):
        C = torch.rand(n, m, generator=rng, dtype=F64)
        solved = otg.solve_exact(C)
        g = inner_potential(C, solved)
        f = otg.c_transform(g, C)
        assert abs(float(f.mean() + g.mean() - solved.value)) < 1e-12
        slack = C - f[:, None] - g
        assert slack.min() > -1e-12
        carried = solved.plan > 0
        assert slack[carried].abs().max() < 1e-12
        assert slack[~carried].min() > 1e-6


def test_inner_potentials_touch_the_cost_at_every_optimal_plan() -> None:
    # Two blocks with a cheap pair of plans each: all four entries of a block are used by one.
    block, far = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=F64), torch.full((2, 2), 9.0).double()
    C = torch.cat([torch.cat([block, far], dim=1), torch.cat([far, block], dim=1)])
    g = inner_potential(C, otg.solve_exact(C))
    slack = C - otg.c_transform(g, C)[:, None] - g
    used = torch.block_diag(*2 * [torch.ones(2, 2)]).bool()
    assert slack[used].abs().max() < 1e-12
    assert slack[~used].min() > 1.0


def dipole(theta: float) -> tuple[nn.Module, Tensor, Tensor]:
    """Half a mass at u and -u against half a mass at e1 and -e1."""

    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.theta = nn.Parameter(torch.tensor(theta, dtype=F64))

        def forward(self, z: Tensor) -> Tensor:
            return z * torch.stack([self.theta.cos(), self.theta.sin()])

    e1 = torch.tensor([[1.0, 0.0]], dtype=F64)
    return Turned(), torch.cat([e1, -e1]), torch.tensor([[1.0], [-1.0]], dtype=F64)


@pytest.mark.parametrize("gradient", ["plan", "potential"])
def test_kink_without_entropy_and_none_with_it(gradient: str) -> None:
    net, batch, z = dipole(math.pi / 2)
    m = otg.MKE(net, gradient=gradient, prior=1)
    for turn, slope in ((-1e-4, 2.0), (1e-4, -2.0)):
        net.theta.data.fill_(math.pi / 2 + turn)
        (found,) = slopes(m, batch, z, net.theta)
        assert abs(float(found) - slope) < 1e-7
    eps = 0.4
    for options in ({"tol": 1e-12}, {"sweeps": 200}):
        m = otg.MKE(net, discrepancy="sinkhorn", eps=eps, gradient=gradient, prior=1, **options)
        for theta in (0.3, 1.2, math.pi / 2):
            net.theta.data.fill_(theta)
            value = m("generator", batch, {"prior": z[:, None]})
            (found,) = torch.autograd.grad(value, net.theta)
            expected = 2 - eps * math.log(math.cosh(2 * math.cos(theta) / eps))
            assert abs(float(value.detach()) - expected) < 1e-9
            slope = 2 * math.tanh(2 * math.cos(theta) / eps) * math.sin(theta)
            assert abs(float(found) - slope) < 1e-7


def test_after_a_row_update_the_formulas_are_one_number() -> None:
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(20, 2, generator=rng, dtype=F64)
    batch = 3 + torch.randn(20, 2, generator=rng, dtype=F64)
    for loss in ("sinkhorn", "divergence"):
        net = Moved()
        found = []
        for gradient in ("plan", "potential"):
            for cost in ("sqeuclidean", lambda a, b: (a[:, None] - b).square().sum(dim=2)):
                m = otg.MKE(
                    net, discrepancy=loss, eps=0.05, sweeps=2, gradient=gradient, cost=cost, prior=2
                )
                found.append(slopes(m, batch, x, net.m, net.s))
        for other in found[1:]:
            assert max(float((a - b).abs()) for a, b in zip(found[0], other, strict=True)) < 1e-11


def test_few_sweeps_stay_below_and_many_get_there() -> None:
    rng = torch.Generator().manual_seed(3)
    x, y = (torch.randn(40, 2, generator=rng, dtype=F64) for _ in range(2))
    truth = otg.solve_sinkhorn_points(x, y, 0.2, tol=1e-10).value
    noise = {"prior": x[:, None]}
    last = -math.inf
    for sweeps in (1, 2, 4, 8, 500):
        m = otg.MKE(Moved(), discrepancy="sinkhorn", eps=0.2, sweeps=sweeps, prior=2)
        value = float(m("generator", y, noise).detach())
        assert last < value < truth + 1e-9
        last = value
    assert abs(last - truth) < 1e-9
    for options in ({"sweeps": 500}, {"tol": 1e-10}):
        m = otg.MKE(Moved(), discrepancy="divergence", eps=0.2, prior=2, **options)
        assert abs(m("generator", y, noise) - otg.sinkhorn_divergence(x, y, 0.2, tol=1e-10)) < 1e-9


def test_short_ranges_do_not_overflow_in_float32() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(64, 2, generator=rng) * 0.01
    y = torch.randn(64, 2, generator=rng) + 20.0
    net = Moved().float()
    m = otg.MKE(net, discrepancy="divergence", eps=1e-3, sweeps=6, prior=2)
    loss = m("generator", y, {"prior": x[:, None]})
    loss.backward()
    exact = otg.solve_exact(otg.cost_matrix(x, y)).value
    assert abs(float(loss.detach()) / float(exact) - 1) < 0.02
    assert torch.isfinite(net.m.grad)


def test_far_clusters_of_unequal_size_in_float32() -> None:
    # One point of nine must travel: the potentials of the clusters part by 4, 400 times eps, while
    # float32 ends at exp(88) and exponents are cut at -60.
    rng = torch.Generator().manual_seed(0)
    x, y = (0.1 * torch.randn(16, 2, generator=rng) for _ in range(2))
    x[:9, 0] += 2.0
    y[:8, 0] += 2.0
    m = otg.MKE(Moved().float(), discrepancy="sinkhorn", eps=0.01, sweeps=3000, prior=2)
    (slope,) = slopes(m, y, x, m.generator.s)
    C = otg.cost_matrix(x.double(), y.double())
    solved = otg.solve_sinkhorn(C, 0.01, tol=1e-6, max_iter=100_000, eps_scaling=True)
    value = m("generator", y, {"prior": x[:, None]})
    assert float(value.detach()) == pytest.approx(float(solved.value), rel=1e-3)
    # g = s x at s = 1: the slope is 2 sum_ij P_ij <x_i - y_j, x_i>.
    moved = x.double() - 16 * solved.plan @ y.double()
    expected = 2 * (moved * x.double()).sum(dim=1).mean()
    assert float(slope) == pytest.approx(float(expected), rel=1e-2)


def test_a_stack_of_eps_is_each_of_them() -> None:
    rng = torch.Generator().manual_seed(4)
    x, y = (torch.randn(30, 2, generator=rng, dtype=F64) for _ in range(2))
    for loss in ("sinkhorn", "divergence"):
        for gradient in ("plan", "potential"):
            m = otg.MKE(
                Moved(),
                discrepancy=loss,
                eps=0.1,
                sweeps=5,
                gradient=gradient,
                prior=2,
                cost="euclidean",
            )
            assert m.stackable
            eps = torch.tensor([0.05, 0.1, 0.7], dtype=F64)
            shift = torch.zeros(3, dtype=F64, requires_grad=True)

            def one(e: Tensor, t: Tensor, m: otg.MKE = m) -> Tensor:
                state = {"eps": e, "generator.m": t}
                return torch.func.functional_call(m, state, ("generator", y, {"prior": x[:, None]}))

            together = torch.func.vmap(one)(eps, shift)
            (slope,) = torch.autograd.grad(together.sum(), shift)
            for k in range(3):
                m.eps.fill_(eps[k])
                alone = m("generator", y, {"prior": x[:, None]})
                (own,) = torch.autograd.grad(alone, m.generator.m)
                assert abs(float((alone - together[k]).detach())) < 1e-12
                assert abs(float(own - slope[k])) < 1e-12
    assert not otg.MKE(Moved(), prior=2).stackable
    assert not otg.MKE(Moved(), discrepancy="sinkhorn", eps=1.0, prior=2).stackable


def test_batches_of_one_have_another_minimum() -> None:
    # Bernoulli(q) against Bernoulli(p), one point each: q (1 - p) + (1 - q) p, least at p = 0.
    q = 0.3
    m = otg.MKE(nn.Identity(), cost="euclidean", prior=1)

    def expected(p: float) -> float:
        total = 0.0
        for x, px in ((0.0, 1 - p), (1.0, p)):
            for y, py in ((0.0, 1 - q), (1.0, q)):
                made, data = torch.tensor([[x]], dtype=F64), torch.tensor([[y]], dtype=F64)
                total += px * py * float(m("generator", data, {"prior": made[:, None]}))
        return total

    assert abs(expected(q) - 0.42) < 1e-12
    assert abs(expected(0.0) - 0.3) < 1e-12


def test_segment_in_a_triangle() -> None:
    y = torch.tensor([[0.0, 0.3], [0.0, 0.7], [2**-0.5, 0.5]], dtype=F64)
    z = ((torch.arange(300, dtype=F64) + 0.5) / 150 - 1)[:, None]
    net = nn.Linear(1, 2).double()
    m = otg.MKE(net, ratio=100, prior=Fixed(z))
    for i, j, value in ((0, 1, 0.1140741), (2, 1, 0.0577778), (2, 0, 0.0577778)):
        net.weight.data.copy_((2 / 3 * (y[i] - y[j]))[:, None])
        net.bias.data.copy_(y.mean(dim=0))
        loss = m("generator", y)
        # The midpoints miss 1/300^2 of the segment's second moment.
        assert abs(float(loss.detach()) - value) < 1e-5
        loss.backward()
        assert net.weight.grad.abs().max() < 1e-5
        assert net.bias.grad.abs().max() < 1e-10
        net.zero_grad()


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        ({"discrepancy": "exact"}, 1.0),
        ({"discrepancy": "sinkhorn", "eps": 0.5, "sweeps": 20}, math.sqrt(1 - 0.25)),
        ({"discrepancy": "divergence", "eps": 0.5, "sweeps": 20}, 1.0),
    ],
    ids=["exact", "entropy shrinks", "debiased"],
)
def test_what_entropy_does_to_a_gaussian(options: dict, scale: float) -> None:
    z = standard(60)
    net = Moved(s=0.3)
    m = otg.MKE(net, prior=Fixed(z), **options)
    otg.fit(m, z, steps=120, batch_size=60, lr=0.05, schedule="cosine", progress=False)
    # The targets are those of Gaussians, 60 quantiles are within 2 % of them.
    assert abs(float(net.s.detach()) - scale) < 0.02
    assert abs(float(net.m.detach())) < 1e-3


def test_a_run_is_made_again_by_its_seed_and_goes_on_from_its_state() -> None:
    data = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    runs = []
    for _ in range(2):
        m = otg.MKE(otg.MLP(2, [8], 2, generator=0), discrepancy="divergence", eps=0.1, sweeps=4)
        otg.fit(m, data, steps=5, batch_size=16, seed=3, progress=False)
        runs.append(m)
    a, b = (m.sample(10, 7) for m in runs)
    assert torch.equal(a, b)
    assert tuple(a.shape) == (10, 2)
    other = otg.MKE(otg.MLP(2, [8], 2, generator=1), discrepancy="divergence", eps=0.9, sweeps=4)
    other.load_state_dict(runs[0].state_dict())
    assert float(other.eps) == pytest.approx(0.1)
    assert torch.equal(other.sample(10, 7), a)
    assert torch.equal(
        m.sample(3, noise={"prior": torch.ones(3, 2)}), m.generator(torch.ones(3, 2))
    )


@pytest.mark.parametrize("kind", KINDS[:4], ids=lambda k: "-".join(map(str, k.values())))
def test_transport_keeps_its_precision_where_networks_do_not(kind: dict) -> None:
    rng = torch.Generator().manual_seed(0)
    batch = torch.randn(20, 2, generator=rng)
    m = otg.MKE(otg.MLP(2, [8], 2, generator=0), **kind)
    noise = m.noise("generator", batch, rng)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = m("generator", batch, noise)
        made = m.generator(noise["prior"][:, 0]).float()
    # The points are rounded, what is computed from them is not.
    assert torch.equal(mixed, m.loss_between(made, batch))


LINE = nn.Linear(2, 2)
BAD = [
    (
        {"discrepancy": "exakt"},
        ValueError,
        "discrepancy must be one of .*'exakt'.*did you mean 'exact'",
    ),
    ({"gradient": "primal"}, ValueError, "gradient must be one of"),
    ({"cost": "sqeuclid"}, ValueError, "did you mean 'sqeuclidean'"),
    ({"cost": 3}, TypeError, "cost must be a name or a callable, got 3"),
    ({"discrepancy": "sinkhorn"}, ValueError, "eps must be a number > 0.*'sinkhorn'; got None"),
    ({"discrepancy": "sinkhorn", "eps": 0.0}, ValueError, "eps must be a finite number > 0"),
    ({"discrepancy": "sinkhorn", "eps": math.nan}, ValueError, "eps must be a finite number"),
    ({"eps": 0.1}, ValueError, "eps must be None where discrepancy is 'exact', got 0.1"),
    ({"ratio": 0.3}, ValueError, "ratio must be a whole number or one over.*got 0.3"),
    ({"ratio": 0}, ValueError, "ratio must be a finite number > 0"),
    ({"sweeps": 0}, ValueError, "sweeps must be a whole number >= 1, got 0"),
    ({"tol": 0}, ValueError, "tol must be a finite number > 0"),
    ({"max_iter": 1.5}, TypeError, "max_iter must be a whole number, got 1.5"),
    ({"prior": "gauss"}, TypeError, "prior must be"),
]


@pytest.mark.parametrize(("options", "error", "text"), BAD, ids=[str(b[0]) for b in BAD])
def test_what_is_refused(options: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        otg.MKE(LINE, **options)


def test_what_is_refused_later() -> None:
    with pytest.raises(TypeError, match=r"generator must be a torch\.nn\.Module, got function"):
        otg.MKE(lambda z: z, prior=2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"must return points of the data's shape \(3,\), got \(2"):
        otg.MKE(LINE)("generator", torch.zeros(4, 3))
    with pytest.raises(ValueError, match="player must be one of 'generator', got 'critic'"):
        otg.MKE(LINE)("critic", torch.zeros(4, 2))
    with pytest.raises(ValueError, match=r"cost must return shape \(4, 4\)"):
        otg.MKE(LINE, cost=lambda x, y: x)("generator", torch.zeros(4, 2))
    with pytest.raises(ValueError, match="n must be a whole number >= 1, got 0"):
        otg.MKE(LINE).sample(0)
    with pytest.raises(ValueError, match=r"noise\['prior'\] must have 3 rows, got 2"):
        otg.MKE(LINE).sample(3, noise={"prior": torch.zeros(2, 2)})
    with pytest.raises(ValueError, match="noise must hold 'prior', got \\['z'\\]"):
        otg.MKE(LINE).sample(3, noise={"z": torch.zeros(3, 2)})
