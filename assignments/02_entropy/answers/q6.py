# %% right: torch, batches of ten, the average of the second half
def climb(draws, y, b):
    draws, y, b = (torch.tensor(v, dtype=torch.float64) for v in (draws, y, b))
    unit = y.var(0).sum() + draws.var(0).sum()
    psi, kept = torch.zeros_like(b), []
    batches = draws.split(10)
    for t, batch in enumerate(batches, start=1):
        cell = ((batch[:, None] - y).square().sum(-1) - psi).argmin(1)
        share = torch.bincount(cell, minlength=len(b)) / len(batch)
        psi = psi + unit / t**0.5 * (b - share)
        if 2 * t > len(batches):
            kept.append(psi)
    return torch.stack(kept).mean(0)

# %% right: all draws at once, and the average of the second half
def climb(draws, y, b):
    C = (draws**2).sum(1)[:, None] + (y**2).sum(1) - 2 * draws @ y.T
    unit = C.mean()
    psi, mean = np.zeros(len(b)), np.zeros(len(b))
    for t in range(1, 401):
        mass = np.bincount((C - psi).argmin(1), minlength=len(b)) / len(C)
        psi = psi + unit / t**0.5 * (b - mass)
        mean += (psi - mean) / t if t <= 200 else (psi - mean) / (t - 200)
        if t == 200:
            mean[:] = 0
    return mean

# %% right: a step of fixed length and the plain average
def climb(draws, y, b):
    unit = np.mean([((x - y) ** 2).sum(1).min() for x in draws[:500]])
    psi, total, indices = np.zeros(len(b)), np.zeros(len(b)), np.arange(len(b))
    for k, x in enumerate(draws):
        slack = ((x - y) ** 2).sum(1) - psi
        psi = psi + 0.05 * unit * (b - (indices == slack.argmin()))
        if k >= 4000:
            total += psi
    return total / (len(draws) - 4000)

# %% wrong: the last iterate
def climb(draws, y, b):
    unit = ((draws[:100, None] - y) ** 2).sum(-1).mean()
    psi = np.zeros(len(b))
    for t, x in enumerate(draws, start=1):
        gain = b.copy()
        gain[(((x - y) ** 2).sum(1) - psi).argmin()] -= 1
        psi = psi + 0.5 * unit / t**0.5 * gain
    return psi

# %% wrong: the last iterate, with steps of fixed length
def climb(draws, y, b):
    unit = ((draws[:100, None] - y) ** 2).sum(-1).mean()
    psi = np.zeros(len(b))
    for x in draws:
        gain = b.copy()
        gain[(((x - y) ** 2).sum(1) - psi).argmin()] -= 1
        psi = psi + 0.1 * unit * gain
    return psi

# %% wrong: steps without a unit [points 3]
def climb(draws, y, b):
    psi, mean = np.zeros(len(b)), np.zeros(len(b))
    for t, x in enumerate(draws, start=1):
        mean += (psi - mean) / t
        gain = b.copy()
        gain[(((x - y) ** 2).sum(1) - psi).argmin()] -= 1
        psi = psi + 1.5 / t**0.5 * gain
    return mean

# %% wrong: down instead of up
def climb(draws, y, b):
    unit = ((draws[:100, None] - y) ** 2).sum(-1).mean()
    psi, mean = np.zeros(len(b)), np.zeros(len(b))
    for t, x in enumerate(draws, start=1):
        mean += (psi - mean) / t
        gain = b.copy()
        gain[(((x - y) ** 2).sum(1) - psi).argmin()] -= 1
        psi = psi - 0.5 * unit / t**0.5 * gain
    return mean

# %% wrong: the sign of ψ in the cells and in the step
def climb(draws, y, b):
    unit = ((draws[:100, None] - y) ** 2).sum(-1).mean()
    psi, mean = np.zeros(len(b)), np.zeros(len(b))
    for t, x in enumerate(draws, start=1):
        mean += (psi - mean) / t
        gain = -b
        gain[(((x - y) ** 2).sum(1) + psi).argmin()] += 1
        psi = psi + 0.5 * unit / t**0.5 * gain
    return mean

# %% wrong: no vouchers, the nearest atom
def climb(draws, y, b):
    return np.zeros(len(b))

# %% wrong: atoms of equal weight
def climb(draws, y, b):
    unit = ((draws[:100, None] - y) ** 2).sum(-1).mean()
    psi, mean = np.zeros(len(b)), np.zeros(len(b))
    for t, x in enumerate(draws, start=1):
        mean += (psi - mean) / t
        gain = np.full(len(b), 1 / len(b))
        gain[(((x - y) ** 2).sum(1) - psi).argmin()] -= 1
        psi = psi + 0.5 * unit / t**0.5 * gain
    return mean

# %% wrong: steps that shrink like 1/t
def climb(draws, y, b):
    unit = ((draws[:100, None] - y) ** 2).sum(-1).mean()
    psi, mean = np.zeros(len(b)), np.zeros(len(b))
    for t, x in enumerate(draws, start=1):
        mean += (psi - mean) / t
        gain = b.copy()
        gain[(((x - y) ** 2).sum(1) - psi).argmin()] -= 1
        psi = psi + 0.05 * unit / t * gain
    return mean

# %% wrong: the best vouchers of two hundred draws
def climb(draws, y, b):
    return otg.solve_exact(otg.cost_matrix(draws[:200], y), b=b).potentials[1]

# %% wrong: the distance is not squared
def climb(draws, y, b):
    unit = ((draws[:100, None] - y) ** 2).sum(-1).mean() ** 0.5
    psi, mean = np.zeros(len(b)), np.zeros(len(b))
    for t, x in enumerate(draws, start=1):
        mean += (psi - mean) / t
        gain = b.copy()
        gain[(((x - y) ** 2).sum(1) ** 0.5 - psi).argmin()] -= 1
        psi = psi + 0.5 * unit / t**0.5 * gain
    return mean

# %% wrong: the cost is halved
def climb(draws, y, b):
    unit = ((draws[:100, None] - y) ** 2).sum(-1).mean() / 2
    psi, mean = np.zeros(len(b)), np.zeros(len(b))
    for t, x in enumerate(draws, start=1):
        mean += (psi - mean) / t
        gain = b.copy()
        gain[(((x - y) ** 2).sum(1) / 2 - psi).argmin()] -= 1
        psi = psi + 0.5 * unit / t**0.5 * gain
    return mean

# %% wrong: an exponential average that hardly averages
def climb(draws, y, b):
    unit = ((draws[:100, None] - y) ** 2).sum(-1).mean()
    psi, mean = np.zeros(len(b)), np.zeros(len(b))
    for t, x in enumerate(draws, start=1):
        gain = b.copy()
        gain[(((x - y) ** 2).sum(1) - psi).argmin()] -= 1
        psi = psi + 0.5 * unit / t**0.5 * gain
        mean = 0.01 * mean + 0.99 * psi
    return mean
