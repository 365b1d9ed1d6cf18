"""Recipes: for each data set and method, networks and settings that train in seconds.

``otg.recipes.get("eight_gaussians", "wgan_gp").train(seed=0)`` returns a trained method and its
history. The settings were chosen on seeds 1 to 9; ``benchmarks/quality.py`` measures them on
others.
"""

# The order of these lines is the order of the book's table.
from otgen_lite.recipes import ring_transport as _ring_transport  # noqa: F401  # isort: skip
from otgen_lite.recipes import ring_autoencoders as _ring_autoencoders  # noqa: F401  # isort: skip
from otgen_lite.recipes import ring_latent as _ring_latent  # noqa: F401  # isort: skip
from otgen_lite.recipes import digits_transport as _digits_transport  # noqa: F401  # isort: skip
from otgen_lite.recipes import digits as _digits  # noqa: F401  # isort: skip
from otgen_lite.recipes.base import Recipe, get, names, recipe

__all__ = ["Recipe", "get", "names", "recipe"]
