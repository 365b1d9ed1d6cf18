"""Fréchet distances of features, and the Inception network that usually computes them."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.metrics import _image_scale
from otgen_lite.metrics._evaluation_mode import evaluation_mode, networks
from otgen_lite.transport.closed_forms import bures_wasserstein

#: Maps images to features (n, d).
Features = Callable[[Tensor], Tensor]

#: The weights that both packages publish, under two names: one file, this SHA-256.
WEIGHTS_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
WEIGHTS = {
    "torch_fidelity": (
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
        "weights-inception-2015-12-05-6726825d.pth"
    ),
    "pytorch_fid": (
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth"
    ),
}


def frechet(x: Any, y: Any) -> float:
    r"""The squared Fréchet distance: W_2^2 between the Gaussians fitted to two samples.

    .. math::
        \|m_x - m_y\|^2 + \operatorname{tr} S_x + \operatorname{tr} S_y
            - 2 \operatorname{tr} (S_x^{1/2} S_y S_x^{1/2})^{1/2}

    with the means and the covariances (divided by n - 1 and m - 1) of the samples, computed in
    float64 by :func:`~otgen_lite.bures_wasserstein`. It is a **cost**, not its root, as the FID is.

    Args:
        x: (n, d) points, n >= 2.
        y: (m, d) points, m >= 2.

    Returns:
        The cost, in the squared unit of the points.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or a sample has one point.
        TypeError: if an argument is not an array of real numbers.

    Source: :cite:t:`heusel_2017`, :cite:t:`gelbrich_1990`. Chapter: 2, 10.

    Example:
        >>> frechet([[0.0], [2.0]], [[3.0], [9.0]])     # means 1 and 6, variances 2 and 18
        33.0
    """
    _image_scale.one_scale("x", x, "y", y)
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        y = y.to(x.device)
    x, y = _checks.pair(x, y)
    for name, points in (("x", x), ("y", y)):
        if len(points) < 2:
            raise ValueError(f"{name} must hold at least two points, got {len(points)}")
    fits = []
    for points in (x, y):
        p = points.detach().to(torch.float64)
        fits += [p.mean(dim=0), torch.cov(p.T).reshape(p.shape[1], p.shape[1])]
    return float(bures_wasserstein(*fits))


def fid(
    samples: Any, reference: Any, features: Features | None = None, *, batch_size: int = 64
) -> float:
    r"""The Fréchet inception distance (FID) of two sets of images.

    Published numbers use the 2,048 features of the Inception network of 2015 and tens of thousands
    of images. With fewer images the distance is biased upwards by sampling noise alone. Numbers for
    other features or other sample sizes cannot be compared; :func:`floor` computes the number that
    real images score.

    Bytes (uint8) are divided by 255, in either set. A network is evaluated in evaluation mode and
    without gradients, and is left as it was.

    Args:
        samples: (n, ...) images, n >= 2; for Inception (n, 1, h, w) or (n, 3, h, w) in [0, 1].
        reference: (m, ...) real images, m >= 2, on the same scale as the samples.
        features: maps a batch of images to (batch, d) features; :func:`inception` where None. A
            network gets the images in its floating-point type and on its device.
        batch_size: number of images whose features are computed at a time.

    Returns:
        :func:`frechet` of the features, a cost: a squared distance in the space of the features.

    Raises:
        ValueError: if images are not finite or fewer than two, if only one of the sets is bytes
            and the other is not in [0, 1], or if the features have another shape.
        TypeError: if ``features`` is not callable, or images are whole numbers other than bytes.
        FileNotFoundError: if the weights of the network are missing.
        ModuleNotFoundError: if neither package with the network is installed.

    Warns:
        UserWarning: if the two sets are plainly on different scales.

    Source: :cite:t:`heusel_2017`. Chapter: 12.

    Example:
        >>> x = torch.zeros(4, 1, 2, 2)
        >>> x[0] = 1.0
        >>> fid(x, x + 0.5, features=lambda images: images.flatten(1))
        1.0
    """
    if features is not None and not callable(features):
        raise TypeError(f"features must be callable or None, got {features!r}")
    batch_size = _checks.count("batch_size", batch_size)
    x, y = _images(samples, reference)
    seen = features if features is not None else inception()
    with evaluation_mode(seen):
        return frechet(*(_seen(seen, images, batch_size) for images in (x, y)))


def _images(samples: Any, reference: Any) -> tuple[Tensor, Tensor]:
    """Both sets as floating images on one scale, at least two in each."""
    x, y = _image_scale.both("samples", samples, "reference", reference)
    for name, images in (("samples", x), ("reference", y)):
        if images.ndim < 2 or len(images) < 2 or images.numel() == 0:
            raise ValueError(
                f"{name} must be at least two images, (n, ...), got {_checks.shape_text(images)}"
            )
    _image_scale.alike("samples", x, "reference", y, stacklevel=4)
    return x, y


def _like(features: Features) -> Tensor | None:
    """A parameter whose type and device the images should have; None where there is no saying."""
    found = [p for n in networks(features) for p in n.parameters() if p.is_floating_point()]
    return found[0] if len({(p.dtype, p.device) for p in found}) == 1 else None


def _seen(features: Features, images: Tensor, batch_size: int) -> Tensor:
    like = _like(features)
    out = []
    for batch in images.split(batch_size):
        value = features(batch if like is None else batch.to(like))
        if not isinstance(value, Tensor) or value.ndim != 2 or len(value) != len(batch):
            shape = tuple(getattr(value, "shape", ()))
            raise ValueError(
                f"features must return shape ({len(batch)}, d) for {len(batch)} images, got "
                f"{type(value).__name__} of shape {shape}"
            )
        out.append(value.detach().to("cpu", torch.float64))
    return torch.cat(out)


def inception(
    weights: str | Path | None = None,
    *,
    package: str | None = None,
    device: torch.device | str | None = None,
) -> Features:
    """The Inception network of published FIDs, from torch-fidelity or pytorch-fid.

    Neither package is a requirement of this one, and nothing is downloaded: the weights (91 MiB)
    are read from a local file, whose SHA-256 is checked. Both packages load the same weights, but
    each enlarges images in its own way; so state which of them a number comes from.

    Args:
        weights: path of the file; where None, the file of either package in the cache of
            ``torch.hub``.
        package: ``"torch_fidelity"`` or ``"pytorch_fid"``; the first one installed where None.
        device: where the network runs; the CPU where None.

    Returns:
        A function from images (n, 1 or 3, h, w) in [0, 1] to (n, 2048) features.

    Raises:
        ModuleNotFoundError: if no such package can be imported.
        FileNotFoundError: if the weights are missing; the message says where to put which file.
        ValueError: if the file is not the published one.

    Source: :cite:t:`heusel_2017`. Chapter: 12.
    """
    if package is not None:
        _checks.choice("package", package, WEIGHTS)
    name, module = _installed([package] if package else list(WEIGHTS))
    path = _weights_file(weights, name)
    place = torch.device(device or "cpu")
    network = _network(name, module, path).to(place).eval()

    def features(images: Tensor) -> Tensor:
        x = _image_scale.images("images", images).to(place, torch.float32)
        if x.ndim != 4 or x.shape[1] not in (1, 3):
            raise ValueError(
                f"images must have shape (n, 1, h, w) or (n, 3, h, w), got {_checks.shape_text(x)}"
            )
        if x.numel() and (float(x.min()) < 0.0 or float(x.max()) > 1.0):
            raise ValueError(
                f"images must be in [0, 1], got {float(x.min()):.4g} to {float(x.max()):.4g}"
            )
        x = x.expand(-1, 3, -1, -1)
        if name == "torch_fidelity":
            return network((x * 255.0).round().to(torch.uint8))[0]
        return network((x * 255.0).round() / 255.0)[0].flatten(1)

    return features


def _installed(packages: list[str]) -> tuple[str, Any]:
    where = {
        "torch_fidelity": "torch_fidelity.feature_extractor_inceptionv3",
        "pytorch_fid": "pytorch_fid.inception",
    }
    reasons = []
    for name in packages:
        try:
            return name, importlib.import_module(where[name])
        except (ImportError, RuntimeError, OSError) as error:  # the last two: a broken torchvision
            reasons.append(f"{name}: {error}")
    raise ModuleNotFoundError(
        "FID's Inception network comes with torch-fidelity or pytorch-fid (`pip install "
        "torch-fidelity`; both need torchvision), or pass features=, any function from images to "
        f"(n, d) features. Tried: {'; '.join(reasons)}"
    )


def _weights_file(weights: str | Path | None, package: str) -> Path:
    """The file with the published weights, checked."""
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    names = [url.rsplit("/", 1)[1] for url in WEIGHTS.values()]
    places = [Path(weights)] if weights is not None else [cache / name for name in names]
    for path in places:
        if path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != WEIGHTS_SHA256:
                raise ValueError(
                    f"weights must be the published file with SHA-256 {WEIGHTS_SHA256}, got "
                    f"{path} with {digest}; delete it and fetch {WEIGHTS[package]}"
                )
            return path
    raise FileNotFoundError(
        f"the weights of the Inception network are not at {' or '.join(map(str, places))}; "
        f"fetch {WEIGHTS[package]} (91 MiB) and put it there, or pass weights=, its path"
    )


def _network(name: str, module: Any, path: Path) -> Any:
    if name == "torch_fidelity":
        return module.FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path)
        )
    # The constructor would fetch the weights by itself; it is handed the file instead.
    state = torch.load(path, map_location="cpu", weights_only=True)
    fetch = module.load_state_dict_from_url
    module.load_state_dict_from_url = lambda *args, **kwargs: state
    try:
        return module.InceptionV3([module.InceptionV3.BLOCK_INDEX_BY_DIM[2048]])
    finally:
        module.load_state_dict_from_url = fetch
