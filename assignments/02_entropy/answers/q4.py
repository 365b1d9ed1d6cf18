# %% right: a search over both variances with the package's closed form
from scipy.optimize import minimize_scalar

b, thin, eps = data_scale, data_thin, fit_eps

def fitted(variance):
    return minimize_scalar(
        lambda s2: float(otg.entropic_gaussian(0.0, s2, 0.0, variance, eps)),
        bounds=(0.0, 2 * variance), method="bounded", options={"xatol": 1e-8})

kept = [fitted(b**2).x, fitted(thin).x]
at_rest = fitted(b**2).fun
collapse = 2 * b**2
debiased = np.array([b**2, thin])
blur = (eps / 2) ** 0.5

# %% right: tensors
b, thin, eps = data_scale, data_thin, fit_eps
variances = torch.tensor([b**2, thin], dtype=torch.float64)
kept = (variances - eps / 2).clamp(min=0)
s2 = kept[0]
kappa = s2
at_rest = s2 + b**2 - 2 * kappa - eps / 2 * torch.log(eps * kappa / (2 * s2 * b**2))
collapse = 2 * variances.max()
debiased = variances
blur = torch.tensor(eps / 2).sqrt()

# %% wrong: variances below zero [points 3]
b, thin, eps = data_scale, data_thin, fit_eps
kept = [b**2 - eps / 2, thin - eps / 2]
at_rest = eps / 2 * (1 + np.log(2 * b**2 / eps))
collapse = 2 * b**2
debiased = [b**2, thin]
blur = np.sqrt(eps / 2)

# %% wrong: all of ε is taken off, as if the cost were halved [points 1]
b, thin, eps = data_scale, data_thin, fit_eps
kept = [max(b**2 - eps, 0), max(thin - eps, 0)]
at_rest = eps * (1 + np.log(b**2 / eps))
collapse = b**2
debiased = [b**2, thin]
blur = np.sqrt(eps / 2)

# %% wrong: standard deviations for variances [points 2]
b, thin, eps = data_scale, data_thin, fit_eps
kept = [np.sqrt(b**2 - eps / 2), 0.0]
at_rest = eps / 2 * (1 + np.log(2 * b**2 / eps))
collapse = 2 * b**2
debiased = [b, np.sqrt(thin)]
blur = np.sqrt(eps / 2)

# %% wrong: b taken for the variance [points 0]
b, thin, eps = data_scale, data_thin, fit_eps
kept = [max(b - eps / 2, 0), max(thin - eps / 2, 0)]
at_rest = eps / 2 * (1 + np.log(2 * b / eps))
collapse = 2 * b
debiased = [b, thin]
blur = np.sqrt(eps / 2)

# %% wrong: the loss at rest is zero, and blur is ε [points 2]
b, thin, eps = data_scale, data_thin, fit_eps
kept = [b**2 - eps / 2, 0.0]
at_rest = 0.0
collapse = 2 * b**2
debiased = [b**2, thin]
blur = eps

# %% wrong: the debiased model is narrow as well, and blur the root of ε [points 3]
b, thin, eps = data_scale, data_thin, fit_eps
kept = [b**2 - eps / 2, 0.0]
at_rest = eps / 2 * (1 + np.log(2 * b**2 / eps))
collapse = 2 * b**2
debiased = [b**2 - eps / 2, 0.0]
blur = np.sqrt(eps)

# %% wrong: the point is best where the thin axis is lost [points 3]
b, thin, eps = data_scale, data_thin, fit_eps
kept = [b**2 - eps / 2, 0.0]
at_rest = eps / 2 * (1 + np.log(2 * b**2 / eps))
collapse = 2 * thin
debiased = [b**2, thin]
blur = np.sqrt(eps / 2)

# %% wrong: the loss at the right model instead of the best one [points 3]
b, thin, eps = data_scale, data_thin, fit_eps
kept = [b**2 - eps / 2, 0.0]
at_rest = float(otg.entropic_gaussian(0.0, b**2, 0.0, b**2, eps))
collapse = 2 * b**2
debiased = [b**2, thin]
blur = np.sqrt(eps / 2)

# %% wrong: the bias of the trips alone [points 1]
b, thin, eps = data_scale, data_thin, fit_eps
kept = [b**2 - eps**2 / (16 * b**2), max(thin - eps**2 / (16 * thin), 0.0)]
at_rest = eps / 2
collapse = 4 * b**2
debiased = [b**2, thin]
blur = np.sqrt(eps / 2)

# %% wrong: the bias exchanged with that of S, and constants
kept, debiased = [data_scale ** 2, data_thin], [data_scale ** 2 - fit_eps / 2, 0.0]
at_rest, collapse, blur = 1.0, 1.0, 1.0
