"""The file of a checkpoint: whole, unharmed, complete, and where the user wants it."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import otgen_lite as otg
from otgen_lite.training import checkpoints, writing
from tests.patience import HANGS
from tests.unit.training_runs import data, method

OPTIONS: dict[str, Any] = {"steps": 2, "batch_size": 8, "progress": False}


def train(path: Path, **more: Any) -> otg.Method:
    made = method("mmd")
    otg.fit(made, data(), **{**OPTIONS, **more}, checkpoint=path)
    return made


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("written") / "run.pt"
    train(path)
    return path.read_bytes()


def sealed(path: Path, change: Callable[[dict[str, Any]], Any], content: bytes) -> None:
    """A file whose content is another one and whose checksum is right."""
    path.write_bytes(content)
    found = torch.load(path, weights_only=True)
    change(found)
    torch.save(found, path)
    body = path.read_bytes()
    seal = b"\notgen_lite checkpoint, sha256 " + hashlib.sha256(body).hexdigest().encode() + b"\n"
    path.write_bytes(body + seal)


def test_no_flipped_bit_is_taken_for_a_weight(written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    draw = torch.Generator().manual_seed(0)
    for place in torch.randint(8 * len(written), (300,), generator=draw).tolist():
        harmed = bytearray(written)
        harmed[place // 8] ^= 1 << place % 8
        with pytest.raises(ValueError, match=r"checkpoint must .*run\.pt"):
            checkpoints.parse(path, bytes(harmed))
    assert checkpoints.parse(path, written)["step"] == 2


@pytest.mark.parametrize("keep", [-1, -95, -1000, 5000, 100])
def test_a_file_that_was_cut_off_is_none(keep: int, written: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="checkpoint must be a file that fit wrote"):
        checkpoints.parse(tmp_path / "run.pt", written[:keep])
    with pytest.raises(ValueError, match="checkpoint must be"):
        checkpoints.parse(tmp_path / "run.pt", written + b"\n")


@pytest.mark.parametrize("key", [*checkpoints.KEYS, "version"])
def test_what_is_missing_is_named(key: str, written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    sealed(path, lambda found: found.pop(key), written)
    named = "layout 3, got None" if key == "version" else f"must hold '{key}', got none"
    with pytest.raises(ValueError, match=rf"checkpoint .*{named}"):
        train(path)


INSIDE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "players['autoencoder']": lambda c: c["players"].clear(),
    "players['autoencoder']['optimizer']": lambda c: c["players"]["autoencoder"].clear(),
    "losses['autoencoder']": lambda c: c["losses"].clear(),
    "batches['taken']": lambda c: c["batches"].pop("taken"),
    "method['encoder.0.weight']": lambda c: c["method"].pop("encoder.0.weight"),
}


@pytest.mark.parametrize("name", list(INSIDE))
def test_what_is_missing_inside_is_named(name: str, written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    sealed(path, INSIDE[name], written)
    with pytest.raises(ValueError, match=r"checkpoint .*run\.pt' must hold .*, got none") as error:
        train(path)
    assert f"must hold {name}, got none" in str(error.value)


def test_a_state_that_does_not_fit_leaves_the_method_alone(written: bytes, tmp_path: Path) -> None:
    def harm(found: dict[str, Any]) -> None:
        found["method"]["decoder.2.weight"] = torch.zeros(3, 3)

    path, made = tmp_path / "run.pt", method("mmd")
    sealed(path, harm, written)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    with pytest.raises(ValueError, match=r"run\.pt' does not fit this run \(RuntimeError: "):
        otg.fit(made, data(), **OPTIONS, checkpoint=path)
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())


def test_a_checkpoint_of_another_version_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    torch.save({"version": 1, "options": {}, "step": 3}, path)  # as the first layout was
    with pytest.raises(ValueError, match=r"layout 3, got 1 in .*run\.pt', which another version"):
        train(path)
    assert train(path, resume=False) is not None
    train(path)


def test_a_trap_with_a_right_checksum_is_not_sprung(written: bytes, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    path = tmp_path / "run.pt"
    path.write_bytes(written)
    torch.save({"version": 2, "options": Trap()}, path)
    body = path.read_bytes()
    for end in (b"", checkpoints._SEAL + hashlib.sha256(body).hexdigest().encode() + b"\n"):
        path.write_bytes(body + end)
        with pytest.raises(ValueError, match="which cannot be read"):
            train(path)
    assert not (tmp_path / "sprung").exists()


# -- the file and its folder


def _die_while_writing(path: str) -> None:
    with writing.whole(Path(path)) as file:
        file.write(b"half")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def _hold_while_writing(path: str, ready: Any, done: Any) -> None:
    with writing.whole(Path(path)) as file:
        file.write(b"slow")
        ready.set()
        done.wait(HANGS)


def test_what_dead_writers_left_is_removed_and_what_living_ones_write_is_not(
    tmp_path: Path,
) -> None:
    path, fork = tmp_path / "run.pt", multiprocessing.get_context("fork")
    for _ in range(3):
        writer = fork.Process(target=_die_while_writing, args=(str(path),))
        writer.start()
        writer.join()
    (tmp_path / ".run.pt.abcd1234.part").touch()  # of an older version
    (tmp_path / ".other.pt.abcd1234.part").touch()
    # Each of the three has removed what the one before it left.
    assert len(list(tmp_path.iterdir())) == 3
    assert not path.exists()
    ready, done = fork.Event(), fork.Event()
    writer = fork.Process(target=_hold_while_writing, args=(str(path), ready, done))
    writer.start()
    assert ready.wait(HANGS)
    checkpoints.write(path, {"step": 1})
    assert len([p for p in tmp_path.iterdir() if p.name.startswith(".run")]) == 1
    assert torch.load(path, weights_only=True)["step"] == 1
    done.set()
    writer.join(HANGS)
    assert path.read_bytes() == b"slow"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".other.pt.abcd1234.part", "run.pt"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_file_has_the_mode_of_any_new_file(mask: int, mode: int, tmp_path: Path) -> None:
    path, before = tmp_path / "run.pt", os.umask(mask)
    try:
        checkpoints.write(path, {"step": 1})
        assert stat.S_IMODE(path.stat().st_mode) == mode
        path.chmod(0o660)
        checkpoints.write(path, {"step": 2})
        assert stat.S_IMODE(path.stat().st_mode) == 0o660  # as it was, as of any file
    finally:
        os.umask(before)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    target, link, chain = tmp_path / "far" / "real.pt", tmp_path / "run.pt", tmp_path / "more.pt"
    link.symlink_to(Path("far") / "real.pt")
    chain.symlink_to(link)
    for step, path in enumerate((link, chain)):
        checkpoints.write(path, {"step": step})
        assert link.is_symlink()
        assert chain.is_symlink()
        assert torch.load(target, weights_only=True)["step"] == step
    assert [p.name for p in (tmp_path / "far").iterdir()] == ["real.pt"]


def test_a_place_that_takes_no_file_is_refused_before_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IsADirectoryError, match="cannot write: this is a folder"):
        train(tmp_path)
    with pytest.raises(OSError, match=r"cannot write: .*run\.pt"):
        train(tmp_path / "file" / "run.pt")
