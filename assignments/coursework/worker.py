"""The process of an answer: it runs a student's cells, and calls what they define when it is asked to.

It gets the cells and, one at a time, requests: the value of a name, a call, a call with a gradient.
It knows neither the tests nor the secret. The limits of :mod:`coursework.limits` are set before the
first line of a submission runs.
"""

from __future__ import annotations

import ast
import io
import linecache
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from coursework import limits, wire


@dataclass(frozen=True)
class Job:
    """What a process is started with.

    Attributes:
        setup: the assignment's own code, which runs first.
        cells: the student's cells that the question needs, with their numbers in the notebook.
        folder: where the process may write.
        limits: what it may use.
    """

    setup: tuple[str, ...]
    cells: tuple[tuple[int, str], ...]
    folder: str
    limits: limits.Limits


def main(job: Job, channel: Connection, output: Connection) -> None:
    """Run a job: answer the requests of a channel, and print to an output."""
    os.setsid()
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    output.close()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb"))
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", 0), write_through=True, errors="replace")
    sys.stderr = sys.stdout
    os.chdir(job.folder)
    limits.apply(job.limits, job.folder)
    _serve(job, channel)


def _serve(job: Job, channel: Connection) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    kept: list[Callable[..., Any]] = []

    def keep(function: Callable[..., Any]) -> int:
        kept.append(function)
        return len(kept) - 1

    def reply(value: Any) -> None:
        try:
            data = wire.dump(value, keep)
        except wire.NotPlainError as error:
            data = wire.dump({"not plain": str(error)})
        except RecursionError:
            data = wire.dump({"not plain": "nested without an end"})
        channel.send_bytes(data)

    for number, source in [*((-1, s) for s in job.setup), *job.cells]:
        channel.send_bytes(wire.dump({"cell": number}))
        _run_cell(source, number, names, reply)
    reply({"ready": True})
    while True:
        try:
            request = wire.load(channel.recv_bytes())
        except EOFError:
            return
        try:
            reply({"value": _answer(request, names, kept)})
        except BaseException as error:  # SystemExit and the like end nothing but this call
            reply({"error": _sentence(error), "where": _where(error)})


def _run_cell(
    source: str, number: int, names: dict[str, Any], reply: Callable[[Any], None]
) -> None:
    name = f"cell {number}"
    # Tracebacks, and inspect.getsource, find the student's lines.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        exec(compile(ast.parse(source, name), name, "exec"), names)
    except BaseException as error:
        reply({"cell": number, "error": _sentence(error), "where": _where(error)})


def _answer(request: dict[str, Any], names: dict[str, Any], kept: list[Any]) -> Any:
    what = request["name"]
    if isinstance(what, str):
        if what not in names:
            raise NameError(f"{what} is not defined")
        value = names[what]
    else:
        value = kept[what]
    if request["do"] == "get":
        return value
    args, kwargs = [_thaw(a) for a in request["args"]], request["kwargs"]
    if request["do"] == "call":
        return value(*args, **kwargs)
    return _with_gradient(value, args, kwargs, request["wrt"])


def _thaw(value: Any) -> Any:
    return value.compiled if isinstance(value, wire.Function) else value


def _with_gradient(f: Any, args: list[Any], kwargs: dict[str, Any], wrt: list[int]) -> Any:
    """Value of f and its gradients with respect to some arguments, by autograd."""
    import torch

    for k in wrt:
        args[k] = torch.as_tensor(args[k]).clone().requires_grad_(True)
    value = f(*args, **kwargs)
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        raise TypeError("the answer must be a tensor with one entry")
    if not value.requires_grad:
        raise TypeError("autograd finds no way from the answer to the argument: is it detached?")
    grads = torch.autograd.grad(value.reshape(()), [args[k] for k in wrt], allow_unused=True)
    zeros = [torch.zeros_like(args[k]) for k in wrt]
    return value.detach(), [z if g is None else g for z, g in zip(zeros, grads, strict=True)]


def _sentence(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException:
        text = ""
    return f"{type(error).__name__}: {text}"[:500]


def _where(error: BaseException) -> str:
    """The last line of the student's own code on the way to the error."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith("cell ")
    ]
    if isinstance(error, SyntaxError) and error.lineno:
        return f"line {error.lineno}"
    return f"line {frames[-1].lineno}: {frames[-1].line}"[:200] if frames else ""
