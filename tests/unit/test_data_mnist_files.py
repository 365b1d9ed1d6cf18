"""MNIST's files wherever they lie: the content decides, neither name nor packing."""

from __future__ import annotations

import errno
import gzip
import hashlib
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import otgen_lite as otg
from otgen_lite.data import _fetch, _idx_files

MNIST = sys.modules["otgen_lite.data.mnist"]
STEMS = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx(array: np.ndarray) -> bytes:
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def arrays(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return dict(
        zip(STEMS, (rng.integers(0, 256, (9, 28, 28)), rng.integers(0, 10, 9)), strict=True)
    )


GOOD = {stem: idx(array) for stem, array in arrays(0).items()}
OTHER = {stem: idx(array) for stem, array in arrays(1).items()}


def anew(raw: bytes) -> bytes:
    """Packed by another program: other bytes, the same content."""
    return gzip.compress(raw, compresslevel=1, mtime=1)


@pytest.fixture(autouse=True)
def _source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Published files of nine images, at an address where nobody answers."""
    for name, folder, files in (("MNIST", "mnist", GOOD), ("FASHION_MNIST", "fashion", OTHER)):
        source = _idx_files.Source(
            folder,
            ("http://127.0.0.1:9/",),
            {f"{s}.gz": hashlib.md5(gzip.compress(raw, mtime=0)).hexdigest()
             for s, raw in files.items()},
            {s: hashlib.md5(raw).hexdigest() for s, raw in files.items()},
            getattr(MNIST, name).elsewhere,
        )  # fmt: skip
        monkeypatch.setattr(MNIST, name, source)


def put(folder: Path, files: dict[str, bytes], name=lambda s: s, pack=lambda raw: raw) -> None:
    for stem, raw in files.items():
        path = folder / name(stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack(raw))


def load(root: Path, **options: object) -> torch.Tensor:
    return otg.data.mnist(root, "test", **{"download": False, "progress": False, **options})[0]


def is_good(images: torch.Tensor) -> bool:
    return torch.equal((images[:, 0] * 255).round().to(torch.uint8), torch.from_numpy(
        arrays(0)[STEMS[0]].astype(np.uint8)))  # fmt: skip


def dotted(stem: str) -> str:
    return stem.replace("-idx", ".idx")


NAMES = {
    "as published": lambda s: f"{s}.gz",
    "unpacked": lambda s: s,
    "with a dot": dotted,
    "with a dot, packed": lambda s: f"{dotted(s)}.gz",
    "in a folder of its name": lambda s: f"{s}/{s}",
    "dotted in a folder": lambda s: f"{s}/{dotted(s)}",
    "dotted in a dotted folder": lambda s: f"{dotted(s)}/{dotted(s)}",
    "packed in a folder": lambda s: f"{s}/{s}.gz",
    "in a folder called .gz": lambda s: f"{s}.gz/{s}",
}
PACKS = {
    "published": lambda raw: gzip.compress(raw, mtime=0),
    "anew": anew,
    "not": lambda raw: raw,
    "twice": lambda raw: anew(anew(raw)),
}
FOLDERS = ["mnist", "mnist/raw", "MNIST/raw", "MNIST", "raw", "."]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pack", PACKS)
def test_names_and_packing_do_not_matter(tmp_path, name, pack) -> None:
    put(tmp_path / "mnist", GOOD, NAMES[name], PACKS[pack])
    assert is_good(load(tmp_path))
    assert is_good(load(tmp_path, download=True))  # nobody answers


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("name", ["as published", "unpacked", "in a folder of its name"])
def test_folders_of_other_programs(tmp_path, folder, name) -> None:
    put(tmp_path / folder, GOOD, NAMES[name])
    assert is_good(load(tmp_path, download=True))


def test_fashion_mnist_is_found_in_torchvisions_folder(tmp_path) -> None:
    put(tmp_path / "FashionMNIST" / "raw", OTHER)
    put(tmp_path / "MNIST" / "raw", GOOD)
    images, _ = otg.data.fashion_mnist(tmp_path, "test", download=False)
    assert not is_good(images)
    assert is_good(load(tmp_path))


@pytest.mark.parametrize("bad", [OTHER, {s: b"<html>" for s in STEMS},
                                 {s: raw[:-1] for s, raw in GOOD.items()}])  # fmt: skip
@pytest.mark.parametrize("pack", ["anew", "not"])
def test_a_good_file_beside_a_bad_one_is_taken(tmp_path, bad, pack) -> None:
    put(tmp_path / "mnist", bad, NAMES["as published"], PACKS[pack])
    put(tmp_path / "mnist", GOOD, NAMES["with a dot"])
    assert is_good(load(tmp_path))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pack", ["anew", "not"])
def test_another_data_set_under_the_name_is_refused(tmp_path, name, pack) -> None:
    put(tmp_path / "mnist", OTHER, NAMES[name], PACKS[pack])
    for download in (False, True):
        with pytest.raises(ValueError, match="must have the MD5 checksum"):
            load(tmp_path, download=download)


def test_another_data_set_elsewhere_is_passed_over_and_said(tmp_path) -> None:
    put(tmp_path, OTHER)
    with pytest.raises(FileNotFoundError, match="ubyte is another file"):
        load(tmp_path)
    with pytest.raises(otg.data.DownloadError):
        load(tmp_path, download=True)


def test_labels_of_another_file_are_refused(tmp_path) -> None:
    put(tmp_path / "mnist", {STEMS[0]: GOOD[STEMS[0]], STEMS[1]: OTHER[STEMS[1]]})
    with pytest.raises(ValueError, match=f"{STEMS[1]} must have the MD5 checksum"):
        load(tmp_path)


# --- what cannot be written ---------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOSPC])
@pytest.mark.parametrize("call", ["mkdir", "open"])
def test_a_cache_that_cannot_be_written_names_the_variable(
    tmp_path, monkeypatch, code, call
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(Path, call, refuse)
    with pytest.raises(OSError, match=r"cannot be written to .*OTGEN_DATA") as error:
        load(tmp_path, download=True)
    assert isinstance(error.value, PermissionError) == (code in (errno.EACCES, errno.EPERM))


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_disk_that_is_full_is_not_the_networks_fault(tmp_path, monkeypatch, code) -> None:
    def full(*args: object) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(_fetch, "_transfer", full)
    with pytest.raises(OSError, match=r"cannot be written to .*OTGEN_DATA"):
        load(tmp_path, download=True)


def test_a_home_that_is_not_there_and_a_root_that_is_none(monkeypatch) -> None:
    monkeypatch.delenv("OTGEN_DATA", raising=False)

    def homeless(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    with pytest.raises(RuntimeError, match="OTGEN_DATA"):
        otg.data.data_dir()
    with pytest.raises(TypeError, match="root must be a path or None, got 5"):
        otg.data.mnist(5)


def test_the_published_contents_are_those_of_the_two_sets() -> None:
    import importlib

    fresh = importlib.util.find_spec("otgen_lite.data.mnist")
    module = importlib.util.module_from_spec(fresh)
    fresh.loader.exec_module(module)
    for source in (module.MNIST, module.FASHION_MNIST):
        assert [f"{name}.gz" for name in source.content] == list(source.md5)
        assert all(len(bytes.fromhex(md5)) == 16 for md5 in source.content.values())
    assert len({*module.MNIST.content.values(), *module.FASHION_MNIST.content.values()}) == 8
