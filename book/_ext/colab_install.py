"""The first cell of a notebook: it installs the package of the book where that is missing.

It asks for the wheel that the website carries (``tools/wheel.py``), and only then for the
repository: the wheel is of the commit of the page that the reader comes from, half a megabyte
instead of a clone, and needs no git. ``--no-deps``: Colab's torch, NumPy and ipywidgets stay as
they are, whatever their versions.

Where neither can be reached, the reader sees one sentence that says what to do: IPython asks an
exception how it wants to be shown (``_render_traceback_``). What pip said is kept in a variable.
"""

from __future__ import annotations

from importlib import metadata
from urllib.parse import urlsplit

from addresses import repository, site_url
from sphinx.config import Config

CELL = """\
# In Colab this cell installs what is missing there, once; elsewhere it installs nothing.
import importlib
import os
import subprocess
import sys
from importlib.util import find_spec

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait sleep (see "How to read")
website = "{wheel}"
repository = "git+{url}@{branch}"
pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--retries", "1"]
pip += ["--quiet", "--disable-pip-version-check"]
answers = ""
for source in (website, repository):  # the second where the first cannot be reached
    needed = {{"ot": "pot", "otgen_lite": f"otgen-lite @ {{source}}"}}
    missing = [package for module, package in needed.items() if find_spec(module) is None]
    if missing:
        answers += subprocess.run([*pip, *missing], capture_output=True, text=True).stderr
        importlib.invalidate_caches()

if find_spec("ot") is None or find_spec("otgen_lite") is None:
    error = RuntimeError(
        "The package of this book could not be installed: see that this computer reaches pypi.org "
        "and {host}, then run this cell again (what pip answered: print(answers))."
    )
    error._render_traceback_ = lambda: [str(error)]  # the sentence is enough
    raise error"""


def wheel_name() -> str:
    """The file name of the wheel: that of the package in the environment of the build."""
    return f"otgen_lite-{metadata.version('otgen-lite')}-py3-none-any.whl"


def source(config: Config) -> str:
    """The code of the cell, for the addresses in the configuration of the book."""
    return cell(*repository(config), site_url(config))


def cell(url: str, branch: str, site: str) -> str:
    """The code of the cell.

    Args:
        url, branch: of the repository.
        site: address of the website.
    """
    wheel, host = f"{site}_wheels/{wheel_name()}", urlsplit(site).netloc
    return CELL.format(wheel=wheel, host=host, url=url, branch=branch)
