"""The grader's first line: which guards this machine has."""

from __future__ import annotations

from coursework.classroom.cli import _guarded
from coursework.limits import Guard


def test_a_missing_guard_is_a_warning() -> None:
    found = [
        Guard("memory", True, "RLIMIT_AS"),
        Guard("files", False, "darwin has nothing like it"),
    ]
    first, second = _guarded(found).split("\n")
    assert first == "Guards of this machine: memory (RLIMIT_AS)."
    assert second == "WARNING: no guard of files here: darwin has nothing like it"
