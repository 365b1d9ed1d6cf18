# %% right: by the singular value decomposition, with loops
def spectra(Sigma, q, var):
    Lam = torch.linalg.svdvals(torch.as_tensor(Sigma)).tolist()
    vae, pot = [], []
    for i, value in enumerate(Lam):
        pot.append(value if i < q else 0.0)
        vae.append(value - var if i < q and value > var else 0.0)
    return {"vae": vae, "pot": pot}


def keep(Sigma, q, k):
    ends = [*np.linalg.svd(Sigma)[1][:q], 0.0]
    ends = [ends[0] + 1.0, *ends]
    return float(0.3 * ends[k] + 0.7 * ends[k + 1])


Lam = np.array([1.0, 0.5, 0.25, 0.1])
W = np.diag(np.sqrt(np.maximum(Lam - 0.4, 0)))[:, :3]
posterior = np.linalg.inv(W.T @ W / 0.4 + np.eye(3))
mean = posterior @ W.T / 0.4
rest = np.eye(4) - W @ mean
table = {
    "used": np.linalg.matrix_rank(W),
    "information": -np.linalg.slogdet(posterior)[1] / 2,
    "vae_cost": np.trace(rest @ np.diag(Lam) @ rest.T) + np.trace(W @ posterior @ W.T),
    "pot_cost": Lam[3],
}


# %% right: sorted eigenvalues, and a search for the variance
def spectra(Sigma, q, var):
    Lam = np.sort(np.linalg.eig(Sigma)[0].real)[::-1]
    Lam[q:] = 0
    return {"vae": (Lam - var).clip(0), "pot": Lam}


def keep(Sigma, q, k):
    Lam = spectra(Sigma, q, 0.0)["pot"]
    for var in np.geomspace(1e-3, 20, 4000):
        if (Lam > var).sum() == k:
            return var


table = {"used": 2.0, "information": 0.5 * np.log(2.5 * 1.25), "vae_cost": 1.15, "pot_cost": 0.1}


# %% wrong: eigenvalues rise [points 3]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    Lam = Lam[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: not clipped at zero [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, Lam - var, 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: the standard deviation is taken off [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {
        "vae": np.where(used, np.maximum(Lam - np.sqrt(var), 0), 0),
        "pot": np.where(used, Lam, 0),
    }


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: half of it is taken off, as from entropy [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var / 2, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: the diagonal for the eigenvalues [points 2]
def spectra(Sigma, q, var):
    Lam = np.sort(np.diag(Sigma))[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.sort(np.diag(Sigma))[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: the number of codes plays no role [points 3]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = Lam > 0
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: penalised transport shrinks as well [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {
        "vae": np.where(used, np.maximum(Lam - var, 0), 0),
        "pot": np.where(used, np.maximum(Lam - var, 0), 0),
    }


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: standard deviations for variances [points 3]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {
        "vae": np.where(used, np.sqrt(np.maximum(Lam - var, 0)), 0),
        "pot": np.where(used, np.sqrt(Lam), 0),
    }


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: the noise is added: the model with its noise [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam, var), var), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: collapsed directions are used with their variance [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.where(Lam > var, Lam, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: a variance on the edge [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return Lam[k]


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: off by one [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k] + Lam[k + 1]) / 2 if k < q - 1 else Lam[k] / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: collapsed codes are counted, not used ones [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    k = q - k
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: no code can collapse [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 0.0
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: always the same variance [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    return Lam[:2].mean()
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: the information without its half [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)),
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: the information of collapsed codes is subtracted [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4) + np.log(0.25 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: the information in bits [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2 / np.log(2),
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: all codes are used [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 3,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: the VAE is charged for what it has lost twice [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.8 + 0.8 + 0.25 + 0.1,
    "pot_cost": 0.1,
}


# %% wrong: the VAE has the cost of principal components [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.1,
    "pot_cost": 0.1,
}


# %% wrong: penalised transport has no cost at all [points 4]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


table = {
    "used": 2,
    "information": (np.log(1 / 0.4) + np.log(0.5 / 0.4)) / 2,
    "vae_cost": 0.4 + 0.4 + 0.25 + 0.1,
    "pot_cost": 0.0,
}


# %% wrong: the table is left out [points 3]
def spectra(Sigma, q, var):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    used = np.arange(len(Lam)) < q
    return {"vae": np.where(used, np.maximum(Lam - var, 0), 0), "pot": np.where(used, Lam, 0)}


def keep(Sigma, q, k):
    Lam = np.linalg.eigvalsh(Sigma)[::-1]
    if k == 0:
        return 2 * Lam[0]
    if k == q:
        return Lam[q - 1] / 2
    return (Lam[k - 1] + Lam[k]) / 2


# %% wrong: only the visible example [points 0]
def spectra(Sigma, q, var):
    return {"vae": np.array([1.5, 0.0]), "pot": np.array([2.0, 0.0])}


def keep(Sigma, q, k):
    return 1.0


table = {"used": 1, "information": 1.0, "vae_cost": 1.0, "pot_cost": 1.0}
