"""Build the book, and say so only when it is right.

``python -m tools.build`` executes the chapters, several at a time, builds the website with Jupyter
Book, puts the package on it as a wheel (:mod:`tools.wheel`), and passes it through the gates of
:mod:`tools.gates`. It exits with 1 and one line per fault when a gate is not passed, and with 2
when Jupyter Book itself gave up.

How long a chapter takes is a report (a line that begins with NOTE) unless ``--budgets`` makes it a
gate.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tools import cache, execute, gates, threads, wheel
from tools.gates.execution import NOISE, over_budget

ROOT = Path(__file__).resolve().parent.parent
COLOUR = re.compile(r"\x1b\[[\d;]*m")


def say(line: str) -> None:
    print(line, flush=True)


def environment() -> dict[str, str]:
    """Environment of the kernels: a static page is made, at the small scale, reproducibly."""
    return {
        **os.environ,
        **threads.ONE,
        "OTGEN_BOOK": "1",
        "OTGEN_SCALE": os.environ.get("OTGEN_SCALE", "small"),
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        # Progress bars without speeds: two builds print the same.
        "TQDM_MININTERVAL": "1000",
        "TQDM_BAR_FORMAT": "{l_bar}{bar:10}| {n_fmt}/{total_fmt}",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def run_jupyter_book(root: Path) -> tuple[int, str]:
    """Run Jupyter Book; return its exit status and its log."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(root)]
    command += ["--path-output", str(root), "--nitpick", "--keep-going"]
    done = subprocess.run(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", cwd=root, check=False,
    )  # fmt: skip
    text = COLOUR.sub("", done.stdout)
    (root / "_build" / "build.log").write_text(text, encoding="utf-8")
    return done.returncode, text


def why_it_gave_up(log: str) -> str:
    """The end of the log, and one line with the error on which Jupyter Book stopped."""
    errors = re.findall(r"^(?:[\w.]+\.)?(\w+(?:Error|Exception)\b.*)$", log, flags=re.MULTILINE)
    what = errors[0] if errors else "it stopped without a word"
    return f"{log[-2000:]}\nFAULT Jupyter Book: {what}\nThe whole log: _build/build.log"


def build(root: Path = ROOT, jobs: int | None = None, budgets: bool = False) -> int:
    """Build the book in ``root``; returns the exit status.

    Args:
        root: the book's folder.
        jobs: chapters to execute at a time; as many as there are cores if None.
        budgets: whether a chapter over its budget, by more than noise, is a fault.
    """
    start = time.monotonic()
    say(f"Building the book. Reusing {cache.prepare(root)}.")
    execute.run(root, environment(), say, jobs)
    say("Making the pages.")
    status, log = run_jupyter_book(root)
    index = root / "_build" / "html" / "index.html"
    if status != 0 or not (root / "_build" / "manifest.json").is_file() or not index.is_file():
        say(why_it_gave_up(log))
        return 2
    if (root / "pyproject.toml").is_file():
        try:
            wheel.build(root, index.parent)
        except wheel.WheelError as error:
            say(f"{error}\nFAULT the package: setuptools could not pack it")
            return 2
    book = gates.Book(root, log)
    slow = list(over_budget(book))
    too_slow = list(over_budget(book, NOISE)) if budgets else []
    faults = gates.inspect(book) + too_slow
    for note in (n for n in slow if n not in too_slow):
        say(f"NOTE {note}. No fault; see CONTRIBUTING, 'Time'.")
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
    parser.add_argument(
        "--jobs", type=_positive, help="chapters to execute at a time (default: one a core)"
    )
    parser.add_argument(
        "--budgets", action="store_true", help="a chapter far over its time budget is a fault"
    )
    options = parser.parse_args()
    return build(options.root.resolve(), options.jobs, options.budgets)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"a number of chapters, at least 1, not {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
