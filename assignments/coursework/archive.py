"""What a grader needs of an assignment, apart from its source: questions, tests and the secret.

``otter assign`` packs the tests; beside them, in ``files/assignment.json``, lies what the
notebook's own format has no place for. Grading reads the archive and nothing else, so what was
handed out stays gradable when the source has moved on.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from otter.test_files.exception_test import ExceptionTestFile

from coursework.source import Assignment, Question

NAME = "assignment.json"


@dataclass(frozen=True)
class Archive:
    """An assignment as the grader has it.

    Attributes:
        slug, title: its names.
        questions: in their order.
        tests: of each question that is graded automatically.
        setup: code that runs before a student's.
        secret: what hidden instances are drawn from.
        skeleton: what students find in the cells of their answers.
    """

    slug: str
    title: str
    questions: dict[str, Question]
    tests: dict[str, ExceptionTestFile]
    setup: list[str]
    secret: str
    skeleton: list[str] = field(default_factory=list)

    @property
    def points(self) -> float:
        return sum(q.points for q in self.questions.values())


def describe(assignment: Assignment, secret: str) -> str:
    """The text of ``assignment.json``."""
    facts: dict[str, Any] = {
        "slug": assignment.slug,
        "title": assignment.title,
        "secret": secret,
        "setup": assignment.setup,
        "skeleton": [_unsolved(c) for q in assignment.questions.values() for c in q.solution],
        # Text and solution stay out: a grader needs neither.
        "questions": [
            asdict(q) | {"text": "", "solution": [], "tests": []}
            for q in assignment.questions.values()
        ],
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def of_source(assignment: Assignment, secret: str) -> Archive:
    """The archive that :mod:`coursework.build` would pack, without packing it."""
    from coursework.grading import test_file

    graded = {n: q for n, q in assignment.questions.items() if not q.manual}
    tests = {name: test_file(q) for name, q in graded.items()}
    return _archive(json.loads(describe(assignment, secret)), tests)


def read(path: Path) -> Archive:
    """The archive in a zip file, or in a folder into which Otter has unpacked it."""
    if path.is_dir():
        sources = {p.stem: p.read_text(encoding="utf-8") for p in (path / "tests").glob("q*.py")}
    else:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.startswith("tests/q") and n.endswith(".py")]
            sources = {Path(n).stem: archive.read(n).decode() for n in names}
    tests = {name: ExceptionTestFile.from_string(text, name) for name, text in sources.items()}
    return _archive(facts(path), tests)


def facts(path: Path) -> dict[str, Any]:
    """What ``assignment.json`` says in the zip file, or in the folder, of an archive."""
    if path.is_dir():
        text = (path / NAME).read_text(encoding="utf-8")
    else:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(f"files/{NAME}").decode()
    found: dict[str, Any] = json.loads(text)
    return found


def _archive(facts: dict[str, Any], tests: dict[str, ExceptionTestFile]) -> Archive:
    questions = {}
    for entry in facts["questions"]:
        for name in ("answers", "solution", "tests"):
            entry[name] = tuple(entry[name])
        questions[entry["name"]] = Question(**entry)
    return Archive(
        facts["slug"],
        facts["title"],
        questions,
        tests,
        facts["setup"],
        facts["secret"],
        facts.get("skeleton", []),
    )


def _unsolved(cell: str) -> str:
    """A cell as students get it."""
    from otter.assign.solutions import replace_solutions

    return "\n".join(replace_solutions(cell.splitlines(), "python"))
