"""Transport: a cost and two measures become a plan, potentials and a value."""

from otgen_lite.transport.closed_forms import bures_wasserstein, gaussian_map, wasserstein_1d
from otgen_lite.transport.entropic import (
    ConvergenceWarning,
    SinkhornPointsResult,
    SinkhornResult,
    sinkhorn_divergence,
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
    "gaussian_map",
    "power_cells",
    "sinkhorn_divergence",
    "solve_exact",
    "solve_sinkhorn",
    "solve_sinkhorn_points",
    "wasserstein_1d",
]
