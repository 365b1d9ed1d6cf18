# %% right: a loop that follows the hill
def climb(w0, m, lam, one_sided):
    w, step = w0, 0.05 / lam
    for _ in range(100_000):
        off = abs(w) - 1
        if one_sided:
            off = max(off, 0.0)
        move = step * (m - 2 * lam * off * (1 if w > 0 else -1))
        w += move
        if abs(move) < 1e-12:
            break
    off = max(abs(w) - 1, 0) if one_sided else abs(w) - 1
    return w, m * w, m * w - lam * off**2

gap, lam = dirac_gap, dirac_lam
dirac_objective = gap * (1 + gap / (4 * lam))
dirac_value = gap * (1 + gap / (2 * lam))
enough_lam = gap / 2 / (dirac_percent / 100)
overshoot_cm = 100 * gap / (2 * lam / 100)

# %% right: closed forms of the book
def climb(w0, m, lam, one_sided):
    if one_sided or w0 > 0 or m >= 2 * lam:
        return 1 + m / (2 * lam), m + m**2 / (2 * lam), m + m**2 / (4 * lam)
    return -(1 - m / (2 * lam)), -m + m**2 / (2 * lam), -m + m**2 / (4 * lam)

from otgen_lite.statements._critics import penalised_line
line = penalised_line(torch.tensor([0.0]), torch.tensor([3.0]))
dirac_objective, dirac_value = line.objective(20.0), line.value(20.0)
enough_lam = 3.0 / 0.08
line = penalised_line(torch.tensor([0.0]), torch.tensor([300.0]))
overshoot_cm = 100 * (line.value(20.0) / line.w1 - 1)

# %% right: a grid and a polish: the top of the basin
def climb(w0, m, lam, one_sided):
    from scipy.optimize import minimize_scalar
    def J(w):
        off = abs(w) - 1
        return m * w - lam * (max(off, 0) if one_sided else off) ** 2
    low, high = -6.0, 20.0
    if not one_sided and w0 < 0 and m < 2 * lam:
        high = 0.0
    else:
        low = 0.0
    fine = {"xatol": 1e-11}
    w = minimize_scalar(lambda w: -J(w), bounds=(low, high), method="bounded", options=fine).x
    return w, m * w, J(w)

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the factor 2 is forgotten in the slope [points 2]
def climb(w0, m, lam, one_sided):
    w = 1 + m / lam
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / lam - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: slope one, as if the penalty were a wall [points 2]
def climb(w0, m, lam, one_sided):
    w = 1.0
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = -1.0
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the global top from everywhere: no second well [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and False:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: a second well also where there is none [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the second well under the one-sided penalty as well [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the well on the outer side of -1 [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = -1 - m / (2 * lam)
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the one-sided penalty never moves a critic within [-1, 1] [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    if one_sided:
        w = w0 if abs(w0) <= 1 else w
        w = -1.0 if w0 < -1 else w
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the objective is the value [points 2]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the objective twice [points 2]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V - lam * (abs(w) - 1) ** 2, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the penalty is added [points 2]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V + lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: too few steps of the loop [points 2]
def climb(w0, m, lam, one_sided):
    w = w0
    for _ in range(100):
        off = max(abs(w) - 1, 0) if one_sided else abs(w) - 1
        w += 1e-3 / lam * (m - 2 * lam * off * np.sign(w))
    return w, m * w, m * w - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: objective and value exchanged [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.225, 3.1125
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the Lipschitz value: no overshoot [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.0, 3.0
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the squared gap is forgotten [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3 + 3 / 80, 3 + 3 / 40
enough_lam, overshoot_cm = 37.5, 750.0

# %% wrong: the weight for which the objective, not the value, is close enough [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 18.75, 750.0

# %% wrong: a length without a unit: the overshoot does not change [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 7.5

# %% wrong: converted the wrong way [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 0.075

# %% wrong: a share instead of percent [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0 / 100

# %% wrong: centimetres squared [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 75_000.0

# %% wrong: percent taken for a share [points 4]
def climb(w0, m, lam, one_sided):
    w = 1 + m / (2 * lam)
    if w0 < 0 and not one_sided and m < 2 * lam:
        w = m / (2 * lam) - 1
    V = m * w
    return w, V, V - lam * (abs(w) - 1) ** 2

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 0.375, 750.0

# %% wrong: the visible example only [points 2]
def climb(w0, m, lam, one_sided):
    return 1.5, 1.5, 1.25

dirac_objective, dirac_value = 3.1125, 3.225
enough_lam, overshoot_cm = 37.5, 750.0
