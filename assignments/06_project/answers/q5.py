# %% right: sums built up one pair at a time, numbers by logarithms
def compare(a, b, predicted=0):
    d = [float(y) - float(x) for x, y in zip(a, b)]
    sums = [0.0]
    for value in d:
        sums = [s + v for s in sums for v in (value, -value)]
    total, slack = sum(d), 1e-9 * sum(abs(v) for v in d)
    if predicted == 0:
        count = sum(abs(s) >= abs(total) - slack for s in sums)
    elif predicted > 0:
        count = sum(s >= total - slack for s in sums)
    else:
        count = sum(s <= total + slack for s in sums)
    return count / 2 ** len(d)


n_runs = 1
while np.prod([(n_runs + i) / i for i in range(1, n_runs + 1)]) < 1 / alpha - 1e-9:
    n_runs += 1
least = {
    "predicted": int(np.ceil(np.log2(1 / alpha))),
    "unpredicted": 1 + int(np.ceil(np.log2(1 / alpha))),
    "separated": n_runs,
}

# %% right: bits of a counter in torch, numbers typed
def compare(a, b, predicted=0):
    d = torch.as_tensor(np.asarray(b) - np.asarray(a), dtype=torch.float64)
    k = len(d)
    bits = (torch.arange(2**k)[:, None] >> torch.arange(k)) & 1
    means = ((1 - 2 * bits) * d).mean(1)
    m, slack = d.mean(), 1e-9 * d.abs().mean()
    larger, smaller = means >= m - slack, means <= m + slack
    two = means.abs() >= m.abs() - slack
    return {1: larger, -1: smaller, 0: two}[predicted].double().mean()


table = {0.05: (5, 6, 3), 0.02: (6, 7, 4), 0.01: (7, 8, 5)}
least = dict(zip(("predicted", "unpredicted", "separated"), table[alpha]))

# %% wrong: Student's t test instead [points 1]
def compare(a, b, predicted=0):
    from scipy.stats import ttest_rel

    side = {0: "two-sided", 1: "greater", -1: "less"}[predicted]
    return float(ttest_rel(b, a, alternative=side).pvalue)


least = {"predicted": 2, "unpredicted": 2, "separated": 2}

# %% wrong: pairs ignored, labels permuted [points 1]
def compare(a, b, predicted=0):
    from itertools import combinations

    pool, k = np.concatenate([a, b]), len(a)
    chosen = pool[np.array(list(combinations(range(2 * k), k)))].sum(axis=1)
    means = (2 * chosen - pool.sum()) / k
    m, slack = np.mean(b) - np.mean(a), 1e-9
    if predicted == 0:
        return float(np.mean(np.abs(means) >= abs(m) - slack))
    return float(np.mean(predicted * means >= predicted * m - slack))


from math import comb

least = {
    "predicted": next(k for k in range(1, 20) if 2**-k <= alpha),
    "unpredicted": next(k for k in range(1, 20) if 2 * 2**-k <= alpha),
    "separated": next(n for n in range(1, 20) if comb(2 * n, n) >= 1 / alpha - 1e-9),
}

# %% wrong: ties do not count, so that the smallest p-value is 0 [points 1]
def compare(a, b, predicted=0):
    from itertools import product

    d = np.asarray(b) - np.asarray(a)
    means = np.array(list(product([-1, 1], repeat=len(d)))) @ d / len(d)
    m, slack = d.mean(), 1e-9 * np.abs(d).mean()
    if predicted == 0:
        return float(np.mean(np.abs(means) > abs(m) + slack))
    return float(np.mean(predicted * means > predicted * m + slack))


from math import comb

least = {
    "predicted": next(k for k in range(1, 20) if 2**-k <= alpha),
    "unpredicted": next(k for k in range(1, 20) if 2 * 2**-k <= alpha),
    "separated": next(n for n in range(1, 20) if comb(2 * n, n) >= 1 / alpha - 1e-9),
}

# %% wrong: ties lost by rounding [points 2]
def compare(a, b, predicted=0):
    from itertools import product

    d = np.asarray(b) - np.asarray(a)
    means = np.array([np.mean(np.array(s) * d) for s in product([-1, 1], repeat=len(d))])
    if predicted == 0:
        return float(np.mean(np.abs(means) >= abs(d.mean())))
    return float(np.mean(predicted * means >= predicted * d.mean()))


from math import comb

least = {
    "predicted": next(k for k in range(1, 20) if 2**-k <= alpha),
    "unpredicted": next(k for k in range(1, 20) if 2 * 2**-k <= alpha),
    "separated": next(n for n in range(1, 20) if comb(2 * n, n) >= 1 / alpha - 1e-9),
}

# %% wrong: always one-sided, in the direction that was observed [points 1]
def compare(a, b, predicted=0):
    from itertools import product

    d = np.asarray(b) - np.asarray(a)
    means = np.array(list(product([-1, 1], repeat=len(d)))) @ d / len(d)
    side = 1 if d.mean() > 0 else -1
    return float(np.mean(side * means >= side * d.mean() - 1e-9 * np.abs(d).mean()))


from math import comb

least = {
    "predicted": next(k for k in range(1, 20) if 2**-k <= alpha),
    "unpredicted": next(k for k in range(1, 20) if 2 * 2**-k <= alpha),
    "separated": next(n for n in range(1, 20) if comb(2 * n, n) >= 1 / alpha - 1e-9),
}

# %% wrong: the direction is ignored [points 3]
def compare(a, b, predicted=0):
    from itertools import product

    d = np.asarray(b) - np.asarray(a)
    means = np.array(list(product([-1, 1], repeat=len(d)))) @ d / len(d)
    return float(np.mean(np.abs(means) >= abs(d.mean()) - 1e-9 * np.abs(d).mean()))


from math import comb

least = {
    "predicted": next(k for k in range(1, 20) if 2**-k <= alpha),
    "unpredicted": next(k for k in range(1, 20) if 2 * 2**-k <= alpha),
    "separated": next(n for n in range(1, 20) if comb(2 * n, n) >= 1 / alpha - 1e-9),
}

# %% wrong: a - b instead of b - a [points 3]
def compare(a, b, predicted=0):
    from itertools import product

    d = np.asarray(a) - np.asarray(b)
    means = np.array(list(product([-1, 1], repeat=len(d)))) @ d / len(d)
    m, slack = d.mean(), 1e-9 * np.abs(d).mean()
    if predicted == 0:
        return float(np.mean(np.abs(means) >= abs(m) - slack))
    return float(np.mean(predicted * means >= predicted * m - slack))


from math import comb

least = {
    "predicted": next(k for k in range(1, 20) if 2**-k <= alpha),
    "unpredicted": next(k for k in range(1, 20) if 2 * 2**-k <= alpha),
    "separated": next(n for n in range(1, 20) if comb(2 * n, n) >= 1 / alpha - 1e-9),
}

# %% wrong: 200 random patterns instead of all [points 2]
def compare(a, b, predicted=0):
    d, rng = np.asarray(b) - np.asarray(a), np.random.default_rng(0)
    means = rng.choice([-1, 1], size=(200, len(d))) @ d / len(d)
    m, slack = d.mean(), 1e-9 * np.abs(d).mean()
    if predicted == 0:
        return float(np.mean(np.abs(means) >= abs(m) - slack))
    return float(np.mean(predicted * means >= predicted * m - slack))


from math import comb

least = {
    "predicted": next(k for k in range(1, 20) if 2**-k <= alpha),
    "unpredicted": next(k for k in range(1, 20) if 2 * 2**-k <= alpha),
    "separated": next(n for n in range(1, 20) if comb(2 * n, n) >= 1 / alpha - 1e-9),
}

# %% wrong: the sign test, which does not see how large a difference is [points 0]
def compare(a, b, predicted=0):
    from scipy.stats import binomtest

    side = {0: "two-sided", 1: "greater", -1: "less"}[predicted]
    d = np.asarray(b) - np.asarray(a)
    up, down = int((d > 0).sum()), int((d < 0).sum())
    return binomtest(up, up + down, alternative=side).pvalue if up + down else 1.0


least = {"predicted": 5, "unpredicted": 5, "separated": 6}

# %% wrong: pairs counted where runs are not paired, and α off by one [points 3]
def compare(a, b, predicted=0):
    from itertools import product

    d = np.asarray(b) - np.asarray(a)
    means = np.array(list(product([-1, 1], repeat=len(d)))) @ d / len(d)
    m, slack = d.mean(), 1e-9 * np.abs(d).mean()
    if predicted == 0:
        return float(np.mean(np.abs(means) >= abs(m) - slack))
    return float(np.mean(predicted * means >= predicted * m - slack))


least = {
    "predicted": next(k for k in range(1, 20) if 2**-k <= alpha),
    "unpredicted": next(k for k in range(1, 20) if 2**-k <= alpha),
    "separated": next(k for k in range(1, 20) if 2**-k <= alpha),
}

# %% wrong: only the visible case
def compare(a, b, predicted=0):
    return 1 / 8 if predicted else 2 / 8


least = {"predicted": 3, "unpredicted": 3, "separated": 3}
