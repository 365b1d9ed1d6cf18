"""A chapter's number is that of its file: ``10_pot_aae`` is chapter 10, whoever stands before it.

Sphinx counts chapters in the order of the table of contents. While parts of the book are still to
come, that count would give a chapter one number today and another one tomorrow.
"""

from __future__ import annotations

from typing import Any

import chapters
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx_external_toc.collectors import TocTreeCollectorWithStyles


def renumber(env: BuildEnvironment) -> None:
    """Replace the first component of every section number by the number in the file's name."""
    for docname, numbers in env.toc_secnumbers.items():
        chapter = chapters.number(docname)
        if chapter is None:
            continue
        for anchor, number in numbers.items():
            if number:
                numbers[anchor] = (chapter, *number[1:])
        title = env.titles.get(docname)
        references = env.tocs[docname].findall(nodes.reference)
        for node in [*references, *([title] if title is not None else [])]:
            if node.get("secnumber"):
                node["secnumber"] = [chapter, *node["secnumber"][1:]]


def install(app: Sphinx) -> None:
    """Renumber right after Sphinx has counted, so that figures and theorems follow."""
    count = TocTreeCollectorWithStyles.assign_section_numbers
    if getattr(count, "by_file", False):
        return

    def counted(self: TocTreeCollectorWithStyles, env: BuildEnvironment) -> list[str]:
        before = dict(env.toc_secnumbers)
        count(self, env)
        renumber(env)
        now = env.toc_secnumbers
        return [name for name in now if now[name] != before.get(name)]

    counted.by_file = True  # type: ignore[attr-defined]
    TocTreeCollectorWithStyles.assign_section_numbers = counted  # type: ignore[method-assign]


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", install, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
