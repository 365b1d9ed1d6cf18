# %% right: another law of the plane, and a verdict by signs of all differences
law_of_moons = otg.data.toy("two_moons")
far = law_of_moons.sample(200_000, 0).double().numpy()
prediction = {
    "data": "two_moons",
    "method": "WGAN with a gradient penalty",
    "knob": "updates of the critic",
    "low": 1,
    "high": 5,
    "sign": -1,
    "w2sq_low": [0.05, 0.15],
    "w2sq_high": [0.03, 0.09],
    "point": float(far.var(axis=0).sum()),
}


def verdict(prediction, low, high):
    step = np.sign(np.subtract.outer(np.asarray(high), np.asarray(low))) * prediction["sign"]
    sign = 1 if (step == 1).all() else -1 if (step == -1).all() else 0

    def inside(v, pair):
        return bool(pair[0] <= sum(v) / len(v) <= pair[1])

    return {
        "sign": sign,
        "low": inside(low, prediction["w2sq_low"]),
        "high": inside(high, prediction["w2sq_high"]),
    }

# %% right: loops over pairs of runs, tensors, and the ring's variance by hand
prediction = dict(
    data="eight_gaussians",
    method="variational auto-encoder",
    knob="decoder variance",
    low=0.01,
    high=1.0,
    sign=+1,
    w2sq_low=(0.3, 0.8),
    w2sq_high=np.array([1.5, 4.0]),
    point=float(ring.modes.square().sum(1).mean() + 2 * ring.std**2),
)


def verdict(prediction, low, high):
    above = below = 0
    for x in low:
        for y in high:
            above += y > x
            below += y < x
    pairs = len(low) * len(high)
    side = {pairs: 1}.get(above, 0) - {pairs: 1}.get(below, 0)
    result = {"sign": int(side * prediction["sign"])}
    for name, runs in [("low", low), ("high", high)]:
        mean = torch.tensor(runs).mean().item()
        interval = prediction["w2sq_" + name]
        result[name] = not (mean < interval[0] or mean > interval[1])
    return result

# %% wrong: intervals that cover everything [points 3]
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "decoder variance", "low": 0.01,
    "high": 1.0, "sign": 1, "w2sq_low": (0.01, 4.0), "w2sq_high": (0.02, 8.0), "point": 4.01,
}


def verdict(prediction, low, high):
    small, large = (low, high) if prediction["sign"] == 1 else (high, low)
    sign = 1 if max(small) < min(large) else -1 if min(small) > max(large) else 0
    a, b = prediction["w2sq_low"], prediction["w2sq_high"]
    return {
        "sign": sign,
        "low": bool(a[0] <= np.mean(low) <= a[1]),
        "high": bool(b[0] <= np.mean(high) <= b[1]),
    }

# %% wrong: the sign contradicts the intervals [points 3]
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "decoder variance", "low": 0.01,
    "high": 1.0, "sign": -1, "w2sq_low": (0.3, 0.8), "w2sq_high": (0.9, 2.4), "point": 4.01,
}


def verdict(prediction, low, high):
    small, large = (low, high) if prediction["sign"] == 1 else (high, low)
    sign = 1 if max(small) < min(large) else -1 if min(small) > max(large) else 0
    a, b = prediction["w2sq_low"], prediction["w2sq_high"]
    return {
        "sign": sign,
        "low": bool(a[0] <= np.mean(low) <= a[1]),
        "high": bool(b[0] <= np.mean(high) <= b[1]),
    }

# %% wrong: takes no side [points 3]
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "decoder variance", "low": 0.01,
    "high": 1.0, "sign": 0, "w2sq_low": (0.3, 0.8), "w2sq_high": (0.3, 0.8), "point": 4.01,
}


def verdict(prediction, low, high):
    small, large = (low, high) if prediction["sign"] == 1 else (high, low)
    sign = 1 if max(small) < min(large) else -1 if min(small) > max(large) else 0
    a, b = prediction["w2sq_low"], prediction["w2sq_high"]
    return {
        "sign": sign,
        "low": bool(a[0] <= np.mean(low) <= a[1]),
        "high": bool(b[0] <= np.mean(high) <= b[1]),
    }

# %% wrong: the variance of one coordinate instead of the sum [points 3]
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "decoder variance", "low": 0.01,
    "high": 1.0, "sign": 1, "w2sq_low": (0.3, 0.8), "w2sq_high": (0.9, 2.4),
    "point": float(ring.sample(100_000, 0).var()),
}


def verdict(prediction, low, high):
    small, large = (low, high) if prediction["sign"] == 1 else (high, low)
    sign = 1 if max(small) < min(large) else -1 if min(small) > max(large) else 0
    a, b = prediction["w2sq_low"], prediction["w2sq_high"]
    return {
        "sign": sign,
        "low": bool(a[0] <= np.mean(low) <= a[1]),
        "high": bool(b[0] <= np.mean(high) <= b[1]),
    }

# %% wrong: predicts W2 instead of its square, below the floor [points 3]
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "decoder variance", "low": 0.01,
    "high": 1.0, "sign": 1, "w2sq_low": (0.001, 0.003), "w2sq_high": (0.9, 2.4), "point": 4.01,
}


def verdict(prediction, low, high):
    small, large = (low, high) if prediction["sign"] == 1 else (high, low)
    sign = 1 if max(small) < min(large) else -1 if min(small) > max(large) else 0
    a, b = prediction["w2sq_low"], prediction["w2sq_high"]
    return {
        "sign": sign,
        "low": bool(a[0] <= np.mean(low) <= a[1]),
        "high": bool(b[0] <= np.mean(high) <= b[1]),
    }

# %% wrong: the verdict compares means, so that nothing is ever undecided [points 3]
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "decoder variance", "low": 0.01,
    "high": 1.0, "sign": 1, "w2sq_low": (0.3, 0.8), "w2sq_high": (0.9, 2.4), "point": 4.01,
}


def verdict(prediction, low, high):
    a, b = prediction["w2sq_low"], prediction["w2sq_high"]
    return {
        "sign": int(np.sign(np.mean(high) - np.mean(low))) * prediction["sign"],
        "low": bool(a[0] <= np.mean(low) <= a[1]),
        "high": bool(b[0] <= np.mean(high) <= b[1]),
    }

# %% wrong: the verdict pairs the runs by their seeds [points 3]
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "decoder variance", "low": 0.01,
    "high": 1.0, "sign": 1, "w2sq_low": (0.3, 0.8), "w2sq_high": (0.9, 2.4), "point": 4.01,
}


def verdict(prediction, low, high):
    step = (high - low) * prediction["sign"]
    sign = 1 if (step > 0).all() else -1 if (step < 0).all() else 0
    a, b = prediction["w2sq_low"], prediction["w2sq_high"]
    return {
        "sign": sign,
        "low": bool(a[0] <= np.mean(low) <= a[1]),
        "high": bool(b[0] <= np.mean(high) <= b[1]),
    }

# %% wrong: the verdict forgets which side was predicted [points 3]
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "decoder variance", "low": 0.01,
    "high": 1.0, "sign": 1, "w2sq_low": (0.3, 0.8), "w2sq_high": (0.9, 2.4), "point": 4.01,
}


def verdict(prediction, low, high):
    sign = 1 if max(low) < min(high) else -1 if min(low) > max(high) else 0
    a, b = prediction["w2sq_low"], prediction["w2sq_high"]
    return {
        "sign": sign,
        "low": bool(a[0] <= np.mean(low) <= a[1]),
        "high": bool(b[0] <= np.mean(high) <= b[1]),
    }

# %% wrong: a level holds only if every run lies in the interval [points 3]
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "decoder variance", "low": 0.01,
    "high": 1.0, "sign": 1, "w2sq_low": (0.3, 0.8), "w2sq_high": (0.9, 2.4), "point": 4.01,
}


def verdict(prediction, low, high):
    small, large = (low, high) if prediction["sign"] == 1 else (high, low)
    sign = 1 if max(small) < min(large) else -1 if min(small) > max(large) else 0
    a, b = prediction["w2sq_low"], prediction["w2sq_high"]
    return {
        "sign": sign,
        "low": bool((a[0] <= low).all() and (low <= a[1]).all()),
        "high": bool((b[0] <= high).all() and (high <= b[1]).all()),
    }

# %% wrong: judges by the prediction of the notebook, not by the one that is given [points 2]
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "decoder variance", "low": 0.01,
    "high": 1.0, "sign": 1, "w2sq_low": (0.3, 0.8), "w2sq_high": (0.9, 2.4), "point": 4.01,
}
mine = prediction


def verdict(prediction, low, high):
    sign = 1 if max(low) < min(high) else -1 if min(low) > max(high) else 0
    a, b = mine["w2sq_low"], mine["w2sq_high"]
    return {
        "sign": sign,
        "low": bool(a[0] <= np.mean(low) <= a[1]),
        "high": bool(b[0] <= np.mean(high) <= b[1]),
    }

# %% wrong: only the visible case, and the point's score as a root
prediction = {
    "data": "eight_gaussians", "method": "VAE", "knob": "", "low": 1.0, "high": 1.0, "sign": 1,
    "w2sq_low": (0.3, 0.8), "w2sq_high": (0.9, 2.4), "point": 2.0,
}


def verdict(prediction, low, high):
    return {"sign": 1, "low": True, "high": False}
