"""Install from the wheels what this Python lacks, into a folder of its own, without a network.

What the image brings stays as it is: a package that is there, in whatever version, is not
installed, and nothing is written outside ``_build/gpu``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from tools.gpu.wheels import ROOT, WHEELS, plain

SITE = ROOT / "_build" / "gpu" / "site"
#: Never ours to install.
THE_IMAGES = ("torch", "jax", "jaxlib", "numpy", "scipy", "triton")


def present() -> set[str]:
    """Names of all packages that this Python has."""
    return {plain(d.metadata["Name"]) for d in metadata.distributions() if d.metadata["Name"]}


def missing(folder: Path, there: set[str]) -> list[Path]:
    """The wheels of packages that are not there."""
    wheels = sorted(folder.glob("*.whl"))
    known = there | set(THE_IMAGES)
    return [path for path in wheels if plain(path.name.partition("-")[0]) not in known]


def main() -> int:
    """Install, and say what."""
    shutil.rmtree(SITE, ignore_errors=True)
    found = missing(WHEELS, present())
    if not any(WHEELS.glob("*.whl")):
        print(f"no wheels in {WHEELS.relative_to(ROOT)}: what is here must do (make gpu-wheels)")
        return 0
    if not found:
        print("nothing is missing")
        return 0
    print("installing " + ", ".join(path.name.rpartition("-py")[0] or path.name for path in found))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-compile", "--no-cache-dir", "--disable-pip-version-check", "--upgrade"]
    return subprocess.run([*command, "--target", SITE, *found], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
