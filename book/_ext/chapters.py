"""The line under a chapter's title: reading time, hardware, what to have read.

All of it is computed or read from the front matter::

    otgen:
      budget: 60                   # calibrated seconds that its cells may take
      needs: [01_kantorovich]      # chapters to have read
      hardware: GPU                # CPU, or GPU: an accelerator is used where there is one
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

#: Hardware of a chapter's code, as the line says it. No chapter needs an accelerator.
HARDWARE = {"CPU": "runs on a CPU", "GPU": "runs on a CPU; uses a GPU where there is one"}

#: A chapter's number is in the name of its file.
PAGE = re.compile(r"(?:^|/)(\d\d)_[^/]*$")

#: Adults read prose silently at about 240 words a minute; mathematics at about half of it.
WORDS_PER_MINUTE = 120


logger = logging.getLogger(__name__)


def number(page: str) -> int | None:
    """The number of a chapter, None for other pages."""
    found = PAGE.search(page)
    return int(found.group(1)) if found else None


def numbered(env: BuildEnvironment) -> Iterator[tuple[int, str]]:
    """The chapters that exist, by number."""
    for page in sorted(env.found_docs):
        count = number(page)
        if count is not None:
            yield count, page


class ChapterFacts(nodes.General, nodes.Element):
    """Stands where the line will be, until the whole book has been read and executed."""


class ChapterFactsDirective(SphinxDirective):
    """``{chapter-facts}``: takes nothing, shows what the front matter and the build know."""

    def run(self) -> list[nodes.Node]:
        return [ChapterFacts()]


def front_matter(env: BuildEnvironment, docname: str) -> dict[str, Any]:
    """The ``otgen`` block of a page's front matter (empty where it has none)."""
    block = env.metadata.get(docname, {}).get("otgen", {})
    return dict(json.loads(block)) if isinstance(block, str) else dict(block)


def has_cells(env: BuildEnvironment, docname: str) -> bool:
    """Whether a page is executed."""
    return bool(getattr(env, "nb_metadata", {}).get(docname, {}).get("exec_data"))


def reading_minutes(doctree: nodes.document) -> int:
    """Minutes to read a page: its words outside of code, rounded up to five minutes."""
    words = sum(
        len(text.astext().split())
        for text in doctree.findall(nodes.Text)
        if not isinstance(text.parent, (nodes.literal_block, nodes.raw, nodes.math_block))
    )
    return max(5, 5 * -(-words // (5 * WORDS_PER_MINUTE)))


def hardware(facts: dict[str, Any], docname: str) -> str:
    """On what the code of a page runs, in words."""
    name = facts.get("hardware", "CPU")
    if name not in HARDWARE:
        logger.warning(
            "otgen: hardware is %r; it must be one of %s", name, ", ".join(HARDWARE),
            location=docname, type="chapters",
        )  # fmt: skip
    return HARDWARE.get(name, HARDWARE["CPU"])


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the placeholder by the sentence."""
    for place in list(doctree.findall(ChapterFacts)):
        line = nodes.paragraph(classes=["otg-facts"])
        facts = front_matter(app.env, docname)
        # No seconds: they are of one machine, and those of the last build are on the status page.
        if has_cells(app.env, docname):
            line += nodes.Text(f"Code: {hardware(facts, docname)}. ")
        line += nodes.Text("To have read: ")
        needs = facts.get("needs", [])
        for k, need in enumerate(needs):
            target = f"{docname.rpartition('/')[0]}/{need}".lstrip("/")
            uri = app.builder.get_relative_uri(docname, target)
            line += nodes.Text(", " if k else "")
            title = app.env.titles[target].astext() if target in app.env.titles else need
            line += nodes.reference("", title, internal=True, refuri=uri)
        line += nodes.Text("." if needs else "nothing; linear algebra and a little probability.")
        place.replace_self(line)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(ChapterFacts)
    app.add_directive("chapter-facts", ChapterFactsDirective)
    app.connect("doctree-resolved", fill_in)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
