"""The tests marked ``gpu``, in one process that says what it knows after every test.

Here, unlike in ``make test``, a test that is skipped is a failure: there is an accelerator.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from tools.gpu.record import emit


class Counts:
    """Counts the tests, and says the counts and every failure as a row."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    def pytest_runtest_logreport(self, report: Any) -> None:
        """After set-up, call and tear-down of each test."""
        if report.skipped:
            self.skipped += 1
            emit(case=report.nodeid, what="skipped", unit="", value=None, why=_why(report))
        elif report.failed:
            self.failed += 1
            emit(case=report.nodeid, what="failed", unit="", value=None, why=_why(report))
        elif report.when == "call":
            self.passed += 1
        if report.when == "teardown":
            note = f"{self.failed} failed, {self.skipped} skipped"
            emit(case="tests", what="passed", unit="tests", value=self.passed, note=note)

    @property
    def fine(self) -> bool:
        """Whether there were tests, and all of them passed."""
        return self.passed > 0 and not self.failed and not self.skipped


def _why(report: Any) -> str:
    lines = [line for line in str(report.longreprtext or report.longrepr).splitlines() if line]
    told = [line for line in lines if line.startswith("E ")] or lines[-1:]
    return "; ".join(line.removeprefix("E").strip() for line in told[:3])[:300] or "no reason"


def main(arguments: list[str] | None = None) -> int:
    """Run the tests on the device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--only", default="", help="an expression for pytest's -k")
    asked = parser.parse_args(arguments)
    os.environ["OTGEN_TEST_DEVICE"] = asked.device
    import pytest

    counts = Counts()
    # A failure is told at once: a run that is cut off must have said it.
    options = ["-m", "gpu", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"]
    options += ["-k", asked.only] if asked.only else []
    status = pytest.main([*options, "tests/gpu"], plugins=[counts])
    return 0 if status == 0 and counts.fine else 1


if __name__ == "__main__":
    sys.exit(main())
