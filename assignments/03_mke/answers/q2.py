# %% right: shortest paths: from one datum a corner, from all of them on average the inside
def two_potentials(x, y):
    from scipy.optimize import linear_sum_assignment

    C = otg.cost_matrix(x[:, None], y[:, None]).numpy()
    n = len(x)
    partner = np.argsort(linear_sum_assignment(C)[1])  # the point of each datum
    length = C[partner] - C[partner, np.arange(n)][:, None]  # how much dearer j is for k's point
    for k in range(n):
        length = np.minimum(length, length[:, k : k + 1] + length[k])
    return length.mean(axis=0), length[0]

# %% right: a linear programme that makes the smallest slack as large as possible
def two_potentials(x, y):
    from scipy.optimize import linear_sum_assignment, linprog

    n = len(x)
    C = np.subtract.outer(x, y) ** 2
    partner = linear_sum_assignment(C)[1]
    rows, bounds = [], []
    for i in range(n):
        for j in range(n):
            if j != partner[i]:  # C_ij - g_j >= C_ii' - g_i' + slack
                row = np.zeros(n + 1)
                row[j], row[partner[i]], row[n] = 1, -1, 1
                rows.append(row)
                bounds.append(C[i, j] - C[i, partner[i]])
    free = [(0, 0)] + [(None, None)] * (n - 1)
    widest = linprog(np.r_[np.zeros(n), -1], A_ub=rows, b_ub=bounds, bounds=[*free, (0, None)])
    order = np.argsort(y)  # raise each datum as far as its left neighbour allows
    xs, ys = np.sort(x), y[order]
    g = np.zeros(n)
    for k in range(n - 1):
        step = (xs[k] - ys[k + 1]) ** 2 - (xs[k] - ys[k]) ** 2
        g[order[k + 1]] = g[order[k]] + step
    return widest.x[:n], g

# %% right: both ends of every interval, and the mean of these two corners
def two_potentials(x, y):
    rank = torch.from_numpy(y).argsort().argsort()
    xs, ys = torch.from_numpy(x).sort().values, torch.from_numpy(y).sort().values
    C = (xs[:, None] - ys) ** 2
    up = C.diagonal(1) - C.diagonal()[:-1]
    down = C.diagonal()[1:] - C.diagonal(-1)
    zero = torch.zeros(1, dtype=C.dtype)
    corners = [torch.cat([zero, steps.cumsum(0)])[rank] for steps in (up, down)]
    return ((corners[0] + corners[1]) / 2).numpy(), corners[1].numpy()

# %% wrong: the solver's potential, twice: its ties are not always all of them [points 1]
def two_potentials(x, y):
    g = otg.solve_exact(otg.cost_matrix(x[:, None], y[:, None])).potentials[1].numpy()
    return g, g.copy()

# %% wrong: the inside, twice [points 3]
def two_potentials(x, y):
    from otgen_lite.transport.inner_potential import inner_potential

    C = otg.cost_matrix(x[:, None], y[:, None])
    g = inner_potential(C, otg.solve_exact(C)).numpy()
    return g, g

# %% wrong: inside and corner exchanged [points 1]
def two_potentials(x, y):
    from otgen_lite.transport.inner_potential import inner_potential

    C = otg.cost_matrix(x[:, None], y[:, None])
    solved = otg.solve_exact(C)
    return solved.potentials[1].numpy(), inner_potential(C, solved).numpy()

# %% wrong: a solver's potential is shifted by a constant, which changes nothing [points 1]
def two_potentials(x, y):
    g = otg.solve_exact(otg.cost_matrix(x[:, None], y[:, None])).potentials[1].numpy()
    return g + 0.1, g

# %% wrong: the potentials of the other side
def two_potentials(x, y):
    from otgen_lite.transport.inner_potential import inner_potential

    C = otg.cost_matrix(y[:, None], x[:, None])
    solved = otg.solve_exact(C)
    return inner_potential(C, solved).numpy(), solved.potentials[1].numpy()

# %% wrong: sorted, and not put back into the order of the data
def two_potentials(x, y):
    x, y = np.sort(x), np.sort(y)
    low = (x[1:] - y[1:]) ** 2 - (x[1:] - y[:-1]) ** 2
    high = (x[:-1] - y[1:]) ** 2 - (x[:-1] - y[:-1]) ** 2
    return tuple(np.r_[0, np.cumsum(d)] for d in ((low + high) / 2, high))

# %% wrong: sorted data are assumed
def two_potentials(x, y):
    low = (x[1:] - y[1:]) ** 2 - (x[1:] - y[:-1]) ** 2
    high = (x[:-1] - y[1:]) ** 2 - (x[:-1] - y[:-1]) ** 2
    return tuple(np.r_[0, np.cumsum(d)] for d in ((low + high) / 2, high))

# %% wrong: the sign of the potential
def two_potentials(x, y):
    from otgen_lite.transport.inner_potential import inner_potential

    C = otg.cost_matrix(x[:, None], y[:, None])
    solved = otg.solve_exact(C)
    return -inner_potential(C, solved).numpy(), -solved.potentials[1].numpy()

# %% wrong: potentials of the halved cost
def two_potentials(x, y):
    from otgen_lite.transport.inner_potential import inner_potential

    C = otg.cost_matrix(x[:, None], y[:, None]) / 2
    solved = otg.solve_exact(C)
    return inner_potential(C, solved).numpy(), solved.potentials[1].numpy()

# %% wrong: an entropic potential for the inside, with too large an epsilon [points 1]
def two_potentials(x, y):
    C = otg.cost_matrix(x[:, None], y[:, None])
    soft = otg.solve_sinkhorn(C, 5.0, tol=1e-6).potentials[1]
    order = np.argsort(y)
    xs, ys = np.sort(x), y[order]
    g = np.zeros(len(y))
    g[order[1:]] = np.cumsum((xs[1:] - ys[1:]) ** 2 - (xs[1:] - ys[:-1]) ** 2)
    return soft.numpy(), g

# %% wrong: zero, and the perfect model's corner
def two_potentials(x, y):
    g = np.zeros(len(y))
    g[-1] = 1
    return 0 * y, g

# %% wrong: noise on the solver's corner
def two_potentials(x, y):
    g = otg.solve_exact(otg.cost_matrix(x[:, None], y[:, None])).potentials[1].numpy()
    return g + 0.01 * np.random.default_rng(0).normal(size=len(y)), g
