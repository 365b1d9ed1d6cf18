"""What ``import otgen_lite`` loads, and that names loaded later are the same names."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from importlib import import_module

import pytest

import otgen_lite as otg

#: Packages that are imported when they are first needed.
LATER = {
    "IPython", "PIL", "ipywidgets", "matplotlib", "mpl_toolkits", "ot", "pandas", "scipy",
    "sklearn",
}  # fmt: skip


def fresh(code: str) -> str:
    """What a new Python prints that runs the code."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_the_import_loads_torch_and_nothing_that_can_wait():
    code = "import {}, sys, json; print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    loaded, without = (set(json.loads(fresh(code.format(m)))) for m in ("otgen_lite", "torch"))
    assert without <= loaded
    assert loaded & LATER == set()
    third_party = loaded - without - set(sys.stdlib_module_names)
    assert {name for name in third_party if not name.startswith(("_", "cython"))} == {"otgen_lite"}


def test_statements_are_registered_on_first_use():
    code = (
        "import otgen_lite as otg, sys; print('otgen_lite.statements' in sys.modules); "
        "print('thm-duality' in otg.statements.REGISTRY)"
    )
    assert fresh(code).split() == ["False", "True"]


def test_a_star_import_brings_every_public_name():
    code = (
        "import otgen_lite as otg; names = {}; exec('from otgen_lite import *', names); "
        "print(*(set(otg.__all__) <= set(found) for found in (names, dir(otg))))"
    )
    assert fresh(code).split() == ["True", "True"]


@pytest.mark.parametrize("name", otg.__all__)
def test_a_public_name_is_that_of_its_module(name):
    value = getattr(otg, name)
    module = getattr(value, "__module__", None)
    assert value is (
        getattr(import_module(module), name) if module else import_module(f"otgen_lite.{name}")
    )


def test_sweep_is_the_function_whatever_was_imported_first():
    code = "import otgen_lite.sweep.grid, otgen_lite as otg; print(callable(otg.sweep))"
    assert fresh(code).split() == ["True"]


def test_classes_loaded_later_pickle_by_name():
    assert pickle.loads(pickle.dumps(otg.FrameError)) is otg.FrameError


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'otgen_lite' has no attribute 'plot'"):
        otg.plot  # noqa: B018
