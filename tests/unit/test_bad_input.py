"""Bad input: the message names the argument, what it was and what it must be."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch

import otgen_lite as otg
from otgen_lite import plots

C = np.ones((2, 3))
X = np.zeros((4, 2))
EYE = np.eye(2)
M = np.zeros(2)
NAN = np.array([[0.0, math.nan, 1.0], [0.0, 1.0, 2.0]])
INF = np.array([[0.0, 1.0, -math.inf], [0.0, 1.0, 2.0]])

CASES: list[tuple[Callable[[], object], type[Exception], str]] = [
    # costs
    (lambda: otg.cost_matrix(X, X, "sqeuclid"), ValueError,
     "cost must be one of 'sqeuclidean', 'euclidean', 'cityblock', got 'sqeuclid'; "
     "did you mean 'sqeuclidean'?"),
    (lambda: otg.cost_matrix(X, X, "Euclidian"), ValueError,
     "got 'Euclidian'; did you mean 'euclidean'?"),
    (lambda: otg.paired_cost(X, X, "manhattan city block"), ValueError,
     "did you mean 'cityblock'?"),
    (lambda: otg.cost_matrix(X, X, 2), TypeError, "cost must be a name or a callable, got 2"),
    (lambda: otg.cost_matrix(X, np.zeros((4, 3))), ValueError,
     "x and y must be points of the same dimension, got shapes (4, 2) and (4, 3)"),
    (lambda: otg.cost_matrix(X[0], X), ValueError,
     "x must have shape (n, d), got (2,); for numbers on a line write x[:, None]"),
    (lambda: otg.cost_matrix(X, X[None]), ValueError, "y must have shape (n, d), got (1, 4, 2)"),
    (lambda: otg.cost_matrix(X, X[:0]), ValueError,
     "y must hold at least one point, got shape (0, 2)"),
    (lambda: otg.cost_matrix(X[:, :0], X[:, :0]), ValueError,
     "x must hold at least one point, got shape (4, 0)"),
    (lambda: otg.cost_matrix(NAN, NAN), ValueError,
     "x must hold finite numbers, got one that is nan"),
    (lambda: otg.cost_matrix(X, INF[:, 1:]), ValueError,
     "y must hold finite numbers, got one that is -inf"),
    (lambda: otg.cost_matrix("points", X), TypeError,
     "x must be a tensor or an array of real numbers, got str"),
    (lambda: otg.cost_matrix(None, X), TypeError,
     "x must be a tensor or an array of real numbers, got NoneType"),
    (lambda: otg.cost_matrix([[1.0], [1.0, 2.0]], X), TypeError,
     "x must be a tensor or an array of real numbers, got a list that is none (ragged"),
    (lambda: otg.cost_matrix(X + 1j, X), TypeError, "got ndarray of complex128"),
    (lambda: otg.cost_matrix(torch.zeros(4, 2, dtype=torch.complex64), X), TypeError,
     "x must hold real numbers, got a tensor of torch.complex64"),
    (lambda: otg.cost_matrix(torch.zeros(4, 2, dtype=torch.bool), X), TypeError,
     "x must hold real numbers, got a tensor of torch.bool"),
    (lambda: otg.cost_matrix(torch.zeros(4, 2, dtype=torch.float16), X), TypeError,
     "x must be float32 or float64, got torch.float16"),
    (lambda: otg.cost_matrix(torch.zeros(4, 2).to_sparse(), X), TypeError,
     "x must be dense, got a tensor of layout torch.sparse_coo"),
    (lambda: otg.paired_cost(X, X[:3]), ValueError,
     "x and y must hold the same number of points, got 4 and 3"),
    (lambda: otg.cost_matrix(X, X, lambda x, y: x @ y.T[:, :1]), ValueError,
     "cost must return shape (4, 4) for these points, got (4, 1)"),
    (lambda: otg.cost_matrix(X, X, lambda x, y: 1.0), TypeError,
     "cost must return a tensor of shape (4, 4), got float"),
    (lambda: otg.cost_matrix(X, X, lambda x, y: (x @ y.T).log()), ValueError,
     "cost(x, y) must hold finite numbers, got one that is -inf"),
    (lambda: otg.paired_cost(X, X, lambda x, y: x), ValueError,
     "cost must return shape (4, 4) for these points, got (4, 2)"),
    # exact transport
    (lambda: otg.solve_exact(C[0]), ValueError, "C must have shape (n, m), got (3,)"),
    (lambda: otg.solve_exact(C[:0]), ValueError,
     "C must have at least one row and one column, got (0, 3)"),
    (lambda: otg.solve_exact(NAN), ValueError, "C must hold finite numbers, got one that is nan"),
    (lambda: otg.solve_exact(INF), ValueError, "C must hold finite numbers, got one that is -inf"),
    (lambda: otg.solve_exact(C, [0.5, 0.25, 0.25]), ValueError,
     "a must have shape (2,), one weight for each atom, got (3,)"),
    (lambda: otg.solve_exact(C, None, [0.5, 0.5]), ValueError,
     "b must have shape (3,), one weight for each atom, got (2,)"),
    (lambda: otg.solve_exact(C, [1.5, -0.5]), ValueError,
     "a must be non-negative weights, got one that is -0.5"),
    (lambda: otg.solve_exact(C, [1.0, 1.0]), ValueError,
     "a must sum to 1, got a sum of 2; divide it by a.sum()"),
    (lambda: otg.solve_exact(C, None, [0.3, 0.3, 0.3]), ValueError,
     "b must sum to 1, got a sum of 0.9"),
    (lambda: otg.solve_exact(C, [0.0, 0.0]), ValueError, "a must sum to 1, got a sum of 0"),
    (lambda: otg.solve_exact(C, [math.nan, 1.0]), ValueError,
     "a must hold finite numbers, got one that is nan"),
    (lambda: otg.solve_exact(C, "uniform"), TypeError,
     "a must be a tensor or an array of real numbers, got str"),
    (lambda: otg.solve_exact(C, max_iter=0), ValueError,
     "max_iter must be a whole number >= 1, got 0"),
    (lambda: otg.solve_exact(C, max_iter=1e6), TypeError,
     "max_iter must be a whole number, got 1000000.0"),
    # c-transform
    (lambda: otg.c_transform(np.zeros(2), C), ValueError,
     "g must have shape (3,), one entry for each column of C, got (2,)"),
    (lambda: otg.c_transform(np.zeros((3, 1)), C), ValueError,
     "g must have shape (3,), one entry for each column of C, got (3, 1)"),
    (lambda: otg.c_transform(np.zeros(3), C[0]), ValueError, "C must have shape (n, m), got (3,)"),
    (lambda: otg.c_transform([0.0, math.inf, 0.0], C), ValueError,
     "g must hold finite numbers, got one that is inf"),
    (lambda: otg.c_transform(np.zeros(3), C, eps=-0.1), ValueError,
     "eps must be a finite number >= 0, got -0.1"),
    (lambda: otg.c_transform(np.zeros(3), C, eps=math.inf), ValueError,
     "eps must be a finite number >= 0, got inf"),
    (lambda: otg.c_transform(np.zeros(3), C, eps="small"), TypeError,
     "eps must be a number, got 'small'"),
    (lambda: otg.c_transform(np.zeros(3), C, 0.1, [0.5, 0.5]), ValueError,
     "b must have shape (3,), one weight for each atom, got (2,)"),
    (lambda: otg.c_transform(np.zeros(3), C, 0.1, [0.5, 0.5, 0.5]), ValueError,
     "b must sum to 1, got a sum of 1.5"),
    # the line
    (lambda: otg.wasserstein_1d([0.0], [1.0], p=0.5), ValueError,
     "p must be a finite number >= 1, got 0.5"),
    (lambda: otg.wasserstein_1d([0.0], [1.0], p=math.nan), ValueError,
     "p must be a finite number >= 1, got nan"),
    (lambda: otg.wasserstein_1d([0.0], [1.0], p=math.inf), ValueError,
     "p must be a finite number >= 1, got inf"),
    (lambda: otg.wasserstein_1d([0.0], [1.0], p=None), TypeError, "p must be a number, got None"),
    (lambda: otg.wasserstein_1d([0.0], [1.0], p=True), TypeError, "p must be a number, got True"),
    (lambda: otg.wasserstein_1d([], [1.0]), ValueError, "x must hold at least one point, got none"),
    (lambda: otg.wasserstein_1d([0.0], X), ValueError, "y must have shape (n,), got (4, 2)"),
    (lambda: otg.wasserstein_1d(0.0, [1.0]), ValueError, "x must have shape (n,), got ()"),
    (lambda: otg.wasserstein_1d([0.0, 1.0], [1.0], a=[1.0]), ValueError,
     "a must have shape (2,), one weight for each atom, got (1,)"),
    (lambda: otg.wasserstein_1d([0.0], [1.0], b=[0.5]), ValueError,
     "b must sum to 1, got a sum of 0.5"),
    (lambda: otg.wasserstein_1d([math.inf], [1.0]), ValueError,
     "x must hold finite numbers, got one that is inf"),
    # Gaussians
    (lambda: otg.bures_wasserstein(M, EYE, np.zeros(3), np.eye(3)), ValueError,
     "m1 and m2 must have the same dimension, got shapes (2,) and (3,)"),
    (lambda: otg.bures_wasserstein(M, np.eye(3), M, EYE), ValueError,
     "S1 must have shape (2, 2), the square of m1's, got (3, 3)"),
    (lambda: otg.bures_wasserstein(M, EYE, M, 1.0), ValueError,
     "S2 must have shape (2, 2), the square of m2's, got ()"),
    (lambda: otg.bures_wasserstein(EYE, EYE, M, EYE), ValueError,
     "m1 must have shape (d,), got (2, 2)"),
    (lambda: otg.bures_wasserstein(M, EYE, M, [[1.0, 0.5], [0.0, 1.0]]), ValueError,
     "S2 must be symmetric, got entries that differ from their mirror image by 0.5"),
    (lambda: otg.bures_wasserstein(M, [[1.0, 2.0], [2.0, 1.0]], M, EYE), ValueError,
     "S1 must be positive semi-definite, got an eigenvalue of -1"),
    (lambda: otg.bures_wasserstein(0.0, -1.0, 0.0, 1.0), ValueError,
     "S1 must be positive semi-definite, got an eigenvalue of -1"),
    (lambda: otg.bures_wasserstein(M, math.nan * EYE, M, EYE), ValueError,
     "S1 must hold finite numbers, got one that is nan"),
    (lambda: otg.gaussian_map(M, [[1.0, 1.0], [1.0, 1.0]], M, EYE), ValueError,
     "S1 must be positive definite, got a singular matrix"),
    # Gaussians with entropy
    (lambda: otg.entropic_gaussian(M, EYE, M, EYE, -1.0), ValueError,
     "eps must be a finite number >= 0, got -1.0"),
    (lambda: otg.entropic_gaussian(M, EYE, M, EYE, math.nan), ValueError,
     "eps must be a finite number >= 0, got nan"),
    (lambda: otg.entropic_gaussian(M, EYE, M, EYE, [1.0, 2.0]), TypeError,
     "eps must be a number, got [1.0, 2.0]"),
    (lambda: otg.entropic_gaussian(M, EYE, np.zeros(3), np.eye(3), 1.0), ValueError,
     "m1 and m2 must have the same dimension, got shapes (2,) and (3,)"),
    (lambda: otg.entropic_gaussian(M, EYE, M, [[1.0, 0.5], [0.0, 1.0]], 1.0), ValueError,
     "S2 must be symmetric, got entries that differ from their mirror image by 0.5"),
    (lambda: otg.entropic_gaussian_plan(M, -EYE, M, EYE, 1.0), ValueError,
     "S1 must be positive semi-definite, got an eigenvalue of -1"),
    (lambda: otg.sinkhorn_divergence_gaussian(M, EYE, M, EYE, math.inf), ValueError,
     "eps must be a finite number >= 0, got inf"),
    (lambda: otg.sinkhorn_divergence_gaussian(M, EYE, [math.nan, 0.0], EYE, 1.0), ValueError,
     "m2 must hold finite numbers, got one that is nan"),
    (lambda: otg.entropic_fit_scale(-1.0, 1.0), ValueError, "b must be >= 0, got -1"),
    (lambda: otg.entropic_fit_scale(1.0, [0.5, -0.5]), ValueError, "eps must be >= 0, got -0.5"),
    (lambda: otg.entropic_fit_scale([1.0, 2.0], [1.0, 2.0, 3.0]), ValueError,
     "b and eps must have shapes that broadcast, got (2,) and (3,)"),
    (lambda: otg.entropic_fit_scale("one", 1.0), TypeError,
     "b must be a tensor or an array of real numbers, got str"),
    (lambda: otg.entropic_collapse_eps(np.zeros(3)), ValueError,
     "points must have shape (n, d), got (3,)"),
    (lambda: otg.entropic_collapse_eps(X, [0.5, 0.5]), ValueError,
     "weights must have shape (4,), one weight for each atom, got (2,)"),
    (lambda: otg.entropic_dipole(0.0, -1.0), ValueError, "eps must be >= 0, got -1"),
    (lambda: otg.entropic_dipole(math.inf), ValueError,
     "theta must hold finite numbers, got one that is inf"),
    (lambda: otg.entropic_dipole([0.0, 1.0], [1.0, 2.0, 3.0]), ValueError,
     "theta and eps must have shapes that broadcast, got (2,) and (3,)"),
    # densities to atoms
    (lambda: otg.uniform_to_atoms(X), ValueError, "y must have shape (n,), got (4, 2)"),
    (lambda: otg.uniform_to_atoms([]), ValueError, "y must hold at least one point, got none"),
    (lambda: otg.uniform_to_atoms([0.0, 1.0], [0.5, 0.6]), ValueError,
     "b must sum to 1, got a sum of 1.1; divide it by b.sum()"),
    (lambda: otg.uniform_to_atoms([0.0, 1.0], [1.5, -0.5]), ValueError,
     "b must be non-negative weights, got one that is -0.5"),
    (lambda: otg.uniform_to_atoms([0.0], low=1.0, high=1.0), ValueError,
     "low must be below high, got low = 1 and high = 1"),
    (lambda: otg.uniform_to_atoms([0.0], low=-math.inf), ValueError,
     "low must be a finite number, got -inf"),
    (lambda: otg.uniform_to_atoms([0.0], high="one"), TypeError,
     "high must be a number, got 'one'"),
    (lambda: otg.segment_to_atoms([0.0], [1.0, 0.0], X), ValueError,
     "centre must have shape (2,), a point of the space of y, got (1,)"),
    (lambda: otg.segment_to_atoms([0.0, 0.0], [1.0], X), ValueError,
     "half must have shape (2,), a point of the space of y, got (1,)"),
    (lambda: otg.segment_to_atoms([0.0, 0.0], [1.0, math.nan], X), ValueError,
     "half must hold finite numbers, got one that is nan"),
    (lambda: otg.gaussian_to_circle(0, 1.0), ValueError,
     "n_atoms must be a whole number >= 1, got 0"),
    (lambda: otg.gaussian_to_circle(8, -1.0), ValueError,
     "radius must be a finite number >= 0, got -1.0"),
    (lambda: otg.gaussian_to_circle(8.0, 1.0), TypeError,
     "n_atoms must be a whole number, got 8.0"),
    (lambda: otg.quantise_gaussian(0), ValueError, "n must be a whole number >= 1, got 0"),
    (lambda: otg.quantise_gaussian(2.0), TypeError, "n must be a whole number, got 2.0"),
    # data
    (lambda: otg.data.picture("chine"), ValueError,
     "name must be one of 'china', 'flower', got 'chine'; did you mean 'china'?"),
    (lambda: otg.data.picture("flower", height=0), ValueError,
     "height must be a whole number >= 1, got 0"),
    (lambda: otg.data.picture("flower", height=428), ValueError,
     "height must be 427 at most, the photograph's own, got 428"),
    (lambda: otg.data.picture("flower", height=60.0), TypeError,
     "height must be a whole number, got 60.0"),
    (lambda: otg.data.palette(np.ones((4, 4)), 2), ValueError,
     "image must have shape (H, W, 3) or (n, 3), got (4, 4)"),
    (lambda: otg.data.palette(np.ones((2, 2, 3)), 5), ValueError,
     "k must be 4 at most, one for each pixel, got 5"),
    (lambda: otg.data.palette(np.ones((2, 2, 3)), 0), ValueError,
     "k must be a whole number >= 1, got 0"),
    (lambda: otg.data.palette(np.full((2, 2, 3), math.nan), 1), ValueError,
     "image must hold finite numbers, got one that is nan"),
    (lambda: otg.data.palette(np.ones((2, 2, 3)), 1, "seed"), TypeError,
     "generator must be a torch.Generator, a seed or None, got 'seed'"),
    (lambda: otg.data.eight_gaussians(0), ValueError, "n must be a whole number >= 1, got 0"),
    (lambda: otg.data.two_moons(3.0), TypeError, "n must be a whole number, got 3.0"),
    (lambda: otg.data.rings(3, "seed"), TypeError,
     "generator must be a torch.Generator, a seed or None, got 'seed'"),
    (lambda: otg.data.rings(3, 0, std=-1), ValueError, "std must be a finite number >= 0, got -1"),
    (lambda: otg.data.pinwheel(3, 0, arms=0), ValueError,
     "arms must be a whole number >= 1, got 0"),
    (lambda: otg.data.checkerboard(3, 0, dtype=torch.int64), TypeError,
     "dtype must be a floating type, got torch.int64"),
    (lambda: otg.data.image_to_measure(np.zeros((2, 2))), ValueError,
     "image must hold some ink, got an empty sheet"),
    (lambda: otg.data.image_to_measure([[1.0, -1.0]]), ValueError,
     "image must be non-negative ink, got -1"),
    (lambda: otg.data.image_to_measure(np.ones(3)), ValueError,
     "image must have shape (n, m), got (3,)"),
    # plots
    (lambda: plots.arcs([0.0], [1.0], [0.0], [1.0], C), ValueError,
     "plan must have shape (1, 1), got (2, 3)"),
    (lambda: plots.arcs([0.0, 1.0], [1.0], [0.0], [1.0], C), ValueError,
     "a must have shape (2,), got (1,)"),
    (lambda: plots.plan_lines(np.zeros((2, 3)), X, C), ValueError,
     "x must have shape (2, 2), got (2, 3)"),
    (lambda: plots.clouds(target=np.zeros((2, 3))), ValueError,
     "target must have shape (2, 2), got (2, 3)"),
    (lambda: plots.density_curves([0.0, 1.0], {}), ValueError,
     "curves must hold at least one curve, got none"),
    (lambda: plots.density_curves([0.0, 1.0], {"data": [1.0]}), ValueError,
     "curves['data'] must have shape (2,), got (1,)"),
    (lambda: plots.loss_curve([]), ValueError,
     "losses must be a non-empty array of 1 axes, got shape (0,)"),
    (lambda: plots.loss_curve({}), ValueError, "losses must hold at least one curve, got none"),
    (lambda: plots.image_strip(np.ones((2, 4, 4)), ["a"]), ValueError,
     "labels must be one for each of 2 images, got 1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "error", "message"),
    CASES,
    ids=[f"{k:02d}-{case[2][:40]}" for k, case in enumerate(CASES)],
)
def test_message(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)) as caught:
        call()
    assert type(caught.value) is error


def test_arrays_on_two_devices_are_refused() -> None:
    here, there = torch.zeros(2, 2), torch.zeros(2, 2, device="meta")
    from otgen_lite import _checks

    with pytest.raises(ValueError, match="all arrays must be on one device, got cpu and meta"):
        _checks.common(here, there)


@pytest.mark.parametrize(("dtype", "allowed"), [(torch.float64, 1e-6), (torch.float32, 1e-4)])
def test_weights_may_miss_one_by_rounding_only(dtype: torch.dtype, allowed: float) -> None:
    C = torch.ones(2, 2, dtype=dtype)
    a = torch.tensor([0.5, 0.5], dtype=dtype)
    otg.solve_exact(C, a * (1 + 0.9 * allowed))
    with pytest.raises(ValueError, match="a must sum to 1"):
        otg.solve_exact(C, a * (1 + 1.1 * allowed))
