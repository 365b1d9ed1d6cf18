"""The process from which those of answers are forked, with everything imported that they need.

It knows nothing of the grader: it is started with an environment of a few variables, and each job
goes to the forked process itself. For each of these there is a *line* to the grader: on it the
nursery says the process id, and how the process ended; it ends the process when the grader closes
the line or is no more. When the grader ends, however it does, the nursery removes the folders and
ends as well.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import os
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

#: Imported once, before the first fork: what answers import, and torch when it first trains.
PRELOADED = [
    "numpy",
    "scipy.optimize",
    "scipy.stats",
    "scipy.special",
    "scipy.linalg",
    "scipy.spatial.distance",
    "torch",
    "torch.func",
    "torch._dynamo",
    "torch.utils.data",
    "ot",
    "tqdm",
    "matplotlib.pyplot",
    "matplotlib.font_manager",
    "pandas",
    "sympy",
    "otgen_lite",
    "otgen_lite.plots",
    "otgen_lite.methods",
    "otgen_lite.training",
    "otgen_lite.divergences",
    "otgen_lite.data",
    "otgen_lite.metrics",
    "coursework.worker",
]
#: Folders of answers lie in one folder of each grader, which is locked as long as that lives.
PREFIX, LOCK = "otgen-answers-", ".lock"
#: How a process ended: wait status, seconds of processor time, kilobytes at most resident.
END = struct.Struct("<idq")


@dataclass
class Child:
    """A forked process, from the grader's side.

    Attributes:
        pid: its process id.
        requests, replies, output: file descriptors of the grader's ends of its pipes.
        line: closed to end the process; says how it ended.
        folder: its own.
    """

    pid: int
    requests: int
    replies: int
    output: int
    line: socket.socket
    folder: Path


class Nursery:
    """The nursery of this process, from the grader's side."""

    def __init__(self) -> None:
        sweep()
        self.owner = os.getpid()
        self.folder = Path(os.path.realpath(tempfile.mkdtemp(prefix=PREFIX)))
        self._lock = os.open(self.folder / (LOCK + "-new"), os.O_CREAT | os.O_RDWR)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        os.rename(self.folder / (LOCK + "-new"), self.folder / LOCK)
        self._control, control = socket.socketpair()
        with control:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(control.fileno()), str(self.folder)],
                env=_environment(),
                pass_fds=(control.fileno(), self._lock),
                stdin=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,  # an interrupt is for the grader, which ends it
            )
        atexit.register(self.close)

    def start(self) -> Child:
        """A new process, which waits for its job; ``OSError`` where the nursery is no more."""
        line, its_line = socket.socketpair()
        its_requests, requests = os.pipe()
        replies, its_replies = os.pipe()
        output, its_output = os.pipe()
        theirs = [its_requests, its_replies, its_output, its_line.detach()]
        try:
            socket.send_fds(self._control, [b"."], theirs)
            data = line.recv(4, socket.MSG_WAITALL)
            if len(data) < 4:
                raise OSError("the process that starts those of answers has ended")
        except OSError:
            for fd in (requests, replies, output):
                os.close(fd)
            line.close()
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return Child(int.from_bytes(data, "little"), requests, replies, output, line, folder)

    def close(self) -> None:
        """End it with all its processes and folders."""
        atexit.unregister(self.close)
        self._control.close()
        os.close(self._lock)
        if self.owner == os.getpid():
            self._process.wait()
            remove(self.folder)


_nursery: Nursery | None = None
_starting = threading.Lock()


def start() -> Child:
    """A new process, of this process's nursery."""
    global _nursery
    with _starting:
        for attempt in range(2):
            if _nursery is not None and _nursery.owner != os.getpid():
                _nursery.close()  # of the process that this one was forked from
                _nursery = None
            if _nursery is None:
                _nursery = Nursery()
            try:
                return _nursery.start()
            except OSError:
                _nursery.close()
                _nursery = None
                if attempt:
                    raise
    raise AssertionError


def sweep() -> None:
    """Remove the folders of graders that are no more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder / LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
            finally:
                os.close(lock)


def remove(folder: Path) -> None:
    """Remove a folder, whatever a submission has made in it."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if folder.exists():  # folders that are too deep for that, or that their owner may not enter
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], stderr=subprocess.DEVNULL, check=False)


def _environment() -> dict[str, str]:
    """What the nursery may know: no variable of the grader's, which may name the secret."""
    from coursework import places

    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    paths = [p for p in sys.path if p and os.path.isabs(p)]
    threads = [
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ]
    return {
        **kept,
        **dict.fromkeys(threads, "1"),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",  # sets have the same order every time
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "1",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "LOKY_MAX_CPU_COUNT": "1",
        "OTGEN_DATA": places.data(),
    }


# In the nursery's own process.


def main(control: socket.socket, folder: Path) -> None:
    """Fork processes until the grader ends."""
    _preload()
    selector = selectors.DefaultSelector()
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector.register(control, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    lines: dict[int, socket.socket] = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is control:
                born = _fork(control)
                if born is None:
                    for pid in lines:
                        _kill(pid)
                    signal.set_wakeup_fd(-1)  # its socket goes with this function
                    remove(folder)
                    return
                pid, line = born
                lines[pid] = line
                selector.register(line, selectors.EVENT_READ, pid)
            elif key.fileobj is woken:
                woken.recv(4096)
            else:
                selector.unregister(key.fileobj)
                _kill(key.data)
        _reap(lines, selector)


def _preload() -> None:
    import importlib

    for name in PRELOADED:
        # What is not installed here, an answer cannot use either.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    import torch

    from coursework import places

    torch.set_num_threads(1)
    places.readable(), places.libraries()  # which remember what they find
    gc.collect()
    gc.freeze()  # so that collections in the forked processes leave these pages shared


def _fork(control: socket.socket) -> tuple[int, socket.socket] | None:
    data, fds, *_ = socket.recv_fds(control, 1, 4)
    if not data:
        return None
    requests, replies, output, line = fds
    nursery = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _child(nursery, requests, replies, output)
        finally:
            os._exit(1)
    for fd in (requests, replies, output):
        os.close(fd)
    its_line = socket.socket(fileno=line)
    with contextlib.suppress(OSError):
        its_line.send(pid.to_bytes(4, "little"))
    return pid, its_line


def _child(nursery: int, requests: int, replies: int, output: int) -> None:
    from coursework import kernel, worker

    os.setsid()
    kernel.end_with_parent(nursery)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for name in os.listdir("/dev/fd"):
        if int(name) > 2 and int(name) not in (requests, replies):
            with contextlib.suppress(OSError):
                os.close(int(name))
    worker.main(requests, replies)


def _reap(lines: dict[int, socket.socket], selector: selectors.BaseSelector) -> None:
    """Say of each process that has ended how it did."""
    while lines:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        line = lines.pop(pid)
        with contextlib.suppress(OSError):
            line.send(END.pack(status, used.ru_utime + used.ru_stime, used.ru_maxrss))
        with contextlib.suppress(KeyError):
            selector.unregister(line)
        line.close()


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]))
