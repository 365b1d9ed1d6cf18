"""The grader's side of an answer's process: started, asked, watched, ended.

A process that does not answer is ended when its time on the processor is used up, or when it has slept
for :data:`ASLEEP` seconds without using the processor at all: a machine that is busy, on which it waits
to be run, costs it nothing.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
from multiprocessing.connection import wait
from typing import Any

import psutil

from coursework import wire, worker
from coursework.limits import Limits

#: Imported once, by the process from which those of the answers are forked.
PRELOADED = ["numpy", "scipy.optimize", "torch", "ot", "coursework.worker"]
#: Seconds.
ASLEEP, TICK = 10.0, 0.05
#: Bytes of a reply that are read, and of what is printed that are kept.
LARGEST, KEPT = 1 << 28, 2000


class AnswerError(AssertionError):
    """An answer failed: an exception, a limit, no plain data. The message is for the student."""


class Process:
    """One process that holds the answers to one question.

    Args:
        setup: the assignment's own code.
        cells: the student's cells with their numbers.
        limits: what the process may use.

    Attributes:
        ended: why the process was ended, if it was.
        cell: the number of the cell in which that happened; None: in a call, after all cells.
        problems: for each cell that raised an exception, its sentence and where.
        printed: the beginning of what it printed.
    """

    def __init__(
        self, setup: tuple[str, ...], cells: tuple[tuple[int, str], ...], limits: Limits
    ) -> None:
        self.limits = limits
        self.ended: str | None = None
        self.cell: int | None = None
        self.problems: dict[int, str] = {}
        self.printed = ""
        self._bytes_printed = 0
        self._folder = tempfile.mkdtemp(prefix="answer-")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self._channel, channel = context.Pipe()
        self._output, output = context.Pipe(duplex=False)
        job = worker.Job(setup, cells, self._folder, limits)
        self._process = context.Process(
            target=worker.main, args=(job, channel, output), daemon=True
        )
        self._process.start()
        channel.close()
        output.close()
        self._watched = psutil.Process(self._process.pid)
        self._until_ready()

    def ask(self, request: dict[str, Any]) -> Any:
        """The reply to a request; raises ``AnswerError``."""
        if self.ended:
            raise AnswerError(self.ended)
        with contextlib.suppress(OSError):
            self._channel.send_bytes(wire.dump(request))
        reply = self._reply()
        if "error" in reply:
            where = f" ({reply['where']})" if reply.get("where") else ""
            raise AnswerError(f"your code raised {reply['error']}{where}")
        if "not plain" in reply:
            raise AnswerError(
                f"an answer must be numbers, arrays or tensors, and is {reply['not plain']}"
            )
        return reply["value"]

    def close(self) -> None:
        """End the process and whatever it started, and remove its folder."""
        with contextlib.suppress(psutil.Error):
            for child in self._watched.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.kill()
        for end in (lambda: os.killpg(self._process.pid, signal.SIGKILL), self._process.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end()
        self._process.join()
        self._channel.close()
        self._output.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _until_ready(self) -> None:
        while not self.ended:
            try:
                message = self._reply()
            except AnswerError:
                return
            if "ready" in message:
                self.cell = None
                return
            self.cell = message["cell"]
            if "error" in message:
                where = f" ({message['where']})" if message["where"] else ""
                self.problems[message["cell"]] = f"{message['error']}{where}"

    def _reply(self) -> dict[str, Any]:
        asleep = 0.0
        while True:
            for ready in wait([self._channel, self._output, self._process.sentinel], TICK):
                if ready is self._output:
                    self._read_output()
                elif ready is self._channel:
                    try:
                        return self._checked(wire.load(self._channel.recv_bytes(LARGEST)))
                    except EOFError:
                        self._end(self._why_it_died())
                    except (OSError, ValueError):
                        self._end("the answer is too large, or its process was tampered with")
                else:
                    if not self._channel.poll():
                        self._end(self._why_it_died())
            asleep = self._look(asleep)
            if self.ended:
                raise AnswerError(self.ended)

    @staticmethod
    def _checked(message: Any) -> dict[str, Any]:
        if not isinstance(message, dict):
            raise ValueError("no message")
        return message

    def _read_output(self) -> None:
        try:
            data = os.read(self._output.fileno(), 1 << 16)
        except OSError:
            data = b""
        self._bytes_printed += len(data)
        self.printed = (self.printed + data.decode(errors="replace"))[:KEPT]
        if self._bytes_printed > self.limits.output:
            self._end(f"it printed more than {self.limits.output >> 20} MB")

    def _look(self, asleep: float) -> float:
        """End a process that sleeps; returns for how long it has."""
        try:
            status = self._watched.status()
        except psutil.Error:
            return asleep
        if status in (psutil.STATUS_SLEEPING, psutil.STATUS_STOPPED):
            asleep += TICK
        else:
            asleep = 0.0
        if asleep > ASLEEP:
            self._end("it stood still, without computing anything")
        return asleep

    def _why_it_died(self) -> str:
        self._process.join(5)
        code = self._process.exitcode
        if code == -signal.SIGXCPU or code == -signal.SIGKILL:
            return f"it was still computing after {self.limits.seconds:g} s of processor time"
        return f"its process ended (exit status {code})"

    def _end(self, why: str) -> None:
        self.ended = self.ended or why
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
