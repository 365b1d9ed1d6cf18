"""What the kernel refuses to the process of an answer: Landlock, seccomp, prctl. Linux only."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import sys
from pathlib import Path

# Loaded where processes of answers are forked from: pyseccomp looks for its library with programs
# that a process under guard could not start.
try:
    import pyseccomp
except Exception as error:  # not Linux, or no libseccomp: said by restrict_calls
    pyseccomp = None
    WHY_NO_SECCOMP = str(error)
try:
    import landlock
except Exception as error:  # as above
    landlock = None
    WHY_NO_LANDLOCK = str(error)

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38

#: Calls that end the process.
FATAL = """
    fork vfork execve execveat ptrace process_vm_readv process_vm_writev kcmp
    socket connect bind listen accept accept4 sendto
    tkill pidfd_open pidfd_getfd pidfd_send_signal
    mount umount2 move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr pivot_root
    chroot unshare setns reboot swapon swapoff init_module finit_module delete_module kexec_load
    kexec_file_load bpf perf_event_open keyctl add_key request_key acct quotactl quotactl_fd
    settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname
    open_by_handle_at lookup_dcookie iopl ioperm
"""
#: Calls with a process id as their first argument, which may only be the process itself.
OTHERS = "kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo"
#: Calls that fail, as for users without rights: libraries make them and live with the answer.
REFUSED = """
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
    setrlimit setpriority sched_setscheduler sched_setparam sched_setattr sched_setaffinity
    ioprio_set migrate_pages move_pages mbind set_mempolicy personality
    setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset
    syslog fanotify_init userfaultfd shmget shmat msgget semget mq_open memfd_create memfd_secret
    fallocate
"""
#: Calls that fail for some values of one of their arguments, of which the kernel reads 32 bits:
#: (call, argument, values). By fcntl (F_SETOWN, F_SETSIG, F_SETOWN_EX, F_NOTIFY) and ioctl
#: (FIOSETOWN, SIOCSPGRP), who writes to a pipe signals another process; by prctl, a process would
#: outlive the grader (PR_SET_PDEATHSIG), or be open to others again (PR_SET_DUMPABLE).
REFUSED_VALUES = (
    ("fcntl", 1, (8, 10, 15, 1026)),
    ("fcntl64", 1, (8, 10, 15, 1026)),
    ("ioctl", 1, (0x8901, 0x8902)),
    ("prctl", 0, (PR_SET_PDEATHSIG, PR_SET_DUMPABLE)),
)
#: Calls that this kernel is said not to have: clone3, whose arguments a filter cannot read (the C
#: library falls back to clone), io_uring, which makes calls past the filter, and those that are
#: newer than libseccomp's tables: setxattrat, removexattrat, open_tree_attr, file_setattr.
UNKNOWN = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", 463, 466, 467, 469)
CLONE_THREAD = 0x10000
#: A call of Landlock, which has the same number everywhere, and what it keeps inside (version 6).
LANDLOCK_CREATE_RULESET = 444
SCOPE_ABSTRACT_UNIX_SOCKET, SCOPE_SIGNAL = 1, 2


def mapped() -> int:
    """Bytes of address space of this process."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def end_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent ends."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before that
        os._exit(1)


def no_privileges() -> str:
    """Give up capabilities, and what would bring them back, or let others look in."""
    _linux()

    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    none = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, twice 32 bits each
    if LIBC.capset(ctypes.byref(Header(0x20080522, 0)), none):
        raise OSError(ctypes.get_errno(), "capset failed")
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    return "no capabilities, ends with the grader"


def restrict_files(folder: str, readable: tuple[str, ...]) -> str:
    """Landlock: write below the folder only, and read there and what is readable."""
    _linux()
    if landlock is None:
        raise OSError(f"the package landlock cannot be imported: {WHY_NO_LANDLOCK}")
    access = landlock.FSAccess
    version = landlock.landlock_abi_version()
    rules = landlock.Ruleset()
    if version >= 6:
        os.close(rules._fd)
        object.__setattr__(rules, "_fd", _keeping_signals(int(access.all())))
    for path in readable:
        inside = access.READ_DIR if os.path.isdir(path) else access(0)
        with contextlib.suppress(PermissionError):  # what its user may not read, it may not either
            rules.allow(path, rules=access.READ_FILE | inside)
    rules.allow("/dev/null", rules=access.READ_FILE | access.WRITE_FILE)
    special = access.MAKE_CHAR | access.MAKE_BLOCK | access.MAKE_SOCK | access.MAKE_FIFO
    rules.allow(folder, rules=access.all() & ~(special | access.MAKE_SYM | access.EXECUTE))
    rules.apply()
    os.close(rules._fd)
    return f"Landlock {version}" + ("" if version >= 3 else ", which lets files be cut short")


def _keeping_signals(files: int) -> int:
    """A set of rules for files that keeps signals, and names of sockets, inside as well.

    In one set with those for files: a second one would refuse to move files between folders.
    """

    class Ruleset(ctypes.Structure):
        _fields_ = tuple((name, ctypes.c_uint64) for name in ("files", "network", "scoped"))

    wanted = Ruleset(files, 0, SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET)
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    fd = LIBC.syscall(LANDLOCK_CREATE_RULESET, ctypes.byref(wanted), size, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset failed")
    return fd


def restrict_calls() -> str:
    """seccomp: end the process at calls that an answer has no use for."""
    _linux()
    if pyseccomp is None:
        raise OSError(f"pyseccomp cannot be imported: {WHY_NO_SECCOMP}")
    kill, this = pyseccomp.KILL_PROCESS, os.getpid()
    # Calls of another architecture (32 bits) have other numbers, and end the process.
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.ACT_BADARCH, kill)
    for name in FATAL.split():
        _rule(rules, kill, name)
    for name in OTHERS.split():
        _rule(rules, kill, name, pyseccomp.Arg(0, pyseccomp.NE, this))
    thread = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_THREAD, 0)
    _rule(rules, kill, "clone", thread)
    for name in REFUSED.split():
        _rule(rules, pyseccomp.ERRNO(errno.EPERM), name)
    for name, argument, values in REFUSED_VALUES:
        for value in values:
            where = pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, 0xFFFFFFFF, value)
            _rule(rules, pyseccomp.ERRNO(errno.EPERM), name, where)
    # Its own limits may be read (no new ones given), others' may not.
    _rule(rules, pyseccomp.ERRNO(errno.EPERM), "prlimit64", pyseccomp.Arg(2, pyseccomp.NE, 0))
    for call in UNKNOWN:
        _rule(rules, pyseccomp.ERRNO(errno.ENOSYS), call)
    rules.load()
    return "seccomp"


def _rule(rules: object, action: int, call: str | int, *where: object) -> None:
    """A rule, unless this architecture has no such call."""
    number = (
        pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, call) if isinstance(call, str) else call
    )
    if number >= 0:
        rules.add_rule(action, number, *where)  # type: ignore[attr-defined]


def _linux() -> None:
    if sys.platform != "linux":
        raise OSError(f"{sys.platform} has nothing like it")


def _prctl(option: int, value: int) -> None:
    if LIBC.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
