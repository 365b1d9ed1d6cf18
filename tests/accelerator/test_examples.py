"""Every example in a docstring of the package, after ``use_device()``.

Whatever is public has an example, so nothing that is added can be forgotten here. An example's
``torch.Generator()`` is one of the device, as ``otg.generator`` gives them.
"""

import doctest
import importlib
import pkgutil
import re
from typing import Any

import pytest
import torch

import otgen_lite
from tests.accelerator.standin import Generator

#: What draws pictures and pages, whose numbers are on the CPU.
_DRAWN = ("otgen_lite.plots", "otgen_lite.explore", "otgen_lite.animate", "otgen_lite.__main__")

MODULES = [
    info.name
    for info in pkgutil.walk_packages(otgen_lite.__path__, "otgen_lite.")
    if not info.name.startswith(_DRAWN)
]


class _Checker(doctest.OutputChecker):
    """What an example prints, without the name of the device."""

    def check_output(self, want: str, got: str, flags: int) -> bool:
        got = re.sub(r",\s*device='standin:0'", "", got)
        return super().check_output(want, got, flags | doctest.NORMALIZE_WHITESPACE)


class _OfDevice(Generator):
    def __new__(cls, device: Any = None) -> Any:
        return Generator(device or torch.get_default_device())


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, used: torch.device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "Generator", _OfDevice)
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(checker=_Checker())
    for example in doctest.DocTestFinder(exclude_empty=True).find(module):
        said: list[str] = []
        if runner.run(example, out=said.append).failed:
            pytest.fail("".join(said))


def test_there_are_examples() -> None:
    assert len(MODULES) > 100
