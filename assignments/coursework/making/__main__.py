"""``make assignments``: student notebooks, solutions, archives, rubrics and notes.

``python -m coursework.making [--secret FILE] [--only 01_kantorovich] [--publish]``
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from tqdm import tqdm

from coursework.making import assign, listing, secrets, wheels

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / "_build" / "assignments"
#: Student notebooks that the website links.
PUBLISHED = ROOT / "notebooks" / "assignments"


def folders(root: Path = ROOT) -> list[Path]:
    """The sources."""
    return sorted(p.parent for p in (root / "assignments").glob("[0-9]*/assignment.md"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument(
        "--secret", type=Path, help="file whose content reseeds hidden instances and parameters"
    )
    parser.add_argument("--only", help="the name of one assignment")
    parser.add_argument("--target", type=Path, default=TARGET, help="folder for what is made")
    parser.add_argument(
        "--publish", action="store_true", help="also write notebooks/assignments (no secret then)"
    )
    options = parser.parse_args()
    chosen = [f for f in folders() if options.only in (None, f.name)]
    if not chosen:
        names = ", ".join(f.name for f in folders())
        parser.error(f"--only: no assignment {options.only!r}; there are {names}")
    if options.publish and options.secret:
        parser.error("--publish: a notebook made with a secret is not for the website")
    secret = secrets.read(options.secret)
    shutil.rmtree(options.target, ignore_errors=True)
    packed = wheels.build(ROOT, options.target / "wheels")
    for folder in tqdm(chosen, desc="Making", unit="assignment", disable=None):
        made = assign.make(folder, secret, options.target / folder.name, ROOT, packed)
        if options.publish:
            PUBLISHED.mkdir(exist_ok=True)
            shutil.copy(made.student, PUBLISHED / made.student.name)
    if options.publish and not options.only:
        listing.write(chosen, ROOT)
    where = (
        options.target.relative_to(Path.cwd())
        if options.target.is_relative_to(Path.cwd())
        else options.target
    )
    print(f"For students: {where}/NN_slug/NN_slug.ipynb. Everything else there is yours.")
    if not secret:
        print("Without SECRET=file anyone who has this repository can draw the hidden instances.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
