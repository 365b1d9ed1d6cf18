"""Data: toy distributions in the plane, real handwritten digits, and two photographs.

MNIST and Fashion-MNIST are downloaded once and kept in :func:`data_dir`; CelebA is read from where
you have put it. No data set is part of this package, and each function names the licence of its
data.

Every function that draws takes an explicit ``generator`` or seed; the same seed gives the same
points. ``generator=None`` draws from torch's own generator, which this package never seeds.
"""

from otgen_lite._draws import Randomness as Randomness
from otgen_lite.data._fetch import DownloadError, data_dir
from otgen_lite.data.celeba import CelebA, celeba
from otgen_lite.data.digits import digits, image_to_measure
from otgen_lite.data.mnist import fashion_mnist, mnist
from otgen_lite.data.pictures import palette, picture
from otgen_lite.data.toy import Toy, toy
from otgen_lite.data.toy_samplers import (
    checkerboard,
    eight_gaussians,
    pinwheel,
    rings,
    swiss_roll,
    two_moons,
)

__all__ = [
    "CelebA",
    "DownloadError",
    "Toy",
    "celeba",
    "checkerboard",
    "data_dir",
    "digits",
    "eight_gaussians",
    "fashion_mnist",
    "image_to_measure",
    "mnist",
    "palette",
    "picture",
    "pinwheel",
    "rings",
    "swiss_roll",
    "toy",
    "two_moons",
]
