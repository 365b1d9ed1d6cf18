"""Optimal transport: from a cost and two measures to a plan, potentials and a value."""

from otgen_lite.transport.closed_forms import (
    bures_wasserstein,
    entropic_collapse_eps,
    entropic_dipole,
    entropic_fit_scale,
    entropic_gaussian,
    entropic_gaussian_plan,
    gaussian_map,
    gaussian_to_circle,
    quantise_gaussian,
    segment_to_atoms,
    sinkhorn_divergence_gaussian,
    uniform_to_atoms,
    wasserstein_1d,
)
from otgen_lite.transport.divergence import sinkhorn_divergence
from otgen_lite.transport.entropic import (
    ConvergenceWarning,
    SinkhornPointsResult,
    SinkhornResult,
    solve_sinkhorn,
    solve_sinkhorn_points,
)
from otgen_lite.transport.exact import ExactResult, solve_exact
from otgen_lite.transport.power_diagram import power_cells
from otgen_lite.transport.semidiscrete import SemiDiscrete
from otgen_lite.transport.transforms import c_transform

__all__ = [
    "ConvergenceWarning",
    "ExactResult",
    "SemiDiscrete",
    "SinkhornPointsResult",
    "SinkhornResult",
    "bures_wasserstein",
    "c_transform",
    "entropic_collapse_eps",
    "entropic_dipole",
    "entropic_fit_scale",
    "entropic_gaussian",
    "entropic_gaussian_plan",
    "gaussian_map",
    "gaussian_to_circle",
    "power_cells",
    "quantise_gaussian",
    "segment_to_atoms",
    "sinkhorn_divergence",
    "sinkhorn_divergence_gaussian",
    "solve_exact",
    "solve_sinkhorn",
    "solve_sinkhorn_points",
    "uniform_to_atoms",
    "wasserstein_1d",
]
