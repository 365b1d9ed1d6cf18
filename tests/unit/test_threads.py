"""What the project starts has one thread, and what waits sleeps."""

import json
import os
import subprocess
import sys

import pytest

from tools import calibrate, threads

SHOW = """
import json, os, torch, numpy
policies = [os.environ[name] for name in ("OMP_WAIT_POLICY", "OPENBLAS_THREAD_TIMEOUT")]
print(json.dumps({"threads": torch.get_num_threads(), "policies": policies}))
"""


@pytest.mark.parametrize("number", [1, 2])
def test_a_limit_is_one(number: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env={**os.environ, **threads.limited(number)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == {"threads": number, "policies": ["PASSIVE", "4"]}


def test_the_tests_themselves_have_one_thread() -> None:
    import torch

    assert torch.get_num_threads() == 1
    assert threads.ONE.items() <= os.environ.items()


def test_cores_are_those_that_the_process_may_use() -> None:
    count = "from tools.threads import cores; print(cores())"
    one = f"import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); {count}"
    done = subprocess.run([sys.executable, "-c", one], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_calibrated_seconds_do_not_know_how_fast_the_processor_is() -> None:
    """A machine that takes twice as long for everything reports the same."""
    quick = calibrate.calibrated(30.0, 0.2)
    slow = calibrate.calibrated(60.0, 0.4)
    assert quick == slow == pytest.approx(30.0 * calibrate.REFERENCE / 0.2)


def test_the_calibration_is_work_and_leaves_nothing_behind() -> None:
    space: dict[str, object] = {}
    found = eval(calibrate.expression(), space)
    spent, work = calibrate.read({"data": {"text/plain": repr(found)}})
    assert spent > 0
    assert work > 0
    assert set(space) == {"__builtins__"}
