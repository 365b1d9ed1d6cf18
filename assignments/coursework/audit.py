"""The rules of an answer's process in the interpreter: an audit hook that refuses and reports.

A hook cannot be taken away. Where the submission's own lines break a rule, the process is ended at
once, with an exit status that names the rule, so that catching the exception does not help. A
library that tries what is not allowed on its own account (asks a program for the number of cores,
say) is refused, and can go on.
"""

from __future__ import annotations

import builtins
import fcntl
import sys
from os import (
    O_APPEND,
    O_CREAT,
    O_RDWR,
    O_TRUNC,
    O_WRONLY,
    _exit,
    fspath,
    getcwd,
    write,
)
from sys import _getframe
from types import FunctionType
from typing import Any

from coursework import places

WRITING = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND
#: Events, and which of their arguments are paths that are changed.
CHANGES = {
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.rename": (0, 1),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.chflags": (0,),
    "os.utime": (0,),
    "os.setxattr": (0,),
    "os.removexattr": (0,),
    "shutil.rmtree": (0,),
    "shutil.copytree": (1,),
    "shutil.move": (0, 1),
    "sqlite3.connect": (0,),
}
#: Links lead out of a folder, so there are none.
LINKS = ("os.link", "os.symlink")
LISTS = ("os.listdir", "os.scandir", "os.chdir")
PROCESSES = """
    os.fork os.forkpty os.exec os.posix_spawn os.spawn os.startfile os.system subprocess.Popen
    pty.spawn webbrowser.open
""".split()  # noqa: SIM905
SIGNALS = ("os.kill", "os.killpg", "signal.pthread_kill")
#: By these, a file that can be read from signals a process: FIOSETOWN, SIOCSPGRP and the like.
OWNERS = {"fcntl.fcntl": (fcntl.F_SETOWN, 10, 15, 1026), "fcntl.ioctl": (0x8901, 0x8902)}
if sys.platform != "linux":  # the numbers of the others are Linux's
    OWNERS = {"fcntl.fcntl": (fcntl.F_SETOWN,)}
LIMITS = ("resource.setrlimit", "resource.prlimit")
NETWORK = "socket.", "urllib.", "ftplib.", "http.", "smtplib.", "imaplib.", "poplib.", "syslog."
HARMLESS = ("socket.gethostname",)
#: Modules of the standard library that ask programs about the machine, and live without an answer.
NATIVE = ("ctypes.", "sqlite3.enable_load_extension", "sqlite3.load_extension")
CURIOUS = ("/platform.py", "/uuid.py", "/ctypes/util.py")

# Set by `install`, in the copy of these globals that the hook sees.
FOLDER = ""
READABLE: tuple[str, ...] = ()
LIBRARIES: tuple[str, ...] = ()
REPORT = -1
STATUSES: dict[str, int] = {}
HOOK: Any = None


def install(folder: str, readable: tuple[str, ...], report: int, statuses: dict[str, int]) -> str:
    """Set the hook on this interpreter.

    Its functions get globals and builtins of their own, so that a submission that replaces ``len``
    or ``os.getcwd`` does not change them.

    Args:
        folder: where writing is allowed.
        readable: what may be read besides.
        report: the file descriptor on which a breach is described.
        statuses: exit status for each kind of breach.
    """
    private = dict(globals(), __builtins__=dict(vars(builtins)))
    for name, value in list(private.items()):
        if isinstance(value, FunctionType) and value.__module__ == __name__:
            private[name] = FunctionType(value.__code__, private, name, value.__defaults__)
    private |= {
        "FOLDER": folder,
        "READABLE": readable,
        "REPORT": report,
        "STATUSES": dict(statuses),
    }
    private |= {"LIBRARIES": places.libraries()}
    private["HOOK"] = private["_hook"]
    sys.addaudithook(private["_hook"])
    return "audit hook"


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event == "open":
        _opened(*args)
    elif event in CHANGES:
        for k in CHANGES[event]:
            _changed(args[k])
    elif event in LINKS:
        _breach("write", "a link", True)
    elif event in LISTS:
        _read(args[0] if args else None)
    elif event in PROCESSES:
        _breach("process", event, False)
    elif event in SIGNALS or (event in OWNERS and args[1] in OWNERS[event]):
        _breach("signal", event, False)
    elif event in LIMITS:
        _breach("limits", event, False)
    elif event.startswith(NETWORK) and event not in HARMLESS:
        _breach("network", event, False)
    elif event == "import":
        if args[1] is not None:  # Python tells the file of native modules only
            _loaded(args[1])
    elif event.startswith(NATIVE):
        if event == "ctypes.dlopen" and isinstance(args[0], str) and "/" in args[0]:
            _loaded(args[0])
        if _guilty(False):
            _breach("native", event, False)
    elif event in ("object.__setattr__", "object.__delattr__") and args[0] is HOOK:
        _breach("limits", "the audit hook", False)


def _opened(path: Any, mode: Any, flags: int) -> None:
    if flags & WRITING:
        _changed(path)
    else:
        _read(path)


def _changed(path: Any) -> None:
    where = _absolute(path)
    if where is not None and not _below(where, (FOLDER, "/dev/null")):
        _breach("write", where, True)


def _read(path: Any) -> None:
    where = _absolute(path)
    if where is not None and not _below(where, (FOLDER,)) and not _below(where, READABLE):
        raise PermissionError(f"an answer may not read {where}")


def _loaded(path: Any) -> None:
    """Native code comes from where answers cannot write."""
    where = _absolute(path)
    # Through a link, `..` leads elsewhere than the text says.
    if where is not None and (".." in path or not _below(where, READABLE)):
        _breach("native", where, True)


def _absolute(path: Any) -> str | None:
    """The path with neither ``..`` nor a subclass; None for open files and data bases in memory."""
    if path is None or isinstance(path, int):
        return None
    if not isinstance(path, (str, bytes)):
        path = fspath(path)
    text = bytes.decode(path, "utf-8", "surrogateescape") if isinstance(path, bytes) else path
    text = str.__str__(text)
    if text == ":memory:":
        return None
    parts: list[str] = []
    # There are no links in the folder, and nobody leaves it, so the text is the way.
    for part in (text if text[:1] == "/" else f"{getcwd()}/{text}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == p or path.startswith(p + "/") for p in places)


def _breach(kind: str, what: str, through_libraries: bool) -> None:
    """Refuse, and end the process if the submission did it itself."""
    if _guilty(through_libraries):
        text = what.encode("utf-8", "replace")[:200]
        # A message that answers no request: see coursework.wire.
        write(REPORT, len(text).to_bytes(4, "little") + bytes(8) + text)
        _exit(STATUSES[kind])
    raise PermissionError(f"an answer may not do this: {what}")


def _guilty(through_libraries: bool) -> bool:
    """Whether lines of the submission are the cause, and not an installed package.

    The nearest lines outside of the standard library decide. Through libraries: a function of a
    package that the submission calls counts as its own, but not a package that is being imported.
    """
    frame: Any = _getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("cell ") or _below(name, (FOLDER,)):
            return True
        package = _below(name, LIBRARIES) and frame.f_globals is not globals()
        package = package or name.endswith(CURIOUS)
        if package and (not through_libraries or frame.f_code.co_name == "<module>"):
            return False
        frame = frame.f_back
    return True
