"""Published IDX files, found wherever they lie and known by their content.

A file's name and its packing are the affair of whoever fetched it: mirrors pack anew, browsers
unpack, torchvision and Kaggle have folders of their own. What counts is the content's checksum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from otgen_lite.data import _idx
from otgen_lite.data._fetch import fetch


@dataclass(frozen=True)
class Source:
    """Addresses of IDX files, and their published MD5 checksums.

    Attributes:
        folder: where they are fetched to, in the directory of the data sets.
        mirrors: addresses that a file's name is appended to.
        md5: by name the checksum of the gzip file that is fetched.
        content: by name, without ``.gz``, that of the unpacked file.
        elsewhere: folders of other programs.
    """

    folder: str
    mirrors: tuple[str, ...]
    md5: dict[str, str]
    content: dict[str, str] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    def urls(self, file: str) -> list[str]:
        return [mirror + file for mirror in self.mirrors]


@dataclass(frozen=True)
class Found:
    """A file's path and unpacked content; ``fault`` says why it is not the published one."""

    path: Path
    content: bytes
    fault: str = ""


def find(source: Source, root: Path, file: str, download: bool, progress: bool) -> Found:
    """The published file, from where it lies or fetched.

    A file in ``root / source.folder`` that is another one is an answer too, with its fault: nobody
    wants it replaced unasked. Elsewhere it may be that of another data set, and is passed over.

    Raises:
        ValueError: if the only file there is cannot be unpacked.
        DownloadError: if it could not be fetched.
        FileNotFoundError: if it is missing and ``download`` is false.
    """
    own, others = root / source.folder, []
    faulty: Found | None = None
    for folder in (own, own / "raw", *(root / name for name in source.elsewhere), root):
        for path in _named(folder, file):
            found = _judged(source, path, file)
            if not found.fault:
                return found
            if folder == own:
                faulty = faulty or found
            else:
                others.append(str(path))
    if faulty is not None:
        if not faulty.content:
            raise ValueError(faulty.fault)
        return faulty
    path = own / file
    if download:
        return _judged(source, fetch(source.urls(file), path, source.md5[file], progress=progress),
                       file)  # fmt: skip
    passed = f"; {' and '.join(others)} is another file" if others else ""
    raise FileNotFoundError(
        f"{path} does not exist; allow download=True, or fetch {source.urls(file)[0]} and put "
        f"it there (MD5 {source.md5[file]}), packed or not{passed}"
    )


def _named(folder: Path, file: str) -> Iterator[Path]:
    """Files of that name in a folder: packed or not, with a dot, in a folder of that name."""
    stem = file.removesuffix(".gz")
    dotted = stem.replace("-idx", ".idx")
    names = [name + end for end in (".gz", "") for name in (stem, dotted)]
    for name in names:
        path = folder / name
        if path.is_dir():
            yield from (path / inner for inner in names if (path / inner).is_file())
        elif path.exists():
            yield path


def _judged(source: Source, path: Path, file: str) -> Found:
    """Content of a file, and whether that is what was published."""
    wanted = source.content.get(file.removesuffix(".gz"))
    try:
        raw = path.read_bytes()
    except OSError as error:
        return Found(path, b"", f"{path} cannot be read: {error}")
    digest = _md5(raw)
    try:
        content = _idx.unpacked(raw, path)
    except ValueError as error:
        return Found(path, b"", _fault(source, path, file, f"{digest} ({error})"))
    if digest == source.md5[file]:
        return Found(path, content)
    if wanted is None:  # then only the packed file has a published checksum
        return Found(path, content, "" if content is raw else _fault(source, path, file, digest))
    found = _md5(content)
    return Found(path, content, "" if found == wanted else _fault(source, path, file, found))


def _fault(source: Source, path: Path, file: str, digest: str) -> str:
    wanted = source.content.get(file.removesuffix(".gz"))
    unpacked = f", or {wanted} unpacked" if wanted else ""
    return (
        f"{path} must have the MD5 checksum {source.md5[file]}{unpacked}, got {digest}: it is "
        f"damaged or another file. Delete it; the right one is at {source.urls(file)[0]}"
    )


def _md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()
