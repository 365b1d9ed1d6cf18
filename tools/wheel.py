"""The package as a wheel that the website carries, so that a notebook can be run without git.

``_wheels/otgen_lite-VERSION-py3-none-any.whl`` of the website is the package of the commit that the
pages were made from; the first cell of each notebook asks for it there. Two builds of one source
give the same bytes: a copy is built, with plain modes and at a time that stands still.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = "_wheels"
#: Files of the wheel. A copy, because setuptools writes beside what it builds.
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "otgen_lite")
#: The first second that a zip file can tell, 1 January 1980: the time of every file in the wheel.
EPOCH = "315532800"

BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


class WheelError(RuntimeError):
    """The package could not be packed; the message is setuptools'."""


def build(root: Path, html: Path) -> Path:
    """Build the package of ``root`` into the folder ``_wheels`` of the website; returns the file.

    It asks no network: setuptools is in the environment of the book (``requirements.txt``).

    Raises:
        WheelError: if setuptools refuses.
    """
    with tempfile.TemporaryDirectory() as copy:
        _copy(root, Path(copy))
        return pack(Path(copy), html / FOLDER)


def pack(source: Path, folder: Path) -> Path:
    """Build the package in ``source``, a copy that may be changed, into an empty folder.

    Raises:
        WheelError: if setuptools refuses.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in source.rglob("*"):  # modes depend on who has cloned the repository
        path.chmod(0o755 if path.is_dir() else 0o644)
    done = subprocess.run(
        [sys.executable, "-I", "-c", BUILD, str(folder.resolve())], cwd=source, umask=0o022,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip
    if done.returncode:
        raise WheelError(done.stdout[-2000:])
    return next(folder.glob("*.whl"))


def _copy(root: Path, target: Path) -> None:
    """Copy what the wheel is made of."""
    for name in SOURCES:
        if (root / name).is_dir():
            without = shutil.ignore_patterns("__pycache__")
            shutil.copytree(root / name, target / name, ignore=without)
        else:
            shutil.copy(root / name, target / name)
