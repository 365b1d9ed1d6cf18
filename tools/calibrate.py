"""Length of a second on this machine, by a fixed piece of work.

A budget cannot be a number of seconds by the clock: a chapter takes twice as long on a slower
machine, and longer still beside other work. So a kernel counts its own processor time, and
before its first cell and after its last it does a fixed piece of work whose processor time is
taken too. *Calibrated seconds* are

    processor seconds × REFERENCE / processor seconds of the fixed work,

the seconds of a machine on which the fixed work takes ``REFERENCE``.

The work is what chapters do: a loop of Python, products of small matrices, and a function of
many numbers.
"""

from __future__ import annotations

import ast
from typing import Any

#: Processor seconds of the fixed work on the machine whose seconds the budgets are in.
REFERENCE = 0.15

#: Runs in the kernel, in a name space of its own; leaves ``result``: the processor time of the
#: kernel and its finished children up to now, and that of the fixed work.
_WORK = """
import resource, time, numpy
children = resource.getrusage(resource.RUSAGE_CHILDREN)
began = time.process_time()
total = 0.0
for k in range(1_000_000):
    total += (k % 7) * 0.5
x = numpy.linspace(-1.0, 1.0, 128 * 128).reshape(128, 128)
for _ in range(150):
    x = numpy.tanh(x @ x / 64.0 + numpy.exp(-x * x))
result = (began + children.ru_utime + children.ru_stime, time.process_time() - began)
"""


def expression() -> str:
    """A Python expression that does the work and leaves nothing behind; what it gives is read by
    :func:`read`."""
    return f"(lambda space: (exec({_WORK!r}, space), space['result'])[1])({{}})"


def work() -> float:
    """Processor seconds that the fixed work takes now, in this process."""
    space: dict[str, Any] = {}
    exec(_WORK, space)
    return float(space["result"][1])


def read(reply: dict[str, Any]) -> tuple[float, float]:
    """Processor seconds of the kernel so far and of the fixed work, from the kernel's reply.

    Raises:
        RuntimeError: if the kernel could not do it: a cell has taken ``exec`` for a name, say.
    """
    if "data" not in reply:
        raise RuntimeError(f"no calibration: {reply.get('ename')}: {reply.get('evalue')}")
    spent, work = ast.literal_eval(reply["data"]["text/plain"])
    return float(spent), float(work)


def calibrated(processor: float, calibration: float) -> float:
    """Processor seconds as those of the reference machine.

    Example:
        >>> calibrated(60.0, 2 * REFERENCE)  # a machine that is half as fast
        30.0
    """
    return processor * REFERENCE / calibration
