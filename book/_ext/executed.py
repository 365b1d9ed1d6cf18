"""What a page's cells printed: the executed notebooks that myst-nb leaves beside the website."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

#: The key of a certificate's record in an output's metadata; see otgen_lite/certify.py.
CERTIFICATE = "otgen_certificate"


def path_of(app: Sphinx, docname: str) -> Path:
    """Where the executed notebook of a page lies (whether or not it has one)."""
    return Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"


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
