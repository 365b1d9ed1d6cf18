# %% right: torch, and autograd for the gradient
def semidual(psi, x, w, y, b):
    psi, x, w, y, b = (torch.tensor(v, dtype=torch.float64) for v in (psi, x, w, y, b))
    psi.requires_grad_()
    C = ((x[:, None] - y) ** 2).sum(-1)
    lowest, cell = (C - psi).min(dim=1)
    value = w @ lowest + b @ psi
    (gradient,) = torch.autograd.grad(value, psi)
    return cell, value.detach(), gradient

# %% right: loops over the places
def semidual(psi, x, w, y, b):
    cell, value, gradient = [], float(np.dot(b, psi)), np.array(b, dtype=float)
    for place, mass in zip(x, w):
        offers = [float(np.sum((place - atom) ** 2)) - p for atom, p in zip(y, psi)]
        j = int(np.argmin(offers))
        cell.append(j)
        value += mass * offers[j]
        gradient[j] -= mass
    return cell, value, gradient

# %% right: without the squares of the places, added in the end
def semidual(psi, x, w, y, b):
    height = (y**2).sum(1) - psi
    scores = 2 * x @ y.T - height
    cell = scores.argmax(1)
    value = w @ ((x**2).sum(1) - scores.max(1)) + b @ psi
    held = (np.eye(len(b))[cell] * w[:, None]).sum(0)
    return cell, value, b - held

# %% wrong: the sign of ψ
def semidual(psi, x, w, y, b):
    slack = ((x[:, None] - y) ** 2).sum(-1) + psi
    cell = slack.argmin(1)
    value = w @ slack.min(1) - b @ psi
    return cell, value, np.bincount(cell, weights=w, minlength=len(b)) - b

# %% wrong: ψ forgotten in the cells
def semidual(psi, x, w, y, b):
    C = ((x[:, None] - y) ** 2).sum(-1)
    cell = C.argmin(1)
    value = w @ C.min(1) + b @ psi
    return cell, value, b - np.bincount(cell, weights=w, minlength=len(b))

# %% wrong: the sign of the gradient [points 2]
def semidual(psi, x, w, y, b):
    slack = ((x[:, None] - y) ** 2).sum(-1) - psi
    cell = slack.argmin(1)
    mass = np.bincount(cell, weights=w, minlength=len(b))
    return cell, w @ slack.min(1) + b @ psi, mass - b

# %% wrong: the masses for the gradient [points 2]
def semidual(psi, x, w, y, b):
    slack = ((x[:, None] - y) ** 2).sum(-1) - psi
    cell = slack.argmin(1)
    mass = np.bincount(cell, weights=w, minlength=len(b))
    return cell, w @ slack.min(1) + b @ psi, mass

# %% wrong: places have equal masses [points 1]
def semidual(psi, x, w, y, b):
    slack = ((x[:, None] - y) ** 2).sum(-1) - psi
    cell = slack.argmin(1)
    mass = np.bincount(cell, minlength=len(b)) / len(x)
    return cell, slack.min(1).mean() + b @ psi, b - mass

# %% wrong: atoms have equal weights [points 1]
def semidual(psi, x, w, y, b):
    slack = ((x[:, None] - y) ** 2).sum(-1) - psi
    cell = slack.argmin(1)
    mass = np.bincount(cell, weights=w, minlength=len(b))
    return cell, w @ slack.min(1) + psi.mean(), 1 / len(b) - mass

# %% wrong: an empty last cell is lost [points 2]
def semidual(psi, x, w, y, b):
    slack = ((x[:, None] - y) ** 2).sum(-1) - psi
    cell = slack.argmin(1)
    return cell, w @ slack.min(1) + b @ psi, b - np.bincount(cell, weights=w)

# %% wrong: the second term of the semi-dual forgotten [points 3]
def semidual(psi, x, w, y, b):
    slack = ((x[:, None] - y) ** 2).sum(-1) - psi
    cell = slack.argmin(1)
    mass = np.bincount(cell, weights=w, minlength=len(b))
    return cell, w @ slack.min(1), b - mass

# %% wrong: the cost of the trips for the semi-dual [points 3]
def semidual(psi, x, w, y, b):
    C = ((x[:, None] - y) ** 2).sum(-1)
    cell = (C - psi).argmin(1)
    mass = np.bincount(cell, weights=w, minlength=len(b))
    return cell, w @ C[np.arange(len(x)), cell], b - mass

# %% wrong: the distance is not squared
def semidual(psi, x, w, y, b):
    slack = np.sqrt(((x[:, None] - y) ** 2).sum(-1)) - psi
    cell = slack.argmin(1)
    mass = np.bincount(cell, weights=w, minlength=len(b))
    return cell, w @ slack.min(1) + b @ psi, b - mass

# %% wrong: the cost is halved
def semidual(psi, x, w, y, b):
    slack = ((x[:, None] - y) ** 2).sum(-1) / 2 - psi
    cell = slack.argmin(1)
    mass = np.bincount(cell, weights=w, minlength=len(b))
    return cell, w @ slack.min(1) + b @ psi, b - mass

# %% wrong: the mean over coordinates
def semidual(psi, x, w, y, b):
    slack = ((x[:, None] - y) ** 2).mean(-1) - psi
    cell = slack.argmin(1)
    mass = np.bincount(cell, weights=w, minlength=len(b))
    return cell, w @ slack.min(1) + b @ psi, b - mass

# %% wrong: cells counted from one [points 3]
def semidual(psi, x, w, y, b):
    slack = ((x[:, None] - y) ** 2).sum(-1) - psi
    cell = slack.argmin(1)
    mass = np.bincount(cell, weights=w, minlength=len(b))
    return cell + 1, w @ slack.min(1) + b @ psi, b - mass

# %% wrong: each place may change its atom once an atom is full
def semidual(psi, x, w, y, b):
    left, cell = b.copy(), []
    C = ((x[:, None] - y) ** 2).sum(-1) - psi
    for row, mass in zip(C, w):
        j = int(np.where(left > 0, row, np.inf).argmin())
        left[j] -= mass
        cell.append(j)
    return cell, w @ C[np.arange(len(x)), cell] + b @ psi, left
