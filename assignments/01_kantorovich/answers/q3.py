# %% right: loops, and other prices by hand
def certify(P, g, C, a, b):
    n, m = C.shape
    f = [min(C[i, j] - g[j] for j in range(m)) for i in range(n)]
    raised = [min(C[i, j] - f[i] for i in range(n)) for j in range(m)]
    income = sum(a[i] * f[i] for i in range(n)) + sum(b[j] * raised[j] for j in range(m))
    cost = sum(P[i, j] * C[i, j] for i in range(n) for j in range(m))
    return {"f": f, "g": raised, "income": income, "gap": cost - income}


# Equality in the cells (1, 1), (1, 2), (2, 2), (2, 3), from g_2 = 0.
half_page = ([[0.5, mass - 0.5, 0], [0, 0.8 - mass, 0.2]], [4.0, 1.0], [-3.0, 0.0, 1.0])

# %% right: the package's transform in torch, the gap as slack, a linear programme for the page
import torch


def certify(P, g, C, a, b):
    P, g, C, a, b = map(torch.as_tensor, (P, g, C, a, b))
    f = otg.c_transform(g, C)
    g = otg.c_transform(f, C.T)
    slack = C - f[:, None] - g
    return {"f": f, "g": g, "income": a @ f + b @ g, "gap": (P * slack).sum()}


_found = otg.solve_exact(
    np.array([[1.0, 4.0, 6.0], [3.0, 1.0, 2.0]]),
    np.array([mass, 1 - mass]),
    np.array([0.5, 0.3, 0.2]),
)
half_page = (_found.plan, *_found.potentials)


# %% wrong: C + g, the other sign of the prices
def certify(P, g, C, a, b):
    f = (C + g).min(1)
    g = (C + f[:, None]).min(0)
    income = a @ f + b @ g
    return {"f": f, "g": g, "income": income, "gap": (C * P).sum() - income}


# %% wrong: the largest instead of the smallest, and prices that do not prove it
def certify(P, g, C, a, b):
    f = (C - g).max(1)
    g = (C - f[:, None]).max(0)
    income = a @ f + b @ g
    return {"f": f, "g": g, "income": income, "gap": (C * P).sum() - income}


half_page = (
    np.array([[0.5, mass - 0.5, 0], [0, 0.8 - mass, 0.2]]),
    np.array([1.0, 1.0]),
    np.array([0.0, 0.0, 1.0]),
)


# %% wrong: rows and columns exchanged where the shape allows it
def certify(P, g, C, a, b):
    f = (C.T - g).min(1) if C.shape[0] == C.shape[1] else np.zeros(len(a))
    g = (C - f[:, None]).min(0)
    income = a @ f + b @ g
    return {"f": f, "g": g, "income": income, "gap": (C * P).sum() - income + 1}


# %% wrong: the given prices are not raised, and the page is right [points 3]
def certify(P, g, C, a, b):
    f = (C - g).min(1)
    income = a @ f + b @ g
    return {"f": f, "g": g, "income": income, "gap": (C * P).sum() - income}


half_page = (
    np.array([[0.5, mass - 0.5, 0], [0, 0.8 - mass, 0.2]]),
    np.array([0.0, -3.0]),
    np.array([1.0, 4.0, 5.0]),
)


# %% wrong: the given prices are not raised [points 2]
def certify(P, g, C, a, b):
    f = (C - g).min(1)
    income = a @ f + b @ g
    return {"f": f, "g": g, "income": income, "gap": (C * P).sum() - income}


# %% wrong: weights are taken to be equal in the income [points 1]
def certify(P, g, C, a, b):
    f = (C - g).min(1)
    g = (C - f[:, None]).min(0)
    income = f.mean() + g.mean()
    return {"f": f, "g": g, "income": income, "gap": (C * P).sum() - income}


# %% wrong: the gap the wrong way round [points 3]
def certify(P, g, C, a, b):
    f = (C - g).min(1)
    g = (C - f[:, None]).min(0)
    income = a @ f + b @ g
    return {"f": f, "g": g, "income": income, "gap": income - (C * P).sum()}


half_page = (
    np.array([[0.5, mass - 0.5, 0], [0, 0.8 - mass, 0.2]]),
    np.array([0.0, -3.0]),
    np.array([1.0, 4.0, 5.0]),
)


# %% wrong: a minus in the income, as for a critic [points 1]
def certify(P, g, C, a, b):
    f = (C - g).min(1)
    g = (C - f[:, None]).min(0)
    income = a @ f - b @ g
    return {"f": f, "g": g, "income": income, "gap": (C * P).sum() - income}


# %% wrong: the given g is ignored
def certify(P, g, C, a, b):
    f = C.min(1)
    g = (C - f[:, None]).min(0)
    income = a @ f + b @ g
    return {"f": f, "g": g, "income": income, "gap": (C * P).sum() - income}


# %% wrong: the solver's prices whatever is given, halved in the end
def certify(P, g, C, a, b):
    best = otg.solve_exact(C, a, b)
    f, g = best.potentials
    return {"f": f, "g": g, "income": best.value / 2, "gap": (C * P).sum() - best.value / 2}


# %% wrong: the page's plan is not the cheapest
half_page = (
    np.array([[mass - 0.5, 0.3, 0.2], [1 - mass, 0, 0]]),
    np.array([0.0, -3.0]),
    np.array([1.0, 4.0, 5.0]),
)

# %% wrong: the page's prices earn enough and are not feasible
half_page = (
    np.array([[0.5, mass - 0.5, 0], [0, 0.8 - mass, 0.2]]),
    np.array([10.0, 10.0]),
    np.array([10.0, 10.0, 10.0]),
)


# %% wrong: only the visible case
def certify(P, g, C, a, b):
    return {"f": np.array([1.0, 3.0]), "g": np.zeros(2), "income": 2.0, "gap": 0.0}


half_page = (np.zeros((2, 3)), np.zeros(2), np.zeros(3))
