"""Processes of answers come from a nursery and end with their grader, whatever ends that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from assignments.tests.outcomes import SMALL, answer, ask, call
from coursework import nursery
from coursework.process import Process
from tests.patience import until

GRADER = """
import sys
from coursework import nursery
from coursework.limits import Limits
from coursework.process import Process
code = "def answer():\\n    while True:\\n        pass"
process = Process((), ((0, code),), Limits(seconds=900))
current = nursery._nursery
print(process._child.pid, current._process.pid, current.folder, flush=True)
process.ask({"do": "call", "name": "answer", "args": [], "kwargs": {}})
"""


@pytest.fixture
def graded():
    """A grader in a process of its own, in the middle of an answer that computes."""
    process = subprocess.Popen([sys.executable, "-c", GRADER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    answer_pid, nursery_pid, folder = process.stdout.readline().split()
    yield process, psutil.Process(int(answer_pid)), psutil.Process(int(nursery_pid)), Path(folder)
    process.kill()
    process.wait()
    process.stdout.close()


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_grader_that_is_killed_leaves_nothing(graded, how):
    process, its_answer, its_nursery, folder = graded
    assert folder.exists()
    process.send_signal(how)
    until(lambda: is_gone(its_answer) and is_gone(its_nursery) and not folder.exists())


@pytest.mark.skipif(sys.platform != "linux", reason="needs a signal at the end of a parent")
def test_answers_end_with_a_nursery_that_is_killed(graded):
    process, its_answer, its_nursery, folder = graded
    process.kill()
    its_nursery.kill()
    until(lambda: is_gone(its_answer) and is_gone(its_nursery))
    nursery.sweep()
    assert not folder.exists()


def test_folders_of_graders_that_live_are_left_alone(graded):
    *_, folder = graded
    nursery.sweep()
    assert folder.exists()


def test_after_the_end_of_a_nursery_there_is_another():
    assert call(answer("return 1")).value == 1
    first = nursery._nursery
    os.kill(first._process.pid, signal.SIGKILL)
    first._process.wait()
    assert call(answer("return 2")).value == 2
    assert nursery._nursery is not first
    assert not first.folder.exists()


def test_a_process_whose_nursery_ends_is_lost_and_says_so():
    code = answer("while True:\n    pass")
    with Process((), ((0, code),), SMALL) as process:
        nursery._nursery._process.kill()
        with pytest.raises(AssertionError, match="its process was lost"):
            ask(process)


def test_processes_live_side_by_side():
    found = {}

    def grade(k):
        found[k] = call(answer("return args[0] ** 2"), k).value

    threads = [threading.Thread(target=grade, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {k: k**2 for k in range(8)}


def test_nothing_is_left_after_an_answer():
    assert call(answer("open('a', 'w').write('x')\nreturn 1")).value == 1
    current = nursery._nursery
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        call(answer("return 1"))
    assert len(os.listdir("/dev/fd")) == before
    assert [p.name for p in current.folder.iterdir()] == [nursery.LOCK]
    assert psutil.Process(current._process.pid).children() == []


def test_the_nursery_has_one_thread():
    """Forking a process with several would lose the others, and what they hold."""
    assert call(answer("return 1")).value == 1
    assert psutil.Process(nursery._nursery._process.pid).num_threads() == 1


def test_a_grader_that_forks_has_a_nursery_of_its_own():
    assert call(answer("return 1")).value == 1
    pid = os.fork()
    if pid == 0:
        right = False
        try:
            right = call(answer("return 2")).value == 2
            nursery._nursery.close()
        finally:
            os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert call(answer("return 3")).value == 3


def test_what_training_imports_is_imported_before():
    """A lazily imported part of torch would cost each answer a second of its time."""
    body = (
        "before = set(sys.modules)\nnet = torch.nn.Linear(2, 1)\n"
        "optimizer = torch.optim.Adam(net.parameters())\nnet(torch.ones(3, 2)).sum().backward()\n"
        "optimizer.step()\nreturn sorted(set(sys.modules) - before)"
    )
    assert len(call(answer(body, "import sys, torch")).value) < 10
