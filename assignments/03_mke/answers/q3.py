# %% right: the parabola's three coefficients
c2, c1, c0 = 1 + kappa**2, -2 * (m0 + kappa * s0), m0**2 + s0**2
gaussians = {
    "cost": c2 + c1 + c0,
    "slope": 2 * c2 + c1,
    "best": -c1 / (2 * c2),
    "least": c0 - c1**2 / (4 * c2),
    "step": 0.5 / c2,
}

# %% right: by computer, with the package's formula, autograd and a search
def of(theta):
    one = torch.ones(1, 1, dtype=torch.float64)
    mean, cov = theta.reshape(1), (kappa * theta) ** 2 * one
    return otg.bures_wasserstein(mean, cov, m0 * one[0], s0**2 * one)


def slope_at(place):
    theta = torch.tensor(place, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(of(theta), theta)[0].item()


curvature = slope_at(2.0) - slope_at(1.0)
at = 1 - slope_at(1.0) / curvature
gaussians = {
    "cost": of(torch.tensor(1.0, dtype=torch.float64)).item(),
    "slope": slope_at(1.0),
    "best": at,
    "least": of(torch.tensor(at, dtype=torch.float64)),
    "step": 1 / curvature,
}

# %% wrong: the cost is halved throughout [points 0]
t = (m0 + kappa * s0) / (1 + kappa**2)
gaussians = {
    "cost": ((1 - m0) ** 2 + (kappa - s0) ** 2) / 2,
    "slope": (1 - m0) + kappa * (kappa - s0),
    "best": t,
    "least": ((t - m0) ** 2 + (kappa * t - s0) ** 2) / 2,
    "step": 1 / (1 + kappa**2),
}

# %% wrong: variances in the place of standard deviations
from scipy.optimize import minimize_scalar


def bad(t):
    return (t - m0) ** 2 + ((kappa * t) ** 2 - s0**2) ** 2


found = minimize_scalar(bad, bounds=(0.1, 20), method="bounded", options={"xatol": 1e-12})
gaussians = {
    "cost": bad(1),
    "slope": 2 * (1 - m0) + 4 * kappa**2 * (kappa**2 - s0**2),
    "best": found.x,
    "least": found.fun,
    "step": 1 / (2 * (1 + kappa**2)) * 1.1,
}

# %% wrong: the factor kappa of the chain rule is forgotten [points 1]
gaussians = {
    "cost": (1 - m0) ** 2 + (kappa - s0) ** 2,
    "slope": 2 * (1 - m0) + 2 * (kappa - s0),
    "best": (m0 + s0) / (1 + kappa),
    "least": ((m0 + s0) / (1 + kappa) - m0) ** 2 + (kappa * (m0 + s0) / (1 + kappa) - s0) ** 2,
    "step": 1 / (2 * (1 + kappa)),
}

# %% wrong: the mean is matched, the spread ignored [points 2]
gaussians = {
    "cost": (1 - m0) ** 2 + (kappa - s0) ** 2,
    "slope": 2 * (1 - m0) + 2 * kappa * (kappa - s0),
    "best": m0,
    "least": (kappa * m0 - s0) ** 2,
    "step": 0.5,
}

# %% wrong: maximum likelihood instead of transport [points 3]
S = m0**2 + s0**2
t = (-m0 + (m0**2 + 4 * kappa**2 * S) ** 0.5) / (2 * kappa**2)
gaussians = {
    "cost": (1 - m0) ** 2 + (kappa - s0) ** 2,
    "slope": 2 * (1 - m0) + 2 * kappa * (kappa - s0),
    "best": t,
    "least": (t - m0) ** 2 + (kappa * t - s0) ** 2,
    "step": 1 / (2 * (1 + kappa**2)),
}

# %% wrong: the root of the cost [points 1]
t = (m0 + kappa * s0) / (1 + kappa**2)
E1 = ((1 - m0) ** 2 + (kappa - s0) ** 2) ** 0.5
gaussians = {
    "cost": E1,
    "slope": (1 - m0 + kappa * (kappa - s0)) / E1,
    "best": t,
    "least": ((t - m0) ** 2 + (kappa * t - s0) ** 2) ** 0.5,
    "step": 1 / (2 * (1 + kappa**2)),
}

# %% wrong: the sign of the slope, which is then descended uphill [points 2]
t = (m0 + kappa * s0) / (1 + kappa**2)
gaussians = {
    "cost": (1 - m0) ** 2 + (kappa - s0) ** 2,
    "slope": 2 * (m0 - 1) + 2 * kappa * (s0 - kappa),
    "best": t,
    "least": (t - m0) ** 2 + (kappa * t - s0) ** 2,
    "step": -1 / (2 * (1 + kappa**2)),
}

# %% wrong: the step of m and s, where it is a half [points 3]
t = (m0 + kappa * s0) / (1 + kappa**2)
gaussians = {
    "cost": (1 - m0) ** 2 + (kappa - s0) ** 2,
    "slope": 2 * (1 - m0) + 2 * kappa * (kappa - s0),
    "best": t,
    "least": (t - m0) ** 2 + (kappa * t - s0) ** 2,
    "step": 0.5,
}

# %% wrong: the largest step that does not diverge [points 3]
t = (m0 + kappa * s0) / (1 + kappa**2)
gaussians = {
    "cost": (1 - m0) ** 2 + (kappa - s0) ** 2,
    "slope": 2 * (1 - m0) + 2 * kappa * (kappa - s0),
    "best": t,
    "least": (t - m0) ** 2 + (kappa * t - s0) ** 2,
    "step": 1 / (1 + kappa**2),
}

# %% wrong: the plan of independence, whose cost adds the variances [points 1]
gaussians = {
    "cost": (1 - m0) ** 2 + kappa**2 + s0**2,
    "slope": 2 * (1 - m0) + 2 * kappa**2,
    "best": m0 / (1 + kappa**2),
    "least": m0**2 * kappa**2 / (1 + kappa**2) + s0**2,
    "step": 1 / (2 * (1 + kappa**2)),
}

# %% wrong: samples of ten thousand points in the place of the laws
rng = np.random.default_rng(0)
z, y = np.sort(rng.normal(size=10_000)), np.sort(m0 + s0 * rng.normal(size=10_000))
c2, c1, c0 = np.mean((1 + kappa * z) ** 2), -2 * np.mean((1 + kappa * z) * y), np.mean(y**2)
gaussians = {
    "cost": c2 + c1 + c0,
    "slope": 2 * c2 + c1,
    "best": -c1 / (2 * c2),
    "least": c0 - c1**2 / (4 * c2),
    "step": 1 / (2 * c2),
}
