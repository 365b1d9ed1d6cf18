"""Records of patients, and two measures of synthetic records: usefulness, and leakage."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from otgen_lite import _checks
from otgen_lite._draws import as_generator
from otgen_lite.costs import cost_matrix


def patients(seed: int = 0, known: int = 380) -> tuple[Tensor, Tensor]:
    """Records of breast tumours: thirty standardised features of cell nuclei, and the diagnosis.

    The last column is 2 for a benign tumour and -2 for a malignant one. Means and standard
    deviations are those of the known patients. The table comes with scikit-learn; its licence is CC
    BY 4.0.

    Args:
        seed: seed of the shuffle of the 569 patients.
        known: number of patients who are in the table.

    Returns:
        (known, 31) records in the table and (569 - known, 31) records of the others, in float32.

    Raises:
        ValueError: if ``known`` is not a whole number from 2 to 568.

    Source: :cite:t:`street_1993`. Chapter: 13.

    Example:
        >>> [part.shape for part in patients()]
        [torch.Size([380, 31]), torch.Size([189, 31])]
    """
    from sklearn.datasets import load_breast_cancer

    raw, benign = load_breast_cancer(return_X_y=True)
    if _checks.count("known", known, at_least=2) >= len(raw):
        raise ValueError(
            f"known must be smaller than {len(raw)}, the number of patients, got {known}"
        )
    order = torch.randperm(len(raw), generator=as_generator(seed, name="seed"), device="cpu")
    raw, benign = raw[order.numpy()], benign[order.numpy()]
    scaled = (raw - raw[:known].mean(0)) / raw[:known].std(0)
    every = np.concatenate([scaled, 4.0 * benign[:, None] - 2], axis=1)
    table = torch.as_tensor(every.astype(np.float32), device=torch.get_default_device())
    return table[:known], table[known:]


def usefulness(records: Tensor, unknown: Tensor) -> float:
    """Accuracy, on unknown patients, of a logistic regression that was trained on the records.

    Args:
        records: (n, 31) as of :func:`patients`; the sign of the last column is the diagnosis.
        unknown: (m, 31) other patients.

    Raises:
        ValueError: if all records have the same diagnosis.

    Chapter: 13.

    Example:
        >>> known, unknown = patients()
        >>> usefulness(known, unknown) > 0.95
        True
    """
    from sklearn.linear_model import LogisticRegression

    def split(x: Tensor) -> tuple[Any, Any]:
        return x[:, :-1].cpu().numpy(), (x[:, -1] > 0).cpu().numpy()

    if (records[:, -1] > 0).unique().numel() < 2:
        raise ValueError("records must hold both diagnoses, got one only")
    return float(LogisticRegression(max_iter=500).fit(*split(records)).score(*split(unknown)))


def leak(records: Tensor, known: Tensor, unknown: Tensor) -> float:
    """AUC of a membership attack on published records; 0.5 is no better than guessing.

    The attack says that a patient was in the table if some published record is near them. The AUC
    is the probability that a known patient is nearer to the records than an unknown one is; ties
    count one half.

    Args:
        records: (n, d) published records.
        known: (m, d) patients in the table.
        unknown: (l, d) others.

    Raises:
        ValueError: if shapes do not match.

    Chapter: 13.

    Example:
        >>> known, unknown = patients()
        >>> leak(known, known, unknown)
        1.0
    """
    a, b = (cost_matrix(part, records).amin(1) for part in (known, unknown))
    nearer = (a[:, None] < b).double() + 0.5 * (a[:, None] == b).double()
    return float(nearer.mean())
