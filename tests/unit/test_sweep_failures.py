"""One member that diverges takes nobody along: the others end as if it had not been there."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

import otgen_lite as otg
from otgen_lite.training import TrainingError
from otgen_lite.training import loop as loops

F64 = torch.float64
ROWS = torch.randn(60, 2, generator=torch.Generator().manual_seed(5), dtype=F64)
OPTIONS: dict[str, Any] = {"steps": 9, "batch_size": 16, "progress": False, "lr": 1e-2}


def mlp(seed: int, outputs: int = 2) -> torch.nn.Module:
    return otg.MLP(2, [6], outputs, generator=seed).double()


class Breaking(otg.PenalizedOT):
    """A loss that is NaN in one step, whose number is ``at``."""

    def __init__(self, at: float, penalty: Any) -> None:
        super().__init__(mlp(1), mlp(2), penalty=penalty, lam=1.0)
        self.hyper("at", at)
        self.hyper("step", 0.0, moves=True)

    def schedule(self, progress: float) -> None:
        """Count the steps."""
        self.step.fill_(round(progress * 9) + 1.0)

    def loss(self, player: str, batch: torch.Tensor, noise: Any) -> torch.Tensor:
        """The loss, spoilt in that step."""
        value = super().loss(player, batch, noise)
        return value + torch.where(self.step == self.at, math.nan, 0.0)


class Overflowing(Breaking):
    """In one step the loss is a number and its slope infinite; the weights are none thereafter."""

    def loss(self, player: str, batch: torch.Tensor, noise: Any) -> torch.Tensor:
        """The loss, and a root at 0."""
        value = otg.PenalizedOT.loss(self, player, batch, noise)
        last = self.decoder[-1].bias.sum()
        start = torch.where(self.step == self.at, 0.0, 1.0)
        return value + (start + last - last.detach()).sqrt()


def breaking(at: float, critic: bool = False) -> otg.Method:
    return Breaking(at, otg.Adversarial(mlp(3, 1)) if critic else otg.MMD())


def overflowing(at: float) -> otg.Method:
    return Overflowing(at, otg.MMD())


def same(a: otg.Method, b: otg.Method) -> None:
    torch.testing.assert_close(dict(a.state_dict()), dict(b.state_dict()), rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("stack", [True, False])
@pytest.mark.parametrize(
    ("critic", "more"),
    [(False, {}), (True, {"ema": 0.8, "clip_grad": 0.5}), (False, {"optimizer": "sgd"})],
)
def test_the_others_end_as_if_they_were_alone(critic: bool, more: Any, stack: bool) -> None:
    grid = {"at": [0.0, 4.0, 1.0, 99.0], "critic": [critic]}
    metrics = {"bias": lambda m: float(m.decoder[-1].bias.detach().sum())}
    options = {**OPTIONS, **more, "metrics": metrics, "metrics_every": 3}
    with pytest.warns(RuntimeWarning, match="failed and has no result") as warned:
        s = otg.sweep(breaking, grid, ROWS, stack=stack, **options)
    said = [str(w.message) for w in warned if "failed and has" in str(w.message)]
    assert [text.partition("critic")[0] for text in said] == [
        "sweep: the member at=4.0, ", "sweep: the member at=1.0, ",
    ]  # fmt: skip
    assert "in step 4 of 9" in said[0]
    assert s.stacked == stack
    assert {k: e.step for k, e in s.failures.items()} == {1: 4, 2: 1}
    for k, (point, method) in enumerate(s):
        alone = breaking(**point)
        if k in s.failures:
            with pytest.raises(TrainingError) as error:
                otg.fit(alone, ROWS, **options)
            expected = error.value.history
            assert str(error.value).startswith(str(s.failures[k]))
        else:
            expected = otg.fit(alone, ROWS, **options)
        same(method, alone)
        assert s.histories[k].steps == expected.steps
        for player, values in expected.losses.items():
            # Alone, a player that moved before the one that failed has one loss more.
            own = s.histories[k].losses[player]
            assert own.tolist() == pytest.approx(values[: len(own)].tolist(), abs=1e-9)
            assert len(values) - len(own) <= (1 if critic else 0)
        at = expected.metrics.get("bias", ([], []))
        assert s.histories[k].metrics.get("bias", ([], []))[0] == at[0]


@pytest.mark.parametrize("stack", [True, False])
def test_a_failed_member_has_no_numbers_in_the_table(stack: bool) -> None:
    with pytest.warns(RuntimeWarning, match=r"at=2\.0"):
        s = otg.sweep(breaking, {"at": [2.0, 99.0]}, ROWS, stack=stack, **OPTIONS)
    table = s.to_frame()
    assert list(table.columns) == ["at", "loss_autoencoder", "failed_in_step"]
    assert table.failed_in_step.tolist()[0] == 2.0
    assert table.isna().to_numpy().tolist() == [[False, True, False], [False, False, True]]
    assert "1 failed" in repr(s)
    assert "failed_in_step" in s._repr_html_()
    assert not s.interrupted


@pytest.mark.parametrize("ema", [None, 0.7])
def test_weights_that_overflow_are_those_of_one_member(ema: float | None) -> None:
    with pytest.warns(RuntimeWarning, match="holds the weights of step 6, the last"):
        s = otg.sweep(overflowing, {"at": [8.0, 99.0]}, ROWS, stack=True, ema=ema,
                      metrics={"one": lambda m: 1.0}, metrics_every=3,
                      **{**OPTIONS, "optimizer": "sgd"})  # fmt: skip
    assert list(s.failures) == [0]
    alone = overflowing(99.0)
    otg.fit(alone, ROWS, ema=ema, **{**OPTIONS, "optimizer": "sgd"})
    same(s.methods[1], alone)
    assert all(torch.isfinite(p).all() for p in s.methods[0].parameters())


def test_an_accelerator_finds_out_later_and_the_others_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loops, "looks_at_every_loss", lambda device: False)
    grid = {"at": [99.0, 4.0, 2.0]}
    with pytest.warns(RuntimeWarning, match="the last that were seen to be good") as warned:
        s = otg.sweep(breaking, grid, ROWS, stack=True, ema=0.9, metrics={"one": lambda m: 1.0},
                      metrics_every=3, **OPTIONS)  # fmt: skip
    assert len(warned) == 2
    assert {k: e.step for k, e in s.failures.items()} == {1: 4, 2: 2}
    alone = breaking(99.0)
    otg.fit(alone, ROWS, ema=0.9, **OPTIONS)
    same(s.methods[0], alone)
    for k, steps in ((1, 3), (2, 0)):
        before = breaking(99.0)
        if steps:
            otg.fit(before, ROWS, **{**OPTIONS, "steps": 9}, callbacks=[lambda n, m, h: n == 3])
        for p, q in zip(s.methods[k].parameters(), before.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("stack", [True, False])
def test_a_sweep_with_a_failure_is_resumed_to_the_same_end(stack: bool, tmp_path: Path) -> None:
    grid = {"at": [3.0, 99.0, 98.0]}
    options = {**OPTIONS, "ema": 0.9, "stack": stack}
    stop = 5 if stack else 9 + 2 + 1

    def run(path: Path, **more: Any) -> otg.Sweep:
        with pytest.warns(RuntimeWarning, match=r"at=3\.0"):
            return otg.sweep(breaking, grid, ROWS, checkpoint=path, **options, **more)

    calls: list[int] = []

    def stopping(step: int, method: Any, history: Any) -> bool:
        calls.append(step)
        return len(calls) == stop

    whole = run(tmp_path / "whole.pt")
    broken = run(tmp_path / "broken.pt", callbacks=(stopping,), checkpoint_every=2)
    assert broken.interrupted
    resumed = run(tmp_path / "broken.pt")
    assert not resumed.interrupted
    for a, b in zip(whole.methods, resumed.methods, strict=True):
        for p, q in zip(a.parameters(), b.parameters(), strict=True):
            assert torch.equal(p, q)
    assert [h.steps for h in resumed.histories] == [2, 9, 9]
    assert list(resumed.failures) == [0]


def test_half_precision_with_one_scale_for_all_is_no_stack() -> None:
    s = otg.sweep(breaking, {"at": [98.0, 99.0]}, ROWS, precision="fp16", **OPTIONS)
    assert s.reason == "the scale of the loss in fp16 couples members"
