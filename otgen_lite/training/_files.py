"""Files that are replaced whole: whoever reads one finds the old or the new, never half of it."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where a file that somebody has open cannot be removed anyway
    fcntl = None  # type: ignore[assignment]


@contextmanager
def replaced(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into, which takes the name ``path`` when all is written.

    The bytes go to a file beside it, reach the disk, and only then take the name. A link stays a
    link, and what it points to is replaced. The new file has the mode of the old one; where there
    is none, that of any new file. What writers who were killed left beside it is removed.

    Raises:
        OSError: if the folder cannot be written.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    name, number = _fresh(path)
    try:
        with os.fdopen(number, "wb") as file:
            with suppress(OSError):
                if hasattr(os, "fchmod"):
                    os.fchmod(number, stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name != "nt":  # while it is held, nobody takes it for a leftover
                os.replace(name, path)
        if os.name == "nt":
            os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def check(path: Path) -> None:
    """See that a file can be written there, before the work whose result it will hold.

    Raises:
        ValueError: if there is something that is no file, or the folder takes no files.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise ValueError(f"checkpoint must be a file, got {str(path)!r}, which is none")
    folder = target.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ValueError(
            f"checkpoint must be in a folder that can be written to, got {str(path)!r}, but "
            f"{str(folder)!r} is none"
        )


def _fresh(path: Path) -> tuple[str, int]:
    """A new file beside ``path``, open and held by this process."""
    while True:
        name = str(path.with_name(f".{path.name}.{secrets.token_hex(4)}.part"))
        try:
            number = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
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
        left = [e.path for e in entries if _leftover(e.name, path.name)]
    for name in left:
        with suppress(OSError):
            number = os.open(name, os.O_WRONLY)
            try:
                if fcntl is not None and _locks(number):
                    os.unlink(name)
            finally:
                os.close(number)


def _leftover(name: str, own: str) -> bool:
    """Whether a name is one that :func:`_fresh` gives."""
    head, tail = f".{own}.", ".part"
    return name.startswith(head) and name.endswith(tail) and name.count(".") == own.count(".") + 3


def _locks(number: int) -> bool:
    """Whether nobody else holds the file, as far as the file system knows."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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
