"""Reuse of the last build: what is still valid, and what is not.

jupyter-cache keys a chapter's outputs on its cells alone, so it would serve what an older
``otgen_lite`` had computed; and Sphinx re-reads a page only when its own file changed, so it
would keep a page that had failed. Two digests mend both:

* ``executed``: the package's source, the lock file, the recorded benchmarks that chapters quote,
  the Python version, and how a chapter is executed. When it changes, every output is computed
  again.
* ``rendered``: the local Sphinx extension and the book's configuration. When it changes, or when
  the last build did not pass, every page is read again, from cached outputs where they are valid.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
import shutil
from collections.abc import Iterable
from pathlib import Path

from tools import execute, threads

STATE = "build_state.json"


def digest(files: Iterable[Path], *words: str) -> str:
    """SHA-256 over the names and contents of files, and over further words."""
    total = hashlib.sha256("\0".join(words).encode())
    for path in sorted(files):
        total.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()


def executed_digest(root: Path) -> str:
    """On what the outputs of the cells depend, beside the cells themselves."""
    spec = importlib.util.find_spec("otgen_lite")  # found, not imported: torch takes seconds
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("otgen_lite is not installed in this environment: make book")
    package = Path(spec.submodule_search_locations[0])
    files = [p for p in package.rglob("*") if p.is_file() and p.suffix != ".pyc"]
    others = ("constraints.txt", "requirements.txt", "assets/bench/bench.json")
    files += [p for p in (root / name for name in others) if p.is_file()]
    files += [Path(str(module.__file__)) for module in (execute, threads)]
    return digest(files, platform.python_version())


def rendered_digest(root: Path) -> str:
    """On what every page depends, beside its own source."""
    files = [root / "_config.yml", root / "_toc.yml", *(root / "book").glob("*.bib")]
    files += [p for p in (root / "book" / "_ext").rglob("*.py")]
    return digest(p for p in files if p.is_file())


def prepare(root: Path) -> str:
    """Delete what must not be reused; returns in words what was kept."""
    build = root / "_build"
    state = _read(build / STATE)
    if state.get("executed") != executed_digest(root):
        for stale in (".jupyter_cache", ".doctrees", "jupyter_execute", "html"):
            shutil.rmtree(build / stale, ignore_errors=True)
        kept = "nothing (new, or the package or the lock file changed): every chapter is executed"
    elif state.get("rendered") != rendered_digest(root) or not state.get("passed"):
        for stale in (".doctrees", "jupyter_execute", "html"):
            shutil.rmtree(build / stale, ignore_errors=True)
        kept = "outputs of unchanged chapters; every page is read again"
    else:
        kept = "every unchanged page"
    # Until this build has passed, the next one may not trust its pages.
    _write(root, passed=False)
    return kept


def accept(root: Path) -> None:
    """The build passed every gate: the next one may stand on it."""
    _write(root, passed=True)


def _write(root: Path, passed: bool) -> None:
    (root / "_build").mkdir(exist_ok=True)
    state = {
        "executed": executed_digest(root),
        "rendered": rendered_digest(root),
        "passed": passed,
    }
    (root / "_build" / STATE).write_text(json.dumps(state, indent=1), encoding="utf-8")


def _read(path: Path) -> dict[str, object]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
