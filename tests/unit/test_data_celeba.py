"""CelebA on small files in the true formats: jpgs in a zip or a folder, and three lists."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch.utils.data import DataLoader

import otgen_lite as otg

CELEBA = sys.modules["otgen_lite.data.celeba"]
NAMES = [f"{k:06d}.jpg" for k in range(1, 7)]
PARTITION = [0, 0, 0, 1, 2, 2]
IDENTITY = [2880, 2937, 8692, 5805, 9295, 2880]
ATTRIBUTES = np.where(np.arange(6)[:, None] == np.arange(40) % 6, 1, -1)
TITLES = [f"Attribute_{k}" for k in range(40)]


def face(k: int) -> bytes:
    """178 x 218 pixels: black, in it the square of 140 that is to be cut out, in it a texture."""
    image = Image.new("RGB", (178, 218))
    grey = 100 + 25 * k
    ImageDraw.Draw(image).rectangle((19, 39, 158, 178), fill=(grey, 0, 255 - grey))
    texture = np.random.default_rng(k).integers(0, 256, (80, 60, 3), dtype=np.uint8)
    image.paste(Image.fromarray(texture), (60, 70))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=100, subsampling=0)
    return out.getvalue()


def put(root: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = root / "celeba"
    folder.mkdir()
    if kind == "zip":
        with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
            archive.writestr("img_align_celeba/", b"")
            for k, name in enumerate(NAMES):
                archive.writestr(f"img_align_celeba/{name}", face(k))
    else:
        (folder / "img_align_celeba").mkdir()
        for k, name in enumerate(NAMES):
            (folder / "img_align_celeba" / name).write_bytes(face(k))
    rows = zip(NAMES, PARTITION, IDENTITY, ATTRIBUTES, strict=True)
    lists = {"list_eval_partition.txt": "", "identity_CelebA.txt": ""}
    lists["list_attr_celeba.txt"] = f"6\n{' '.join(TITLES)} \n"
    for name, part, person, marks in rows:
        lists["list_eval_partition.txt"] += f"{name} {part}\n"
        lists["identity_CelebA.txt"] += f"{name} {person}\n"
        lists["list_attr_celeba.txt"] += f"{name} {' '.join(f'{m:2d}' for m in marks)}\n"
    for file, text in lists.items():
        (folder / file).write_text(text)
        monkeypatch.setitem(CELEBA.MD5, file, hashlib.md5(text.encode()).hexdigest())
    return folder


@pytest.fixture(params=["zip", "folder"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put(tmp_path, request.param, monkeypatch)
    return tmp_path


@pytest.mark.parametrize(
    ("split", "members"), [("train", [0, 1, 2]), ("valid", [3]), ("test", [4, 5])]
)
def test_a_split_holds_its_faces_and_what_is_known_of_them(root: Path, split, members) -> None:
    faces = otg.data.celeba(root, split)
    assert len(faces) == len(members)
    assert faces.names == [NAMES[k] for k in members]
    assert faces.identities.tolist() == [IDENTITY[k] for k in members]
    assert faces.attribute_names == tuple(TITLES)
    assert faces.attributes.tolist() == (ATTRIBUTES[members] > 0).tolist()
    for item, k in enumerate(members):
        grey = 100 + 25 * k
        colour = torch.tensor([grey, 0, 255 - grey]) / 255.0
        # One pixel beside the square and the border would be dark by a fifth and more; the
        # compression of a jpg is off by less than a twentieth.
        image = faces[item]
        image[:, 8:-8, 8:-8] = colour[:, None, None]  # the texture lies there
        assert (image - colour[:, None, None]).abs().max() < 0.05


def test_an_image_is_the_one_that_pillow_makes(root: Path) -> None:
    faces = otg.data.celeba(root, "all")
    assert len(faces) == 6
    image = faces[5]
    assert image.shape == (3, 64, 64)
    assert image.dtype == torch.get_default_dtype()
    whole = Image.open(io.BytesIO(face(5)))
    small = whole.crop((19, 39, 159, 179)).resize((64, 64), Image.Resampling.LANCZOS)
    expected = torch.from_numpy(np.array(small)).permute(2, 0, 1) / 255.0
    assert torch.equal(image, expected)


def test_other_sizes(root: Path) -> None:
    faces = otg.data.celeba(root, size=32, crop=178)
    assert faces[0].shape == (3, 32, 32)
    assert faces[0][0, 0, 0] < 0.05  # the border is in it now
    with pytest.raises(ValueError, match="crop must be at most the image's size, 178 x 218"):
        otg.data.celeba(root, crop=200)[0]


def test_nothing_is_decoded_before_it_is_looked_at(root: Path) -> None:
    folder = root / "celeba" / "img_align_celeba"
    if folder.is_dir():
        (folder / NAMES[1]).write_bytes(b"no image")
        faces = otg.data.celeba(root)
        assert faces[0].shape == (3, 64, 64)
        with pytest.raises(ValueError, match=r"000002.jpg of .* cannot be decoded"):
            faces[1]
        (folder / NAMES[1]).write_bytes(face(1)[:2000])
        with pytest.raises(ValueError, match=r"000002.jpg of .* cannot be decoded"):
            faces[1]
    else:
        faces = otg.data.celeba(root)
        faces.names[1] = "999999.jpg"
        with pytest.raises(ValueError, match=r"999999.jpg of .* cannot be read"):
            faces[1]


def test_several_processes_and_pickles_read_their_own_archive(root: Path) -> None:
    faces = otg.data.celeba(root, "all")
    alone = torch.stack([faces[k] for k in range(6)])  # the archive is open now
    assert torch.equal(pickle.loads(pickle.dumps(faces))[2], alone[2])
    loader = DataLoader(faces, batch_size=2, num_workers=2, multiprocessing_context="fork")
    assert torch.equal(torch.cat(list(loader)), alone)


def test_a_forked_process_opens_the_archive_anew(tmp_path, monkeypatch) -> None:
    put(tmp_path, "zip", monkeypatch)
    faces = otg.data.celeba(tmp_path)
    first = faces[0]
    archive = faces._archive[1]
    assert torch.equal(faces[0], first)
    assert faces._archive[1] is archive
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as it would be after a fork
    assert torch.equal(faces[0], first)
    assert faces._archive[1] is not archive


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_the_place_of_the_images_may_be_given(kind, tmp_path, monkeypatch) -> None:
    folder = put(tmp_path, kind, monkeypatch)
    images = folder / ("img_align_celeba.zip" if kind == "zip" else "img_align_celeba")
    assert otg.data.celeba(images).names == NAMES[:3]


def test_only_the_images_are_needed_for_all_of_them(root: Path) -> None:
    for file in ("list_attr_celeba.txt", "identity_CelebA.txt", "list_eval_partition.txt"):
        (root / "celeba" / file).unlink()
    faces = otg.data.celeba(root, "all")
    assert faces.names == NAMES
    assert faces.attributes is None
    assert faces.identities is None
    with pytest.raises(FileNotFoundError, match=r'list_eval_partition.txt .*split="all"'):
        otg.data.celeba(root, "train")


def test_without_files_the_error_says_what_goes_where(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        otg.data.celeba(tmp_path)
    message = str(error.value)
    assert str(tmp_path / "celeba" / "img_align_celeba.zip") in message
    assert CELEBA.PAGE in message
    assert "00d2c5bc6d35e252742224ab0c1e8fcb" in message
    assert "list_eval_partition.txt" in message


def test_files_that_are_not_the_published_ones(root: Path) -> None:
    path = root / "celeba" / "list_eval_partition.txt"
    path.write_text(path.read_text().replace("2", "0"))
    with pytest.raises(ValueError, match="must have the MD5 checksum"):
        otg.data.celeba(root)


def test_the_archive_is_checked_where_that_is_asked(tmp_path, monkeypatch) -> None:
    folder = put(tmp_path, "zip", monkeypatch)
    with pytest.raises(ValueError, match=r"img_align_celeba.zip must have the MD5 checksum 00d2"):
        otg.data.celeba(tmp_path, verify=True)
    (folder / "img_align_celeba.zip").write_bytes(b"<html>quota exceeded</html>")
    with pytest.raises(ValueError, match="must be the zip file"):
        otg.data.celeba(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "training"}, "split must be one of 'train', 'valid', 'test', 'all'"),
        ({"size": 0}, "size must be a whole number >= 1"),
        ({"crop": 0}, "crop must be a whole number >= 1"),
    ],
)
def test_bad_arguments(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        otg.data.celeba(tmp_path, **options)


# --- images that lie elsewhere, or nowhere ------------------------------------------------------


def rezip(folder: Path, inner: str) -> None:
    """The images of a folder in an archive, under another path; the folder goes."""
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        for name in NAMES:
            archive.writestr(f"{inner}{name}", (folder / "img_align_celeba" / name).read_bytes())
            archive.writestr(f"__MACOSX/{inner}._{name}", b"not an image")
    shutil.rmtree(folder / "img_align_celeba")


def nest(folder: Path) -> None:
    (folder / "img_align_celeba").rename(folder / "inner")
    (folder / "img_align_celeba").mkdir()
    (folder / "inner").rename(folder / "img_align_celeba" / "img_align_celeba")


@pytest.mark.parametrize("given", ["", "celeba", "celeba/img_align_celeba"])
@pytest.mark.parametrize("lists", ["celeba", "celeba/img_align_celeba"])
def test_a_folder_in_a_folder_of_its_name(tmp_path, monkeypatch, given, lists) -> None:
    folder = put(tmp_path, "folder", monkeypatch)
    images = otg.data.celeba(tmp_path)[1]
    nest(folder)
    for file in folder.glob("*.txt"):
        file.rename(tmp_path / lists / file.name)
    faces = otg.data.celeba(tmp_path / given)
    assert faces.names == NAMES[:3]
    assert faces.attribute_names == tuple(TITLES)
    assert torch.equal(faces[1], images)


@pytest.mark.parametrize("inner", ["", "img_align_celeba/img_align_celeba/", "faces/"])
def test_another_archive_of_the_images(tmp_path, monkeypatch, inner) -> None:
    folder = put(tmp_path, "folder", monkeypatch)
    image = otg.data.celeba(tmp_path)[1]
    rezip(folder, inner)
    for split, count in (("train", 3), ("all", 6)):
        faces = otg.data.celeba(tmp_path, split)
        assert len(faces) == count
        assert torch.equal(faces[1], image)


@pytest.mark.parametrize("left", [[], NAMES[:2], ["._000001.jpg"]])
@pytest.mark.parametrize("split", ["train", "all"])
def test_a_folder_that_is_not_whole_beside_a_good_archive(
    tmp_path, monkeypatch, left, split
) -> None:
    folder = put(tmp_path, "zip", monkeypatch)
    (folder / "img_align_celeba").mkdir()
    for name in left:
        (folder / "img_align_celeba" / name).write_bytes(b"half")
    for lists in (True, False):
        if not lists:
            (folder / "list_eval_partition.txt").unlink()
            split = "all"
        faces = otg.data.celeba(tmp_path, split)
        assert faces.place == folder / "img_align_celeba.zip"
        assert len(faces) == (3 if split == "train" else 6)


def test_a_damaged_archive_beside_a_good_folder(tmp_path, monkeypatch) -> None:
    folder = put(tmp_path, "folder", monkeypatch)
    (folder / "img_align_celeba.zip").write_bytes(b"<html>")
    assert len(otg.data.celeba(tmp_path, "all")) == 6


def test_missing_images_are_noticed_when_the_folder_is_opened(tmp_path, monkeypatch) -> None:
    folder = put(tmp_path, "folder", monkeypatch)
    (folder / "img_align_celeba" / NAMES[1]).unlink()
    for split, count in (("train", 3), ("all", 6)):
        with pytest.raises(ValueError, match=f"all {count} images, 1 are missing, 000002.jpg"):
            otg.data.celeba(tmp_path, split)
    assert len(otg.data.celeba(tmp_path, "test")) == 2  # these are all there
    (folder / "list_eval_partition.txt").unlink()
    with pytest.warns(UserWarning, match="from 1 to 6, 1 of them are missing"):
        assert len(otg.data.celeba(tmp_path, "all")) == 5


def test_images_that_an_archive_lacks_are_noticed(tmp_path, monkeypatch) -> None:
    folder = put(tmp_path, "folder", monkeypatch)
    (folder / "img_align_celeba" / NAMES[4]).unlink()
    monkeypatch.setattr(sys.modules[__name__], "NAMES", [n for n in NAMES if n != NAMES[4]])
    rezip(folder, "img_align_celeba/")
    with pytest.raises(ValueError, match=r"1 are missing, 000005.jpg the first"):
        otg.data.celeba(tmp_path, "test")


@pytest.mark.parametrize("split", ["train", "all"])
def test_nothing_but_empty_folders(tmp_path, monkeypatch, split) -> None:
    folder = put(tmp_path, "folder", monkeypatch)
    shutil.rmtree(folder / "img_align_celeba")
    (folder / "img_align_celeba" / "img_align_celeba").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="must hold the images, got none"):
        otg.data.celeba(tmp_path, split)


def test_images_that_no_list_names(tmp_path, monkeypatch) -> None:
    folder = put(tmp_path, "folder", monkeypatch)
    (folder / "list_eval_partition.txt").unlink()
    (folder / "img_align_celeba" / "me.jpg").write_bytes(face(0))
    with pytest.raises(ValueError, match=r"list_attr_celeba.txt names, got me.jpg"):
        otg.data.celeba(tmp_path, "all")
