# %% right: torch.distributions, and quadrature by SciPy
from scipy.integrate import quad
from scipy.stats import norm
from torch.distributions import Normal, kl_divergence


def vae_loss(x, mean, log_var, e, decode, var):
    code = Normal(mean, (log_var / 2).exp())
    rate = kl_divergence(code, Normal(torch.zeros_like(mean), torch.ones_like(mean))).sum(1)
    at = decode(code.loc + code.scale * e)
    return (rate - Normal(at, var**0.5).log_prob(x).sum(1)).mean()


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    low, high = (mean - 9 * sd).min(), (mean + 9 * sd).max()
    options = {"points": np.sort(mean), "limit": 500}

    def cost(t):
        return (norm.pdf(t, mean, sd) * ((x - decode(np.array([t]))) ** 2).sum(1)).mean()

    def kl(t):
        q = norm.pdf(t, mean, sd).mean()
        return q * (np.log(q) - norm.logpdf(t))

    divergence = quad(kl, low, high, **options)[0]
    rate = (sd**2 + mean**2 - 1 - log_var).mean() / 2
    return {
        "cost": quad(cost, low, high, **options)[0],
        "kl": divergence,
        "information": rate - divergence,
    }


# %% right: a loop over data, Gauss and Hermite
def vae_loss(x, mean, log_var, e, decode, var):
    n, d = x.shape
    sd = torch.sqrt(torch.exp(log_var))
    made = decode(mean + sd * e)
    total = 0
    for i in range(n):
        total = total + 0.5 * torch.sum(sd[i] ** 2 + mean[i] ** 2 - 1 - 2 * torch.log(sd[i]))
        total = total + ((x[i] - made[i]) @ (x[i] - made[i])) / (2 * var)
        total = total + d * np.log(np.sqrt(2 * np.pi * var))
    return total / n


def bill(x, mean, log_var, decode):
    nodes, w = np.polynomial.hermite_e.hermegauss(40)
    sd, n = np.exp(log_var / 2), len(x)
    w = w / w.sum()
    cost = np.mean([w @ ((x[i] - decode(mean[i] + sd[i] * nodes)) ** 2).sum(1) for i in range(n)])
    t = np.linspace(-20, 20, 40001)
    mixture = np.mean(
        [
            np.exp(-(((t - mean[i]) / sd[i]) ** 2) / 2) / (sd[i] * np.sqrt(2 * np.pi))
            for i in range(n)
        ],
        0,
    )
    entropy = -(mixture * np.log(np.maximum(mixture, 1e-300))).sum() * (t[1] - t[0])
    of_codes = np.mean(0.5 * np.log(2 * np.pi * np.e * sd**2))
    moment = np.mean(mean**2 + sd**2)
    kl = -entropy + 0.5 * np.log(2 * np.pi) + moment / 2
    return {"cost": cost, "kl": kl, "information": entropy - of_codes}


# %% wrong: the divergence the wrong way round [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = ((1 + mean**2) / log_var.exp() - 1 + log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: the divergence has the wrong sign [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (-rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: without the constant of the density [points 4]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean()


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: log_var is taken for the logarithm of the standard deviation [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + log_var.exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: log_var is taken for the variance [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    log_var = (log_var.abs() + 1e-9).log()
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: a mean over coordinates in the rate [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).mean(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: a mean over the numbers of a datum [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().mean(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: the half in front of the cost is missing [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / var).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: the half in front of the rate is missing [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1)
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: the loss times 2 var, without its constant [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (2 * var * rate + squares).mean()


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: the mean is decoded, without noise [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + 0 * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: the codes are detached [points 4]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z.detach())).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: a sum over the batch [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).sum() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: the mean divergence of single codes for that of the aggregate [points 4]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (sd**2 + mean**2 - 1 - log_var).mean() / 2,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: the aggregate is taken for a Gaussian [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    nodes, w = np.polynomial.hermite_e.hermegauss(40)
    w = w / w.sum()
    made = [decode(m + s * nodes) for m, s in zip(mean, sd)]
    cost = np.mean([w @ ((one - g) ** 2).sum(1) for one, g in zip(x, made)])
    m, v = mean.mean(), (sd**2 + mean**2).mean() - mean.mean() ** 2
    kl = (v + m**2 - 1 - np.log(v)) / 2
    rate = (sd**2 + mean**2 - 1 - log_var).mean() / 2
    return {"cost": cost, "kl": kl, "information": rate - kl}


# %% wrong: the divergence of the aggregate the wrong way round [points 4]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_prior) * (log_prior - log_mix)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: information in bits [points 4]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step / np.log(2),
    }


# %% wrong: the logarithm of the number of data for the information [points 4]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": np.log(len(x)) if len(x) > 1 else 0.0,
    }


# %% wrong: all three by a thousand draws [points 2]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    rng = np.random.default_rng(0)
    sd = np.exp(log_var / 2)
    z = mean[:, None] + sd[:, None] * rng.normal(size=(len(x), 1000))
    log_q = -(((z[..., None] - mean) / sd) ** 2 + np.log(2 * np.pi) + log_var) / 2
    own = np.array([log_q[i, :, i] for i in range(len(x))])
    log_mix = np.log(np.exp(log_q).mean(2))
    cost = np.mean([((x[i] - decode(z[i])) ** 2).sum(1).mean() for i in range(len(x))])
    kl = (log_mix + (z**2 + np.log(2 * np.pi)) / 2).mean()
    return {"cost": cost, "kl": kl, "information": (own - log_mix).mean()}


# %% wrong: the cost at the means of the codes [points 4]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": ((x - decode(mean)) ** 2).sum(1).mean(),
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: the cost is a mean over the numbers of a datum [points 4]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).mean(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: the grid ends at the prior's four standard deviations [points 2]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace(-4, 4, 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }


# %% wrong: only the loss is written [points 2]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return (rate + squares / (2 * var)).mean() + x.shape[1] / 2 * np.log(2 * np.pi * var)


# %% wrong: the loss is a constant [points 3]
def vae_loss(x, mean, log_var, e, decode, var):
    z = mean + (log_var / 2).exp() * e
    rate = (log_var.exp() + mean**2 - 1 - log_var).sum(1) / 2
    squares = (x - decode(z)).square().sum(1)
    return x.shape[1] / 2 * np.log(2 * np.pi * var)


def bill(x, mean, log_var, decode):
    sd = np.exp(log_var / 2)
    t = np.linspace((mean - 10 * sd).min(), (mean + 10 * sd).max(), 8001)
    log_q = -(((t - mean[:, None]) / sd[:, None]) ** 2 + np.log(2 * np.pi) + log_var[:, None]) / 2
    top = log_q.max(0)
    log_mix = top + np.log(np.exp(log_q - top).mean(0))
    log_prior = -(t**2 + np.log(2 * np.pi)) / 2
    q, step = np.exp(log_q), t[1] - t[0]
    squares = ((x[:, None] - decode(t)[None]) ** 2).sum(2)
    return {
        "cost": (q * squares).sum(1).mean() * step,
        "kl": (np.exp(log_mix) * (log_mix - log_prior)).sum() * step,
        "information": (q * (log_q - log_mix)).sum(1).mean() * step,
    }
