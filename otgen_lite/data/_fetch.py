"""Files from the web: once, whole, checked, and resumed where a download broke off."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

_CHUNK = 1 << 18
_TIMEOUT = 30.0

#: Times that one address is asked, each time for what is still missing.
_ATTEMPTS = 4


class DownloadError(OSError):
    """A file could not be fetched from any of its addresses; the message says what to do."""


def data_dir(root: str | os.PathLike[str] | None = None) -> Path:
    """The directory in which downloaded data sets are kept.

    Args:
        root: a directory. Where it is None, the directory that the environment variable
            ``OTGEN_DATA`` names; where that is not set either, ``otgen_lite`` in the user's cache
            directory.

    Returns:
        The path, which need not exist yet.

    Example:
        >>> data_dir("somewhere").name
        'somewhere'
    """
    if root is not None and not isinstance(root, (str, os.PathLike)):
        raise TypeError(f"root must be a path or None, got {root!r}")
    chosen = root if root is not None else os.environ.get("OTGEN_DATA")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        cache = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    elif sys.platform == "darwin":
        cache = "~/Library/Caches"
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(cache).expanduser() / "otgen_lite"
    except RuntimeError as error:
        raise RuntimeError(
            f"there is no home directory to keep data sets in ({error}); set the environment "
            "variable OTGEN_DATA to a directory, or give root="
        ) from error


def md5_of(path: Path) -> str:
    """The MD5 checksum of a file, as data sets publish it; no protection against malice."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def check(path: Path, md5: str, urls: Sequence[str]) -> Path:
    """The path itself; ValueError where the file there is not the published one."""
    found = md5_of(path)
    if found != md5:
        raise ValueError(
            f"{path} must have the MD5 checksum {md5}, got {found}: it is damaged or another file. "
            f"Delete it; the right one is at {urls[0]}"
        )
    return path


def fetch(urls: Sequence[str], path: Path, md5: str, *, progress: bool = True) -> Path:
    """The file at ``path``: as it is where it exists, fetched where it does not.

    The download goes to ``path`` with ``.part`` appended, is resumed there (HTTP Range), checked,
    and only then renamed, so that ``path`` is never half a file. Processes that want the same file
    wait for the one that is fetching it.

    Args:
        urls: addresses of the same file, tried in this order.
        path: where it shall lie.
        md5: its published checksum.
        progress: whether to show a bar.

    Raises:
        ValueError: if a file is there and has another checksum.
        DownloadError: if no address gave the file.
    """
    if path.exists():
        return check(path, md5, urls)
    with _writing_to(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        with _alone(path.with_name(path.name + ".lock")):
            if path.exists():  # another process was faster
                return check(path, md5, urls)
            _from_any(urls, part, path, md5, progress)
            os.replace(part, path)
    return path


@contextlib.contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """An error of writing says how to write elsewhere."""
    try:
        yield
    except DownloadError:
        raise
    except OSError as error:
        kind = PermissionError if isinstance(error, PermissionError) else OSError
        raise kind(
            f"{folder} cannot be written to ({error}); choose another directory by root= or the "
            "environment variable OTGEN_DATA",
        ) from error


def _from_any(urls: Sequence[str], part: Path, path: Path, md5: str, progress: bool) -> None:
    reasons = []
    for url in urls:
        for _ in range(_ATTEMPTS):
            before = part.stat().st_size if part.exists() else 0
            try:
                _transfer(url, part, progress)
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, PermissionError) or _is_of_the_disk(error):
                    raise
                reasons.append(f"{url}: {_reason(error)}")
                if _grown(part, before):
                    continue  # ask for the rest
                break
            if md5_of(part) == md5:
                return
            reasons.append(f"{url}: the file has the MD5 checksum {md5_of(part)}, not {md5}")
            part.unlink()
            if before == 0:
                break  # whole and wrong; what was resumed is tried once more, from its start
    last = list(dict.fromkeys(reasons))
    raise DownloadError(
        f"{path.name} could not be fetched. Tried {'; '.join(last)}. If this machine is offline, "
        f"fetch {urls[0]} elsewhere and put it at {path} (MD5 {md5})"
    )


def _is_of_the_disk(error: BaseException) -> bool:
    """Whether it was the writing that failed: another address would not help."""
    full = (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG)
    return isinstance(error, OSError) and error.errno in full


def _grown(part: Path, before: int) -> bool:
    return part.exists() and part.stat().st_size > before


def _transfer(url: str, part: Path, progress: bool) -> None:
    """Appends to the part what it lacks; OSError where the connection ends too early."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "otgen-lite"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is missing, or the part is too long
            error.close()
            return
        raise
    with response:
        resumed = response.status == 206 and _starts_at(response, have)
        if response.status == 206 and not resumed:
            part.unlink()
            raise OSError("the server sent another range than was asked for")
        length = response.headers.get("Content-Length")
        expected = int(length) if length is not None else None
        with part.open("ab" if resumed else "wb") as file:
            got = _copy(response, file, part.name, expected, progress)
            file.flush()
            os.fsync(file.fileno())
    if expected is not None and got < expected:
        raise OSError(f"the connection ended after {got} of {expected} bytes")


def _starts_at(response: Any, have: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _copy(
    source: IO[bytes], target: IO[bytes], name: str, expected: int | None, progress: bool
) -> int:
    from tqdm.auto import tqdm

    got = 0
    title = name.removesuffix(".part")
    with tqdm(
        total=expected, unit="B", unit_scale=True, desc=title, leave=False, disable=not progress
    ) as bar:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
            got += len(chunk)
            bar.update(len(chunk))
    return got


def _reason(error: BaseException) -> str:
    inner = getattr(error, "reason", None)
    return f"{type(error).__name__}: {inner if inner is not None else error}"


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time, where the system has file locks; they end with the process."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    lock.unlink(missing_ok=True)
