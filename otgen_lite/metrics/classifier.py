"""A small classifier of real images, which judges generated ones."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite.metrics import _image_scale


@dataclass(frozen=True)
class Judgement:
    """What a classifier says about a set of images.

    Attributes:
        confidence: mean over the images of the largest class probability.
        classes: number of classes whose share of the images is at least a quarter of their share of
            the data.
        distance: total variation distance between the class shares of the images and those of the
            data, from 0 to 1.
        shares: share of the images in each class, in the order of the labels.

    Chapter: 13, 14.
    """

    confidence: float
    classes: int
    distance: float
    shares: tuple[float, ...]


class Classifier:
    """A small neural network of scikit-learn, trained on real images with a fixed seed.

    It is trained on three quarters of the images; the others are held out, so that :attr:`accuracy`
    and :attr:`confidence` say how real images score that it has not seen. It has one hidden layer
    of 64 units and weight decay 0.01. The classifier must choose one of the classes: it is
    confident about noise too (0.8 on uniform noise), and a model that repeats one perfect digit of
    each class scores best.

    Args:
        images: (n, ...) real images; bytes (uint8) are read as ink from 0 to 1.
        labels: (n,) whole numbers.
        seed: decides which images are held out, and the training.

    Attributes:
        labels: (K,) the classes, in increasing order.
        accuracy: share of the held-out images with the right class.
        confidence: mean largest class probability on the held-out images.

    Raises:
        ValueError: if there are fewer than two classes, or not as many labels as images.
        TypeError: if an argument has the wrong type.

    Source: :cite:t:`pedregosa_2011`. Chapter: 13, 14.

    Example:
        >>> from otgen_lite import data, metrics
        >>> judge = metrics.digits_classifier()     # Classifier(*data.digits()), kept
        >>> judge.accuracy > 0.97
        True
        >>> images, _ = data.digits()
        >>> judge(images).classes
        10
    """

    def __init__(self, images: Any, labels: Any, *, seed: int = 0) -> None:
        x = _flat("images", images)
        y = labels.cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
        if y.shape != (len(x),) or y.dtype.kind not in "iu":
            raise ValueError(
                f"labels must be {len(x)} whole numbers, one for each image, got shape {y.shape} "
                f"of {y.dtype}"
            )
        self.labels, count = np.unique(y, return_counts=True)
        if len(self.labels) < 2:
            raise ValueError(f"labels must hold at least two classes, got {len(self.labels)}")
        self._shares = count / len(y)
        seed = _checks.seed("seed", seed)
        self._known = torch.from_numpy(np.array([x.min(), x.max()]))
        order = np.random.default_rng(seed).permutation(len(x))
        held = max(1, len(x) // 4)
        self._model = _trained(x[order[held:]], y[order[held:]], seed)
        self.accuracy = float(self._model.score(x[order[:held]], y[order[:held]]))
        self.confidence = self(x[order[:held]]).confidence

    def probabilities(self, images: Any) -> Tensor:
        """The (n, K) class probabilities in float64, in the order of :attr:`labels`."""
        x = _flat("images", images)
        if x.shape[1] != self._model.n_features_in_:
            raise ValueError(
                f"images must have {self._model.n_features_in_} numbers each, as those that the "
                f"classifier knows, got {x.shape[1]}"
            )
        _image_scale.alike(
            "images", torch.from_numpy(x), "the images it knows", self._known, few=True
        )
        seen = np.searchsorted(self.labels, self._model.classes_)
        out = np.zeros((len(x), len(self.labels)))
        out[:, seen] = self._model.predict_proba(x)
        device = images.device if isinstance(images, Tensor) else torch.get_default_device()
        return _checks.moved(torch.from_numpy(out), device)

    def __call__(self, images: Any) -> Judgement:
        """Judge images: (n, ...) of as many numbers each as the real ones."""
        top, chosen = self.probabilities(images).max(dim=1)
        shares = torch.bincount(chosen, minlength=len(self.labels)).cpu().numpy() / len(chosen)
        return Judgement(
            confidence=float(top.mean()),
            classes=int((shares >= 0.25 * self._shares).sum()),
            distance=float(np.abs(shares - self._shares).sum() / 2.0),
            shares=tuple(shares.tolist()),
        )


@lru_cache(maxsize=4)
def digits_classifier(seed: int = 0) -> Classifier:
    """The classifier of the handwritten digits of :func:`otgen_lite.data.digits`; kept.

    Training takes about a second of one core.

    Args:
        seed: as in :class:`Classifier`.

    Returns:
        :class:`Classifier`, the same object for the same seed.
    """
    from otgen_lite.data import digits

    return Classifier(*digits(dtype=torch.float64), seed=seed)


def _trained(x: np.ndarray, y: np.ndarray, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        (64,), alpha=1e-2, batch_size=min(64, len(x)), learning_rate_init=3e-3,
        max_iter=200, random_state=_small(seed),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x, y)


def _small(seed: int) -> int:
    """A seed that scikit-learn takes, below 2^32: those that are remain."""
    return seed if seed < 1 << 32 else int(np.random.SeedSequence(seed).generate_state(1)[0])


def _flat(name: str, images: Any) -> np.ndarray:
    """Images as the rows of an (n, d) float64 array."""
    x = _image_scale.images(name, images)
    if x.ndim < 2 or x.numel() == 0:
        raise ValueError(
            f"{name} must have shape (n, ...) with at least one image, got {_checks.shape_text(x)}"
        )
    return x.detach().flatten(1).to("cpu", torch.float64).numpy()
