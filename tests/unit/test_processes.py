"""Several processes by torchrun: the run of one process on the joined batch, and its ends."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import otgen_lite as otg
from tests.patience import HANGS
from tests.unit.training_runs import OPTIONS, data, method
from tools.threads import ONE

ROOT = Path(__file__).resolve().parents[2]


def torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Two processes on this machine, by torch's own launcher."""
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         "-m", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=HANGS,
        env={**os.environ, **ONE},
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left before one died: weights, losses, checkpoints, what they said."""
    folder = tmp_path_factory.mktemp("joined")
    done = torchrun("tests.unit.training_runs", "joined", str(folder))
    (folder / "said").write_text(done.stderr)
    (folder / "returned").write_text(str(done.returncode))
    return folder


@pytest.mark.parametrize("penalty", ["mmd", "adversarial", "semidual", "wgan", "mke"])
def test_two_processes_are_one_on_the_joined_batch(penalty: str, folder: Path) -> None:
    model = method(penalty)
    history = otg.fit(model, data(), **OPTIONS, progress=False)
    for rank in range(2):
        found = torch.load(folder / f"{penalty}_{rank}.pt", weights_only=True)
        for name, value in model.state_dict().items():
            torch.testing.assert_close(found["state"][name], value, rtol=0, atol=1e-12)
        for player, losses in history.losses.items():
            torch.testing.assert_close(found["losses"][player], losses, rtol=0, atol=1e-12)


def test_the_first_process_alone_reports_and_writes(folder: Path) -> None:
    called = [torch.load(folder / f"mmd_{rank}.pt", weights_only=True)["called"] for rank in (0, 1)]
    assert called == [list(range(1, 13)), []]
    said = (folder / "said").read_text()
    assert said.count("| 0/12 [") == 5  # one bar a training
    assert torch.load(folder / "mmd.pt", weights_only=True)["step"] == 12


def test_a_checkpoint_of_two_processes_is_one_of_one(folder: Path) -> None:
    # Which processes made the joined batch is no option: the same file ends the run of one.
    model = method("mmd")
    history = otg.fit(
        model, data(), **OPTIONS, checkpoint=folder / "mmd.pt", progress=False,
        callbacks=[lambda *_: pytest.fail("the run was over")],
    )  # fmt: skip
    assert history.steps == 12


def test_processes_stop_after_the_same_step(folder: Path) -> None:
    found = [torch.load(folder / f"stopped_{rank}.pt", weights_only=True) for rank in (0, 1)]
    ends = [(f["steps"], f["interrupted"], f["early"]) for f in found]
    assert ends == [(5, True, True), (5, True, True)]
    for name, value in found[0]["state"].items():
        assert torch.equal(value, found[1]["state"][name])


def test_a_signal_to_one_process_ends_all_after_one_step(folder: Path) -> None:
    found = [torch.load(folder / f"told_{rank}.pt", weights_only=True) for rank in (0, 1)]
    # Three losses a step: the eighth is in the third.
    assert [f["steps"] for f in found] == [3, 3]
    assert [f["asked"] for f in found] == [signal.SIGTERM, signal.SIGTERM]
    assert [f["saved"] for f in found] == [True, True]
    assert torch.load(folder / "told.pt", weights_only=True)["step"] == 3
    # A loss in a callback of the first process is its own, and waits for nobody.
    assert [f["alone"] for f in found] == [3, 0]


def test_processes_that_differ_all_say_in_what(folder: Path) -> None:
    first, second = (json.loads((folder / f"said_{rank}.json").read_text()) for rank in (0, 1))
    words = {
        "data": r"data is \(96, 2\) float64 .* in process 0 and \(96, 2\) float64 .* in process 1",
        "size": r"data is \(90, 2\).* and \(91, 2\)",
        "batch 1 of data": r"data is sampler .* in process 0 and sampler .* in process 1",
        "rows": r"in process 0: batch_size of the DataLoader must be a multiple .* 2, got 15",
        "bad": r"in process 1: data must have shape \(n, d\) or .* got \(96,\)",
        "steps": r"steps is 4 in process 0 and 5 in process 1$",
        "seed": r"seed is 0 in process 0 and 1 in process 1$",
        "lr": r"lr is 0\.01 in process 0 and 0\.02 in process 1$",
        "batch_size": r"batch_size is 16 in process 0 and 32 in process 1$",
        "metrics": r"metrics is \{one: .*\} in process 0 and \{\} in process 1",
        "checkpoint": r"checkpoint is .*no\.pt in process 0 and None in process 1",
        "folder": r"this is a folder",
        "decoder_var": r"decoder_var is 0\.1\d* in process 0 and 0\.2\d* in process 1$",
        "lam": r"lam is 1\.0 in process 0 and 2\.0 in process 1$",
        "penalty": r"penalty\.\w+ is .* in process 0 and .* in process 1",
        "BatchNorm1d": r"got BatchNorm1d in 'encoder\.1'.*GroupNorm",
    }
    assert set(words) | {"Dropout"} == set(first)
    for name, pattern in words.items():
        assert re.search(pattern, first[name]), first[name]
        assert "Error: " in first[name]
        assert first[name] == second[name]
    assert first["Dropout"].startswith("trained 4; Dropout in 'encoder.0' draws by itself")
    assert second["Dropout"] == "trained 4"
    masks = [torch.load(folder / f"masks_{rank}.pt", weights_only=True) for rank in (0, 1)]
    # 64 fair coins agree by chance with probability 2^-64.
    assert masks[0].shape == masks[1].shape == (4, 8, 2)
    assert not torch.equal(*masks)


def test_two_processes_with_a_loader_see_different_rows(folder: Path) -> None:
    found = [torch.load(folder / f"separate_{rank}.pt", weights_only=True) for rank in (0, 1)]
    rows = sorted(data().tolist())
    # A sampler that divides the data: batches are of 16 rows each, and an epoch is three of them.
    for name in ("own", "a share each"):
        for epoch in range(2):
            seen = [f[name][48 * epoch : 48 * (epoch + 1)] for f in found]
            assert sorted(torch.cat(seen).tolist()) == rows
    # Any other: a batch of 16 rows is divided, and six of them are an epoch.
    assert [len(f["shared"]) for f in found] == [48, 48]
    assert sorted(torch.cat([f["shared"] for f in found]).tolist()) == rows
    # One that says it divides them, and does not.
    for f in found:
        assert "got the same batch in processes 0 and 1" in f["all of it each"]
        assert "DistributedSampler" in f["all of it each"]


def test_a_rule_of_the_first_process_ends_one_member_of_a_sweep_in_all(folder: Path) -> None:
    for rank in (0, 1):
        found = torch.load(folder / f"separate_{rank}.pt", weights_only=True)["sweep"]
        assert found == [(2, True), (4, False)]


def test_a_training_in_a_callback_waits_for_nobody(folder: Path) -> None:
    first, second = (
        torch.load(folder / f"separate_{rank}.pt", weights_only=True)["nested"] for rank in (0, 1)
    )
    assert first[0] == second[0] == 4
    alone = method("adversarial")
    for name, value in alone.state_dict().items():
        assert torch.equal(second[1][name], value)  # the callback is not called there
    for _ in range(4):
        otg.fit(alone, data(), steps=3, batch_size=15, progress=False)
    for name, value in alone.state_dict().items():
        assert torch.equal(first[1][name], value)


def test_a_loss_spoilt_in_one_process_ends_all_after_one_step(folder: Path) -> None:
    first, second = (json.loads((folder / f"spoilt_{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert first[0].startswith("step 6: the loss of player 'autoencoder' became nan in step 6 of")
    assert first[1]  # the weights of the last check


def test_a_process_that_dies_ends_the_run_with_an_error(folder: Path) -> None:
    # That this test is reached within the launcher's time is half of what it says.
    assert (folder / "stopped_1.pt").is_file(), (folder / "said").read_text()
    assert not (folder / "lived").exists()
    assert (folder / "returned").read_text() != "0"
    assert "(SIGKILL)" in (folder / "said").read_text()


def test_a_process_that_hangs_ends_the_run_with_an_error(tmp_path: Path) -> None:
    done = torchrun("tests.unit.training_runs", "hanging", str(tmp_path))
    assert done.returncode != 0
    assert "imed out" in done.stderr or "imeout" in done.stderr
