# %% right: the package, one scale at a time
def mmd2(z, y, scales, unbiased):
    statistic = "u" if unbiased else "v"
    return sum(otg.MMD(scale=C, statistic=statistic)(z, y) for C in scales)


# %% right: one signed sum over all points, with the diagonal masked
def mmd2(z, y, scales, unbiased):
    n, m = len(z), len(y)
    points = torch.cat([z, y])
    squares = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    K = torch.stack([C / (C + squares) for C in scales]).sum(0)
    less = 1 if unbiased else 0
    weights = torch.empty(n + m, n + m, dtype=K.dtype)
    weights[:n, :n], weights[n:, n:] = 1 / (n * (n - less)), 1 / (m * (m - less))
    weights[:n, n:] = weights[n:, :n] = -1 / (n * m)
    if unbiased:
        weights.fill_diagonal_(0)
    return (K * weights).sum()


# %% right: loops over pairs
def mmd2(z, y, scales, unbiased):
    def k(s, t):
        return sum(C / (C + ((s - t) ** 2).sum()) for C in scales)

    def within(p):
        pairs = [(i, j) for i in range(len(p)) for j in range(len(p)) if i != j or not unbiased]
        return sum(k(p[i], p[j]) for i, j in pairs) / len(pairs)

    between = sum(k(s, t) for s in z for t in y) / (len(z) * len(y))
    return within(z) + within(y) - 2 * between


# %% wrong: the mixed term has the wrong sign
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() + 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_z + within_y + 2 * zy


# %% wrong: the mixed term is counted once
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() - zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_z + within_y - zy


# %% wrong: the root of it
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return (zz.mean() + yy.mean() - 2 * zy).sqrt()
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return (within_z + within_y - 2 * zy).abs().sqrt()


# %% wrong: only the first scale [points 3]
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(C / (C + squares) for C in scales[:1])

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_z + within_y - 2 * zy


# %% wrong: a mean over the scales [points 3]
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(C / (C + squares) for C in scales) / len(scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_z + within_y - 2 * zy


# %% wrong: the diagonal is left in the U-statistic [points 3]
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if True:
        return zz.mean() + yy.mean() - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_z + within_y - 2 * zy


# %% wrong: the diagonal is taken out, and the number of pairs is not [points 3]
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / n**2
    within_y = (yy.sum() - yy.diagonal().sum()) / m**2
    return within_z + within_y - 2 * zy


# %% wrong: the diagonal of the draws is left in [points 3]
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = yy.mean()
    return within_z + within_y - 2 * zy


# %% wrong: the distance is not squared
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2).add(1e-12).sqrt()
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_z + within_y - 2 * zy


# %% wrong: a Gaussian kernel
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(torch.exp(-squares / C) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_z + within_y - 2 * zy


# %% wrong: a mean over coordinates
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().mean(2)
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_z + within_y - 2 * zy


# %% wrong: by NumPy, so that nothing can be differentiated [points 3]
def mmd2(z, y, scales, unbiased):
    z, y = z.detach().numpy(), y.detach().numpy()

    def pairs(s, t):
        squares = (s[:, None] - t[None]).__pow__(2).sum(2)
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return torch.tensor(zz.mean() + yy.mean() - 2 * zy)
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return torch.tensor(within_z + within_y - 2 * zy)


# %% wrong: a root that has no slope where two codes coincide [points 3]
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2).sqrt() ** 2
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_z + within_y - 2 * zy


# %% wrong: the codes are detached within the first term [points 3]
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z.detach(), z.detach()), pairs(y, y), pairs(z, y).mean()
    if not unbiased:
        return zz.mean() + yy.mean() - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
    return within_z + within_y - 2 * zy


# %% wrong: as many draws as codes assumed
def mmd2(z, y, scales, unbiased):
    def pairs(s, t):
        squares = (s[:, None] - t[None]).square().sum(2)
        return sum(C / (C + squares) for C in scales)

    n, m = len(z), len(y)
    zz, yy, zy = pairs(z, z), pairs(y, y), pairs(z, y).sum() / n**2
    if not unbiased:
        return zz.sum() / n**2 + yy.sum() / n**2 - 2 * zy
    within_z = (zz.sum() - zz.diagonal().sum()) / (n * (n - 1))
    within_y = (yy.sum() - yy.diagonal().sum()) / (n * (n - 1))
    return within_z + within_y - 2 * zy


# %% wrong: two means compared
def mmd2(z, y, scales, unbiased):
    return (z.mean(0) - y.mean(0)).square().sum() / 4


# %% wrong: a constant
def mmd2(z, y, scales, unbiased):
    return 0 * z.sum() + 1.0
