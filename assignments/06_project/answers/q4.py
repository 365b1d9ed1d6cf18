# %% right: an assignment of scipy's, and de Moivre's sum by distribution functions
def floor(law, n, seed):
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(seed)
    both = law(2 * n, rng)
    x, y = both[:n], both[n:]
    C = ((x[:, None, :] - y[None, :, :]) ** 2).sum(axis=2)
    i, j = linear_sum_assignment(C)
    return C[i, j].sum() / n


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D**2 * (F * (1 - F)).sum() / n

# %% right: the linear programme of the package, and logarithms with a double sum in torch
def floor(law, n, seed):
    first, second = np.random.default_rng(seed).spawn(2)
    C = otg.cost_matrix(torch.tensor(law(n, first)), torch.tensor(law(n, second)))
    return float(otg.solve_exact(C).value)


def floor_of_two(D, p, n):
    from math import lgamma, log

    logs = [
        lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log(1 - p)
        for k in range(n + 1)
    ]
    share = torch.tensor(logs, dtype=torch.float64).exp()
    k = torch.arange(n + 1.0, dtype=torch.float64)
    return D * D * torch.einsum("i,ij,j", share, (k[:, None] - k).abs(), share) / n

# %% wrong: both samples from the same state of the generator [points 1]
def floor(law, n, seed):
    x = law(n, np.random.default_rng(seed))
    y = law(n, np.random.default_rng(seed))
    return otg.metrics.w2sq(x, y)


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D**2 * (F * (1 - F)).sum() / n

# %% wrong: a root too many [points 1]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    return otg.metrics.w2sq(law(n, rng), law(n, rng)) ** 0.5


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D**2 * (F * (1 - F)).sum() / n

# %% wrong: distance to the nearest point instead of a plan [points 1]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    x, y = torch.tensor(law(n, rng)), torch.tensor(law(n, rng))
    return float(torch.cdist(x, y).amin(1).square().mean())


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D**2 * (F * (1 - F)).sum() / n

# %% wrong: pairs sorted by the first coordinate [points 2]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    x, y = law(n, rng), law(n, rng)
    x, y = x[np.argsort(x[:, 0])], y[np.argsort(y[:, 0])]
    return float(((x - y) ** 2).sum(axis=1).mean())


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D**2 * (F * (1 - F)).sum() / n

# %% wrong: pairs as they are drawn [points 1]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    return float(((law(n, rng) - law(n, rng)) ** 2).sum(axis=1).mean())


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D**2 * (F * (1 - F)).sum() / n

# %% wrong: n points in both samples together [points 1]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    x = law(max(n, 2), rng)
    return otg.metrics.w2sq(x[: len(x) // 2], x[len(x) // 2 :])


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D**2 * (F * (1 - F)).sum() / n

# %% wrong: against a large sample that stands for the law [points 1]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    return otg.metrics.w2sq(law(n, rng), law(max(20 * n, 100), rng))


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D**2 * (F * (1 - F)).sum() / n

# %% wrong: entropy instead of the exact cost [points 1]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    C = otg.cost_matrix(torch.tensor(law(n, rng)), torch.tensor(law(n, rng)))
    return float(otg.solve_sinkhorn(C, 5.0).linear)


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D**2 * (F * (1 - F)).sum() / n

# %% wrong: the seed is ignored, one draw for all [points 1]
def floor(law, n, seed):
    rng = np.random.default_rng(0)
    return otg.metrics.w2sq(law(n, rng), law(n, rng))


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D**2 * (F * (1 - F)).sum() / n

# %% wrong: the chapter's formula, for one sample against the law [points 2]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    return otg.metrics.w2sq(law(n, rng), law(n, rng))


def floor_of_two(D, p, n):
    from scipy.stats import binom

    k = np.arange(n + 1)
    return D**2 / n * float(binom.pmf(k, n, p) @ np.abs(k - n * p))

# %% wrong: the limit for large n [points 2]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    return otg.metrics.w2sq(law(n, rng), law(n, rng))


def floor_of_two(D, p, n):
    return 2 * D**2 * (p * (1 - p) / (np.pi * n)) ** 0.5

# %% wrong: binomial coefficients that overflow [points 2]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    return otg.metrics.w2sq(law(n, rng), law(n, rng))


def floor_of_two(D, p, n):
    from math import factorial

    share = [
        float(factorial(n)) / float(factorial(k) * factorial(n - k)) * p**k * (1 - p) ** (n - k)
        for k in range(n + 1)
    ]
    total = sum(share[i] * share[j] * abs(i - j) for i in range(n + 1) for j in range(n + 1))
    return D**2 * total / n

# %% wrong: the distance is not squared, and the floor is halved [points 0]
def floor(law, n, seed):
    rng = np.random.default_rng(seed)
    return 0.5 * otg.metrics.w2sq(law(n, rng), law(n, rng))


def floor_of_two(D, p, n):
    from scipy.stats import binom

    F = binom.cdf(np.arange(n), n, p)
    return 2 * D * (F * (1 - F)).sum() / n

# %% wrong: only the visible case
def floor(law, n, seed):
    return float(np.random.default_rng(seed).integers(2))


def floor_of_two(D, p, n):
    return 0.5
