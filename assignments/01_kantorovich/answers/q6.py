# %% right: roots by eigenvalues, in numpy
def _root(S):
    values, vectors = np.linalg.eigh(S)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def moment_bound(x, a, y, b):
    m1, m2 = np.average(x, axis=0, weights=a), np.average(y, axis=0, weights=b)
    S1 = np.atleast_2d(np.cov(x.T, aweights=a, ddof=0))
    S2 = np.atleast_2d(np.cov(y.T, aweights=b, ddof=0))
    R = _root(S1)
    return np.sum((m1 - m2) ** 2) + np.trace(S1 + S2) - 2 * np.trace(_root(R @ S2 @ R))


def gaussian_prices(m1, S1, m2, S2):
    R = _root(S1)
    A = np.linalg.inv(R) @ _root(R @ S2 @ R) @ np.linalg.inv(R)
    B = np.linalg.inv(A)
    d = m1 - m2
    f = lambda x: np.array([p @ p - p @ A @ p + 2 * p @ d + d @ d for p in x - m1])
    g = lambda y: np.array([q @ q - q @ B @ q - 2 * q @ d for q in y - m2])
    return f, g


# %% right: singular values, and prices by completing the square, in torch
import torch


def moment_bound(x, a, y, b):
    x, a, y, b = map(torch.as_tensor, (x, a, y, b))
    m1, m2 = a @ x, b @ y
    U, V = a.sqrt()[:, None] * (x - m1), b.sqrt()[:, None] * (y - m2)
    shared = torch.linalg.matrix_norm(U @ V.T, "nuc")
    return (m1 - m2).square().sum() + U.square().sum() + V.square().sum() - 2 * shared


def gaussian_prices(m1, S1, m2, S2):
    A, t = otg.gaussian_map(m1, S1, m2, S2)
    A, t = A.numpy(), t.numpy()  # T(x) = A x + t is the gradient of u, and f = |x|^2 - 2 u

    def u(x):
        return 0.5 * np.einsum("ki,ij,kj->k", x, A, x) + x @ t

    def conjugate(y):
        z = np.linalg.solve(A, (y - t).T).T
        return (z * y).sum(1) - u(z)

    return (lambda x: (x**2).sum(1) - 2 * u(x)), (lambda y: (y**2).sum(1) - 2 * conjugate(y))


# %% wrong: covariances divided by n - 1, prices for means zero only [points 1]
def moment_bound(x, a, y, b):
    S1, S2 = np.atleast_2d(np.cov(x.T, aweights=a)), np.atleast_2d(np.cov(y.T, aweights=b))
    return float(otg.bures_wasserstein(a @ x, S1, b @ y, S2))


def gaussian_prices(m1, S1, m2, S2):
    A = np.asarray(otg.gaussian_map(m1, S1, m2, S2)[0])
    B = np.linalg.inv(A)
    return (lambda x: (x * (x - x @ A)).sum(1)), (lambda y: (y * (y - y @ B)).sum(1))


# %% wrong: weights are ignored, prices for means zero only [points 2]
def moment_bound(x, a, y, b):
    S1, S2 = np.atleast_2d(np.cov(x.T, ddof=0)), np.atleast_2d(np.cov(y.T, ddof=0))
    return float(otg.bures_wasserstein(x.mean(0), S1, y.mean(0), S2))


def gaussian_prices(m1, S1, m2, S2):
    A = np.asarray(otg.gaussian_map(m1, S1, m2, S2)[0])
    B = np.linalg.inv(A)
    return (lambda x: (x * (x - x @ A)).sum(1)), (lambda y: (y * (y - y @ B)).sum(1))


# %% wrong: the root of the bound, and prices halved
def moment_bound(x, a, y, b):
    U, V = np.sqrt(a)[:, None] * (x - a @ x), np.sqrt(b)[:, None] * (y - b @ y)
    return float(otg.bures_wasserstein(a @ x, U.T @ U, b @ y, V.T @ V)) ** 0.5


def gaussian_prices(m1, S1, m2, S2):
    A = np.asarray(otg.gaussian_map(m1, S1, m2, S2)[0])
    B, d = np.linalg.inv(A), m1 - m2
    f = lambda x: ((x - m1) * ((x - m1) - (x - m1) @ A)).sum(1) / 2 + (x - m1) @ d + d @ d / 2
    g = lambda y: ((y - m2) * ((y - m2) - (y - m2) @ B)).sum(1) / 2 - (y - m2) @ d
    return f, g


# %% wrong: the formula for common axes, and its map
def _root(S):
    values, vectors = np.linalg.eigh(S)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def moment_bound(x, a, y, b):
    U, V = np.sqrt(a)[:, None] * (x - a @ x), np.sqrt(b)[:, None] * (y - b @ y)
    return ((a @ x - b @ y) ** 2).sum() + ((_root(U.T @ U) - _root(V.T @ V)) ** 2).sum()


def gaussian_prices(m1, S1, m2, S2):
    A = _root(S2) @ np.linalg.inv(_root(S1))
    B, d = np.linalg.inv(A), m1 - m2
    f = lambda x: ((x - m1) * ((x - m1) - (x - m1) @ A)).sum(1) + 2 * (x - m1) @ d + d @ d
    g = lambda y: ((y - m2) * ((y - m2) - (y - m2) @ B)).sum(1) - 2 * (y - m2) @ d
    return f, g


# %% wrong: variances in the place of standard deviations, and A not inverted
def moment_bound(x, a, y, b):
    U, V = np.sqrt(a)[:, None] * (x - a @ x), np.sqrt(b)[:, None] * (y - b @ y)
    return ((a @ x - b @ y) ** 2).sum() + ((U.T @ U - V.T @ V) ** 2).sum()


def gaussian_prices(m1, S1, m2, S2):
    A, d = np.asarray(otg.gaussian_map(m1, S1, m2, S2)[0]), m1 - m2
    f = lambda x: ((x - m1) * ((x - m1) - (x - m1) @ A)).sum(1) + 2 * (x - m1) @ d + d @ d
    g = lambda y: ((y - m2) * ((y - m2) - (y - m2) @ A)).sum(1) - 2 * (y - m2) @ d
    return f, g


# %% wrong: centred points, and the means forgotten otherwise [points 1]
def moment_bound(x, a, y, b):
    U, V = np.sqrt(a)[:, None] * (x - a @ x), np.sqrt(b)[:, None] * (y - b @ y)
    zero = np.zeros(x.shape[1])
    return float(otg.bures_wasserstein(zero, U.T @ U, zero, V.T @ V))


def gaussian_prices(m1, S1, m2, S2):
    A = np.asarray(otg.gaussian_map(m1, S1, m2, S2)[0])
    B = np.linalg.inv(A)
    f = lambda x: ((x - m1) * ((x - m1) - (x - m1) @ A)).sum(1)
    g = lambda y: ((y - m2) * ((y - m2) - (y - m2) @ B)).sum(1)
    return f, g


# %% wrong: the bound is right, prices of zero [points 2]
def moment_bound(x, a, y, b):
    U, V = np.sqrt(a)[:, None] * (x - a @ x), np.sqrt(b)[:, None] * (y - b @ y)
    return float(otg.bures_wasserstein(a @ x, U.T @ U, b @ y, V.T @ V))


def gaussian_prices(m1, S1, m2, S2):
    return (lambda x: np.zeros(len(x))), (lambda y: np.zeros(len(y)))


# %% wrong: the linear part has the wrong sign [points 3]
def moment_bound(x, a, y, b):
    U, V = np.sqrt(a)[:, None] * (x - a @ x), np.sqrt(b)[:, None] * (y - b @ y)
    return float(otg.bures_wasserstein(a @ x, U.T @ U, b @ y, V.T @ V))


def gaussian_prices(m1, S1, m2, S2):
    A = np.asarray(otg.gaussian_map(m1, S1, m2, S2)[0])
    B, d = np.linalg.inv(A), m1 - m2
    f = lambda x: ((x - m1) * ((x - m1) - (x - m1) @ A)).sum(1) - 2 * (x - m1) @ d + d @ d
    g = lambda y: ((y - m2) * ((y - m2) - (y - m2) @ B)).sum(1) + 2 * (y - m2) @ d
    return f, g


# %% wrong: the constant counted twice, feasible nowhere near T [points 3]
def moment_bound(x, a, y, b):
    U, V = np.sqrt(a)[:, None] * (x - a @ x), np.sqrt(b)[:, None] * (y - b @ y)
    return float(otg.bures_wasserstein(a @ x, U.T @ U, b @ y, V.T @ V))


def gaussian_prices(m1, S1, m2, S2):
    A = np.asarray(otg.gaussian_map(m1, S1, m2, S2)[0])
    B, d = np.linalg.inv(A), m1 - m2
    f = lambda x: ((x - m1) * ((x - m1) - (x - m1) @ A)).sum(1) + 2 * (x - m1) @ d + d @ d
    g = lambda y: ((y - m2) * ((y - m2) - (y - m2) @ B)).sum(1) - 2 * (y - m2) @ d + d @ d
    return f, g


# %% wrong: the exact cost, which is no function of moments [points 1]
def moment_bound(x, a, y, b):
    return float(otg.solve_exact(otg.cost_matrix(x, y), a, b).value)


def gaussian_prices(m1, S1, m2, S2):
    T = otg.gaussian_map(m1, S1, m2, S2)
    A, t = np.asarray(T[0]), np.asarray(T[1])
    # Half of the trip for each side: tight along T, and not feasible elsewhere.
    f = lambda x: ((x - x @ A - t) ** 2).sum(1) / 2
    g = lambda y: f((y - t) @ np.linalg.inv(A))
    return f, g


# %% wrong: only the visible case
def moment_bound(x, a, y, b):
    return 8.0


def gaussian_prices(m1, S1, m2, S2):
    return (lambda x: -(x**2).sum(1)), (lambda y: (y**2).sum(1) / 2)
