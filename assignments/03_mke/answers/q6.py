# %% right: gradient descent through the plan of the exact solver, 25 starts
def fit_pipe(y, seed):
    y = torch.from_numpy(y)
    rng = np.random.default_rng(seed)
    z = (2 * torch.arange(30).double() + 1) / 30 - 1
    best = None
    for _ in range(25):
        angle = rng.uniform(0, 2 * np.pi)
        m, s = y.mean(0), 0.5 * y.std() * torch.tensor([np.cos(angle), np.sin(angle)])
        for _ in range(25):
            x = m + z[:, None] * s
            r = otg.solve_exact(otg.cost_matrix(x, y))
            pull = 2 * (x / len(z) - r.plan @ y)
            m, s = m - 0.5 * pull.sum(0), s - 1.0 * (z @ pull)
        if best is None or r.value < best[0]:
            best = r.value, m, s
    return best[1].numpy(), best[2].numpy()

# %% right: from order to order, without a gradient, and from evenly spaced directions
def fit_pipe(y, seed):
    N = len(y)
    w = (2 * np.arange(1, N + 1) - 1 - N) / N**2
    ends = []
    for angle in np.linspace(0, np.pi, 90, endpoint=False):
        s = np.array([np.cos(angle), np.sin(angle)])
        for _ in range(20):
            s = 3 * w @ y[np.argsort(y @ s)]
        ends.append((s @ s / 3 - 2 * w @ np.sort(y @ s), *s))
    return y.mean(axis=0), np.array(min(ends)[1:])

# %% right: the package's method and trainer, one start after another
def fit_pipe(y, seed):
    from scipy.optimize import minimize

    rng = np.random.default_rng(seed)
    z = torch.linspace(-1, 1, 61).double()[:60] + 1 / 60
    trees = torch.from_numpy(y)

    def value(at):
        theta = torch.from_numpy(at).requires_grad_()
        x = theta[:2] + z[:, None] * theta[2:]
        C = otg.cost_matrix(x, trees)
        loss = otg.solve_exact(C).value
        return loss.item(), torch.autograd.grad(loss, theta)[0].numpy()

    starts = [np.r_[y.mean(0), rng.normal(size=2) * y.std()] for _ in range(40)]
    ends = [minimize(value, one, jac=True, method="L-BFGS-B") for one in starts]
    best = min(ends, key=lambda end: end.fun)
    return best.x[:2], best.x[2:]

# %% wrong: a single start [points 3]
def fit_pipe(y, seed):
    N = len(y)
    w = (2 * np.arange(1, N + 1) - 1 - N) / N**2
    s = np.random.default_rng(seed).normal(size=2)
    for _ in range(50):
        s = 0.5 * s + 0.5 * 3 * w @ y[np.argsort(y @ s)]
    return y.mean(0), s

# %% wrong: many starts, but the last end is returned and not the best one [points 3]
def fit_pipe(y, seed):
    N = len(y)
    w = (2 * np.arange(1, N + 1) - 1 - N) / N**2
    rng = np.random.default_rng(seed)
    for _ in range(20):
        s = rng.normal(size=2)
        for _ in range(50):
            s = 0.5 * s + 0.5 * 3 * w @ y[np.argsort(y @ s)]
    return y.mean(0), s

# %% wrong: random starts that do not follow from the seed [points 4]
def fit_pipe(y, seed):
    N = len(y)
    w = (2 * np.arange(1, N + 1) - 1 - N) / N**2
    ends = []
    for _ in range(60):
        s = torch.randn(2).double().numpy()
        for _ in range(30):
            s = 0.5 * s + 0.5 * 3 * w @ y[np.argsort(y @ s)]
        ends.append((s @ s / 3 - 2 * w @ np.sort(y @ s), *s))
    return y.mean(0), np.array(min(ends)[1:])

# %% wrong: a seed for the starts, but batches of drops from the global randomness
def fit_pipe(y, seed):
    rng = np.random.default_rng(seed)
    ends = []
    for _ in range(10):
        s, m = rng.normal(size=2) * y.std(), y.mean(0)
        for _ in range(60):
            z = np.random.uniform(-1, 1, 8)
            x = torch.from_numpy(m + z[:, None] * s)
            P = otg.solve_exact(otg.cost_matrix(x, torch.from_numpy(y))).plan.numpy()
            pull = 2 * (x.numpy() / 8 - P @ y)
            m, s = m - 0.3 * pull.sum(0), s - 0.3 * z @ pull
        ends.append((P @ ((y - y.mean(0)) ** 2).sum(1)).sum())
    return m, s

# %% wrong: batches of four random drops, which shrink the pipe
def fit_pipe(y, seed):
    N = len(y)
    rng = np.random.default_rng(seed)
    best = None
    for _ in range(20):
        s = rng.normal(size=2) * y.std()
        for step in range(200):
            z = np.sort(rng.uniform(-1, 1, 4))
            cells = np.linspace(0, 1, 5)
            edges = np.linspace(0, 1, N + 1)
            upper = np.minimum.outer(cells[1:], edges[1:])
            share = np.clip(upper - np.maximum.outer(cells[:-1], edges[:-1]), 0, 1)
            partner = share @ y[np.argsort(y @ s)]
            target = z @ partner
            s = s - 2 / (10 + step) * (z @ z / 4 * s - target + y.mean(0) * z.mean()) * 3
        cost = s @ s / 3 - 2 * target @ s
        if best is None or cost < best[0]:
            best = cost, s
    return y.mean(0), best[1]

# %% wrong: too few steps
def fit_pipe(y, seed):
    N = len(y)
    w = (2 * np.arange(1, N + 1) - 1 - N) / N**2
    ends = []
    for one in np.random.default_rng(seed).normal(size=(60, 2)):
        s = one * y.std()
        for _ in range(10):
            s = 0.98 * s + 0.02 * 3 * w @ y[np.argsort(y @ s)]
        ends.append((s @ s / 3 - 2 * w @ np.sort(y @ s), *s))
    return 0.9 * y.mean(0), np.array(min(ends)[1:])

# %% wrong: the first principal axis, with the spread of the data
def fit_pipe(y, seed):
    centred = y - y.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(y))
    return y.mean(0), np.sqrt(3 * values[-1]) * vectors[:, -1]

# %% wrong: from one tree to the farthest one
def fit_pipe(y, seed):
    far = ((y[:, None] - y) ** 2).sum(2)
    i, j = np.unravel_index(far.argmax(), far.shape)
    return (y[i] + y[j]) / 2, (y[i] - y[j]) / 2

# %% wrong: the formula for three trees, whatever their number
def fit_pipe(y, seed):
    far = ((y[:, None] - y) ** 2).sum(2)
    i, j = np.unravel_index(far.argmax(), far.shape)
    return y.mean(0), 2 / 3 * (y[i] - y[j])

# %% wrong: the pipe of an entropic plan, which is too short
def fit_pipe(y, seed):
    z = torch.linspace(-1, 1, 40).double()
    trees = torch.from_numpy(y)
    spread = float(((y - y.mean(0)) ** 2).sum(1).mean())
    rng = np.random.default_rng(seed)
    ends = []
    for _ in range(6):
        s = torch.from_numpy(rng.normal(size=2) * y.std())
        for _ in range(25):
            C = otg.cost_matrix(trees.mean(0) + z[:, None] * s, trees)
            r = otg.solve_sinkhorn(C, 0.6 * spread, tol=1e-3)
            s = 3 * z @ (r.plan @ trees - trees.mean(0) / 40)
        ends.append((float(r.value), s))
    return trees.mean(0), min(ends, key=lambda end: end[0])[1]

# %% wrong: the middle stays at the origin
def fit_pipe(y, seed):
    N = len(y)
    w = (2 * np.arange(1, N + 1) - 1 - N) / N**2
    ends = []
    for s in np.random.default_rng(seed).normal(size=(60, 2)):
        for _ in range(30):
            s = 3 * w @ y[np.argsort(y @ s)]
        ends.append((s @ s / 3 - 2 * w @ np.sort(y @ s), *s))
    return np.zeros(2), np.array(min(ends)[1:])

# %% wrong: uphill
def fit_pipe(y, seed):
    N = len(y)
    w = (2 * np.arange(1, N + 1) - 1 - N) / N**2
    s = np.random.default_rng(seed).normal(size=2)
    for _ in range(50):
        s = s + 0.1 * (2 / 3 * s - 2 * w @ y[np.argsort(y @ s)])
    return y.mean(0), s

# %% wrong: a point in the middle
def fit_pipe(y, seed):
    return y.mean(axis=0), np.zeros(2)
