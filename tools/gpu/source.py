"""The commit that is measured, also where the repository came as files without git."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

#: Beside the wheels, by ``make gpu-wheels``: the commit, and the digest of its source.
NOTE = Path("_build") / "wheels" / "source.json"
FOLDERS = ("otgen_lite", "tools", "benchmarks", "book", "tests")


def digest(root: Path) -> str:
    """One number for all source files: their names and their content."""
    found = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".md") and "__pycache__" not in path.parts:
                found.update(f"{path.relative_to(root).as_posix()}\0".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def commit(root: Path) -> str:
    """The commit, with a plus where files differ from it; "unknown" where nothing tells.

    Without git it is the commit that the wheels' note has for exactly this source.
    """
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        note = root / NOTE
        if note.is_file():
            known = json.loads(note.read_text(encoding="utf-8"))
            if known.get("digest") == digest(root):
                return str(known["commit"])
        return "unknown"
    return head + ("+" if changed else "")


def write_note(root: Path) -> None:
    """Keep the commit and the digest where a machine without git finds them."""
    (root / NOTE).parent.mkdir(parents=True, exist_ok=True)
    note = {"commit": commit(root), "digest": digest(root)}
    (root / NOTE).write_text(json.dumps(note) + "\n", encoding="utf-8")


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
