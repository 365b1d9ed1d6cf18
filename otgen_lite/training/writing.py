"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows, where a file that somebody has open cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

_BINARY = getattr(os, "O_BINARY", 0)


@contextmanager
def whole(path: Path, *, keep: bool = True) -> Iterator[Any]:
    """A file to write bytes to, which then is the old one or the new one, whatever happens.

    The bytes go to a file beside it, reach the disk, and only then take the name. What writers who
    were killed left beside it is removed.

    Args:
        path: the file; folders above it are made.
        keep: False to write, and to throw away what was written: whether it could be.

    Raises:
        OSError: if it cannot be written; the message names the path.
    """
    told: _Told | None = None
    try:
        target = Path(os.path.realpath(path))  # a link stays one
        with _beside(target) as (number, name):
            with os.fdopen(number, "wb") as file:
                yield (told := _Told(file))
                file.flush()
                os.fsync(file.fileno())
                if keep and os.name != "nt":  # while it is held, nobody takes it for a leftover
                    os.replace(name, target)
            if keep and os.name == "nt":
                os.replace(name, target)
        if keep:
            _sync(target.parent)
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
def _beside(path: Path) -> Iterator[tuple[int, str]]:
    """A file with another name in the same folder; it is gone afterwards, unless it was moved.

    It has the mode of the file whose place it takes; where there is none, that of any new file.
    """
    _must_be_a_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    name, number = _fresh(path)
    try:
        with suppress(OSError):
            if hasattr(os, "fchmod"):
                os.fchmod(number, stat.S_IMODE(path.stat().st_mode))
        yield number, name
    finally:
        Path(name).unlink(missing_ok=True)


def _fresh(path: Path) -> tuple[str, int]:
    """A new file beside ``path``, open and held by this process."""
    while True:
        name = str(path.with_name(f"{_head(path)}{secrets.token_hex(4)}.part"))
        try:
            number = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o666)
        except FileExistsError:
            continue
        if _hold(number) and _there(name, number):
            return name, number
        os.close(number)  # another writer took it for a leftover


def _hold(number: int) -> bool:
    """Hold an open file as long as this process lives; False where another one holds it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _there(name: str, number: int) -> bool:
    try:
        return os.path.samestat(os.stat(name), os.fstat(number))
    except FileNotFoundError:
        return False


def _sweep(path: Path) -> None:
    """Remove what dead writers of this file left: files that nobody holds."""
    with os.scandir(path.parent) as entries:
        left = [e.path for e in entries if _leftover(e.name, _head(path))]
    for name in left:
        with suppress(OSError):
            number = os.open(name, os.O_WRONLY)
            try:
                if fcntl is not None and _locks(number):
                    os.unlink(name)
            finally:
                os.close(number)


def _head(path: Path) -> str:
    """The beginning of the names of the files beside one. Where its own name just fits, they
    have to fit too."""
    return f".{path.name[:32]}."


def _leftover(name: str, head: str) -> bool:
    """Whether a name is one that :func:`_fresh` gives."""
    return re.fullmatch(re.escape(head) + r"[0-9a-z_]{8}\.part", name) is not None


def _locks(number: int) -> bool:
    """Whether nobody else holds the file, as far as the file system knows."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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
