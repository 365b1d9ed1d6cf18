"""The notebook that ``otter assign`` reads, from the source."""

from __future__ import annotations

import copy
import re
from itertools import groupby
from typing import Any

import nbformat
import yaml

from coursework.source import BEGIN, Assignment, tags

#: The keys of a question that Otter knows.
OTTERS = ("name", "points", "manual")
PLUGIN = "coursework.otter_plugin.Isolated"
LINK = re.compile(r"\{book\}`([\w/]+?)(?:#([\w-]+))?\|([^`]+)`")


def notebook(assignment: Assignment, first_cell: str, site: str, files: list[str]) -> Any:
    """The master notebook.

    Args:
        assignment: the source.
        first_cell: code with which the student's notebook begins.
        site: address of the book.
        files: what the archive carries beside the tests.
    """
    cells = [nbformat.v4.new_raw_cell(_settings(files))]
    for group, members in groupby(assignment.notebook.cells, key=_group):
        if group:
            name = group.upper() + ("S" if group == "test" else "")
            cells.append(nbformat.v4.new_raw_cell(f"# BEGIN {name}"))
        cells += [_cell(c, site) for c in members]
        if group:
            cells.append(nbformat.v4.new_raw_cell(f"# END {name}"))
    first = nbformat.v4.new_code_cell(first_cell, metadata={"cellView": "form"})
    cells.insert(2, first)  # behind Otter's settings and the title
    out = nbformat.v4.new_notebook(cells=cells)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    out.metadata = nbformat.from_dict({"kernelspec": kernel})
    for number, cell in enumerate(out.cells):
        cell["id"] = f"cell-{number}"  # two builds of one source are the same
    return out


def _settings(files: list[str]) -> str:
    settings = {
        "init_cell": False,
        "export_cell": False,
        "check_all_cell": False,
        "run_tests": False,
        "show_question_points": False,
        "tests": {"files": True, "ok_format": False},
        "requirements": "requirements.txt",
        "autograder_files": files,
        "generate": {"plugins": [PLUGIN], "show_stdout": False, "show_hidden": False},
    }
    return "# ASSIGNMENT CONFIG\n" + yaml.safe_dump(settings, sort_keys=False)


def _group(cell: Any) -> str:
    return next((t for t in ("solution", "test") if t in tags(cell)), "")


def _cell(cell: Any, site: str) -> Any:
    cell = copy.deepcopy(cell)
    if cell.cell_type == "raw" and cell.source.startswith(BEGIN):
        settings = yaml.safe_load(cell.source.split("\n", 1)[1])
        kept = {k: settings[k] for k in OTTERS if k in settings}
        cell.source = f"{BEGIN}\n{yaml.safe_dump(kept, sort_keys=False)}"
    if cell.cell_type == "markdown":
        cell.source = links(cell.source, site)
    cell.metadata = {}
    return cell


def links(text: str, site: str) -> str:
    """Text in which ``{book}`page#label|words``` has become a link to the website."""

    def link(match: re.Match[str]) -> str:
        anchor = f"#{match[2]}" if match[2] else ""
        return f"[{match[3]}]({site}book/{match[1]}.html{anchor})"

    return LINK.sub(link, text)
