"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole(path: Path, *, keep: bool = True) -> Iterator[Any]:
    """A file to write bytes to, which then is the old one or the new one, whatever happens.

    The bytes go to a file beside it, reach the disk, and only then take the name.

    Args:
        path: the file; folders above it are made.
        keep: False to write, and to throw away what was written: whether it could be.

    Raises:
        OSError: if it cannot be written; the message names the path.
    """
    told: _Told | None = None
    try:
        with _beside(path) as (number, name):
            with os.fdopen(number, "wb") as file:
                yield (told := _Told(file))
                file.flush()
                os.fsync(file.fileno())
            if keep:
                os.replace(name, path)
        if keep:
            _sync(path.parent)
    except (OSError, RuntimeError) as error:
        # Whoever writes through the file may turn the system's error into one of its own.
        cause = error if isinstance(error, OSError) else told.error if told is not None else None
        if cause is None:
            raise
        raise _with_path(cause, path) from error


def check(path: Path) -> None:
    """See that a file can be written there.

    Raises:
        OSError: if it cannot; the message names the path.
    """
    with whole(path, keep=False) as file:
        file.write(b"\0")


@contextmanager
def _beside(path: Path) -> Iterator[tuple[int, Path]]:
    """A file with another name in the same folder; it is gone afterwards, unless it was moved."""
    _must_be_a_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own, and a short one: where the file's name just fits, this one has to fit too.
    name = path.with_name(f".{path.name[:32]}.{secrets.token_hex(6)}.part")
    number = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        yield number, name
    finally:
        name.unlink(missing_ok=True)


def _must_be_a_file(path: Path) -> None:
    """Refuse the path of a folder or a device, and names that the system does not take."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "this is a folder", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "this is no regular file", str(path))


class _Told:
    """A file that keeps the error of a write."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, content: Any) -> int:
        """Write bytes."""
        try:
            return int(self._file.write(content))
        except OSError as error:
            self.error = error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _with_path(error: OSError, path: Path) -> OSError:
    """The same error, with the path that was asked for."""
    if error.errno is None:
        return OSError(f"cannot write {str(path)!r}: {error}")
    return OSError(error.errno, f"cannot write: {error.strerror}", str(path))


def _sync(folder: Path) -> None:
    """Make the new name last; not every system lets a folder be opened."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(number)
    except OSError:
        pass
    finally:
        os.close(number)
