"""The pictures of the book.

Data (the target) is blue, the model (the source) is red, what lies between them is violet. Every
function returns a :class:`matplotlib.figure.Figure` that pyplot does not know: no global state
changes, so that frames can be drawn in threads, and no figure has to be closed.
"""

from otgen_lite.plots.autoencoders import encoders, noisy_costs, twin_losses
from otgen_lite.plots.blur import pitchfork, spectra
from otgen_lite.plots.codes import clock, codes_and_samples
from otgen_lite.plots.comparisons import curve_and_bound, densities_and_distances
from otgen_lite.plots.critics import critic_fields, critic_line, hill
from otgen_lite.plots.decoders import exchanged, lanes, noisy_line
from otgen_lite.plots.descent import cloud_descent, quantile_line
from otgen_lite.plots.distances import (
    cdf_gap,
    detour,
    gaussian_pair,
    images_over_curves,
    potential_and_plan,
    rates,
    witnesses,
)
from otgen_lite.plots.entropy import photographs, recoloured, rounds, scaled_plans, soft_plan
from otgen_lite.plots.estimation import (
    descents,
    landings,
    pipe_and_landscape,
    squeezed,
    with_spread,
)
from otgen_lite.plots.fits import fitted_clouds, fitted_scales
from otgen_lite.plots.general import (
    clouds,
    density_curves,
    image_strip,
    loss_curve,
    plan_lines,
)
from otgen_lite.plots.gradients import between_poles, shared_cloud, slope_fans, stages
from otgen_lite.plots.kantorovich import (
    arcs,
    auction_stages,
    ink_between,
    ink_cards,
    matrices,
    mixed,
    price_map,
)
from otgen_lite.plots.latent import critic_maps, torn_plane, two_clouds
from otgen_lite.plots.layouts import arrange, keep, narrow, photograph
from otgen_lite.plots.lines import compare_methods, curves, touching
from otgen_lite.plots.maps import mapped_clouds, sent_to_atoms
from otgen_lite.plots.penalised import (
    autoencoder,
    latent_weights,
    penalty_paths,
    sheet,
    sheets,
)
from otgen_lite.plots.places import places, short
from otgen_lite.plots.practice import compass, latent_and_samples, lineup
from otgen_lite.plots.semidiscrete import cells, convex_potential, dots, lower_envelope, soft_cells
from otgen_lite.plots.showdown import agreement, knobs, ladder
from otgen_lite.plots.style import (
    BLUE,
    FAINT,
    GREY,
    METHODS,
    NARROW,
    NEUTRAL,
    RED,
    VIOLET,
    WIDTH,
    figure,
    use_book_style,
)
from otgen_lite.plots.two_sides import beside_data, between_bounds

__all__ = [
    "BLUE",
    "FAINT",
    "GREY",
    "METHODS",
    "NARROW",
    "NEUTRAL",
    "RED",
    "VIOLET",
    "WIDTH",
    "agreement",
    "arcs",
    "arrange",
    "auction_stages",
    "autoencoder",
    "beside_data",
    "between_bounds",
    "between_poles",
    "cdf_gap",
    "cells",
    "clock",
    "cloud_descent",
    "clouds",
    "codes_and_samples",
    "compare_methods",
    "compass",
    "convex_potential",
    "critic_fields",
    "critic_line",
    "critic_maps",
    "curve_and_bound",
    "curves",
    "densities_and_distances",
    "density_curves",
    "descents",
    "detour",
    "dots",
    "encoders",
    "exchanged",
    "figure",
    "fitted_clouds",
    "fitted_scales",
    "gaussian_pair",
    "hill",
    "image_strip",
    "images_over_curves",
    "ink_between",
    "ink_cards",
    "keep",
    "knobs",
    "ladder",
    "landings",
    "lanes",
    "latent_and_samples",
    "latent_weights",
    "lineup",
    "loss_curve",
    "lower_envelope",
    "mapped_clouds",
    "matrices",
    "mixed",
    "narrow",
    "noisy_costs",
    "noisy_line",
    "penalty_paths",
    "photograph",
    "photographs",
    "pipe_and_landscape",
    "pitchfork",
    "places",
    "plan_lines",
    "potential_and_plan",
    "price_map",
    "quantile_line",
    "rates",
    "recoloured",
    "rounds",
    "scaled_plans",
    "sent_to_atoms",
    "shared_cloud",
    "sheet",
    "sheets",
    "short",
    "slope_fans",
    "soft_cells",
    "soft_plan",
    "spectra",
    "squeezed",
    "stages",
    "torn_plane",
    "touching",
    "twin_losses",
    "two_clouds",
    "use_book_style",
    "with_spread",
    "witnesses",
]
