"""Grade a folder of submissions, and write what comes out of it."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from coursework.archive import Archive
from coursework.classroom import grader, hand, pool, records, submissions
from coursework.classroom.exam import Exam, claim
from coursework.classroom.gradebook import Book, Row, book
from coursework.classroom.grader import Job
from coursework.classroom.records import Record
from coursework.classroom.roster import Roster
from coursework.classroom.submissions import Entry

RECORDS = "records"
#: What the tests of one question may use of the grader's own time, in units of the answers' limit.
PATIENCE = 10
#: Of those who are being graded, how many are named.
NAMED = 3


class BusyError(Exception):
    """Another run writes to the same folder."""


@dataclass(frozen=True)
class Counts:
    """How many submissions were graded now, were graded before, and ended two graders."""

    graded: int
    kept: int
    died: int


def grade(
    exam: Exam,
    folder: Path,
    out: Path,
    *,
    size: int,
    per_student: bool = False,
    roster: Roster | None = None,
    told: Callable[[list[Entry], Archive], None] = lambda *_: None,
) -> tuple[Book, Archive, Counts]:
    """The class in a folder, every submission graded or kept from an earlier run.

    Args:
        exam: the assignment.
        folder: submissions as a system exports them.
        out: where records lie.
        size: graders at a time.
        per_student: whether each student has hidden instances of one's own.
        roster: the class.
        told: is told what was found, before it is graded.
    """
    entries = submissions.find(folder, without=[out])
    archive = exam.open()
    told(entries, archive)
    out.mkdir(parents=True, exist_ok=True)
    (out / RECORDS).mkdir(exist_ok=True)
    with _alone(out):
        claim(out, archive.slug)
        by_hand = hand.read(out / hand.NAME, archive)
        found, counts = _graded(exam, archive, entries, out / RECORDS, size, per_student)
        whole = _book(archive, entries, found, roster or Roster(), by_hand, out / hand.NAME)
    return whole, archive, counts


def _graded(
    exam: Exam,
    archive: Archive,
    entries: list[Entry],
    folder: Path,
    size: int,
    per_student: bool,
) -> tuple[dict[str, Record], Counts]:
    digest = records.of_archive(archive)
    found: dict[str, Record] = {}
    jobs: list[Job] = []
    for entry in entries:
        target = folder / f"{records.key(entry.id)}.json"
        job = Job(entry, digest, entry.id if per_student else "", target)
        _, problem, own = job.contents()
        kept = records.read(target)
        if kept and kept.digest == own and kept.id == entry.id:
            found[entry.id] = kept
        elif problem:
            found[entry.id] = grader.failed(entry, own, problem, archive)
            records.write(target, found[entry.id])
        else:
            jobs.append(job)
    kept_from_before = len(found)
    # What ends a grader may be its neighbour's doing: each has a second try, alone.
    again = [job for job, reason in _progress(jobs, size, exam, archive) if reason]
    died = 0
    for job, reason in _progress(again, 1, exam, archive):
        if reason:
            died += 1
            said = (
                f"the grader itself ended twice while it graded this ({reason}): grade it by hand"
            )
            # With a record, so that the next run does not die of it again.
            record = grader.failed(job.entry, job.contents()[2], said, archive)
            records.write(job.target, record)
    for job in jobs:
        written = records.read(job.target)
        if written is None or written.id != job.entry.id:
            raise OSError(f"{job.target} was written, and cannot be read")
        found[job.entry.id] = written
    return found, Counts(len(jobs) - died, kept_from_before, died)


def _progress(
    jobs: list[Job], size: int, exam: Exam, archive: Archive
) -> Iterator[tuple[Job, str]]:
    limits = [q.seconds for q in archive.questions.values() if not q.manual]
    # How long the rest takes nobody knows: one answer that hangs is all of it.
    layout = "{desc} {n_fmt}/{total_fmt} |{bar}| {elapsed}{postfix}"
    with tqdm(
        total=len(jobs), desc="Grading", bar_format=layout, disable=not jobs, miniters=0
    ) as bar:

        def watch(running: list[Job]) -> None:
            bar.set_postfix_str(_named(running), refresh=False)
            bar.update(0)

        done = pool.graded(jobs, size, exam, 60 + PATIENCE * sum(limits), watch)
        for job, reason in done:
            bar.update()
            yield job, reason
        bar.set_postfix_str("")


def _named(running: list[Job]) -> str:
    """Those that are being graded, the first few by name."""
    names = [job.entry.name or job.entry.id for job in running]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"now {', '.join(names[:NAMED])}{more}" if names else ""


def _book(
    archive: Archive,
    entries: list[Entry],
    found: dict[str, Record],
    roster: Roster,
    by_hand: dict[str, dict[str, float]],
    path: Path,
) -> Book:
    manual = tuple(n for n, q in archive.questions.items() if q.manual)
    rows = []
    for entry in entries:
        student = roster.of(entry)
        name = student.name if student and student.name else entry.name
        email = entry.email or (student.email if student else "")
        rows.append(Row(entry.id, name, email, found[entry.id], {}, manual, student))
    whole = book(archive, rows, roster)
    points = hand.matched(by_hand, [r.id for r in whole.rows], path)
    whole = replace(whole, rows=tuple(replace(r, hand=points.get(r.id, {})) for r in whole.rows))
    if manual:
        hand.write(path, archive, {r.id: r.name for r in whole.rows}, points)
    return whole


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Nobody else writes there meanwhile; the lock goes with the process that holds it."""
    with (out / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BusyError(
                f"another run is writing to {out}: wait for it, or name another OUT"
            ) from error
        yield
