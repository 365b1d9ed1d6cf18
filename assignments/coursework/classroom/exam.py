"""The assignment that is graded: its archive from ``make assignments``, or else its source."""

from __future__ import annotations

import contextlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from coursework import archive, source
from coursework.archive import Archive
from coursework.classroom import records

ROOT = Path(__file__).resolve().parents[3]
#: Says in a folder of grades which assignment's they are.
MARK = "assignment.json"


class UnknownError(Exception):
    """No such assignment, or no archive; the message says what there is."""


class MixedError(Exception):
    """Grades of another assignment lie where grades are to be written."""


@dataclass(frozen=True)
class Exam:
    """Where an assignment comes from; each grader opens it for itself.

    Attributes:
        place: an archive (zip, or folder into which it was unpacked), or the folder of a source.
        secret: what hidden instances are drawn from; an archive has its own.
    """

    place: Path
    secret: str = ""

    @property
    def from_source(self) -> bool:
        return (self.place / "assignment.md").is_file()

    def open(self) -> Archive:
        """The assignment with its tests; raises :class:`UnknownError`."""
        try:
            if self.from_source:
                return archive.of_source(source.read(self.place, self.secret), self.secret)
            opened = archive.read(self.place)
        except Exception as error:
            raise UnknownError(f"{self.place} is no archive of an assignment: {error}") from error
        if self.secret and self.secret != opened.secret:
            raise UnknownError(
                f"{self.place} was made with another secret than the one that was given: "
                "make assignments SECRET=file, or leave the secret out"
            )
        return opened


def find(name: str, secret: str = "", root: Path = ROOT) -> Exam:
    """The assignment of a name such as ``01_kantorovich``, ``01`` or ``1``, or at a path.

    The archive in ``_build/assignments`` counts, since it is what was handed out; without one, the
    source does.
    """
    place = Path(name)
    if name and place.exists() and (place.suffix == ".zip" or place.is_dir()):
        return Exam(place, secret)
    sources = sorted(p.parent for p in (root / "assignments").glob("[0-9]*/assignment.md"))
    made = root / "_build" / "assignments"
    archives = {p.parent.name: p for p in sorted(made.glob("*/*-autograder.zip"))}
    slugs = sorted({p.name for p in sources} | set(archives))
    chosen = (
        [s for s in slugs if s == name]
        or [s for s in slugs if name.isdecimal() and _number(s) == int(name)]
        or [s for s in slugs if name and s.startswith(name)]
    )
    if len(chosen) != 1:
        several = "more than one assignment begins with" if chosen else "no assignment is called"
        raise UnknownError(f"{several} {name!r}; there are {', '.join(slugs) or 'none'}")
    (slug,) = chosen
    return Exam(archives.get(slug, root / "assignments" / slug), secret)


def claim(out: Path, slug: str) -> None:
    """Mark a folder as that of an assignment's grades.

    Raises:
        MixedError: it is another assignment's.
    """
    mark = out / MARK
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        before = json.loads(mark.read_text(encoding="utf-8"))["slug"]
        if before != slug:
            raise MixedError(
                f"{out} holds grades of {before}, and these would be of {slug}: "
                f"name another OUT, such as OUT={out}-{slug}"
            )
    records.whole(mark, json.dumps({"slug": slug}) + "\n")


def of_names(bound: frozenset[str], but: str, root: Path | None = None) -> str:
    """The slug of the made assignment of whose answers the most are bound; empty: none, or two.

    Args:
        bound: names that a notebook binds.
        but: slug that it is not.
        root: folder of the project.
    """
    made = (root or ROOT) / "_build" / "assignments"
    counts: dict[str, int] = {}
    for path in sorted(made.glob("*/*-autograder.zip")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile):
            facts = archive.facts(path)
            names = {name for q in facts["questions"] for name in q["answers"]}
            counts[facts["slug"]] = len(bound & names)
    counts.pop(but, None)
    most = max(counts.values(), default=0)
    best = [slug for slug, n in counts.items() if n == most]
    return best[0] if most and len(best) == 1 else ""


def _number(slug: str) -> int | None:
    head = slug.partition("_")[0]
    return int(head) if head.isdecimal() else None
