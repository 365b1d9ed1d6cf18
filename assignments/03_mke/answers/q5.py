# %% right: difference quotients of both functions
def four_slopes(x, e, v):
    half, poles = np.array([0.5, 0.5]), np.stack([e, -e])
    psi = 2 * np.median(x @ e) * np.array([-1, 1])

    def W(t):
        return float(otg.solve_exact(otg.cost_matrix(x + t * v, poles), None, half).value)

    def F(t):
        return np.mean(np.min(otg.cost_matrix(x + t * v, poles).numpy() - psi, axis=1))

    h = 1e-6
    return np.array([(f(t) - f(0)) / t for f, t in ((F, h), (W, h), (W, -h), (F, -h))])


def three_models(e):
    across = np.zeros(len(e))
    across[np.argmin(np.abs(e))] = 1
    across -= (across @ e) * e
    return {
        "gradient": (np.stack([e, -e]) / 2, np.stack([e, -e])),
        "formula fails": (np.stack([0.7 * e] * 3), np.stack([e, e, e])),
        "kink": (np.stack([across, -across]), np.stack([e, -e])),
    }

# %% right: linear programmes over the cheapest plans, in torch
def four_slopes(x, e, v):
    from scipy.optimize import linprog

    x, e, v = map(torch.from_numpy, (x, e, v))
    n = len(x)
    poles = torch.stack([e, -e])
    middle = (x @ e).quantile(0.5)
    offers = otg.cost_matrix(x, poles) + torch.stack([2 * middle, -2 * middle])
    allowed = offers <= offers.amin(1, keepdim=True) + 1e-8
    rates = 2 * ((x[:, None] - poles) * v[:, None]).sum(2)
    lower = rates.masked_fill(~allowed, torch.inf).amin(1).mean()
    upper = rates.masked_fill(~allowed, -torch.inf).amax(1).mean()
    rows = np.vstack([np.kron(np.eye(n), np.ones(2)), np.kron(np.ones(n), np.eye(2))])
    masses = np.r_[np.full(n, 1 / n), 0.5, 0.5]
    bounds = [(0, 1.0 if ok else 0.0) for ok in allowed.flatten().tolist()]
    c = rates.flatten().numpy()
    least = linprog(c, A_eq=rows, b_eq=masses, bounds=bounds).fun
    most = -linprog(-c, A_eq=rows, b_eq=masses, bounds=bounds).fun
    return torch.tensor([float(lower), least, most, float(upper)], dtype=torch.float64)


def three_models(e):
    e = torch.from_numpy(e)
    return {
        "gradient": (torch.stack([3 * e, -e]), torch.stack([e, 0 * e])),
        "formula fails": (0 * e[None], e[None]),
        "kink": (torch.zeros(4, len(e)).double(), torch.stack([e, -e, 2 * e, e])),
    }

# %% wrong: central differences, as if there were a gradient [points 2]
def four_slopes(x, e, v):
    half, poles = np.array([0.5, 0.5]), np.stack([e, -e])

    def W(t):
        return float(otg.solve_exact(otg.cost_matrix(x + t * v, poles), None, half).value)

    return np.full(4, (W(1e-6) - W(-1e-6)) / 2e-6)


def three_models(e):
    return {
        "gradient": (np.array([2 * e, -e]), np.array([e, e])),
        "formula fails": (np.array([e / 2]), np.array([e])),
        "kink": (np.array([0 * e, 0 * e]), np.array([e, -e])),
    }

# %% wrong: the formula taken for the function [points 1]
def four_slopes(x, e, v):
    m = np.median(x @ e)

    def F(t):
        at = x + t * v
        return np.mean((at**2).sum(1) + 1 - np.abs(2 * at @ e - 2 * m))

    right, left = (F(1e-6) - F(0)) / 1e-6, (F(0) - F(-1e-6)) / 1e-6
    return np.array([right, right, left, left])

# %% wrong: the function taken for the formula [points 2]
def four_slopes(x, e, v):
    half, poles = np.array([0.5, 0.5]), np.stack([e, -e])

    def W(t):
        return float(otg.solve_exact(otg.cost_matrix(x + t * v, poles), None, half).value)

    right, left = (W(1e-6) - W(0)) / 1e-6, (W(0) - W(-1e-6)) / 1e-6
    return np.array([right, right, left, left])

# %% wrong: the solver's one plan gives all slopes
def four_slopes(x, e, v):
    half, poles = np.array([0.5, 0.5]), np.stack([e, -e])
    P = otg.solve_exact(otg.cost_matrix(x, poles), None, half).plan.numpy()
    rates = 2 * ((x[:, None] - poles) * v[:, None]).sum(2)
    return np.full(4, (P * rates).sum())

# %% wrong: left and right exchanged
def four_slopes(x, e, v):
    half, poles = np.array([0.5, 0.5]), np.stack([e, -e])
    m = np.median(x @ e)

    def W(t):
        return float(otg.solve_exact(otg.cost_matrix(x + t * v, poles), None, half).value)

    def F(t):
        at = x + t * v
        return np.mean((at**2).sum(1) + 1 - np.abs(2 * at @ e - 2 * m))

    h = 1e-6
    return np.array([(f(t) - f(0)) / t for f, t in ((F, -h), (W, -h), (W, h), (F, h))])

# %% wrong: the slope to the left is that in direction -v, with its sign kept
def four_slopes(x, e, v):
    half, poles = np.array([0.5, 0.5]), np.stack([e, -e])
    m = np.median(x @ e)

    def W(t):
        return float(otg.solve_exact(otg.cost_matrix(x + t * v, poles), None, half).value)

    def F(t):
        at = x + t * v
        return np.mean((at**2).sum(1) + 1 - np.abs(2 * at @ e - 2 * m))

    h = 1e-6
    return np.array([(f(t) - f(0)) / h for f, t in ((F, h), (W, h), (W, -h), (F, -h))])

# %% wrong: the mean of the heights instead of their median [points 2]
def four_slopes(x, e, v):
    half, poles = np.array([0.5, 0.5]), np.stack([e, -e])
    m = np.mean(x @ e)

    def W(t):
        return float(otg.solve_exact(otg.cost_matrix(x + t * v, poles), None, half).value)

    def F(t):
        at = x + t * v
        return np.mean((at**2).sum(1) + 1 - np.abs(2 * at @ e - 2 * m))

    h = 1e-6
    return np.array([(f(t) - f(0)) / t for f, t in ((F, h), (W, h), (W, -h), (F, -h))])

# %% wrong: a potential of zero [points 2]
def four_slopes(x, e, v):
    half, poles = np.array([0.5, 0.5]), np.stack([e, -e])

    def W(t):
        return float(otg.solve_exact(otg.cost_matrix(x + t * v, poles), None, half).value)

    def F(t):
        at = x + t * v
        return np.mean((at**2).sum(1) + 1 - np.abs(2 * at @ e))

    h = 1e-6
    return np.array([(f(t) - f(0)) / t for f, t in ((F, h), (W, h), (W, -h), (F, -h))])

# %% wrong: the cost is halved
def four_slopes(x, e, v):
    half, poles = np.array([0.5, 0.5]), np.stack([e, -e])
    m = np.median(x @ e)

    def W(t):
        C = otg.cost_matrix(x + t * v, poles) / 2
        return float(otg.solve_exact(C, None, half).value)

    def F(t):
        at = x + t * v
        return np.mean((at**2).sum(1) + 1 - np.abs(2 * at @ e - 2 * m)) / 2

    h = 1e-6
    return np.array([(f(t) - f(0)) / t for f, t in ((F, h), (W, h), (W, -h), (F, -h))])

# %% wrong: a quotient with a step of a tenth
def four_slopes(x, e, v):
    half, poles = np.array([0.5, 0.5]), np.stack([e, -e])
    m = np.median(x @ e)

    def W(t):
        return float(otg.solve_exact(otg.cost_matrix(x + t * v, poles), None, half).value)

    def F(t):
        at = x + t * v
        return np.mean((at**2).sum(1) + 1 - np.abs(2 * at @ e - 2 * m))

    h = 0.1
    return np.array([(f(t) - f(0)) / t for f, t in ((F, h), (W, h), (W, -h), (F, -h))])

# %% wrong: only the point of the beginning of the chapter
def four_slopes(x, e, v):
    at = float(x[0] @ e)
    return np.array([2 * at - 2, 2 * at, 2 * at, 2 * at + 2])


def three_models(e):
    return {
        "gradient": (np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]])),
        "formula fails": (np.array([[0.0, 0.5]]), np.array([[0.0, 1.0]])),
        "kink": (np.array([[0.0, 0.0]]), np.array([[0.0, 1.0]])),
    }

# %% wrong: no model moves
def three_models(e):
    still = (np.array([0 * e, 0 * e]), np.array([0 * e, 0 * e]))
    return {"gradient": still, "formula fails": still, "kink": still}

# %% wrong: kink and failure exchanged
def three_models(e):
    return {
        "gradient": (np.array([2 * e, -e]), np.array([e, e])),
        "kink": (np.array([e / 2]), np.array([e])),
        "formula fails": (np.array([0 * e, 0 * e]), np.array([e, -e])),
    }

# %% wrong: the ends of a needle that has already turned are taken for a kink
def three_models(e):
    across = np.linalg.svd(e[None])[2][-1]
    tip = np.cos(0.4) * across + np.sin(0.4) * e
    turn = -np.sin(0.4) * across + np.cos(0.4) * e
    return {
        "gradient": (np.array([2 * e, -e]), np.array([e, e])),
        "formula fails": (np.array([e / 2]), np.array([e])),
        "kink": (np.array([tip, -tip]), np.array([turn, -turn])),
    }
