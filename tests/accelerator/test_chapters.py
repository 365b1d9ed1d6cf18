"""Chapters on the stand-in: their cells run, and no tensor stays behind.

``python -m tests.accelerator.chapters 10_pot_aae`` says which cells of a chapter fail.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from otgen_lite.explore.frames import FrameStore
from tests.accelerator import chapters
from tests.accelerator.walk import tensors

#: Chapters whose walk takes less than half a minute. The others pass as well, by hand:
#: ``python -m tests.accelerator.chapters 03_entropy`` (75 s), ``04_semidiscrete``.
READY = ("01_kantorovich", "02_distances", "10_pot_aae")

SAMPLE = Path(__file__).with_name("sample_chapter.md")
PAGES = [SAMPLE, *(chapters.BOOK / f"{name}.md" for name in READY)]

#: What is of the CPU by its nature: the losses of a history, written down as they come, and the
#: curves that chapter 10 makes of them.
_RECORDS = ("._records.", "._values", ".other", ".curves.")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_tensor_stays_behind(
    path: Path, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTGEN_SCALE", "small")
    faults, space = chapters.run(chapters.cells(path), path.stem)
    assert not faults, "\n".join(map(str, faults))
    assert torch.get_default_device().type == device.type
    assert not behind(space, device)


def behind(space: dict[str, Any], device: torch.device) -> list[str]:
    """The names of a chapter's tensors that are not on the device."""
    own = {name: value for name, value in space.items() if not name.startswith("_")}
    return [
        path for path, tensor in tensors(own)
        if tensor.device != device and not any(word in path for word in _RECORDS)
    ]  # fmt: skip


def test_what_stays_behind_is_seen(device: torch.device) -> None:
    """A cell that looks into a tensor by NumPy, and one that makes a tensor of the CPU."""
    setup = "import torch, otgen_lite as otg; otg.use_device()"
    faults, space = chapters.run([setup, "torch.ones(3).numpy()", "x = torch.ones(2).cpu()"], "own")
    assert [fault.cell for fault in faults] == [2]
    assert "numpy" in str(faults[0])
    assert behind(space, device) == [".x"]


def test_a_frame_is_computed_where_its_cell_was(device: torch.device) -> None:
    """In the background, too: torch's default device is each thread's own."""
    torch.set_default_device(device)
    store = FrameStore(lambda key: torch.ones(1).device.type)
    assert store.start((0,)).result() == device.type
    assert store.get((1,)) == device.type
