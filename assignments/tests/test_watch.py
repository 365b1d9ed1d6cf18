"""When a process has hung: what counts is sleep, and neither the clock nor a busy machine."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest

from coursework import process as grader

RUNNING, SLEEPING = psutil.STATUS_RUNNING, psutil.STATUS_SLEEPING
DISK, STOPPED = psutil.STATUS_DISK_SLEEP, psutil.STATUS_STOPPED
ENDED = psutil.STATUS_ZOMBIE


class Machine:
    """A process and a clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.used = 0.0
        self.gone = False
        self.states = {1: RUNNING}
        monkeypatch.setattr(grader.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(
            grader.psutil, "Process", lambda k: SimpleNamespace(status=lambda: self.states[k])
        )
        self.watch = grader.Watch(self)

    def cpu_times(self):
        if self.gone:
            raise psutil.NoSuchProcess(1)
        return SimpleNamespace(user=self.used, system=0.0)

    def threads(self):
        return [SimpleNamespace(id=k) for k in self.states]

    def passes(self, seconds: float, computes: float = 0.0, every: float = grader.TICK):
        """Time with a look at every so many seconds; what the watch says, and when."""
        looks = round(seconds / every)
        for k in range(looks):
            self.now += every
            self.used += computes * every
            if self.watch.look() is not None:
                return (k + 1) * every
        return None


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


def test_a_process_that_sleeps_has_hung(machine):
    machine.states = {1: SLEEPING}
    assert machine.passes(60) == pytest.approx(grader.ASLEEP, abs=2 * grader.TICK)


def test_one_that_has_ended_after_computing_for_long_has_not(machine):
    machine.states = {1: SLEEPING}
    assert machine.passes(2, computes=1) is None
    machine.gone, machine.states = True, {}
    assert machine.passes(5) is None


def test_so_has_one_that_is_stopped(machine):
    machine.states = {1: STOPPED, 2: STOPPED}
    assert machine.passes(60) == pytest.approx(grader.ASLEEP, abs=2 * grader.TICK)


def test_so_has_one_whose_first_thread_has_ended_while_another_sleeps(machine):
    machine.states = {1: ENDED, 2: SLEEPING, 3: psutil.STATUS_DEAD}
    assert machine.passes(60) == pytest.approx(grader.ASLEEP, abs=2 * grader.TICK)


def test_one_whose_first_thread_has_ended_while_another_computes_has_not(machine):
    machine.states = {1: ENDED, 2: RUNNING}
    assert machine.passes(60) is None


def test_one_that_computes_has_not(machine):
    assert machine.passes(500, computes=1.0) is None


def test_one_that_waits_for_a_busy_machine_has_not(machine):
    """Runnable, and not run for almost ten minutes."""
    assert machine.passes(0.9 * grader.LAST_RESORT) is None


def test_one_whose_other_thread_waits_for_its_turn_has_not(machine):
    machine.states = {1: SLEEPING, 2: RUNNING}
    assert machine.passes(0.9 * grader.LAST_RESORT) is None


def test_one_that_waits_for_a_disk_has_not(machine):
    machine.states = {1: DISK}
    assert machine.passes(0.9 * grader.LAST_RESORT) is None


def test_one_that_computes_in_another_thread_has_not(machine):
    machine.states = {1: SLEEPING, 2: SLEEPING}  # as seen each time, between its turns
    assert machine.passes(500, computes=0.1) is None


def test_one_that_wakes_up_to_print_a_line_has_hung(machine):
    """Three milliseconds of work a second, counted in ticks of 10 ms as Linux does."""
    machine.states = {1: SLEEPING}
    real = machine.cpu_times
    machine.cpu_times = lambda: SimpleNamespace(user=real().user // 0.01 * 0.01, system=0.0)
    assert machine.passes(60, computes=0.003) == pytest.approx(grader.ASLEEP, rel=0.1)


def test_output_between_two_looks_does_not_count_as_time(machine):
    """As when each printed line makes the grader look: many looks in a short time."""
    machine.states = {1: SLEEPING}
    found = machine.passes(60, every=grader.TICK / 100)
    assert found == pytest.approx(grader.ASLEEP, abs=2 * grader.TICK)


def test_a_grader_that_was_not_run_itself_has_seen_nothing(machine):
    machine.states = {1: SLEEPING}
    machine.now += 1000
    assert machine.watch.look() is None


def test_there_is_a_last_resort(machine):
    found = machine.passes(2 * grader.LAST_RESORT)
    assert found == pytest.approx(grader.LAST_RESORT, abs=2 * grader.TICK)


def test_a_process_that_cannot_be_seen_gets_the_last_resort(machine):
    def gone():
        raise psutil.AccessDenied

    machine.cpu_times = machine.threads = gone
    assert machine.passes(0.9 * grader.LAST_RESORT) is None
    assert machine.passes(grader.LAST_RESORT) is not None
