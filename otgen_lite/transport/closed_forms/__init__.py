"""Transport problems with a closed-form solution: ground truths for solvers and for models."""

from otgen_lite.transport.closed_forms.entropic import (
    entropic_collapse_eps,
    entropic_dipole,
    entropic_fit_scale,
    entropic_gaussian,
    entropic_gaussian_plan,
    sinkhorn_divergence_gaussian,
)
from otgen_lite.transport.closed_forms.gaussians import bures_wasserstein, gaussian_map
from otgen_lite.transport.closed_forms.line import wasserstein_1d
from otgen_lite.transport.closed_forms.semidiscrete import (
    gaussian_to_circle,
    quantise_gaussian,
    segment_to_atoms,
    uniform_to_atoms,
)

__all__ = [
    "bures_wasserstein",
    "entropic_collapse_eps",
    "entropic_dipole",
    "entropic_fit_scale",
    "entropic_gaussian",
    "entropic_gaussian_plan",
    "gaussian_map",
    "gaussian_to_circle",
    "quantise_gaussian",
    "segment_to_atoms",
    "sinkhorn_divergence_gaussian",
    "uniform_to_atoms",
    "wasserstein_1d",
]
