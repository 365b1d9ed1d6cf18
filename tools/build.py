"""Build the book, and say so only when it is right.

``python -m tools.build`` executes the chapters, builds the website with Jupyter Book, and passes
it through the gates of :mod:`tools.gates`. It exits with 1 and one line per fault when a gate is
not passed, and with 2 when Jupyter Book itself gave up.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tools import cache, gates

ROOT = Path(__file__).resolve().parent.parent
#: Lines of the build's log that tell how far it is.
PROGRESS = (
    (re.compile(r"/(?P<page>[^/]+)\.md: Executing notebook"), "executing …"),
    (re.compile(r"/(?P<page>[^/]+)\.md: Executed notebook in (?P<time>[\d.]+)"), "executed"),
    (re.compile(r"/(?P<page>[^/]+)\.md: Using cached notebook"), "outputs unchanged"),
    (re.compile(r"/(?P<page>[^/]+)\.md: .*Executing notebook failed"), "FAILED"),
)
COLOUR = re.compile(r"\x1b\[[\d;]*m")


def say(line: str) -> None:
    print(line, flush=True)


def environment() -> dict[str, str]:
    """What the kernels see: a static page is made, at the small scale, reproducibly."""
    return {
        **os.environ,
        "OTGEN_BOOK": "1",
        "OTGEN_SCALE": os.environ.get("OTGEN_SCALE", "small"),
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        # Progress bars without speeds: two builds print the same.
        "TQDM_MININTERVAL": "1000",
        "TQDM_BAR_FORMAT": "{l_bar}{bar}| {n_fmt}/{total_fmt}",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def run_jupyter_book(root: Path) -> tuple[int, str]:
    """Run Jupyter Book; show a line per chapter; return its exit status and its log."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(root)]
    command += ["--path-output", str(root), "--nitpick", "--keep-going"]
    log: list[str] = []
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", cwd=root,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for coloured in process.stdout:
            line = COLOUR.sub("", coloured)
            log.append(line)
            _show_progress(line)
    text = "".join(log)
    (root / "_build" / "build.log").write_text(text, encoding="utf-8")
    return process.returncode, text


def _show_progress(line: str) -> None:
    for pattern, word in PROGRESS:
        found = pattern.search(line)
        if found:
            seconds = f" in {found['time']} s" if "time" in pattern.groupindex else ""
            say(f"  {found['page']:<24} {word}{seconds}")
            return


def why_it_gave_up(log: str) -> str:
    """The end of the log, and one line that names the chapter on which Jupyter Book stopped."""
    place = "Jupyter Book"
    for line in log.splitlines():
        if found := PROGRESS[0][0].search(line):
            place = f"book/{found['page']}.md, while its cells ran"
        elif any(pattern.search(line) for pattern, _ in PROGRESS[1:]):
            place = "Jupyter Book"
    errors = re.findall(r"^(?:[\w.]+\.)?(\w+(?:Error|Exception)\b.*)$", log, flags=re.MULTILINE)
    what = errors[0] if errors else "it stopped without a word"
    return f"{log[-2000:]}\nFAULT {place}: {what}\nThe whole log: _build/build.log"


def build(root: Path = ROOT) -> int:
    """Build the book in ``root``; returns the exit status."""
    start = time.monotonic()
    say(f"Building the book. Reusing {cache.prepare(root)}.")
    status, log = run_jupyter_book(root)
    index = root / "_build" / "html" / "index.html"
    if status != 0 or not (root / "_build" / "manifest.json").is_file() or not index.is_file():
        say(why_it_gave_up(log))
        return 2
    faults = gates.inspect(gates.Book(root, log))
    for fault in faults:
        say(f"FAULT {fault}")
    minutes, seconds = divmod(round(time.monotonic() - start), 60)
    if faults:
        say(f"The book does not pass: {len(faults)} fault(s) after {minutes} min {seconds} s.")
        return 1
    cache.accept(root)
    say(f"The book is built and checked ({minutes} min {seconds} s): {index.relative_to(root)}")
    say("To look at it: make serve")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=ROOT, help="the book's folder")
    return build(parser.parse_args().root.resolve())


if __name__ == "__main__":
    sys.exit(main())
