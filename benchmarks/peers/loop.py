"""The loop that every contestant's process runs: a script beside this file calls :func:`serve`.

The process belongs to one library, in its own environment. It reads one command (JSON) a line and
answers with one line. Only ``go`` is timed, and only the call itself: reading the problem, turning
arrays into the library's own, compiling and warming up come before, checking the result after. A
turn begins with a pause, in which the threads of others fall asleep, and a call that is short is
made once before it is timed, to wake its own.
The threads are limited before anything else is imported: by the environment that the driver sets,
and by the cores that this process may use.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

THREADS = int(os.environ.get("OTG_BENCH_THREADS", "1"))
if hasattr(os, "sched_setaffinity") and os.environ.get("OTG_BENCH_PIN", "1") == "1":
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-THREADS:])

import numpy as np  # noqa: E402

Problem = dict[str, Any]
Setting = dict[str, Any]

#: Device of the libraries that can use an accelerator.
DEVICE = os.environ.get("OTG_BENCH_DEVICE", "cpu")

#: Seconds before a turn, and how long a call may last that is made once before it is timed.
PAUSE, SHORT = 0.1, 0.25

#: The timed call, and a function from its result to arrays that the driver can judge.
Contestant = tuple[Callable[[], Any], Callable[[Any], dict[str, Any]]]
Prepare = Callable[[Problem, Setting], Contestant]


def array(value: Any) -> Any:
    """A result as a numpy array, from whatever device."""
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def wait() -> None:
    """Until torch's accelerator has done what it was told; only libraries on torch call this."""
    if DEVICE != "cpu":
        import torch

        torch.accelerator.synchronize()


def _version(name: str) -> str:
    """A package's version; what runs from a folder is not installed and has none."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def serve(
    methods: dict[str, Prepare],
    packages: tuple[str, ...],
    finish: Callable[[], None] = lambda: None,
) -> None:
    """Answer commands until the input ends.

    ``finish`` belongs to a call: it waits for what a library does beside the program.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    problems: dict[str, Problem] = {}
    ready: dict[str, Contestant] = {}
    results: dict[str, Any] = {}
    lasted: dict[str, float] = {}
    for line in sys.stdin:
        order = json.loads(line)
        key = order.get("key", "")
        reply: dict[str, Any] = {}
        try:
            match order["do"]:
                case "versions":
                    reply = {name: _version(name) for name in packages}
                case "prepare":
                    path = order["problem"]
                    if path not in problems:
                        with np.load(path) as file:
                            problems = {path: {name: file[name] for name in file.files}}
                    ready[key] = methods[order["method"]](problems[path], order["setting"])
                    for _ in range(order["warm"]):
                        results[key] = ready[key][0]()
                    finish()
                case "go":
                    call = ready[key][0]
                    # Threads of the one before still spin, waiting for work, and these ones sleep.
                    time.sleep(PAUSE)
                    if lasted.get(key, 0.0) < SHORT:
                        call()
                    finish()
                    clock, processor = time.perf_counter(), time.process_time()
                    results[key] = call()
                    finish()
                    reply["time"] = lasted[key] = time.perf_counter() - clock
                    reply["processor time"] = time.process_time() - processor
                case "answer":
                    found = ready[key][1](results[key])
                    arrays: dict[str, Any] = {k: array(v) for k, v in found.items()}
                    np.savez(order["path"], **arrays)
                case "forget":
                    ready.pop(key, None)
                    results.pop(key, None)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()
