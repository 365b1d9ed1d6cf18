# %% right: sums written out, quantile by stdtrit
def summary(values, level=level):
    from scipy.special import stdtrit

    k = len(values)
    mean = sum(values) / k
    with np.errstate(invalid="ignore", divide="ignore"):
        se = np.sqrt(sum((v - mean) ** 2 for v in values) / np.float64(k - 1) / k)
    half = -stdtrit(max(k - 1, 1), (1 - level) / 2) * se
    return {"mean": mean, "se": se, "low": mean - half, "high": mean + half}

# %% right: torch for the moments, scipy's interval
def summary(values, level=level):
    from scipy import stats

    x = torch.as_tensor(np.asarray(values), dtype=torch.float64)
    k, mean = x.shape[0], x.mean(dim=0)
    if k < 2:
        nan = torch.full_like(mean, torch.nan)
        return dict(mean=mean, se=nan, low=nan, high=nan)
    se = x.var(dim=0, correction=1).div(k).sqrt()
    low, high = stats.t.interval(level, k - 1, loc=mean.numpy(), scale=se.numpy())
    return dict(mean=mean, se=se, low=low, high=high)

# %% wrong: the quantile of the Gaussian [points 2]
def summary(values, level=level):
    from scipy.stats import norm

    values = np.asarray(values, dtype=float)
    k, mean = len(values), values.mean(axis=0)
    se = values.std(axis=0, ddof=1) / np.sqrt(k)
    half = norm.ppf((1 + level) / 2) * se
    return {"mean": mean, "se": se, "low": mean - half, "high": mean + half}

# %% wrong: k degrees of freedom instead of k - 1 [points 2]
def summary(values, level=level):
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    k, mean = len(values), values.mean(axis=0)
    se = values.std(axis=0, ddof=1) / np.sqrt(k)
    half = t.ppf((1 + level) / 2, k) * se
    return {"mean": mean, "se": se, "low": mean - half, "high": mean + half}

# %% wrong: the divisor k in the standard deviation [points 0]
def summary(values, level=level):
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    k, mean = len(values), values.mean(axis=0)
    se = values.std(axis=0) / np.sqrt(k)
    half = t.ppf((1 + level) / 2, k - 1) * se
    return {"mean": mean, "se": se, "low": mean - half, "high": mean + half}

# %% wrong: the spread of one run instead of that of the mean [points 1]
def summary(values, level=level):
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    k, mean = len(values), values.mean(axis=0)
    se = values.std(axis=0, ddof=1)
    half = t.ppf((1 + level) / 2, k - 1) * se
    return {"mean": mean, "se": se, "low": mean - half, "high": mean + half}

# %% wrong: a one-sided quantile [points 2]
def summary(values, level=level):
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    k, mean = len(values), values.mean(axis=0)
    se = values.std(axis=0, ddof=1) / np.sqrt(k)
    half = t.ppf(level, k - 1) * se
    return {"mean": mean, "se": se, "low": mean - half, "high": mean + half}

# %% wrong: the level is ignored [points 2]
default = level


def summary(values, level=level):
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    k, mean = len(values), values.mean(axis=0)
    se = values.std(axis=0, ddof=1) / np.sqrt(k)
    half = t.ppf((1 + default) / 2, k - 1) * se
    return {"mean": mean, "se": se, "low": mean - half, "high": mean + half}

# %% wrong: runs that diverged are left out [points 2]
def summary(values, level=level):
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    k, mean = len(values), np.nanmean(values, axis=0)
    if k == 1:
        nan = np.full_like(mean, np.nan)
        return {"mean": mean, "se": nan, "low": nan, "high": nan}
    se = np.nanstd(values, axis=0, ddof=1) / np.sqrt(k)
    half = t.ppf((1 + level) / 2, k - 1) * se
    return {"mean": mean, "se": se, "low": mean - half, "high": mean + half}

# %% wrong: a single run has no spread, hence the standard error 0 [points 2]
def summary(values, level=level):
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    k, mean = len(values), values.mean(axis=0)
    if k == 1:
        return {"mean": mean, "se": 0 * mean, "low": mean, "high": mean}
    se = values.std(axis=0, ddof=1) / np.sqrt(k)
    half = t.ppf((1 + level) / 2, k - 1) * se
    return {"mean": mean, "se": se, "low": mean - half, "high": mean + half}

# %% wrong: over all entries, whatever the columns are [points 0]
def summary(values, level=level):
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    k, mean = values.size, values.mean()
    if k == 1:
        return {"mean": mean, "se": np.nan, "low": np.nan, "high": np.nan}
    se = values.std(ddof=1) / np.sqrt(k)
    half = t.ppf((1 + level) / 2, k - 1) * se
    return {"mean": mean, "se": se, "low": mean - half, "high": mean + half}

# %% wrong: smallest and largest run as the interval [points 2]
def summary(values, level=level):
    values = np.asarray(values, dtype=float)
    k, mean = len(values), values.mean(axis=0)
    if k == 1:
        nan = np.full_like(mean, np.nan)
        return {"mean": mean, "se": nan, "low": nan, "high": nan}
    se = values.std(axis=0, ddof=1) / np.sqrt(k)
    return {"mean": mean, "se": se, "low": values.min(axis=0), "high": values.max(axis=0)}

# %% wrong: only the visible case
def summary(values, level=level):
    return {"mean": 2.0, "se": 1.0, "low": 1.0, "high": 3.0}
