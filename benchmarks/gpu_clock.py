"""Time on an accelerator: its work is waited for, and beginnings do not count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import torch

import otgen_lite as otg

#: Repetitions of every measurement.
REPETITIONS = 3


def wait(device: torch.device) -> None:
    """Until the device has done what it was told."""
    if device.type != "cpu":
        torch.accelerator.synchronize()


def seconds(call: Callable[[], Any], device: torch.device) -> float:
    """Seconds of a call by the clock, until its work is done."""
    wait(device)
    start = time.perf_counter()
    call()
    wait(device)
    return time.perf_counter() - start


def steps_per_second(
    method: otg.Method, x: torch.Tensor, *, span: float, most: float, **options: Any
) -> tuple[list[float], float]:
    """Steps a second of ``fit``, once a repetition, and the seconds of the first call.

    A repetition is a training of as many steps as take ``span`` seconds, less a training of one
    step, in which everything is prepared; where two steps take longer than that, it is a training
    of two. The first call, which also compiles, does not count.

    Args:
        method: what is trained, on the device of the data.
        x: the data.
        span: seconds of a repetition.
        most: seconds after which no further repetition begins.
        options: of ``fit``.
    """
    device, start = x.device, time.perf_counter()

    def train(steps: int) -> float:
        def call() -> Any:
            return otg.fit(method, x, steps=steps, progress=False, device=device, **options)

        return seconds(call, device)

    def more(found: list[float]) -> bool:
        return len(found) < REPETITIONS and time.perf_counter() - start < most

    first, two = train(2), train(2)
    if two > span:
        slow = [2.0 / two]
        while more(slow):
            slow.append(2.0 / train(2))
        return slow, first
    few = max(train(4) - two, 1e-4) / 2  # a step, roughly
    count = 1 + max(4, min(2000, round(span / few)))
    found: list[float] = []
    while not found or more(found):
        one, many = train(1), train(count)
        # Where the machine was busy during the short one, the whole long one counts.
        spent, done = (many - one, count - 1) if many > one else (many, count)
        found.append(done / spent)
    return found, first


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The length of a union of intervals.

    Example:
        >>> covered([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)])
        4.0
    """
    total, end = 0.0, float("-inf")
    for first, last in sorted(spans):
        total += max(0.0, last - max(first, end))
        end = max(end, last)
    return total


def busy(method: otg.Method, x: torch.Tensor, rate: float, **options: Any) -> float | None:
    """The share of the time in which the device works, while ``rate`` steps a second are trained.

    A profile tells how long kernels run in a step (the union of their intervals); the clock that
    says how long a step takes is read without the profiler, which slows the program down.
    On a CPU, torch's operators stand for kernels.
    """
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    on_cpu = x.device.type == "cpu"
    activity = ProfilerActivity.CPU if on_cpu else ProfilerActivity.CUDA
    kind = DeviceType.CPU if on_cpu else DeviceType.CUDA
    steps = 2 if on_cpu else 10
    try:
        with profile(activities=[activity], acc_events=True) as found:
            otg.fit(method, x, steps=steps, progress=False, device=x.device, **options)
            wait(x.device)
        spans = [
            (event.time_range.start, event.time_range.end)
            for event in found.events() or ()
            if event.device_type == kind and not getattr(event, "is_user_annotation", False)
        ]
    except RuntimeError as error:  # a profiler that is not allowed to look
        print(f"no profile: {error}")
        return None
    if not spans:
        return None
    return round(min(1.0, covered(spans) * 1e-6 / steps * rate), 3)
