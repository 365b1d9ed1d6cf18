"""Checkpoints: a run that was broken off ends bit for bit as one that was not."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import otgen_lite as otg
from otgen_lite.training import checkpoints
from tests.unit.training_runs import OPTIONS, Prepared, data, long_run, method

ROOT = Path(__file__).resolve().parents[2]


def equal(a: tuple[otg.Method, otg.History], b: tuple[otg.Method, otg.History]) -> bool:
    """Weights, buffers, losses and metrics are the same numbers."""
    states = [model.state_dict() for model, _ in (a, b)]
    return (
        states[0].keys() == states[1].keys()
        and all(torch.equal(v, states[1][k]) for k, v in states[0].items())
        and all(torch.equal(v, b[1].losses[k]) for k, v in a[1].losses.items())
        and a[1].metrics == b[1].metrics
        and a[1].steps == b[1].steps
    )


def test_killed_and_resumed_is_the_same_run(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.training_runs", "killed", str(broken)], cwd=ROOT
    )
    assert done.returncode == -signal.SIGKILL
    assert _step(broken / "run.pt") == 8
    resumed = long_run(broken)
    assert equal(resumed, long_run(whole))
    assert resumed[1].interrupted is False


def _step(path: Path) -> int:
    return torch.load(path, weights_only=True)["step"] if path.is_file() else 0


@pytest.mark.parametrize("at", [1, 6, 59])
def test_interrupted_and_resumed_is_the_same_run(at: int, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    _, history = long_run(broken, callbacks=[lambda step, m, h: step == at])
    assert (history.steps, history.interrupted) == (at, True)
    assert equal(long_run(broken), long_run(whole))
    assert equal(long_run(broken), long_run(whole))  # a run that is over is read, not repeated


@pytest.mark.parametrize("name", ["semidual", "wgan", "adversarial"])
def test_methods_are_resumed_with_their_own_state(name: str, tmp_path: Path) -> None:
    def run(path: Path, stop: int = 0) -> Any:
        model = method(name)
        history = otg.fit(
            model, data(), **OPTIONS, checkpoint=path, progress=False,
            callbacks=[lambda step, m, h: step == stop],
        )  # fmt: skip
        return model, history

    run(tmp_path / "broken", stop=5)
    assert equal(run(tmp_path / "broken"), run(tmp_path / "whole"))


def test_dropout_is_resumed_too(tmp_path: Path) -> None:
    def run(name: str, stop: int = 0) -> Any:
        net = torch.nn.Sequential(otg.MLP(2, [8], 8, generator=0), torch.nn.Dropout(0.5))
        encoder = torch.nn.Sequential(net, otg.MLP(8, [4], 2, generator=1)).double()
        decoder = otg.MLP(2, [8], 2, generator=2).double()
        model = otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=1.0, prior=2)
        history = otg.fit(
            model, data(), steps=10, batch_size=16, checkpoint=tmp_path / name, progress=False,
            callbacks=[lambda step, m, h: step == stop],
        )  # fmt: skip
        return model, history

    run("broken", stop=4)
    assert equal(run("broken"), run("whole"))


def test_half_precision_is_resumed_with_its_scale(tmp_path: Path) -> None:
    def run(name: str, stop: int = 0) -> Any:
        nets = [otg.MLP(2, [8], 2, generator=k) for k in range(2)]
        model = otg.PenalizedOT(*nets, penalty=otg.MomentMatching(), lam=1.0)
        history = otg.fit(
            model, data(), steps=10, batch_size=16, checkpoint=tmp_path / name, progress=False,
            precision="fp16", callbacks=[lambda step, m, h: step == stop],
        )  # fmt: skip
        return model, history

    run("broken", stop=4)
    found = torch.load(tmp_path / "broken", weights_only=True)
    assert found["players"]["autoencoder"]["scaler"]["scale"] > 0
    assert equal(run("broken"), run("whole"))


def test_other_options_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    options = {**OPTIONS, "checkpoint": path, "progress": False}
    otg.fit(method("mmd"), data(), **options)
    for name, value in [
        ("lr", 1e-3), ("steps", 13), ("batch_size", 16), ("seed", 5), ("ema", None),
        ("optimizer", "sgd"), ("clip_grad", {"autoencoder": 1.0}), ("schedule", "constant"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=f"made with other options: {name} was .*, now") as e:
            otg.fit(method("mmd"), data(), **{**options, name: value})
        assert e.value.args[0].count(", now ") == 1
    with pytest.raises(ValueError, match="other options: data was"):
        otg.fit(method("mmd"), data() + 1e-9, **options)
    with pytest.raises(ValueError, match=r"parameters was .*…, now .*…; players was") as e:
        otg.fit(method("adversarial"), data(), **options)
    assert len(e.value.args[0]) < 600
    other = method("mmd")
    other.lam.fill_(7.0)
    with pytest.raises(ValueError, match=r"other options: lam was .*, now 7\.0"):
        otg.fit(other, data(), **options)
    history = otg.fit(method("mmd"), data(), **{**options, "seed": 5, "resume": False})
    assert history.steps == 12


def test_a_variance_that_moves_is_no_other_option(tmp_path: Path) -> None:
    nets = [otg.MLP(2, [8], 4, generator=0), otg.MLP(2, [8], 2, generator=1)]
    vae = otg.VAE(*nets, decoder_var=lambda progress: 1.0 - 0.5 * progress)
    options = {"steps": 8, "batch_size": 16, "checkpoint": tmp_path / "run.pt", "progress": False}
    broken = otg.fit(vae, data(), **options, callbacks=[lambda step, m, h: step == 4])
    assert broken.interrupted
    assert float(vae.decoder_var) != 1.0
    assert otg.fit(vae, data(), **options).steps == 8


def test_options_that_decide_no_number_may_change(tmp_path: Path) -> None:
    options = {**OPTIONS, "checkpoint": tmp_path / "run.pt", "progress": False}
    otg.fit(method("mmd"), data(), **options, callbacks=[lambda step, m, h: step == 3])
    history = otg.fit(
        method("mmd"), data(), **options, checkpoint_every=1, metrics={"lam": lambda m: m.lam}
    )
    assert history.steps == 12
    assert history.metrics["lam"][0] == list(range(4, 13))


def test_a_checkpoint_is_the_old_one_or_the_new_one(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "run.pt"
    checkpoints.write(path, {"step": 1})
    whole = torch.save

    def broken(content: Any, file: Any) -> None:
        whole(content, file)
        raise OSError("the disk is full")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(OSError, match="the disk is full"):
        checkpoints.write(path, {"step": 2})
    assert _step(path) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_a_checkpoint_reaches_the_disk_before_it_takes_the_name(
    tmp_path: Path, monkeypatch: Any
) -> None:
    import os

    done: list[str] = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda n: (done.append("fsync"), sync(n))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("replace"), replace(a, b))[1])
    checkpoints.write(tmp_path / "deep" / "run.pt", {"step": 3})
    assert done == ["fsync", "replace", "fsync"]
    assert _step(tmp_path / "deep" / "run.pt") == 3


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04"])
def test_a_file_that_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"checkpoint must be a file that fit wrote, got .*run.pt"):
        otg.fit(method("mmd"), data(), checkpoint=path, steps=2, batch_size=8)


def test_no_code_is_run_when_a_checkpoint_is_read(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    path = tmp_path / "run.pt"
    torch.save({"version": 1, "options": Trap()}, path)
    with pytest.raises(ValueError, match="checkpoint must be a file that fit wrote"):
        otg.fit(method("mmd"), data(), checkpoint=path, steps=2, batch_size=8)
    assert not (tmp_path / "sprung").exists()


def test_a_checkpoint_holds_the_weights_themselves_beside_their_averages(tmp_path: Path) -> None:
    model = method("mmd")
    otg.fit(model, data(), **OPTIONS, checkpoint=tmp_path / "run.pt", progress=False)
    found = torch.load(tmp_path / "run.pt", weights_only=True)
    for name, value in model.named_parameters():
        assert torch.equal(found["averages"][name], value)
        assert not torch.equal(found["method"][name], value)


def test_prepared_methods_move_their_buffer(tmp_path: Path) -> None:
    model, history = long_run(tmp_path)
    assert isinstance(model, Prepared)
    assert history.metrics["memory"][0] == [7, 14, 21, 28, 35, 42, 49, 56, 60]
    assert len(set(history.metrics["memory"][1])) == 9
    assert all(float(p.detach().abs().max()) <= 0.5 for p in model.penalty.parameters())
