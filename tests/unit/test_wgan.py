"""Wasserstein GANs: what each constraint of the critic makes of the dual value."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import otgen_lite as otg

F64 = torch.float64
CONSTRAINTS = ["clip", "gp", "c-transform"]


class Shift(nn.Module):
    """g(z) = z + m."""

    def __init__(self, m: float) -> None:
        super().__init__()
        self.m = nn.Parameter(torch.tensor([m], dtype=F64))

    def forward(self, z: Tensor) -> Tensor:
        return z + self.m


class Line(nn.Module):
    """psi(y) = w y: a linear critic."""

    def __init__(self, w: float = 0.0) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([[w]], dtype=F64))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.w


class Atom:
    """A prior that puts all mass at 0."""

    dim = 1

    def draw(self, n: int, generator: torch.Generator | None, like: Tensor) -> Tensor:
        return torch.zeros(n, 1, dtype=like.dtype)


def translated(m: float, **options: object) -> otg.WGAN:
    """Data at 0, generated points at -m, a linear critic."""
    return otg.WGAN(Shift(-m), Line(), prior=Atom(), **options)  # type: ignore[arg-type]


def trained(method: otg.WGAN) -> float:
    """Train the critic alone, and return its value."""
    data = torch.zeros(8, 1, dtype=F64)
    rates = {"critic": 0.02, "generator": 0.0}
    otg.fit(method, data, steps=100, batch_size=8, lr=rates, optimizer="sgd", progress=False)
    return float(method.value(data, method.sample(8)).detach())


@pytest.mark.parametrize("m", [2.0, -0.5])
def test_clipping_measures_in_units_of_the_clip(m: float) -> None:
    method = translated(m, constraint="clip", clip=0.3)
    assert trained(method) == pytest.approx(0.3 * abs(m), abs=1e-12)


@pytest.mark.parametrize("one_sided", [False, True])
def test_the_penalty_lets_the_slope_exceed_one(one_sided: bool) -> None:
    m, weight = 2.0, 10.0
    method = translated(m, constraint="gp", gp_weight=weight, one_sided=one_sided, n_critic=3)
    method.critic.w.data.fill_(0.5)
    gap = trained(method)
    slope = 1 + m / (2 * weight)
    assert float(method.critic.w.detach()) == pytest.approx(slope, abs=1e-9)
    assert gap == pytest.approx(slope * m, abs=1e-9)  # 2.2, above W_1 = 2
    data = torch.zeros(8, 1, dtype=F64)
    objective = -method("critic", data)
    assert float(objective.detach()) == pytest.approx(m + m**2 / (4 * weight), abs=1e-9)


def test_one_sided_leaves_gentle_slopes_alone() -> None:
    x = torch.randn(16, 1, generator=torch.Generator().manual_seed(0), dtype=F64)
    share = torch.rand(16, generator=torch.Generator().manual_seed(1), dtype=F64)
    for slope, two, one in ((0.4, 0.36, 0.0), (1.5, 0.25, 0.25), (-2.0, 1.0, 1.0)):
        for one_sided, expected in ((False, two), (True, one)):
            method = otg.WGAN(Shift(0.0), Line(slope), one_sided=one_sided, prior=1)
            found = method.penalty(x, x + 1, share)
            assert float(found.detach()) == pytest.approx(expected, abs=1e-12)


def test_the_slope_is_taken_on_the_segments() -> None:
    # psi = |x|^2 / 2 has slope |x|: at share t between made 0 and data y it is t |y|.
    class Bowl(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1).square().sum(dim=1, keepdim=True) / 2

    y = torch.tensor([[[3.0, 4.0]], [[0.0, 1.0]]], dtype=F64)
    share = torch.tensor([0.5, 1.0], dtype=F64)
    method = otg.WGAN(nn.Linear(1, 1), Bowl())
    penalty = method.penalty(y, torch.zeros_like(y), share)
    assert float(penalty) == pytest.approx(((2.5 - 1) ** 2 + 0) / 2, abs=1e-12)


@pytest.mark.parametrize("cost", ["sqeuclidean", "euclidean", lambda x, y: torch.cdist(x, y) ** 3])
def test_the_exact_transform_never_exceeds_the_cost(cost: otg.costs.Cost) -> None:
    rng = torch.Generator().manual_seed(0)
    batch = torch.randn(30, 2, generator=rng, dtype=F64)
    z = torch.randn(30, 2, generator=rng, dtype=F64)
    truth = otg.solve_exact(otg.cost_matrix(z, batch, cost))
    for seed in range(5):
        critic = otg.MLP(2, [8], 1, generator=seed).double()
        for layer in critic.parameters():
            layer.data.mul_(1 + 2 * seed)
        method = otg.WGAN(nn.Identity(), critic, constraint="c-transform", cost=cost, prior=2)
        assert float(method.value(batch, z).detach()) < float(truth.value)

    class Table(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return truth.potentials[1][: len(x)]

    best = otg.WGAN(nn.Identity(), Table(), constraint="c-transform", cost=cost, prior=2)
    assert abs(best.value(batch, z) - truth.value) < 1e-12


def test_a_linear_critic_sees_means_alone() -> None:
    # c = (x - y)^2 / 2: the best linear critic has slope m0 - m and value (m - m0)^2 / 2, whatever
    # the widths; the batch is wide enough to hold the points x + slope that attain the transform.
    y = torch.linspace(-4, 4, 1601, dtype=F64)[:, None] + 1.0
    for width in (0.2, 1.0):
        z = torch.linspace(-1, 1, 1601, dtype=F64)[:, None]
        x = width * z + 0.3
        values = {}
        for slope in (0.6, 0.65, 0.7, 0.75, 0.8):
            method = otg.WGAN(
                nn.Identity(), Line(slope), constraint="c-transform", prior=1,
                cost=lambda a, b: 0.5 * (a - b.T).square(),
            )  # fmt: skip
            values[slope] = float(method.value(y, x).detach())
        assert max(values, key=values.__getitem__) == 0.7
        assert values[0.7] == pytest.approx(0.7**2 / 2, abs=1e-5)


def test_a_critic_within_eps_of_the_best_may_point_the_wrong_way() -> None:
    # Data at 0, generated at theta: psi = -|distance| up to theta - eps / 2, then upwards again.
    theta, eps = 1.0, 0.1

    class Bent(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return -torch.where(x < theta - eps / 2, x, 2 * theta - eps - x)

    method = otg.WGAN(Shift(theta), Bent(), prior=Atom())
    data = torch.zeros(4, 1, dtype=F64)
    made = method.sample(4)
    assert theta - float(method.value(data, made)) == pytest.approx(eps, abs=1e-12)
    method("generator", data).backward()
    # The best critic's slope is +1: the generator would move towards the data. This one says -1.
    assert float(method.generator.m.grad) == pytest.approx(-1.0, abs=1e-12)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("player", ["critic", "generator"])
def test_gradients_by_finite_differences(constraint: str, player: str) -> None:
    rng = torch.Generator().manual_seed(1)
    net = otg.MLP(2, [5], 3, activation=nn.Tanh, generator=0).double()
    critic = otg.MLP(3, [5], 1, activation=nn.Tanh, generator=1).double()
    method = otg.WGAN(net, critic, constraint=constraint, gp_weight=0.7)
    batch = torch.randn(7, 3, generator=rng, dtype=F64)
    noise = method.noise(player, batch, rng)
    weight = (critic if player == "critic" else net)[0].weight
    (found,) = torch.autograd.grad(method(player, batch, noise), weight)
    h = 1e-6
    for k in range(weight.numel()):
        ends = []
        for sign in (1, -1):
            weight.data.view(-1)[k] += sign * h
            ends.append(float(method(player, batch, noise).detach()))
            weight.data.view(-1)[k] -= sign * h
        assert abs((ends[0] - ends[1]) / (2 * h) - float(found.view(-1)[k])) < 1e-7


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_a_stack_is_each_of_its_members(constraint: str) -> None:
    rng = torch.Generator().manual_seed(2)
    batch = torch.randn(6, 2, generator=rng, dtype=F64)
    members = [
        otg.WGAN(
            otg.MLP(2, [5], 2, generator=k).double(),
            otg.MLP(2, [5], 1, generator=10 + k).double(),
            constraint=constraint, gp_weight=0.5 + k, cost="euclidean",
        )
        for k in range(3)
    ]  # fmt: skip
    for player in ("critic", "generator"):
        noise = members[0].noise(player, batch, rng)
        params, buffers = torch.func.stack_module_state(members)

        def one(p: dict, b: dict, player: str = player, noise: dict = noise) -> Tensor:
            return torch.func.functional_call(members[0], (p, b), (player, batch, noise))

        together = torch.func.vmap(one)(params, buffers)
        name = "critic.0.weight" if player == "critic" else "generator.0.weight"
        (slopes,) = torch.autograd.grad(together.sum(), params[name])
        for k, member in enumerate(members):
            alone = member(player, batch, noise)
            (own,) = torch.autograd.grad(alone, member.get_parameter(name))
            assert abs(float((alone - together[k]).detach())) < 1e-12
            assert (own - slopes[k]).abs().max() < 1e-12


def test_the_clip_holds_after_every_step_and_touches_the_critic_alone() -> None:
    data = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    method = otg.WGAN(
        otg.MLP(2, [8], 2, generator=0),
        otg.MLP(2, [8], 1, generator=1),
        constraint="clip",
        clip=0.02,
    )
    seen = []

    def look(step: int, method: otg.WGAN, history: otg.History) -> None:
        seen.append(max(float(p.detach().abs().max()) for p in method.critic.parameters()))

    otg.fit(method, data, steps=4, batch_size=16, lr=0.01, callbacks=[look], progress=False)
    assert len(seen) == 4
    assert max(seen) <= 0.02 * (1 + 1e-6)
    assert max(float(p.detach().abs().max()) for p in method.generator.parameters()) > 0.1


def test_players_state_and_samples() -> None:
    data = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    runs = []
    for _ in range(2):
        m = otg.WGAN(otg.MLP(3, [8], 2, generator=0), otg.MLP(2, [8], 1, generator=1), n_critic=2)
        history = otg.fit(m, data, steps=3, batch_size=16, seed=5, progress=False)
        runs.append(m)
    assert [player.updates for player in m.players.values()] == [2, 1]
    assert len(history.losses["critic"]) in (3, 6)
    assert torch.equal(runs[0].sample(5, 1), runs[1].sample(5, 1))
    other = otg.WGAN(otg.MLP(3, [8], 2, generator=7), otg.MLP(2, [8], 1, generator=8), clip=0.5)
    other.load_state_dict(m.state_dict())
    assert torch.equal(other.sample(5, 1), m.sample(5, 1))
    assert float(other.clip) == pytest.approx(0.01)


def test_images_pass() -> None:
    images = torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    for constraint in CONSTRAINTS:
        m = otg.WGAN(
            otg.MLP(3, [8], 16, generator=0, shape=(1, 4, 4)),
            otg.MLP(16, [8], 1, generator=1),
            constraint=constraint,
        )
        for player in m.players:
            assert m(player, images).ndim == 0
        assert tuple(m.sample(2).shape) == (2, 1, 4, 4)


NETS = (nn.Linear(2, 2), nn.Linear(2, 1))
BAD = [
    ({"constraint": "lp"}, ValueError, "constraint must be one of"),
    ({"clip": 0.0}, ValueError, "clip must be a finite number > 0"),
    ({"gp_weight": -1.0}, ValueError, "gp_weight must be a finite number >= 0"),
    ({"n_critic": 0}, ValueError, "n_critic must be a whole number >= 1"),
    ({"cost": "l2"}, ValueError, "cost must be one of"),
]


@pytest.mark.parametrize(("options", "error", "text"), BAD, ids=[str(b[0]) for b in BAD])
def test_what_is_refused(options: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        otg.WGAN(*NETS, **options)


def test_what_is_refused_later() -> None:
    with pytest.raises(TypeError, match=r"critic must be a torch\.nn\.Module, got int"):
        otg.WGAN(NETS[0], 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"critic must return one number.*\(8, 2\)"):
        otg.WGAN(NETS[0], nn.Linear(2, 2))("critic", torch.zeros(4, 2))
    with pytest.raises(ValueError, match=r"must return points of the data's shape \(2,\), got \(3"):
        otg.WGAN(nn.Linear(2, 3), NETS[1])("critic", torch.zeros(4, 2))


def normalised() -> nn.Module:
    """A critic with batch normalisation, which moves its statistics at every call."""
    layers = [otg.MLP(2, [6], 6, generator=1), nn.BatchNorm1d(6), nn.ReLU()]
    return nn.Sequential(*layers, otg.MLP(6, [], 1, generator=2)).double()


def test_a_gradient_penalty_of_a_critic_with_a_state() -> None:
    data = torch.randn(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    method = otg.WGAN(otg.MLP(2, [6], 2, generator=0).double(), normalised(), n_critic=2)
    mean = method.critic[1].running_mean.clone()
    history = otg.fit(method, data, steps=5, batch_size=16, progress=False)
    assert bool(torch.isfinite(history.losses["critic"]).all())
    assert not torch.equal(method.critic[1].running_mean, mean)
    # Against differences of the sum of scores, which the rows of a batch share.
    method.train()
    x = data[:8].clone()

    def total(points: torch.Tensor) -> float:
        return float(method.critic(points).sum().detach())

    h, slopes = 1e-6, method._slopes(x)
    for i, j in ((0, 0), (3, 1), (7, 0)):
        up, down = x.clone(), x.clone()
        up[i, j] += h
        down[i, j] -= h
        expected = (total(up) - total(down)) / (2 * h)
        assert float(slopes[i, j].detach()) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_both_ways_to_the_slope_are_one_number() -> None:
    method = otg.WGAN(otg.MLP(2, [6], 2, generator=0).double(), otg.MLP(2, [6], 1).double())
    x = torch.randn(9, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    directly = method._slopes(x)
    transformed = torch.func.vmap(lambda _: method._slopes(x))(torch.zeros(2))
    torch.testing.assert_close(transformed[0], directly, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("constraint", ["gp", "clip", "c-transform"])
def test_losses_of_half_precision_can_be_shown(constraint: str) -> None:
    nets = otg.MLP(2, [6], 2, generator=0), otg.MLP(2, [6], 1, generator=1)
    method = otg.WGAN(*nets, constraint=constraint)
    metrics = {"half": lambda m: torch.ones(2, dtype=torch.bfloat16)}
    history = otg.fit(
        method, torch.randn(32, 2), steps=4, batch_size=16, progress=False, precision="bf16",
        metrics=metrics,
    )  # fmt: skip
    assert history.to_frame().shape == (4, 4)
    assert history.to_frame().notna().all().all()
    assert len(history.plot(smooth=1).axes) == 2
    assert "critic" in history._repr_html_()


def test_a_history_of_half_precision_is_one_of_single() -> None:
    for dtype in (torch.bfloat16, torch.float16):
        history = otg.History({"one": torch.ones(3, dtype=dtype)}, steps=3)
        assert history.losses["one"].dtype == torch.float32
        assert history.to_frame()["one"].tolist() == [1.0] * 3
