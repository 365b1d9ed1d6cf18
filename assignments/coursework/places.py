"""Which files the process of an answer may read."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import cache
from importlib.util import find_spec
from pathlib import Path

#: The system's own: libraries, fonts, time zones, the number of processors, randomness.
SYSTEM = [
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share",
    "/opt/intel",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/fonts",
    "/etc/ssl",
    "/etc/mime.types",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/matplotlibrc",
    "/dev/null",
    "/dev/zero",
    "/dev/urandom",
    "/dev/random",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/version",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/sys/vm",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
    "/System/Library",
    "/Library/Fonts",
    "/private/etc/localtime",
    "/private/var/db/timezone",
]
#: Of the process itself, in ``/proc``: what libraries look up.
ITSELF = ("maps", "stat", "statm", "status", "cgroup")
#: The packages of this repository that answers import.
OURS = ("otgen_lite",)


@cache
def readable() -> tuple[str, ...]:
    """Files and folders, that exist, as the kernel and as Python calls them."""
    found: list[str] = list(SYSTEM)
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}:
        found += [os.path.join(prefix, part) for part in ("lib", "lib64", "share", "pyvenv.cfg")]
    paths = sysconfig.get_paths()
    found += [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    found += [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]
    for name in OURS:
        spec = find_spec(name)
        found += list(spec.submodule_search_locations or ()) if spec else []
    found.append(data())
    return tuple(sorted({form for p in found if os.path.exists(p) for form in _forms(p)}))


def itself() -> tuple[str, ...]:
    """Files on this process, by both of its names."""
    names = [f"/proc/{who}/{name}" for who in ("self", os.getpid()) for name in ITSELF]
    return tuple(name for name in names if os.path.exists(name))


@cache
def libraries() -> tuple[str, ...]:
    """Folders with the packages that are installed."""
    found = [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]
    for name in (*OURS, "coursework"):
        spec = find_spec(name)
        found += list(spec.submodule_search_locations or ()) if spec else []
    return tuple(sorted({form for p in found for form in _forms(p)}))


def data() -> str:
    """Where ``otgen_lite`` keeps data sets; the grader's own, which answers may read."""
    from otgen_lite.data._fetch import data_dir

    return str(data_dir())


def _forms(path: str) -> tuple[str, str]:
    return os.path.abspath(path), os.path.realpath(path)
