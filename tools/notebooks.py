"""Write the notebooks for Colab, or say which of those checked in are stale.

``python -m tools.notebooks`` writes ``notebooks/NN_slug.ipynb`` from the chapters, with the
Sphinx builder ``colab`` (``book/_ext/colab.py``). ``--check`` writes nothing, names each notebook
that is stale, missing or left over, and exits with 1 when there is one.

A notebook holds what its cells drew and printed. Text and code are compared exactly. Outputs are
not: on another machine the last digits of a float differ, and with them a picture's bytes. Of
outputs is compared which cell has which, and the shape of each picture; a figure that was drawn
anew from unchanged code in a chapter is not seen, and is there after ``make notebooks``.

The book's configuration and its cache of executed cells are the website's, so after ``make book``
nothing is executed again; the website itself is not touched.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools import build, cache, execute

ROOT = build.ROOT
#: Beginning of Jupyter Book's explanation of its own calls; what matters stands before.
JUPYTER_BOOK_GAVE_UP = re.compile(r'Traceback \(most recent call last\):\n  File "\S*jupyter_book')


class NotebooksError(RuntimeError):
    """The chapters could not be turned into notebooks; the message is Sphinx's."""


def generate(root: Path = ROOT) -> dict[str, str]:
    """The notebooks that belong to the chapters as they are: file name to text.

    Raises:
        NotebooksError: if a chapter fails, warns, or holds what a notebook cannot show.
    """
    if not _outputs_are_current(root):
        cache.prepare(root)
    failed = [
        page for page in execute.run(root, build.environment(), _quiet) if page.facts["error"]
    ]
    if failed:
        lines = [f"{page.path.name}: {page.facts['error']['what']}" for page in failed]
        raise NotebooksError("\n".join(lines))
    # A folder of its own beside the website: pages are read anew, cells come from the cache.
    work = root / "_build" / "colab"
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(root)]
    command += ["--path-output", str(work), "--builder", "custom", "--custom-builder", "colab"]
    command += ["--all", "--nitpick", "--warningiserror", "--keep-going", "--quiet"]
    work.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command, cwd=root, env=build.environment(), capture_output=True, text=True, check=False,
        encoding="utf-8",
    )  # fmt: skip
    if done.returncode:
        raise NotebooksError(_what_matters(build.COLOUR.sub("", done.stderr)))
    made = (work / "_build" / "colab").glob("*.ipynb")
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(made)}


def _quiet(line: str) -> None:
    """Nothing: the chapters are usually in the cache."""


def _what_matters(said: str) -> str:
    """Sphinx's warnings and errors: without the kernels' own, and the beginning of a long list."""
    said = JUPYTER_BOOK_GAVE_UP.split(said)[0]
    lines = [line for line in said.splitlines() if line and not line.startswith("[IPKernelApp]")]
    more = [f"… and {len(lines) - 60} more lines"] if len(lines) > 60 else []
    return "\n".join(lines[:60] + more)


def _outputs_are_current(root: Path) -> bool:
    """Whether the cached outputs were computed by this package, in this environment."""
    try:
        state = json.loads((root / "_build" / cache.STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(state.get("executed") == cache.executed_digest(root))


def differences(root: Path, wanted: dict[str, str]) -> list[str]:
    """One line for each notebook in the repository that is not what the chapters say."""
    folder = root / "notebooks"
    found = {path.name: path for path in folder.glob("*.ipynb")}
    lines = []
    for name, text in wanted.items():
        if name not in found:
            lines.append(f"notebooks/{name} is missing")
        else:
            stale = what_is_stale(json.loads(found[name].read_text(encoding="utf-8")),
                                  json.loads(text))  # fmt: skip
            lines += [f"notebooks/{name} is stale: {stale}"] if stale else []
    lines += [f"notebooks/{name} belongs to no chapter" for name in sorted(found.keys() - wanted)]
    return lines


def what_is_stale(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Differences of a notebook from its chapter, in words; empty where there are none."""
    if without_outputs(old) != without_outputs(new):
        return "its chapter says something else"
    for before, after in zip(old["cells"], new["cells"], strict=True):
        pairs = list(zip(shapes(before), shapes(after), strict=False))
        if len(shapes(before)) != len(shapes(after)) or not all(alike(*pair) for pair in pairs):
            return f"its cell {after['id']!r} shows something else"
    return ""


def without_outputs(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook as if nobody had run it."""
    cells = [{k: v for k, v in cell.items() if k != "outputs"} for cell in notebook["cells"]]
    return {**notebook, "cells": cells}


def shapes(cell: dict[str, Any]) -> list[tuple[list[str], float]]:
    """For each stored output of a cell: its forms, and a picture's width over its height."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {output["output_type"]: ""})
        width, height = 1, 1
        if "image/png" in data:
            header = base64.b64decode("".join(data["image/png"])[:32])
            width, height = struct.unpack(">II", header[16:24])
        found.append((sorted(data), width / height))
    return found


def alike(one: tuple[list[str], float], other: tuple[list[str], float]) -> bool:
    """Whether two outputs have the same forms and, but for a margin of labels, the same shape."""
    return one[0] == other[0] and abs(one[1] / other[1] - 1) < 0.05


def write(root: Path, wanted: dict[str, str]) -> list[str]:
    """Make the folder ``notebooks`` hold these notebooks and no others; say what was written."""
    folder = root / "notebooks"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.ipynb"):
        if old.name not in wanted:
            old.unlink()
    written = []
    for name, text in wanted.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(name)
    return written


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=ROOT, help="the book's folder")
    parser.add_argument("--check", action="store_true", help="write nothing, name what differs")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        wanted = generate(root)
    except NotebooksError as error:
        print(f"{error}\nThe notebooks could not be made (above: what Sphinx said).")
        return 2
    if options.check:
        lines = differences(root, wanted)
        print("\n".join([*lines, "To write them anew: make notebooks"] if lines else
                        [f"All {len(wanted)} notebooks are what their chapters say."]))  # fmt: skip
        return 1 if lines else 0
    written = write(root, wanted)
    print(f"Written anew: {', '.join(written)}." if written else "No notebook changed.")
    print(f"{len(wanted)} notebooks are in notebooks/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
