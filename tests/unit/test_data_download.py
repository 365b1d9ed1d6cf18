"""MNIST's loaders on small files in the true format, from servers that behave and that do not."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import multiprocessing
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import otgen_lite as otg
from otgen_lite.data import _fetch, _idx
from tests.patience import HANGS

MNIST = sys.modules["otgen_lite.data.mnist"]
FILES = MNIST._FILES


def idx(array: np.ndarray) -> bytes:
    """The true format: two zeros, type 8, number of dimensions, big-endian sizes, numbers."""
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "train-images-idx3-ubyte.gz": rng.integers(0, 256, (60, 28, 28)),
        "train-labels-idx1-ubyte.gz": np.arange(60) % 10,
        "t10k-images-idx3-ubyte.gz": rng.integers(0, 256, (10, 28, 28)),
        "t10k-labels-idx1-ubyte.gz": np.arange(10)[::-1],
    }


class Server:
    """A local server with files, and the ways in which servers misbehave."""

    def __init__(self) -> None:
        self.files = {name: gzip.compress(idx(array), mtime=0) for name, array in arrays().items()}
        self.requests: list[tuple[str, str | None]] = []
        self.ranges = True
        self.break_after: list[int] = []  # bytes of the body after which connections end
        self.wrong_start = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/"

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        name, asked = request.path[1:], request.headers.get("Range")
        self.requests.append((name, asked))
        if name not in self.files:
            return request.send_error(404)
        body, start = self.files[name], 0
        if asked and self.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                return request.send_error(416)
            start = start + 1 if self.wrong_start else start
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            request.send_response(200)
        body = body[start:]
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.break_after:
            body = body[: self.break_after.pop(0)]
            request.close_connection = True
        request.wfile.write(body)
        return None


@pytest.fixture
def server() -> Iterator[Server]:
    out = Server()
    yield out
    out.http.shutdown()
    out.http.server_close()


@pytest.fixture
def source(server: Server, monkeypatch: pytest.MonkeyPatch) -> MNIST.Source:
    """MNIST's source, at the local server, with the checksums of its files."""
    md5 = {name: hashlib.md5(body).hexdigest() for name, body in server.files.items()}
    out = MNIST.Source("mnist", (server.url,), md5)
    monkeypatch.setattr(MNIST, "MNIST", out)
    return out


def load(root: Path, split: str = "train", **options: object) -> tuple[torch.Tensor, torch.Tensor]:
    return otg.data.mnist(root, split, progress=False, **options)


@pytest.mark.parametrize("split", ["train", "test"])
def test_images_and_labels_are_those_of_the_files(server, source, tmp_path, split) -> None:
    images, labels = load(tmp_path, split)
    prefix = {"train": "train", "test": "t10k"}[split]
    pixels = arrays()[f"{prefix}-images-idx3-ubyte.gz"]
    assert images.shape == (len(pixels), 1, 28, 28)
    assert images.dtype == torch.get_default_dtype()
    assert labels.dtype == torch.int64
    torch.testing.assert_close(images[:, 0], torch.from_numpy(pixels / 255.0).float())
    assert labels.tolist() == arrays()[f"{prefix}-labels-idx1-ubyte.gz"].tolist()
    assert load(tmp_path, split, dtype=torch.float64)[0].dtype == torch.float64


def test_files_are_fetched_once_and_nothing_else_is_left(server, source, tmp_path) -> None:
    first = load(tmp_path)
    assert [name for name, _ in server.requests] == list(FILES[:2])
    second = load(tmp_path)
    assert len(server.requests) == 2
    assert torch.equal(first[0], second[0])
    assert sorted(p.name for p in (tmp_path / "mnist").iterdir()) == sorted(FILES[:2])


def test_a_broken_download_is_resumed_in_the_same_call(server, source, tmp_path) -> None:
    size = len(server.files[FILES[0]])
    server.break_after = [10_000, 5_000]
    images, _ = load(tmp_path)
    assert server.requests[:3] == [
        (FILES[0], None),
        (FILES[0], "bytes=10000-"),
        (FILES[0], "bytes=15000-"),
    ]
    assert size > 15_000
    assert torch.equal(images, load(tmp_path)[0])


def test_a_download_that_was_killed_is_resumed_later(server, source, tmp_path) -> None:
    (tmp_path / "mnist").mkdir()
    part = tmp_path / "mnist" / (FILES[0] + ".part")
    part.write_bytes(server.files[FILES[0]][:777])
    load(tmp_path)
    assert server.requests[0] == (FILES[0], "bytes=777-")
    assert not part.exists()


def test_what_a_broken_download_got_is_kept_for_the_next_call(server, source, tmp_path) -> None:
    server.break_after = [1000] * _fetch._ATTEMPTS
    with pytest.raises(otg.data.DownloadError, match="the connection ended after 1000 of"):
        load(tmp_path)
    part = tmp_path / "mnist" / (FILES[0] + ".part")
    assert part.read_bytes() == server.files[FILES[0]][: 1000 * _fetch._ATTEMPTS]
    assert not (tmp_path / "mnist" / FILES[0]).exists()
    load(tmp_path)
    assert (FILES[0], f"bytes={1000 * _fetch._ATTEMPTS}-") in server.requests


def test_a_server_without_range_sends_all_again(server, source, tmp_path) -> None:
    server.ranges, server.break_after = False, [10_000]
    images, _ = load(tmp_path)
    assert len(images) == 60
    # The rest was asked for, all was sent, and that was enough.
    assert server.requests == [(FILES[0], None), (FILES[0], "bytes=10000-"), (FILES[1], None)]


def test_a_server_that_sends_another_range_does_not_spoil_the_file(
    server, source, tmp_path
) -> None:
    server.wrong_start, server.break_after = True, [10_000]
    with pytest.raises(otg.data.DownloadError, match="another range than was asked for"):
        load(tmp_path)
    assert not (tmp_path / "mnist" / FILES[0]).exists()


@pytest.mark.parametrize("extra", [b"", b"too much"])
def test_a_part_that_is_already_whole_or_too_long(server, source, tmp_path, extra: bytes) -> None:
    (tmp_path / "mnist").mkdir()
    part = tmp_path / "mnist" / (FILES[0] + ".part")
    part.write_bytes(server.files[FILES[0]] + extra)
    load(tmp_path)
    assert ((FILES[0], None) in server.requests) == bool(extra)


def test_a_part_of_another_file_is_thrown_away(server, source, tmp_path) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / (FILES[0] + ".part")).write_bytes(b"something else")
    load(tmp_path)
    assert server.requests[:2] == [(FILES[0], "bytes=14-"), (FILES[0], None)]


def test_a_wrong_checksum_is_an_error_and_leaves_no_file(server, source, tmp_path) -> None:
    server.files[FILES[0]] = b"an error page with status 200"
    with pytest.raises(otg.data.DownloadError, match=r"has the MD5 checksum \w+, not "):
        load(tmp_path)
    assert [p.name for p in (tmp_path / "mnist").iterdir()] == [FILES[0] + ".lock"]
    assert len(server.requests) == 1  # a whole wrong file is not asked for again


def test_the_second_mirror_is_tried(server, source, tmp_path, monkeypatch) -> None:
    mirrors = (server.url + "elsewhere/", server.url)
    monkeypatch.setattr(MNIST, "MNIST", MNIST.Source("mnist", mirrors, source.md5))
    assert len(load(tmp_path)[0]) == 60
    assert server.requests[0][0] == "elsewhere/" + FILES[0]


def test_offline_the_error_says_what_to_do(tmp_path, monkeypatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]  # nobody listens there
    source = MNIST.Source("mnist", (f"http://127.0.0.1:{port}/",), MNIST.MNIST.md5)
    monkeypatch.setattr(MNIST, "MNIST", source)
    with pytest.raises(otg.data.DownloadError) as error:
        load(tmp_path)
    message = str(error.value)
    assert f"http://127.0.0.1:{port}/{FILES[0]}" in message
    assert str(tmp_path / "mnist" / FILES[0]) in message
    assert "f68b3c2dcbeaaa9fbdd348bbdeb94873" in message
    assert "offline" in message


def test_a_damaged_file_is_not_read(server, source, tmp_path) -> None:
    load(tmp_path)
    path = tmp_path / "mnist" / FILES[0]
    path.write_bytes(path.read_bytes()[:-1])
    for download in (True, False):
        with pytest.raises(ValueError, match="must have the MD5 checksum"):
            load(tmp_path, download=download)


def test_without_download_the_error_names_address_and_place(source, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="download=True") as error:
        load(tmp_path, download=False)
    assert str(tmp_path / "mnist" / FILES[0]) in str(error.value)


def test_unpacked_files_are_used(server, source, tmp_path) -> None:
    (tmp_path / "mnist").mkdir()
    for name, array in arrays().items():
        (tmp_path / "mnist" / name.removesuffix(".gz")).write_bytes(idx(array))
    images, _ = load(tmp_path)
    assert server.requests == []
    assert len(images) == 60


def test_fashion_mnist_has_its_own_folder_and_addresses(
    server, source, tmp_path, monkeypatch
) -> None:
    fashion = MNIST.Source("fashion_mnist", source.mirrors, source.md5)
    monkeypatch.setattr(MNIST, "FASHION_MNIST", fashion)
    images, _ = otg.data.fashion_mnist(tmp_path, "test", progress=False)
    assert len(images) == 10
    assert (tmp_path / "fashion_mnist" / FILES[2]).exists()


def _fetch_into(path: Path, url: str, md5: str, queue: multiprocessing.Queue) -> None:
    queue.put(_fetch.md5_of(_fetch.fetch([url], path, md5, progress=False)))


def test_two_processes_fetch_a_file_once(server, tmp_path) -> None:
    md5 = hashlib.md5(server.files[FILES[0]]).hexdigest()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    arguments = (tmp_path / "file", server.url + FILES[0], md5, queue)
    workers = [context.Process(target=_fetch_into, args=arguments) for _ in range(3)]
    for worker in workers:
        worker.start()
    assert [queue.get(timeout=HANGS) for _ in workers] == [md5] * 3
    for worker in workers:
        worker.join(HANGS)
    assert server.requests == [(FILES[0], None)]


# --- the format -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "must begin with 00 00 08"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00", "must begin with 00 00 08"),  # floats
        (b"\x00\x00\x08\x00", "must begin with 00 00 08"),
        (b"\x00\x00\x08\x03\x00\x00\x00\x01", "must hold 3 sizes"),
        (idx(np.zeros((2, 3)))[:-1], r"must hold 6 numbers for the shape \(2, 3\), got 5"),
        (idx(np.zeros((2, 3))) + b"\x00", "must hold 6 numbers .* got 7"),
        (b"PK\x03\x04", "must begin with 00 00 08"),
    ],
)
def test_a_file_that_is_not_idx(tmp_path: Path, raw: bytes, message: str) -> None:
    plain, packed = tmp_path / "file", tmp_path / "file.gz"
    plain.write_bytes(raw)
    packed.write_bytes(gzip.compress(raw))
    for path in (plain, packed):
        with pytest.raises(ValueError, match=message):
            _idx.read(path)


def test_sizes_are_big_endian(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x03" + bytes(range(6)))
    np.testing.assert_array_equal(_idx.read(path), [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize("cut", [12, -4, -12])
def test_a_damaged_gzip_file(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(idx(np.arange(100)))[:cut])
    with pytest.raises(ValueError, match="damaged gzip"):
        _idx.read(path)
    path.write_bytes(b"<html>")
    with pytest.raises(ValueError, match="must be a gzip file"):
        _idx.read(path)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((3, 28, 27)), np.zeros(3), "images of 28 x 28"),
        (np.zeros((3, 784)), np.zeros(3), "images of 28 x 28"),
        (np.zeros((3, 28, 28)), np.zeros(4), "must hold 3 labels from 0 to 9"),
        (np.zeros((3, 28, 28)), np.full(3, 10), "must hold 3 labels from 0 to 9"),
    ],
)
def test_arrays_that_are_not_mnist(tmp_path: Path, images, labels, message: str) -> None:
    folder = tmp_path / "mnist"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte").write_bytes(idx(images))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


# --- where things lie, and what is refused ----------------------------------------------------


def test_the_directory_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTGEN_DATA", str(tmp_path / "of the variable"))
    assert otg.data.data_dir() == tmp_path / "of the variable"
    assert otg.data.data_dir(tmp_path) == tmp_path
    monkeypatch.delenv("OTGEN_DATA")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert otg.data.data_dir() == tmp_path / "otgen_lite"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert otg.data.data_dir() == tmp_path / ".cache" / "otgen_lite"
    assert otg.data.data_dir("~/x") == tmp_path / "x"


def test_a_file_in_the_place_of_the_directory(source, tmp_path: Path) -> None:
    (tmp_path / "mnist").write_text("not a directory")
    with pytest.raises(OSError, match="mnist"):
        load(tmp_path)


@pytest.mark.parametrize("split", ["valid", "t10k", ""])
def test_unknown_splits(split: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="split must be one of 'train', 'test'"):
        load(tmp_path, split)


def test_whole_numbers_are_no_type_for_images(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="dtype must be a floating type"):
        load(tmp_path, dtype=torch.uint8)


def test_every_address_is_whole_and_every_checksum_an_md5() -> None:
    for source in (MNIST.MNIST, MNIST.FASHION_MNIST):
        assert set(source.md5) == set(FILES)
        assert all(len(bytes.fromhex(md5)) == 16 for md5 in source.md5.values())
        assert len(set(source.md5.values())) == 4
        assert all(url.startswith("http") and url.endswith(".gz") for url in source.urls(FILES[0]))
    assert not set(MNIST.MNIST.md5.values()) & set(MNIST.FASHION_MNIST.md5.values())
