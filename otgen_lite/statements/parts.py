"""What the certificates leave out: the parts of each statement that only its proof covers.

A certificate compares numbers on finitely many instances, so no certificate shows that something
holds for *all* of them; that much is not repeated here. Named here is what no number checks even on
an instance: limits, uniqueness, general laws behind finite ones, directions of an equivalence, and
the constants of bounds that leave more than a factor of two of room. An empty text says that every
part is computed.
"""

from __future__ import annotations

#: label -> the parts that are only proved.
ONLY_PROVED: dict[str, str] = {
    # Chapter 1
    "prop-existence": "that the minimum is attained; the constants of the bounds",
    "thm-sparse": "that the entries are determined by their places",
    "thm-permutation": "",
    "prop-gap": "",
    "thm-duality": "that (2) implies (1) and (3): only cheapest plans are tried",
    "cor-slackness": "",
    "prop-ctransform": "",
    "thm-semidual": "that the semi-dual is piecewise linear",
    "thm-envelope": "the one-sided slopes at a kink",
    "thm-sort": "convex costs other than powers of the distance",
    "prop-stay": "",
    "prop-geodesic": "",
    "prop-nearest": "",
    # Chapter 2
    "lem-gluing": "",
    "thm-metric": "the constant of the lower bound for more than two places",
    "prop-moving": "",
    "thm-line": "measures with infinitely many atoms or none",
    "cor-cdf": "measures with infinitely many atoms or none",
    "thm-bures": "laws that are no finite clouds, Gaussians among them",
    "cor-gelbrich": "singular covariances",
    "prop-commuting": "that roots compared are equal to the cost only if the covariances commute",
    "thm-kr": "measures with infinitely many atoms or none",
    "prop-collapse": "",
    "prop-lines": "laws of Z that are no finite lists",
    "thm-weak": "(3), the equivalence with weak convergence; the constants of (1) and (2)",
    "prop-floor": "laws with infinitely many atoms or none",
    "prop-qq": "",
    # Chapter 3
    "prop-entropic-gap": "that the gap is zero only for P = K",
    "thm-entropic": "that plan and prices are unique, and all entries of the plan positive",
    "prop-soft-transform": "(2) for all other prices: one is tried; the constant of (3)",
    "thm-sinkhorn": "the constant kappa: the bound has much room",
    "prop-sinkhorn-rate": "",
    "prop-entropic-limits": "the constant for total variation; the others where no bound is sharp",
    "thm-entropic-smooth": "that the slopes are continuous",
    "prop-needle": "",
    "prop-barycentric": "",
    "thm-entropic-gauss": "in dimension two and more, that the best plan is Gaussian",
    "prop-shrink": "that the zero of the slope is the minimum",
    "prop-threshold": "",
    "prop-best-point": "above the threshold, that no model at all is cheaper: four are tried",
    "thm-debiased": "that it is zero only between equals; the constant of the first bound",
    "cor-unbiased": "that the zero of the slope is the only minimum",
    "prop-debiased-limits": "the constants of both bounds",
    # Chapter 4
    "thm-sd-gradient": "that the gradient is continuous",
    "thm-sd-duality": "sources other than a square and finite lists; that the maximum is attained",
    "cor-sd-cells": "sources with a density; that vouchers are best only if the cells hold b",
    "prop-sd-power": "how far a border moves when a voucher rises",
    "prop-sd-line": "laws other than the uniform one; that there are no other best vouchers",
    "prop-sd-circle": "",
    "thm-sd-ascent": "sources with a density; the constants of the bounds",
    "prop-sd-sandwich": "sources with a density",
    "thm-sd-entropic": "sources with a density; that the best vouchers are unique",
    "prop-sd-bias": "sources with a density; the constants where the bounds are not sharp",
    "prop-sd-barycentric": "sources with a density",
    "thm-sd-envelope": "eps = 0; generators other than a shift and a stretch of a finite list",
    "prop-sd-pair": "",
    # Chapter 9
    "thm-side-sandwich": "laws that are no finite clouds; the constants: bounds of random classes",
    "thm-side-partner": "",
    "thm-side-minimisers": "the constants of the bounds; that the last one is sharp",
    "prop-side-blind": "laws that are no finite clouds, and singular covariances",
    "prop-side-timid": "laws that are no finite clouds",
    "prop-side-penalised": "(1); both limits of the weight; that the crossing is one",
    "prop-side-atoms": "that no map exists; other laws than the uniform and the Gaussian one",
    "thm-side-stable": "potentials that are not quadratic; the constants: bounds with room",
    "thm-side-limit": "the limit; encoders; the constants of the bounds",
    "prop-side-memory": "that the memory costs nothing on its own data",
    # Chapter 10
    "thm-pot-encoders": "",
    "prop-pot-path": "(3), the limit; the constants of the bounds",
    "thm-pot-dual": "",
    "thm-pot-tv": "the equivalence at weights below the threshold",
    "prop-pot-rate": "the constants of the bounds",
    "prop-pot-gauss": "that no encoder is better which is not linear, except by the price list",
    "prop-pot-game": "",
    "thm-pot-aae": "",
    "prop-pot-noise": "",
}
