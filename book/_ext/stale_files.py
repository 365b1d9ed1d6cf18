"""Files of an earlier build that no page of this one names."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx


def remove(app: Sphinx, exception: Exception | None, folder: str, files: str = "*") -> None:
    """Remove the files of a folder of the website, of those that match, that no page names."""
    where = Path(app.outdir) / folder
    if exception is not None or app.builder.name not in ("html", "dirhtml") or not where.is_dir():
        return
    address = re.compile(rf"{folder}/([\w.-]+)")
    used = {
        name
        for page in Path(app.outdir).rglob("*.html")
        for name in address.findall(page.read_text(encoding="utf-8"))
    }
    for file in where.glob(files):
        if file.name not in used:
            file.unlink()
