# %% right: scipy's logsumexp with its weights
from scipy.special import logsumexp

def soft_transform(g, C, eps, b):
    f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
    return f, b * np.exp((f[:, None] + g - C) / eps)

# %% right: torch, and softmax for the shares
def soft_transform(g, C, eps, b):
    g, C, b = (torch.as_tensor(v, dtype=torch.float64) for v in (g, C, b))
    exponents = b.log() + (g - C) / eps
    return -eps * torch.logsumexp(exponents, dim=1), torch.softmax(exponents, dim=1)

# %% right: loops, and the hard minimum taken out of each sum
import math

def soft_transform(g, C, eps, b):
    n, m = C.shape
    f, shares = np.zeros(n), np.zeros((n, m))
    for i in range(n):
        lowest = min(C[i, j] - g[j] for j in range(m))
        for j in range(m):
            shares[i, j] = b[j] * math.exp((lowest - (C[i, j] - g[j])) / eps)
        total = sum(shares[i])
        f[i] = lowest - eps * math.log(total)
        shares[i] /= total
    return f, shares

# %% wrong: no stabilisation [points 3]
def soft_transform(g, C, eps, b):
    K = b * np.exp((g - C) / eps)
    f = -eps * np.log(K.sum(axis=1))
    return f, K / K.sum(axis=1, keepdims=True)

# %% wrong: a small number in the logarithm instead of a stabilisation [points 3]
def soft_transform(g, C, eps, b):
    K = b * np.exp((g - C) / eps)
    total = K.sum(axis=1, keepdims=True) + 1e-300
    return -eps * np.log(total)[:, 0], K / total

# %% wrong: the largest exponent of the whole matrix taken out [points 3]
def soft_transform(g, C, eps, b):
    exponents = (g - C) / eps
    K = b * np.exp(exponents - exponents.max())
    f = -eps * (exponents.max() + np.log(K.sum(axis=1)))
    return f, K / K.sum(axis=1, keepdims=True)

# %% wrong: weights forgotten
def soft_transform(g, C, eps, b):
    exponents = torch.as_tensor((g - C) / eps)
    return -eps * torch.logsumexp(exponents, dim=1), torch.softmax(exponents, dim=1)

# %% wrong: uniform weights assumed
def soft_transform(g, C, eps, b):
    exponents = torch.as_tensor((g - C) / eps)
    f = -eps * (torch.logsumexp(exponents, dim=1) - np.log(len(b)))
    return f, torch.softmax(exponents, dim=1)

# %% wrong: weights in f, and not in the shares [points 2]
def soft_transform(g, C, eps, b):
    exponents = torch.as_tensor((g - C) / eps)
    f = -eps * torch.logsumexp(exponents + torch.as_tensor(b).log(), dim=1)
    return f, torch.softmax(exponents, dim=1)

# %% wrong: the sign of the exponent [points 0]
def soft_transform(g, C, eps, b):
    exponents = torch.as_tensor(b).log() + torch.as_tensor((C - g) / eps)
    return eps * torch.logsumexp(exponents, dim=1), torch.softmax(exponents, dim=1)

# %% wrong: ε forgotten before the logarithm [points 1]
def soft_transform(g, C, eps, b):
    exponents = torch.as_tensor(b).log() + torch.as_tensor((g - C) / eps)
    return -torch.logsumexp(exponents, dim=1), torch.softmax(exponents, dim=1)

# %% wrong: the hard transform
def soft_transform(g, C, eps, b):
    slack = C - g
    return slack.min(axis=1), np.eye(len(b))[slack.argmin(axis=1)]

# %% wrong: the other side's transform
def soft_transform(g, C, eps, b):
    exponents = torch.as_tensor((g - C) / eps) + torch.as_tensor(b).log()
    return -eps * torch.logsumexp(exponents, dim=0), torch.softmax(exponents, dim=0)

# %% wrong: a minus less in front, g for -f
def soft_transform(g, C, eps, b):
    exponents = torch.as_tensor(b).log() + torch.as_tensor((-g - C) / eps)
    return -eps * torch.logsumexp(exponents, dim=1), torch.softmax(exponents, dim=1)

# %% wrong: f alone
def soft_transform(g, C, eps, b):
    exponents = torch.as_tensor(b).log() + torch.as_tensor((g - C) / eps)
    return -eps * torch.logsumexp(exponents, dim=1)

# %% wrong: only the visible case
def soft_transform(g, C, eps, b):
    return C.mean(axis=1), np.broadcast_to(b, C.shape).copy()
