"""``python -m tools.language [files]``: faults of language, one a line; see the package."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tools import symbols
from tools.language import lengths, prose_of, spelling, style
from tools.language.faults import Fault, excused, excuses

ROOT = Path(__file__).resolve().parents[2]
#: What people read. Notebooks are made from the chapters.
READ = ["*.md", "book", "assignments", "otgen_lite", "tools", "tests", "benchmarks", "*.py"]
#: What students write, in the banks of answers, and examples of faults.
LEFT_OUT = re.compile(r"assignments/[^/]+/answers/|tests/unit/test_language\.py")


def files() -> list[str]:
    """The files of the repository that hold prose, also those that are not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *READ]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    named = set(listed.stdout.split("\n"))
    return sorted(n for n in named if n.endswith((".md", ".py", ".rst")) and not LEFT_OUT.match(n))


def faults(name: str, speller: spelling.Speller, rules: list[style.Rule]) -> list[Fault]:
    """All faults of one file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    own_names = spelling.names(text) if name.endswith(".py") else spelling.names(cells(text))
    found: list[Fault] = []
    for passage in prose_of.passages(name, text):
        found += speller.check(name, passage, own_names)
        found += style.check(name, passage, rules)
    return found


def notation() -> list[Fault]:
    """Symbols that are used before they are introduced: a matter of all chapters together."""
    return [
        Fault(f"book/{page}.md", line, "symbol", f"${symbol}$", "", what)
        for page, line, symbol, what in symbols.faults(*symbols.book())
    ]


def cells(text: str) -> str:
    """The code of a page."""
    tokens = prose_of.MARKDOWN.parse(text)
    return "\n".join(t.content for t in tokens if t.type == "fence" and prose_of.CELL.match(t.info))


def chapter(name: str) -> bool:
    return name.startswith("book/") and Path(name).name[0].isdigit()


def main() -> int:
    parser = argparse.ArgumentParser(description="Spelling, style and lengths of sentences.")
    parser.add_argument("files", nargs="*", help="all that people read, if none is named")
    named = parser.parse_args().files
    names = [str(Path(n).resolve().relative_to(ROOT)) for n in named] or files()
    speller = spelling.Speller(
        spelling.words(),
        spelling.dictionary("en_GB"),
        spelling.dictionary("en_US"),
        spelling.suggestions,
    )
    rules = style.rules()
    found = [fault for name in names for fault in faults(name, speller, rules)]
    for name in filter(chapter, names):
        if Path(name).stem not in lengths.NOT_YET:
            found += lengths.check(name, (ROOT / name).read_text(encoding="utf-8"))
    if not named or "book/notation.md" in names:
        found += notation()
    found = excused(found, excuses(), set(names))
    for fault in sorted(set(found), key=lambda fault: (fault.file, fault.line)):
        print(fault)
    print(f"language: {len(found)} faults in {len(names)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
