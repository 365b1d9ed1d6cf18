"""What was handed in, by whom: files named as Canvas, Moodle and Gradescope do, or plainly.

Canvas (``lib/content_zipper.rb``): ``lovelaceada_LATE_12345_67890_notebook-1.ipynb``, in which the
first number is the student's and the second the file's; ``_LATE`` where it was late; ``anon_ab1Cd``
in place of name and number where names are hidden; -1, -2 where a file of that name was handed
in again.

Moodle (``mod/assign``): a folder ``Ada Lovelace_123456_assignsubmission_file_`` (newer versions
without the last ``_``), or a file with such a beginning; the number is that of ``Participant
123456``.

Gradescope: ``submission_metadata.yml`` beside folders ``submission_123456``, with each one's
submitters.

Plain: ``ada.ipynb``, or a folder ``ada`` with one notebook in it.

Students name files, and put into a folder or a zip whatever they like. So an id comes from nothing
but the name at the top of the export and from Gradescope's list beside it; a zip in a folder of
submissions is a student's, in which notebooks are looked for and nothing else; and an id that two
claim is graded for neither.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from coursework.classroom import files
from coursework.classroom.files import File, UnreadableError, readable

CANVAS = re.compile(
    r"(?P<name>.*?)(?P<late>_LATE)?_(?P<id>\d+)_(?P<file>\d{1,20})_(?P<title>.+)", re.DOTALL
)
CANVAS_ANONYMOUS = re.compile(r"(?P<late>LATE_)?anon_(?P<id>\w+?)_(?P<file>\d{1,20})_(?P<title>.+)")
CANVAS_TEXT = re.compile(r"(?P<name>.*?)(?P<late>_LATE)?_(?P<id>\d+)_(?:text|link)\.html")
#: A student's own words stand before the number in a folder's name, and after it in a file's.
MOODLE_FOLDER = re.compile(
    r"(?P<name>.*)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?", re.DOTALL
)
MOODLE = re.compile(
    r"(?P<name>.*?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<title>.*)", re.DOTALL
)
GRADESCOPE = re.compile(r"submission_\d+")
#: Ruby's symbols are plain strings with a colon to it, and times stay text.
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
METADATA = "submission_metadata.yml"
#: Submitters of the largest class, and characters of the longest id, name or email.
MOST, LONGEST = 100_000, 1_000
#: Lists in lists of Gradescope's metadata, which has a handful.
DEPTH = 100
#: What is read of a submitter.
FACTS = ("name", "sid", "email")
#: Titles that a message shows.
TITLES = 5
#: Files that somebody may have handed in instead of a notebook.
INSTEAD = {".py", ".zip", ".pdf", ".docx"}
#: For the message that says that nothing was found.
PATTERNS = (
    "Canvas      lastfirst_12345_67890_notebook.ipynb, lastfirst_LATE_12345_67890_notebook-1.ipynb",
    "Moodle      Full Name_123456_assignsubmission_file_/notebook.ipynb",
    f"Gradescope  {METADATA} beside submission_123456/notebook.ipynb",
    "plain       NAME.ipynb, or NAME/notebook.ipynb",
    "each in a folder, or in a zip as it was downloaded; name that zip itself, not its folder",
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
    every = _unwrapped(every)
    _refuse_export_inside(root, every)
    entries = _entries(every)
    if not entries:
        names = ", ".join(f.path.as_posix() for f in every[:3]) or "no file at all"
        looked = "\n  ".join(PATTERNS)
        raise NothingFoundError(f"no submission in {root} ({names}); looked for\n  {looked}")
    return _ids_apart(sorted(entries, key=order))


def order(entry: Entry) -> tuple[bool, int, str]:
    """What entries are sorted by: numbers as numbers, then everything else."""
    # Python refuses to read thousands of digits, as a name in a zip may have them.
    number = entry.id.isascii() and entry.id.isdigit() and len(entry.id) < 100
    return (not number, int(entry.id) if number else 0, entry.id)


def _ids_apart(entries: list[Entry]) -> list[Entry]:
    """The entries, each with an id of its own; two that claim one id are for a person to grade."""
    claims: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        for claim in _claims(entry):
            claims[claim].append(entry)
    taken = {e.id for e in entries}
    found: list[Entry] = []
    seen: set[str] = set()
    for entry in entries:
        id, count = entry.id, 1
        if id in seen:
            while id in taken:
                count += 1
                id = f"{entry.id} ({count})"
            taken.add(id)
        seen.add(id)
        rivals = max((claims[c] for c in _claims(entry)), key=len)
        found.append(replace(_disputed(entry, rivals) if len(rivals) > 1 else entry, id=id))
    return found


def _claims(entry: Entry) -> list[tuple[str, str]]:
    """All by which an entry says whose it is: the roster is searched by id and by email."""
    email = [("email", entry.email.casefold())] if entry.email else []
    return [("id", entry.id), *email]


def _disputed(entry: Entry, rivals: list[Entry]) -> Entry:
    said = _listed([r.path or r.id for r in rivals])
    problem = (
        f"{len(rivals)} submissions claim to be of {entry.email or entry.id} ({said}): "
        "grade them by hand, or rename those that are another's"
    )
    return replace(entry, file=None, problem=problem)


def _refuse_export_inside(root: Path, every: list[File]) -> None:
    """Raise where the one file is a zip with a class in it: in a folder, zips are students'."""
    if len(every) != 1 or _match(every[0].path):
        return
    inside = _unwrapped(_inside(every[0]))
    tops = {f.path.parts[0] for f in inside if _match(f.path)}
    if len(tops) > 1 or any(f.path == PurePosixPath(METADATA) for f in inside):
        path = every[0].path
        raise NothingFoundError(
            f"{root} holds {path} and nothing else: if this is the export of a class, name the "
            f"zip itself ({root / path}); if a student made it, take {METADATA} and the names of "
            "other students out of it"
        )


def _unwrapped(every: list[File]) -> list[File]:
    """The files without a folder that holds them all and is nobody's."""
    tops = {f.path.parts[0] for f in every}
    deep = all(len(f.path.parts) > 1 for f in every)
    if len(tops) != 1 or not deep or _match(every[0].path) or GRADESCOPE.fullmatch(min(tops)):
        return every
    below = [replace(f, path=PurePosixPath(*f.path.parts[1:])) for f in every]
    handed = [f for f in every if f.path.suffix.lower() in (".ipynb", ".zip")]
    if len(handed) < 2 and all(f.path != PurePosixPath(METADATA) for f in below):
        return every
    return _unwrapped(below)


def _inside(file: File) -> list[File]:
    if file.path.suffix.lower() != ".zip" or file.link:
        return []
    try:
        return files.unpacked(file)
    except UnreadableError:
        return []


def _entries(every: list[File]) -> list[Entry]:
    described, rest = _gradescope(every)
    system = _system(rest)
    pieces: dict[tuple[str, str, str], list[_Piece]] = defaultdict(list)
    for file in rest:
        owner = (piece := _piece(file, system)).owner
        pieces[owner.system, owner.id, owner.name].append(piece)
    # What lies about is no submission, unless somebody may have meant it as one.
    plain = {k: p for k, p in pieces.items() if k[0] == "plain"}
    named = len(plain) < len(pieces) or bool(described)
    for key, found in plain.items():
        if not _notebooks(found) and (
            named or all(p.file.path.suffix not in INSTEAD for p in found)
        ):
            del pieces[key]
    return described + [_entry(found) for found in pieces.values()]


def _match(path: PurePosixPath, only: str = "") -> tuple[str, re.Match[str]] | None:
    """The system whose names the top of a path has, of one or of all of them.

    Of two that fit it is the one whose number stands first: a student names the end of a file.
    """
    top, folder = path.parts[0], len(path.parts) > 1
    patterns = [
        ("Moodle", MOODLE_FOLDER if folder else MOODLE),
        *(("Canvas", pattern) for pattern in (CANVAS_ANONYMOUS, CANVAS, CANVAS_TEXT)),
    ]
    found = [
        (system, match)
        for system, pattern in patterns
        if only in ("", system) and (match := pattern.fullmatch(top))
    ]
    if folder and found:
        return found[0]
    return min(found, key=lambda item: item[1].start("id"), default=None)


def _system(every: list[File]) -> str:
    """The one system whose names count in an export: that of most of them."""
    tops = {PurePosixPath(*f.path.parts[:2]) for f in every}
    votes = Counter(known[0] for top in tops if (known := _match(top)))
    return max(votes, key=lambda system: (votes[system], system), default="plain")


def _piece(file: File, system: str) -> _Piece:
    known = _match(file.path, system)
    if known is None:
        top = file.path.parts[0]
        stem = PurePosixPath(top).stem if len(file.path.parts) == 1 else top
        owner = Entry(readable(stem), readable(stem))
        return _Piece(owner, file, readable(file.path.name))
    _, match = known
    values = match.groupdict()
    owner = Entry(
        id=values["id"],
        name=readable(values.get("name") or ""),
        late=bool(values.get("late")),
        system=system,
    )
    inside = len(file.path.parts) > 1
    title = file.path.name if inside else values.get("title") or file.path.name
    return _Piece(owner, file, readable(title), int(values.get("file") or 0))


def _gradescope(every: list[File]) -> tuple[list[Entry], list[File]]:
    """Entries of an export of Gradescope, and the files that belong to none."""
    description = next((f for f in every if f.path == PurePosixPath(METADATA)), None)
    if description is None:
        return [], every
    folders: dict[str, list[File]] = defaultdict(list)
    for file in every:
        folders[file.path.parts[0]].append(file)
    entries: list[Entry] = []
    for name, people in _metadata(description).items():
        entries += _submitters(name, people, folders.pop(name, []))
    folders.pop(METADATA)
    return entries, [f for files in folders.values() for f in files]


def _metadata(file: File) -> dict[str, list[dict[str, str]]]:
    """The submitters of each submission, each with name, sid and email as far as they are there.

    The list is the instructor's own, so that a fault in it is an error of the whole run.
    """
    try:
        data = file.read()
        _refuse_depth(data)
        found = yaml.load(data, Loader=LOADER)
    except (UnreadableError, yaml.YAMLError, ValueError, RecursionError, MemoryError) as error:
        raise NothingFoundError(f"{file.path}: {error}") from error
    if not isinstance(found, dict):
        raise NothingFoundError(f"{file.path} lists no submissions")
    of_all: dict[str, list[dict[str, str]]] = {}
    left = MOST
    for name, facts in found.items():
        people = _people(_string(name, METADATA), facts, left)
        of_all[name] = people
        left -= len(people)
    return of_all


def _refuse_depth(data: bytes) -> None:
    """Raise for lists in lists without an end, by which libyaml crashes the interpreter."""
    depth = 0
    for event in yaml.parse(data, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            raise yaml.YAMLError(f"more than {DEPTH} lists in each other")


def _people(name: str, facts: Any, most: int) -> list[dict[str, str]]:
    if not isinstance(facts, dict):
        raise NothingFoundError(f"{METADATA}, {name}: nothing is said of it")
    people = facts.get(":submitters") or []
    if not isinstance(people, list) or not all(isinstance(p, dict) for p in people):
        raise NothingFoundError(f"{METADATA}, {name}: its submitters are no list of people")
    if len(people) > most:
        raise NothingFoundError(f"{METADATA}, {name}: more than {MOST} submitters until here")
    return [
        {key: _string(p.get(f":{key}", ""), f"{METADATA}, {name}, :{key}") for key in FACTS}
        for p in people
    ]


def _string(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise NothingFoundError(f"{where}: no text of at most {LONGEST} characters")
    return "" if value in ("~", "null") else value  # YAML's words for nothing


def _submitters(name: str, people: list[dict[str, str]], own: list[File]) -> list[Entry]:
    pieces = [_Piece(Entry("", system="Gradescope"), f, readable(f.path.name)) for f in own]
    handed = _entry(pieces) if pieces else Entry("", problem="no file was handed in")
    people = people or [dict.fromkeys(FACTS, "")]
    together = _listed([p["name"] for p in people])
    notes = (f"handed in together: {readable(together)}",) if len(people) > 1 else ()
    return [
        replace(
            handed,
            id=readable(p["sid"] or p["email"] or name),
            name=readable(p["name"]),
            email=readable(p["email"]),
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
    owner = replace(pieces[0].owner, late=any(p.owner.late for p in latest or pieces))
    if not notebooks:
        return _without(owner, pieces)
    if len(latest) > 1:
        titles = _listed([p.title for p in latest])
        return replace(
            owner,
            path=_shown(latest[0]),
            problem=f"{len(latest)} notebooks were handed in: which one counts? {titles}",
        )
    notes = tuple(f"handed in before, and not graded: {p.title}" for p in older[-TITLES:])
    (piece,) = latest
    return replace(owner, path=_shown(piece), file=piece.file, notes=notes)


def _without(owner: Entry, pieces: list[_Piece]) -> Entry:
    """The entry of a student without a notebook."""
    titles = _listed([p.title for p in pieces])
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
        again = re.search(r"-(\d{1,20})$", PurePosixPath(piece.title).stem)
        return (int(again[1]) if again else 0, piece.number)

    groups: dict[str, list[_Piece]] = defaultdict(list)
    for piece in pieces:
        stem = PurePosixPath(piece.title).stem
        title = re.sub(r"-\d{1,20}$", "", stem) if piece.owner.system == "Canvas" else stem
        key = title if piece.owner.system == "Canvas" else piece.file.path.as_posix()
        groups[key].append(piece)
    ordered = [sorted(g, key=version) for g in groups.values()]
    return [g[-1] for g in ordered], [p for g in ordered for p in g[:-1]]


def _listed(titles: list[str]) -> str:
    more = f" and {len(titles) - TITLES} more" if len(titles) > TITLES else ""
    return ", ".join(titles[:TITLES]) + more


def _shown(piece: _Piece) -> str:
    return readable(piece.file.path.as_posix())
