"""The archives under ``otter run``, as on an instructor's machine and as in Gradescope's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml

from coursework import archive
from coursework.grading import grade
from coursework.hidden import Hidden
from coursework.making import assign
from coursework.making.__main__ import ROOT
from coursework.submission import Submission, code_cells

from .conftest import SLUGS


def otter_run(submission: Path, packed: Path, folder: Path) -> dict[str, float]:
    """Points by question."""
    command = [str(Path(sys.executable).with_name("otter")), "run", "--no-logo"]
    path = os.pathsep.join([str(ROOT / "assignments"), str(ROOT)])
    done = subprocess.run(
        [*command, "-a", str(packed), "-o", str(folder), str(submission)],
        capture_output=True, text=True, cwd=folder, check=False,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return {t["name"]: t["score"] for t in results["tests"] if t["name"].startswith("q")}


def automatic(packed: Path) -> dict[str, float]:
    questions = archive.read(packed).questions.values()
    return {q.name: q.points for q in questions if not q.manual}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_solution_gets_everything(
    slug: str, made: dict[str, assign.Made], tmp_path: Path
) -> None:
    parts = made[slug]
    assert otter_run(parts.solution, parts.archive, tmp_path) == automatic(parts.archive)


def test_a_blank_gets_nothing(made: dict[str, assign.Made], tmp_path: Path) -> None:
    parts = made[SLUGS[-1]]
    nothing = dict.fromkeys(automatic(parts.archive), 0)
    assert otter_run(parts.student, parts.archive, tmp_path) == nothing


@pytest.mark.parametrize("slug", SLUGS)
def test_a_solution_gets_everything_with_a_secret(
    slug: str, reseeded: dict[str, assign.Made]
) -> None:
    """Other parameters and other instances, graded as `make grade` does."""
    exam = archive.read(reseeded[slug].archive)
    cells = code_cells(nbformat.read(reseeded[slug].solution, as_version=4))
    submission = Submission(cells, exam.setup, Hidden(exam.secret))
    for name, tests in exam.tests.items():
        result = grade(submission, exam.questions[name], tests)
        assert result.points == result.of, f"{name}: {result.messages}"
        assert result.messages == (), f"{name}: a right answer reads a complaint"


def test_files_that_a_student_adds_hide_no_module(
    made: dict[str, assign.Made], tmp_path: Path
) -> None:
    """A submission as a zip, with a grader of its own that gives every point."""
    parts = made[SLUGS[0]]
    submission = tmp_path / "submission.zip"
    gift = "def near(*a, **k): pass\nnumber = array = at_most = at_least = near\n"
    with zipfile.ZipFile(submission, "w") as packed:
        packed.write(parts.student, parts.student.name)
        packed.writestr("coursework/__init__.py", gift)
        packed.writestr("coursework/otter_plugin.py", "def names(path): return {}\n")
        packed.writestr("numpy.py", "raise SystemExit\n")
        packed.writestr("sitecustomize.py", "raise SystemExit\n")
    assert set(otter_run(submission, parts.archive, tmp_path).values()) == {0}


def test_a_broken_rule_loses_the_question_under_otter_as_well(
    made: dict[str, assign.Made], tmp_path: Path
) -> None:
    """A right answer that also tries to write where it may not, and swallows what that says."""
    parts = made[SLUGS[0]]
    notebook = nbformat.read(parts.solution, as_version=4)
    (cell,) = [c for c in notebook.cells if "def audit(" in c.source]
    cell.source += f"""

right, count = audit, []

def audit(*args):
    count.append(1)
    if len(count) > 3:
        try:
            open({str(tmp_path / "written")!r}, "w").close()
        except BaseException:
            pass
    return right(*args)
"""
    path = tmp_path / "writes.ipynb"
    nbformat.write(notebook, path)
    points = otter_run(path, parts.archive, tmp_path)
    assert points == automatic(parts.archive) | {"q1": 0}
    assert not (tmp_path / "written").exists()


def test_code_outside_of_answers_is_not_run(made: dict[str, assign.Made], tmp_path: Path) -> None:
    """Cells that meddle with Otter in the process that counts: they never run."""
    parts = made[SLUGS[0]]
    notebook = nbformat.read(parts.student, as_version=4)
    meddling = f"""
import otter.test_files.exception_test as e
e.test_case.call_func = lambda self, env: None
open({str(tmp_path / "ran")!r}, "w").close()
"""
    notebook.cells.insert(1, nbformat.v4.new_code_cell(meddling))
    path = tmp_path / "meddling.ipynb"
    nbformat.write(notebook, path)
    assert set(otter_run(path, parts.archive, tmp_path).values()) == {0}
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("slug", SLUGS)
def test_an_archive_is_what_gradescope_takes(slug: str, made: dict[str, assign.Made]) -> None:
    with zipfile.ZipFile(made[slug].archive) as packed:
        names = set(packed.namelist())
        assert {"setup.sh", "run_autograder", "run_otter.py", "environment.yml"} <= names
        environment = yaml.safe_load(packed.read("environment.yml"))
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    wheels = [line for line in pip if line.endswith(".whl")]
    assert len(wheels) == 2
    for wheel in wheels:
        assert "files/" + Path(wheel).name in names
    assert not {n for n in names if n.endswith((".md", "answers", ".ipynb"))}
