# %% right: NumPy and a linear programme for the plan, the sum in torch
def plan_loss(A, m, z, y, b):
    from scipy.optimize import linprog

    x = m + z @ A.T
    C = (x.unsqueeze(1) - y.unsqueeze(0)).pow(2).sum(-1)
    n, N = C.shape
    rows = np.zeros((n + N, n * N))
    for i in range(n):
        for j in range(N):
            rows[i, i * N + j] = 1
            rows[n + j, i * N + j] = 1
    masses = np.concatenate([np.full(n, 1 / n), b.detach().numpy()])
    plan = linprog(C.detach().numpy().ravel(), A_eq=rows, b_eq=masses).x.reshape(n, N)
    return torch.sum(torch.as_tensor(plan) * C)

# %% right: the value of the solver, which differentiates through the plan itself
def plan_loss(A, m, z, y, b):
    a = torch.full((len(z),), 1 / len(z), dtype=torch.float64)
    return otg.solve_exact(otg.cost_matrix(m + z @ A.T, y), a, b).value

# %% right: loops over the pairs that the plan uses
def plan_loss(A, m, z, y, b):
    points = [m + A @ code for code in z]
    with torch.no_grad():
        plan = otg.solve_exact(otg.cost_matrix(torch.stack(points), y), b=b).plan
    total = 0
    for i, j in plan.nonzero().tolist():
        total = total + plan[i, j] * ((points[i] - y[j]) ** 2).sum()
    return total

# %% wrong: the cost is detached together with the plan [points 2]
def plan_loss(A, m, z, y, b):
    with torch.no_grad():
        C = otg.cost_matrix(m + z @ A.T, y)
        P = otg.solve_exact(C, None, b).plan
    return (P * C).sum()

# %% wrong: through the potential of the solver, which sits at a corner [points 2]
def plan_loss(A, m, z, y, b):
    C = otg.cost_matrix(m + z @ A.T, y)
    g = otg.solve_exact(C.detach(), None, b).potentials[1]
    return (C - g).min(dim=1).values.mean() + b @ g

# %% wrong: through the potential, ties shared equally [points 2]
def plan_loss(A, m, z, y, b):
    C = otg.cost_matrix(m + z @ A.T, y)
    g = otg.solve_exact(C.detach(), None, b).potentials[1]
    return (C - g).amin(dim=1).mean() + b @ g

# %% wrong: A is detached, only m learns [points 2]
def plan_loss(A, m, z, y, b):
    C = otg.cost_matrix(m + z @ A.detach().T, y)
    with torch.no_grad():
        P = otg.solve_exact(C, None, b).plan
    return (P * C).sum()

# %% wrong: the cost is halved
def plan_loss(A, m, z, y, b):
    C = otg.cost_matrix(m + z @ A.T, y) / 2
    with torch.no_grad():
        P = otg.solve_exact(C, None, b).plan
    return (P * C).sum()

# %% wrong: the root is taken
def plan_loss(A, m, z, y, b):
    return otg.solve_exact(otg.cost_matrix(m + z @ A.T, y), None, b).value.sqrt()

# %% wrong: uniform weights of the data
def plan_loss(A, m, z, y, b):
    return otg.solve_exact(otg.cost_matrix(m + z @ A.T, y)).value

# %% wrong: the mean over the coordinates instead of the sum
def plan_loss(A, m, z, y, b):
    C = ((m + z @ A.T)[:, None] - y).pow(2).mean(-1)
    return otg.solve_exact(C, None, b).value

# %% wrong: every point goes to its nearest datum
def plan_loss(A, m, z, y, b):
    return otg.cost_matrix(m + z @ A.T, y).min(dim=1).values.mean()

# %% wrong: the plan of independence
def plan_loss(A, m, z, y, b):
    C = otg.cost_matrix(m + z @ A.T, y)
    return (C * b).sum(1).mean()

# %% wrong: a soft plan that is differentiated as well
def plan_loss(A, m, z, y, b):
    C = otg.cost_matrix(m + z @ A.T, y)
    P = torch.softmax(b.log() - C / 0.05, dim=1) / len(z)
    return (P * C).sum()

# %% wrong: the entropic plan, without a word about epsilon
def plan_loss(A, m, z, y, b):
    C = otg.cost_matrix(m + z @ A.T, y)
    with torch.no_grad():
        P = otg.solve_sinkhorn(C, 0.2, None, b).plan
    return (P * C).sum()

# %% wrong: the Euclidean distance, not squared
def plan_loss(A, m, z, y, b):
    return otg.solve_exact(otg.cost_matrix(m + z @ A.T, y, "euclidean"), None, b).value

# %% wrong: only as many data as codes, paired in their order
def plan_loss(A, m, z, y, b):
    x = m + z @ A.T
    pairs = min(len(x), len(y))
    x, y = x[:pairs], y[:pairs]
    x, y = x[x[:, 0].argsort()], y[y[:, 0].argsort()]
    return ((x - y) ** 2).sum(1).mean()
