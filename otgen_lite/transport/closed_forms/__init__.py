"""Transport that can be written down."""

from otgen_lite.transport.closed_forms.gaussians import bures_wasserstein, gaussian_map
from otgen_lite.transport.closed_forms.line import wasserstein_1d

__all__ = ["bures_wasserstein", "gaussian_map", "wasserstein_1d"]
