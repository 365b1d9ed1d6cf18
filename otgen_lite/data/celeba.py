"""CelebA: aligned photographs of faces, decoded when they are read."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from otgen_lite import _checks
from otgen_lite.data._fetch import check, data_dir
from otgen_lite.data._image_archives import whole

PAGE = "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"

#: Published MD5 checksums, as torchvision has them.
MD5 = {
    "img_align_celeba.zip": "00d2c5bc6d35e252742224ab0c1e8fcb",
    "list_attr_celeba.txt": "75e246fa4810816ffd6ee81facbd244c",
    "identity_CelebA.txt": "32bd1bd63d3c78cd57e08160ec5ed1e2",
    "list_eval_partition.txt": "d32c9cbf5e040fd4025c592c306e6668",
}

FOLDER, ZIP = "img_align_celeba", "img_align_celeba.zip"

#: The lists, and how many lines of each come before the first image.
HEADERS = {"list_eval_partition.txt": 0, "list_attr_celeba.txt": 2, "identity_CelebA.txt": 0}

SPLITS = {"train": 0, "valid": 1, "test": 2, "all": None}


class CelebA(Dataset[Tensor]):
    """Faces as a data set of images; made by :func:`celeba`.

    Attributes:
        names: file names, in the order of the items.
        fixed: True, because an item is the same whenever it is read: training may keep it in
            memory.
        attribute_names: names of the 40 attributes, or () where the list of attributes is missing.
        attributes: (n, 40) booleans, or None where the list is missing.
        identities: (n,) a whole number for each person, or None where that list is missing.

    ``dataset[i]`` is an image (3, size, size) from 0 to 1.
    """

    fixed = True

    def __init__(
        self,
        place: Path,
        names: list[str],
        size: int,
        crop: int,
        members: dict[str, str] | None = None,
    ) -> None:
        self.place, self.names, self.size, self.crop = place, names, size, crop
        self._members = members or {}  # by name, where in the folder or the archive
        self.attribute_names: tuple[str, ...] = ()
        self.attributes: Tensor | None = None
        self.identities: Tensor | None = None
        self._archive: tuple[int, zipfile.ZipFile] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Tensor:
        from PIL import Image, UnidentifiedImageError

        name = self.names[index]
        try:
            with Image.open(io.BytesIO(self._bytes(name))) as file:
                image = file.convert("RGB")
        except (UnidentifiedImageError, OSError) as error:
            raise ValueError(f"{name} of {self.place} cannot be decoded: {error}") from error
        if min(image.size) < self.crop:
            raise ValueError(
                f"crop must be at most the image's size, {image.size[0]} x {image.size[1]} for "
                f"{name}, got {self.crop}"
            )
        left, top = ((side - self.crop) / 2.0 for side in image.size)
        image = image.crop(
            (round(left), round(top), round(left) + self.crop, round(top) + self.crop)
        )
        image = image.resize((self.size, self.size), Image.Resampling.LANCZOS)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        return pixels.to(torch.get_default_dtype()).div_(255.0)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_archive": None}  # a worker opens the archive by itself

    def _bytes(self, name: str) -> bytes:
        if self.place.is_dir():
            return (self.place / self._members.get(name, name)).read_bytes()
        # After a fork the file's position would be shared between the processes.
        if self._archive is None or self._archive[0] != os.getpid():
            self._archive = (os.getpid(), zipfile.ZipFile(self.place))
        try:
            return self._archive[1].read(self._members.get(name, name))
        except (KeyError, zipfile.BadZipFile) as error:
            raise ValueError(f"{name} of {self.place} cannot be read: {error}") from error


def celeba(
    root: str | os.PathLike[str] | None = None,
    split: str = "train",
    *,
    size: int = 64,
    crop: int = 140,
    verify: bool = False,
) -> CelebA:
    """CelebA: 202,599 photographs of faces, cropped and scaled as in the code of the WAE paper.

    The images of 178 x 218 pixels are cropped to the central square of 140 pixels and resized to 64
    with a Lanczos filter. Each is decoded only when it is read, so that loading is quick and a
    ``DataLoader`` may use several processes.

    Nothing is downloaded: the data set is available for non-commercial research only, on terms that
    you accept on its page, http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, and on busy days its
    server refuses programs. Put ``img_align_celeba.zip`` (or the folder ``img_align_celeba``) and
    ``list_eval_partition.txt`` into ``root / "celeba"``; add ``list_attr_celeba.txt`` and
    ``identity_CelebA.txt`` if you want attributes and identities. The lists are compared with their
    published MD5 checksums, and every image that they name must be there. A folder inside a folder
    of the same name, which is how Kaggle ships it, also works, and so does another archive of the
    images.

    Licence: non-commercial research; the images must not be passed on. No part of the data set is
    in this package.

    Args:
        root: directory of the data sets, as in :func:`data_dir` where None; or the zip file or the
            folder of images itself, with the lists beside it.
        split: ``"train"`` (162,770), ``"valid"`` (19,867), ``"test"`` (19,962) or ``"all"``.
        size: side of the returned images in pixels.
        crop: side of the central square that is cut out, in pixels.
        verify: whether to check the checksum of the zip file too (1.4 GB, a few seconds).

    Returns:
        :class:`CelebA`.

    Raises:
        FileNotFoundError: if the images or the partition are missing; the message says which file
            belongs where.
        ValueError: if a file is not the published one, images are missing, or an argument is out of
            range.

    Warns:
        UserWarning: if there is no partition and the numbering of the images has gaps.

    Source: :cite:t:`liu_2015`, :cite:t:`tolstikhin_2018`. Chapter: 12.
    """
    _checks.choice("split", split, SPLITS)
    size, crop = _checks.count("size", size), _checks.count("crop", crop)
    places = _places(root)
    rows = _lists(places)
    partition = rows.get("list_eval_partition.txt")
    wanted = SPLITS[split]
    names = None
    if partition is not None:
        names = [name for name, part in partition.items() if wanted is None or part[0] == wanted]
    elif split != "all":
        raise FileNotFoundError(
            f"{places[0].parent / 'list_eval_partition.txt'} does not exist, so that the split is "
            f'not known; fetch it from {PAGE} and put it there, or use split="all"'
        )
    place, members = whole(places, names)
    if verify and place.is_file():
        check(place, MD5["img_align_celeba.zip"], [PAGE])
    out = CelebA(place, sorted(members) if names is None else names, size, crop, members)
    _describe(out, rows, places)
    return out


def _places(root: str | os.PathLike[str] | None) -> list[Path]:
    """Candidates for the images: folders and zip files that exist, the likeliest first."""
    given = data_dir(root)
    if given.is_file():
        places = [given]
    else:
        places = [given] if given.name == FOLDER or any(given.glob("*.jpg")) else []
        for folder in (given / "celeba", given):
            nested = folder / FOLDER / FOLDER
            places += [folder / FOLDER, nested, folder / ZIP, folder / FOLDER / ZIP]
    found = [place for place in places if place.is_dir() or place.is_file()]
    if found:
        return found
    folder = given / "celeba"
    raise FileNotFoundError(
        f"CelebA is not at {folder / FOLDER} or {folder / ZIP}. Accept its terms at {PAGE}, fetch "
        f"img_align_celeba.zip (MD5 {MD5[ZIP]}) and list_eval_partition.txt, and put both into "
        f"{folder}; another directory can be given by root= or the environment variable OTGEN_DATA"
    )


def _lists(places: list[Path]) -> dict[str, dict[str, list[int]]]:
    """By file the rows of the lists that are there, checked."""
    rows = {}
    for file, header in HEADERS.items():
        path = _beside(places, file)
        if path is not None:
            check(path, MD5[file], [PAGE])
            rows[file] = _table(path, header)
    return rows


def _beside(places: list[Path], file: str) -> Path | None:
    """A list beside the images, or beside the folder that theirs is in."""
    folders = [folder for place in places for folder in (place.parent, place.parent.parent)]
    return next((folder / file for folder in folders if (folder / file).is_file()), None)


def _describe(out: CelebA, rows: dict[str, dict[str, list[int]]], places: list[Path]) -> None:
    """Attributes and persons, as far as the lists are there."""
    for file in ("list_attr_celeba.txt", "identity_CelebA.txt"):
        if file not in rows:
            continue
        if strange := [name for name in out.names if name not in rows[file]]:
            raise ValueError(
                f"{out.place} must hold images that {file} names, got {strange[0]} and "
                f"{len(strange) - 1} more that it does not"
            )
        values = torch.tensor([rows[file][name] for name in out.names])
        if file == "identity_CelebA.txt":
            out.identities = values[:, 0]
            continue
        out.attributes = values > 0
        path = _beside(places, file)
        assert path is not None
        with path.open() as lines:
            next(lines)
            out.attribute_names = tuple(next(lines).split())


def _table(path: Path, header: int) -> dict[str, list[int]]:
    """Whole numbers by the file name that begins their line."""
    out = {}
    with path.open() as lines:
        for number, line in enumerate(lines):
            if number < header or not line.strip():
                continue
            name, *values = line.split()
            out[name] = [int(value) for value in values]
    return out
