"""Graders side by side, each a process with one thread, replaced when it dies."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from typing import Any

import psutil

from coursework.classroom import grader
from coursework.classroom.exam import Exam
from coursework.classroom.grader import Job
from tools import threads

#: Seconds between looks at graders that say nothing.
TICK = 1.0


class GraderError(Exception):
    """Graders cannot be started."""


class _Grader:
    """A grader as the run sees it."""

    def __init__(self, exam: Exam) -> None:
        # A fresh interpreter: it holds no end of the other graders' channels.
        context = multiprocessing.get_context("spawn")
        self.channel, channel = context.Pipe()
        self._life, life = context.Pipe()
        self.process = context.Process(target=grader.serve, args=(exam, channel, life))
        self.process.start()
        channel.close()
        life.close()
        self.ready = False
        self.job: Job | None = None
        self._before = 0.0

    def give(self, job: Job) -> None:
        self.job = job
        self._before = self._seconds()
        with contextlib.suppress(OSError):  # a dead one is seen by whoever waits for it
            self.channel.send(job)

    def spent(self) -> float:
        """Seconds of processor that the grader itself, not the answers, has used for its job."""
        return self._seconds() - self._before

    def heard(self) -> bool:
        """Take the news of a grader that has some; False: it is dead."""
        try:
            self.channel.recv()
        except (EOFError, OSError):
            return False
        self.ready, self.job = True, None
        return True

    def dismiss(self) -> None:
        """Tell the grader to end itself and its answer."""
        self._life.close()

    def end(self) -> None:
        """End the grader and whatever it has started."""
        started = []
        with contextlib.suppress(psutil.Error):
            started = psutil.Process(self.process.pid).children(recursive=True)
        self.dismiss()
        self.process.join(grader.GRACE)
        self.process.kill()
        for child in started:
            with contextlib.suppress(psutil.Error):
                child.kill()
        self.process.join()
        self.channel.close()

    def _seconds(self) -> float:
        try:
            times = psutil.Process(self.process.pid).cpu_times()
        except psutil.Error:
            return self._before
        return float(times.user + times.system)


def graded(
    jobs: list[Job],
    size: int,
    exam: Exam,
    seconds: float,
    watch: Callable[[list[Job]], None] = lambda _: None,
) -> Iterator[tuple[Job, str]]:
    """Each job as soon as it is done, with the reason if its grader died.

    Args:
        jobs: what is to be graded, in this order.
        size: graders at a time.
        exam: the assignment.
        seconds: of processor that a grader may use for one submission by itself.
        watch: is told, at each look, which jobs are being graded.
    """
    os.environ.update(threads.ONE)  # graders read it when they import what counts cores
    waiting = iter(jobs)
    left = len(jobs)
    pool: list[_Grader] = []
    try:
        pool += [_Grader(exam) for _ in range(min(size, left))]
        while left:
            for one in pool:
                if one.ready and one.job is None and (job := next(waiting, None)):
                    one.give(job)
            watch([one.job for one in pool if one.job])
            wait([end for one in pool for end in _ends(one)], TICK)
            for k, one in enumerate(pool):
                job, reason = one.job, ""
                if one.channel.poll():
                    was_ready = one.ready
                    if one.heard():
                        if was_ready and job:
                            left -= 1
                            yield job, ""
                        continue
                    one.process.join(TICK)
                    reason = f"exit status {one.process.exitcode}"
                elif not one.process.is_alive():
                    reason = f"exit status {one.process.exitcode}"
                elif job and one.spent() > seconds:
                    reason = f"more than {seconds:.0f} s of processor in the tests themselves"
                if reason:
                    one.end()
                    if not one.ready:
                        raise GraderError(f"a grader could not start ({reason}); it says why above")
                    pool[k] = _Grader(exam)
                    if job:
                        left -= 1
                        yield job, reason
    finally:
        for one in pool:
            one.dismiss()
        for one in pool:
            one.end()


def _ends(one: _Grader) -> list[Any]:
    return [one.channel, one.process.sentinel]
