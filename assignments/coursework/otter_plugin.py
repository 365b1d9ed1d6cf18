"""Otter's door to the isolated grader: the notebook that Otter runs holds no line of a student's.

Before the submission is executed, this plugin takes its cells away and gives Otter a notebook
whose only cell runs Otter's tests of each question on the answers, which are functions in a
process of their own. Otter counts the points.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
from otter.execute import Checker
from otter.nbmeta_config import NBMetadataConfig
from otter.plugins import AbstractOtterPlugin
from otter.test_files.abstract_test import TestCaseResult

from coursework import archive
from coursework.hidden import Hidden
from coursework.submission import Submission, code_cells

CELLS = "submitted.json"
CELL = f"""\
from coursework.otter_plugin import check
check({CELLS!r})
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
        """The notebook that is executed in place of the submission."""
        cells = code_cells(submission)
        Path(CELLS).write_text(json.dumps(cells), encoding="utf-8")
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        return notebook


def check(path: str) -> None:
    """Run the tests of all questions, in the folder of a submission whose cells are in a file."""
    exam = archive.read(Path())
    cells = json.loads(Path(path).read_text(encoding="utf-8"))
    submission = Submission(cells, exam.setup, Hidden(exam.secret))
    for question in exam.questions.values():
        if question.manual:
            continue
        with submission.names(question) as names:
            test = Checker.check(f"./tests/{question.name}.py", NBMetadataConfig(), None, names)
        if (why := submission.broken.get(question.name)) is not None:
            lost = f"the question is lost: {why}"
            test.test_case_results = [
                TestCaseResult(test_case=r.test_case, message=lost, passed=False)
                for r in test.test_case_results
            ]
