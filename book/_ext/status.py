"""The status page: execution times against budgets, recorded benchmarks, versions, the card."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import accelerator_table
import benchmarks_table
import chapters
import executed
import tables
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

PACKAGES = (
    "otgen-lite", "torch", "POT", "numpy", "scipy", "matplotlib", "ipywidgets", "scikit-learn",
    "jupyter-book", "Sphinx", "myst-nb", "sphinx-proof", "sphinx-exercise",
)  # fmt: skip


class ExecutionTable(nodes.General, nodes.Element):
    """Stands where the table will be, until every page has been executed."""


class ExecutionTableDirective(SphinxDirective):
    """``{execution-table}``: a row a chapter."""

    def run(self) -> list[nodes.Node]:
        pages: set[str] = getattr(self.env, "otgen_status_pages", set())
        self.env.otgen_status_pages = pages | {self.env.docname}  # type: ignore[attr-defined]
        return [ExecutionTable()]


class VersionsTableDirective(SphinxDirective):
    """``{versions-table}``: what the pages were computed with."""

    def run(self) -> list[nodes.Node]:
        rows = [["Python", platform.python_version()]]
        rows += [[name, metadata.version(name)] for name in PACKAGES]
        return [tables.table(["Package", "Version"], rows)]


class BenchTableDirective(SphinxDirective):
    """``{bench-table}``: what ``make bench`` recorded; the build measures nothing."""

    def run(self) -> list[nodes.Node]:
        source = Path(self.env.srcdir)
        self.env.note_dependency(str(source / benchmarks_table.RECORD))
        return benchmarks_table.nodes_for(benchmarks_table.read(source))


class AcceleratorTableDirective(SphinxDirective):
    """``{accelerator-table}``: what ``make gpu`` recorded on an accelerator."""

    def run(self) -> list[nodes.Node]:
        source = Path(self.env.srcdir)
        self.env.note_dependency(str(source / accelerator_table.RECORD))
        return accelerator_table.nodes_for(accelerator_table.read(source))


def _times(app: Sphinx) -> dict[str, dict[str, Any]]:
    """Page -> what was measured when it was executed, and its budget."""
    return {
        docname: {**took, "budget": chapters.front_matter(app.env, docname).get("budget")}
        for docname, took in sorted(executed.report(app).items())
        if docname in app.env.found_docs and "calibrated" in took
    }


def refresh(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Rewrite the status page when a time changed."""
    times = _times(app)
    changed = times != getattr(env, "otgen_times", None)
    env.otgen_times = times  # type: ignore[attr-defined]
    return sorted(getattr(env, "otgen_status_pages", set())) if changed else []


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the placeholder by the table."""
    for place in list(doctree.findall(ExecutionTable)):
        rows: list[list[tables.Cell]] = []
        for page, took in _times(app).items():
            uri = app.builder.get_relative_uri(docname, page)
            title = app.env.titles[page].astext()
            link = nodes.reference("", title, internal=True, refuri=uri)
            seconds = took["calibrated"]
            within = "✓" if took["budget"] is not None and seconds <= took["budget"] else "✗"
            rows.append(
                [
                    link,
                    *(f"{took[name]:.1f}" for name in ("seconds", "processor")),
                    f"{took['calibration']:.3f}",
                    f"{seconds:.1f}",
                    f"{took['budget']}",
                    within,
                ]
            )
        header = ["Page", "Clock", "Processor", "Calibration", "Calibrated", "Budget", "Within"]
        place.replace_self(tables.table(header, rows))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(ExecutionTable)
    app.add_directive("execution-table", ExecutionTableDirective)
    app.add_directive("bench-table", BenchTableDirective)
    app.add_directive("accelerator-table", AcceleratorTableDirective)
    app.add_directive("versions-table", VersionsTableDirective)
    app.connect("env-updated", refresh)
    app.connect("doctree-resolved", fill_in)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
