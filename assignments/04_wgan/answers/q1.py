# %% right: loops over pairs
def certify(phi_x, phi_y, x, y, a, b):
    points = [(p, s) for p, s in zip(list(x) + list(y), list(phi_x) + list(phi_y))]
    K = 0.0
    for i, (p, s) in enumerate(points):
        for q, t in points[:i]:
            d = float(np.sqrt(((p - q) ** 2).sum()))
            if d > 0:
                K = max(K, abs(s - t) / d)
    V = sum(w * s for w, s in zip(a, phi_x)) - sum(w * s for w, s in zip(b, phi_y))
    return V, K, 0.0 if K == 0 else V / K

# %% right: torch, with pdist
def certify(phi_x, phi_y, x, y, a, b):
    s = torch.from_numpy(np.concatenate([phi_x, phi_y]))[:, None]
    p = torch.from_numpy(np.concatenate([x, y]))
    rise, run = torch.pdist(s), torch.pdist(p)
    K = (rise[run > 0] / run[run > 0]).max()
    V = torch.from_numpy(a) @ s[: len(a), 0] - torch.from_numpy(b) @ s[len(a):, 0]
    return V, K, V / K if K > 0 else torch.tensor(0.0)

# %% right: one signed measure, scipy distances
def certify(phi_x, phi_y, x, y, a, b):
    from scipy.spatial.distance import cdist
    s, q = np.r_[phi_x, phi_y], np.r_[a, -b]
    d = cdist(np.r_[x, y], np.r_[x, y])
    d[d == 0] = np.inf
    K = (abs(s[:, None] - s[None]) / d).max()
    return [q @ s, K, q @ s / K if K else 0]

# %% wrong: uniform weights assumed [points 1]
def certify(phi_x, phi_y, x, y, a, b):
    V = phi_x.mean() - phi_y.mean()
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return V, K, V / K if K > 0 else 0.0

# %% wrong: high on the model instead of the data [points 1]
def certify(phi_x, phi_y, x, y, a, b):
    V = b @ phi_y - a @ phi_x
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return V, K, V / K if K > 0 else 0.0

# %% wrong: only pairs of a data point and a model point, shared places left out [points 2]
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    d = np.linalg.norm(x[:, None] - y, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(phi_x[:, None] - phi_y) / d).max()
    return V, K, V / K if K > 0 else 0.0

# %% wrong: shared places divide by zero [points 3]
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    i, j = np.triu_indices(len(p), 1)
    K = np.max(np.abs(s[i] - s[j]) / np.linalg.norm(p[i] - p[j], axis=1))
    return V, K, V / K

# %% wrong: squared distances, the root forgotten [points 1]
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    d = ((p[:, None] - p) ** 2).sum(axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return V, K, V / K if K > 0 else 0.0

# %% wrong: city-block distances [points 1]
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    d = np.abs(p[:, None] - p).sum(axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return V, K, V / K if K > 0 else 0.0

# %% wrong: slopes without their size, so that only pairs in one order count [points 1]
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    K = 0.0
    for i in range(len(p)):
        for j in range(i):
            d = np.linalg.norm(p[i] - p[j])
            if d > 0:
                K = max(K, (s[i] - s[j]) / d)
    return V, K, V / K if K > 0 else 0.0

# %% wrong: the mean slope for the largest [points 1]
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).mean()
    return V, K, V / K if K > 0 else 0.0

# %% wrong: neighbours in the list only [points 1]
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    d = np.linalg.norm(np.diff(p, axis=0), axis=1)
    d[d == 0] = np.inf
    K = (np.abs(np.diff(s)) / d).max()
    return V, K, V / K if K > 0 else 0.0

# %% wrong: the value itself as the bound [points 2]
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return V, K, V

# %% wrong: times K instead of divided by it [points 2]
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return V, K, V * K

# %% wrong: W_1 itself instead of what the critic certifies [points 2]
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return V, K, otg.solve_exact(otg.cost_matrix(x, y, "euclidean"), a, b).value

# %% wrong: the visible example only
def certify(phi_x, phi_y, x, y, a, b):
    return 3.0, 7 / 4, 12 / 7

# %% wrong: the bound alone
def certify(phi_x, phi_y, x, y, a, b):
    V = a @ phi_x - b @ phi_y
    p, s = np.concatenate([x, y]), np.concatenate([phi_x, phi_y])
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    return V / (np.abs(s[:, None] - s) / d).max()
