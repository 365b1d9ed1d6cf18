# %% right: otg.PenalizedOT and otg.fit
def train(x, lam, seed):
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    encoder = otg.MLP(2, [48, 48], 2, generator=seed)
    decoder = otg.MLP(2, [], 2, generator=seed + 1)
    weight = float(lam / size**2)
    method = otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(scale=4.0), lam=weight)
    otg.fit(
        method,
        (x - place) / size,
        steps=600,
        batch_size=128,
        lr=1e-2,
        seed=seed,
        schedule="cosine",
        progress=False,
    )

    def encode(new):
        new = (torch.as_tensor(np.asarray(new)).float() - place) / size
        return method.encode(new).detach().double().numpy()

    last = method.decoder[-1]
    W, t = last.weight.detach() * size, last.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% right: from whitened data, ReLU, double precision, the V-statistic
def train(x, lam, seed):
    generator = torch.Generator().manual_seed(seed)
    place, cov = x.mean(0), np.cov(x.T)
    root = torch.tensor(np.linalg.cholesky(cov))
    white = torch.tensor(x - place) @ torch.linalg.inv(root).T
    size2 = float(np.trace(cov))
    net = otg.MLP(2, [40, 40], 2, generator=generator).double()
    with torch.no_grad():
        net[-1].weight *= 0.1
    W = root.clone().requires_grad_()
    t = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([*net.parameters(), W, t], lr=5e-3, betas=(0.9, 0.99))
    steps = 500
    slower = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps)
    for _ in range(steps):
        w = white[torch.randint(len(white), (150,), generator=generator)]
        z = w + net(w)
        y = torch.randn(150, 2, generator=generator, dtype=torch.float64)
        rest = w @ root.T - z @ W.T - t
        both = torch.cat([z, y])
        K = 4 / (4 + torch.cdist(both, both) ** 2)
        sign = torch.cat([torch.ones(150), -torch.ones(150)]).double() / 150
        loss = (rest**2).sum() / 150 / size2 + lam / size2 * (sign @ K @ sign)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        w = torch.as_tensor(new - place) @ torch.linalg.inv(root).T
        return (w + net(w)).detach().numpy()

    return {"encode": encode, "W": W.detach().numpy(), "t": t.detach().numpy() + place}


# %% wrong: whitening, without training [points 0]
def train(x, lam, seed):
    root = np.linalg.cholesky(np.cov(x.T))
    place = x.mean(0)

    def encode(new):
        return np.linalg.solve(root, (new - place).T).T

    return {"encode": encode, "W": root, "t": place}


# %% wrong: an encoder that is affine [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: the penalty has the wrong sign [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost - float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: the mixed term has the wrong sign [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) + 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: the weight is forgotten [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: no penalty at all [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + 0 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: the weight is on the cost [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = float(lam) / size**2 * cost + penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: the codes are detached in the penalty [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z.detach(), torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: the cost is detached from the decoder [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z).detach()).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: moments in place of the MMD [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * (
            z.mean(0).square().sum() + (torch.cov(z.T) - torch.eye(2)).square().sum()
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: the penalty of decoded data [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(decoder(z), torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: every code is the same [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return 0 * (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: codes are drawn from the prior, whatever the datum [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return torch.randn(len(new), 2).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: ten steps [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 10
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: the optimiser never steps [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: gradients pile up [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * size, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: the decoder in the unit of the scaled data [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach(), decoder.bias.detach()
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}


# %% wrong: a constant decoder [points 0]
def train(x, lam, seed):
    torch.manual_seed(seed)
    x = torch.as_tensor(x).float()
    place, size = x.mean(0), x.var(0).sum().sqrt()
    data, steps = (x - place) / size, 500
    bend = otg.MLP(2, [32, 32], 2, activation=torch.nn.Tanh, generator=seed)
    straight, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    learned = [*bend.parameters(), *straight.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(learned, lr=1e-2)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def kernel(s, t):
        return 4 / (4 + (s[:, None] - t).square().sum(2))

    def penalty(z, y):
        n = len(z)
        within = kernel(z, z).sum() + kernel(y, y).sum() - 2 * n
        return within / (n * (n - 1)) - 2 * kernel(z, y).mean()

    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        z = straight(batch) + bend(batch)
        cost = (batch - decoder(z)).square().sum(1).mean()
        loss = cost + float(lam) / size**2 * penalty(z, torch.randn(128, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()

    def encode(new):
        with torch.no_grad():
            new = (torch.as_tensor(new).float() - place) / size
            return (straight(new) + bend(new)).double().numpy()

    W, t = decoder.weight.detach() * 0, decoder.bias.detach() * size + place
    return {"encode": encode, "W": W.double().numpy(), "t": t.double().numpy()}
