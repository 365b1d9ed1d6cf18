"""A grader: one process that grades one submission after another."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from coursework import needed
from coursework.archive import Archive
from coursework.classroom import messages, notebook, records
from coursework.classroom.exam import Exam, of_names
from coursework.classroom.files import UnreadableError, readable
from coursework.classroom.records import Mark, Record
from coursework.classroom.submissions import Entry

#: Seconds that a grader has to end its answer when the run is over.
GRACE = 5.0


@dataclass(frozen=True)
class Job:
    """A submission to be graded.

    Attributes:
        entry: whose it is, and where.
        archive: digest of the assignment.
        student: what instances of one's own are drawn for, or empty.
        target: file of the record.
    """

    entry: Entry
    archive: str
    student: str
    target: Path

    def contents(self) -> tuple[bytes, str, str]:
        """The notebook's bytes, why there are none, and the digest of what the points depend on."""
        data, problem = b"", self.entry.problem
        if not problem and self.entry.file:
            try:
                data = self.entry.file.read()
            except UnreadableError as error:
                problem = readable(str(error))
        whose = [self.entry.id, self.entry.name, str(self.entry.late), self.entry.path]
        facts = [self.archive, self.student, problem, *whose, *self.entry.notes]
        return data, problem, records.of_submission(facts, data)


def serve(exam: Exam, channel: Connection, life: Connection) -> None:
    """Grade what comes through a channel, as long as whoever started this lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which ends its graders
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()
    archive = exam.open()
    channel.send(None)
    while True:
        try:
            job = channel.recv()
        except EOFError:
            return
        records.write(job.target, record(job, archive))
        channel.send(job.entry.id)


def record(job: Job, archive: Archive) -> Record:
    """Grade a submission."""
    data, problem, digest = job.contents()
    try:
        if problem:
            raise UnreadableError(problem)
        sources, notes = notebook.code(data)
        if other := another(sources, archive):
            raise UnreadableError(other)
    except UnreadableError as error:
        return failed(job.entry, digest, readable(str(error)), archive)
    return Record(
        digest,
        job.entry.id,
        job.entry.name,
        job.entry.late,
        job.entry.path,
        "",
        (*job.entry.notes, *notes),
        marks(sources, archive, job.student),
        answers(sources, archive),
    )


def another(sources: list[str], archive: Archive) -> str:
    """Why a notebook looks like another assignment's: it binds no answer; empty if it binds one."""
    names = [name for q in archive.questions.values() for name in q.answers]
    bound = frozenset[str]().union(*(c.binds for c in needed.cells(sources)))
    # What a star import brings, only running it would tell.
    if not names or bound & set(names) or any("import *" in s for s in sources):
        return ""
    found = of_names(bound, archive.slug)
    which = f"; it has answers of {found}" if found else ""
    return f"this looks like another notebook: it defines none of {', '.join(names)}{which}"


def failed(entry: Entry, digest: str, problem: str, archive: Archive) -> Record:
    """The record of a submission that cannot be graded."""
    graded = [q for q in archive.questions.values() if not q.manual]
    zero = tuple(Mark(q.name, 0.0, q.points) for q in graded)
    path = entry.path
    return Record(digest, entry.id, entry.name, entry.late, path, problem, entry.notes, zero)


def marks(sources: list[str], archive: Archive, student: str) -> tuple[Mark, ...]:
    """What a submission gets for each question that is graded automatically."""
    # They bring torch with them, which whoever starts the graders does not need.
    from coursework.grading import grade
    from coursework.hidden import Hidden
    from coursework.submission import Submission

    submission = Submission(sources, archive.setup, Hidden(archive.secret, student))
    skeleton = {c.source.strip() for c in needed.cells(archive.skeleton)}
    found = []
    for name, question in archive.questions.items():
        if not question.manual:
            result = grade(submission, question, archive.tests[name])
            said = tuple(dict.fromkeys(result.messages))
            if not result.points and _blank(submission.cells, skeleton, question.answers):
                said = (messages.BLANK,)
            seen = (result.visible, result.hidden)
            found.append(Mark(name, result.points, result.of, said, *seen))
    return tuple(found)


def _blank(cells: list[needed.Cell], skeleton: set[str], names: tuple[str, ...]) -> bool:
    """Whether the cells of these answers are as they were handed out."""
    own = [c for c in cells if c.binds & set(names)]
    return bool(own) and all(c.source.strip() in skeleton for c in own)


def answers(sources: list[str], archive: Archive) -> str:
    """The code of a submission's answers, and of what they use, in its order."""
    cells = needed.cells(sources)
    names = tuple(name for q in archive.questions.values() for name in q.answers)
    own = [c.source.strip() for c in needed.needed(cells, names)]
    given = {s.strip() for s in archive.setup}
    return "\n\n".join(s for s in own if s not in given) + "\n"


def _leave(*_: Any) -> None:
    # Asked once more, by the terminal and by the run, it must not leave its farewell half done.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(1)


def _end_with(life: Connection) -> None:
    """End this process when the one at the other end has ended, however that was."""
    with contextlib.suppress(EOFError, OSError):
        life.recv()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
