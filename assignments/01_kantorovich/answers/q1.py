# %% right: loops
def audit(P, C, a, b):
    n, m = C.shape
    cost = rows = columns = negative = 0.0
    for i in range(n):
        rows += abs(sum(P[i, j] for j in range(m)) - a[i])
        for j in range(m):
            cost += C[i, j] * P[i, j]
            if P[i, j] < 0:
                negative -= P[i, j]
    for j in range(m):
        columns += abs(sum(P[i, j] for i in range(n)) - b[j])
    good = rows <= 1e-9 and columns <= 1e-9 and negative <= 1e-9
    return {"cost": cost, "rows": rows, "columns": columns, "negative": negative, "is_plan": good}


# %% right: torch and norms
import torch


def audit(P, C, a, b):
    P, C, a, b = map(torch.as_tensor, (P, C, a, b))
    parts = {
        "rows": torch.linalg.vector_norm(P.sum(1) - a, 1),
        "columns": torch.linalg.vector_norm(P.sum(0) - b, 1),
        "negative": (-P).relu().sum(),
    }
    verdict = all(v <= 1e-9 for v in parts.values())
    return {"cost": torch.tensordot(P, C), **parts, "is_plan": verdict}


# %% wrong: margins swapped [points 1]
def audit(P, C, a, b):
    n, m = P.shape
    rows = np.abs(P.sum(0) - a).sum() if n == m else 1.0
    columns = np.abs(P.sum(1) - b).sum() if n == m else 1.0
    negative = np.maximum(-P, 0).sum()
    good = bool(max(rows, columns, negative) <= 1e-9)
    return {
        "cost": (C * P).sum(),
        "rows": rows,
        "columns": columns,
        "negative": negative,
        "is_plan": good,
    }


# %% wrong: differences are added before the absolute value [points 1]
def audit(P, C, a, b):
    rows = abs((P.sum(1) - a).sum())
    columns = abs((P.sum(0) - b).sum())
    negative = np.maximum(-P, 0).sum()
    good = bool(max(rows, columns, negative) <= 1e-9)
    return {
        "cost": (C * P).sum(),
        "rows": rows,
        "columns": columns,
        "negative": negative,
        "is_plan": good,
    }


# %% wrong: the cost is halved [points 2]
def audit(P, C, a, b):
    rows, columns = np.abs(P.sum(1) - a).sum(), np.abs(P.sum(0) - b).sum()
    negative = np.maximum(-P, 0).sum()
    good = bool(max(rows, columns, negative) <= 1e-9)
    return {
        "cost": (C * P).sum() / 2,
        "rows": rows,
        "columns": columns,
        "negative": negative,
        "is_plan": good,
    }


# %% wrong: the mean over cells instead of the sum [points 1]
def audit(P, C, a, b):
    rows, columns = np.abs(P.sum(1) - a).mean(), np.abs(P.sum(0) - b).mean()
    negative = np.maximum(-P, 0).mean()
    good = bool(max(rows, columns, negative) <= 1e-9)
    return {
        "cost": (C * P).mean(),
        "rows": rows,
        "columns": columns,
        "negative": negative,
        "is_plan": good,
    }


# %% wrong: squared violations [points 1]
def audit(P, C, a, b):
    rows, columns = ((P.sum(1) - a) ** 2).sum(), ((P.sum(0) - b) ** 2).sum()
    negative = np.maximum(-P, 0).sum()
    good = bool(max(rows, columns, negative) <= 1e-9)
    return {
        "cost": (C * P).sum(),
        "rows": rows,
        "columns": columns,
        "negative": negative,
        "is_plan": good,
    }


# %% wrong: the verdict forgets negative entries [points 2]
def audit(P, C, a, b):
    rows, columns = np.abs(P.sum(1) - a).sum(), np.abs(P.sum(0) - b).sum()
    negative = np.maximum(-P, 0).sum()
    good = bool(max(rows, columns) <= 1e-9)
    return {
        "cost": (C * P).sum(),
        "rows": rows,
        "columns": columns,
        "negative": negative,
        "is_plan": good,
    }


# %% wrong: no tolerance [points 2]
def audit(P, C, a, b):
    rows, columns = np.abs(P.sum(1) - a).sum(), np.abs(P.sum(0) - b).sum()
    negative = np.maximum(-P, 0).sum()
    good = bool(rows == 0 and columns == 0 and negative == 0)
    return {
        "cost": (C * P).sum(),
        "rows": rows,
        "columns": columns,
        "negative": negative,
        "is_plan": good,
    }


# %% wrong: allclose with its own tolerances [points 2]
def audit(P, C, a, b):
    rows, columns = np.abs(P.sum(1) - a).sum(), np.abs(P.sum(0) - b).sum()
    negative = np.maximum(-P, 0).sum()
    good = bool(np.allclose(P.sum(1), a) and np.allclose(P.sum(0), b) and P.min() >= -1e-9)
    return {
        "cost": (C * P).sum(),
        "rows": rows,
        "columns": columns,
        "negative": negative,
        "is_plan": good,
    }


# %% wrong: the matrix product in the place of the entries' products
def audit(P, C, a, b):
    rows, columns = np.abs(P.sum(1) - a).sum(), np.abs(P.sum(0) - b).sum()
    return {
        "cost": (C @ P.T).sum(),
        "rows": rows,
        "columns": columns,
        "negative": P.min(),
        "is_plan": bool(rows + columns <= 1e-9),
    }


# %% wrong: the smallest entry instead of the negative mass [points 2]
def audit(P, C, a, b):
    rows, columns = np.abs(P.sum(1) - a).sum(), np.abs(P.sum(0) - b).sum()
    negative = max(-P.min(), 0.0)
    good = bool(max(rows, columns, negative) <= 1e-9)
    return {
        "cost": (C * P).sum(),
        "rows": rows,
        "columns": columns,
        "negative": negative,
        "is_plan": good,
    }


# %% wrong: only the visible case
def audit(P, C, a, b):
    return {"cost": 3.0, "rows": 0.0, "columns": 0.0, "negative": 0.0, "is_plan": True}


# %% wrong: nothing but refusal
def audit(P, C, a, b):
    return {"cost": 0.0, "rows": 1.0, "columns": 1.0, "negative": 1.0, "is_plan": False}
