"""A fault of language, and the places that are excused."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Fault:
    """One thing to change: where it stands, the rule, the words, their sentence, a suggestion."""

    file: str
    line: int
    rule: str
    words: str
    sentence: str
    instead: str

    def __str__(self) -> str:
        head = f"{self.file}:{self.line}: {self.rule}: “{self.words}” → {self.instead}"
        return f"{head}\n    {self.sentence}" if self.sentence else head


@dataclass(frozen=True)
class Excuse:
    """A place where a rule is broken on purpose: an entry of ``excused.toml``."""

    file: str
    rule: str
    words: str
    reason: str

    def covers(self, fault: Fault) -> bool:
        here = fault.file == self.file and fault.rule == self.rule
        return here and same(self.words) in same(fault.sentence)


def same(text: str) -> str:
    """Words for a comparison: lower case, single spaces, one kind of quotation mark."""
    return re.sub(r"\s+", " ", text.lower().replace("’", "'"))


def excuses(path: Path = HERE / "excused.toml") -> list[Excuse]:
    """All entries; one without a reason is refused."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("excuse", [])
    for entry in entries:
        if len(entry.get("reason", "").split()) < 3:
            raise SystemExit(f"{path.name}: an excuse needs a reason: {entry}")
    return [Excuse(**entry) for entry in entries]


def excused(faults: list[Fault], allowed: list[Excuse], files: set[str]) -> list[Fault]:
    """The faults that no entry covers, and the entries for these files that cover none."""
    left = [fault for fault in faults if not any(e.covers(fault) for e in allowed)]
    idle = [e for e in allowed if e.file in files and not any(map(e.covers, faults))]
    return left + [
        Fault("tools/language/excused.toml", 1, "excuse", e.words, e.file, "delete this entry")
        for e in idle
    ]
