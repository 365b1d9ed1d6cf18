"""What is wrong with a source is said before anything is made, and in one line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from coursework import validate
from coursework.making import __main__ as making

from .conftest import FOLDERS, SLUGS

BOOK = making.ROOT / "book"


@pytest.mark.parametrize("folder", FOLDERS, ids=SLUGS)
def test_the_sources_have_no_fault(folder: Path) -> None:
    assert validate.faults(folder, BOOK) == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDERS[0], tmp_path / FOLDERS[0].name))


def change(old: str, new: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "assignment.md"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return apply


def bank(old: str, new: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "answers" / "q1.py"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return apply


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


FAULTS: list[tuple[str, Callable[[Path], None]]] = [
    ("unknown tag 'solutions'", change(":tags: [solution]", ":tags: [solutions]")),
    ("must have the tag test", change(":tags: [test]", ":tags: [given]")),
    ("must have the tag solution", change(":tags: [solution]", ":tags: [given]")),
    (
        "its tests give 3 points, and the question 4",
        change("points: 3\nanswers", "points: 4\nanswers"),
    ),
    ("the table says 3 points, the question 4", change("points: 3\nanswers", "points: 4\nanswers")),
    (
        "a test begins with its settings",
        change('""" # BEGIN TEST CONFIG\npoints: 0', '"""\npoints: 0'),
    ),
    ("# END QUESTION is missing", change("```{raw-cell}\n# END QUESTION\n```\n", "")),
    ("`objective:` is missing", change("objective: ", "objectives: ")),
    ("does not bind the answer audits", change("answers: [audit]", "answers: [audits]")),
    ("audit is no answer of this question", change("answers: [audit]", "answers: [audits]")),
    ("there is no section 99_nowhere", change("section: 01_kantorovich", "section: 99_nowhere")),
    ("questions must be q1, q2", change("name: q1\n", "name: q9\n")),
    ("two questions have one name", change("name: q2\n", "name: q1\n")),
    ("there is no chapter", change("chapters: [01_kantorovich", "chapters: [01_cantor")),
    ("`minutes:` is missing", change("minutes:", "minuten:")),
    ("answers/q2.py is missing", without("answers/q2.py")),
    ("instructor.md is missing", without("instructor.md")),
    ("is neither `# %% right: …` nor", bank("# %% wrong:", "# %% Wrong:")),
    ("right answers, and must have 2", bank("# %% right:", "# %% wrong:")),
]


@pytest.mark.parametrize(("says", "apply"), FAULTS, ids=[says for says, _ in FAULTS])
def test_a_fault_is_named(copy: Path, says: str, apply: Callable[[Path], None]) -> None:
    apply(copy)
    found = validate.faults(copy, BOOK)
    assert any(says in fault for fault in found), found
    assert all(fault.startswith(copy.name) and "\n" not in fault for fault in found)


def test_nothing_is_made_of_a_fault_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], copy: Path
) -> None:
    change(":tags: [test]", ":tags: [tests]")(copy)
    monkeypatch.setattr(making, "folders", lambda: [copy])
    old = tmp_path / "made" / copy.name / "old.zip"
    old.parent.mkdir(parents=True)
    old.touch()
    monkeypatch.setattr("sys.argv", ["making", "--target", str(tmp_path / "made")])
    assert making.main() == 1
    assert "FAULT 01_kantorovich, unknown tag 'tests'" in capsys.readouterr().err
    assert old.exists()


def test_an_unknown_name_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(SystemExit, match="no assignment '03_mkee'; there are 01_kantorovich"):
        making.named(["03_mkee"])
