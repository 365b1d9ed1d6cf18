"""Who handed in what: submissions named as Canvas, Moodle and Gradescope export them, or plainly.

Canvas (``lib/content_zipper.rb``): ``lovelaceada_LATE_12345_67890_notebook-1.ipynb``, in which the
first number is the student's and the second the file's; ``_LATE`` where it was late; ``anon_ab1Cd``
in the place of name and number where names are hidden; -1, -2 where a file of that name was handed
in again.

Moodle (``mod/assign``): a folder ``Ada Lovelace_123456_assignsubmission_file_`` (newer versions
without the last ``_``), or a file with such a beginning; the number is that of ``Participant
123456``.

Gradescope: ``submission_metadata.yml`` beside folders ``submission_123456``, with each one's
submitters.

Plain: ``ada.ipynb``, or a folder ``ada`` with one notebook in it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from coursework.classroom import files
from coursework.classroom.files import File, UnreadableError, readable

CANVAS = re.compile(
    r"(?P<name>.*?)(?P<late>_LATE)?_(?P<id>\d+)_(?P<file>\d+)_(?P<title>.+)", re.DOTALL
)
CANVAS_ANONYMOUS = re.compile(r"(?P<late>LATE_)?anon_(?P<id>\w+?)_(?P<file>\d+)_(?P<title>.+)")
CANVAS_TEXT = re.compile(r"(?P<name>.*?)(?P<late>_LATE)?_(?P<id>\d+)_(?:text|link)\.html")
MOODLE = re.compile(
    r"(?P<name>.*)_(?P<id>\d+)_assignsubmission_(?P<kind>file|onlinetext)_?(?P<title>.*)", re.DOTALL
)
#: Ruby's symbols are plain strings with a colon to it, and times stay text.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
METADATA = "submission_metadata.yml"
#: Files that somebody may have handed in in the place of a notebook.
INSTEAD = {".py", ".zip", ".pdf", ".docx"}
#: For the message that says that nothing was found.
PATTERNS = (
    "Canvas      lastfirst_12345_67890_notebook.ipynb, lastfirst_LATE_12345_67890_notebook-1.ipynb",
    "Moodle      Full Name_123456_assignsubmission_file_/notebook.ipynb",
    f"Gradescope  {METADATA} beside submission_123456/notebook.ipynb",
    "plain       NAME.ipynb, or NAME/notebook.ipynb",
    "each in a folder, or in a zip as it was downloaded",
)


class NothingFoundError(Exception):
    """A folder without submissions."""


@dataclass(frozen=True)
class Entry:
    """What one student handed in.

    Attributes:
        id: the student's, in the system from which it comes.
        name, email: as far as the system tells.
        late: whether it says that this was late.
        system: Canvas, Moodle, Gradescope or plain.
        path: of the notebook, or of what lies in its place.
        file: the notebook; None: there is none.
        problem: why it cannot be graded, for the student to read; empty if it can.
        notes: what an instructor should know of it.
    """

    id: str
    name: str = ""
    email: str = ""
    late: bool = False
    system: str = "plain"
    path: str = ""
    file: File | None = None
    problem: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Piece:
    """A file with what its name tells: whose it is, and which version."""

    owner: Entry
    file: File
    title: str
    number: int = 0


def find(root: Path, without: Iterable[Path] = ()) -> list[Entry]:
    """The submissions in a folder or zip, in the order of their ids.

    Args:
        root: folder or zip.
        without: folders in it that hold none.

    Raises:
        FileNotFoundError: there is no such folder.
        NothingFoundError: no file in it looks like a submission.
    """
    if not root.exists():
        raise FileNotFoundError(f"no such file or folder: {root}")
    try:
        every = files.under(root)
    except UnreadableError as error:
        raise NothingFoundError(f"{root}: {error}") from error
    outside = [p.resolve() for p in without]
    every = [f for f in every if not any(f.place.resolve().is_relative_to(p) for p in outside)]
    entries = _entries(_unwrapped(_exports_opened(every)))
    if not entries:
        names = ", ".join(f.path.as_posix() for f in every[:3]) or "no file at all"
        looked = "\n  ".join(PATTERNS)
        raise NothingFoundError(f"no submission in {root} ({names}); looked for\n  {looked}")
    return _ids_apart(sorted(entries, key=order))


def order(entry: Entry) -> tuple[bool, int, str]:
    """What entries are sorted by: numbers as numbers, then everything else."""
    number = entry.id.isascii() and entry.id.isdigit()
    return (not number, int(entry.id) if number else 0, entry.id)


def _ids_apart(entries: list[Entry]) -> list[Entry]:
    """The entries, with another id where two have the same: a record and a row belong to one."""
    found: dict[str, Entry] = {}
    for entry in entries:
        id, count = entry.id, 1
        while id in found:
            count += 1
            id = f"{entry.id} ({count})"
        notes = entry.notes if count == 1 else (*entry.notes, f"a second entry of {entry.id}")
        found[id] = replace(entry, id=id, notes=notes)
    return list(found.values())


def _exports_opened(every: list[File]) -> list[File]:
    """The files, with a system's export that is still zipped replaced by what is in it."""
    found = []
    for file in every:
        inside = _inside(file) if len(file.path.parts) == 1 and not _owner(file.path) else []
        exported = any(_owner(f.path) or f.path.name == METADATA for f in inside)
        found += inside if exported else [file]
    return found


def _unwrapped(every: list[File]) -> list[File]:
    """The files without a folder that holds them all and is nobody's."""
    tops = {f.path.parts[0] for f in every}
    notebooks = [f for f in every if f.path.suffix.lower() == ".ipynb"]
    deep = all(len(f.path.parts) > 1 for f in every)
    if len(tops) > 1 or not deep or len(notebooks) < 2 or _owner(PurePosixPath(*tops)):
        return every
    return _unwrapped([replace(f, path=PurePosixPath(*f.path.parts[1:])) for f in every])


def _inside(file: File) -> list[File]:
    if file.path.suffix.lower() != ".zip" or file.link:
        return []
    try:
        return files.unpacked(file)
    except UnreadableError:
        return []


def _entries(every: list[File]) -> list[Entry]:
    described, rest = _gradescope(every)
    pieces: dict[tuple[str, str], list[_Piece]] = defaultdict(list)
    for file in rest:
        piece = _piece(file)
        pieces[piece.owner.system, piece.owner.id].append(piece)
    # What lies about is no submission, unless somebody may have meant it as one.
    plain = {k: p for k, p in pieces.items() if k[0] == "plain"}
    named = len(plain) < len(pieces) or bool(described)
    for key, found in plain.items():
        if not _notebooks(found) and (
            named or all(p.file.path.suffix not in INSTEAD for p in found)
        ):
            del pieces[key]
    return described + [_entry(found) for found in pieces.values()]


def _owner(path: PurePosixPath) -> tuple[str, re.Match[str]] | None:
    """The system whose names some part of a path has."""
    for part in path.parts:
        if match := MOODLE.fullmatch(part):
            return "Moodle", match
        for pattern in (CANVAS_ANONYMOUS, CANVAS, CANVAS_TEXT):
            if match := pattern.fullmatch(part):
                return "Canvas", match
    return None


def _piece(file: File) -> _Piece:
    known = _owner(file.path)
    if known is None:
        top = file.path.parts[0]
        stem = PurePosixPath(top).stem if len(file.path.parts) == 1 else top
        owner = Entry(readable(stem), readable(stem))
        return _Piece(owner, file, readable(file.path.name))
    system, match = known
    values = match.groupdict()
    owner = Entry(
        id=values["id"],
        name=readable(values.get("name") or ""),
        late=bool(values.get("late")),
        system=system,
    )
    inside = file.path.name != match[0]
    title = file.path.name if inside else values.get("title") or file.path.name
    return _Piece(owner, file, readable(title), int(values.get("file") or 0))


def _gradescope(every: list[File]) -> tuple[list[Entry], list[File]]:
    """Entries of an export of Gradescope, and the files that belong to none."""
    entries: list[Entry] = []
    taken: set[File] = set()
    for description in [f for f in every if f.path.name == METADATA]:
        taken.add(description)
        folder = description.path.parent
        for name, facts in _metadata(description).items():
            place = folder / str(name)
            own = [f for f in every if f.path == place or f.path.is_relative_to(place)]
            taken.update(own)
            entries += _submitters(str(name), facts, own)
    return entries, [f for f in every if f not in taken]


def _metadata(file: File) -> dict[Any, Any]:
    try:
        found = yaml.load(file.read(), Loader=LOADER)
    except (UnreadableError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise NothingFoundError(f"{file.path}: {error}") from error
    if not isinstance(found, dict):
        raise NothingFoundError(f"{file.path} lists no submissions")
    return found


def _submitters(name: str, facts: Any, own: list[File]) -> list[Entry]:
    people = facts.get(":submitters") if isinstance(facts, dict) else None
    people = [p for p in people or [] if isinstance(p, dict)] or [{}]
    pieces = [_Piece(Entry("", system="Gradescope"), f, readable(f.path.name)) for f in own]
    handed = _entry(pieces) if pieces else Entry("", problem="no file was handed in")
    together = ", ".join(str(p.get(":name", "")) for p in people)
    notes = (f"handed in together: {together}",) if len(people) > 1 else ()
    return [
        replace(
            handed,
            id=readable(str(p.get(":sid") or p.get(":email") or name)),
            name=readable(str(p.get(":name") or "")),
            email=readable(str(p.get(":email") or "")),
            system="Gradescope",
            notes=(*handed.notes, *notes),
        )
        for p in people
    ]


def _entry(pieces: list[_Piece]) -> Entry:
    """One student's entry, from all of that student's files."""
    pieces = [p for piece in pieces for p in _opened(piece)]
    notebooks = _notebooks(pieces)
    latest, older = _latest(notebooks)
    names = {p.owner.name for p in pieces}
    owner = replace(
        pieces[0].owner, name=min(names), late=any(p.owner.late for p in latest or pieces)
    )
    if not notebooks:
        return _without(owner, pieces)
    if len(latest) > 1:
        titles = ", ".join(p.title for p in latest)
        return replace(
            owner,
            path=_shown(latest[0]),
            problem=f"{len(latest)} notebooks were handed in: which one counts? {titles}",
        )
    notes = tuple(f"handed in before, and not graded: {p.title}" for p in older)
    (piece,) = latest
    return replace(owner, path=_shown(piece), file=piece.file, notes=notes)


def _without(owner: Entry, pieces: list[_Piece]) -> Entry:
    """The entry of a student without a notebook."""
    titles = ", ".join(p.title for p in pieces)
    problem = f"no notebook was handed in, only {titles}: hand in the .ipynb file"
    for piece in pieces:
        if piece.file.path.suffix.lower() == ".zip":
            try:
                files.unpacked(piece.file)
            except UnreadableError as error:
                problem = readable(f"{piece.title}: {error}")
    return replace(owner, path=_shown(pieces[0]), problem=problem)


def _opened(piece: _Piece) -> list[_Piece]:
    """The notebooks in a zip that a student has handed in, or the piece itself."""
    inside = [f for f in _inside(piece.file) if f.path.suffix.lower() == ".ipynb"]
    return [replace(piece, file=f, title=readable(f.path.name)) for f in inside] or [piece]


def _notebooks(pieces: list[_Piece]) -> list[_Piece]:
    return [p for p in pieces if p.file.path.suffix.lower() == ".ipynb"]


def _latest(pieces: list[_Piece]) -> tuple[list[_Piece], list[_Piece]]:
    """Of each title the latest, and the older ones: the number of -1, -2, then that of the file."""

    def version(piece: _Piece) -> tuple[int, int]:
        again = re.search(r"-(\d+)$", PurePosixPath(piece.title).stem)
        return (int(again[1]) if again else 0, piece.number)

    groups: dict[str, list[_Piece]] = defaultdict(list)
    for piece in pieces:
        stem = PurePosixPath(piece.title).stem
        title = re.sub(r"-\d+$", "", stem) if piece.owner.system == "Canvas" else stem
        key = title if piece.owner.system == "Canvas" else piece.file.path.as_posix()
        groups[key].append(piece)
    ordered = [sorted(g, key=version) for g in groups.values()]
    return [g[-1] for g in ordered], [p for g in ordered for p in g[:-1]]


def _shown(piece: _Piece) -> str:
    return readable(piece.file.path.as_posix())
