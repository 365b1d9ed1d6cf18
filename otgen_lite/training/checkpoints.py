"""Checkpoints: written whole or not at all, loaded without running code."""

from __future__ import annotations

import io
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import torch

#: The layout of the file; another one is not read.
VERSION = 2


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint so that the file is the old one or the new one, whatever happens.

    The bytes go to a file beside it, reach the disk, and only then take the name.

    Raises:
        OSError: if the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            torch.save({"version": VERSION, **content}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync(path.parent)


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


def read(path: Path) -> bytes | None:
    """The bytes of a checkpoint, or None where there is no such file."""
    return path.read_bytes() if path.is_file() else None


def parse(path: Path, content: bytes, options: dict[str, str]) -> dict[str, Any]:
    """A checkpoint from its bytes: tensors, numbers and names, no code.

    Args:
        path: where it came from, for messages.
        content: its bytes.
        options: the options of this run, which must be those of the run that wrote it.

    Raises:
        ValueError: if it is no checkpoint, or was made with other options.
    """
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        version = found["version"]
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as e:
        raise ValueError(
            f"checkpoint must be a file that fit wrote, got {str(path)!r}, which cannot be read "
            f"({type(e).__name__}); remove it, or begin anew with resume=False"
        ) from None
    if version != VERSION:
        raise ValueError(
            f"checkpoint must have layout {VERSION}, got {version} in {str(path)!r}; begin anew "
            "with resume=False"
        )
    before = found["options"]
    names = sorted({*before, *options})
    changed = [
        f"{name} was {_short(before.get(name))}, now {_short(options.get(name))}"
        for name in names
        if before.get(name) != options.get(name)
    ]
    if changed:
        raise ValueError(
            f"checkpoint {str(path)!r} was made with other options: {'; '.join(changed)}; give "
            "these again, another path, or resume=False"
        )
    return dict(found)


def _short(words: str | None, most: int = 80) -> str:
    """An option in a message."""
    words = "not there" if words is None else words
    return words if len(words) <= most else words[: most - 1] + "…"


def named(value: Any) -> str:
    """An option in words that are the same in every process and every run."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {named(v)}" for k, v in sorted(value.items())) + "}"
    if callable(value):
        module, name = getattr(value, "__module__", ""), getattr(value, "__qualname__", "")
        return f"{module}.{name}" if name else type(value).__qualname__
    return repr(value)
