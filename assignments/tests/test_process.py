"""The grader's side: whatever comes from an answer's process, the grader goes on."""

from __future__ import annotations

import select
import subprocess
import sys

import numpy as np
import psutil
import pytest
import torch

from assignments.tests.outcomes import SMALL, answer, ask, call
from coursework import kernel, nursery, wire
from coursework import process as grader
from coursework.limits import Limits
from coursework.process import AnswerError, Process
from tests.patience import until

TAMPERED = "the connection to its process was tampered with"
#: In the process of an answer: its end of the connection, and the number of the request.
CONNECTION = """
import gc, json, os, struct, sys
from coursework import wire, worker
def channel():
    frame = sys._getframe()
    while 'channel' not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals['channel']
def reply(value, number=None, times=1):
    data = wire.dump({"value": value})
    head = wire.HEAD.pack(len(data), channel()._number if number is None else number)
    for _ in range(times):
        os.write(channel()._replies, head + data)
def raw(data):
    os.write(channel()._replies, data)
"""


@pytest.fixture(autouse=True)
def the_grader_goes_on():
    """After each attack the next answer is graded as if nothing had been."""
    yield
    assert call(answer("return args[0] + 1"), 1).value == 2


FORGED = {
    "bytes": "raw(os.urandom(1000))",
    "an impossible length": "raw(struct.pack('<I', 2**32 - 1) + channel()._number)",
    "a length that is too large": "raw(wire.HEAD.pack(wire.LARGEST + 1, channel()._number))",
    "a message that is not one": "raw(wire.HEAD.pack(4, channel()._number) + b'abcd')",
    "another form": "raw(wire.HEAD.pack(len(d := wire.dump([1])), channel()._number) + d)",
    "unknown words": (
        "raw(wire.HEAD.pack(len(d := wire.dump({'points': 3})), channel()._number) + d)"
    ),
    "nested": (
        "d = b'[' * 10**6; d = struct.pack('<I', len(d)) + d\n"
        "raw(wire.HEAD.pack(len(d), channel()._number) + d)"
    ),
    "code": (
        "d = json.dumps({'function': 'lambda: 1'}).encode(); d = struct.pack('<I', len(d)) + d\n"
        "raw(wire.HEAD.pack(len(d), channel()._number) + d)"
    ),
    "the number of no request": "reply(1, number=b'12345678')",
}


@pytest.mark.parametrize("line", FORGED.values(), ids=FORGED)
def test_what_cannot_be_ends_the_process(line):
    outcome = call(answer(line + "\nreturn 1", CONNECTION))
    assert outcome.sentence == TAMPERED
    assert outcome.broke


def test_a_reply_before_the_request_is_not_taken_for_its_reply():
    """A forged reply to this request is an answer like any; one to the next would be too early."""
    with Process((), ((0, answer("reply(1, times=2)\nreturn 2", CONNECTION)),), SMALL) as process:
        assert ask(process) == 1
        with pytest.raises(AnswerError, match=TAMPERED):
            ask(process)
        assert process.broke


def test_a_message_that_never_ends_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(grader, "ASLEEP", 0.5)
    body = "raw(wire.HEAD.pack(1000, channel()._number) + b'abc')\ntime.sleep(1000)"
    outcome = call(answer(body, CONNECTION + "import time"))
    assert outcome.sentence == "it stood still, without computing anything"


def test_messages_that_nobody_asked_for_are_no_way_to_go_on():
    """A sentence without a request is what a process says before it ends: once."""
    body = "raw(wire.HEAD.pack(3, wire.NO_REQUEST) + b'abc')\nreturn 1"
    assert call(answer(body, CONNECTION)).value == 1
    body = "while True:\n    raw(wire.HEAD.pack(3, wire.NO_REQUEST) + b'abc')"
    outcome = call(answer(body, CONNECTION), limits=Limits(seconds=5))
    assert outcome.broke
    assert outcome.sentence == TAMPERED
    body = "n = 10**7\nraw(wire.HEAD.pack(n, wire.NO_REQUEST) + bytes(n))\nreturn 1"
    assert call(answer(body, CONNECTION)).sentence == TAMPERED


def test_no_more_is_read_than_the_largest_message_holds():
    body = "reply(1, times=1000)\nreturn 1"
    with Process((), ((0, answer(body, CONNECTION)),), SMALL) as process:
        assert ask(process) == 1
        for held, is_read in [(grader.MOST + 1, False), (grader.MOST, True)]:
            process._received = bytearray(held)
            until(lambda: select.select([process._child.replies], [], [], 0)[0])
            process._move(process._child.replies)
            assert (len(process._received) > held) == is_read


class Late(Process):
    """A grader that is so busy that it looks when the process has ended."""

    def _move(self, source):
        if source == self._child.replies and not self._dead:
            select.select([self._child.line], [], [])
            source = self._child.line
        super()._move(source)


def test_what_a_process_said_before_it_ended_is_read_first():
    """So that the cell at which it ended is known, and nobody is called a cheat."""
    with Late((), ((0, "x = 1"), (1, "import os\nos._exit(3)")), SMALL) as process:
        assert process.ended == "its process ended (exit status 3)"
        assert not process.broke
        assert process.cell == 1
        assert len(process.guards) == 5
    with Late((), ((0, "import os\nos.fork()"),), SMALL) as process:
        assert process.broke
        assert process.ended == "it tried to start another process: os.fork"


LEFT_BEHIND = """
import ctypes, sys, threading, time
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
ctypes.CDLL(None).syscall(int(sys.argv[1]), 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="leaves one thread by a call of Linux")
def test_a_process_whose_first_thread_has_ended_does_not_compute():
    assert kernel.pyseccomp is not None
    number = kernel.pyseccomp.resolve_syscall(kernel.pyseccomp.Arch.NATIVE, "exit")
    left = subprocess.Popen([sys.executable, "-c", LEFT_BEHIND, str(number)])
    try:
        watched = psutil.Process(left.pid)
        until(lambda: watched.status() == psutil.STATUS_ZOMBIE)
        assert left.poll() is None
        (other,) = (t.id for t in watched.threads() if t.id != left.pid)
        until(lambda: psutil.Process(other).status() == psutil.STATUS_SLEEPING)
        assert grader.Watch(watched)._sleeps()
        with Process((), (), SMALL) as process:
            assert not process._leader_ended()
            process._watched = watched
            assert process._leader_ended()
    finally:
        left.kill()
        left.wait()


def test_nor_is_it_taken_for_one_that_stands_still(monkeypatch):
    monkeypatch.setattr(grader, "ASLEEP", 0.5)
    monkeypatch.setattr(Process, "_leader_ended", lambda self: True)
    outcome = call(answer("time.sleep(1000)", "import time"))
    assert outcome.broke
    assert outcome.sentence == TAMPERED


def test_a_process_that_cannot_be_given_its_cells_is_not_left():
    assert call(answer("return 1")).value == 1
    its_nursery = psutil.Process(nursery._nursery._process.pid)
    with pytest.raises(wire.NotPlainError, match="half a character"):
        Process((), ((0, "x = '\ud800'"),), SMALL)
    assert its_nursery.children() == []


ENDS = {
    "os._exit": ("os._exit(3)", "its process ended (exit status 3)"),
    "abort": ("os.abort()", "its process crashed (SIGABRT)"),
    "a segmentation fault": (
        "import faulthandler\nfaulthandler._sigsegv()",
        "its process crashed (SIGSEGV)",
    ),
    "all closed": ("os.closerange(0, 256)\nwhile True:\n    pass", TAMPERED),
    "its source of requests closed": (
        "os.close(channel()._requests)\nreturn 1",
        "",
    ),
}


@pytest.mark.parametrize(("body", "sentence"), ENDS.values(), ids=ENDS)
def test_a_process_that_ends_or_hangs_up(body, sentence):
    assert call(answer(body, CONNECTION)).sentence == sentence


def test_a_process_that_closes_its_end_is_ended():
    """By the grader, or by itself at its next word: what comes first."""
    outcome = call(answer("os.close(channel()._replies)\nreturn 1", CONNECTION))
    assert outcome.ended
    assert outcome.sentence in (TAMPERED, "its process ended (exit status 1)")


def test_after_the_end_every_request_says_why():
    with Process((), ((0, answer("os._exit(3)", "import os")),), SMALL) as process:
        for _ in range(2):
            with pytest.raises(AnswerError, match=r"its process ended \(exit status 3\)"):
                ask(process)


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(1000)",
        "threading.Lock().acquire()\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        "import select\nselect.select([], [], [])",
        "signal.raise_signal(signal.SIGSTOP)",
        "while True:\n    print('still here')\n    time.sleep(0.2)",
        "threading.Thread(target=time.sleep, args=(1000,)).start()\ntime.sleep(1000)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ntime.sleep(1000)",
    ],
)
def test_a_process_that_stands_still_is_ended(body, monkeypatch):
    monkeypatch.setattr(grader, "ASLEEP", 0.5)
    outcome = call(answer(body, "import signal, threading, time"))
    assert outcome.sentence == "it stood still, without computing anything"


def test_a_thread_that_goes_on_harms_nobody():
    before = "import threading\ndef forever():\n    while True:\n        pass\n"
    code = answer("threading.Thread(target=forever).start()\nreturn 1", before)
    with Process((), ((0, code),), SMALL) as process:
        assert ask(process) == 1


def test_output_is_read_up_to_a_limit():
    few = Limits(seconds=5, output=1 << 16)
    for line in ("print('x' * 1000)", "os.write(2, b'x' * 1000)", "sys.stderr.write('x' * 1000)"):
        outcome = call(answer(f"while True:\n    {line}", "import os, sys"), limits=few)
        assert outcome.sentence == "it printed more than 0.0625 MB"
    outcome = call(answer("print('x' * 10**4 + '\\x1b[31m')\nreturn 1"))
    assert outcome.value == 1
    assert outcome.printed == "x" * grader.KEPT


def test_what_is_printed_cannot_move_a_cursor():
    outcome = call(answer("print('a\\x1b[2J\\0b')\nos.write(1, b'\\xff')", "import os"))
    assert outcome.printed == "a\ufffd[2J\ufffdb\n\ufffd"


@pytest.mark.parametrize(
    "line",
    [
        "os.close(channel()._requests)",
        "import time; worker.Channel.receive = lambda self: time.sleep(1000)",
    ],
)
def test_a_request_that_nobody_reads_does_not_block_the_grader(line, monkeypatch):
    monkeypatch.setattr(grader, "ASLEEP", 0.5)
    with Process((), ((0, answer(f"{line}\nreturn 1", CONNECTION)),), SMALL) as process:
        assert ask(process) == 1
        with pytest.raises(AnswerError):
            ask(process, np.zeros(10**6))


def test_large_requests_and_replies_go_through():
    x = np.arange(10**6, dtype=float)
    assert np.array_equal(call(answer("return args[0]"), x).value, x)


EXCEPTIONS = {
    "no text": (
        "class E(Exception):\n    def __str__(self):\n        raise ValueError",
        "raise E",
        "your code raised E:",
    ),
    "no string": (
        "class E(Exception):\n    def __str__(self):\n        return 3",
        "raise E",
        "your code raised E:",
    ),
    "long": ("", "raise ValueError('x' * 10**7)", "your code raised ValueError: xxx"),
    "control": (
        "",
        "raise ValueError('a\\x1b[2J\\nb')",
        "your code raised ValueError: a\ufffd[2J b",
    ),
    "half a character": ("", "raise ValueError('\\ud800')", "your code raised"),
    "exit": ("import sys", "sys.exit(0)", "your code raised SystemExit: 0"),
    "interrupt": ("", "raise KeyboardInterrupt", "your code raised KeyboardInterrupt:"),
    "recursion": ("", "return answer()", "your code raised RecursionError:"),
    "input": ("", "return input('number?')", "your code raised EOFError:"),
}


@pytest.mark.parametrize(("before", "body", "sentence"), EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_exceptions_are_one_short_sentence(before, body, sentence):
    outcome = call(answer(body, before))
    assert outcome.sentence.startswith(sentence)
    assert len(outcome.sentence) < 1000
    assert outcome.sentence.isprintable()
    assert not outcome.broke


def test_an_exception_whose_text_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(grader, "ASLEEP", 0.5)
    before = "import time\nclass E(Exception):\n    def __str__(self):\n        time.sleep(1000)"
    outcome = call(answer("raise E", before))
    assert outcome.sentence == "it stood still, without computing anything"


def test_the_line_of_the_exception_is_told():
    outcome = call("def helper(x):\n    return 1 / x\ndef answer():\n    return helper(0)")
    assert outcome.sentence == (
        "your code raised ZeroDivisionError: division by zero (line 2: return 1 / x)"
    )


EVIL = {
    "equal to everything": "class A:\n    def __eq__(self, other):\n        return True",
    "of any class": "class A:\n    __class__ = property(lambda self: float)",
    "with any attribute": "class A:\n    def __getattr__(self, x):\n        return A()",
    "with no attribute": "class A:\n    def __getattribute__(self, x):\n        raise ValueError",
    "a tensor by name": "class A:\n    def detach(self):\n        return 1\n    cpu = detach",
    "an array by protocol": "class A:\n    def __array__(self, *a):\n        return np.ones(2)",
    "a set": "A = set",
    "bytes": "A = bytes",
    "an array of objects": "def A():\n    return np.array([object()])",
    "too large": "def A():\n    return np.zeros(10**7)",
    "itself": "def A():\n    x = []\n    x.append(x)\n    return x",
    "a dict with odd keys": "def A():\n    return {(1, 2): 3}",
    "a generator": "def A():\n    yield 1",
}


@pytest.mark.parametrize("before", EVIL.values(), ids=EVIL)
def test_what_is_no_plain_data_is_no_answer(before, monkeypatch):
    outcome = call(answer("return A()", f"import numpy as np\n{before}"))
    assert outcome.value is None
    assert not outcome.broke
    assert outcome.sentence.startswith(
        ("an answer must be numbers, arrays or tensors", "your code")
    )


SUBCLASSES = {
    "float": "class A(float):\n    def __eq__(self, other):\n        return True\nvalue = A(2)",
    "bool": "import numpy as np\nvalue = np.bool_(True)",
    "array": (
        "import numpy as np\nclass A(np.ndarray):\n"
        "    def __eq__(self, other):\n        return True\nvalue = np.ones(2).view(A)"
    ),
    "tensor": (
        "import torch\nclass A(torch.Tensor):\n    __torch_function__ = None\n"
        "    def __eq__(self, other):\n        return True\nvalue = torch.ones(2).as_subclass(A)"
    ),
    "dict": "class A(dict):\n    def __getitem__(self, key):\n        return 1\nvalue = {'a': 2}",
}


@pytest.mark.parametrize("before", SUBCLASSES.values(), ids=SUBCLASSES)
def test_subclasses_arrive_without_their_methods(before):
    value = call(answer("return value", before)).value
    assert type(value) in (bool, float, np.ndarray, torch.Tensor, dict, type(None))


TAMPERING = {
    "wire": "wire.dump = lambda *a, **k: 1 / 0",
    "worker": "worker._answer = lambda *a: 42",
    "json": "json.dumps = lambda *a, **k: '{}'",
    "builtins": "builtins.isinstance = lambda *a: True; builtins.len = lambda x: 0",
    "NumPy": "np.allclose = np.isclose = np.all = lambda *a, **k: True",
    "torch": "torch.allclose = torch.equal = lambda *a, **k: True",
    "modules": "sys.modules.clear()",
    "os": "os.write = lambda fd, data: len(data)",
    "all objects": "[o.clear() for o in gc.get_objects() if isinstance(o, dict)]",
    "the folder": "shutil.rmtree(os.getcwd())",
    "a profile": "sys.setprofile(lambda *a: 1 / 0)",
    "an alarm": "signal.signal(14, lambda *a: 1 / 0); signal.setitimer(0, 0.001, 0.001)",
    "threads": "[threading.Thread(target=sum, args=(range(10**9),)).start() for _ in range(20)]",
}


@pytest.mark.parametrize("line", TAMPERING.values(), ids=TAMPERING)
def test_what_a_submission_changes_stays_in_its_process(line, monkeypatch):
    """It may get its answer through, or an error, or be ended: never more, and nobody else."""
    monkeypatch.setattr(grader, "ASLEEP", 0.5)
    before = (
        "import builtins, gc, json, os, shutil, signal, sys, threading\nimport numpy as np\n"
        "import torch\nfrom coursework import wire, worker"
    )
    code = answer(f"{line}\nreturn 2.0", before)
    with Process((), ((0, code),), Limits(seconds=2)) as process:
        values = set()
        for _ in range(3):
            try:
                values.add(ask(process))
            except AnswerError as error:
                values.add(2.0 if str(error) else "")
        assert values <= {2.0, 42}


def test_functions_that_an_answer_returns_stay_there():
    code = answer("k = args[0]\nreturn [lambda x: x + k, 1]")
    with Process((), ((0, code),), SMALL) as process:
        handle, one = ask(process, 5)
        assert one == 1
        request = {"do": "call", "name": handle.number, "args": [2], "kwargs": {}}
        assert process.ask(request) == 7
        with pytest.raises(AnswerError, match="IndexError"):
            process.ask(request | {"name": 99})


def test_a_function_of_the_grader_runs_there():
    code = answer("return args[0](3), __name__")
    with Process((), ((0, code),), SMALL) as process:
        assert ask(process, wire.Function("lambda x: x * 2")) == (6, "__main__")


def test_gradients_come_from_autograd():
    def gradient(body):
        with Process((), ((0, answer(body, "import torch")),), SMALL) as process:
            request = {"do": "gradient", "name": "answer", "kwargs": {}, "wrt": [0, 1]}
            return process.ask(request | {"args": [torch.ones(2), torch.ones(2)]})

    value, (by_x, by_y) = gradient("return (args[0] ** 2).sum()")
    assert value == 2
    assert by_x.tolist() == [2, 2]
    assert by_y.tolist() == [0, 0]
    with pytest.raises(AnswerError, match="is it detached"):
        gradient("return (args[0] ** 2).sum().detach()")
    with pytest.raises(AnswerError, match="one entry"):
        gradient("return args[0]")
