"""The package as the website carries it."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tools import wheel

from .conftest import ROOT


def copy_sources(target: Path) -> Path:
    for name in wheel.SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, copy_function=shutil.copyfile)
        else:
            target.mkdir(exist_ok=True)
            shutil.copyfile(source, target / name)
    return target


def test_the_same_bytes_from_another_clone(tmp_path: Path) -> None:
    """Neither the folder, nor the modes, nor the times of the files are in the wheel."""
    elsewhere = copy_sources(tmp_path / "elsewhere")
    for path in elsewhere.rglob("*.py"):
        path.chmod(0o600)
        os.utime(path, (10**9, 10**9))
    here, there = wheel.build(ROOT, tmp_path / "a"), wheel.build(elsewhere, tmp_path / "b")
    assert here.name == there.name
    assert here.read_bytes() == there.read_bytes()


def test_it_holds_the_whole_package_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel.build(ROOT, tmp_path)) as file:
        inside = {name for name in file.namelist() if ".dist-info/" not in name}
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run([*command, "otgen_lite"], capture_output=True, text=True, check=True)
    assert inside == {name for name in listing.stdout.splitlines() if (ROOT / name).is_file()}


def test_a_new_version_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    source = copy_sources(tmp_path / "source")
    wheel.build(source, tmp_path)
    project = (source / "pyproject.toml").read_text(encoding="utf-8")
    later = project.replace('version = "', 'version = "9.')
    (source / "pyproject.toml").write_text(later, encoding="utf-8")
    built = wheel.build(source, tmp_path)
    assert built.name.startswith("otgen_lite-9.")
    assert list(built.parent.iterdir()) == [built]


def test_what_cannot_be_packed_is_told(tmp_path: Path) -> None:
    source = copy_sources(tmp_path / "source")
    (source / "pyproject.toml").write_text("[project]\nname = 1\n", encoding="utf-8")
    with pytest.raises(wheel.WheelError, match="name"):
        wheel.build(source, tmp_path)
