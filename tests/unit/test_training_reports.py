"""The progress bar, trainings in threads, and the command line."""

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import otgen_lite as otg
from otgen_lite.__main__ import FILES, main
from otgen_lite.recipes import base as recipes_base
from otgen_lite.recipes import ring_latent
from otgen_lite.training import checkpoints
from otgen_lite.training import progress as progress_module
from tests.patience import HANGS

X = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))


def method(seed: int = 0, data: Any = None) -> otg.PenalizedOT:
    nets = otg.MLP(2, [4], 1, generator=seed), otg.MLP(1, [4], 2, generator=seed + 1)
    return otg.PenalizedOT(*nets, penalty=otg.MomentMatching(), lam=1.0)


def test_the_bar_shows_the_losses(capsys: Any) -> None:
    history = otg.fit(method(), X, steps=30, batch_size=16)
    said = capsys.readouterr().err
    assert "30/30" in said
    assert f"autoencoder={history.last()['autoencoder']:.4g}" in said


def test_the_bar_is_told_ten_times_a_second_at_most(monkeypatch: Any) -> None:
    told = []
    update = progress_module.Bar.update
    monkeypatch.setattr(
        progress_module.Bar, "update",
        lambda self, history: (told.append(history.steps), update(self, history))[1],
    )  # fmt: skip
    monkeypatch.setattr(progress_module, "PAUSE", 3600.0)
    otg.fit(method(), X, steps=200, batch_size=16)
    assert told == [1, 200]


def test_no_bar_where_none_is_wanted(capsys: Any) -> None:
    otg.fit(method(), X, steps=3, batch_size=16, progress=False)
    assert capsys.readouterr() == ("", "")


def test_the_books_bar_is_one_line_and_no_widget(monkeypatch: Any, capsys: Any) -> None:
    import tqdm.auto

    monkeypatch.setattr(tqdm.auto, "tqdm", lambda *_, **__: pytest.fail("a widget was made"))
    monkeypatch.setenv("OTGEN_BOOK", "1")
    otg.fit(method(), X, steps=30, batch_size=16)
    otg.fit(method(), X, steps=30, batch_size=16, callbacks=[lambda step, m, h: step == 15])
    whole, half = capsys.readouterr().err.splitlines()
    assert whole.startswith("PenalizedOT: 100%|█")
    assert whole.endswith("█| 30/30")
    assert half.endswith(" | 15/30")


def test_the_notebooks_bar_elsewhere(monkeypatch: Any) -> None:
    import tqdm.auto

    made = []
    whole = tqdm.auto.tqdm
    monkeypatch.setattr(
        tqdm.auto, "tqdm", lambda *a, **k: (made.append(k["total"]), whole(*a, **k))[1]
    )
    monkeypatch.setenv("OTGEN_BOOK", "0")
    otg.fit(method(), X, steps=3, batch_size=16)
    assert made == [3]


def test_a_training_in_a_thread_is_stopped_by_a_callback() -> None:
    begun, stop, found = threading.Event(), threading.Event(), []

    def work() -> None:
        found.append(
            otg.fit(
                method(), X, steps=10**7, batch_size=16, progress=False,
                callbacks=[lambda step, m, h: begun.set() or stop.is_set()],
            )
        )  # fmt: skip

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(HANGS)
    stop.set()
    thread.join(HANGS)
    assert found[0].interrupted
    assert 0 < found[0].steps < 10**7


@pytest.fixture
def small(monkeypatch: Any) -> None:
    """A recipe on 64 points."""
    monkeypatch.setitem(recipes_base._REGISTRY, "eight_gaussians", {})
    monkeypatch.setitem(recipes_base.DATA, "eight_gaussians", lambda *_: X)
    recipes_base.recipe("eight_gaussians", "small", steps=6, lr=1e-2)(method)


@pytest.mark.usefixtures("small")
def test_the_command_is_the_recipes_training(tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    arguments = ["train", "eight_gaussians/small", "--seed", "3", "--batch-size", "8", "--quiet"]
    assert main([*arguments, "--device", "cpu", "--out", str(out), "--samples", "20"]) == 0
    assert capsys.readouterr().out.startswith("History(6 steps")
    expected, history = recipes_base.get("eight_gaussians", "small").train(3, batch_size=8)
    state = torch.load(out / "model.pt", weights_only=True)
    assert all(torch.equal(v, state[k]) for k, v in expected.state_dict().items())
    losses = np.loadtxt(out / "history.csv", delimiter=",", skiprows=1)[:, 1]
    np.testing.assert_allclose(losses, history.losses["autoencoder"].numpy(), rtol=1e-6)
    assert np.load(out / "samples.npy").shape == (20, 2)
    run = json.loads((out / "run.json").read_text())
    assert (run["recipe"], run["seed"], run["done"], run["finished"]) == (
        "eight_gaussians/small", 3, 6, True
    )  # fmt: skip


@pytest.mark.usefixtures("small")
def test_the_command_goes_on_from_its_checkpoint(tmp_path: Path, capsys: Any) -> None:
    checkpoint = str(tmp_path / "run.pt")
    arguments = ["train", "eight_gaussians/small", "--checkpoint", checkpoint, "--quiet"]
    points = tmp_path / "points.npy"
    np.save(points, X.numpy()[:32])
    arguments += ["--points", str(points), "--batch-size", "8"]
    assert main(arguments) == 0
    assert main([*arguments, "--ema", "0.5"]) == 2
    assert "made with other options: ema was None, now 0.5" in capsys.readouterr().err
    assert main([*arguments, "--steps", "9"]) == 0  # it goes on
    assert torch.load(checkpoint, weights_only=True)["step"] == 9
    assert main([*arguments, "--ema", "0.5", "--anew"]) == 0
    assert torch.load(checkpoint, weights_only=True)["step"] == 6


@pytest.mark.usefixtures("small")
def test_what_goes_wrong_has_a_number_and_a_line(tmp_path: Path, capsys: Any) -> None:
    assert main(["train", "eight_gaussians/smal"]) == 2
    assert "did you mean 'small'?" in capsys.readouterr().err
    assert main(["train", "eight_gaussians/small", "--points", str(tmp_path / "no.npy")]) == 2
    assert "points must be a .npy file of numbers" in capsys.readouterr().err
    assert main(["train", "eight_gaussians/small", "--lr", "1e30", "--quiet"]) == 1
    assert "training stopped: the loss of player 'autoencoder' became" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_the_command_lists_recipes(capsys: Any) -> None:
    assert main(["recipes"]) == 0
    assert "eight_gaussians/small" in capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", ["a file", "below a file", "a folder for a file", "long", "full"])
def test_a_folder_that_cannot_be_written_is_found_before_work_starts(
    kind: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "own" / "samples.npy").mkdir(parents=True)
    out = {
        "a file": tmp_path / "file", "below a file": tmp_path / "file" / "out",
        "a folder for a file": tmp_path / "own", "long": tmp_path / ("n" * 300),
        "full": tmp_path / "full",
    }[kind]  # fmt: skip
    if kind == "full":
        monkeypatch.setattr(os, "fsync", no_space)
    monkeypatch.setattr(recipes_base, "fit", lambda *_, **__: pytest.fail("work has started"))
    assert main(["train", "eight_gaussians/small", "--quiet", "--out", str(out)]) == 1
    assert str(out) in capsys.readouterr().err


def no_space(number: int) -> None:
    """A disk that is full."""
    raise OSError(28, "No space left on device")


@pytest.mark.usefixtures("small")
def test_no_run_is_said_to_be_whole_beside_a_file_that_is_not(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    out = tmp_path / "out"
    command = ["train", "eight_gaussians/small", "--quiet", "--out", str(out), "--samples", "7"]
    assert main(command) == 0
    assert sorted(p.name for p in out.iterdir()) == sorted(FILES)
    before = (out / "samples.npy").read_bytes()

    def cut(file: Any, array: Any) -> None:
        file.write(b"half of it")
        no_space(0)

    monkeypatch.setattr(np, "save", cut)
    assert main([*command, "--seed", "1"]) == 1
    assert f"No space left on device: {str(out / 'samples.npy')!r}" in capsys.readouterr().err
    assert (out / "samples.npy").read_bytes() == before
    assert sorted(p.name for p in out.iterdir()) == sorted(FILES[:3])  # no run.json


@pytest.mark.usefixtures("small")
def test_what_ran_is_written_down(tmp_path: Path, monkeypatch: Any) -> None:
    out = str(tmp_path / "out")
    command = ["train", "eight_gaussians/small", "--quiet", "--out", out, "--steps", "3"]
    monkeypatch.setenv("RANK", "1")  # of some other launcher
    assert main([*command, "--device", "cpu"]) == 0
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["trainings"] == {"small": {"steps": 3, "lr": 0.01, "device": "cpu"}}
    assert (run["steps"], run["done"], run["finished"]) == (3, 3, True)
    assert run["method"] == "PenalizedOT"


def test_the_command_trains_a_latent_recipe_as_it_was_told(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ring_latent, "STEPS", 20)
    points = otg.data.eight_gaussians(1200, 0, dtype=torch.float32)
    monkeypatch.setitem(recipes_base.DATA, "eight_gaussians", lambda *_: points)
    path, out = tmp_path / "c.pt", tmp_path / "out"
    for name in ("semidiscrete", "pairs"):
        command = ["train", f"eight_gaussians/latent_ot_{name}", "--steps", "5", "--quiet"]
        assert main([*command, "--checkpoint", str(path), "--out", str(out)]) == 0
        run = json.loads((out / "run.json").read_text())
        assert run["done"] == torch.load(path, weights_only=True)["step"] == 5
        assert {stage: of["steps"] for stage, of in run["trainings"].items()} == (
            {"autoencoder": 5} if name == "semidiscrete" else {"autoencoder": 5, "map": 5}
        )
        path.unlink()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_writes_everything(
    number: int, code: int, tmp_path: Path, monkeypatch: Any
) -> None:
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    out, loss = tmp_path / "out", otg.PenalizedOT.loss

    def struck(self: Any, *rest: Any) -> Any:
        os.kill(os.getpid(), number)
        return loss(self, *rest)

    monkeypatch.setattr(otg.PenalizedOT, "loss", struck)
    try:
        assert main(["train", "eight_gaussians/small", "--quiet", "--out", str(out)]) == code
    finally:
        assert signal.signal(number, before) is usual
    run = json.loads((out / "run.json").read_text())
    assert (run["done"], run["finished"]) == (1, False)
    assert sorted(p.name for p in out.iterdir()) == sorted(FILES)


@pytest.mark.usefixtures("small")
def test_a_checkpoint_that_was_lost_is_a_failure(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    path = tmp_path / "c.pt"
    write = checkpoints.write
    monkeypatch.setattr(
        checkpoints, "write", lambda *a, keep=True: no_space(0) if keep else write(*a, keep=keep)
    )
    with pytest.warns(RuntimeWarning, match="there is none"):
        assert main(["train", "eight_gaussians/small", "--quiet", "--checkpoint", str(path)]) == 1
    assert "the checkpoint of step 6 is not written" in capsys.readouterr().err
