"""All assignments made once, as an instructor makes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from coursework.making import assign, wheels
from coursework.making.__main__ import ROOT, folders

FOLDERS = folders()
SLUGS = [folder.name for folder in FOLDERS]


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> wheels.Wheels:
    return wheels.build(ROOT, tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, packed: wheels.Wheels) -> dict[str, assign.Made]:
    """What is made without a secret, by slug."""
    target = tmp_path_factory.mktemp("made")
    return {f.name: assign.make(f, "", target / f.name, ROOT, packed) for f in FOLDERS}


@pytest.fixture(scope="session")
def reseeded(
    tmp_path_factory: pytest.TempPathFactory, packed: wheels.Wheels
) -> dict[str, assign.Made]:
    """What is made with a secret, by slug."""
    target: Path = tmp_path_factory.mktemp("reseeded")
    secret = "a secret of thirty characters."
    return {f.name: assign.make(f, secret, target / f.name, ROOT, packed) for f in FOLDERS}
