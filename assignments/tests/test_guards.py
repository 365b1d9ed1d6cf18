"""What an answer may not do, and what comes of it: its question is lost, no trace is left."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from assignments.tests.outcomes import SMALL, answer, ask, call
from coursework import kernel, limits, nursery
from coursework import process as grader
from coursework.limits import Limits
from coursework.process import AnswerError, Process

LINUX = sys.platform == "linux"
only_kernel = pytest.mark.skipif(not LINUX, reason="the kernel of Linux is asked")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is nobody's answer's, with a file."""
    (tmp_path / "secret.txt").write_text("42")
    os.chmod(tmp_path / "secret.txt", 0o644)
    return tmp_path


@pytest.fixture(autouse=True)
def no_other_is_harmed(outside):
    """After each attack the outside is as before, and another answer works."""
    yield
    assert [p.name for p in outside.iterdir()] == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == "42"
    assert (outside / "secret.txt").stat().st_mode & 0o777 == 0o644
    assert call(answer("return args[0] + 1"), 1).value == 2


def test_all_guards_work_on_linux():
    found = {g.name: g for g in limits.guards()}
    assert set(found) == {"memory", "orphans", "files", "calls", "Python"}
    assert found["Python"].works
    if LINUX:
        assert all(g.works for g in found.values()), found


def test_a_guard_that_cannot_be_set_is_reported(monkeypatch):
    def fails():
        raise OSError("no such thing here")

    guard = limits._guard("files", fails)
    assert not guard.works
    assert guard.detail == "OSError: no such thing here"


# Python's hook: each is tried by a line of the submission, and the exception is swallowed.
BREACHES = {
    "open": ("write", "open(args[0] + '/new', 'w')"),
    "append": ("write", "open(args[0] + '/secret.txt', 'a')"),
    "pathlib": ("write", "pathlib.Path(args[0], 'new').write_text('x')"),
    "low level": ("write", "os.open(args[0] + '/new', os.O_CREAT | os.O_WRONLY)"),
    "by bytes": ("write", "open(os.fsencode(args[0]) + b'/new', 'w')"),
    "relative": ("write", "open(os.path.relpath(args[0]) + '/new', 'w')"),
    "NumPy": ("write", "np.save(args[0] + '/new', np.ones(3))"),
    "a folder": ("write", "os.mkdir(args[0] + '/new')"),
    "removal": ("write", "os.remove(args[0] + '/secret.txt')"),
    "all removed": ("write", "shutil.rmtree(args[0])"),
    "renamed": ("write", "os.rename(args[0] + '/secret.txt', 'mine')"),
    "moved there": ("write", "open('mine', 'w').close(); os.rename('mine', args[0] + '/new')"),
    "cut short": ("write", "os.truncate(args[0] + '/secret.txt', 0)"),
    "mode": ("write", "os.chmod(args[0] + '/secret.txt', 0o777)"),
    "time": ("write", "os.utime(args[0] + '/secret.txt')"),
    "symbolic link": ("write", "os.symlink(args[0] + '/secret.txt', 'mine')"),
    "hard link": ("write", "os.link(args[0] + '/secret.txt', 'mine')"),
    "data base": ("write", "sqlite3.connect(args[0] + '/new')"),
    "fork": ("process", "os.fork()"),
    "program": ("process", "subprocess.run(['ls'])"),
    "shell": ("process", "os.system('ls')"),
    "pipe": ("process", "os.popen('ls')"),
    "replaced": ("process", "os.execv('/bin/ls', ['ls'])"),
    "spawned": ("process", "os.posix_spawn('/bin/ls', ['ls'], {})"),
    "multiprocessing": (
        "process",
        "multiprocessing.get_context('fork').Process(target=print).start()",
    ),
    "socket": ("network", "socket.socket()"),
    "name": ("network", "socket.getaddrinfo('localhost', 80)"),
    "address": ("network", "urllib.request.urlopen('http://localhost')"),
    "kill": ("signal", "os.kill(os.getppid(), 9)"),
    "kill group": ("signal", "os.killpg(0, 9)"),
    "stop itself": ("signal", "os.kill(os.getpid(), signal.SIGSTOP)"),
    "owner": ("signal", "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())"),
    "owner of a pipe": (
        "signal",
        "r, w = os.pipe(); fcntl.fcntl(r, fcntl.F_SETOWN, os.getppid()); "
        "fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK); os.write(w, b'x')",
    ),
    "library": ("native", "ctypes.CDLL(None)"),
    "library of its own": ("native", "open('a.so', 'w').close(); torch.ops.load_library('./a.so')"),
    "module of its own": (
        "native",
        "open('mine.abi3.so', 'w').close(); sys.path.append(os.getcwd()); __import__('mine')",
    ),
    "module by its file": (
        "native",
        "open('a.so', 'w').close(); _imp.create_dynamic(types.SimpleNamespace(name='a', "
        "origin='a.so'))",
    ),
    "module on a way back": (
        "native",
        "_imp.create_dynamic(types.SimpleNamespace(name='a', "
        "origin=os.path.dirname(os.__file__) + '/../lib/a.so'))",
    ),
    # Not every Python has it: the event is what the hook would be told.
    "extension of a data base": ("native", "sys.audit('sqlite3.enable_load_extension', None, 1)"),
    "symbol": ("native", "ctypes.pythonapi.PyErr_SetInterrupt"),
    "memory": ("native", "ctypes.string_at(id(args))"),
    "limits": ("limits", "resource.setrlimit(resource.RLIMIT_CPU, (99, 99))"),
    "the hook": (
        "limits",
        "[h for h in gc.get_objects() if getattr(h, '__name__', '') == '_hook' "
        "and setattr(h, '__code__', (lambda *a: None).__code__)]",
    ),
}
IMPORTS = (
    "import _imp, ctypes, fcntl, gc, multiprocessing, os, pathlib, resource, shutil, signal\n"
    "import socket, sqlite3, subprocess, sys, types, urllib.request\n"
    "import numpy as np\nimport torch\n"
)


@pytest.mark.parametrize(("rule", "line"), BREACHES.values(), ids=BREACHES)
def test_who_tries_loses_the_question_even_if_it_catches_the_exception(rule, line, outside):
    code = answer(f"try:\n    {line}\nexcept BaseException:\n    pass\nreturn 1", IMPORTS)
    outcome = call(code, str(outside))
    assert outcome.broke
    assert outcome.value is None
    assert outcome.sentence.startswith(f"it {limits.BREACHES[rule]}: ")


TAMPERING = {
    "builtins": "builtins.isinstance = builtins.any = builtins.len = lambda *a: False",
    "os": "os.getcwd = os.fspath = lambda *a: '/dev/null'",
    "posix": "posix._exit = os._exit = posix.write = os.write = lambda *a: None",
    "sys": "sys._getframe = lambda *a: None",
    "audit": "audit._guilty = audit._hook = audit._breach = lambda *a: None",
    "globals": "audit.FOLDER = ''; audit.CHANGES = audit.PROCESSES = ()",
    "places": "places.libraries.cache_clear()",
    "tracing": "sys.settrace(lambda *a: 1 / 0)",
    "modules": "sys.modules.clear()",
}


@pytest.mark.parametrize("line", TAMPERING.values(), ids=TAMPERING)
def test_a_submission_that_changes_its_interpreter_does_not_change_the_rules(line, outside):
    before = "import builtins, os, posix, sys\nfrom coursework import audit, places\nopen_ = open"
    body = f"try:\n    {line}\nexcept Exception:\n    pass\n"
    body += "try:\n    open_(args[0] + '/new', 'w')\nexcept BaseException:\n    pass\nreturn 1"
    outcome = call(answer(body, before), str(outside))
    assert outcome.broke
    assert outcome.value is None


def test_a_text_that_changes_under_way_does_not_lead_outside(outside):
    before = (
        "class Text(str):\n"
        "    def startswith(self, *a): return True\n"
        "    def split(self, *a): return []\n"
        "    def __eq__(self, other): return True\n"
        "    __hash__ = str.__hash__\n"
    )
    outcome = call(answer("open(Text(args[0] + '/new'), 'w')", before), str(outside))
    assert outcome.broke


def test_a_thread_is_no_way_out(outside):
    before = "import threading"
    body = "t = threading.Thread(target=open, args=(args[0] + '/new', 'w'))\nt.start()\nt.join()"
    assert call(answer(body, before), str(outside)).broke


def test_so_is_code_in_a_string(outside):
    assert call(answer("exec('import os; os.fork()')")).broke


# The kernel: calls of which the hook is not told.
@only_kernel
@pytest.mark.parametrize(
    "line",
    [
        "_posixsubprocess.fork_exec([b'ls'], [b'/bin/ls'], True, (), None, None, -1, -1, -1, -1, "
        "-1, -1, -1, 9, True, False, 0, None, None, None, -1, None, False)",
        "os.pidfd_open(os.getppid())",
        "signal.pidfd_send_signal(0, 9)",
    ],
    ids=["fork", "another process", "its signal"],
)
def test_calls_past_python_end_the_process(line):
    before = "import _posixsubprocess, os, signal"
    outcome = call(answer(f"try:\n    {line}\nexcept BaseException:\n    pass\nreturn 1", before))
    assert outcome.broke
    assert outcome.sentence == f"it {limits.BREACHES['call']}"


@only_kernel
@pytest.mark.parametrize(
    "line",
    [
        "torch.save(torch.ones(3), args[0] + '/new')",
        "os.mkfifo(args[0] + '/new')",
        "os.mknod(args[0] + '/new')",
        "torch.from_file(args[0] + '/new', shared=True, size=8, dtype=torch.uint8)",
        "torch.from_file(args[0] + '/secret.txt', shared=True, size=2, dtype=torch.uint8)",
        "torch.from_file(args[0] + '/secret.txt', shared=False, size=2, dtype=torch.uint8)",
        "torch.from_file(f'/proc/{os.getppid()}/environ', shared=False, size=2, dtype=torch.uint8)",
        "torch.from_file('/proc/self/environ', shared=False, size=2, dtype=torch.uint8)",
        "_posixshmem.shm_open('/otgen-test', os.O_CREAT | os.O_RDWR)",
        "_multiprocessing.SemLock(0, 1, 1, '/otgen-test', False)",
        "os.memfd_create('x')",
        "os.posix_fallocate(os.open('a', os.O_CREAT | os.O_RDWR), 0, 1 << 20)",
        "os.setpriority(os.PRIO_USER, 0, 19)",
        "os.sched_setaffinity(os.getppid(), {0})",
        "os.setuid(os.getuid())",
    ],
)
def test_calls_past_python_are_refused(line, outside):
    before = "import _multiprocessing, _posixshmem, os, torch"
    outcome = call(answer(f"return {line} is None", before), str(outside))
    assert outcome.value is None
    assert "Permission" in outcome.sentence or "not permitted" in outcome.sentence
    assert not Path("/dev/shm/otgen-test").exists()


@only_kernel
def test_the_kernel_refuses_without_the_hook(outside):
    """In a process of the test's own that has Landlock and seccomp, and nothing else."""
    mine = outside.parent / f"{outside.name}-mine"
    mine.mkdir()
    lines = [
        ("open", f"open('{outside}/new', 'w')", "PermissionError"),
        ("change", f"open('{outside}/secret.txt', 'a')", "PermissionError"),
        ("read", f"open('{outside}/secret.txt')", "PermissionError"),
        ("list", f"os.listdir('{outside}')", "PermissionError"),
        ("remove", f"os.remove('{outside}/secret.txt')", "PermissionError"),
        ("link", f"os.symlink('{outside}', '{mine}/link')", "PermissionError"),
        ("mode", f"os.chmod('{outside}/secret.txt', 0o777)", "PermissionError"),
        ("own", f"open('{mine}/new', 'w')", ""),
        ("fork", "os.fork()", "SIGSYS"),
        ("program", "os.execv('/bin/true', ['true'])", "SIGSYS"),
        ("socket", "__import__('_socket').socket()", "SIGSYS"),
        ("kill", "os.kill(os.getppid(), 0)", "SIGSYS"),
        ("itself", "os.kill(os.getpid(), 0)", ""),
        ("owner", "fcntl.fcntl(0, 8, os.getppid())", "PermissionError"),
        ("its signal", "fcntl.fcntl(0, 10, 9)", "PermissionError"),
        ("owner's thread", "fcntl.fcntl(0, 15, bytes(8))", "PermissionError"),
        ("changes of a folder", "fcntl.fcntl(0, 1026, 0)", "PermissionError"),
        ("flags", "fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL))", ""),
        ("owner by ioctl", "fcntl.ioctl(0, 0x8901, bytes(4))", "PermissionError"),
        ("group by ioctl", "fcntl.ioctl(0, 0x8902, bytes(4))", "PermissionError"),
        ("past 32 bits", "is_refused(FCNTL, 0, 8 | 1 << 32, os.getppid())", ""),
        ("to outlive", "is_refused(PRCTL, 1, 0)", ""),
        ("to be seen", "is_refused(PRCTL, 4, 1)", ""),
        ("its space on the disk", "os.posix_fallocate(0, 0, 1)", "PermissionError"),
        ("a call of another name", "is_unknown(435)", ""),  # clone3
        ("calls by a queue", "is_unknown(425)", ""),  # io_uring_setup
        ("thread", "__import__('_thread').start_new_thread(print, ())", ""),
    ]
    for name, line, expected in lines:
        assert in_a_fork(line, str(mine)) == expected, name


def is_unknown(number: int) -> None:
    """Make a call of Linux by its number, which must not be known."""
    kernel.LIBC.syscall(number, None, 0)
    assert ctypes.get_errno() == errno.ENOSYS


def is_refused(name: str, *args: int) -> None:
    """Make a call of Linux by its name, which must be refused."""
    assert kernel.pyseccomp is not None
    number = kernel.pyseccomp.resolve_syscall(kernel.pyseccomp.Arch.NATIVE, name)
    assert kernel.LIBC.syscall(number, *map(ctypes.c_long, args)) == -1
    assert ctypes.get_errno() == errno.EPERM


@only_kernel
def test_landlock_keeps_signals_inside(outside, monkeypatch):
    """Without seccomp: by no call, known or not."""
    monkeypatch.setattr(kernel, "restrict_calls", lambda: "")
    mine = outside.parent / f"{outside.name}-mine"
    mine.mkdir()
    known = kernel.landlock.landlock_abi_version() >= 6
    assert in_a_fork("os.kill(os.getppid(), 0)", str(mine)) == ("PermissionError" if known else "")
    assert in_a_fork("os.kill(os.getpid(), 0)", str(mine)) == ""


def in_a_fork(line: str, folder: str) -> str:
    """How a forked process under the kernel's guards ends at a line."""
    import signal

    from coursework import places

    readable = places.readable()
    pid = os.fork()
    if pid == 0:
        try:
            kernel.no_privileges()
            kernel.restrict_files(folder, readable)
            kernel.restrict_calls()
            known = {"os": os, "fcntl": fcntl, "PRCTL": "prctl", "FCNTL": "fcntl"}
            eval(line, known | {"is_unknown": is_unknown, "is_refused": is_refused})
        except PermissionError:
            os._exit(7)
        except BaseException:
            os._exit(8)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {0: "", 7: "PermissionError", -signal.SIGSYS: "SIGSYS"}.get(code, str(code))


@pytest.mark.parametrize(
    "line",
    [
        "open(args[0] + '/secret.txt').read()",
        "open(os.path.relpath(args[0]) + '/secret.txt').read()",
        "os.listdir(args[0])",
        "list(pathlib.Path(args[0]).glob('*'))",
        "os.chdir(args[0])",
        "np.loadtxt(args[0] + '/secret.txt')",
        "open('/proc/self/environ').read()",
        "open(f'/proc/{os.getppid()}/cmdline').read()",
        "os.listdir('/proc')",
        "os.listdir(os.path.dirname(os.path.dirname(coursework.__file__)))",
        "os.listdir(os.path.dirname(os.getcwd()))",
        "os.listdir(os.path.expanduser('~root'))",
    ],
)
def test_what_is_outside_cannot_be_read(line, outside):
    outcome = call(answer(f"return {line}", IMPORTS + "import coursework"), str(outside))
    assert outcome.value in (None, [])
    assert "PermissionError: an answer may not read" in outcome.sentence or outcome.value == []


def test_the_environment_of_the_grader_is_unknown(monkeypatch):
    monkeypatch.setenv("SECRET", "/somewhere/secret")
    assert "SECRET" not in nursery._environment()
    names = set(call(answer("return list(os.environ)", "import os")).value)
    assert names <= set(
        [
            "HOME",
            "TMPDIR",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "MPLCONFIGDIR",
            "MPLBACKEND",
            "LANG",
            "PATH",
            "OTGEN_DATA",
            "LOKY_MAX_CPU_COUNT",
            "OMP_NUM_THREADS",
            "MKL_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "VECLIB_MAXIMUM_THREADS",
            "LC_CTYPE",
        ]
    )


def test_nothing_of_an_earlier_submission_is_left():
    word = "word_of_the_first_submission"
    assert call(answer(f"return {word!r}")).value == word
    look = "return [repr(s) for s in gc.get_objects() if isinstance(s, dict) and s.get('cells')]"
    (own,) = call(answer(look, "import gc")).value
    assert word not in own


def test_no_open_file_of_another_is_inherited():
    is_open = (
        "import os\ndef is_open(n):\n    try:\n        return bool(os.fstat(n))\n"
        "    except OSError:\n        return False"
    )
    count = call(answer("return sum(map(is_open, range(256)))", is_open)).value
    assert count == 5  # nothing, output twice, requests, replies


# Resources.
def test_memory_is_limited():
    for body in (
        "return len(bytearray(10**10))",
        "return np.zeros(10**10).sum()",
        "return torch.zeros(10**10).sum()",
        "kept = []\nwhile True:\n    kept.append(bytearray(10**7))",
        "return torch.ones(1).expand(10**10).clone()",
    ):
        outcome = call(answer(body, IMPORTS), limits=Limits(seconds=10, memory=200 << 20))
        assert outcome.broke, body
        assert outcome.sentence == "it used more than 0.2 GB of memory", body


@only_kernel
def test_memory_that_is_asked_for_and_not_used_counts_as_well():
    """So that what is used can never exceed the limit, however fast it grows."""
    few = Limits(seconds=10, memory=200 << 20)
    for body in ("return len(np.zeros(10**8))", "return len(torch.empty(2 * 10**8))"):
        assert call(answer(body, IMPORTS), limits=few).broke, body


def test_memory_that_is_allowed_is_there():
    body = "return float(np.ones(10**7).sum() + torch.ones(10**7, dtype=torch.float64).sum())"
    assert call(answer(body, IMPORTS)).value == 2e7


@pytest.mark.parametrize(
    "body", ["while True:\n    pass", "return 'a' * 10**5 in 'a' * 10**5 * 999 and f()"]
)
def test_time_on_the_processor_is_limited(body):
    if "999" in body:
        body = "return re.match('(a*)*b', 'a' * 99)"
    outcome = call(answer(body, "import re"), limits=Limits(seconds=1))
    assert outcome.sentence == "it was still computing after 1 s of processor time"
    assert not outcome.broke


def test_a_submission_that_catches_the_signal_has_one_second_more():
    body = "signal.signal(signal.SIGXCPU, lambda *a: None)\nwhile True:\n    pass"
    outcome = call(answer(body, "import signal"), limits=Limits(seconds=1))
    assert outcome.sentence == "it was still computing after 1 s of processor time"


def test_the_size_of_a_file_and_of_all_is_limited():
    few = Limits(seconds=10, files=1 << 20)
    outcome = call(answer("open('a', 'wb').write(bytes(2 << 20))"), limits=few)
    assert "File too large" in outcome.sentence
    body = "n = 0\nwhile True:\n    n += 1\n    open(f'{n}', 'wb').write(bytes(1 << 19))"
    assert call(answer(body), limits=few).sentence == "it wrote more than 1 MB"
    body = "n = 0\nwhile True:\n    n += 1\n    os.mkdir(f'{n}')"
    assert call(answer(body, "import os"), limits=few).sentence == "it wrote more than 1 MB"


def test_space_behind_the_end_of_a_file_counts(tmp_path_factory):
    """Which fallocate keeps for it; where the file system does not, there is nothing to count."""
    folder = tmp_path_factory.mktemp("mine")
    with open(folder / "a", "wb") as file:
        if LINUX:
            kernel.LIBC.fallocate(file.fileno(), 1, ctypes.c_long(0), ctypes.c_long(1 << 20))
        assert grader._size(str(folder)) == 512 * os.fstat(file.fileno()).st_blocks


def test_files_that_are_open_and_removed_are_few():
    body = (
        "found = []\ntry:\n    while True:\n        found.append(open('a', 'wb'))\n"
        "        os.remove('a')\nexcept OSError:\n    return len(found)"
    )
    assert 30 < call(answer(body, "import os")).value <= limits.OPEN_FILES
    assert limits.OPEN_FILES * Limits().files <= 1 << 30


def test_folders_that_are_hard_to_remove_are_removed():
    for body in (
        "for _ in range(1500):\n    os.mkdir('a'); os.chdir('a')",
        "os.mkdir('a'); open('a/b', 'w').close(); os.mkdir('c', 0)",
        "shutil.rmtree(os.getcwd())\nreturn 1",
        "os.rename(os.getcwd(), os.getcwd() + '2')",
    ):
        call(answer(body, "import os, shutil"))
        current = nursery._nursery
        assert current is not None
        assert [p.name for p in current.folder.iterdir()] == [nursery.LOCK], body


# What answers do.
ORDINARY = {
    "training": (
        "net = torch.nn.Linear(2, 1)\noptimizer = torch.optim.Adam(net.parameters())\n"
        "for _ in range(5):\n    optimizer.zero_grad()\n"
        "    net(torch.ones(3, 2)).square().mean().backward()\n"
        "    optimizer.step()\nreturn True"
    ),
    "threads of torch": (
        "torch.set_num_threads(2)\nx = torch.randn(600, 600, requires_grad=True)\n"
        "(x @ x).sum().backward()\nreturn torch.get_num_threads() == 2"
    ),
    "threads": (
        "found = []\nt = threading.Thread(target=found.append, args=(1,))\nt.start()\nt.join()\n"
        "return found == [1]"
    ),
    "pools of threads": (
        "with concurrent.futures.ThreadPoolExecutor(3) as pool:\n"
        "    return list(pool.map(abs, [-1, 2])) == [1, 2]"
    ),
    "functional torch": "return torch.vmap(torch.func.grad(torch.sin))(torch.zeros(1)).item() == 1",
    "the package": (
        "a = np.full(3, 1 / 3)\nC = otg.cost_matrix(torch.rand(3, 2), torch.rand(3, 2))\n"
        "return bool(otg.solve_exact(C, a, a).value >= 0)"
    ),
    "its recipes": "return len(otg.recipes.__name__) > 0",
    "scipy": "return bool(scipy.optimize.linprog([1], bounds=[(2, 3)]).fun == 2)",
    "statistics": "return 0 < scipy.stats.norm.cdf(0.3) < 1",
    "sklearn": (
        "from sklearn.cluster import KMeans\n"
        "return len(KMeans(2, n_init=1).fit(np.random.rand(20, 2)).labels_) == 20"
    ),
    "pictures": (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.title('$\\\\psi$')\n"
        "plt.savefig('a.png')\n"
        "plt.show()\nreturn os.path.getsize('a.png') > 0"
    ),
    "files": (
        "np.save('a', np.ones(3))\ntorch.save(torch.ones(3), 'b')\nshutil.copyfile('b', 'c')\n"
        "os.makedirs('d/e')\nos.rename('c', 'd/e/c')\nshutil.rmtree('d')\n"
        "return np.load('a.npy').sum() + float(torch.load('b').sum()) == 6"
    ),
    "temporary files": (
        "with tempfile.TemporaryDirectory() as d, tempfile.NamedTemporaryFile() as f:\n"
        "    open(d + '/a', 'w').write('x')\n    return f.name.startswith(os.getcwd())"
    ),
    "home": "open(os.path.expanduser('~/.settings'), 'w').close()\nreturn True",
    "nowhere": "open(os.devnull, 'w').write('x')\nreturn True",
    "progress bars": "return sum(tqdm.tqdm(range(4))) == 6",
    "warnings": "warnings.warn('something')\nreturn True",
    "source": "return inspect.getsource(answer).startswith('def answer')",
    "the clock": "time.sleep(0.01)\nreturn time.time() > 0",
    "chance": "return len(os.urandom(3)) == 3 and random.SystemRandom().random() < 1",
    "no seed": "return bool(np.random.default_rng().random() < 1) and torch.seed() != 0",
    "the machine": "platform.platform(), platform.processor()\nreturn os.cpu_count() >= 1",
    "records": "return dataclasses.replace(Point(1), x=2).x == 2",
    "pickles": "return pickle.loads(pickle.dumps(Point(3))).x == 3",
    "a copy": "return copy.deepcopy(torch.nn.Linear(2, 2)).weight.shape == (2, 2)",
    "frames": "return pd.DataFrame({'a': [1, 2]}).mean()['a'] == 1.5",
    "another library": "import networkx\nreturn networkx.path_graph(3).size() == 2",
    "a notebook": "display(3)\nget_ipython().run_line_magic('matplotlib', 'inline')\nreturn True",
    "a check": "grader.check('q1')\nreturn True",
    "data bases": "return sqlite3.connect(':memory:').execute('select 1').fetchone() == (1,)",
}
TOOLS = (
    "from __future__ import annotations\n"
    "import concurrent.futures, copy, dataclasses, inspect, os, pickle, platform, random\n"
    "import shutil, sqlite3, tempfile, threading, time, warnings\n"
    "import numpy as np, pandas as pd, scipy.optimize, scipy.stats, torch, tqdm\n"
    "import otgen_lite as otg\n"
    "@dataclasses.dataclass\nclass Point:\n    x: int\n"
)


@pytest.mark.parametrize("body", ORDINARY.values(), ids=ORDINARY)
def test_what_answers_usually_do_works(body):
    outcome = call(answer(body, TOOLS), limits=Limits(seconds=20))
    assert outcome.sentence == ""
    assert outcome.value in (True, np.True_)


def test_a_library_that_asks_a_program_is_refused_and_loses_nothing(tmp_path):
    """sklearn's threadpools ask `lscpu` for cores: the call is the library's, not the student's."""
    body = (
        "from joblib.externals.loky.backend import context\n"
        "context._count_physical_cores_linux()\nreturn 1"
    )
    outcome = call(answer(body))
    assert "PermissionError" in outcome.sentence
    assert not outcome.broke


def test_every_process_begins_with_the_same_chance():
    body = (
        "return [random.random(), np.random.rand(), torch.rand(2), list({'a', 'b', 'c', 'd'}), "
        "torch.nn.Linear(2, 2).weight]"
    )
    first, second = (call(answer(body, IMPORTS + "import random")).value for _ in range(2))
    assert repr(first) == repr(second)


def test_the_future_of_the_grader_is_not_the_students():
    assert call(
        answer("return answer.__annotations__ == {'return': int}").replace("):", ") -> int:")
    ).value


def test_tensors_come_as_they_are():
    value = call(answer("return args[0] * 2"), torch.ones(3, dtype=torch.float64)).value
    assert value.dtype is torch.float64
    assert value.tolist() == [2, 2, 2]
    assert SMALL.seconds == 2


@only_kernel
def test_a_process_has_no_privileges_even_if_the_grader_has():
    look = "return [s.split()[1] for s in open('/proc/self/status') if s[:6] in args[0]]"
    names = ["CapInh", "CapPrm", "CapEff"]
    assert {int(mask, 16) for mask in call(answer(look), names).value} == {0}
    assert call(answer(look), ["NoNewP"]).value == ["1"]


def test_memory_is_watched_where_the_kernel_does_not_limit_it(monkeypatch):
    """As on macOS: the grader sees what is resident."""
    with Process((), ((0, answer("while True:\n    pass")),), SMALL) as process:
        monkeypatch.setattr(Process, "_memory", lambda self: SMALL.memory + (1 << 40))
        with pytest.raises(AnswerError, match=r"it used more than 0\.39 GB of memory"):
            ask(process)
        assert process.broke
