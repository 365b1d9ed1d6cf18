# %% right: one einsum, and the numbers typed in
def pot_loss(x, encode, decode, y, lam, penalty):
    codes = encode(x)
    rest = (decode(codes) - x).reshape(len(x), -1)
    return torch.einsum("ij,ij->", rest, rest) / len(x) + lam * penalty(codes, y)


translated = {
    "lam": 614400.0,
    "var": 307200.0,
    "constant": 3072 * 307200 * np.log(2 * np.pi * 307200),
}


# %% right: a loop over the batch, and the constant from a density
from scipy.stats import norm


def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    made = decode(z)
    total = lam * penalty(z, y)
    for one, other in zip(x, made):
        total = total + torch.sum((one - other) ** 2) / len(x)
    return total


d = 3 * 32**2
translated = {"lam": 10 / (0.05 / d)}
translated["var"] = translated["lam"] / 2
at_the_mean = norm.logpdf(0, scale=translated["var"] ** 0.5)
translated["constant"] = -2 * translated["var"] * d * at_the_mean


# %% wrong: a mean over pixels [points 2]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).mean(1)
    return cost.mean() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: a sum over the batch [points 2]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.sum() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the cost is halved [points 2]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() / 2 + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the root of the cost [points 2]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.sqrt().mean() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the usual loss of torch [points 2]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return torch.nn.functional.mse_loss(decode(z), x) + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the weight is on the cost [points 2]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return lam * cost.mean() + penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the penalty is subtracted [points 3]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() - lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: only the second axis is summed: works for vectors [points 3]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().sum(1)
    return cost.mean() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: draws and codes change places in the penalty [points 3]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(y, z)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the codes are detached in the penalty [points 4]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(z.detach(), y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the decoder sees detached codes [points 4]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z.detach())).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: without a graph [points 4]
@torch.no_grad()
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the penalty is halved, as if it were a likelihood [points 3]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam / 2 * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: a constant loss [points 2]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return torch.tensor(4.0)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the weight is multiplied by their factor [points 3]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers * 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: a mean is taken for a sum in their loss [points 3]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: three colours forgotten [points 3]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(z, y)


numbers = 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the variance is the weight [points 4]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight,
    "constant": numbers * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the dimension of the codes in the constant [points 4]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": 64 * weight / 2 * np.log(np.pi * weight),
}


# %% wrong: the constant without the factor 2 var [points 4]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(z, y)


numbers = 3 * 32 * 32
weight = 10 * numbers / 0.05
translated = {
    "lam": weight,
    "var": weight / 2,
    "constant": numbers / 2 * np.log(np.pi * weight),
}


# %% wrong: the numbers are left out [points 3]
def pot_loss(x, encode, decode, y, lam, penalty):
    z = encode(x)
    cost = (x - decode(z)).square().flatten(1).sum(1)
    return cost.mean() + lam * penalty(z, y)
