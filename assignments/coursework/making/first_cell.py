"""The first cell of a student's notebook: the package of the book, Otter, and the visible tests.

Otter goes into a folder of its own beside the notebook, without what it asks for: Colab's widgets
stay as they are, its runtime is not restarted, and an environment of one's own gets no new
package. The tests are in the cell itself, so that they are those of this notebook, also without a
website.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from colab_install import cell as install_package

from coursework import test_cells
from coursework.source import Assignment

#: Otter, and of what it imports the packages that Colab lacks.
OTTER = ("otter-grader==7.0.0", "python-frontmatter", "dill", "fica", "ipylab", "wrapt")

TEMPLATE = """\
# @title Run this cell first: it brings what is missing, and the visible tests
{package}

# Otter checks answers. It lies in a folder of its own: nothing that is installed is changed.
from pathlib import Path

if find_spec("otter") is None:
    sys.path.append(str(Path(".otter").resolve()))
if find_spec("otter") is None:
    otter = {otter!r}
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", ".otter"]
    pip += ["--quiet", "--disable-pip-version-check"]
    said = subprocess.run([*pip, *otter], capture_output=True, text=True)
    importlib.invalidate_caches()
    if find_spec("otter") is None:
        print("The visible tests cannot run, because Otter could not be installed:", said.stderr)

tests = {tests}

Path("tests").mkdir(exist_ok=True)
for name, text in tests.items():
    Path("tests", name + ".py").write_text(text, encoding="utf-8")

if find_spec("otter") is not None:
    import otter

    grader = otter.Notebook(tests_dir="tests")"""


def source(assignment: Assignment, root: Path) -> str:
    """The code of the cell, with the addresses of the book in ``root``."""
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    url, branch = settings["repository"]["url"].rstrip("/"), settings["repository"]["branch"]
    site = settings["html"]["baseurl"].rstrip("/") + "/"
    package = install_package(url, branch, site)
    return TEMPLATE.format(package=package, otter=list(OTTER), tests=_literal(visible(assignment)))


def visible(assignment: Assignment) -> dict[str, str]:
    """The files of the visible tests, by question."""
    found = {}
    for name, question in assignment.questions.items():
        cells = tuple(c for c in question.tests if not test_cells.read(c).hidden)
        if cells:
            points = sum(test_cells.read(c).points for c in cells)
            found[name] = test_cells.as_file(name, points, cells)
    return found


def _literal(texts: dict[str, str]) -> str:
    """The dictionary as code that people can read."""
    lines = ["{"]
    for name, text in texts.items():
        if "'''" in text or "\\" in text:
            lines.append(f"    {name!r}: {text!r},")
        else:
            lines.append(f"    {name!r}: '''\\\n{text}''',")
    return "\n".join([*lines, "}"])
