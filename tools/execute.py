"""Execute the chapters, as many at a time as there are cores, before Sphinx reads them.

myst-nb would execute one page after the other while it reads them. Here every page whose outputs
are not in jupyter-cache is executed first, each in a kernel of its own with one thread; Sphinx then
finds them all there. (jupyter-cache's own parallel executor takes no measurements and loses a
chapter whose kernel died.)

A page that failed is put into the cache too, with its error as an output, so that the page shows
where it stopped; the next :func:`run` takes it out again and executes it anew. What was executed
without fault stays, whatever happens to other pages.

``_build/execution.json`` tells for each page with cells what the gates and the status page want to
know: seconds by the clock, processor seconds, the calibration and calibrated seconds
(``tools/calibrate.py``), when it was executed, and its error, if any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from typing import Any, TextIO

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.db import NbCacheRecord
from jupyter_cache.cache.main import JupyterCacheBase
from jupyter_client.kernelspec import NoSuchKernel
from myst_nb.core.config import NbParserConfig
from myst_nb.core.read import create_nb_reader
from myst_parser.config.main import MdParserConfig
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from sphinx_external_toc.parsing import parse_toc_yaml

from tools import calibrate
from tools.notebook_client import ResponsiveClient
from tools.threads import cores

REPORT = "execution.json"
#: Folder of the kernels' own words, a file a page; what cells print is an output.
LOGS = "kernels"
#: Seconds that a cell, or the start of a kernel, may take. No machine is that slow: this ends
#: what hangs, and judges nothing.
HANGS = 3600

Say = Callable[[str], None]


@dataclass
class Page:
    """A page with cells: the notebook that it holds, and how its execution went."""

    docname: str
    path: Path
    notebook: nbformat.NotebookNode
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def kernel(self) -> str:
        return str(self.notebook.metadata.get("kernelspec", {}).get("name", "python3"))

    @property
    def budget(self) -> float:
        """Calibrated seconds that the front matter allows."""
        return float(self.notebook.metadata.get("otgen", {}).get("budget") or 0)

    @property
    def key(self) -> tuple[float, str]:
        """The longest first, so that no core waits for it at the end."""
        return -self.budget, self.docname


class Kernel(ResponsiveClient):
    """Executes a page's notebook in place; takes processor times before and after its cells."""

    def __init__(self, page: Page) -> None:
        super().__init__(
            page.notebook, timeout=HANGS, startup_timeout=HANGS, iopub_timeout=HANGS,
            raise_on_iopub_timeout=True, record_timing=False,
            kernel_name=page.kernel, on_notebook_start=self._take,
            on_cell_execute=self._begin, on_cell_executed=self._take_after_the_last,
            resources={"metadata": {"path": str(page.path.parent)}},
        )  # fmt: skip
        #: Positions of the code cells among all cells; an empty one is not executed.
        self._code = [i for i, c in enumerate(page.notebook.cells) if c.cell_type == "code"]
        written = [i for i in self._code if page.notebook.cells[i].source.strip()]
        self._last = max(written, default=-1)
        self.taken: list[tuple[float, float]] = []
        #: The code cell that was begun last, counted from 1.
        self.cell = 0

    async def _take(self, **_: Any) -> None:
        assert self.kc is not None
        message = self.kc.execute(
            "", silent=True, store_history=False, user_expressions={"it": calibrate.expression()}
        )
        reply = await self.async_wait_for_reply(message)
        assert reply is not None
        self.taken.append(calibrate.read(reply["content"]["user_expressions"]["it"]))

    def _begin(self, cell_index: int, **_: Any) -> None:
        self.cell = 1 + self._code.index(cell_index)

    async def _take_after_the_last(self, cell_index: int, **_: Any) -> None:
        if cell_index == self._last:
            await self._take()

    def times(self) -> dict[str, float]:
        """Processor seconds of the start and the cells, the mean calibration, and the quotient."""
        (_, first), (spent, last) = self.taken
        processor, calibration = spent - first, (first + last) / 2
        seconds = calibrate.calibrated(processor, calibration)
        return {"processor": processor, "calibration": calibration, "calibrated": seconds}


def pages(root: Path) -> Iterator[Page]:
    """The pages of the table of contents that hold cells, read as Sphinx will read them."""
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    extensions = set(settings.get("parse", {}).get("myst_enable_extensions", ()))
    markdown = MdParserConfig(enable_extensions=extensions)
    for docname in parse_toc_yaml(root / "_toc.yml"):
        path = root / f"{docname}.md"
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            reader = create_nb_reader(str(path), markdown, NbParserConfig(), text)
            if reader is not None:
                notebook = reader.read(text)
                if any(c.cell_type == "code" and c.source.strip() for c in notebook.cells):
                    yield Page(docname, path, notebook)


def run(root: Path, environment: dict[str, str], say: Say, jobs: int | None = None) -> list[Page]:
    """Execute what is not in the cache; write the report; return all pages with their facts.

    Args:
        root: the book's folder.
        environment: what the kernels see.
        say: told one line when a page starts, and one when it ends.
        jobs: kernels at a time; as many as there are cores if None.
    """
    cache = get_cache(str(root / "_build" / ".jupyter_cache"))
    forget_failures(cache)
    found = list(pages(root))
    waiting = sorted((p for p in found if not _is_cached(cache, p)), key=lambda page: page.key)
    logs = root / "_build" / LOGS
    logs.mkdir(exist_ok=True)
    _execute(waiting, environment, say, cache, logs, jobs or cores())
    report = {page.docname: page.facts for page in found}
    (root / "_build" / REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")
    return found


def forget_failures(cache: JupyterCacheBase) -> None:
    """Take out of the cache what did not come to its end."""
    for record in cache.list_cache_records():
        if (record.data or {}).get("error"):
            cache.remove_cache(record.pk)


def _is_cached(cache: JupyterCacheBase, page: Page) -> bool:
    """Whether a page's outputs are there; then its facts are those of that execution."""
    try:
        record: NbCacheRecord = cache.match_cache_notebook(page.notebook)
    except KeyError:
        return False
    page.facts = {**record.data, "cached": True}
    return True


def _execute(
    waiting: list[Page],
    environment: dict[str, str],
    say: Say,
    cache: JupyterCacheBase,
    logs: Path,
    jobs: int,
) -> None:
    """Execute pages, some at a time, and store each as soon as it is done."""
    running: dict[str, Kernel] = {}

    def one(page: Page) -> Page:
        say(f"  {page.name:<24} executing …")
        running[page.docname] = Kernel(page)
        with (logs / f"{page.name}.log").open("w") as log:
            page.facts = _outcome(running[page.docname], environment, log)
        return page

    with ThreadPoolExecutor(max_workers=max(1, min(jobs, len(waiting)))) as pool:
        tasks = [pool.submit(one, page) for page in waiting]
        try:
            for number, task in enumerate(as_completed(tasks), start=1):
                page = task.result()
                _store(cache, page)
                say(f"  {page.name:<24} {in_words(page)} ({number} of {len(tasks)})")
        except BaseException:  # Ctrl-C above all: the kernels are sessions of their own
            pool.shutdown(wait=False, cancel_futures=True)
            for kernel in running.values():
                _kill(kernel)
            raise


def _outcome(kernel: Kernel, environment: dict[str, str], log: TextIO) -> dict[str, Any]:
    """Execute a notebook; say how it went."""
    start, error = monotonic(), None
    try:
        kernel.execute(env=environment, stdout=log, stderr=log)
    except CellExecutionError as failed:
        error = f"{failed.ename}: {failed.evalue}"
    except (CellTimeoutError, DeadKernelError, NoSuchKernel, RuntimeError) as failed:
        words = " ".join(str(failed).split())[:300]
        error = f"{type(failed).__name__}: {words}"
    seconds = monotonic() - start
    times = {} if error else kernel.times()
    failure = {"what": error, "cell": kernel.cell} if error else None
    return {"seconds": seconds, **times, "at": time(), "error": failure}


def _store(cache: JupyterCacheBase, page: Page) -> None:
    """Put the outputs into the cache, where Sphinx will find them."""
    data = {"execution_seconds": page.facts["seconds"], **page.facts}
    bundle = CacheBundleIn(page.notebook, str(page.path), data=data)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def in_words(page: Page) -> str:
    """Times of an execution in words: by the clock, by the processor, and against budget."""
    facts = page.facts
    if facts["error"]:
        return f"FAILED after {facts['seconds']:.0f} s: {facts['error']['what'][:100]}"
    return (
        f"executed in {facts['seconds']:.1f} s ({facts['processor']:.1f} s of processor; "
        f"calibrated {facts['calibrated']:.1f} of {page.budget:.0f} s)"
    )


def _kill(kernel: Kernel) -> None:
    """End a kernel at once."""
    provisioner = getattr(kernel.km, "provisioner", None)
    process = getattr(provisioner, "process", None)
    if process is not None and process.poll() is None:
        process.kill()
