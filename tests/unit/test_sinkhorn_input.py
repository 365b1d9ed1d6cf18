"""Bad input of the entropic solvers: each message names the argument and the rule."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch

import otgen_lite as otg

C = np.ones((2, 3))
X, Y = np.zeros((4, 2)), np.ones((5, 2))
NAN = np.array([[0.0, math.nan, 1.0], [0.0, 1.0, 2.0]])
INF = np.array([[0.0, 1.0, math.inf], [0.0, 1.0, 2.0]])
F, G = np.zeros(2), np.zeros(3)
matrix, points, divergence = otg.solve_sinkhorn, otg.solve_sinkhorn_points, otg.sinkhorn_divergence

CASES: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: matrix(NAN, 1.0), ValueError, "C must hold finite numbers, got one that is nan"),
    (lambda: matrix(INF, 1.0), ValueError, "C must hold finite numbers, got one that is inf"),
    (lambda: matrix(-INF, 1.0), ValueError, "C must hold finite numbers, got one that is -inf"),
    (lambda: matrix(C[0], 1.0), ValueError,
     "C must have shape (n, m) or (B, n, m) with at least one entry, got (3,)"),
    (lambda: matrix(C[:0], 1.0), ValueError, "with at least one entry, got (0, 3)"),
    (lambda: matrix("costs", 1.0), TypeError, "C must be a tensor or an array of real numbers"),
    (lambda: matrix(C, 0.0), ValueError, "eps must be a finite number > 0, got 0.0"),
    (lambda: matrix(C, -1.0), ValueError, "eps must be a finite number > 0, got -1.0"),
    (lambda: matrix(C, math.nan), ValueError, "eps must be a finite number, got nan"),
    (lambda: matrix(C, math.inf), ValueError, "eps must be a finite number, got inf"),
    (lambda: matrix(C, "small"), TypeError, "eps must be a number, got 'small'"),
    (lambda: matrix(C, torch.tensor([1.0, 1.0])), ValueError,
     "eps must have shape (1,), one for each problem, got (2,)"),
    (lambda: matrix(C[None], torch.tensor([-2.0])), ValueError,
     "eps must be finite numbers > 0, got one that is -2"),
    (lambda: matrix(C[None], torch.tensor([math.nan])), ValueError,
     "eps must hold finite numbers, got one that is nan"),
    (lambda: matrix(1e200 * C, 1e-200), ValueError,
     "eps is so small for these costs that cost / eps is not a finite number"),
    (lambda: matrix(C, 1.0, a=[0.5, 0.6]), ValueError,
     "a must sum to 1, got a sum of 1.1; divide it by a.sum()"),
    (lambda: matrix(C, 1.0, b=[-0.5, 0.5, 1.0]), ValueError,
     "b must be non-negative weights, got one that is -0.5"),
    (lambda: matrix(C, 1.0, a=[1.0]), ValueError,
     "a must have shape (2,), one weight for each atom, got (1,)"),
    (lambda: matrix(C, 1.0, b=[[1.0, 0.0, 0.0]] * 2), ValueError,
     "b must have shape (3,), one weight for each atom, got (2, 3)"),
    (lambda: matrix(np.stack([C, C]), 1.0, a=np.full((3, 2), 0.5)), ValueError,
     "a must have shape (2,) or (2, 2), one weight for each atom, got (3, 2)"),
    (lambda: matrix(np.stack([C, C]), 1.0, a=np.array([[0.5, 0.5], [0.5, 0.9]])), ValueError,
     "a must sum to 1, got a sum of 1.4"),
    (lambda: matrix(C, 1.0, tol=0.0), ValueError, "tol must be a finite number > 0, got 0.0"),
    (lambda: matrix(C, 1.0, tol=math.nan), ValueError, "tol must be a finite number, got nan"),
    (lambda: matrix(C, 1.0, max_iter=0), ValueError,
     "max_iter must be a whole number >= 1, got 0"),
    (lambda: matrix(C, 1.0, max_iter=10.0), TypeError, "max_iter must be a whole number, got 10.0"),
    (lambda: matrix(C, 1.0, init=F), TypeError,
     "init must be a pair of potentials (f, g), got ndarray"),
    (lambda: matrix(C, 1.0, init=(F, F)), ValueError,
     "init[1] must have shape (3,), one entry for each atom, got (2,)"),
    (lambda: matrix(C, 1.0, init=(G, G)), ValueError,
     "init[0] must have shape (2,), one entry for each atom, got (3,)"),
    (lambda: matrix(C[None], 1.0, init=(F, G)), ValueError,
     "init[0] must have shape (1, 2), one entry for each atom, got (2,)"),
    (lambda: matrix(C, 1.0, init=(F, G * math.nan)), ValueError,
     "init[1] must hold finite numbers, got one that is nan"),
    (lambda: points(X, Y[:, :1], 1.0), ValueError,
     "x and y must be points of the same dimension, got shapes (4, 2) and (5, 1)"),
    (lambda: points(X[0], Y, 1.0), ValueError,
     "x must have shape (n, d), got (2,); for numbers on a line write x[:, None]"),
    (lambda: points(X, Y, 1.0, "sqeuclid"), ValueError,
     "cost must be one of 'sqeuclidean', 'euclidean', 'cityblock', got 'sqeuclid'; "
     "did you mean 'sqeuclidean'?"),
    (lambda: points(X, Y, 1.0, lambda x, y: torch.zeros(2, 2)), ValueError,
     "cost must return shape (1, 1) for these points, got (2, 2)"),
    (lambda: points(X, Y, 1.0, lambda x, y: (x @ y.T) * math.nan), ValueError,
     "cost(x, y) must hold finite numbers, got one that is nan"),
    (lambda: points(X, Y, -1), ValueError, "eps must be a finite number > 0, got -1"),
    (lambda: points(X, Y, 1.0, a=[1.0]), ValueError,
     "a must have shape (4,), one weight for each atom, got (1,)"),
    (lambda: points(X, Y, 1.0, block=0), ValueError, "block must be a whole number >= 1, got 0"),
    (lambda: points(X, Y, 1.0, init=(np.zeros(4), np.zeros(4))), ValueError,
     "init[1] must have shape (5,), one entry for each atom, got (4,)"),
    (lambda: points(1e150 + X, Y, 1.0), ValueError, "eps is so small for these costs"),
    (lambda: points(X, Y, 1.0).potential_x(X[:, :1]), ValueError,
     "x_new must be points of dimension 2, got shape (4, 1)"),
    (lambda: points(X, Y, 1.0).potential_y([1.0, 2.0]), ValueError,
     "y_new must have shape (n, d), got (2,)"),
    (lambda: points(X, Y, 1.0).barycentric(X * math.nan), ValueError,
     "x_new must hold finite numbers, got one that is nan"),
    (lambda: divergence(X, Y, 0.0), ValueError, "eps must be a finite number > 0, got 0.0"),
    (lambda: divergence(X, Y, 1.0, "manhattan"), ValueError, "cost must be one of"),
    (lambda: divergence(X, Y, 1.0, b=[1.0]), ValueError,
     "b must have shape (5,), one weight for each atom, got (1,)"),
    (lambda: divergence(X, Y[:, :1], 1.0), ValueError, "x and y must be points of the same"),
    (lambda: divergence(X, Y, 1.0, tol=-1.0), ValueError, "tol must be a finite number > 0"),
    (lambda: divergence(X, Y, 1.0, max_iter=0), ValueError, "max_iter must be a whole number >= 1"),
    (lambda: divergence(X, Y, 1e-320), ValueError,
     "eps is so small for these costs that cost / eps is not a finite number"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_message_names_argument_and_rule(case: int) -> None:
    call, kind, text = CASES[case]
    with pytest.raises(kind, match=re.escape(text)):
        call()


def test_large_finite_costs_are_not_taken_for_infinite_ones() -> None:
    r = otg.solve_sinkhorn(np.full((3, 3), 1.5e308), 1e308)
    assert r.converged
    assert r.plan.sum().item() == pytest.approx(1.0)
