"""The package on a stand-in accelerator: each file of ``tests/accelerator`` in its own process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path.name for path in (ROOT / "tests" / "accelerator").glob("test_*.py"))


@pytest.mark.parametrize("file", FILES)
def test_on_a_stand_in(file: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, f"tests/accelerator/{file}"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "OTGEN_STANDIN": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
