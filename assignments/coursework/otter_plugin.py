"""Otter's door to the isolated grader: the notebook that Otter runs holds no line of a student's.

Before the submission is executed, this plugin takes its cells away and gives Otter a notebook
whose only cell binds the answers' names to functions that run in processes of their own. Otter's
tests then call these, and Otter counts the points.
"""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import nbformat
from otter.plugins import AbstractOtterPlugin

from coursework import archive
from coursework.hidden import Hidden
from coursework.submission import Submission, code_cells

CELLS = "submitted.json"
#: The processes of the answers: they live as long as the one that runs Otter's tests.
LIVING = ExitStack()
CELL = f"""\
from coursework.otter_plugin import names
globals().update(names({CELLS!r}))
"""


class Isolated(AbstractOtterPlugin):
    """Grade answers in processes of their own."""

    def before_grading(self, config: Any) -> None:
        """Leave the submission nothing in its folder that a module's name could hide behind."""
        here, submitted = Path(), Path(self.submission_path)
        for path in list(here.iterdir()):
            if path.name in ("tests", submitted.name, archive.NAME):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def before_execution(self, submission: Any) -> Any:
        """The notebook that is executed in the place of the submission."""
        cells = code_cells(submission)
        Path(CELLS).write_text(json.dumps(cells), encoding="utf-8")
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        return notebook


def names(path: str) -> dict[str, Any]:
    """What the tests of all questions see."""
    exam = archive.read(Path())
    cells = json.loads(Path(path).read_text(encoding="utf-8"))
    submission = Submission(cells, exam.setup, Hidden(exam.secret))
    found: dict[str, Any] = {}
    for question in exam.questions.values():
        if not question.manual:
            found |= LIVING.enter_context(submission.names(question))
    return found
