# %% right: autograd through all of the rounds
def divergence(x, y, a, b, eps):
    def W(x, y, a, b):
        C = ((x[:, None] - y[None]) ** 2).sum(-1)
        g = torch.zeros(len(b), dtype=torch.float64)
        for _ in range(400):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        return a @ f + b @ g

    return W(x, y, a, b) - 0.5 * W(x, x, a, a) - 0.5 * W(y, y, b, b)

# %% right: NumPy for the plans, the primal value with the plans held still
from scipy.special import logsumexp

def plan(x, y, a, b, eps):
    C = ((x[:, None] - y) ** 2).sum(-1)
    g, P = np.zeros(len(b)), None
    while P is None or np.abs(P.sum(1) - a).sum() > 1e-10:
        f = -eps * logsumexp((g - C) / eps, b=b, axis=1)
        g = -eps * logsumexp((f - C.T) / eps, b=a, axis=1)
        P = np.outer(a, b) * np.exp((f[:, None] + g - C) / eps)
    return torch.tensor(P), float((P * np.log(P / np.outer(a, b))).sum())

def divergence(x, y, a, b, eps):
    total = 0.0
    for factor, p, q, u, v in [(1, x, y, a, b), (-0.5, x, x, a, a), (-0.5, y, y, b, b)]:
        P, kl = plan(*(t.detach().numpy() for t in (p, q, u, v)), eps)
        costs = (p.unsqueeze(1) - q.unsqueeze(0)).pow(2).sum(2)
        total = total + factor * ((P * costs).sum() + eps * kl)
    return total

# %% right: one potential for a measure with itself, the mean of itself and its transform
def divergence(x, y, a, b, eps):
    def costs(p, q):
        return (p * p).sum(1)[:, None] + (q * q).sum(1) - 2 * p @ q.T

    def soft(h, C, w):
        return -eps * torch.logsumexp(w.log() + (h - C) / eps, 1)

    def itself(p, w):
        C = costs(p, p)
        with torch.no_grad():
            h = torch.zeros_like(w)
            for _ in range(200):
                h = (h + soft(h, C, w)) / 2
            P = w[:, None] * w * ((h[:, None] + h - C) / eps).exp()
        return 2 * w @ h + (P * (C - C.detach())).sum()

    C = costs(x, y)
    with torch.no_grad():
        g = torch.zeros_like(b)
        for _ in range(1000):
            f = soft(g, C, b)
            g = soft(f, C.T, a)
        P = a[:, None] * b * ((f[:, None] + g - C) / eps).exp()
    across = a @ f + b @ g + (P * (C - C.detach())).sum()
    return across - itself(x, a) / 2 - itself(y, b) / 2

# %% wrong: everything detached [points 3]
def divergence(x, y, a, b, eps):
    def W(x, y, a, b):
        C = ((x[:, None] - y) ** 2).sum(-1).detach()
        g = torch.zeros_like(b)
        for _ in range(400):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        return a @ f + b @ g

    return W(x, y, a, b) - W(x, x, a, a) / 2 - W(y, y, b, b) / 2

# %% wrong: no gradient through what a measure costs against itself [points 3]
def divergence(x, y, a, b, eps):
    def W(x, y, a, b):
        C = ((x[:, None] - y) ** 2).sum(-1)
        g = torch.zeros_like(b)
        for _ in range(400):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        return a @ f + b @ g

    with torch.no_grad():
        own = W(x, x, a, a) / 2 + W(y, y, b, b) / 2
    return W(x, y, a, b) - own

# %% wrong: the data's own term without a gradient [points 4]
def divergence(x, y, a, b, eps):
    def W(x, y, a, b):
        C = ((x[:, None] - y) ** 2).sum(-1)
        g = torch.zeros_like(b)
        for _ in range(400):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        return a @ f + b @ g

    return W(x, y, a, b) - W(x, x, a, a) / 2 - W(y, y, b, b).detach() / 2

# %% wrong: in the own terms, only one side moves [points 3]
def divergence(x, y, a, b, eps):
    def W(x, y, a, b):
        C = ((x[:, None] - y) ** 2).sum(-1)
        g = torch.zeros_like(b)
        for _ in range(400):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        return a @ f + b @ g

    return W(x, y, a, b) - W(x, x.detach(), a, a) / 2 - W(y, y.detach(), b, b) / 2

# %% wrong: the halves of the own terms forgotten
def divergence(x, y, a, b, eps):
    def W(x, y, a, b):
        C = ((x[:, None] - y) ** 2).sum(-1)
        g = torch.zeros_like(b)
        for _ in range(400):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        return a @ f + b @ g

    return W(x, y, a, b) - W(x, x, a, a) - W(y, y, b, b)

# %% wrong: no debiasing
def divergence(x, y, a, b, eps):
    C = ((x[:, None] - y) ** 2).sum(-1)
    g = torch.zeros_like(b)
    for _ in range(400):
        f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
        g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
    return a @ f + b @ g

# %% wrong: the halved cost [points 1]
def divergence(x, y, a, b, eps):
    def W(x, y, a, b):
        C = ((x[:, None] - y) ** 2).sum(-1) / 2
        g = torch.zeros_like(b)
        for _ in range(400):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        return a @ f + b @ g

    return W(x, y, a, b) - W(x, x, a, a) / 2 - W(y, y, b, b) / 2

# %% wrong: uniform weights assumed
def divergence(x, y, a, b, eps):
    def W(x, y):
        C = ((x[:, None] - y) ** 2).sum(-1)
        a, b = (torch.full((len(p),), 1 / len(p), dtype=torch.float64) for p in (x, y))
        g = torch.zeros_like(b)
        for _ in range(400):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        return a @ f + b @ g

    return W(x, y) - W(x, x) / 2 - W(y, y) / 2

# %% wrong: the trips alone, plans held still: another value, the same slopes [points 3]
def divergence(x, y, a, b, eps):
    def trips(x, y, a, b):
        C = ((x[:, None] - y) ** 2).sum(-1)
        with torch.no_grad():
            g = torch.zeros_like(b)
            for _ in range(400):
                f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
                g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
            P = a[:, None] * b * ((f[:, None] + g - C) / eps).exp()
        return (P * C).sum()

    return trips(x, y, a, b) - trips(x, x, a, a) / 2 - trips(y, y, b, b) / 2

# %% wrong: the trips alone, differentiated through the rounds [points 1]
def divergence(x, y, a, b, eps):
    def trips(x, y, a, b):
        C = ((x[:, None] - y) ** 2).sum(-1)
        g = torch.zeros_like(b)
        for _ in range(400):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        P = a[:, None] * b * ((f[:, None] + g - C) / eps).exp()
        return (P * C).sum()

    return trips(x, y, a, b) - trips(x, x, a, a) / 2 - trips(y, y, b, b) / 2

# %% wrong: one round [points 1]
def divergence(x, y, a, b, eps):
    def W(x, y, a, b):
        C = ((x[:, None] - y) ** 2).sum(-1)
        g = torch.zeros_like(b)
        for _ in range(1):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        return a @ f + b @ g

    return W(x, y, a, b) - W(x, x, a, a) / 2 - W(y, y, b, b) / 2

# %% wrong: the root of it [points 1]
def divergence(x, y, a, b, eps):
    def W(x, y, a, b):
        C = ((x[:, None] - y) ** 2).sum(-1)
        g = torch.zeros_like(b)
        for _ in range(400):
            f = -eps * torch.logsumexp(b.log() + (g - C) / eps, 1)
            g = -eps * torch.logsumexp(a.log() + (f - C.T) / eps, 1)
        return a @ f + b @ g

    return (W(x, y, a, b) - W(x, x, a, a) / 2 - W(y, y, b, b) / 2).clamp(min=0).sqrt()

# %% wrong: only the visible case, the distance of the means
def divergence(x, y, a, b, eps):
    return (a @ x - b @ y).square().sum()
