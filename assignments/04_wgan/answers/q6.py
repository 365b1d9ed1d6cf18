# %% right: two-sided penalty, the chapter's loss
def train_critic(x, y, seed, lam=10.0, steps=250):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x).float(), torch.tensor(y).float()
    act = torch.nn.LeakyReLU(0.2)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 64), act, torch.nn.Linear(64, 64), act, torch.nn.Linear(64, 1)
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.0, 0.9))
    for k in range(steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1 - k / steps)
        P = Y[torch.randperm(len(Y))]
        u = (P + torch.rand(len(X), 1) * (X - P)).requires_grad_()
        (g,) = torch.autograd.grad(net(u).sum(), u, create_graph=True)
        loss = net(Y).mean() - net(X).mean() + lam * ((g.norm(dim=1) - 1) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    phi = lambda u: net(torch.as_tensor(u).float()).detach()[:, 0].numpy()
    return phi, certify(phi, x, y)

def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K

# %% right: 1-Lipschitz by construction: sorting units
def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K


class Sorting(torch.nn.Module):
    """1-Lipschitz: singular values divided out, units sorted in pairs."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(
            [torch.nn.Linear(2, 64), torch.nn.Linear(64, 64), torch.nn.Linear(64, 1)]
        )

    def forward(self, u):
        for k, layer in enumerate(self.layers):
            u = u @ (layer.weight / torch.linalg.matrix_norm(layer.weight, ord=2)).T + layer.bias
            if k < 2:
                u = u.unflatten(1, (-1, 2)).sort(dim=2).values.flatten(1)
        return u[:, 0]


def train_critic(x, y, seed):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x).float(), torch.tensor(y).float()
    net = Sorting()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(300):
        loss = net(Y).mean() - net(X).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    phi = lambda u: net(torch.as_tensor(u).float()).detach()
    return phi, certify(phi, x, y)

# %% right: a smallest of cones, whose heights are trained
def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K

def train_critic(x, y, seed):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x), torch.tensor(y)
    prices = torch.zeros(len(y), dtype=torch.float64, requires_grad=True)
    opt = torch.optim.Adam([prices], lr=0.05)
    score = lambda u: (torch.cdist(u, Y) - prices).amin(1)
    for _ in range(300):
        loss = score(Y).mean() - score(X).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    phi = lambda u: score(torch.as_tensor(u)).detach()
    return phi, certify(phi, x, y)

# %% right: the exact critic of a linear programme and its transform
def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K

def train_critic(x, y, seed):
    g = otg.solve_exact(otg.cost_matrix(x, y, "euclidean")).potentials[1].numpy()
    phi = lambda u: (np.linalg.norm(u[:, None] - y, axis=2) - g).min(1)
    return phi, certify(phi, x, y)

# %% wrong: the value itself is claimed [points 3]
def train_critic(x, y, seed, lam=10.0, steps=250):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x).float(), torch.tensor(y).float()
    act = torch.nn.LeakyReLU(0.2)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 64), act, torch.nn.Linear(64, 64), act, torch.nn.Linear(64, 1)
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.0, 0.9))
    for k in range(steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1 - k / steps)
        P = Y[torch.randperm(len(Y))]
        u = (P + torch.rand(len(X), 1) * (X - P)).requires_grad_()
        (g,) = torch.autograd.grad(net(u).sum(), u, create_graph=True)
        loss = net(Y).mean() - net(X).mean() + lam * ((g.norm(dim=1) - 1) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    phi = lambda u: net(torch.as_tensor(u).float()).detach()[:, 0].numpy()
    return phi, phi(x).mean() - phi(y).mean()

# %% wrong: the exact W_1 is claimed [points 3]
def train_critic(x, y, seed, lam=10.0, steps=250):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x).float(), torch.tensor(y).float()
    act = torch.nn.LeakyReLU(0.2)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 64), act, torch.nn.Linear(64, 64), act, torch.nn.Linear(64, 1)
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.0, 0.9))
    for k in range(steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1 - k / steps)
        P = Y[torch.randperm(len(Y))]
        u = (P + torch.rand(len(X), 1) * (X - P)).requires_grad_()
        (g,) = torch.autograd.grad(net(u).sum(), u, create_graph=True)
        loss = net(Y).mean() - net(X).mean() + lam * ((g.norm(dim=1) - 1) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    phi = lambda u: net(torch.as_tensor(u).float()).detach()[:, 0].numpy()
    return phi, otg.solve_exact(otg.cost_matrix(x, y, "euclidean")).value

# %% wrong: the wrong sign: high on the model
def train_critic(x, y, seed, lam=10.0, steps=250):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x).float(), torch.tensor(y).float()
    act = torch.nn.LeakyReLU(0.2)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 64), act, torch.nn.Linear(64, 64), act, torch.nn.Linear(64, 1)
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.0, 0.9))
    for k in range(steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1 - k / steps)
        P = Y[torch.randperm(len(Y))]
        u = (P + torch.rand(len(X), 1) * (X - P)).requires_grad_()
        (g,) = torch.autograd.grad(net(u).sum(), u, create_graph=True)
        loss = net(X).mean() - net(Y).mean() + lam * ((g.norm(dim=1) - 1) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    phi = lambda u: net(torch.as_tensor(u).float()).detach()[:, 0].numpy()
    return phi, certify(phi, x, y)

def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K

# %% wrong: half of the bound is claimed [points 3]
def train_critic(x, y, seed):
    g = otg.solve_exact(otg.cost_matrix(x, y, "euclidean")).potentials[1].numpy()
    phi = lambda u: (np.linalg.norm(u[:, None] - y, axis=2) - g).min(1)
    return phi, certify(phi, x, y) / 2

def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K

# %% wrong: not trained at all
def train_critic(x, y, seed, lam=10.0, steps=0):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x).float(), torch.tensor(y).float()
    act = torch.nn.LeakyReLU(0.2)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 64), act, torch.nn.Linear(64, 64), act, torch.nn.Linear(64, 1)
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.0, 0.9))
    for k in range(steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1 - k / steps)
        P = Y[torch.randperm(len(Y))]
        u = (P + torch.rand(len(X), 1) * (X - P)).requires_grad_()
        (g,) = torch.autograd.grad(net(u).sum(), u, create_graph=True)
        loss = net(Y).mean() - net(X).mean() + lam * ((g.norm(dim=1) - 1) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    phi = lambda u: net(torch.as_tensor(u).float()).detach()[:, 0].numpy()
    return phi, certify(phi, x, y)

def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K

# %% wrong: clipped weights [points 2]
def train_critic(x, y, seed, lam=10.0, steps=250):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x).float(), torch.tensor(y).float()
    act = torch.nn.LeakyReLU(0.2)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 64), act, torch.nn.Linear(64, 64), act, torch.nn.Linear(64, 1)
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.0, 0.9))
    for k in range(steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1 - k / steps)
        P = Y[torch.randperm(len(Y))]
        u = (P + torch.rand(len(X), 1) * (X - P)).requires_grad_()
        (g,) = torch.autograd.grad(net(u).sum(), u, create_graph=True)
        loss = net(Y).mean() - net(X).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for p in net.parameters():
                p.clamp_(-0.1, 0.1)
    phi = lambda u: net(torch.as_tensor(u).float()).detach()[:, 0].numpy()
    return phi, certify(phi, x, y)

def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K

# %% wrong: nothing holds the slopes [points 2]
def train_critic(x, y, seed, lam=0.0, steps=250):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x).float(), torch.tensor(y).float()
    act = torch.nn.LeakyReLU(0.2)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 64), act, torch.nn.Linear(64, 64), act, torch.nn.Linear(64, 1)
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.0, 0.9))
    for k in range(steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1 - k / steps)
        P = Y[torch.randperm(len(Y))]
        u = (P + torch.rand(len(X), 1) * (X - P)).requires_grad_()
        (g,) = torch.autograd.grad(net(u).sum(), u, create_graph=True)
        loss = net(Y).mean() - net(X).mean() + lam * ((g.norm(dim=1) - 1) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    phi = lambda u: net(torch.as_tensor(u).float()).detach()[:, 0].numpy()
    return phi, certify(phi, x, y)

def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K

# %% wrong: the best linear critic
def train_critic(x, y, seed):
    w = x.mean(0) - y.mean(0)
    phi = lambda u: u @ (w / np.linalg.norm(w))
    return phi, phi(x).mean() - phi(y).mean()

# %% wrong: the penalty without create_graph, so that nothing holds [points 2]
def train_critic(x, y, seed, lam=10.0, steps=250):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x).float(), torch.tensor(y).float()
    act = torch.nn.LeakyReLU(0.2)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 64), act, torch.nn.Linear(64, 64), act, torch.nn.Linear(64, 1)
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.0, 0.9))
    for k in range(steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1 - k / steps)
        P = Y[torch.randperm(len(Y))]
        u = (P + torch.rand(len(X), 1) * (X - P)).requires_grad_()
        (g,) = torch.autograd.grad(net(u).sum(), u, create_graph=False)
        loss = net(Y).mean() - net(X).mean() + lam * ((g.norm(dim=1) - 1) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    phi = lambda u: net(torch.as_tensor(u).float()).detach()[:, 0].numpy()
    return phi, certify(phi, x, y)

def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K

# %% wrong: prices learnt by heart, and nothing between the points [points 3]
def train_critic(x, y, seed):
    r = otg.solve_exact(otg.cost_matrix(x, y, "euclidean"))
    p = np.concatenate([x, y])
    g = r.potentials[1].numpy()
    s = (np.linalg.norm(p[:, None] - y, axis=2) - g).min(1)
    scores = {tuple(q): v for q, v in zip(p, s)}
    phi = lambda u: np.array([scores.get(tuple(q), 0.0) for q in u])
    return phi, certify(phi, x, y)

def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K

# %% wrong: a constant critic
def train_critic(x, y, seed):
    return lambda u: np.zeros(len(u)), 0.0

# %% wrong: the visible example only
def train_critic(x, y, seed):
    return lambda u: u[:, 0], 4.0

# %% wrong: the logit of a trained classifier [points 2]
def train_critic(x, y, seed, lam=10.0, steps=250):
    torch.manual_seed(seed)
    X, Y = torch.tensor(x).float(), torch.tensor(y).float()
    act = torch.nn.LeakyReLU(0.2)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 64), act, torch.nn.Linear(64, 64), act, torch.nn.Linear(64, 1)
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.0, 0.9))
    for k in range(steps):
        opt.param_groups[0]["lr"] = 5e-3 * (1 - k / steps)
        P = Y[torch.randperm(len(Y))]
        u = (P + torch.rand(len(X), 1) * (X - P)).requires_grad_()
        (g,) = torch.autograd.grad(net(u).sum(), u, create_graph=True)
        both = torch.cat([net(X), -net(Y)])
        loss = torch.nn.functional.softplus(-both).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    phi = lambda u: net(torch.as_tensor(u).float()).detach()[:, 0].numpy()
    return phi, certify(phi, x, y)

def certify(phi, x, y):
    p = np.concatenate([x, y])
    s = np.asarray(phi(p), dtype=float)
    d = np.linalg.norm(p[:, None] - p, axis=2)
    d[d == 0] = np.inf
    K = (np.abs(s[:, None] - s) / d).max()
    return (s[: len(x)].mean() - s[len(x):].mean()) / K
