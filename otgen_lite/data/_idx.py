"""IDX, the format of MNIST: a magic number, the sizes, the numbers."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

#: First bytes of a gzip file, and of an IDX file of unsigned bytes.
_GZIP, _BYTES = b"\x1f\x8b", b"\x00\x00\x08"


def read(path: Path) -> np.ndarray:
    """The array of unsigned bytes in an IDX file, gzipped or not.

    The file begins with two zero bytes, the type (8: unsigned byte) and the number of dimensions,
    then one big-endian 32-bit size for each dimension; the numbers follow row by row.

    Raises:
        ValueError: if it is no such file, or too short, or too long.
    """
    return parsed(unpacked(path.read_bytes(), path), path)


def parsed(raw: bytes, path: Path) -> np.ndarray:
    """The array in the unpacked bytes of an IDX file; the path is for messages."""
    if len(raw) < 4 or raw[:3] != _BYTES or not 1 <= raw[3] <= 8:
        raise ValueError(
            f"{path} must begin with 00 00 08 and the number of dimensions, as an IDX file of "
            f"unsigned bytes does, got {raw[:4].hex(' ') or 'nothing'}"
        )
    start = 4 + 4 * raw[3]
    if len(raw) < start:
        raise ValueError(f"{path} must hold {raw[3]} sizes, it ends after {len(raw)} bytes")
    shape = struct.unpack(f">{raw[3]}I", raw[4:start])
    if len(raw) - start != math.prod(shape):
        raise ValueError(
            f"{path} must hold {math.prod(shape)} numbers for the shape {shape}, got "
            f"{len(raw) - start}"
        )
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def unpacked(raw: bytes, path: Path) -> bytes:
    """The bytes without gzip's wrapping; what they begin with says whether there is one.

    Raises:
        ValueError: if they are damaged, or neither gzip nor IDX in a file called so.
    """
    if raw[:2] != _GZIP:
        if path.suffix == ".gz" and raw[:3] != _BYTES:
            raise ValueError(f"{path} must be a gzip file, got one that begins {raw[:4]!r}")
        return raw
    try:
        while raw[:2] == _GZIP:  # what was sent packed may be packed twice
            raw = gzip.decompress(raw)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is a damaged gzip file: {error}; delete it") from error
    return raw
