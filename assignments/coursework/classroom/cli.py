"""The command line: ``make grade``."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from coursework import limits
from coursework.archive import Archive
from coursework.classroom import exam, outcome, roster, run
from coursework.classroom.exam import Exam
from coursework.classroom.pool import GraderError
from coursework.classroom.submissions import PATTERNS, Entry, NothingFoundError
from coursework.classroom.tables import TableError
from coursework.making import secrets
from tools import threads

ABOUT = """\
Grade a folder of submissions of one assignment.

  make grade ASSIGNMENT=01_kantorovich DIR=submissions

Every answer runs in a process of its own, with limits; a broken submission is a row with a
message and 0 points. The run can be stopped at any time: the same command goes on from there, and
grades nothing twice. Change the submissions, and it grades what has changed."""

AFTER = f"""\
submissions that are found:
{textwrap.indent(chr(10).join(PATTERNS), "  ")}

what is written:
  grades.csv     points of each question, total and messages of every student
  canvas.csv     for Canvas: Grades > Import; with --roster the gradebook that it exports
  moodle.csv     for Moodle: Upload grading worksheet (the assignment's feedback types are then
                 comments and offline grading worksheet); with --roster the one it offers
  overview.html  the class: histograms, the hardest question, whom to look at
  feedback/      a page for each student: points and messages, nothing of hidden tests
  similar.html   answers that are nearly the same, and what that does and does not mean
  hand.csv       points that a person gives; fill it in and run the command again
  records/       one record of each graded submission, which make a second run short"""


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    with _ends_as_by_hand():
        return _graded(options)


def _graded(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    out: Path = options.out or _beside(folder)
    try:
        if out.exists() and not out.is_dir():
            raise NotADirectoryError(f"{out} is a file: name a folder in which grades are written")
        chosen = _exam(options)
        people = roster.read(options.roster) if options.roster else None
        book, archive, counts = run.grade(
            chosen,
            folder,
            out,
            size=options.jobs or threads.cores(),
            per_student=options.per_student,
            roster=people,
            told=lambda entries, archive: _tell(entries, archive, chosen),
        )
        print(outcome.write(book, archive, counts, out, options.column, options.similar))
    except KeyboardInterrupt as stop:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 128 + (signal.SIGTERM if isinstance(stop, _Ended) else signal.SIGINT)
    except ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 1 if counts.died else 0


class _Ended(KeyboardInterrupt):
    """SIGTERM."""


@contextlib.contextmanager
def _ends_as_by_hand() -> Iterator[None]:
    """SIGTERM, as ``kill`` and batch systems send it, stops a run as Ctrl-C does."""

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is ending
        raise _Ended

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _tell(entries: list[Entry], archive: Archive, chosen: Exam) -> None:
    """Say what is graded with what, and which guards there are: to try them takes seconds."""
    print(_found(entries, archive, chosen), flush=True)
    print(_guarded(limits.guards()), flush=True)


def _found(entries: list[Entry], archive: Archive, chosen: Exam) -> str:
    systems = {"plain": "plain files"}
    where = ", ".join(sorted({systems.get(e.system, e.system) for e in entries}))
    made = "the source as it is now," if chosen.from_source else "archive made"
    lines = [
        f"{len(entries)} submission{'' if len(entries) == 1 else 's'} found ({where}), "
        f"{archive.slug}, {made} with{'' if archive.secret else 'out'} a secret"
    ]
    if not archive.secret:
        lines.append("WARNING: without a secret everybody can draw the hidden instances.")
    return "\n".join(lines)


def _guarded(guards: list[limits.Guard]) -> str:
    """What guards answers on this machine, and what does not."""
    found = ", ".join(f"{g.name} ({g.detail})" for g in guards if g.works)
    lines = [f"Guards of this machine: {found or 'none'}."]
    lines += [f"WARNING: no guard of {g.name} here: {g.detail}" for g in guards if not g.works]
    return "\n".join(lines)


#: Errors whose message is all that a person needs.
ERRORS = (
    OSError,
    NothingFoundError,
    TableError,
    GraderError,
    exam.UnknownError,
    exam.MixedError,
    run.BusyError,
)


def _beside(folder: Path) -> Path:
    """Where grades go without --out: ``submissions-grades`` beside ``submissions``."""
    whole = folder.resolve()
    name = whole.stem if whole.suffix.lower() == ".zip" else whole.name
    out = whole.with_name(name + "-grades")
    return out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out


def _exam(options: argparse.Namespace) -> Exam:
    found = exam.find(options.assignment, secrets.read(options.secret))
    if found.from_source and not options.by_source:
        raise exam.UnknownError(
            f"no archive of {found.place.name} in _build/assignments: run `make assignments "
            "SECRET=…` first, or give the .zip; --by-source (BY_SOURCE=1 with make) grades with "
            "the source as it is now, and without a secret with instances that everybody can draw"
        )
    return found


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m coursework.classroom",
        description=ABOUT,
        epilog=AFTER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "assignment",
        help="its name (01_kantorovich, 01 or 1), an archive (.zip), or the folder of a source",
    )
    add("folder", type=_folder, help="folder of submissions, or the zip that was downloaded")
    add("--out", type=Path, help="folder for what is written (default: FOLDER-grades)")
    add("--jobs", type=_jobs, help="submissions at a time (default: one per core)")
    add(
        "--per-student",
        action="store_true",
        help="draw hidden instances for each student's id, not the same for all",
    )
    add(
        "--secret",
        type=Path,
        help="file with the secret of `make assignments`",
    )
    add(
        "--by-source",
        action="store_true",
        help="grade with the source where there is no archive of `make assignments`",
    )
    add("--roster", type=Path, help="the class as a CSV of Canvas, Moodle or Gradescope")
    add("--column", default="", help="head of the column for Canvas, such as 'Kantorovich (4711)'")
    add(
        "--similar",
        type=_share,
        default=outcome.similar.THRESHOLD,
        metavar="SHARE",
        help="share of equal code from which two submissions are listed (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("name the folder of submissions (make grade … DIR=folder)")
    return Path(text)


def _jobs(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes: 1, 2, …")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: more than 0, at most 1")
    return share
