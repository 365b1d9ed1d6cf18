"""Contestants in processes of their own, each in its own environment, taking turns.

A worker is one process of one library with a fixed number of threads. It may hold several
contestants (the library's methods). :func:`race` lets them solve one problem in turn: A B C, then
C B A, then A B C. Times are those that the worker took around the call alone.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import select
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problems import OUT, ROOT
from tools.threads import limited

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = ROOT / ".venv-peers"
PEERS = ("pot", "ott", "geomloss", "pythae")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
#: Seconds after which a call counts as hopeless.
PATIENCE = 600.0
#: A contestant that needs this many times the best time of its side is not asked again.
HOPELESS = 4.0


class PeerError(RuntimeError):
    """A contestant failed: an exception of its library, no answer in time, or no environment."""


def environment(peer: str) -> Path:
    """The Python of a peer's environment, made from its pinned requirements where needed."""
    if peer == "ours":
        return Path(sys.executable)
    pins = HERE / "peers" / f"{peer}.txt"
    folder = ENVIRONMENTS / peer
    stamp, mark = folder / ".pins", hashlib.sha256(pins.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if not (stamp.is_file() and stamp.read_text() == mark):
        print(f"making the environment of {peer} (once)", flush=True)
        flags = os.environ.get("PIP_FLAGS", "").split()
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *flags]
        try:
            subprocess.run(
                ["sh", ROOT / "tools" / "environment.sh", sys.executable, folder], check=True
            )
            subprocess.run([*install, "-r", str(pins)], check=True, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PeerError(f"{peer} could not be installed from {pins.name}: {error}") from None
        stamp.write_text(mark)
    return python


@dataclass
class Entry:
    """A contestant: a method of a library with its setting."""

    name: str
    peer: str
    method: str
    setting: dict[str, Any]
    warm: int = 1
    times: list[dict[str, float]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    reached: bool = False
    accuracy: float = float("inf")

    @property
    def ours(self) -> bool:
        return self.peer == "ours"

    def median(self, what: str = "time") -> float:
        """Median of its times so far."""
        return float(np.median([t[what] for t in self.times])) if self.times else float("inf")

    def raw(self) -> dict[str, Any]:
        """All that was measured, for the record."""
        return {
            "name": self.name,
            "peer": self.peer,
            "setting": self.setting,
            "times": [{k: float(f"{v:.4g}") for k, v in t.items()} for t in self.times],
            "median": _number(self.median()),
            "processor": _number(self.median("processor time")),
            "reached": self.reached,
            "accuracy": _number(self.accuracy),
            "error": self.error,
        }


def _number(value: float) -> float | None:
    """A number that JSON can hold: infinity and NaN become null."""
    return value if math.isfinite(value) else None


def entries_from(found: Sequence[dict[str, Any]], near: float = 2.5, most: int = 4) -> list[Entry]:
    """The contestants that reached the accuracy when tuned, and came near the fastest of them."""
    good = sorted((f for f in found if f.get("reached", True)), key=lambda f: f["seconds"])
    if not good:
        return []
    limit = near * float(good[0]["seconds"])
    return [
        Entry(f["name"], f["peer"], f["method"], f["setting"])
        for f in good[:most]
        if f["seconds"] <= limit
    ]


def row(
    bench: str, case: str, threads: int, entries: Sequence[Entry], bar: float | None, **more: Any
) -> dict[str, Any]:
    """One line of the table: our time over that of the best peer, among those that got there.

    Without a bar, it is enough that ours got there.
    """
    ours = _best([e for e in entries if e.ours])
    peer = _best([e for e in entries if not e.ours])
    ratio = ours.median() / peer.median() if ours and peer else None
    return {
        "bench": bench,
        "case": case,
        "threads": threads,
        "what": "time (s)",
        "ours": ours.median() if ours else None,
        "ours_name": ours.name if ours else "did not get there",
        "peer": peer.median() if peer else None,
        "peer_name": peer.name if peer else "none got there",
        "ratio": ratio,
        "bar": "none" if bar is None else bar,
        "within": ratio is not None and ratio <= bar if bar is not None else ours is not None,
        "raw": {"contestants": [e.raw() for e in entries], **more},
    }


def _best(entries: Sequence[Entry]) -> Entry | None:
    return min((e for e in entries if e.reached), key=Entry.median, default=None)


class Worker:
    """A process of one peer.

    With a ``device`` the contestants compute there, and all of them run in this Python: the
    libraries that use an accelerator are those of its image.
    """

    def __init__(self, peer: str, threads: int, pin: bool = True, device: str = "") -> None:
        self.peer, self.threads, self.pin, self.device = peer, threads, pin, device
        self._python = Path(sys.executable) if device else environment(peer)
        self._start()

    def _start(self) -> None:
        limits = {**limited(self.threads), "OTG_BENCH_THREADS": str(self.threads)}
        limits |= {"JAX_PLATFORMS": "cpu", "OTG_BENCH_PIN": str(int(self.pin))}
        if self.threads == 1:
            flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
            limits["XLA_FLAGS"] = flags
        if self.device:
            limits |= _on(self.device)
        OUT.mkdir(parents=True, exist_ok=True)
        with (OUT / f"{self.peer}.log").open("a") as log:
            self._process = subprocess.Popen(
                [self._python, "-m", f"benchmarks.peers.{self.peer}"],
                cwd=ROOT, env={**os.environ, **limits}, stderr=log,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            )  # fmt: skip

    def ask(self, do: str, patience: float = PATIENCE, **order: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self.close()
            self._start()
            raise PeerError(f"{self.peer}: its process ended") from None
        if not select.select([self._process.stdout], [], [], patience)[0]:
            self.close()
            self._start()
            raise PeerError(f"no answer within {patience:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            self.close()
            self._start()
            raise PeerError(f"{self.peer}: its process ended")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply

    def prepare(self, entry: Entry, problem: Path, patience: float = PATIENCE) -> None:
        self.ask(
            "prepare", patience, key=entry.name, method=entry.method, setting=entry.setting,
            problem=str(problem), warm=entry.warm,
        )  # fmt: skip

    def go(self, entry: Entry, patience: float = PATIENCE) -> dict[str, float]:
        return self.ask("go", patience, key=entry.name)

    def answer(self, entry: Entry) -> dict[str, Any]:
        path = OUT / f"answer-{self.peer}-{os.getpid()}.npz"
        self.ask("answer", key=entry.name, path=str(path))
        with np.load(path) as file:
            found = {name: file[name] for name in file.files}
        path.unlink()
        return found

    def forget(self, entry: Entry) -> None:
        self.ask("forget", key=entry.name)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _on(device: str) -> dict[str, str]:
    """Environment variables for a device that several libraries share.

    JAX asked for CUDA fails where it has none: on the CPU it would be another race.
    """
    platform = "cpu" if device.startswith("cpu") else "cuda"
    return {
        "OTG_BENCH_DEVICE": device,
        "JAX_PLATFORMS": platform,
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }


class Workers:
    """One worker a peer, started when first needed; peers that cannot start are remembered.

    ``pin`` ties each process to as many cores as it may have threads: one core is one core,
    whatever a library starts. Searches, which count processor time on a busy machine, do without.
    ``device`` is where they compute, in this Python, instead of environments of their own.
    """

    def __init__(self, threads: int, pin: bool = True, device: str = "") -> None:
        self.threads, self.pin, self.device = threads, pin, device
        self.missing: dict[str, str] = {}
        self._running: dict[str, Worker] = {}

    def __getitem__(self, peer: str) -> Worker:
        if peer in self.missing:
            raise PeerError(self.missing[peer])
        if peer not in self._running:
            try:
                worker = Worker(peer, self.threads, self.pin, self.device)
                worker.ask("versions", 120.0)
            except PeerError as error:
                self.missing[peer] = str(error)
                raise
            self._running[peer] = worker
        return self._running[peer]

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._running.values():
            worker.close()


def race(
    workers: Workers,
    entries: Sequence[Entry],
    problem: Path,
    *,
    rounds: int = 21,
    seconds: float = 20.0,
    every_answer: bool = False,
    hopeless: float = HOPELESS,
) -> None:
    """Let all entries solve a problem in turn; fills in their times, answers and errors.

    After the first round nobody is asked again who took ``hopeless`` times the fastest of its side
    (ours, or the peers), and no new round starts after ``seconds``. An answer is kept from the last
    call, or from every one.
    """
    for entry in entries:
        _guard(entry, lambda e=entry: workers[e.peer].prepare(e, problem))  # type: ignore[misc]
    spent = 0.0
    for k in range(rounds):
        if k and spent > seconds:
            break
        best = {
            side: min((e.median() for e in entries if e.times and e.ours == side), default=math.inf)
            for side in (True, False)
        }
        turn = [
            e for e in entries if not e.error and (not k or e.median() <= hopeless * best[e.ours])
        ]
        for entry in turn if k % 2 == 0 else reversed(turn):
            _guard(entry, lambda e=entry: e.times.append(workers[e.peer].go(e)))  # type: ignore[misc]
            spent += entry.times[-1]["time"] if entry.times else 0.0
            if every_answer:
                _guard(entry, lambda e=entry: e.answers.append(workers[e.peer].answer(e)))  # type: ignore[misc]
    for entry in entries:
        if not every_answer:
            _guard(entry, lambda e=entry: e.answers.append(workers[e.peer].answer(e)))  # type: ignore[misc]
        _guard(entry, lambda e=entry: workers[e.peer].forget(e))  # type: ignore[misc]


def _guard(entry: Entry, act: Callable[[], Any]) -> None:
    if entry.error:
        return
    try:
        act()
    except PeerError as error:
        entry.error = str(error)


def versions() -> dict[str, dict[str, str]]:
    """Versions of the packages in each environment."""
    found = {}
    with Workers(1) as workers:
        for peer in ("ours", *PEERS):
            try:
                found[peer] = workers[peer].ask("versions")
            except PeerError as error:
                found[peer] = {"missing": str(error)}
    return found
