"""A loss or a weight that is no finite number: what is said, and what the method holds then."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import otgen_lite as otg
from otgen_lite.training import loop as training_loop
from otgen_lite.training import training_run

DATA = torch.zeros(10, 1, dtype=torch.float64)


class Failing(otg.Method):
    """θ²/2 for two players, until the second one's loss or gradient fails in some step."""

    def __init__(self, at: int, how: str = "loss", value: float = float("nan")) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.ones(2, dtype=torch.float64))
        self.b = nn.Parameter(torch.ones(2, dtype=torch.float64))
        self.players = {"first": otg.Player(("a",)), "second": otg.Player(("b",), 2)}
        self.at, self.how, self.value, self.count = at, how, value, 0

    def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
        theta = self.a if player == "first" else self.b
        out = 0.5 * theta.square()
        if player == "second":
            self.count += 1
            if self.count == self.at:
                if self.how == "gradient":  # the root has none at 0, times 0 it is NaN
                    return (out + 0.0 * (theta - theta.detach()).sqrt()).sum()
                out = out * torch.tensor([1.0, self.value], dtype=torch.float64)
        return out if self.how == "vector" else out.sum()


def train(method: otg.Method, **options: Any) -> otg.TrainingError:
    with pytest.raises(otg.TrainingError) as found:
        otg.fit(
            method, DATA, **{"steps": 400, "batch_size": 5, "lr": 0.1, "optimizer": "sgd",
                             "progress": False, **options},
        )  # fmt: skip
    return found.value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_stops_before_it_moves_anything(value: float) -> None:
    method = Failing(at=14, value=value)
    error = train(method, ema=0.9)
    assert (error.step, error.player, error.members) == (7, "second", [])
    assert error.checkpoint is None
    assert str(error) == (
        f"the loss of player 'second' became {value} in step 7 of 400; the method holds the "
        "weights from before that step; there is no checkpoint"
    )
    torch.testing.assert_close(method.a.detach(), torch.full((2,), 0.9**7, dtype=torch.float64))
    torch.testing.assert_close(method.b.detach(), torch.full((2,), 0.9**13, dtype=torch.float64))
    assert not method.training
    assert method.a.grad is None


def test_members_of_a_stack_are_named() -> None:
    error = train(Failing(at=3, how="vector"))
    assert (error.step, error.members) == (2, [1])
    assert "in members [1] of the stack" in str(error)


def test_the_last_good_checkpoint_is_named_and_can_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    options: dict[str, Any] = {"checkpoint": path, "checkpoint_every": 4}
    error = train(Failing(at=21), **options)
    assert error.checkpoint == path
    assert f"the last good checkpoint is {str(path)!r}, of step 8" in str(error)
    method = Failing(at=21)
    method.count = 21  # a state, not a setting: it has been past the failure
    history = otg.fit(
        method, DATA, steps=400, batch_size=5, lr=0.1, optimizer="sgd", progress=False, **options
    )
    assert history.steps == 400
    assert method.a[0].item() == pytest.approx(0.9**400)


@pytest.mark.parametrize("at", [3, 450])
def test_a_gradient_that_is_not_finite_is_found_in_the_weights(at: int) -> None:
    method = Failing(at=at, how="gradient")
    error = train(method)
    kept = (at - 1) // 2 // training_run.CHECK_EVERY * training_run.CHECK_EVERY
    assert error.player == "second"
    assert error.step == (at + 1) // 2 + (at % 2 == 0)
    assert "a step before it had made b non-finite" in str(error)
    assert f"the weights of step {kept}, the last that were seen to be good" in str(error)
    assert method.b[0].item() == pytest.approx(0.9 ** (2 * kept))


def test_weights_are_looked_at_though_all_losses_are_finite() -> None:
    class Blind(Failing):
        def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
            return super().loss(player, batch, noise).nan_to_num(0.0)

    method = Blind(at=5, how="gradient")
    error = train(method, steps=20)
    assert "weights of player 'second' are no longer finite after step 20 of 20" in str(error)
    assert method.b.tolist() == [1.0, 1.0]


def test_an_accelerator_is_looked_at_from_time_to_time(monkeypatch: Any) -> None:
    # On an accelerator nobody waits for a loss. The same, on this processor.
    monkeypatch.setattr(training_loop, "checks_every_loss", lambda device: False)
    monkeypatch.setattr(training_run, "CHECK_EVERY", 10)
    method = Failing(at=52)
    error = train(method)
    assert (error.step, error.player) == (26, "second")
    assert "the method holds the weights of step 20" in str(error)
    assert method.a[0].item() == pytest.approx(0.9**20)
    quiet = Failing(at=10_000)
    otg.fit(quiet, DATA, steps=35, batch_size=5, lr=0.1, optimizer="sgd", progress=False)
    assert quiet.a[0].item() == pytest.approx(0.9**35)


def test_a_batch_that_is_not_finite_is_named() -> None:
    def sample(n: int, generator: torch.Generator) -> Tensor:
        x = torch.rand(n, 1, generator=generator, dtype=torch.float64)
        return torch.where(x > 0.98, torch.inf, x) if sample.checked else x

    sample.checked = False  # type: ignore[attr-defined]

    class Reading(Failing):
        def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
            sample.checked = True  # type: ignore[attr-defined]
            return super().loss(player, batch, noise) + batch.mean()

    with pytest.raises(otg.TrainingError, match="the batch holds numbers that are not finite"):
        otg.fit(Reading(at=-1), sample, steps=200, batch_size=5, lr=0.1, progress=False)


def test_a_bound_at_infinity_is_no_failure() -> None:
    method = Failing(at=-1)
    method.register_buffer("bound", torch.tensor(float("inf")))
    history = otg.fit(method, DATA, steps=120, batch_size=5, lr=0.1, progress=False)
    assert history.steps == 120


class Struck(nn.Module):
    """A network that gives infinite, undefined or huge points in one of its calls."""

    def __init__(self, at: int, value: float) -> None:
        super().__init__()
        self.net, self.in_features = otg.MLP(2, [4], 2, generator=0), 2
        self.at, self.value, self.calls = at, value, 0

    def forward(self, z: Tensor) -> Tensor:
        self.calls += 1
        out = self.net(z)
        return out * self.value if self.calls == self.at else out


def penalized(network: nn.Module, penalty: Any) -> otg.Method:
    return otg.PenalizedOT(network, otg.MLP(2, [4], 2, generator=1), penalty=penalty, lam=1.0)


STRUCK: dict[str, Any] = {
    "exact": lambda net: otg.MKE(net),
    "exact, potential": lambda net: otg.MKE(net, gradient="potential"),
    "sinkhorn": lambda net: otg.MKE(net, discrepancy="sinkhorn", eps=0.1),
    "divergence": lambda net: otg.MKE(net, discrepancy="divergence", eps=0.1, gradient="potential"),
    "sweeps": lambda net: otg.MKE(net, discrepancy="divergence", eps=0.1, sweeps=3),
    "penalty": lambda net: penalized(net, otg.SinkhornPenalty(eps=0.1)),
    "kernel": lambda net: penalized(net, otg.MMD()),
    "slices": lambda net: penalized(net, otg.SlicedWasserstein()),
    "moments": lambda net: penalized(net, otg.MomentMatching()),
}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
@pytest.mark.parametrize("kind", STRUCK)
def test_numbers_that_stop_a_solver_name_step_and_player(
    kind: str, value: float, tmp_path: Path
) -> None:
    method = STRUCK[kind](Struck(3, value))
    points = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    path = tmp_path / "run.pt"
    with pytest.raises(otg.TrainingError) as found:
        otg.fit(
            method, points, steps=6, batch_size=10, progress=False, checkpoint=path,
            checkpoint_every=2,
        )  # fmt: skip
    error = found.value
    assert (error.step, error.player, error.checkpoint) == (3, next(iter(method.players)), path)
    assert "in step 3 of 6" in str(error)
    assert f"{str(path)!r}, of step 2" in str(error)
    assert all(bool(torch.isfinite(p).all()) for p in method.parameters())


def test_an_error_of_another_kind_stays_and_says_where_it_happened() -> None:
    class Broken(Failing):
        def loss(self, player: str, batch: Tensor, noise: Any) -> Tensor:
            if self.count == 6:
                raise KeyError("no such thing")
            return super().loss(player, batch, noise)

    with pytest.raises(KeyError, match="no such thing") as found:
        otg.fit(Broken(at=-1), DATA, steps=9, batch_size=5, progress=False)
    assert found.value.__notes__ == ["fit: in step 4 of 9, player 'first'"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_before_the_first_step(value: float) -> None:
    method = Failing(at=-1)
    method.b.data[1] = value
    with pytest.raises(ValueError, match=f"finite weights .*, got one that is {value} in 'b'"):
        otg.fit(method, DATA, steps=5, batch_size=5, progress=False)
    assert method.count == 0
    norm = nn.BatchNorm1d(2)
    norm.running_mean[0] = value  # type: ignore[index]
    encoder = nn.Sequential(otg.MLP(1, [3], 2, generator=0), norm)
    model = otg.PenalizedOT(encoder, otg.MLP(2, [3], 1, generator=1), penalty=otg.MMD(), lam=1.0)
    with pytest.raises(ValueError, match=r"finite weights .* in 'encoder.1.running_mean'"):
        otg.fit(model, torch.ones(10, 1), steps=5, batch_size=5, progress=False)
