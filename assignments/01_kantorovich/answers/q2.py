# %% right: two pointers, as the north-west corner rule says it
def line_plan(x, a, y, b):
    first, second = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    left, room = a[first].astype(float), b[second].astype(float)
    i, j, mass = [], [], []
    k = l = 0
    while k < len(x) and l < len(y):
        moved = min(left[k], room[l])
        i.append(first[k])
        j.append(second[l])
        mass.append(moved)
        left[k] -= moved
        room[l] -= moved
        if left[k] <= room[l]:
            k += 1
        else:
            l += 1
    return np.array(i), np.array(j), np.array(mass)


def line_distance(x, a, y, b, p):
    total = 0.0
    for i, j, mass in zip(*line_plan(x, a, y, b), strict=True):
        total += mass * abs(x[i] - y[j]) ** p
    return total ** (1 / p)


# %% right: overlaps of intervals of mass, in torch, and the distance from the package
import torch


def line_plan(x, a, y, b):
    x, a, y, b = map(torch.as_tensor, (x.copy(), a.copy(), y.copy(), b.copy()))
    s, t = torch.argsort(x), torch.argsort(y)
    A, B = a[s].cumsum(0), b[t].cumsum(0)
    A, B = A / A[-1], B / B[-1]
    ends = torch.cat([A, B]).sort().values
    starts = torch.cat([torch.zeros(1, dtype=ends.dtype), ends[:-1]])
    keep = ends - starts > 1e-15
    middle = (ends + starts)[keep] / 2
    return s[torch.searchsorted(A, middle)], t[torch.searchsorted(B, middle)], (ends - starts)[keep]


def line_distance(x, a, y, b, p):
    return float(otg.wasserstein_1d(x, y, p, a, b)) ** (1 / p)


# %% wrong: the root is forgotten [points 2]
def line_plan(x, a, y, b):
    s, t = np.argsort(x), np.argsort(y)
    A, B = np.cumsum(a[s]), np.cumsum(b[t])
    levels = np.sort(np.concatenate([[0.0], A[:-1], B[:-1], [1.0]]))
    middle = (levels[1:] + levels[:-1]) / 2
    return s[np.searchsorted(A[:-1], middle)], t[np.searchsorted(B[:-1], middle)], np.diff(levels)


def line_distance(x, a, y, b, p):
    i, j, mass = line_plan(x, a, y, b)
    return (mass * np.abs(x[i] - y[j]) ** p).sum()


# %% wrong: the square root at every p [points 2]
def line_plan(x, a, y, b):
    s, t = np.argsort(x), np.argsort(y)
    A, B = np.cumsum(a[s]), np.cumsum(b[t])
    levels = np.sort(np.concatenate([[0.0], A[:-1], B[:-1], [1.0]]))
    middle = (levels[1:] + levels[:-1]) / 2
    return s[np.searchsorted(A[:-1], middle)], t[np.searchsorted(B[:-1], middle)], np.diff(levels)


def line_distance(x, a, y, b, p):
    i, j, mass = line_plan(x, a, y, b)
    return (mass * np.abs(x[i] - y[j]) ** p).sum() ** 0.5


# %% wrong: numbers of the sorted points instead of the given ones [points 2]
def line_plan(x, a, y, b):
    A, B = np.cumsum(a[np.argsort(x)]), np.cumsum(b[np.argsort(y)])
    levels = np.sort(np.concatenate([[0.0], A[:-1], B[:-1], [1.0]]))
    middle = (levels[1:] + levels[:-1]) / 2
    return np.searchsorted(A[:-1], middle), np.searchsorted(B[:-1], middle), np.diff(levels)


def line_distance(x, a, y, b, p):
    i, j, mass = line_plan(x, a, y, b)
    x, y = np.sort(x), np.sort(y)
    return (mass * np.abs(x[i] - y[j]) ** p).sum() ** (1 / p)


# %% wrong: points are sorted, their weights are not
def line_plan(x, a, y, b):
    s, t = np.argsort(x), np.argsort(y)
    A, B = np.cumsum(a), np.cumsum(b)
    levels = np.sort(np.concatenate([[0.0], A[:-1], B[:-1], [1.0]]))
    middle = (levels[1:] + levels[:-1]) / 2
    return s[np.searchsorted(A[:-1], middle)], t[np.searchsorted(B[:-1], middle)], np.diff(levels)


def line_distance(x, a, y, b, p):
    i, j, mass = line_plan(x, a, y, b)
    return (mass * np.abs(x[i] - y[j]) ** p).sum() ** (1 / p)


# %% wrong: nothing is sorted [points 1]
def line_plan(x, a, y, b):
    A, B = np.cumsum(a), np.cumsum(b)
    levels = np.sort(np.concatenate([[0.0], A[:-1], B[:-1], [1.0]]))
    middle = (levels[1:] + levels[:-1]) / 2
    return np.searchsorted(A[:-1], middle), np.searchsorted(B[:-1], middle), np.diff(levels)


def line_distance(x, a, y, b, p):
    i, j, mass = line_plan(x, a, y, b)
    return (mass * np.abs(x[i] - y[j]) ** p).sum() ** (1 / p)


# %% wrong: one of the two is sorted the wrong way round [points 1]
def line_plan(x, a, y, b):
    s, t = np.argsort(x), np.argsort(-y)
    A, B = np.cumsum(a[s]), np.cumsum(b[t])
    levels = np.sort(np.concatenate([[0.0], A[:-1], B[:-1], [1.0]]))
    middle = (levels[1:] + levels[:-1]) / 2
    return s[np.searchsorted(A[:-1], middle)], t[np.searchsorted(B[:-1], middle)], np.diff(levels)


def line_distance(x, a, y, b, p):
    i, j, mass = line_plan(x, a, y, b)
    return (mass * np.abs(x[i] - y[j]) ** p).sum() ** (1 / p)


# %% wrong: weights are taken to be equal
def line_plan(x, a, y, b):
    s, t = np.argsort(x), np.argsort(y)
    A, B = np.arange(1, len(x)) / len(x), np.arange(1, len(y)) / len(y)
    levels = np.sort(np.concatenate([[0.0], A, B, [1.0]]))
    middle = (levels[1:] + levels[:-1]) / 2
    return s[np.searchsorted(A, middle)], t[np.searchsorted(B, middle)], np.diff(levels)


def line_distance(x, a, y, b, p):
    i, j, mass = line_plan(x, a, y, b)
    return (mass * np.abs(x[i] - y[j]) ** p).sum() ** (1 / p)


# %% wrong: sorted points are paired, as if the sizes were equal
def line_plan(x, a, y, b):
    n = min(len(x), len(y))
    s, t = np.argsort(x)[:n], np.argsort(y)[:n]
    return s, t, np.minimum(a[s], b[t])


def line_distance(x, a, y, b, p):
    i, j, mass = line_plan(x, a, y, b)
    return (mass * np.abs(x[i] - y[j]) ** p).sum() ** (1 / p)


# %% wrong: a dense linear programme, which needs too much memory for many points
def line_plan(x, a, y, b):
    plan = otg.solve_exact((x[:, None] - y) ** 2, a, b).plan.numpy()
    i, j = np.nonzero(plan)
    return i, j, plan[i, j]


def line_distance(x, a, y, b, p):
    return float(otg.solve_exact(np.abs(x[:, None] - y) ** p, a, b).value) ** (1 / p)


# %% wrong: the product plan, and the distance of the means
def line_plan(x, a, y, b):
    i, j = np.indices((len(x), len(y))).reshape(2, -1)
    return i, j, np.outer(a, b).ravel()


def line_distance(x, a, y, b, p):
    return abs(a @ x - b @ y)


# %% wrong: the distance of order one at every p [points 2]
def line_plan(x, a, y, b):
    s, t = np.argsort(x), np.argsort(y)
    A, B = np.cumsum(a[s]), np.cumsum(b[t])
    levels = np.sort(np.concatenate([[0.0], A[:-1], B[:-1], [1.0]]))
    middle = (levels[1:] + levels[:-1]) / 2
    return s[np.searchsorted(A[:-1], middle)], t[np.searchsorted(B[:-1], middle)], np.diff(levels)


def line_distance(x, a, y, b, p):
    i, j, mass = line_plan(x, a, y, b)
    return (mass * np.abs(x[i] - y[j])).sum()


# %% wrong: only the visible case
def line_plan(x, a, y, b):
    return np.array([0, 1]), np.array([0, 0]), np.array([0.5, 0.5])


def line_distance(x, a, y, b, p):
    return 3.5
