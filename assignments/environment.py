"""Make the environment of the assignments: ``python assignments/environment.py .venv-assignments``.

Otter asks for other packages than the book, and newer widgets than Colab's, so it gets an
environment of its own. What the book has installed, torch above all, is seen from there and not
installed again: a path file names the book's packages, the grader and the extensions of the book,
in this order.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "assignments" / "requirements.txt"


def make(folder: Path, flags: list[str]) -> None:
    """Make the environment, or bring it up to date."""
    if not (folder / "bin" / "python").exists():
        venv.create(folder, with_pip=True, symlinks=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", *flags, "-r", REQUIREMENTS], check=True)
    paths = {"base": str(folder.resolve()), "platbase": str(folder.resolve())}
    site = Path(sysconfig.get_path("purelib", scheme="venv", vars=paths))
    book = sysconfig.get_path("purelib")
    lines = [f"import site; site.addsitedir({book!r})"]
    lines += [str(ROOT / "assignments"), str(ROOT), str(ROOT / "book" / "_ext")]
    (site / "zz_book.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2:])
