"""What the website tells of the assignments: titles, points, objectives, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from coursework import source
from coursework.source import Assignment

RECORD = Path("assets") / "assignments" / "list.json"


def facts(assignment: Assignment) -> dict[str, Any]:
    """An assignment as a row of the record."""
    return {
        "slug": assignment.slug,
        "title": assignment.title,
        "chapters": assignment.settings["chapters"],
        "minutes": assignment.settings["minutes"],
        "questions": [
            {
                "name": q.name,
                "title": q.title,
                "points": q.points,
                "manual": q.manual,
                "objective": q.objective,
                "section": q.section,
            }
            for q in assignment.questions.values()
        ],
    }


def text(folders: list[Path]) -> str:
    """The record of these sources."""
    rows = [facts(source.read(folder)) for folder in folders]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def write(folders: list[Path], root: Path) -> None:
    """Write the record."""
    path = root / RECORD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(folders), encoding="utf-8")
