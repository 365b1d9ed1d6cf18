# %% right: loops, and places that are not at zero
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    shapes = list(zip(widths[1:], widths[:-1]))
    weights = [torch.full(s, float(kappa), dtype=torch.float64) for s in shapes]
    signs = torch.from_numpy(signs)
    weights[0] *= signs
    return weights, 7 * signs, 2 * signs

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% right: norms of matrices, and places read off the first layer
def clip_bound(widths, kappa):
    ones = [np.full((m, n), kappa) for n, m in zip(widths[:-1], widths[1:])]
    return np.prod([np.linalg.norm(W) for W in ones])

def steepest_network(widths, kappa, signs):
    weights = [np.full((m, n), kappa) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] @ np.diag(signs)
    return tuple(weights), 3 * np.sign(weights[0][0]), np.sign(weights[0][-1])

m = clip_means
w = clip_kappa * np.sign(m)
clipped_value = w @ m
clipped_cosine = w @ m / np.linalg.norm(w) / np.linalg.norm(m)

# %% right: logarithms
def clip_bound(widths, kappa):
    w = np.log(np.array(widths, dtype=float))
    return np.exp((len(widths) - 1) * np.log(kappa) + w[0] / 2 + w[1:-1].sum() + w[-1] / 2)

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: the power of the number of widths, not of layers [points 3]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K * kappa

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: the widths are forgotten: kappa to the power of the depth [points 3]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: the root is forgotten [points 3]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m)
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: only the width that comes in [points 3]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * n ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: the largest weight for the largest slope, one layer wide [points 3]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * max(n, m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: random weights within the clip [points 2]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    rng = np.random.default_rng(0)
    weights = [rng.uniform(-kappa, kappa, (m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = abs(weights[0]) * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: weights beyond the clip [points 2]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [2 * kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: random signs in the later layers, of which the rectifiers cut half [points 2]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    rng = np.random.default_rng(1)
    shapes = list(zip(widths[1:], widths))
    weights = [kappa * rng.choice([-1.0, 1.0], shape) for shape in shapes]
    weights[0] = abs(weights[0]) * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: all weights of the later layers negative, and the rectifiers leave nothing [points 2]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [-kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = -weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: places along one axis [points 2]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs * np.eye(widths[0])[0], np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: matrices transposed [points 2]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((n, m)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs[:, None]
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: the proof's network, whatever the signs [points 2]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    return weights, np.ones(widths[0]), np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: the signs in the weights, and not in the places [points 2]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, np.ones(widths[0]), np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: twice the same place [points 2]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, signs

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: the weight is cut to unit length: the Euclidean norm of m [points 3]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * 40**0.5
clipped_cosine = 1.0

# %% wrong: signs kept in the sum [points 3]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * abs(6 - 2)
clipped_cosine = 4 / (40 * 2) ** 0.5

# %% wrong: the largest coordinate only [points 3]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * 6
clipped_cosine = 6 / 40**0.5

# %% wrong: the angle in degrees instead of the cosine [points 3]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 26.57

# %% wrong: the clip is forgotten [points 3]
def clip_bound(widths, kappa):
    K = 1.0
    for n, m in zip(widths, widths[1:]):
        K = K * kappa * (n * m) ** 0.5
    return K

def steepest_network(widths, kappa, signs):
    weights = [kappa * np.ones((m, n)) for n, m in zip(widths, widths[1:])]
    weights[0] = weights[0] * signs
    return weights, signs, np.zeros(widths[0])

clipped_value = 8.0
clipped_cosine = 8 / (40 * 2) ** 0.5

# %% wrong: the visible example only [points 1]
def clip_bound(widths, kappa):
    return 1.0

def steepest_network(widths, kappa, signs):
    return [np.full((1, 4), 0.5)], np.ones(4), np.zeros(4)

clipped_value = clip_kappa * (6 + 2)
clipped_cosine = 8 / (40 * 2) ** 0.5
