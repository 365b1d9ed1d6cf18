"""Gates on what happened while the chapters ran."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tools import calibrate
from tools.gates.book import Book, Fault

#: "path/to/file.md:12: WARNING: words", as Sphinx writes it; path and line may be missing.
WARNING = re.compile(r"^(?:(?P<where>\S.*?):\s*)?(?P<kind>WARNING|ERROR|CRITICAL):\s*(?P<what>.*)$")

#: "/tmp/ipykernel_1/2.py:3: UserWarning: words", as Python writes it.
WARNED = re.compile(r"\b\w*Warning: .*")


def cell_name(number: int, cell: dict[str, Any]) -> str:
    """Name of a cell in a fault: its number among the code cells, and its first line of code."""
    lines = "".join(cell["source"]).strip().splitlines() or [""]
    first = next((line for line in lines if line and not line.startswith(("#", "%", "---"))), "")
    return f"cell {number} ({first.strip()[:60]})"


def code_cells(notebook: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The code cells of a notebook, counted from 1."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    yield from enumerate(cells, start=1)


def failed_cells(book: Book) -> Iterator[Fault]:
    """A cell raised, or the kernel gave up before it."""
    stopped = {
        page["source"]: page["execution"]["error"]
        for page in book.manifest["pages"].values()
        if page["execution"] and page["execution"]["error"]
    }
    for source, notebook in book.notebooks():
        errors = [
            Fault(f"{source}, {cell_name(number, cell)}", f"{out['ename']}: {out['evalue']}")
            for number, cell in code_cells(notebook)
            for out in cell["outputs"]
            if out["output_type"] == "error" and "raises-exception" not in _tags(cell)
        ]
        yield from errors
        if source in stopped and not errors:
            at = stopped[source]["cell"]
            names = [cell_name(n, cell) for n, cell in code_cells(notebook) if n == at]
            where = f"{source}, {names[0] if names else 'before its first cell'}"
            yield Fault(where, f"execution stopped: {stopped[source]['what']}")


def executed_by_sphinx(book: Book) -> Iterator[Fault]:
    """Sphinx found no outputs for a page, and executed it itself: one at a time, unmeasured."""
    for line in book.log.splitlines():
        if found := re.search(r"(\S+): Executing notebook using", line):
            yield Fault(
                found[1].removeprefix(f"{book.root}/"),
                "Sphinx executed it: tools/execute.py stored it under another key",
            )


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


def warned_cells(book: Book) -> Iterator[Fault]:
    """A cell's page shows a warning of Python, with a path of the machine that built it."""
    for source, notebook in book.notebooks():
        for number, cell in code_cells(notebook):
            for out in cell["outputs"] if "remove-stderr" not in _tags(cell) else []:
                text = "".join(out.get("text", "")) if out.get("name") == "stderr" else ""
                for line in text.splitlines():
                    if found := WARNED.search(line):
                        yield Fault(f"{source}, {cell_name(number, cell)}", found[0].strip())


def without_budget(book: Book) -> Iterator[Fault]:
    """A page has cells and no budget."""
    for page in book.manifest["pages"].values():
        if page["execution"] and page["budget"] is None:
            yield Fault(page["source"], "it has cells but no time budget (otgen.budget)")


#: Calibrated seconds of one chapter differ by this factor from run to run.
NOISE = 1.25


def over_budget(book: Book, noise: float = 1.0) -> Iterator[Fault]:
    """A chapter ran longer than its front matter allows, in calibrated seconds.

    No gate: a report, unless whoever builds asks for a gate.

    Args:
        book: the book.
        noise: how many times its budget a chapter may take.
    """
    for page in book.manifest["pages"].values():
        took = page["execution"] or {}
        seconds, budget = took.get("calibrated"), page["budget"]
        if seconds is not None and budget is not None and seconds > noise * budget:
            yield Fault(
                f"{page['source']}, all cells",
                f"{seconds:.1f} calibrated seconds, over its budget of {budget} "
                f"({took['processor']:.1f} s of this machine's processor, on which one calibrated "
                f"second takes {took['calibration'] / calibrate.REFERENCE:.2f} s)",
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
