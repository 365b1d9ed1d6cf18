"""Content of the book, written down for the checks that run after the build.

``_build/manifest.json``: for each page its title, its execution and its budget, and all
exercises, solutions and statements with the page they stand on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chapters
import executed
from ledger import STATEMENT_TYPES
from sphinx.application import Sphinx


def describe(app: Sphinx) -> dict[str, Any]:
    """The manifest as a plain dictionary."""
    env = app.env
    pages = {}
    took = executed.report(app)
    for docname in sorted(env.found_docs):
        pages[docname] = {
            "title": env.titles[docname].astext() if docname in env.titles else docname,
            "source": str(Path(env.doc2path(docname)).relative_to(app.srcdir)),
            "execution": took.get(docname),
            "budget": chapters.front_matter(env, docname).get("budget"),
            "certificates": list(executed.certificates(app, docname)),
        }
    exercises = []
    for label, entry in getattr(env, "sphinx_exercise_registry", {}).items():
        kind = "solution" if entry["type"].startswith("solution") else "exercise"
        exercises.append(
            {
                "label": label,
                "kind": kind,
                "page": entry["docname"],
                "of": entry["node"].get("target_label") if kind == "solution" else None,
            }
        )
    statements = [
        {"label": label, "kind": entry["realtype"], "page": entry["docname"]}
        for label, entry in getattr(env, "proof_list", {}).items()
        if entry["realtype"] in STATEMENT_TYPES
    ]
    return {
        "pages": pages,
        "exercises": sorted(exercises, key=lambda e: (e["page"], e["label"])),
        "statements": sorted(statements, key=lambda s: (s["page"], s["label"])),
    }


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the manifest beside the website."""
    if exception is None and app.builder.format == "html":
        path = Path(app.outdir).parent / "manifest.json"
        path.write_text(json.dumps(describe(app), indent=1, sort_keys=True), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
