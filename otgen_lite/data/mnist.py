"""MNIST and Fashion-MNIST."""

from __future__ import annotations

import os

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.data import _idx
from otgen_lite.data._fetch import data_dir
from otgen_lite.data._idx_files import Source, find

_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)

# The page of the authors no longer serves the files; these are the copies that PyTorch and
# TensorFlow fetch. The checksums are those that torchvision has.
MNIST = Source(
    "mnist",
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    dict(
        zip(
            _FILES,
            (
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "d53e105ee54ea40749a09fcbcd1e9432",
                "9fb629c4189551a2d022fa330f9573f3",
                "ec29112dd5afa0611ce80d1b7f02629c",
            ),
            strict=True,
        )
    ),
    {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    ("MNIST/raw", "MNIST", "raw"),
)

# Addresses and checksums of the authors' README.
FASHION_MNIST = Source(
    "fashion_mnist",
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    dict(
        zip(
            _FILES,
            (
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
            strict=True,
        )
    ),
    {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
    ("FashionMNIST/raw", "FashionMNIST", "fashion-mnist", "fashion", "raw"),
)

SPLITS = {"train": "train", "test": "t10k"}


def mnist(
    root: str | os.PathLike[str] | None = None,
    split: str = "train",
    *,
    download: bool = True,
    progress: bool = True,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """MNIST: handwritten digits of 28 x 28 pixels, 60,000 to train and 10,000 to test.

    The files (11 MiB) are downloaded once to ``root / "mnist"`` and checked against their published
    MD5 checksums; an interrupted download is resumed. Files that are already there are used, and so
    are files in torchvision's ``root / "MNIST" / "raw"`` and in ``root`` itself: compressed or not,
    named with a dot (``train-images.idx3-ubyte``), or in a folder of their own name, which is how
    Kaggle ships them. What identifies a file is the checksum of its content, not its name.

    Licence: the authors, Y. LeCun, C. Cortes and C. Burges, hold the copyright; the set is usually
    passed on under CC BY-SA 3.0. No part of the data set is in this package.

    Args:
        root: directory of the data sets; as in :func:`data_dir` where None.
        split: ``"train"`` or ``"test"``.
        download: whether to fetch what is missing.
        progress: whether to show a bar while fetching.
        dtype: floating type of the images; torch's default where None.

    Returns:
        images (n, 1, 28, 28) with ink from 0 (paper) to 1, and labels (n,) from 0 to 9.

    Raises:
        ValueError: if a file is not the published one or not of its format.
        DownloadError: if a file could not be fetched; the message says where to put it.
        FileNotFoundError: if a file is missing and ``download=False``.

    Source: :cite:t:`lecun_1998`. Chapter: 12.
    """
    return _load(MNIST, root, split, download, progress, dtype)


def fashion_mnist(
    root: str | os.PathLike[str] | None = None,
    split: str = "train",
    *,
    download: bool = True,
    progress: bool = True,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """Fashion-MNIST: photographs of clothes in MNIST's format, 60,000 to train and 10,000 to test.

    The files (30 MiB) are downloaded once to ``root / "fashion_mnist"``; everything else is as in
    :func:`mnist`. The classes are T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker,
    bag, ankle boot.

    Licence: MIT, Zalando SE. No part of the data set is in this package.

    Args:
        root: directory of the data sets; as in :func:`data_dir` where None.
        split: ``"train"`` or ``"test"``.
        download: whether to fetch what is missing.
        progress: whether to show a bar while fetching.
        dtype: floating type of the images; torch's default where None.

    Returns:
        images (n, 1, 28, 28) from 0 (background) to 1, and labels (n,) from 0 to 9.

    Raises:
        ValueError: if a file is not the published one or not of its format.
        DownloadError: if a file could not be fetched; the message says where to put it.
        FileNotFoundError: if a file is missing and ``download=False``.

    Source: :cite:t:`xiao_2017`. Chapter: 12.
    """
    return _load(FASHION_MNIST, root, split, download, progress, dtype)


def _load(
    source: Source,
    root: str | os.PathLike[str] | None,
    split: str,
    download: bool,
    progress: bool,
    dtype: torch.dtype | None,
) -> tuple[Tensor, Tensor]:
    _checks.choice("split", split, SPLITS)
    dtype = _checks.floating(dtype)
    found = [
        find(source, data_dir(root), file, download, progress)
        for file in _FILES
        if file.startswith(SPLITS[split])
    ]
    images, labels = (_idx.parsed(file.content, file.path) for file in found)
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError(f"{found[0].path} must hold images of 28 x 28, got shape {images.shape}")
    if labels.shape != images.shape[:1] or labels.size == 0 or labels.max() > 9:
        raise ValueError(
            f"{found[1].path} must hold {len(images)} labels from 0 to 9, got shape {labels.shape}"
        )
    for file in found:  # last: what the format says is more to the point
        if file.fault:
            raise ValueError(file.fault)
    pixels = torch.from_numpy(images.copy())[:, None]
    home = torch.get_default_device()
    return pixels.to(home).to(dtype).div_(255.0), torch.from_numpy(labels.astype("int64")).to(home)
