"""What the process of an answer may use and touch, and what guards that.

Five guards, each set before the first line of a submission runs:

* *resource limits*: processor time, memory beyond what the process begins with, the size of a file,
  open files, no core dump;
* *files* (Landlock, Linux 5.13): the kernel opens for writing only what lies in the answer's own
  folder, and for reading only Python, its packages, ``otgen_lite`` and the libraries of the system:
  not the assignments, their tests, other submissions, anybody's home, other processes in ``/proc``;
* *calls* (seccomp, Linux): the kernel ends a process that starts another one or another program,
  opens a socket, signals or traces others, and refuses what changes owners, modes and priorities;
* *Python* (an audit hook, everywhere): the same rules in the interpreter, with a sentence that says
  what was tried. It is the only guard of this kind where the kernel has none;
* *orphans*: an answer's process ends with the grader (Linux: the kernel sees to it), has no
  capabilities even if the grader is run by root, and cannot be traced.

:func:`guards` tries them and says which of them work on this machine.

No sandbox in the strict sense is made of these:

* A fault in the kernel, in Landlock or in seccomp is a way out.
* Where Landlock or seccomp are missing (macOS, kernels before 5.13, some containers), the audit
  hook is alone; native code of libraries, and a search through memory, get around it.
* What Landlock refuses to native code (``torch.save`` outside of the folder) fails without a word
  to the grader: nothing is written, but a submission that catches the exception goes on.
* Landlock hides what files hold and not that they exist, how large they are, and when they were
  changed; kernels before 6.2 do not refuse to cut a file short.
* A file that is open, or mapped to memory, and has been removed still takes its space until the
  process ends: :data:`OPEN_FILES` times ``Limits.files``, and ``Limits.memory`` besides.
* Libraries that load native code without Python's knowledge can be made to load a submission's;
  then the kernel's guards are left.
* How long things take can be measured: caches, other processes' load.
* The kernel lets a process read the files that it may read, so keep secrets out of site-packages.
* A question's own process belongs to the submission: it can change NumPy, torch and the code that
  answers the grader in there. It gains nothing by that, since points are counted elsewhere.

Where that is not enough, grade in containers (``otter grade`` does), or on a machine that has
nothing to lose.
"""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass

from coursework import audit, kernel, places

#: What loses a question, with its words. The exit status that says so is BREACH + its place here.
BREACHES = {
    "write": "tried to write outside of its own folder",
    "process": "tried to start another process",
    "network": "tried to open a network connection",
    "signal": "tried to signal a process",
    "native": "tried to call native code by ctypes",
    "limits": "tried to change its limits",
    "memory": "used more memory than it may",
    "call": "made a system call that an answer may not make (another process, a connection, …)",
}
#: The first exit status that means a breach.
BREACH = 80
#: Characters of a line of the student's that is told with an exception.
PLACE = 200
#: Files that a process may have open. Each may be as large as a file can be, and removed.
OPEN_FILES = 64


@dataclass(frozen=True)
class Limits:
    """Limits of one process.

    Attributes:
        seconds: of processor time, for all threads together.
        memory: bytes beyond what the process has when the submission begins.
        output: bytes that it may print.
        files: bytes that it may keep in its own folder.
    """

    seconds: float = 10.0
    memory: int = 2 << 30
    output: int = 1 << 20
    files: int = 16 << 20


@dataclass(frozen=True)
class Guard:
    """One guard on this machine.

    Attributes:
        name: memory, files, calls, Python, orphans.
        works: whether it is set.
        detail: its version, or why it is not.
    """

    name: str
    works: bool
    detail: str


def apply(limits: Limits, folder: str, report: int) -> list[Guard]:
    """Set all guards on this process, for good.

    Args:
        limits: what it may use.
        folder: the only place where it may write.
        report: a file descriptor, on which it says what it tried before it is ended for that.
    """
    readable = places.readable() + places.itself()
    found = [
        _guard("memory", lambda: _resources(limits)),
        _guard("orphans", kernel.no_privileges),
        # From here on: what this process may do, and it cannot do what the lines above did.
        _guard("files", lambda: kernel.restrict_files(folder, readable)),
        _guard("calls", kernel.restrict_calls),
    ]
    statuses = {name: BREACH + k for k, name in enumerate(BREACHES)}
    found.append(_guard("Python", lambda: audit.install(folder, readable, report, statuses)))
    return found


def guards() -> list[Guard]:
    """The guards as a process of an answer has them on this machine."""
    from coursework.process import Process

    with Process((), (), Limits()) as process:
        return process.guards


def _guard(name: str, set_it: object) -> Guard:
    try:
        return Guard(name, True, set_it())  # type: ignore[operator]
    except Exception as error:  # a guard that is missing must not keep the others from being set
        return Guard(name, False, f"{type(error).__name__}: {error}"[:200])


def _resources(limits: Limits) -> str:
    # The soft limit ends the process (SIGXCPU), the hard one also a process that catches that.
    seconds = max(1, int(-(-limits.seconds // 1)))
    _limit(resource.RLIMIT_CPU, seconds, seconds + 1)
    _limit(resource.RLIMIT_FSIZE, limits.files)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    if sys.platform != "linux":
        return "watched by the grader"  # macOS takes RLIMIT_AS and does not keep it
    _limit(resource.RLIMIT_AS, kernel.mapped() + limits.memory)
    return "RLIMIT_AS"


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    _, most = resource.getrlimit(what)
    values = [soft, soft if hard is None else hard]
    if most != resource.RLIM_INFINITY:
        values = [min(v, most) for v in values]
    resource.setrlimit(what, (values[0], values[1]))
