"""Run ``otter assign``, and put what comes out where an instructor looks for it."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml

from coursework import archive, source
from coursework.making import first_cell, master, pages, wheels

REQUIREMENTS = """\
--extra-index-url https://download.pytorch.org/whl/cpu
torch
POT
/autograder/source/files/{package}
/autograder/source/files/{grader}
"""
#: The time of every file in an archive: two builds of one source are the same.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Made:
    """Where the parts of an assignment lie."""

    student: Path
    solution: Path
    archive: Path
    rubric: Path
    notes: Path


def make(folder: Path, secret: str, target: Path, root: Path, packed: wheels.Wheels) -> Made:
    """Make everything of one assignment.

    Args:
        folder: its source.
        secret: what hidden instances and parameters are drawn from.
        target: an empty folder.
        root: the book.
        packed: the packages that an archive carries.
    """
    assignment = source.read(folder, secret)
    site = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["html"]["baseurl"]
    site = site.rstrip("/") + "/"
    with tempfile.TemporaryDirectory() as scratch:
        work, out = Path(scratch, "work"), Path(scratch, "out")
        work.mkdir()
        (work / archive.NAME).write_text(archive.describe(assignment, secret), encoding="utf-8")
        files = [archive.NAME]
        for wheel in (packed.package, packed.grader):
            shutil.copy(wheel, work / wheel.name)
            files.append(wheel.name)
        requirements = REQUIREMENTS.format(package=files[1], grader=files[2])
        (work / "requirements.txt").write_text(requirements, encoding="utf-8")
        notebook = master.notebook(assignment, first_cell.source(assignment, root), site, files)
        path = work / f"{assignment.slug}.ipynb"
        nbformat.write(notebook, path)
        _otter_assign(path, out)
        return _collect(assignment, out, target, folder, site)


def _otter_assign(path: Path, out: Path) -> None:
    from otter.assign import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main(str(path), str(out), no_pdfs=True, no_run_tests=True)


def _collect(
    assignment: source.Assignment, out: Path, target: Path, folder: Path, site: str
) -> Made:
    slug = assignment.slug
    target.mkdir(parents=True)
    made = Made(
        target / f"{slug}.ipynb",
        target / f"{slug}-solution.ipynb",
        target / f"{slug}-autograder.zip",
        target / "rubric.html",
        target / "instructor.html",
    )
    nbformat.write(_same_every_time(out / "student" / f"{slug}.ipynb"), made.student)
    nbformat.write(_same_every_time(out / "autograder" / f"{slug}.ipynb"), made.solution)
    (packed,) = (out / "autograder").glob("*-autograder_*.zip")
    _repack(packed, made.archive)
    made.rubric.write_text(pages.rubric(assignment, site, folder / "answers"), encoding="utf-8")
    notes = (folder / "instructor.md").read_text(encoding="utf-8")
    made.notes.write_text(pages.notes(assignment, notes, site), encoding="utf-8")
    return made


def _same_every_time(path: Path) -> Any:
    """A notebook of Otter's with cell names that depend on nothing but their order."""
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook


def _repack(packed: Path, target: Path) -> None:
    """The archive without the times at which its files were written."""
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(target, "w") as new:
        for name in sorted(old.namelist()):
            info = zipfile.ZipInfo(name, EPOCH)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, old.read(name))
