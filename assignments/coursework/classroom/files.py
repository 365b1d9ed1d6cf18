"""The files in a folder or a zip, by their paths, none of them unpacked and no link followed."""

from __future__ import annotations

import io
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

#: Bytes of the largest submission that is read.
LARGEST = 32 << 20
#: Files in the largest zip that a student hands in.
MEMBERS = 10_000
#: What a member's line in a zip's table of contents begins with.
CENTRAL = b"PK\x01\x02"
#: What systems leave in folders and nobody hands in.
LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini", "__pycache__"}


class UnreadableError(Exception):
    """A file that is not read; the message says why."""


@dataclass(frozen=True)
class File:
    """A file.

    Attributes:
        path: where it lies, from the folder of submissions.
        size: bytes.
        place: the file on the disk that holds it: itself, or a zip.
        inside: names by which zips in zips lead to it, none if it is no zip's.
        link: whether it is a link, which is not followed.
    """

    path: PurePosixPath
    size: int
    place: Path
    inside: tuple[str, ...] = ()
    link: bool = False

    def read(self) -> bytes:
        """Its bytes; raises :class:`UnreadableError`."""
        if self.link:
            raise UnreadableError("a link to another place, which is not followed")
        if self.size > LARGEST:
            raise UnreadableError(
                f"{self.size / 1e6:.0f} MB, and at most {LARGEST >> 20} MB are read: "
                "large outputs in it? (Kernel > Restart and clear output)"
            )
        try:
            if not self.inside:
                return self.place.read_bytes()
            source: Path | io.BytesIO = self.place
            for name in self.inside:
                with zipfile.ZipFile(source) as opened, opened.open(name) as member:
                    # What a header says of its size need not be true.
                    data = member.read(LARGEST + 1)
                if len(data) > LARGEST:
                    raise UnreadableError(f"more than {LARGEST >> 20} MB when it is unpacked")
                source = io.BytesIO(data)
            return data
        except UnreadableError:
            raise
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
            raise UnreadableError(f"it cannot be read: {error}") from error
        except Exception as error:  # zlib.error and others of a damaged zip
            raise UnreadableError(f"it cannot be unpacked: {error}") from error


def readable(text: str) -> str:
    """The text in composed form, without what a terminal would obey or no file can hold.

    macOS writes accents apart in the names of files; names need not be text at all.
    """
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def under(root: Path) -> list[File]:
    """All files in a folder, or in a zip, in the order of their paths."""
    found = _in_folder(root) if root.is_dir() else _in_zip(File(_name(root), _size(root), root))
    return sorted((f for f in found if not _litter(f.path)), key=lambda f: f.path.as_posix())


def unpacked(file: File) -> list[File]:
    """The files in a student's zip, as if it were a folder; raises :class:`UnreadableError`."""
    # Of each member a list holds more than the few bytes by which a zip names it.
    if file.read().count(CENTRAL) > MEMBERS:
        raise UnreadableError(f"a zip with more than {MEMBERS} files")
    found = (f for f in _in_zip(file) if not _litter(f.path))
    return sorted(found, key=lambda f: f.path.as_posix())


def _in_folder(root: Path) -> Iterator[File]:
    for path in root.iterdir():
        yield from _at(path, PurePosixPath(path.name))


def _at(path: Path, name: PurePosixPath) -> Iterator[File]:
    if path.is_symlink():
        yield File(name, 0, path, link=True)
    elif path.is_dir():
        try:
            inside = list(path.iterdir())
        except OSError:
            yield File(name, 0, path)  # reading it will say why
            return
        for child in inside:
            yield from _at(child, name / child.name)
    elif path.is_file():
        yield File(name, _size(path), path)


def _in_zip(file: File) -> Iterator[File]:
    source: Path | io.BytesIO = io.BytesIO(file.read()) if file.inside else file.place
    try:
        with zipfile.ZipFile(source) as opened:
            members = opened.infolist()
    except Exception as error:  # of damaged ones struct.error, NotImplementedError and others
        raise UnreadableError(f"it is no zip file: {error}") from error
    for member in members:
        if member.is_dir():
            continue
        # A name with .. leads nowhere: nothing is ever unpacked.
        parts = [p for p in PurePosixPath(member.filename).parts if p not in ("/", "..")]
        if not parts:
            continue
        link = stat.S_ISLNK(member.external_attr >> 16)
        inside = (*file.inside, member.filename)
        yield File(PurePosixPath(*parts), member.file_size, file.place, inside, link)


def _litter(path: PurePosixPath) -> bool:
    return any(part.startswith(".") or part in LITTER for part in path.parts)


def _size(path: Path) -> int:
    return path.stat().st_size


def _name(path: Path) -> PurePosixPath:
    return PurePosixPath(path.name)
