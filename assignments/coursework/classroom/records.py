"""A record of each submission that has been graded, so that nothing is graded twice.

A record is written when its submission is done, whole or not at all, and carries a digest of all
that its points depend on: the assignment's archive, the grader, the submission and the settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import coursework
from coursework.archive import Archive

#: To be raised when records of another form are written.
VERSION = 1


@dataclass(frozen=True)
class Mark:
    """What a submission got for one question.

    Attributes:
        question: its name.
        points, of: points, of how many.
        messages: the sentence of each test that failed.
        visible: whether the tests that students have passed.
        hidden: points of the tests that they do not have.
    """

    question: str
    points: float
    of: float
    messages: tuple[str, ...] = ()
    visible: bool = False
    hidden: float = 0.0


@dataclass(frozen=True)
class Record:
    """A submission that has been graded.

    Attributes:
        digest: of what its points depend on.
        id, name, late, path: of the entry.
        problem: why it could not be graded, or empty.
        notes: what an instructor should know of it.
        marks: of the questions that are graded automatically.
        answers: the code of its answers, without anything else in the notebook.
    """

    digest: str
    id: str
    name: str
    late: bool
    path: str
    problem: str
    notes: tuple[str, ...]
    marks: tuple[Mark, ...]
    answers: str = ""


def of_archive(archive: Archive) -> str:
    """Digest of an assignment and of the grader itself."""
    facts = {
        "slug": archive.slug,
        "questions": [asdict(q) for q in archive.questions.values()],
        "tests": {name: test.source for name, test in sorted(archive.tests.items())},
        "setup": archive.setup,
        "secret": archive.secret,
        "grader": _grader(),
        "version": VERSION,
    }
    return _hash(json.dumps(facts, sort_keys=True).encode())


def of_submission(facts: list[str], data: bytes) -> str:
    """Digest of a submission: of its bytes, and of all else that its points depend on."""
    return _hash(json.dumps([*facts, _hash(data)]).encode())


def key(id: str) -> str:
    """The id as a part of a file's name: no two have the same, whatever the case of letters.

    The id itself, where it cannot be taken for one that ends in a digest.
    """
    if re.fullmatch(r"[a-z0-9_-]{1,60}", id) and not re.search(r"-[0-9a-f]{16}$", id):
        return id
    # Of two long ids, or two of which one has what no file can, only the digest differs.
    plain = re.sub(r"[^\w-]", "_", id)[:40].lower()
    return f"{plain}-{_hash(id.encode())[:16]}"


def read(path: Path) -> Record | None:
    """The record in a file, or None if there is none that can be used."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        marks = tuple(Mark(**m | {"messages": tuple(m["messages"])}) for m in facts["marks"])
        return Record(**facts | {"marks": marks, "notes": tuple(facts["notes"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(path: Path, record: Record) -> None:
    """Write a record, whole or not at all."""
    whole(path, json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n")


def whole(path: Path, text: str) -> None:
    """Write a file so that it is never seen in part."""
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=".", delete=False) as file:
        file.write(text.encode("utf-8", "replace"))
        file.flush()
        os.fsync(file.fileno())
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def _grader() -> dict[str, str]:
    folder = Path(coursework.__file__).parent
    return {p.name: _hash(p.read_bytes()) for p in sorted(folder.glob("*.py"))}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def plain(value: Any) -> float:
    """A sum of points without the dust of floating point."""
    return round(float(value), 6)
