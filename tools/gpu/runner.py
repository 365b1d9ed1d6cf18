"""One step in a process of its own, with a limit: its lines are passed on, its rows picked up."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.gpu.record import MARK

#: Lines that are kept of a step that failed.
LAST = 15
#: The exit status with which a step says that there is nothing to do; its last line says why.
SKIPPED = 77


@dataclass
class Step:
    """A command, and what it may take of the whole time.

    Attributes:
        share: seconds that are set aside for it; what it leaves is for those after it.
    """

    name: str
    command: Sequence[str]
    share: float
    env: Mapping[str, str] = field(default_factory=dict)


def deadlines(steps: Sequence[Step], total: float) -> list[float]:
    """Deadline of each step, in seconds from the start: time that is left is passed on.

    Raises:
        ValueError: if the shares together are more than there is.

    Example:
        >>> deadlines([Step("a", [], 10.0), Step("b", [], 20.0)], 40.0)
        [10.0, 30.0]
    """
    found, end = [], 0.0
    for step in steps:
        end += step.share
        found.append(end)
    if end > total:
        raise ValueError(f"shares must be {total:.0f} s together, got {end:.0f} s")
    return found


def run(
    step: Step, limit: float, root: Path, on_row: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Run a step to its end, or for so many seconds.

    Returns:
        ``name``, ``outcome``, ``seconds``, ``limit``, ``why``, and the ``last`` lines where it is
        not ok.
    """
    start = time.monotonic()
    said: deque[str] = deque(maxlen=LAST)
    if limit <= 1.0:
        return _ended(step, "skipped", start, limit, "no time was left", said)
    env = {**os.environ, **step.env, "PYTHONUNBUFFERED": "1", "OTGEN_SECONDS": f"{limit:.0f}"}
    try:
        process = subprocess.Popen(
            [*step.command], cwd=root, env=env, text=True, encoding="utf-8", errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return _ended(step, "failed", start, limit, str(error), said)
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    try:
        over = _listen(lines, start + limit, said, on_row)
        status = None if over else _wait(process, start + limit)
    finally:
        _end(process)
    if status is None:
        return _ended(step, "timed out", start, limit, f"it took more than {limit:.0f} s", said)
    if status == SKIPPED:
        return _ended(step, "skipped", start, limit, said[-1] if said else "no reason", said)
    if status:
        why = f"exit status {status}" + (f": {said[-1].strip()}" if said else "")
        return _ended(step, "failed", start, limit, why, said)
    return _ended(step, "ok", start, limit, "", said)


def _read(stream: Any, lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line.rstrip("\n"))
    lines.put(None)


def _listen(
    lines: queue.Queue[str | None],
    end: float,
    said: deque[str],
    on_row: Callable[[dict[str, Any]], None],
) -> bool:
    """Take lines until there are no more; True where the time was over before."""
    while True:
        try:
            line = lines.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            return True
        if line is None:
            return False
        before, mark, text = line.partition(MARK)  # a test's dot may stand before it
        if mark:
            row = json.loads(text)
            on_row(row)
            line = in_words(row)
        else:
            said.append(before[:400])
        if line:
            print(f"    {line[:200]}", flush=True)


def in_words(row: dict[str, Any]) -> str:
    """A row as a line of progress; nothing for what is no measurement.

    Example:
        >>> in_words({"case": "VAE", "what": "bf16", "value": 1234.5, "unit": "steps/s"})
        'VAE, bf16: 1.23e+03 steps/s'
    """
    if "case" not in row or row["unit"] == "tests":  # a count that every test moves
        return ""
    value = row.get("value")
    told = f"not measured: {row.get('why')}" if value is None else f"{value:.3g} {row['unit']}"
    return f"{row['case']}, {row['what']}: {told}"


def _wait(process: subprocess.Popen[str], end: float) -> int | None:
    try:
        return process.wait(timeout=max(0.1, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None


def _end(process: subprocess.Popen[str]) -> None:
    """End a step and all that it started: they are a session of their own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _ended(
    step: Step, outcome: str, start: float, limit: float, why: str, said: deque[str]
) -> dict[str, Any]:
    return {
        "name": step.name,
        "outcome": outcome,
        "seconds": round(time.monotonic() - start, 1),
        "limit": round(max(limit, 0.0), 1),
        "why": why,
        "last": [] if outcome == "ok" else list(said),
    }
