"""Outputs of a page's cells, and the time that they took.

The executed notebooks are those that myst-nb leaves beside the website.

myst-nb writes the notebook with its outputs only when it has just executed it. Where the outputs
came from the cache it writes the bare cells, and with the outputs the certificates and the state of
widgets would be lost. So they are put back here, from the same cache.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from sphinx.application import Sphinx

#: The key of a certificate's record in an output's metadata; see otgen_lite/certify.py.
CERTIFICATE = "otgen_certificate"


def path_of(app: Sphinx, docname: str) -> Path:
    """Path of the executed notebook of a page (whether or not it has one)."""
    return Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"


def report(app: Sphinx) -> dict[str, dict[str, Any]]:
    """Page -> seconds, processor seconds, calibration and error, as ``tools/execute.py`` took
    them; empty where the pages were executed in another way."""
    path = Path(app.outdir).parent / "execution.json"
    if not path.is_file():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8")))


def restore(app: Sphinx, doctree: nodes.document) -> None:
    """Put cached outputs, and the state of widgets, back into the notebook of a page just read."""
    path = path_of(app, app.env.docname)
    execution = getattr(app.env, "nb_metadata", {}).get(app.env.docname, {}).get("exec_data")
    if not execution or not execution["succeeded"] or not path.is_file():
        return
    notebook = nbformat.read(path, as_version=4)
    if any(cell.get("outputs") for cell in notebook.cells):
        return
    with contextlib.suppress(KeyError):
        _, full = get_cache(app.config.nb_execution_cache_path).merge_match_into_notebook(notebook)
        nbformat.write(full, path)


def certificates(app: Sphinx, docname: str) -> Iterator[dict[str, Any]]:
    """The certificates that the page's cells recorded, in order."""
    path = path_of(app, docname)
    if not path.is_file():
        return
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            record = output.get("metadata", {}).get(CERTIFICATE)
            if record is not None:
                yield dict(record)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", restore)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
