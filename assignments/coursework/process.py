"""The grader's side of an answer's process: started, asked, watched, ended.

A process that does not answer is ended when its time on the processor is used up, or when it has
slept for :data:`ASLEEP` seconds without using the processor. Neither looks at the clock while it
computes or waits for its turn: a machine that is busy costs it nothing.

What comes from the process is bytes that anybody may have written. Each message must belong to the
request that has been made (:data:`coursework.wire.HEAD`), have a possible length and be plain data
of the form that is expected; else the process is ended.
"""

from __future__ import annotations

import builtins
import contextlib
import os
import secrets
import selectors
import signal
import socket
import struct
import time
from dataclasses import asdict
from typing import Any

import psutil

from coursework import audit, nursery, wire
from coursework.limits import BREACH, BREACHES, PLACE, Guard, Limits

#: Seconds that a process may sleep, and between two looks at it.
ASLEEP, TICK = 10.0, 0.05
#: Seconds of sleep that one second on the processor makes up for.
EARNED = 20.0
#: Seconds without any use of the processor after which waiting ends whatever the process is doing.
LAST_RESORT = 600.0
#: Characters of what is printed that are kept, and of a sentence from the process.
KEPT, SENTENCE = 2000, 500
#: Files and folders that a process may have in its own folder.
ENTRIES = 1000
#: Bytes from a process beyond which no more are read before these are understood.
MOST = wire.HEAD.size + wire.LARGEST
#: Names of exceptions, besides Python's own, and of breaches, that no submission has chosen.
EXCEPTIONS = ("LinAlgError",)
NAMES = {*audit.PROCESSES, *audit.SIGNALS, *audit.LIMITS, *audit.OWNERS, "a link", "the audit hook"}
#: States of a thread that does nothing, and need not be waited for; the last two: it has ended.
STILL = {
    psutil.STATUS_SLEEPING,
    psutil.STATUS_STOPPED,
    psutil.STATUS_IDLE,
    psutil.STATUS_ZOMBIE,
    psutil.STATUS_DEAD,
}
#: Looks between two looks at its folder.
FOLDER_LOOKS = 4


class AnswerError(AssertionError):
    """An answer failed: an exception, a limit, no plain data. The message is for the student.

    Attributes:
        short: the message without any text that the submission has chosen while it ran, which may
            hold what it was asked: for hidden tests.
    """

    def __init__(self, message: str, short: str = "") -> None:
        super().__init__(message)
        self.short = short or message


class Process:
    """One process that holds the answers to one question.

    Args:
        setup: the assignment's own code.
        cells: the student's cells with their numbers.
        limits: what the process may use.

    Attributes:
        ended: why the process was ended, if it was.
        ended_short: the same as :attr:`AnswerError.short`.
        broke: whether that was for breaking a rule, so that the question is lost.
        cell: the number of the cell in which it was ended; None: in a call, after all cells.
        problems: for each cell that raised an exception, its sentence and where.
        printed: the beginning of what it printed.
        guards: those that were set, and those that could not be.
    """

    def __init__(
        self, setup: tuple[str, ...], cells: tuple[tuple[int, str], ...], limits: Limits
    ) -> None:
        self.limits = limits
        self.ended: str | None = None
        self.ended_short = ""
        self._cells = cells
        self.broke = False
        self.cell: int | None = None
        self.problems: dict[int, str] = {}
        self.printed = ""
        self.guards: list[Guard] = []
        self._bytes_printed = 0
        self._to_send = memoryview(b"")
        self._received = bytearray()
        self._closed = self._dead = False
        self._confession: str | None = None
        self._child = nursery.start()
        self._selector = selectors.DefaultSelector()
        try:
            self._begin(setup, cells)
        except BaseException:
            self.close()
            raise

    def ask(self, request: dict[str, Any]) -> Any:
        """The reply to a request; raises ``AnswerError``."""
        if self.ended:
            raise AnswerError(self.ended, self.ended_short)
        reply = self._reply(self._send(request))
        if set(reply) == {"value"}:
            return reply["value"]
        if set(reply) == {"not plain"}:
            kind = _sentence(reply["not plain"])
            must = "an answer must be numbers, arrays or tensors"
            raise AnswerError(f"{must}, and is {kind}", f"{must}, and is something else")
        if set(reply) == {"error", "where"}:
            short = _short(reply, self._cells)
            raise AnswerError(f"your code raised {_exception(reply)}", f"your code raised {short}")
        self._tampered()
        raise AnswerError(str(self.ended), self.ended_short)

    def close(self) -> None:
        """End the process and whatever it started, and remove its folder."""
        if self._child.requests < 0:
            return
        self._kill()
        with contextlib.suppress(OSError):  # until the nursery says that it has ended
            self._child.line.settimeout(LAST_RESORT)
            while self._child.line.recv(64):
                pass
        self._selector.close()
        self._child.line.close()
        for fd in (self._child.requests, self._child.replies, self._child.output):
            os.close(fd)
        self._child.requests = -1
        nursery.remove(self._child.folder)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, setup: tuple[str, ...], cells: tuple[tuple[int, str], ...]) -> None:
        for source in (self._child.replies, self._child.output, self._child.line):
            self._selector.register(source, selectors.EVENT_READ)
        for fd in (self._child.requests, self._child.replies, self._child.output):
            os.set_blocking(fd, False)
        self._watched = psutil.Process(self._child.pid)
        self._resident = self._memory()
        job = {"setup": list(setup), "cells": [list(c) for c in cells]}
        job |= {"limits": asdict(self.limits), "folder": str(self._child.folder)}
        self._run(job, [-1, *(number for number, _ in cells)])

    def _run(self, job: dict[str, Any], numbers: list[int]) -> None:
        """Have the cells run."""
        request = self._send(job)
        try:
            self.guards = [Guard(**g) for g in self._reply(request)["guards"]]
            while "ready" not in (message := self._reply(request)):
                if message.get("cell") not in numbers:
                    self._tampered()
                    return
                self.cell = message["cell"]
                if "error" in message:
                    self.problems[message["cell"]] = _exception(message)
        except AnswerError:
            return
        self.cell = None

    def _send(self, request: dict[str, Any]) -> bytes:
        """Make a request; returns the number by which its reply is known."""
        number = secrets.token_bytes(8)
        data = wire.dump(request)
        self._to_send = memoryview(wire.HEAD.pack(len(data), number) + data)
        self._selector.register(self._child.requests, selectors.EVENT_WRITE)
        return number

    def _reply(self, number: bytes) -> dict[str, Any]:
        watch = Watch(self._watched)
        while True:
            message = None if self.ended else self._message(number)
            if self.ended:
                raise AnswerError(self.ended, self.ended_short)
            if message is not None:
                return message
            if self._dead:  # and all that it said before has been read
                self._died()
                continue
            for key, _ in self._selector.select(TICK):
                self._move(key.fileobj)
            if (why := watch.look()) is not None:
                self._tampered() if self._leader_ended() else self._end(why)
            elif watch.looks % FOLDER_LOOKS == 1:
                self._look_at_folder()
            if self._memory() > self._resident + self.limits.memory:
                self._break("memory")

    def _message(self, number: bytes) -> dict[str, Any] | None:
        """The message that has arrived, if all of it has."""
        if len(self._received) < wire.HEAD.size:
            return None
        size, its_number = wire.HEAD.unpack_from(self._received)
        end = wire.HEAD.size + size
        confesses = its_number == wire.NO_REQUEST
        if confesses:  # once, in a sentence
            possible = size <= SENTENCE and self._confession is None
        else:
            possible = its_number == number and size <= wire.LARGEST
        if not possible:
            self._tampered()
            return None
        if len(self._received) < end:
            return None
        data = bytes(self._received[wire.HEAD.size : end])
        del self._received[:end]
        if confesses:
            self._confession = _sentence(data.decode(errors="replace"))
            return None
        try:
            message = wire.load(data)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            self._tampered()
            return None
        return message

    def _move(self, source: Any) -> None:
        """Read from, or write to, what is ready for that."""
        if source is self._child.line:
            self._selector.unregister(source)
            self._dead = True
            while len(self._received) <= MOST and (data := self._read(self._child.replies)):
                self._received += data
        elif source == self._child.requests:
            self._write()
        elif source == self._child.output:
            data = self._read(source)
            self._bytes_printed += len(data)
            if len(self.printed) < KEPT:
                self.printed = (self.printed + _readable(data.decode(errors="replace")))[:KEPT]
            if self._bytes_printed > self.limits.output:
                self._end(f"it printed more than {self.limits.output / 2**20:g} MB")
        elif len(self._received) > MOST:
            return  # that is a whole message, or none that can be
        elif data := self._read(source):
            self._received += data
        elif not self._dead and not self._closed:  # ended or closed its end: the nursery will say
            self._closed = True
            self._kill()

    def _read(self, fd: int) -> bytes:
        try:
            data = os.read(fd, 1 << 20)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            with contextlib.suppress(KeyError):  # it has been read to its end before
                self._selector.unregister(fd)
        return data

    def _write(self) -> None:
        try:
            self._to_send = self._to_send[os.write(self._child.requests, self._to_send) :]
        except BlockingIOError:
            return
        except OSError:  # it reads no more: its end is seen elsewhere
            self._to_send = memoryview(b"")
        if not self._to_send:
            self._selector.unregister(self._child.requests)

    def _memory(self) -> int:
        try:
            return self._watched.memory_info().rss
        except psutil.Error:
            return 0

    def _leader_ended(self) -> bool:
        """Whether its first thread, which answers, has ended, and left others behind."""
        try:
            return self._watched.status() == psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def _look_at_folder(self) -> None:
        size = _size(str(self._child.folder))
        if size > self.limits.files:
            self._end(f"it wrote more than {self.limits.files / 2**20:g} MB")

    def _died(self) -> None:
        """Say why the process ended, from what the nursery says of it."""
        try:
            status, seconds, most = nursery.END.unpack(self._child.line.recv(nursery.END.size))
        except (OSError, struct.error):
            self._end("its process was lost")
            return
        code = os.waitstatus_to_exitcode(status)
        if BREACH <= code < BREACH + len(BREACHES):
            self._break(list(BREACHES)[code - BREACH])
        elif code == -signal.SIGSYS:
            self._break("call")
        elif code == -signal.SIGXCPU or (code == -signal.SIGKILL and seconds > self.limits.seconds):
            self._end(f"it was still computing after {self.limits.seconds:g} s of processor time")
        elif code == -signal.SIGKILL:
            if self._closed:
                self._tampered()
            self._end("its process was killed from outside")
        elif code < 0 and most * 1024 > self._resident + 0.9 * self.limits.memory:
            self._break("memory")
        elif code < 0:
            self._end(f"its process crashed ({signal.Signals(-code).name})")
        else:
            self._end(f"its process ended (exit status {code})", "its process ended")

    def _break(self, rule: str) -> None:
        self.broke = self.broke or self.ended is None
        what = f": {self._confession}" if self._confession else ""
        words = BREACHES[rule]
        if rule == "memory":
            words, what = f"used more than {self.limits.memory / 2**30:.2g} GB of memory", ""
        self._end(f"it {words}{what}", f"it {words}{what if what[2:] in NAMES else ''}")

    def _tampered(self) -> None:
        self.broke = self.broke or self.ended is None
        self._end("the connection to its process was tampered with")

    def _end(self, why: str, short: str = "") -> None:
        if self.ended is None:
            self.ended = why
            # While the cells run, nothing has been asked.
            self.ended_short = short if short and self.cell is None else why
        self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            self._child.line.shutdown(socket.SHUT_WR)


class Watch:
    """How a process spends the time of one request.

    It has hung when it has slept for :data:`ASLEEP` seconds, in which time on the processor counts
    against sleep :data:`EARNED` times: one that wakes up each second to print a line has hung as
    well. While one of its threads computes, or waits for its turn to, no time counts.
    """

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._asleep = self._idle = self._used = 0.0
        self._last = time.monotonic()
        self._used = self._processor()
        self.looks = 0

    def look(self) -> str | None:
        """Why the process is to be ended, if it is."""
        now = time.monotonic()
        if now - self._last < TICK:
            return None
        self.looks += 1
        # A grader that was not run itself for a while has not seen anything sleep.
        passed, self._last = min(now - self._last, 4 * TICK), now
        used = self._processor()
        spent, self._used = used - self._used, used
        self._idle = 0.0 if spent else self._idle + passed
        if not spent and self._sleeps():
            self._asleep += passed
        self._asleep = max(0.0, self._asleep - EARNED * spent)
        if self._asleep > ASLEEP or self._idle > LAST_RESORT:
            return "it stood still, without computing anything"
        return None

    def _processor(self) -> float:
        try:
            times = self._process.cpu_times()
        except psutil.Error:  # it has ended, of which the nursery will tell
            return self._used
        return times.user + times.system

    def _sleeps(self) -> bool:
        """Whether no thread computes, or would if it could."""
        try:
            states = {psutil.Process(t.id).status() for t in self._process.threads()}
        except psutil.Error:
            return False
        return states <= STILL


def _size(folder: str) -> float:
    """Bytes that a folder takes; infinite where there are too many entries, or some are hidden."""
    found, entries, folders = 0, 0, [folder]
    try:
        while folders:
            with os.scandir(folders.pop()) as inside:
                for entry in inside:
                    entries += 1
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        status = entry.stat(follow_symlinks=False)
                        found += max(status.st_size, 512 * status.st_blocks)
                    if entries > ENTRIES:
                        return float("inf")
    except FileNotFoundError:  # removed while we look
        return found
    except OSError:
        return float("inf")
    return found


def _exception(message: dict[str, Any]) -> str:
    where = _sentence(message.get("where"))
    return _sentence(message["error"]) + (f" ({where})" if where else "")


def _short(message: dict[str, Any], cells: tuple[tuple[int, str], ...]) -> str:
    """An exception without its text: a name of Python's, and a line that is in the cells."""
    name = _sentence(message["error"]).partition(":")[0]
    known = getattr(builtins, name, None)
    if not ((isinstance(known, type) and issubclass(known, BaseException)) or name in EXCEPTIONS):
        name = "an exception"
    where = _sentence(message.get("where"))
    lines = (line for _, source in cells for line in enumerate(source.splitlines(), 1))
    found = any(where == _sentence(f"line {k}: {line.strip()}"[:PLACE]) for k, line in lines)
    return f"{name} ({where})" if found else name


def _sentence(text: Any) -> str:
    """A text of the submission's process in one printable line."""
    return _readable(text[:SENTENCE]).replace("\n", " ") if isinstance(text, str) else ""


def _readable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
