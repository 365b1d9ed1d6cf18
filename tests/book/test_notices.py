"""What stands around the book: one address, and the licences of what is not ours."""

import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def tracked_files() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).is_file()]


def test_the_address_of_the_repository_stands_in_one_place():
    address = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    owner_and_name = "/".join(address["repository"]["url"].rsplit("/", 2)[-2:])
    where = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.suffix not in {".png", ".woff", ".js"}
        and f"{owner_and_name}" in path.read_text(encoding="utf-8", errors="replace")
        and path.parts[len(ROOT.parts)] != "notebooks"  # generated, and checked for being fresh
    ]
    assert where == ["_config.yml"]


def test_vendored_files_bring_their_licence():
    for folder in (ROOT / "assets" / "web" / "vendor").iterdir():
        text = (folder / "LICENSE").read_text(encoding="utf-8")
        assert re.search(r"Apache License|MIT License|BSD", text), folder


def test_the_versions_agree():
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version is not None
    import otgen_lite

    assert otgen_lite.__version__ == version[1]
    assert f"version: {version[1]}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
