"""OTGEN_SCALE decides; without it, the device that is used does, whatever the machine has."""

from __future__ import annotations

import pytest
import torch

import otgen_lite as otg


@pytest.mark.parametrize(("said", "chosen"), [("small", 1), ("full", 2), (" full ", 2)])
@pytest.mark.parametrize("accelerator", [False, True])
def test_the_variable_decides(
    monkeypatch: pytest.MonkeyPatch, said: str, chosen: int, accelerator: bool
) -> None:
    monkeypatch.setenv("OTGEN_SCALE", said)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: accelerator)
    assert otg.by_scale(small=1, full=2) == chosen


@pytest.mark.parametrize("unset", [None, ""])
@pytest.mark.parametrize("accelerator", [False, True])
def test_without_it_the_device_that_is_used_decides(
    monkeypatch: pytest.MonkeyPatch, unset: str | None, accelerator: bool
) -> None:
    if unset is None:
        monkeypatch.delenv("OTGEN_SCALE", raising=False)
    else:
        monkeypatch.setenv("OTGEN_SCALE", unset)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: accelerator)
    assert otg.by_scale(small=1, full=2) == 1
    with torch.device("meta"):
        assert otg.by_scale(small=1, full=2) == 2


def test_any_other_word_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTGEN_SCALE", "ful")
    with pytest.raises(ValueError, match=r"OTGEN_SCALE must be .*got 'ful'; did you mean 'full'"):
        otg.by_scale(small=1, full=2)
