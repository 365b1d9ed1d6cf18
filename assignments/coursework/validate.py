"""What is wrong with a source, a line for each fault: `make assignments` asks before it makes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from coursework import bank, source, test_cells
from coursework.source import Assignment, Question, SourceError

#: Tags of code cells.
TAGS = {"setup", "given", "solution", "test"}
#: What only cells with a tag may hold, so that a mistyped tag gives nothing away.
MARKS = {"# BEGIN SOLUTION": "solution", "# SOLUTION": "solution", "BEGIN TEST CONFIG": "test"}
KEYS = {"name", "points", "answers", "objective", "section", "seconds", "manual"}
#: Answers that a bank must hold.
RIGHT, WRONG = 2, 6
ROW = re.compile(r"^\| *(\d+)\b[^|]*\| *([\d.]+) *\|", re.MULTILINE)


def faults(folder: Path, book: Path) -> list[str]:
    """The faults of an assignment.

    Args:
        folder: its source.
        book: the folder of the chapters.
    """
    try:
        assignment = source.read(folder)
        found = list(_whole(assignment, folder, book))
        for question in assignment.questions.values():
            said = [*_settings(question, book)]
            said += [] if question.manual else [*_tests(question), *_bank(question, folder)]
            found += [f"{question.name}: {fault}" for fault in said]
    except SourceError as error:
        return [str(error)]
    return [f"{folder.name}, {fault}" for fault in found]


def _whole(assignment: Assignment, folder: Path, book: Path) -> Iterator[str]:
    for key in ("title", "minutes", "chapters"):
        if key not in assignment.settings:
            yield f"front matter: `{key}:` is missing"
    for name in assignment.settings.get("chapters", []):
        if not (book / f"{name}.md").is_file():
            yield f"front matter: there is no chapter {name}"
    if not (folder / "instructor.md").is_file():
        yield "instructor.md is missing"
    if len([c for c in assignment.notebook.cells if "setup" in source.tags(c)]) != 1:
        yield "one code cell must have the tag setup"
    names = [q.name for q in assignment.questions.values()]
    if names != [f"q{k}" for k in range(1, len(names) + 1)]:
        yield f"questions must be q1, q2, … in this order, and are {', '.join(names)}"
    begun = sum(c.source.startswith(source.BEGIN) for c in assignment.notebook.cells)
    if begun != len(names):
        yield "two questions have one name"
    for cell in assignment.notebook.cells:
        yield from _cell(cell)
    text = "\n".join(c.source for c in assignment.notebook.cells if c.cell_type == "markdown")
    for number, points in ROW.findall(text.split("\n## ")[0]):
        question = assignment.questions.get(f"q{number}")
        if question is not None and float(points) != question.points:
            yield f"q{number}: the table says {points} points, the question {question.points:g}"


def _cell(cell: object) -> Iterator[str]:
    text, kind, found = cell.source, cell.cell_type, set(source.tags(cell))  # type: ignore[attr-defined]
    first = text.strip().split("\n")[0][:60]
    if found - TAGS:
        yield f"unknown tag {sorted(found - TAGS)[0]!r} of the cell {first!r}"
    if kind == "raw" and not text.startswith((source.BEGIN, source.END)):
        yield f"a raw cell that Otter does not know: {first!r}"
    for mark, tag in MARKS.items():
        if kind == "code" and mark in text and tag not in found:
            yield f"a cell with {mark!r} must have the tag {tag}: {first!r}"


def _settings(question: Question, book: Path) -> Iterator[str]:
    if not (book / f"{question.section.partition('#')[0]}.md").is_file():
        yield f"there is no section {question.section}"
    if not question.manual and not question.answers:
        yield "`answers:` is missing"


def _tests(question: Question) -> Iterator[str]:
    tests = []
    for cell in question.tests:
        try:
            tests.append(test_cells.read(cell))
        except (ValueError, KeyError, SyntaxError, TypeError) as error:
            yield f"a test cannot be read: {error}"
            return
    total = sum(t.points for t in tests)
    if total != question.points:
        yield f"its tests give {total:g} points, and the question {question.points:g}"
    for hidden in (True, False):
        if not any(t.hidden is hidden for t in tests):
            yield f"it has no {'hidden' if hidden else 'visible'} test"
    bound = set()
    for cell in question.solution:
        try:
            tree = ast.parse(cell)
        except SyntaxError as error:
            yield f"the solution cannot be read: {error}"
            return
        bound |= {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        bound |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    for name in question.answers:
        if name not in bound:
            yield f"the solution does not bind the answer {name}"
    for test in tests:
        (function,) = ast.parse(test.body).body
        assert isinstance(function, ast.FunctionDef)
        known = {*question.answers, *({"hidden"} if test.hidden else ())}
        for argument in function.args.args:
            if argument.arg not in known:
                yield f"{test.name}: {argument.arg} is no answer of this question"


def _bank(question: Question, folder: Path) -> Iterator[str]:
    path = folder / "answers" / f"{question.name}.py"
    if not path.is_file():
        yield f"answers/{path.name} is missing"
        return
    answers = bank.read(path)
    right = [a for a in answers if a.points is None]
    wrong = [a for a in answers if a.points is not None]
    if len(right) < RIGHT:
        yield f"its bank has {len(right)} right answers, and must have {RIGHT}"
    if len(wrong) < WRONG:
        yield f"its bank has {len(wrong)} wrong answers, and must have {WRONG}"
    for answer in wrong:
        if (answer.points or 0) >= question.points:
            yield f"a wrong answer must lose points: {answer.title}"
    titles = [a.title for a in answers]
    for title in sorted({t for t in titles if titles.count(t) > 1}):
        yield f"two answers are called {title!r}"
