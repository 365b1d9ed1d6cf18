"""The process of an answer: it runs a student's cells, and calls what they define when asked to.

It gets the cells and, one at a time, requests: the value of a name, a call, a call with a gradient.
It knows neither the tests nor the secret. The guards of :mod:`coursework.limits` are set before the
first line of a submission runs.
"""

from __future__ import annotations

import ast
import io
import linecache
import os
import random
import sys
import tempfile
import types
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from coursework import limits, places, wire

#: Characters of the text of an exception.
TEXT = 500
#: What PyTorch says where NumPy raises MemoryError.
NO_MEMORY = "can't allocate memory", "not enough memory"


class Nothing:
    """Stands for what only a notebook has: each of its functions does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _nothing


def _nothing(*_: Any, **__: Any) -> None:
    return None


def main(requests: int, replies: int) -> None:
    """Answer the requests that come on one file descriptor on another."""
    channel = Channel(requests, replies)
    job = channel.receive()
    folder, given = job["folder"], limits.Limits(**job["limits"])
    _surroundings(folder)
    guards = limits.apply(given, folder, replies)
    channel.send({"guards": [asdict(g) for g in guards]})
    # Nothing of the grader's is left to find: sources of modules stand under names of their own.
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    names = module.__dict__
    names |= {"display": _nothing, "get_ipython": Nothing, "grader": Nothing()}
    for number, source in [*((-1, s) for s in job["setup"]), *job["cells"]]:
        channel.send({"cell": number})
        problem = _run_cell(source, number, names)
        if problem is not None:
            channel.send({"cell": number, **problem})
    channel.send({"ready": True})
    _serve(channel, names)


class Channel:
    """Messages from and to the grader."""

    def __init__(self, requests: int, replies: int) -> None:
        self._requests = requests
        self._replies = replies
        self._number = wire.NO_REQUEST
        self.kept: list[Callable[..., Any]] = []

    def receive(self) -> Any:
        """The next request; ends the process where there is none."""
        size, self._number = wire.HEAD.unpack(self._read(wire.HEAD.size))
        return wire.load(self._read(size), functions=True)

    def send(self, message: dict[str, Any]) -> None:
        """A message that belongs to the last request."""
        try:
            data = wire.dump(message, self._keep)
        except wire.NotPlainError as error:
            data = wire.dump({"not plain": str(error)[:TEXT]})
        except RecursionError:
            data = wire.dump({"not plain": "nested without an end"})
        except BaseException as error:  # of a class that pretends to be another
            data = wire.dump(_described(error))
        rest = memoryview(wire.HEAD.pack(len(data), self._number) + data)
        while rest:
            rest = rest[os.write(self._replies, rest) :]

    def _keep(self, function: Callable[..., Any]) -> int:
        self.kept.append(function)
        return len(self.kept) - 1

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = os.read(self._requests, min(size - len(data), 1 << 20))
            if not piece:
                os._exit(0)
            data += piece
        return bytes(data)


def _surroundings(folder: str) -> None:
    """The folder is the world: current folder, home and place of temporary files."""
    os.chdir(folder)
    sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb"))
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", 0), write_through=True, errors="replace")
    sys.stderr = sys.stdout
    kept = {
        k: v for k, v in os.environ.items() if k.endswith("_THREADS") or k == "LOKY_MAX_CPU_COUNT"
    }
    homes = dict.fromkeys(
        ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"], folder
    )
    data = places.data()
    os.environ.clear()
    os.environ.update(kept | homes)
    os.environ |= {"MPLBACKEND": "Agg", "LANG": "C.UTF-8", "PATH": os.defpath, "OTGEN_DATA": data}
    tempfile.tempdir = folder
    sys.dont_write_bytecode = True
    sys.argv = ["notebook"]
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def _run_cell(source: str, number: int, names: dict[str, Any]) -> dict[str, str] | None:
    """Run a cell; what went wrong, if something did."""
    name = f"cell {number}"
    # Tracebacks, and inspect.getsource, find the student's lines.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        exec(compile(ast.parse(source, name), name, "exec", dont_inherit=True), names)
    except BaseException as error:
        return _described(error)
    return None


def _serve(channel: Channel, names: dict[str, Any]) -> None:
    while True:
        request = channel.receive()
        try:
            message = {"value": _answer(request, names, channel.kept)}
        except BaseException as error:  # SystemExit and the like end nothing but this call
            message = _described(error)
        channel.send(message)


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


def _described(error: BaseException) -> dict[str, str]:
    """What the student reads of an exception; ends the process where memory was used up."""
    try:
        # As text it names file and line, which _where does.
        said = error.msg if isinstance(error, SyntaxError) and error.lineno else error
        text = str(said)[:TEXT].encode(errors="replace").decode()
    except BaseException:
        text = ""
    if isinstance(error, MemoryError) or any(words in text for words in NO_MEMORY):
        os._exit(limits.BREACH + list(limits.BREACHES).index("memory"))
    return {"error": f"{type(error).__name__}: {text}", "where": _where(error)}


def _where(error: BaseException) -> str:
    """The last line of the student's own code on the way to the error."""
    if isinstance(error, SyntaxError) and error.lineno:
        line = (error.text or "").strip()
        place = f"line {error.lineno}: {line}" if line else f"line {error.lineno}"
        return place[: limits.PLACE].encode(errors="replace").decode()
    found, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith("cell "):
            found = trace
        trace = trace.tb_next
    if found is None:
        return ""
    line = linecache.getline(found.tb_frame.f_code.co_filename, found.tb_lineno).strip()
    return f"line {found.tb_lineno}: {line}"[: limits.PLACE].encode(errors="replace").decode()
