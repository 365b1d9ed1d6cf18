"""Images in folders and zip files: which are there, and whether all of them are."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath


def whole(places: list[Path], names: list[str] | None) -> tuple[Path, dict[str, str]]:
    """The first place that holds all the images, and where each lies in it.

    Args:
        places: folders and zip files that exist.
        names: the images that are wanted; None for whatever is there.

    Raises:
        ValueError: if no place holds them all; the message says what is missing.
        FileNotFoundError: if no place holds any.
        UserWarning: if nobody says which are wanted, and their numbers have gaps.
    """
    found: list[tuple[Path, dict[str, str]]] = []
    faults: list[str] = []
    for place in places:
        try:
            members = _of_folder(place) if place.is_dir() else _of_archive(place)
        except ValueError as error:
            faults.append(str(error))
            continue
        missing = [name for name in names or () if name not in members]
        if members and not missing:
            found.append((place, members))
        elif not members:
            faults.append(f"{place} must hold the images, got none")
        else:
            faults.append(
                f"{place} must hold all {len(names or ())} images, {len(missing)} are missing, "
                f"{missing[0]} the first of them"
            )
    if not found:
        nothing = all(fault.endswith("got none") for fault in faults)
        message = f"{'; '.join(faults)}; unpack img_align_celeba.zip anew or put it there"
        raise FileNotFoundError(message) if nothing else ValueError(message)
    place, members = max(found, key=lambda pair: len(pair[1])) if names is None else found[0]
    if names is None:
        _warn_of_gaps(place, members)
    return place, members


def _of_folder(place: Path) -> dict[str, str]:
    """The images of a folder, by name."""
    with os.scandir(place) as entries:
        return _images(entry.name for entry in entries if entry.is_file())


def _of_archive(place: Path) -> dict[str, str]:
    """The images of a zip file, by name, wherever in it they lie."""
    if not zipfile.is_zipfile(place):
        raise ValueError(f"{place} must be the zip file img_align_celeba.zip, but is no zip file")
    try:
        with zipfile.ZipFile(place) as archive:
            return _images(archive.namelist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"{place} is a damaged zip file: {error}") from error


def _images(paths: Iterable[str]) -> dict[str, str]:
    """Paths of images by file name, without what a Mac puts beside them (``._000001.jpg``)."""
    named = ((PurePosixPath(path).name, path) for path in paths)
    return {name: path for name, path in named if name.endswith(".jpg") and name[0] != "."}


def _warn_of_gaps(place: Path, members: dict[str, str]) -> None:
    """Images are numbered from 1: a gap means that some are missing."""
    stems = [name.removesuffix(".jpg") for name in members]
    if not all(stem.isdecimal() for stem in stems):
        return
    numbers = {int(stem) for stem in stems}
    if missing := max(numbers) - len(numbers - {0}):
        warnings.warn(
            f"{place} should hold images numbered from 1 to {max(numbers)}, {missing} of them are "
            "missing",
            UserWarning,
            stacklevel=4,
        )
