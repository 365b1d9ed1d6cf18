# %% right: the package's solver for the largest sum, permutations in torch for the costs
def best_scale(Z, Y):
    K, n, d = Z.shape
    r = [-float(otg.solve_exact(-(z @ y.T)).value) / d for z, y in zip(Z, Y)]
    r = torch.tensor(r, dtype=torch.float64)
    return r.mean(), r.std() / K**0.5


def second_batches(X, X2, Y, Y2):
    from scipy.optimize import linear_sum_assignment

    total = 0.0
    for k in range(len(X)):
        for sign, x, y in ((1, X, Y), (-0.5, X, X2), (-0.5, Y, Y2)):
            C = torch.cdist(torch.from_numpy(x[k]), torch.from_numpy(y[k])) ** 2
            rows, columns = linear_sum_assignment(C.numpy())
            total += sign * float(C[rows, columns].mean())
    return total / len(X)

# %% right: scales from squared costs, and the loss of the package's method
def best_scale(Z, Y):
    n, d = Z.shape[1:]
    r = []
    for z, y in zip(Z, Y):
        W = otg.solve_exact(otg.cost_matrix(z, y)).value.item()
        r.append(((z**2).sum() / n + (y**2).sum() / n - W) / (2 * d))
    error = np.sqrt(np.var(r, ddof=1) / len(r))
    return float(np.mean(r)), float(error)


def second_batches(X, X2, Y, Y2):
    between = otg.MKE(torch.nn.Linear(1, 1)).loss_between
    X, X2, Y, Y2 = map(torch.from_numpy, (X, X2, Y, Y2))
    one = sum(between(x, y) for x, y in zip(X, Y))
    own = sum(between(*pair) for pair in [*zip(X, X2), *zip(Y, Y2)])
    return (one - own / 2) / len(X)

# %% wrong: pairs in the order in which they were drawn
def best_scale(Z, Y):
    K, n, d = Z.shape
    r = (Z * Y).sum((1, 2)) / (n * d)
    return r.mean(), r.std(ddof=1) / np.sqrt(K)


def second_batches(X, X2, Y, Y2):
    def W(x, y):
        return ((x - y) ** 2).sum(2).mean()

    return W(X, Y) - W(X, X2) / 2 - W(Y, Y2) / 2

# %% wrong: every coordinate is sorted on its own
def best_scale(Z, Y):
    K, n, d = Z.shape
    r = (np.sort(Z, axis=1) * np.sort(Y, axis=1)).sum((1, 2)) / (n * d)
    return r.mean(), r.std(ddof=1) / np.sqrt(K)


def second_batches(X, X2, Y, Y2):
    def W(x, y):
        return ((np.sort(x, axis=1) - np.sort(y, axis=1)) ** 2).sum(2).mean()

    return W(X, Y) - W(X, X2) / 2 - W(Y, Y2) / 2

# %% wrong: each point takes the partner that it likes best
def best_scale(Z, Y):
    K, n, d = Z.shape
    r = (Z @ Y.transpose(0, 2, 1)).max(2).mean(1) / d
    return r.mean(), r.std(ddof=1) / np.sqrt(K)


def second_batches(X, X2, Y, Y2):
    def W(x, y):
        return ((x[:, :, None] - y[:, None]) ** 2).sum(3).min(2).mean()

    return W(X, Y) - W(X, X2) / 2 - W(Y, Y2) / 2

# %% wrong: the spread of one pair instead of the error of the mean [points 4]
def best_scale(Z, Y):
    r = [-float(otg.solve_exact(-(z @ y.T)).value) / Z.shape[2] for z, y in zip(Z, Y)]
    return np.mean(r), np.std(r, ddof=1)


def second_batches(X, X2, Y, Y2):
    def W(x, y):
        return float(otg.solve_exact(otg.cost_matrix(x, y)).value)

    return np.mean([W(x, y) - (W(x, x2) + W(y, y2)) / 2 for x, x2, y, y2 in zip(X, X2, Y, Y2)])

# %% wrong: the variance over the number of batches, no root [points 4]
def best_scale(Z, Y):
    r = [-float(otg.solve_exact(-(z @ y.T)).value) / Z.shape[2] for z, y in zip(Z, Y)]
    return np.mean(r), np.var(r, ddof=1) / len(r)


def second_batches(X, X2, Y, Y2):
    def W(x, y):
        return float(otg.solve_exact(otg.cost_matrix(x, y)).value)

    return np.mean([W(x, y) - (W(x, x2) + W(y, y2)) / 2 for x, x2, y, y2 in zip(X, X2, Y, Y2)])

# %% wrong: over the root of all points instead of the batches [points 2]
def best_scale(Z, Y):
    K, n, d = Z.shape
    r = [-float(otg.solve_exact(-(z @ y.T)).value) / d for z, y in zip(Z, Y)]
    return np.mean(r), np.std(r, ddof=1) / np.sqrt(K * n)

# %% wrong: the dimension is forgotten in the scale [points 0]
def best_scale(Z, Y):
    K, n, d = Z.shape
    r = [-float(otg.solve_exact(-(z @ y.T)).value) for z, y in zip(Z, Y)]
    return np.mean(r), np.std(r, ddof=1) / np.sqrt(K)

# %% wrong: all batches are thrown together
def best_scale(Z, Y):
    K, n, d = Z.shape
    z, y = Z.reshape(-1, d), Y.reshape(-1, d)
    return -float(otg.solve_exact(-(z @ y.T)).value) / d, 1 / np.sqrt(K * n)


def second_batches(X, X2, Y, Y2):
    def W(x, y):
        d = x.shape[2]
        return float(otg.solve_exact(otg.cost_matrix(x.reshape(-1, d), y.reshape(-1, d))).value)

    return W(X, Y) - W(X, X2) / 2 - W(Y, Y2) / 2

# %% wrong: a sample is compared with itself, as in the Sinkhorn divergence [points 3]
def best_scale(Z, Y):
    r = [-float(otg.solve_exact(-(z @ y.T)).value) / Z.shape[2] for z, y in zip(Z, Y)]
    return np.mean(r), np.std(r, ddof=1) / np.sqrt(len(r))


def second_batches(X, X2, Y, Y2):
    def W(x, y):
        return float(otg.solve_exact(otg.cost_matrix(x, y)).value)

    return np.mean([W(x, y) - (W(x, x) + W(y, y)) / 2 for x, y in zip(X, Y)])

# %% wrong: the second batches are subtracted in full [points 3]
def best_scale(Z, Y):
    r = [-float(otg.solve_exact(-(z @ y.T)).value) / Z.shape[2] for z, y in zip(Z, Y)]
    return np.mean(r), np.std(r, ddof=1) / np.sqrt(len(r))


def second_batches(X, X2, Y, Y2):
    def W(x, y):
        return float(otg.solve_exact(otg.cost_matrix(x, y)).value)

    return np.mean([W(x, y) - W(x, x2) - W(y, y2) for x, x2, y, y2 in zip(X, X2, Y, Y2)])

# %% wrong: only the model's second batch [points 3]
def best_scale(Z, Y):
    r = [-float(otg.solve_exact(-(z @ y.T)).value) / Z.shape[2] for z, y in zip(Z, Y)]
    return np.mean(r), np.std(r, ddof=1) / np.sqrt(len(r))


def second_batches(X, X2, Y, Y2):
    def W(x, y):
        return float(otg.solve_exact(otg.cost_matrix(x, y)).value)

    return np.mean([W(x, y) - W(x, x2) / 2 for x, x2, y in zip(X, X2, Y)])

# %% wrong: distances in the second part, not squared [points 3]
def best_scale(Z, Y):
    r = [-float(otg.solve_exact(-(z @ y.T)).value) / Z.shape[2] for z, y in zip(Z, Y)]
    return np.mean(r), np.std(r, ddof=1) / np.sqrt(len(r))


def second_batches(X, X2, Y, Y2):
    def W(x, y):
        return float(otg.solve_exact(otg.cost_matrix(x, y, "euclidean")).value)

    return np.mean([W(x, y) - (W(x, x2) + W(y, y2)) / 2 for x, x2, y, y2 in zip(X, X2, Y, Y2)])

# %% wrong: the closed form of Gaussian pairs for everything
def best_scale(Z, Y):
    return 1 / np.pi, Z.std() / np.sqrt(len(Z))
