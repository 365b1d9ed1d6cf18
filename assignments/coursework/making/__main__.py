"""``make assignments``: student notebooks, solutions, archives, rubrics and notes.

``python -m coursework.making [--secret FILE] [--only 01_kantorovich] [--publish]``
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from coursework import validate
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
    parser.add_argument("--check", action="store_true", help="look for faults, and make nothing")
    parser.add_argument("--target", type=Path, default=TARGET, help="folder for what is made")
    parser.add_argument(
        "--publish", action="store_true", help="also write notebooks/assignments (no secret then)"
    )
    options = parser.parse_args()
    chosen = named([options.only] if options.only else [])
    if options.publish and options.secret:
        parser.error("--publish: a notebook made with a secret is not for the website")
    secret = secrets.read(options.secret)
    faults = [fault for folder in chosen for fault in validate.faults(folder, ROOT / "book")]
    if faults:
        print("\n".join(f"FAULT {fault}" for fault in faults), file=sys.stderr)
        print("Nothing was made; what was made before is as it was.", file=sys.stderr)
        return 1
    if options.check:
        print(f"No fault in {', '.join(f.name for f in chosen)}.")
        return 0
    _make(chosen, secret, options.target)
    if options.publish:
        PUBLISHED.mkdir(exist_ok=True)
        for folder in chosen:
            name = f"{folder.name}.ipynb"
            shutil.copy(options.target / folder.name / name, PUBLISHED / name)
        if not options.only:
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


def named(names: list[str]) -> list[Path]:
    """The sources of these names, or all without any.

    Raises:
        SystemExit: for a name that no assignment has.
    """
    known = {folder.name: folder for folder in folders()}
    for name in names:
        if name not in known:
            raise SystemExit(f"error: no assignment {name!r}; there are {', '.join(known)}")
    return [known[name] for name in names] if names else list(known.values())


def _make(chosen: list[Path], secret: str, target: Path) -> None:
    """Make them aside, and put each in place of the old one once all are made."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".making-") as aside:
        packed = wheels.build(ROOT, Path(aside) / "wheels")
        for folder in tqdm(chosen, desc="Making", unit="assignment", disable=None):
            assign.make(folder, secret, Path(aside) / folder.name, ROOT, packed)
        for folder in chosen:
            shutil.rmtree(target / folder.name, ignore_errors=True)
            (Path(aside) / folder.name).rename(target / folder.name)


if __name__ == "__main__":
    sys.exit(main())
