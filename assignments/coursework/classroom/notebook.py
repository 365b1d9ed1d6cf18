"""The code cells of a submission."""

from __future__ import annotations

import json
import logging
from typing import Any

import nbformat

from coursework.classroom.files import UnreadableError


def code(data: bytes) -> tuple[list[str], tuple[str, ...]]:
    """The sources of a notebook's code cells, and what an instructor should know of it.

    Raises:
        UnreadableError: the bytes are no notebook.
    """
    notebook, notes = _read(data)
    try:
        cells = [c for c in notebook["cells"] if c["cell_type"] == "code"]
        sources = [_source(c["source"]) for c in cells]
    except (KeyError, TypeError) as error:
        raise UnreadableError("it is JSON, but no Jupyter notebook") from error
    if not sources:
        raise UnreadableError("the notebook has no code cell")
    return sources, notes


def _read(data: bytes) -> tuple[Any, tuple[str, ...]]:
    if not data.strip():
        raise UnreadableError("the file is empty")
    try:
        facts = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(
            f"the file is no Jupyter notebook: it is not JSON ({error})"
        ) from error
    if not isinstance(facts, dict) or not isinstance(facts.get("nbformat"), int):
        raise UnreadableError("it is JSON, but no Jupyter notebook")
    version = facts["nbformat"]
    if version == 4:
        return facts, ()
    # nbformat complains to its log about each cell of an old notebook.
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    try:
        upgraded = nbformat.reads(data.decode("utf-8-sig"), as_version=4)
    except Exception as error:  # old or broken notebooks fail in many ways
        raise UnreadableError(f"a notebook of format {version}, which cannot be read") from error
    return upgraded, (f"a notebook of format {version}, read as one of format 4",)


def _source(source: Any) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    raise TypeError("no source")
