"""The packages that an archive carries with it: the book's and the grader's."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools import wheel

GRADER = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "otgen-coursework"
version = "{version}"
requires-python = ">=3.11"
dependencies = ["psutil", "landlock==1.0.0.dev5; sys_platform == 'linux'",
                "pyseccomp>=0.1.2; sys_platform == 'linux'"]

[tool.setuptools.packages.find]
include = ["coursework*"]
"""


@dataclass(frozen=True)
class Wheels:
    """Files of the two packages."""

    package: Path
    grader: Path


def build(root: Path, target: Path) -> Wheels:
    """Build both into a folder."""
    package = wheel.build(root, target / "package")
    version = package.name.split("-")[1]
    with tempfile.TemporaryDirectory() as copy:
        without = shutil.ignore_patterns("__pycache__", "making")
        grader = Path(copy)
        shutil.copytree(root / "assignments" / "coursework", grader / "coursework", ignore=without)
        (grader / "pyproject.toml").write_text(GRADER.format(version=version), encoding="utf-8")
        return Wheels(package, wheel.pack(grader, target / "grader"))
