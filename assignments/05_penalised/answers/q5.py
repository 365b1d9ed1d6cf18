# %% right: the best move as a linear programme, torch for the first part
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = otg.cost_matrix(torch.tensor(x), torch.tensor(y)) + x.shape[1] * torch.tensor(var)
    return otg.solve_exact(C, torch.tensor(a), torch.tensor(b)).value


def best_move(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    eye = np.eye(m)
    keep = np.block([[rows, np.zeros((n, 2 * m)), -a[:, None]], [columns, -eye, eye, -b[:, None]]])
    missed = np.concatenate([np.zeros(n * m), np.full(2 * m, 0.5), [0]])[None]
    gain = np.concatenate([C.ravel(), np.zeros(2 * m), [-W]])
    found = linprog(gain, A_eq=keep, b_eq=np.zeros(n + m), A_ub=missed, b_ub=[1])
    P, share = found.x[: n * m].reshape(n, m), found.x[-1]
    return -found.fun, P / share


def exact_from(C, a, b):
    return best_move(C, a, b)[0]


def too_weak(C, a, b):
    star, P = best_move(C, a, b)
    return 0.96 * star, P


# %% right: bisection over the weight, with loops
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    n, d = x.shape
    C = np.array([[sum((x[i] - y[j]) ** 2) for j in range(len(b))] for i in range(n)])
    noise = 0
    for j in range(len(b)):
        noise += b[j] * np.trace(var[j] * np.eye(d))
    plan = otg.solve_exact(C, a, b).plan
    return float((np.asarray(plan) * C).sum() + noise)


def penalised(C, a, b, lam):
    n, m = C.shape
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    P = found.x[: n * m].reshape(n, m)
    return found.fun, P


def exact_from(C, a, b):
    W, low, high = penalised(C, a, b, 1e6)[0], 0.0, 4 * float(C.max())
    while high - low > 1e-7 * high:
        middle = (low + high) / 2
        missed = np.abs(penalised(C, a, b, middle)[1].sum(0) - b).sum()
        low, high = (middle, high) if missed > 1e-9 else (low, middle)
    return high


def too_weak(C, a, b):
    lam = 0.97 * exact_from(C, a, b)
    return [lam, penalised(C, a, b, lam)[1]]


# %% wrong: the variance once, whatever the dimension [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + b @ var


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: the number of data for the dimension [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[0] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: the noise is forgotten [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: standard deviations for variances [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ np.sqrt(var))


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: the prior's weights forgotten in the noise [points 5]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * var.mean()


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: uniform weights in the transport [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: the root of the cost [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) ** 0.5 + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: a root inside of the cost [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2) ** 0.5
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: the noise is drawn before the transport [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    draws = 50
    rng = np.random.default_rng(0)
    wide = np.sqrt(var)[:, None, None] * rng.normal(size=(len(b), draws, x.shape[1]))
    model = (y[:, None] + wide).reshape(-1, x.shape[1])
    C = ((x[:, None] - model[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, np.repeat(b / draws, draws)).value)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: the noise by a few draws for each pair [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    rng = np.random.default_rng(0)
    noise = np.sqrt(var)[:, None] * rng.normal(size=(200, len(a), len(b), x.shape[1]))
    C = ((x[:, None] - y[None] - noise) ** 2).sum(-1).mean(0)
    return float(otg.solve_exact(C, a, b).value)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: the spread of some best prices [points 5]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    g = np.asarray(otg.solve_exact(C, a, b).potentials[1])
    return float(g.max() - g.min())


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: the largest price, not the spread [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    if len(a) == 1:
        return float(C.max() - C.min())
    return float(np.asarray(otg.solve_exact(C, a, b).potentials[1]).max())


def best_move(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    eye = np.eye(m)
    keep = np.block([[rows, np.zeros((n, 2 * m)), -a[:, None]], [columns, -eye, eye, -b[:, None]]])
    missed = np.concatenate([np.zeros(n * m), np.full(2 * m, 0.5), [0]])[None]
    gain = np.concatenate([C.ravel(), np.zeros(2 * m), [-W]])
    found = linprog(gain, A_eq=keep, b_eq=np.zeros(n + m), A_ub=missed, b_ub=[1])
    return -found.fun, found.x[: n * m].reshape(n, m) / found.x[-1]


def too_weak(C, a, b):
    star, P = best_move(C, a, b)
    return 0.96 * star, P


# %% wrong: the spread of the costs [points 3]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    return float(C.max() - C.min())


def too_weak(C, a, b):
    W, P = float(otg.solve_exact(C, a, b).value), np.zeros(C.shape)
    P[np.arange(len(a)), C.argmin(1)] = a
    fraction = (W - (P * C).sum()) / (np.abs(P.sum(0) - b).sum() / 2)
    return 0.99 * fraction, P


# %% wrong: what the nearest codes show [points 3]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    W = float(otg.solve_exact(C, a, b).value)
    missed = np.abs(np.bincount(C.argmin(1), a, len(b)) - b).sum() / 2
    return (W - a @ C.min(1)) / missed


def too_weak(C, a, b):
    W, P = float(otg.solve_exact(C, a, b).value), np.zeros(C.shape)
    P[np.arange(len(a)), C.argmin(1)] = a
    fraction = (W - (P * C).sum()) / (np.abs(P.sum(0) - b).sum() / 2)
    return 0.99 * fraction, P


# %% wrong: total variation is twice as large [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun / 2


def too_weak(C, a, b):
    n, m = C.shape
    lam = 1.96 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: data and codes change places in the prices [points 2]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m) * 0.5, np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: the encoder is the best plan [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, np.asarray(otg.solve_exact(C, a, b).plan)


# %% wrong: the weight is just too large [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 1.02 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m)


# %% wrong: the encoder has the columns of the prior and not the rows of the data [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m) * 0 + b / len(a)


# %% wrong: a tiny weight with the nearest codes [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    W, P = float(otg.solve_exact(C, a, b).value), np.zeros(C.shape)
    P[np.arange(len(a)), C.argmin(1)] = a
    fraction = (W - (P * C).sum()) / (np.abs(P.sum(0) - b).sum() / 2)
    return 0.001 * fraction, P


# %% wrong: the nearest codes as a witness [points 5]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    W, P = float(otg.solve_exact(C, a, b).value), np.zeros(C.shape)
    P[np.arange(len(a)), C.argmin(1)] = a
    fraction = (W - (P * C).sum()) / (np.abs(P.sum(0) - b).sum() / 2)
    return 0.99 * fraction, P


# %% wrong: rows that sum to one [points 4]
from scipy.optimize import linprog


def trained_cost(x, a, y, b, var):
    C = ((x[:, None] - y[None]) ** 2).sum(2)
    return float(otg.solve_exact(C, a, b).value) + x.shape[1] * (b @ var)


def exact_from(C, a, b):
    n, m = C.shape
    W = float(otg.solve_exact(C, a, b).value)
    rows, columns = np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))
    fits = np.hstack([rows, columns, np.zeros((n * m, 2))])
    above = np.hstack([np.zeros((m, n)), np.eye(m), np.zeros((m, 1)), -np.ones((m, 1))])
    below = np.hstack([np.zeros((m, n)), -np.eye(m), np.ones((m, 1)), np.zeros((m, 1))])
    best = -np.concatenate([a, b, [0, 0]])[None]
    aim = np.concatenate([np.zeros(n + m), [-1, 1]])
    sides = np.concatenate([C.ravel(), np.zeros(2 * m), [-W + 1e-11]])
    return linprog(aim, np.vstack([fits, above, below, best]), sides, bounds=(None, None)).fun


def too_weak(C, a, b):
    n, m = C.shape
    lam = 0.98 * exact_from(C, a, b)
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    A = np.block([[rows, np.zeros((n, 2 * m))], [columns, -np.eye(m), np.eye(m)]])
    aim = np.concatenate([C.ravel(), np.full(2 * m, lam / 2)])
    found = linprog(aim, A_eq=A, b_eq=np.concatenate([a, b]))
    return lam, found.x[: n * m].reshape(n, m) / a[:, None]


# %% wrong: a constant for each [points 0]
def trained_cost(x, a, y, b, var):
    return 3.0 + 3.0 * var.sum()


def exact_from(C, a, b):
    return 1.0


def too_weak(C, a, b):
    return 0.5, np.array([[1.0, 0.0]])
