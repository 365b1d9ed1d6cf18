"""Checkpoints: read whole, with the right checksum, of the same problem; loaded without code.

A file is what ``torch.save`` writes and a last line with the SHA-256 of all bytes before it. So
``torch.load(path, weights_only=True)`` shows what is inside.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from otgen_lite import _identity
from otgen_lite.training import writing

#: The layout of the file; another one is not read.
VERSION = 3

#: The last line of a file, before the digest.
_SEAL = b"\notgen_lite checkpoint, sha256 "
_LENGTH = len(_SEAL) + 64 + 1

#: The entries of every checkpoint.
KEYS = (
    "options", "problem", "moved", "step", "seconds", "method", "players", "averages", "batches",
    "losses", "metrics", "failed",
)  # fmt: skip

#: How many differences a message lists.
_LISTED = 4

#: A difference between two runs: what differs, what it was, what it is now.
Difference = tuple[str, str | None, str | None]


class At(os.PathLike[str]):
    """A file for checkpoints of one member of a grid: the member's point stands in it.

    Args:
        path: its place.
        point: the point, in words that no other point has.
    """

    def __init__(self, path: str | os.PathLike[str], point: str) -> None:
        self._path, self.point = os.fspath(path), point

    def __fspath__(self) -> str:
        return self._path


class _Sealed:
    """A file that computes the checksum of its content while it is written."""

    def __init__(self, file: Any) -> None:
        self._file, self._sum = file, hashlib.sha256()

    def write(self, data: Any) -> int:
        """Write, and remember."""
        self._sum.update(data)
        return int(self._file.write(data))

    def flush(self) -> None:
        """Nothing: the file is flushed once, when it is whole."""

    def seal(self) -> None:
        """Write the last line."""
        self._file.write(_SEAL + self._sum.hexdigest().encode() + b"\n")


def write(path: Path, content: dict[str, Any], *, keep: bool = True) -> None:
    """Write a checkpoint so that the file is the old one or the new one, whatever happens.

    Args:
        path: the file.
        content: its entries.
        keep: False to find out whether it can be written, and to leave the file as it is.

    Raises:
        OSError: if it cannot be written.
    """
    with writing.whole(path, keep=keep) as file:
        sealed: Any = _Sealed(file)
        torch.save({"version": VERSION, **content}, sealed)
        sealed.seal()


def read(path: Path) -> bytes | None:
    """The bytes of a checkpoint, or None where there is no such file."""
    return path.read_bytes() if path.is_file() else None


def parse(path: Path, content: bytes) -> dict[str, Any]:
    """A checkpoint from its bytes: tensors, numbers and names, no code.

    Raises:
        ValueError: if it is no checkpoint, is damaged, has another layout or lacks something.
    """
    if content[-_LENGTH:-65] != _SEAL or content[-1:] != b"\n":
        raise ValueError(_unsealed(path, content))
    body = memoryview(content)[:-_LENGTH]
    if hashlib.sha256(body).hexdigest().encode() != content[-65:-1]:
        raise ValueError(
            f"checkpoint must be a file as fit wrote it, got {str(path)!r}, which was damaged or "
            "changed since: its checksum is wrong; remove it, or start anew with resume=False"
        )
    found = _loaded(path, content)
    if found.get("version") != VERSION:
        raise ValueError(_other_layout(path, found.get("version")))
    need(path, found, KEYS)
    return found


def _unsealed(path: Path, content: bytes) -> str:
    """The message about a file without a checksum at its end."""
    version = _loaded(path, content).get("version")
    if isinstance(version, int) and version != VERSION:
        return _other_layout(path, version)
    return (
        f"checkpoint must be a file that fit wrote, got {str(path)!r}, which has no checksum at "
        "its end: it was cut off, or something else wrote it; remove it, or begin anew with "
        "resume=False"
    )


def _other_layout(path: Path, version: Any) -> str:
    return (
        f"checkpoint must have layout {VERSION}, got {version} in {str(path)!r}, which another "
        "version of otgen_lite wrote; begin anew with resume=False, or at another path"
    )


def _loaded(path: Path, content: bytes) -> dict[str, Any]:
    """The content of the file: weights only."""
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if not isinstance(found, dict):
            raise TypeError(f"it holds a {type(found).__name__}")
    except Exception as e:  # whatever a file of random bytes brings about
        raise ValueError(
            f"checkpoint must be a file that fit wrote, got {str(path)!r}, which cannot be read "
            f"({type(e).__name__}); remove it, or begin anew with resume=False"
        ) from None
    return found


def need(path: Path, found: Any, keys: Sequence[str], inside: str = "") -> None:
    """See that a part of a checkpoint has these keys.

    Raises:
        ValueError: if one is missing; the message names it and the file.
    """
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            where = f"{inside}[{key!r}]" if inside else repr(key)
            raise ValueError(
                f"checkpoint {str(path)!r} must hold {where}, got none; remove it, or begin anew "
                "with resume=False"
            )


def agree(path: Path, changed: Sequence[Difference]) -> None:
    """See that nothing has changed between the run that wrote a checkpoint and this one.

    Raises:
        ValueError: if something has; the message says what it was and what it is.
    """
    for name, old, new in changed:
        if f"{name} ".startswith("point ") and old is not None and new is not None:
            raise ValueError(
                f"checkpoint must be of the same grid, got one with {old} where now is {new}, in "
                f"{str(path)!r}; give another path, or resume=False"
            )
    if changed:
        parts = [
            f"{name or 'the method'} was {_short(old)}, now {_short(new)}"
            for name, old, new in changed[:_LISTED]
        ]
        if len(changed) > _LISTED:
            parts.append(f"and {len(changed) - _LISTED} more")
        raise ValueError(
            f"checkpoint {str(path)!r} was made with other options: {'; '.join(parts)}; give "
            "these again, another path, or resume=False"
        )


def of_problem(found: dict[str, Any], facts: Mapping[str, str]) -> list[Difference]:
    """The differences between the method of a checkpoint and this one, before training.

    What has moved by the time of the checkpoint is part of the state, which is loaded.
    """
    return _identity.differences(found["problem"], facts, found["moved"])


def of_options(before: Mapping[str, str], now: Mapping[str, str]) -> list[Difference]:
    """Options that differ."""
    return [
        (name, before.get(name), now.get(name))
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def _short(words: str | None, most: int = 60) -> str:
    """An option in a message."""
    words = "not there" if words is None else words
    return words if len(words) <= most else words[: most - 1] + "…"


def named(value: Any) -> str:
    """An option in words that are the same in every process and every run."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {named(v)}" for k, v in sorted(value.items())) + "}"
    return _identity.words(value)
