"""An environment with Colab's versions, and running notebooks in it as Colab would.

The environment lies in ``_build/colab-env`` and is made anew when its list of packages changes.
The notebook's own first cell installs the package: from a website on this machine that carries the
wheel, or from the repository. git is told (by its environment variables, for this process alone) to
fetch the repository's address from a copy of the working tree, or from where nothing is.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat
import yaml
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.patience import HANGS, kernel
from tools import wheel
from tools.gates import execution

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).with_name("colab-requirements.txt")
#: What the notebook's first cell brings.
INSTALLED = {"pot", "otgen-lite"}

LIST_VERSIONS = """
import importlib.metadata as m, json, re
name = lambda d: re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower()
print(json.dumps({name(d): d.version for d in m.distributions()}))
"""

#: Moves every control of every explorer by one step and waits for the frames.
MOVE_EXPLORERS = f"""
import gc, threading, time
import otgen_lite

assert "site-packages" in otgen_lite.__file__, otgen_lite.__file__
explorers = [x for x in gc.get_objects() if type(x) is otgen_lite.Explorer]
for explorer in explorers:
    for control in explorer.widget().children:
        if hasattr(control, "options"):
            control.index = (control.index + 1) % len(control.options)
            deadline = time.monotonic() + {HANGS}
            while any(isinstance(t, threading.Timer) or t.name.startswith("otg-frame")
                      for t in threading.enumerate()):
                assert time.monotonic() < deadline, "a frame hangs"
                time.sleep(0.02)
print(len(explorers), "explorers were moved")
"""


class Colab:
    """The environment, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.made = folder / "made.json"  # versions when it was made; there once it is complete

    def make(self) -> None:
        """Create the environment: everything from the list, torch by links."""
        for old in filter(Path.is_dir, self.folder.parent.iterdir()):
            shutil.rmtree(old)
        _run(sys.executable, "-m", "venv", str(self.folder))
        pip = [str(self.python), "-I", "-m", "pip", "install", "--quiet", "--no-compile"]
        _run(*pip, "--disable-pip-version-check", "-r", str(REQUIREMENTS))
        self._link("torch")
        self.made.write_text(json.dumps(self.versions()), encoding="utf-8")

    def _link(self, package: str) -> None:
        """Give it a package of this environment, and what that needs, as hard links."""
        there = self.versions()
        paths = {"base": str(self.folder), "platbase": str(self.folder)}
        site = Path(sysconfig.get_path("purelib", scheme="venv", vars=paths))
        for distribution in _closure(package):
            if canonicalize_name(distribution.metadata["Name"]) in there:
                continue
            for file in distribution.files or []:
                if ".." in file.parts:
                    continue
                target = site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(distribution.locate_file(file), target)
                except OSError:  # another file system
                    shutil.copy2(distribution.locate_file(file), target)

    def versions(self) -> dict[str, str]:
        """All installed packages."""
        return dict(json.loads(_run(str(self.python), "-I", "-c", LIST_VERSIONS)))

    def source_of(self, package: str) -> dict[str, Any]:
        """From where pip installed a package: a file, or a repository and its commit."""
        code = f"import importlib.metadata as m; print(m.distribution({package!r})"
        code += ".read_text('direct_url.json'))"
        return dict(json.loads(_run(str(self.python), "-I", "-c", code)))

    def reset(self) -> None:
        """Take away what a notebook has installed; make the environment anew if it is not clean."""
        if self.made.is_file() and self.versions().keys() & INSTALLED:
            _run(str(self.python), "-I", "-m", "pip", "uninstall", "--quiet", "--yes", *INSTALLED)
        if not self.made.is_file() or self.versions() != json.loads(self.made.read_text()):
            self.make()

    def run(self, notebook: nbformat.NotebookNode, cwd: Path, **variables: str) -> None:
        """Run a notebook from top to bottom; its cells get their outputs.

        Raises:
            nbclient.exceptions.CellExecutionError: if a cell fails.
        """
        kernels = cwd / "kernels"
        (kernels / "colab").mkdir(parents=True)
        command = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": command, "display_name": "Colab", "language": "python"}
        (kernels / "colab" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        finder = KernelSpecManager(kernel_dirs=[str(kernels)], ensure_native_kernel=False)
        manager = AsyncKernelManager(kernel_name="colab", kernel_spec_manager=finder)
        work = cwd / "content"
        work.mkdir()
        client = kernel(notebook, work, km=manager, shutdown_kernel="immediate")
        client.execute(cleanup_kc=True, env={**_clean_environment(), **variables})


def as_checked_in(path: Path, website: str) -> nbformat.NotebookNode:
    """A notebook of the repository, and one more cell that moves its explorers.

    Its first cell asks for the wheel at ``website``, in place of the real one.
    """
    notebook = nbformat.read(path, as_version=4)
    address = settings()["html"]["baseurl"] + wheel.FOLDER
    install = notebook.cells[1]
    assert install["source"].count(address) == 1
    install["source"] = install["source"].replace(address, website + wheel.FOLDER)
    notebook.cells.append(nbformat.v4.new_code_cell(MOVE_EXPLORERS))
    return notebook


def settings() -> dict[str, Any]:
    """The book's configuration."""
    return dict(yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8")))


@contextmanager
def serve_website(folder: Path) -> Iterator[str]:
    """A website that carries the wheel of the working tree; yields its address."""
    wheel.build(ROOT, folder)
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    """Files of a folder, without a line on the terminal for each."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def errors(notebook: nbformat.NotebookNode) -> list[str]:
    """Error outputs of cells, and errors in the stored state of widgets."""

    class Ran:
        """What the website's own gate looks at."""

        @staticmethod
        def notebooks() -> Iterator[tuple[str, dict[str, Any]]]:
            yield "the notebook", notebook

    found = [str(fault) for fault in execution.failed_widgets(Ran)]  # type: ignore[arg-type]
    for number, cell in execution.code_cells(notebook):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.append(f"cell {number}: {output['ename']}: {output['evalue']}")
    return found


@dataclass
class Redirection:
    """A throw-away repository that git fetches in place of the real one."""

    commit: str  # the only one
    variables: dict[str, str]  # the settings of git that do it


def redirect_git(folder: Path) -> Redirection:
    """Make git fetch the book's repository from a copy of the working tree."""
    repository = settings()["repository"]
    listing = _run("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others",
                   "--exclude-standard")  # fmt: skip
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git = ["git", "-C", str(folder), "-c", "user.name=test", "-c", "user.email=test@example.org"]
    _run(*git, "init", "--quiet", "--initial-branch", repository["branch"])
    _run(*git, "config", "uploadpack.allowFilter", "true")
    _run(*git, "add", "--all")
    _run(*git, "commit", "--quiet", "--message", "the working tree")
    commit = _run(*git, "rev-parse", "HEAD").strip()
    return Redirection(commit, instead_of_the_repository(folder))


def instead_of_the_repository(folder: Path) -> dict[str, str]:
    """Variables with which git looks for the book's repository in a folder, and nowhere else."""
    count = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    return {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"url.{folder.as_uri()}.insteadOf",
        f"GIT_CONFIG_VALUE_{count}": settings()["repository"]["url"],
    }


def environment_folder() -> Path:
    """Where the environment for this Python and this list of packages lies."""
    torch = importlib.metadata.version("torch")
    key = REQUIREMENTS.read_bytes() + f"{platform.python_version()} {torch}".encode()
    return ROOT / "_build" / "colab-env" / hashlib.sha256(key).hexdigest()[:12]


def _closure(package: str) -> Iterator[importlib.metadata.Distribution]:
    """A package of this environment and everything that it needs."""
    waiting, seen = [package], set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        distribution = importlib.metadata.distribution(name)
        yield distribution
        for text in distribution.requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)


def _clean_environment() -> dict[str, str]:
    """The variables of this process without those that would lead back to its environment."""
    ours = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "OTGEN_BOOK", "JUPYTER_PATH"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    inline = "module://matplotlib_inline.backend_inline"
    return {
        **kept, "MPLBACKEND": inline, "OTGEN_SCALE": "small", "PYDEVD_DISABLE_FILE_VALIDATION": "1"
    }  # fmt: skip


def _run(*command: str) -> str:
    """A command's output. Python runs isolated (-I): the present folder holds our own package."""
    done = subprocess.run(
        command, env=_clean_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout
