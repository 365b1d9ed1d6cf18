"""The ways from a page to its notebook: a button that opens it in Colab, and a download.

They are on the pages that have a notebook, nowhere else. The website carries a copy of each
notebook of the repository, so what is downloaded is what Colab opens; whether that is what the
chapter says, ``make notebooks`` and its test know.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from addresses import repository
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

COLAB = "https://colab.research.google.com"
#: Folder of the notebooks on the website.
FOLDER = "_notebooks"
BUILDERS = ("html", "dirhtml")


def is_chapter(docname: str) -> bool:
    """Whether a page is called like a chapter: ``01_kantorovich``, in any folder."""
    return re.fullmatch(r"\d\d_\w+", docname.rpartition("/")[2]) is not None


def notebook_name(docname: str) -> str:
    """The file name of a chapter's notebook."""
    return docname.rpartition("/")[2] + ".ipynb"


def pages_with_notebook(app: Sphinx) -> set[str]:
    """The chapters whose notebook lies in ``notebooks/``."""
    folder = Path(app.srcdir, "notebooks")
    chapters = filter(is_chapter, app.env.found_docs)
    return {docname for docname in chapters if (folder / notebook_name(docname)).is_file()}


def colab_url(app: Sphinx, docname: str) -> str:
    """The address under which Colab opens a notebook that lies on GitHub."""
    url, branch = repository(app.config)
    owner, name = url.split("/")[-2:]
    return f"{COLAB}/github/{owner}/{name}/blob/{branch}/notebooks/{notebook_name(docname)}"


def add_button(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Put one link in place of the theme's launch buttons (they lead to the Markdown file)."""
    buttons = context.get("header_buttons")
    if buttons is None:
        return
    buttons[:] = [button for button in buttons if button.get("label") != "launch-buttons"]
    if pagename in pages_with_notebook(app):
        link = {
            "type": "link",
            "url": colab_url(app, pagename),
            "text": "Colab",
            "tooltip": "Open this chapter as a notebook in Colab",
            "icon": "fas fa-rocket",
            "label": "launch-colab",
        }
        buttons.insert(0, link)
        for group in buttons:
            if group.get("label") == "download-buttons":
                group["buttons"].insert(0, download(context["pathto"], pagename))


def download(pathto: Callable[[str, int], str], pagename: str) -> dict[str, str]:
    """The entry of the theme's menu of downloads: the notebook stands before the source."""
    return {
        "type": "link",
        "url": pathto(f"{FOLDER}/{notebook_name(pagename)}", 1),
        "text": ".ipynb",
        "tooltip": "Download this chapter as a notebook",
        "icon": "fas fa-code",
        "label": "download-notebook-button",
    }


def copy_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Put the notebooks of the repository on the website."""
    if exception is not None or app.builder.name not in BUILDERS:
        return
    folder = Path(app.outdir, FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for docname in pages_with_notebook(app):
        name = notebook_name(docname)
        shutil.copyfile(Path(app.srcdir, "notebooks", name), folder / name)
    for notebook in sorted(Path(app.srcdir, "notebooks").glob("assignments/*.ipynb")):
        (folder / "assignments").mkdir(exist_ok=True)
        shutil.copyfile(notebook, folder / "assignments" / notebook.name)


def outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Pages to write again because their notebook has come or gone since the last build."""
    if app.builder.format != "html":
        return []
    now = pages_with_notebook(app)
    before = getattr(env, "otgen_notebooks", now)
    env.otgen_notebooks = now  # type: ignore[attr-defined]
    return sorted((now ^ before) & env.found_docs)


def setup(app: Sphinx) -> dict[str, Any]:
    # The theme adds its buttons at priority 501.
    app.connect("html-page-context", add_button, priority=600)
    app.connect("env-get-outdated", outdated)
    app.connect("build-finished", copy_notebooks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
