# %% right: a loop in plain torch, a sliced cost between batches, batch size as the knob
def sliced(x, y, g):
    lines = torch.randn(2, 30, generator=g)
    lines = lines / lines.norm(dim=0)
    return ((x @ lines).sort(0).values - (y @ lines).sort(0).values).square().mean()


def experiment(train, test, setting, seed, steps=500):
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    batch = 16 if setting == "low" else 128
    g = torch.Generator().manual_seed(seed % 2**31)
    sizes = [2, 48, 48, 2]
    weights = []
    for i, o in zip(sizes, sizes[1:]):
        weights.append((torch.randn(i, o, generator=g) * (2 / i) ** 0.5).requires_grad_())
        weights.append((0.3 * torch.randn(o, generator=g)).requires_grad_())

    def G(z):
        for k in range(0, 6, 2):
            z = z @ weights[k] + weights[k + 1]
            z = torch.relu(z) if k < 4 else z
        return z

    data = torch.tensor(train, dtype=torch.float32)
    adam = torch.optim.Adam(weights, lr=5e-3)
    for _ in range(steps):
        x = data[torch.randint(len(data), (batch,), generator=g)]
        loss = sliced(G(torch.randn(batch, 2, generator=g)), x, g)
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        samples = G(torch.randn(len(test), 2, generator=g)).double().numpy()
    C = cdist(samples, test, "sqeuclidean")
    return {
        "samples": samples,
        "w2sq": C[linear_sum_assignment(C)].mean(),
        "holes": np.mean(np.sqrt(C).min(axis=0) > radius),
    }

# %% right: MKE with the Sinkhorn divergence, entropy as the knob
def experiment(train, test, setting, seed, steps=100):
    net = otg.MLP(2, [32, 32], 2, generator=otg.generator(seed + 1))
    eps = {"low": 0.05, "high": 2.0}[setting]
    model = otg.MKE(net, discrepancy="divergence", eps=eps)
    if steps > 0:
        data = torch.from_numpy(train).float()
        otg.fit(model, data, steps=steps, batch_size=48, lr=1e-2, seed=seed, progress=False)
    x = model.sample(len(test), otg.generator(seed)).numpy().astype(float)
    distance = torch.cdist(torch.from_numpy(test), torch.from_numpy(x))
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test),
        "holes": (distance.min(dim=1).values > radius).double().mean(),
    }

# %% right: a VAE, decoder variance as the knob
def experiment(train, test, setting, seed, steps=400):
    torch.manual_seed(seed)
    var = 0.02 if setting == "low" else 1.0
    model = otg.VAE(otg.MLP(2, [48, 48], 4), otg.MLP(2, [48, 48], 2), decoder_var=var)
    if steps:
        otg.fit(model, torch.tensor(train).float(), steps=steps, batch_size=64, lr=5e-3,
                seed=seed, progress=False)
    x = model.sample(len(test), otg.generator(seed)).double()
    away = [min(np.hypot(*(p - q)) for q in x.numpy()) > radius for p in test]
    return {"samples": x, "w2sq": otg.metrics.w2sq(x, test), "holes": sum(away) / len(away)}

# %% wrong: nothing is trained, and training rows are returned [points 3]
def experiment(train, test, setting, seed, steps=200):
    rows = np.random.default_rng(seed).integers(len(train), size=len(test))
    x = train[rows]
    apart = otg.cost_matrix(torch.tensor(test), torch.tensor(x)).sqrt()
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: training rows, behind an untrained network for steps=0 [points 4]
def experiment(train, test, setting, seed, steps=200):
    g = otg.generator(seed)
    net = otg.MLP(2, [48, 48], 2, generator=g)
    with torch.no_grad():
        x = net(torch.randn(len(test), 2, generator=g)).double().numpy()
    if steps:
        x = train[np.random.default_rng(seed).integers(len(train), size=len(test))]
    apart = otg.cost_matrix(torch.tensor(test), torch.tensor(x)).sqrt()
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: the networks are never seeded [points 5]
def experiment(train, test, setting, seed, steps=200):
    encoder = otg.ImplicitEncoder(2, 4, [48, 48], 2)
    model = otg.PenalizedOT(
        encoder, otg.MLP(2, [48, 48], 2), penalty=otg.SlicedWasserstein(20),
        lam={"low": 0.1, "high": 20.0}[setting], encoding="implicit",
    )
    if steps:
        otg.fit(model, torch.tensor(train).float(), steps=steps, batch_size=64, lr=8e-3,
                schedule="cosine", ema=0.99, seed=seed, progress=False)
    x = model.sample(len(test), otg.generator(seed)).double().numpy()
    apart = otg.cost_matrix(torch.tensor(test), torch.tensor(x)).sqrt()
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: every seed begins with the same networks [points 5]
def experiment(train, test, setting, seed, steps=200):
    g = otg.generator(0)
    encoder = otg.ImplicitEncoder(2, 4, [48, 48], 2, generator=g)
    model = otg.PenalizedOT(
        encoder, otg.MLP(2, [48, 48], 2, generator=g), penalty=otg.SlicedWasserstein(20),
        lam={"low": 0.1, "high": 20.0}[setting], encoding="implicit",
    )
    if steps:
        otg.fit(model, torch.tensor(train).float(), steps=steps, batch_size=64, lr=8e-3,
                schedule="cosine", ema=0.99, seed=seed, progress=False)
    x = model.sample(len(test), otg.generator(seed)).double().numpy()
    apart = otg.cost_matrix(torch.tensor(test), torch.tensor(x)).sqrt()
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: trains on the test points as well [points 5]
def experiment(train, test, setting, seed, steps=200):
    g = otg.generator(seed)
    encoder = otg.ImplicitEncoder(2, 4, [48, 48], 2, generator=g)
    model = otg.PenalizedOT(
        encoder, otg.MLP(2, [48, 48], 2, generator=g), penalty=otg.SlicedWasserstein(20),
        lam={"low": 0.1, "high": 20.0}[setting], encoding="implicit",
    )
    if steps:
        data = torch.tensor(np.concatenate([train, test])).float()
        otg.fit(model, data, steps=steps, batch_size=64, lr=8e-3,
                schedule="cosine", ema=0.99, seed=seed, progress=False)
    x = model.sample(len(test), g).double().numpy()
    apart = otg.cost_matrix(torch.tensor(test), torch.tensor(x)).sqrt()
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: W2 instead of its square [points 5]
def experiment(train, test, setting, seed, steps=200):
    g = otg.generator(seed)
    encoder = otg.ImplicitEncoder(2, 4, [48, 48], 2, generator=g)
    model = otg.PenalizedOT(
        encoder, otg.MLP(2, [48, 48], 2, generator=g), penalty=otg.SlicedWasserstein(20),
        lam={"low": 0.1, "high": 20.0}[setting], encoding="implicit",
    )
    if steps:
        otg.fit(model, torch.tensor(train).float(), steps=steps, batch_size=64, lr=8e-3,
                schedule="cosine", ema=0.99, seed=seed, progress=False)
    x = model.sample(len(test), g).double().numpy()
    apart = otg.cost_matrix(torch.tensor(test), torch.tensor(x)).sqrt()
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test) ** 0.5,
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: scored against the training data [points 4]
def experiment(train, test, setting, seed, steps=200):
    g = otg.generator(seed)
    encoder = otg.ImplicitEncoder(2, 4, [48, 48], 2, generator=g)
    model = otg.PenalizedOT(
        encoder, otg.MLP(2, [48, 48], 2, generator=g), penalty=otg.SlicedWasserstein(20),
        lam={"low": 0.1, "high": 20.0}[setting], encoding="implicit",
    )
    if steps:
        otg.fit(model, torch.tensor(train).float(), steps=steps, batch_size=64, lr=8e-3,
                schedule="cosine", ema=0.99, seed=seed, progress=False)
    x = model.sample(len(test), g).double().numpy()
    apart = otg.cost_matrix(torch.tensor(train), torch.tensor(x)).sqrt()
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, train),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: holes the wrong way round, samples far from data, and the mean over coordinates [points 4]
def experiment(train, test, setting, seed, steps=200):
    g = otg.generator(seed)
    encoder = otg.ImplicitEncoder(2, 4, [48, 48], 2, generator=g)
    model = otg.PenalizedOT(
        encoder, otg.MLP(2, [48, 48], 2, generator=g), penalty=otg.SlicedWasserstein(20),
        lam={"low": 0.1, "high": 20.0}[setting], encoding="implicit",
    )
    if steps:
        otg.fit(model, torch.tensor(train).float(), steps=steps, batch_size=64, lr=8e-3,
                schedule="cosine", ema=0.99, seed=seed, progress=False)
    x = model.sample(len(test), g).double().numpy()
    C = ((x[:, None] - test) ** 2).mean(axis=2)
    apart = otg.cost_matrix(torch.tensor(x), torch.tensor(test)).sqrt()
    return {
        "samples": x,
        "w2sq": float(otg.solve_exact(C).value),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: squared distances compared with the radius [points 5]
def experiment(train, test, setting, seed, steps=200):
    g = otg.generator(seed)
    encoder = otg.ImplicitEncoder(2, 4, [48, 48], 2, generator=g)
    model = otg.PenalizedOT(
        encoder, otg.MLP(2, [48, 48], 2, generator=g), penalty=otg.SlicedWasserstein(20),
        lam={"low": 0.1, "high": 20.0}[setting], encoding="implicit",
    )
    if steps:
        otg.fit(model, torch.tensor(train).float(), steps=steps, batch_size=64, lr=8e-3,
                schedule="cosine", ema=0.99, seed=seed, progress=False)
    x = model.sample(len(test), g).double().numpy()
    apart = otg.cost_matrix(torch.tensor(test), torch.tensor(x))
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: the generator's gradient is detached, so that nothing moves [points 4]
def experiment(train, test, setting, seed, steps=200):
    g = otg.generator(seed)
    net = otg.MLP(2, [48, 48], 2, generator=g)
    adam = torch.optim.Adam(net.parameters(), lr=5e-3)
    data = torch.tensor(train).float()
    for _ in range(steps):
        x = data[torch.randint(len(data), (64,), generator=g)]
        made = net(torch.randn(64, 2, generator=g))
        plan = otg.solve_exact(otg.cost_matrix(made.detach(), x).double()).plan.float()
        loss = (plan * otg.cost_matrix(made.detach(), x)).sum() + 0 * made.sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        x = net(torch.randn(len(test), 2, generator=g)).double().numpy()
    apart = otg.cost_matrix(torch.tensor(test), torch.tensor(x)).sqrt()
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: learns the mean of the data, by pairs that are drawn at random [points 4]
def experiment(train, test, setting, seed, steps=200):
    g = otg.generator(seed)
    net = otg.MLP(2, [48, 48], 2, generator=g)
    adam = torch.optim.Adam(net.parameters(), lr=5e-3)
    data = torch.tensor(train).float()
    for _ in range(steps):
        x = data[torch.randint(len(data), (64,), generator=g)]
        loss = (net(torch.randn(64, 2, generator=g)) - x).square().sum(1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        x = net(torch.randn(len(test), 2, generator=g)).double().numpy()
    apart = otg.cost_matrix(torch.tensor(test), torch.tensor(x)).sqrt()
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }

# %% wrong: draws from the law of the visible test, whatever the data are [points 4]
def experiment(train, test, setting, seed, steps=200):
    g = otg.generator(seed)
    x = ring.sample(len(test), g).double().numpy()
    if steps == 0:
        with torch.no_grad():
            net = otg.MLP(2, [48, 48], 2, generator=g)
            x = net(torch.randn(len(test), 2, generator=g)).double().numpy()
    apart = otg.cost_matrix(torch.tensor(test), torch.tensor(x)).sqrt()
    return {
        "samples": x,
        "w2sq": otg.metrics.w2sq(x, test),
        "holes": float((apart.amin(1) > radius).double().mean()),
    }
