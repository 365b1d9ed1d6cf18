# %% right: a pile of room, and the ordinary problem
def fill(C, a, b):
    C0 = np.vstack([C, np.zeros(C.shape[1])])
    a0, total = np.append(a, b.sum() - a.sum()), b.sum()
    found = otg.solve_exact(C0, a0 / total, b / total)
    f, g = (v.numpy() for v in found.potentials)
    # Room costs nothing to move, so its price may be taken to be zero.
    return {"plan": total * found.plan.numpy()[:-1], "f": f[:-1] - f[-1], "g": g + f[-1]}


# %% right: loops for the primal, and the dual solved on its own
def fill(C, a, b):
    n, m = C.shape
    leave, arrive, below, costs = [], [], [], []
    for i in range(n):
        row = np.zeros((n, m))
        row[i] = 1
        leave.append(row.ravel())
    for j in range(m):
        column = np.zeros((n, m))
        column[:, j] = 1
        arrive.append(column.ravel())
    plan = linprog(C.ravel(), A_eq=leave, b_eq=a, A_ub=arrive, b_ub=b).x.reshape(n, m)
    for i in range(n):
        for j in range(m):
            one = np.zeros(n + m)
            one[i] = one[n + j] = 1
            below.append(one)
            costs.append(C[i, j])
    free = [(None, None)] * n + [(None, 0)] * m
    prices = linprog(-np.concatenate([a, b]), A_ub=below, b_ub=costs, bounds=free).x
    return {"plan": plan, "f": prices[:n], "g": prices[n:]}


# %% right: slack variables, and equalities only
import torch


def fill(C, a, b):
    n, m = C.shape
    A = np.zeros((n + m, n * m + m))
    for i in range(n):
        A[i, i * m : (i + 1) * m] = 1
    for j in range(m):
        A[n + j, j : n * m : m] = 1
        A[n + j, n * m + j] = 1
    c = np.concatenate([C.ravel(), np.zeros(m)])
    found = linprog(c, A_eq=A, b_eq=np.concatenate([a, b]))
    price = torch.as_tensor(found.eqlin.marginals)
    return {"plan": found.x[: n * m].reshape(n, m), "f": price[:n], "g": price[n:]}


# %% wrong: holes must be full, so there is no plan
def fill(C, a, b):
    n, m = C.shape
    A = np.vstack([np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))])
    found = linprog(C.ravel(), A_eq=A, b_eq=np.concatenate([a, b]))
    price = found.eqlin.marginals
    return {"plan": found.x.reshape(n, m), "f": price[:n], "g": price[n:]}


# %% wrong: holes are made shallower until everything fits exactly [points 1]
def fill(C, a, b):
    found = otg.solve_exact(C, a / a.sum(), b / b.sum())
    f, g = found.potentials
    return {"plan": a.sum() * found.plan, "f": f, "g": g}


# %% wrong: sand may stay where it is
def fill(C, a, b):
    n, m = C.shape
    A = np.vstack([np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))])
    found = linprog(C.ravel(), A_ub=A, b_ub=np.concatenate([a, b]))
    price = found.ineqlin.marginals
    return {"plan": found.x.reshape(n, m), "f": price[:n], "g": price[n:]}


# %% wrong: the sign of g [points 3]
def fill(C, a, b):
    n, m = C.shape
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    found = linprog(C.ravel(), A_eq=rows, b_eq=a, A_ub=columns, b_ub=b)
    return {
        "plan": found.x.reshape(n, m),
        "f": found.eqlin.marginals,
        "g": -found.ineqlin.marginals,
    }


# %% wrong: the sign of both prices, from a dual that is minimised [points 3]
def fill(C, a, b):
    n, m = C.shape
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    found = linprog(C.ravel(), A_eq=rows, b_eq=a, A_ub=columns, b_ub=b)
    return {
        "plan": found.x.reshape(n, m),
        "f": -found.eqlin.marginals,
        "g": -found.ineqlin.marginals,
    }


# %% wrong: prices are centred, as if a constant were free [points 3]
def fill(C, a, b):
    n, m = C.shape
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    found = linprog(C.ravel(), A_eq=rows, b_eq=a, A_ub=columns, b_ub=b)
    f, g = found.eqlin.marginals, found.ineqlin.marginals
    return {"plan": found.x.reshape(n, m), "f": f + g.mean(), "g": g - g.mean()}


# %% wrong: a pile of room whose own price is forgotten [points 3]
def fill(C, a, b):
    C0 = np.vstack([C, np.zeros(C.shape[1])])
    a0, total = np.append(a, b.sum() - a.sum()), b.sum()
    found = otg.solve_exact(C0, a0 / total, b / total)
    f, g = (v.numpy() for v in found.potentials)
    return {"plan": total * found.plan.numpy()[:-1], "f": f[:-1] - f[0], "g": g + f[0]}


# %% wrong: every pile goes to its nearest hole, and holes overflow
def fill(C, a, b):
    P = np.zeros(C.shape)
    P[np.arange(len(a)), C.argmin(1)] = a
    return {"plan": P, "f": C.min(1), "g": np.zeros(len(b))}


# %% wrong: cheapest trips first, with prices of the nearest holes [points 1]
def fill(C, a, b):
    P, left, room = np.zeros(C.shape), a.copy(), b.copy()
    for cell in np.argsort(C, axis=None):
        i, j = np.unravel_index(cell, C.shape)
        P[i, j] = min(left[i], room[j])
        left[i] -= P[i, j]
        room[j] -= P[i, j]
    return {"plan": P, "f": C.min(1), "g": np.zeros(len(b))}


# %% wrong: the plan unravelled column by column [points 1]
def fill(C, a, b):
    n, m = C.shape
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    found = linprog(C.ravel(), A_eq=rows, b_eq=a, A_ub=columns, b_ub=b)
    plan = found.x.reshape(n, m, order="F")
    return {"plan": plan, "f": found.eqlin.marginals, "g": found.ineqlin.marginals}


# %% wrong: the costs are halved, and with them the prices [points 3]
def fill(C, a, b):
    n, m = C.shape
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    found = linprog(C.ravel() / 2, A_eq=rows, b_eq=a, A_ub=columns, b_ub=b)
    return {"plan": found.x.reshape(n, m), "f": found.eqlin.marginals, "g": found.ineqlin.marginals}


# %% wrong: prices are left at zero [points 3]
def fill(C, a, b):
    n, m = C.shape
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    found = linprog(C.ravel(), A_eq=rows, b_eq=a, A_ub=columns, b_ub=b)
    return {"plan": found.x.reshape(n, m), "f": np.zeros(n), "g": np.zeros(m)}


# %% wrong: only the visible case
def fill(C, a, b):
    return {
        "plan": np.array([[1.5, 0.5, 0.0]]),
        "f": np.array([3.0]),
        "g": np.array([-2.0, 0.0, 0.0]),
    }
