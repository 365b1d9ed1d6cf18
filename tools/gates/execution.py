"""Gates on what happened while the chapters ran."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tools.gates.book import Book, Fault

#: "path/to/file.md:12: WARNING: words", as Sphinx writes it; path and line may be missing.
WARNING = re.compile(r"^(?:(?P<where>\S.*?):\s*)?(?P<kind>WARNING|ERROR|CRITICAL):\s*(?P<what>.*)$")


def cell_name(number: int, cell: dict[str, Any]) -> str:
    """How a fault names a cell: its number among the code cells, and its first line of code."""
    lines = "".join(cell["source"]).strip().splitlines() or [""]
    first = next((line for line in lines if line and not line.startswith(("#", "%", "---"))), "")
    return f"cell {number} ({first.strip()[:60]})"


def code_cells(notebook: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The code cells of a notebook, counted from 1."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    yield from enumerate(cells, start=1)


def failed_cells(book: Book) -> Iterator[Fault]:
    """A cell raised, or the kernel gave up before it."""
    failed_pages = {
        page["source"]: page["execution"]
        for page in book.manifest["pages"].values()
        if page["execution"] and not page["execution"]["succeeded"]
    }
    for source, notebook in book.notebooks():
        errors = [
            Fault(f"{source}, {cell_name(number, cell)}", f"{out['ename']}: {out['evalue']}")
            for number, cell in code_cells(notebook)
            for out in cell["outputs"]
            if out["output_type"] == "error" and "raises-exception" not in _tags(cell)
        ]
        yield from errors
        if source in failed_pages and not errors:
            reached = [n for n, cell in code_cells(notebook) if cell.get("execution_count")]
            where = f"{source}, after cell {max(reached, default=0)}"
            yield Fault(where, f"execution stopped: {failed_pages[source]['error']}")


def failed_widgets(book: Book) -> Iterator[Fault]:
    """A widget's stored state holds an error: its callback raised, and nobody saw it.

    The widgets of this book are for live kernels; a page that stores any at all would also
    load scripts from another host.
    """
    for source, notebook in book.notebooks():
        stored = notebook["metadata"].get("widgets", {})
        for model_id, state in _widget_states(stored):
            for text in _errors_in(state.get("state", {})):
                where = f"{source}, {_cell_of_widget(notebook, model_id)}"
                yield Fault(where, f"a widget's stored state holds an error: {text}")


def over_budget(book: Book) -> Iterator[Fault]:
    """A chapter ran longer than its front matter allows, or has no budget."""
    for page in book.manifest["pages"].values():
        seconds = (page["execution"] or {}).get("runtime")
        if seconds is None:
            continue
        if page["budget"] is None:
            yield Fault(page["source"], "it has cells but no time budget (otgen.budget)")
        elif seconds > page["budget"]:
            yield Fault(
                f"{page['source']}, all cells",
                f"executing took {seconds:.1f} s, over its budget of {page['budget']} s",
            )


def sphinx_warnings(book: Book) -> Iterator[Fault]:
    """Sphinx warned (in nitpicky mode: every reference that does not resolve is a warning)."""
    for line in book.log.splitlines():
        found = WARNING.match(line)
        # A failing cell has its own, better line.
        if found and "[mystnb.exec]" not in line and "Executing notebook failed" not in line:
            # Sphinx puts what it was doing before the place, and nothing where the place was known.
            place = re.sub(r"^.*\.\.\. ", "", found["where"] or "Sphinx").rstrip(":")
            yield Fault(place.removeprefix(f"{book.root}/"), found["what"])


def _tags(cell: dict[str, Any]) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def _widget_states(stored: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for bundle in stored.values():
        yield from bundle.get("state", {}).items()


def _errors_in(state: Any) -> Iterator[str]:
    """Error outputs, and text that says Traceback, anywhere in a widget's state."""
    if isinstance(state, dict):
        if state.get("output_type") == "error":
            yield f"{state.get('ename')}: {state.get('evalue')}"
            return
        for value in state.values():
            yield from _errors_in(value)
    elif isinstance(state, list):
        for value in state:
            yield from _errors_in(value)
    elif isinstance(state, str) and "Traceback (most recent call last)" in state:
        yield state.strip().splitlines()[-1][:200]


def _cell_of_widget(notebook: dict[str, Any], model_id: str) -> str:
    """The cell whose output shows a widget; its children are named by the first cell with one."""
    shown = [
        (number, cell, out["data"]["application/vnd.jupyter.widget-view+json"]["model_id"])
        for number, cell in code_cells(notebook)
        for out in cell["outputs"]
        if "application/vnd.jupyter.widget-view+json" in out.get("data", {})
    ]
    for number, cell, shown_id in shown:
        if shown_id == model_id:
            return cell_name(number, cell)
    names = [cell_name(number, cell) for number, cell, _ in shown]
    return " or ".join(dict.fromkeys(names)) or "no cell"
