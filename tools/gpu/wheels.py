"""``make gpu-wheels``: fetch what an image with torch and JAX lacks, for a machine offline.

The wheels go to ``_build/wheels``, which git ignores. They are for Python 3.12 on Linux, whatever
Python this is. NumPy, SciPy, torch and JAX are the image's: too large to carry, and never replaced.
So are, usually, matplotlib, Pillow, scikit-learn and pandas; an image without one of them needs
``make gpu-wheels MORE="scikit-learn"``. More than may be carried is an error that names the wheel.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tools.gpu import source

ROOT = Path(__file__).resolve().parents[2]
WHEELS = ROOT / "_build" / "wheels"
MIB = 1 << 20
#: MiB that may be carried, and those of the repository itself, which travels along.
CARRIED, REPOSITORY = 64, 8

PYTHON = "3.12"
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_24_x86_64",
             "manylinux_2_27_x86_64", "manylinux_2_28_x86_64")  # fmt: skip

#: By what they are for. Where one of them is there already, it is not installed.
PACKAGES = {
    "the package": (
        "POT", "tqdm", "joblib", "threadpoolctl", "narwhals", "python-dateutil", "six", "cycler",
        "contourpy", "kiwisolver", "packaging", "pyparsing",
    ),
    "its widgets": (
        "ipywidgets", "comm", "traitlets", "widgetsnbextension", "jupyterlab_widgets", "ipython",
        "ipython_pygments_lexers", "decorator", "jedi", "parso", "matplotlib-inline", "pexpect",
        "ptyprocess", "prompt_toolkit", "wcwidth", "pygments", "stack-data", "asttokens",
        "executing", "pure_eval", "psutil",
    ),
    "the tests": ("pytest", "iniconfig", "pluggy", "hypothesis", "sortedcontainers", "pyyaml"),
    "OTT-JAX": (
        "ott-jax", "jaxopt", "lineax", "equinox", "jaxtyping", "wadler_lindig", "optax",
        "absl-py", "typing_extensions",
    ),
    "the card": ("nvidia-ml-py",),
}  # fmt: skip


def names() -> list[str]:
    """All packages, in order."""
    return [name for group in PACKAGES.values() for name in group]


def pins(root: Path = ROOT) -> dict[str, str]:
    """Versions of the lock file, and of OTT-JAX's environment: requirements by plain name."""
    found: dict[str, str] = {}
    for path in (root / "benchmarks" / "peers" / "ott.txt", root / "constraints.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if match := re.match(r"([A-Za-z0-9._-]+)==\S+", line):
                found[plain(match[1])] = match[0]
    return found


def plain(name: str) -> str:
    """A package's name as registries compare it.

    Example:
        >>> plain("ipython_Pygments.lexers")
        'ipython-pygments-lexers'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def fetch(folder: Path, packages: Iterable[str]) -> None:
    """Download the wheels; pip says what it could not find.

    Raises:
        subprocess.CalledProcessError: if pip fails.
    """
    known = pins()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    command += [str(folder)]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON]
    command += [part for name in PLATFORMS for part in ("--platform", name)]
    subprocess.run([*command, *(known.get(plain(name), name) for name in packages)], check=True)


def too_much(sizes: dict[str, int], limit: int) -> str:
    """A sentence where the wheels are more than may be carried; it names the one that is too much.

    Example:
        >>> too_much({"small.whl": 10, "large.whl": 95, "more.whl": 1}, 100)
        'large.whl (0.0 MiB) breaks the limit of 0.0 MiB: 0.0 MiB in all'
    """
    total = 0
    for name, size in sizes.items():
        total += size
        if total > limit:
            whole = sum(sizes.values())
            return (
                f"{name} ({size / MIB:.1f} MiB) breaks the limit of {limit / MIB:.1f} MiB: "
                f"{whole / MIB:.1f} MiB in all"
            )
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Download, say the sizes, and fail where they are too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("more", nargs="*", help="further packages")
    parser.add_argument("--folder", type=Path, default=WHEELS)
    asked = parser.parse_args(arguments)
    folder = asked.folder
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):  # two versions of one package would stop the installation
        old.unlink()
    try:
        fetch(folder, [*names(), *asked.more])
    except subprocess.CalledProcessError as error:
        print(f"pip could not fetch the wheels (exit status {error.returncode})")
        return 1
    source.write_note(ROOT)
    sizes = {path.name: path.stat().st_size for path in sorted(folder.glob("*.whl"))}
    for name, size in sizes.items():
        print(f"{size / MIB:7.2f} MiB  {name}")
    said = too_much(sizes, (CARRIED - REPOSITORY) * MIB)
    print(said or f"{sum(sizes.values()) / MIB:.1f} MiB in {len(sizes)} wheels: {folder}")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
