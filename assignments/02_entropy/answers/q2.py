# %% right: torch, and the value from the plan
def sinkhorn(C, eps, a, b, tol):
    C, a, b = (torch.as_tensor(v, dtype=torch.float64) for v in (C, a, b))
    g, errors = torch.zeros_like(b), []
    while True:
        f = -eps * torch.logsumexp(b.log() + (g - C) / eps, dim=1)
        g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, dim=1)
        ratio = ((f[:, None] + g - C) / eps).exp()
        P = a[:, None] * b * ratio
        errors.append((P.sum(1) - a).abs().sum().item())
        if errors[-1] <= tol:
            value = (P * C).sum() + eps * (P * ratio.log()).sum()
            return {"plan": P, "value": value, "errors": errors}

# %% right: exponentials of prices relative to the last ones, a kernel that is centred anew
def sinkhorn(C, eps, a, b, tol):
    f = (C - C.min(axis=0)).min(axis=1)
    g = (C - f[:, None]).min(axis=0)
    K = np.exp((f[:, None] + g - C) / eps)
    # The first round starts from g = 0.
    slack = C - C.min(axis=1, keepdims=True)
    f = C.min(axis=1) - eps * np.log(np.exp(-slack / eps) @ b)
    errors = []
    while True:
        rows = C - f[:, None]
        low = rows.min(axis=0)
        g = low - eps * np.log(a @ np.exp((low - rows) / eps))
        K = np.exp((f[:, None] + g - C) / eps)
        P = a[:, None] * K * b
        errors.append(np.abs(P.sum(axis=1) - a).sum())
        if errors[-1] <= tol:
            break
        f = f - eps * np.log(K @ b)
    value = (P * C).sum() + eps * (P * np.log(P / np.outer(a, b))).sum()
    return {"plan": P, "value": value, "errors": errors}

# %% right: loops over piles and holes
from math import log
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    n, m = C.shape
    f, g, errors = np.zeros(n), np.zeros(m), []
    P = np.zeros((n, m))
    while len(errors) == 0 or errors[-1] > tol:
        for i in range(n):
            f[i] = -eps * logsumexp([log(b[j]) + (g[j] - C[i, j]) / eps for j in range(m)])
        for j in range(m):
            g[j] = -eps * logsumexp([log(a[i]) + (f[i] - C[i, j]) / eps for i in range(n)])
        for i in range(n):
            for j in range(m):
                P[i, j] = a[i] * b[j] * np.exp((f[i] + g[j] - C[i, j]) / eps)
        errors.append(sum(abs(P[i].sum() - a[i]) for i in range(n)))
    return {"plan": P, "value": np.dot(a, f) + np.dot(b, g), "errors": errors}

# %% wrong: a kernel, without logarithms [points 5]
def sinkhorn(C, eps, a, b, tol):
    G, v, errors = np.exp(-C / eps), np.ones(len(b)), []
    while True:
        u = 1 / (G @ (b * v))
        v = 1 / (G.T @ (a * u))
        P = (a * u)[:, None] * G * (b * v)
        errors.append(np.abs(P.sum(axis=1) - a).sum())
        if not errors[-1] > tol:
            value = eps * (a @ np.log(u) + b @ np.log(v))
            return {"plan": P, "value": value, "errors": errors}

# %% wrong: the trips alone for the value [points 4]
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    g, errors = np.zeros(len(b)), []
    while not errors or errors[-1] > tol:
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=a, axis=1)
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
        errors.append(np.abs(P.sum(axis=1) - a).sum())
    return {"plan": P, "value": (P * C).sum(), "errors": errors}

# %% wrong: entropy P log P for the value [points 4]
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    g, errors = np.zeros(len(b)), []
    while not errors or errors[-1] > tol:
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=a, axis=1)
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
        errors.append(np.abs(P.sum(axis=1) - a).sum())
    return {"plan": P, "value": (P * C).sum() + eps * (P * np.log(P)).sum(), "errors": errors}

# %% wrong: the divergence the wrong way round [points 4]
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    g, errors = np.zeros(len(b)), []
    while not errors or errors[-1] > tol:
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=a, axis=1)
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
        errors.append(np.abs(P.sum(axis=1) - a).sum())
    kl = (np.outer(a, b) * np.log(np.outer(a, b) / P)).sum()
    return {"plan": P, "value": (P * C).sum() + eps * kl, "errors": errors}

# %% wrong: the value halved [points 4]
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    g, errors = np.zeros(len(b)), []
    while not errors or errors[-1] > tol:
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=a, axis=1)
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
        errors.append(np.abs(P.sum(axis=1) - a).sum())
    return {"plan": P, "value": (a @ f + b @ g) / 2, "errors": errors}

# %% wrong: the costs halved
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    C = C / 2
    g, errors = np.zeros(len(b)), []
    while not errors or errors[-1] > tol:
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=a, axis=1)
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
        errors.append(np.abs(P.sum(axis=1) - a).sum())
    return {"plan": P, "value": a @ f + b @ g, "errors": errors}

# %% wrong: uniform weights assumed
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    n, m = C.shape
    a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    g, errors = np.zeros(m), []
    while not errors or errors[-1] > tol:
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=a, axis=1)
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
        errors.append(np.abs(P.sum(axis=1) - a).sum())
    return {"plan": P, "value": a @ f + b @ g, "errors": errors}

# %% wrong: a thousand rounds, whatever tol is [points 4]
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    g, errors = np.zeros(len(b)), []
    for _ in range(1000):
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=a, axis=1)
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
        errors.append(np.abs(P.sum(axis=1) - a).sum())
    return {"plan": P, "value": a @ f + b @ g, "errors": errors}

# %% wrong: stops when the columns fit, after one round
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    g, errors = np.zeros(len(b)), []
    while not errors or errors[-1] > tol:
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=a, axis=1)
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
        errors.append(np.abs(P.sum(axis=0) - b).sum())
    return {"plan": P, "value": a @ f + b @ g, "errors": errors}

# %% wrong: both lists answer the old prices
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    f, g, errors = np.zeros(len(a)), np.zeros(len(b)), []
    while not errors or (errors[-1] > tol and len(errors) < 2000):
        f, g = (-eps * logsumexp((g - C) / eps, b=b, axis=1),
                -eps * logsumexp((f - C.T) / eps, b=a, axis=1))
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
        errors.append(np.abs(P.sum(axis=1) - a).sum())
    return {"plan": P, "value": a @ f + b @ g, "errors": errors}

# %% wrong: the squares of the errors [points 2]
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    g, errors = np.zeros(len(b)), []
    while not errors or errors[-1] > tol:
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=a, axis=1)
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
        errors.append(((P.sum(axis=1) - a) ** 2).sum())
    return {"plan": P, "value": a @ f + b @ g, "errors": errors}

# %% wrong: the weights of the marginals swapped
from scipy.special import logsumexp

def sinkhorn(C, eps, a, b, tol):
    g, errors = np.zeros(len(b)), []
    while not errors or errors[-1] > tol:
        f = -eps * logsumexp((g - C) / eps, b=a, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=b, axis=1)
        P = np.outer(b, a) * np.exp((f[:, None] + g - C) / eps)
        errors.append(np.abs(P.sum(axis=1) - b).sum())
    return {"plan": P, "value": a @ f + b @ g, "errors": errors}

# %% wrong: the product plan
def sinkhorn(C, eps, a, b, tol):
    return {"plan": np.outer(a, b), "value": a @ C @ b, "errors": [0.0]}

# %% wrong: the exact plan
def sinkhorn(C, eps, a, b, tol):
    r = otg.solve_exact(C, a, b)
    return {"plan": r.plan, "value": r.value, "errors": [0.0]}

# %% wrong: the package's solver, without its rounds [points 4]
def sinkhorn(C, eps, a, b, tol):
    r = otg.solve_sinkhorn(C, eps, a, b, tol=tol)
    return {"plan": r.plan, "value": r.value, "errors": [tol / 2]}
