"""Checkpoints: written whole or not at all, loaded without running code."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from otgen_lite.training import writing

#: The layout of the file; another one is not read.
VERSION = 2


def write(path: Path, content: dict[str, Any], *, keep: bool = True) -> None:
    """Write a checkpoint so that the file is the old one or the new one, whatever happens.

    Args:
        path: the file.
        content: what it holds.
        keep: False to find out whether it can be written, and to leave the file as it is.

    Raises:
        OSError: if it cannot be written.
    """
    with writing.whole(path, keep=keep) as file:
        torch.save({"version": VERSION, **content}, file)


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
