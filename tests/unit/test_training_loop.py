"""The one loop against closed forms: what each option does to weights that are known."""

import itertools
import math
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import otgen_lite as otg
from otgen_lite.training import losses, training_run

DATA = torch.zeros(10, 1, dtype=torch.float64)


class Parabola(otg.Method):
    """θ²/2 for one player: gradient descent multiplies θ by 1 - lr."""

    def __init__(self, start: float = 1.0) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([start], dtype=torch.float64))
        self.players = {"one": otg.Player(("theta",))}

    def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
        return 0.5 * self.theta.square().sum()


class Pursuit(otg.Method):
    """Two players on a line: each is drawn to where the other is now."""

    def __init__(self, updates: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(0.0, dtype=torch.float64))
        self.b = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
        self.players = {"hare": otg.Player(("a",)), "fox": otg.Player(("b",), updates)}

    def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
        if player == "hare":
            return 0.5 * (self.a - 3.0 * self.b).square()
        return 0.5 * (self.b - self.a).square()


@pytest.fixture
def usual_handler() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def train(method: otg.Method, **options: Any) -> otg.History:
    return otg.fit(
        method, DATA, **{"batch_size": 5, "progress": False, "optimizer": "sgd", **options}
    )


def test_gradient_descent_on_a_parabola() -> None:
    method = Parabola()
    history = train(method, steps=20, lr=0.1)
    expected = 0.9 ** torch.arange(20, dtype=torch.float64)
    torch.testing.assert_close(history.losses["one"], 0.5 * expected**2, rtol=1e-13, atol=0)
    assert method.theta.item() == pytest.approx(0.9**20, rel=1e-13)
    assert (history.steps, history.interrupted) == (20, False)


def test_players_move_in_turn_and_see_each_other() -> None:
    method = Pursuit(updates=2)
    history = train(method, steps=7, lr={"hare": 0.5, "fox": 0.25})
    a, b, seen = 0.0, 1.0, []
    for _ in range(7):
        a -= 0.5 * (a - 3.0 * b)
        for _ in range(2):
            seen.append(0.5 * (b - a) ** 2)
            b -= 0.25 * (b - a)
    assert (method.a.item(), method.b.item()) == pytest.approx((a, b), rel=1e-13)
    assert history.losses["fox"].tolist() == pytest.approx(seen, rel=1e-12)
    assert len(history.losses["hare"]) == 7


def test_one_player_does_not_move_what_is_the_others() -> None:
    method = Pursuit(updates=1)
    train(method, steps=3, lr={"hare": 0.5, "fox": 0.0})
    assert method.b.item() == 1.0
    assert method.a.item() == pytest.approx(3.0 * (1 - 0.5**3))


def test_backward_reaches_no_further_than_the_player() -> None:
    reached: list[str] = []
    method = Pursuit(updates=1)
    for name, p in method.named_parameters():
        p.register_post_accumulate_grad_hook(lambda _, name=name: reached.append(name))
    train(method, steps=2, lr=0.1)
    assert reached == ["a", "b", "a", "b"]


def test_schedule_and_warm_up_multiply_the_rate() -> None:
    method = Parabola()
    train(method, steps=8, lr=0.2, schedule="cosine", warmup=4)
    theta = 1.0
    for t in range(8):
        theta *= 1 - 0.2 * min(1.0, (t + 1) / 4) * 0.5 * (1 + math.cos(math.pi * t / 8))
    assert method.theta.item() == pytest.approx(theta, rel=1e-13)


def test_a_schedule_of_ones_own() -> None:
    method = Parabola()
    train(method, steps=4, lr=0.5, schedule=lambda t: 1.0 - t)
    assert method.theta.item() == pytest.approx(0.5 * (1 - 0.375) * 0.75 * (1 - 0.125))


def test_averaged_weights_have_no_bias() -> None:
    method, beta = Parabola(), 0.8
    train(method, steps=6, lr=0.3, ema=beta)
    weights = [beta ** (6 - s) for s in range(1, 7)]
    thetas = [0.7**s for s in range(1, 7)]
    mean = sum(w * t for w, t in zip(weights, thetas, strict=True)) / sum(weights)
    assert method.theta.item() == pytest.approx(mean, rel=1e-13)


def test_clipping_bounds_the_step() -> None:
    method = Parabola(100.0)
    train(method, steps=5, lr=1.0, clip_grad=2.0)
    assert method.theta.item() == pytest.approx(90.0, rel=1e-6)  # torch adds 1e-6 to the norm
    players = Pursuit(updates=1)
    train(players, steps=1, lr=1.0, clip_grad={"hare": 0.5})
    assert players.a.item() == pytest.approx(0.5, rel=1e-5)
    assert players.b.item() == pytest.approx(players.a.item())


def test_a_vector_of_losses_trains_every_member_alone() -> None:
    class Stack(Parabola):
        def __init__(self) -> None:
            super().__init__()
            self.theta = nn.Parameter(torch.tensor([1.0, 2.0, -3.0], dtype=torch.float64))

        def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
            return 0.5 * self.theta.square()

    method = Stack()
    history = train(method, steps=4, lr=0.1, metrics={"theta": lambda m: m.theta})
    expected = torch.tensor([1.0, 2.0, -3.0], dtype=torch.float64) * 0.9**4
    torch.testing.assert_close(method.theta.detach(), expected)
    assert history.losses["one"].shape == (4, 3)
    assert history.metrics["theta"][1][-1].shape == (3,)
    assert list(history.to_frame().columns) == [f"one[{k}]" for k in range(3)] + [
        f"theta[{k}]" for k in range(3)
    ]
    losses = history.plot(smooth=1).axes[0]
    assert len(losses.lines) == 3
    assert [t.get_text() for t in losses.get_legend().get_texts()] == ["one"]


def test_projection_and_progress() -> None:
    seen = []

    class Bounded(Parabola):
        def project(self, player: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
            return {"theta": values["theta"].clamp(0.95, 2.0)}

        def schedule(self, progress: float) -> None:
            seen.append(progress)

    method = Bounded()
    train(method, steps=4, lr=0.3)
    assert method.theta.item() == 0.95
    assert seen == [0.0, 0.25, 0.5, 0.75]


def test_prepare_comes_before_the_draw_and_with_the_same_seed_each_run() -> None:
    class Prepared(Parabola):
        def __init__(self) -> None:
            super().__init__()
            self.players = {"one": otg.Player(("theta",), 2)}
            self.drawn: list[Tensor] = []

        def prepare(self, player: str, generator: torch.Generator | None = None) -> None:
            self.drawn.append(torch.rand(2, generator=generator))

        def noise(self, player: str, batch: Tensor, generator: Any = None) -> dict[str, Tensor]:
            self.drawn.append(torch.rand(2, generator=generator))
            return {}

    runs = [Prepared(), Prepared(), Prepared()]
    for method, seed in zip(runs, (3, 3, 4), strict=True):
        train(method, steps=3, lr=0.1, seed=seed)
    drawn = [torch.stack(m.drawn) for m in runs]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.isclose(drawn[0], drawn[2]).any()
    assert len(drawn[0].flatten().unique()) == 24  # no draw is repeated


def test_a_draw_more_moves_neither_batches_nor_later_draws() -> None:
    class Watching(Parabola):
        def __init__(self, more: bool) -> None:
            super().__init__()
            self.more, self.seen = more, []

        def noise(self, player: str, batch: Tensor, generator: Any = None) -> dict[str, Tensor]:
            self.seen.append((batch.clone(), torch.rand(1, generator=generator)))
            if self.more:
                torch.rand(100, generator=generator)
            return {}

    data = torch.arange(20.0, dtype=torch.float64)[:, None]
    few, many = Watching(False), Watching(True)
    for method in (few, many):
        otg.fit(method, data, steps=9, batch_size=6, progress=False)
    for (batch, z), (other_batch, other_z) in zip(few.seen, many.seen, strict=True):
        assert torch.equal(batch, other_batch)
        assert torch.equal(z, other_z)


def test_tensors_of_one_player_are_reused_by_the_next_one_of_the_step() -> None:
    class Reusing(Pursuit):
        reuses = True

        def loss_and_reused(self, player: str, batch: Tensor, noise: Any) -> Any:
            return self.loss(player, batch, noise), {"reused_a": self.a.detach().clone()}

        def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
            self.got.append((player, noise.get("reused_a")))
            self.batches.append(batch)
            return super().loss(player, batch, noise)

    method = Reusing(updates=2)
    method.got, method.batches = [], []
    otg.fit(method, torch.randn(99, 1), steps=3, batch_size=5, lr=0.5, progress=False)
    assert [(p, a is not None) for p, a in method.got] == 3 * [
        ("hare", False), ("fox", True), ("fox", False)
    ]  # fmt: skip
    assert method.got[1][1].item() == 0.0
    same = [torch.equal(a, b) for a, b in itertools.pairwise(method.batches)]
    assert same == [True, False, False, True, False, False, True, False]


def test_the_fused_optimizer_is_used_where_there_is_one(monkeypatch: Any) -> None:
    made = []
    step = torch.optim.Optimizer.__init__
    monkeypatch.setattr(
        torch.optim.Optimizer, "__init__",
        lambda self, params, defaults: (made.append(defaults), step(self, params, defaults))[1],
    )  # fmt: skip
    for name in ("adam", "adamw", "sgd", "rmsprop"):
        train(Parabola(), steps=1, optimizer=name, betas=(0.3, 0.4), adam_eps=1e-5)
    assert [d.get("fused") for d in made] == [True, True, True, None]
    assert made[0]["betas"] == (0.3, 0.4)
    assert made[0]["eps"] == 1e-5


def test_an_optimizer_of_ones_own() -> None:
    method = Parabola()
    train(method, steps=3, lr=0.1, optimizer=lambda p, lr: torch.optim.SGD(p, lr=2 * lr))
    assert method.theta.item() == pytest.approx(0.8**3)


def test_it_goes_on_from_the_weights_that_are_there() -> None:
    once, twice = Parabola(), Parabola()
    train(once, steps=10, lr=0.1)
    for _ in range(2):
        train(twice, steps=5, lr=0.1)
    assert once.theta.item() == pytest.approx(twice.theta.item(), rel=1e-13)


class Dropping(Parabola):
    """A network that draws by itself, and a frozen one."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(1, 4), nn.Dropout(0.5), nn.Linear(4, 1)).double()
        self.frozen = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.5)).double().requires_grad_(False)
        for k, p in enumerate(self.network.parameters()):
            p.data.fill_(0.1 * (k + 1))
        self.players = {"one": otg.Player(("network",))}
        self.modes: set[tuple[bool, ...]] = set()

    def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
        networks = (self.network[1], self.frozen, self.frozen[1])
        self.modes.add(tuple(n.training for n in networks))
        return (self.network(batch) - 1.0).square().mean()


def test_dropout_comes_from_the_seed_and_leaves_torchs_generator_alone() -> None:
    torch.manual_seed(1)
    first, second, other = Dropping(), Dropping(), Dropping()
    torch.manual_seed(77)
    before = torch.get_rng_state()
    a = train(first, steps=6, lr=0.1, seed=2)
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(3)
    b = train(second, steps=6, lr=0.1, seed=2)
    c = train(other, steps=6, lr=0.1, seed=3)
    assert torch.equal(a.losses["one"], b.losses["one"])
    assert not torch.equal(a.losses["one"], c.losses["one"])


def test_modes_of_networks() -> None:
    method, modes = Dropping(), []
    train(method, steps=2, lr=0.1, metrics={"m": lambda m: modes.append(m.network.training) or 0})
    assert method.modes == {(True, False, False)}
    assert modes == [False, False]
    assert not method.network[1].training


def test_metrics_see_the_averages_and_training_does_not() -> None:
    method, seen = Parabola(), []
    history = train(
        method, steps=4, lr=0.5, ema=0.5, metrics={"theta": lambda m: m.theta.item()},
        metrics_every=3, callbacks=[lambda step, m, h: seen.append(m.theta.item())],
    )  # fmt: skip

    def mean(t: int) -> float:
        return sum(0.5 ** (t - s) * 0.5**s for s in range(1, t + 1)) / (2 * (1 - 0.5**t))

    at, values = history.metrics["theta"]
    assert at == [3, 4]
    assert values == pytest.approx([mean(3), mean(4)])
    assert seen == pytest.approx([0.5, 0.25, 0.125, 0.0625])
    assert history.to_frame()["theta"].isna().tolist() == [True, True, False, False]


@pytest.mark.usefixtures("usual_handler")
@pytest.mark.parametrize("how", ["true", "exception", "signal"])
def test_an_interruption_leaves_what_was_trained(how: str) -> None:
    def stop(step: int, method: Any, history: otg.History) -> Any:
        if step != 5:
            return None
        assert len(history.losses["fox"]) == 10
        if how == "exception":
            raise KeyboardInterrupt
        if how == "signal":
            os.kill(os.getpid(), signal.SIGINT)
        return how == "true"

    method, other = Pursuit(2), Pursuit(2)
    history = train(method, steps=1000, lr=0.1, ema=0.5, callbacks=[stop])
    train(other, steps=5, lr=0.1, ema=0.5)
    assert (history.steps, history.interrupted) == (5, True)
    assert (method.a.item(), method.b.item()) == (other.a.item(), other.b.item())


@pytest.mark.usefixtures("usual_handler")
def test_an_interruption_within_a_step_finishes_it() -> None:
    class Struck(Pursuit):
        def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
            self.count = getattr(self, "count", 0) + 1
            if self.count == 5:  # the second of the fox's updates in step 2 is yet to come
                os.kill(os.getpid(), signal.SIGINT)
            return super().loss(player, batch, noise)

    method, other = Struck(2), Pursuit(2)
    history = train(method, steps=1000, lr=0.1)
    train(other, steps=2, lr=0.1)
    assert (history.steps, history.interrupted) == (2, True)
    assert method.b.item() == other.b.item()


def test_the_last_round_is_no_interruption() -> None:
    history = train(Parabola(), steps=5, lr=0.1, callbacks=[lambda step, m, h: step == 5])
    assert (history.steps, history.interrupted) == (5, False)


@pytest.mark.parametrize(("precision", "digits"), [("bf16", 3e-2), ("fp16", 4e-3)])
def test_half_precision_is_the_same_training_up_to_its_rounding(
    precision: str, digits: float
) -> None:
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    histories, kinds = [], set()
    for name in (None, precision):
        net = otg.MLP(2, [16], 2, generator=0)
        net[0].register_forward_hook(lambda m, i, out: kinds.add(out.dtype))
        method = otg.PenalizedOT(
            net, otg.MLP(2, [16], 2, generator=1), penalty=otg.MomentMatching(), lam=1.0
        )
        histories.append(
            # Every batch is all of the data: rounding is measured, and no draw decides.
            otg.fit(method, x, steps=20, batch_size=64, progress=False, precision=name)
        )
        assert all(p.dtype == torch.float32 for p in method.parameters())
    assert kinds == {torch.float32, torch.bfloat16 if precision == "bf16" else torch.float16}
    full, half = (h.losses["autoencoder"] for h in histories)
    assert not torch.equal(full, half)
    torch.testing.assert_close(half.float(), full, rtol=digits, atol=0)


def test_compiled_losses_are_the_same_training(monkeypatch: Any) -> None:
    # Without the compiler of machine code, which takes half a minute: the graph is what can differ.
    monkeypatch.setattr(losses, "BACKEND", "aot_eager")
    x = torch.randn(32, 2, generator=torch.Generator().manual_seed(0))
    histories = []
    for compiled in (False, True):
        method = otg.PenalizedOT(
            otg.MLP(2, [8], 2, generator=0), otg.MLP(2, [8], 2, generator=1),
            penalty=otg.Adversarial(otg.MLP(2, [8], 1, generator=2)), lam=1.0,
        )  # fmt: skip
        histories.append(
            otg.fit(method, x, steps=5, batch_size=16, progress=False, compile=compiled)
        )
    for player, plain in histories[0].losses.items():
        torch.testing.assert_close(histories[1].losses[player], plain, rtol=1e-5, atol=1e-6)


def test_every_size_of_a_method_is_compiled(monkeypatch: Any) -> None:
    # torch gives up in silence at the ninth version of one function, which a size of network is.
    graphs = []

    def counting(graph: Any, inputs: Any) -> Any:
        graphs.append(len(inputs))
        return graph.forward

    monkeypatch.setattr(losses, "BACKEND", counting)
    x = torch.randn(32, 2, generator=torch.Generator().manual_seed(0))
    for width in range(1, 13):
        before = len(graphs)
        method = otg.PenalizedOT(
            otg.MLP(2, [width], 2, generator=0), otg.MLP(2, [width], 2, generator=1),
            penalty=otg.Adversarial(otg.MLP(2, [width], 1, generator=2)), lam=1.0,
        )  # fmt: skip
        otg.fit(method, x, steps=2, batch_size=16, progress=False, compile=True)
        assert len(graphs) == before + 2, f"width {width}: one graph a player"


def test_a_compiler_that_fails_says_what_to_do(monkeypatch: Any) -> None:
    def failing(graph: Any, inputs: Any) -> Any:
        raise OSError("no compiler is installed")

    monkeypatch.setattr(losses, "BACKEND", failing)
    with pytest.raises(RuntimeError, match="train with compile=False"):
        train(Parabola(), steps=1, compile=True)


def test_history_in_words_and_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    history = train(
        Pursuit(2), steps=60, lr=0.01, metrics={"a<b": lambda m: m.a.item()}, metrics_every=20
    )
    assert repr(history).startswith("History(60 steps, ")
    assert "a&lt;b" in history._repr_html_()
    assert f"60 steps in {history.seconds:.1f} s;" in history._repr_html_()
    monkeypatch.setenv("OTGEN_BOOK", "1")  # pages of two builds are the same
    assert "60 steps; of" in history._repr_html_()
    frame = history.to_frame()
    assert frame.shape == (60, 3)
    assert frame["fox"].iloc[3] == pytest.approx(history.losses["fox"][6:8].mean().item())
    figure = history.plot(smooth=3)
    line = figure.axes[0].lines[1]
    assert line.get_xdata()[0] == 3
    assert line.get_ydata()[0] == pytest.approx(history.losses["fox"][:6].mean().item())
    assert [t.get_text() for t in figure.axes[1].get_legend().get_texts()] == ["a<b"]
    with pytest.raises(ValueError, match="at least one loss"):
        otg.History().plot()
    assert "no loss yet" in repr(otg.History())


def test_looks_do_not_change_a_training(monkeypatch: Any) -> None:
    a, b = Pursuit(3), Pursuit(3)
    x = train(a, steps=50, lr=0.1)
    monkeypatch.setattr(training_run, "LOOK", 7)
    y = train(b, steps=50, lr=0.1)
    assert torch.equal(x.losses["fox"], y.losses["fox"])
    assert a.b.item() == b.b.item()
