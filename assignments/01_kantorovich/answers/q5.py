# %% right: other examples, as lists
# Steps of 5 one way or the other: the pair of 4.95 tempts, and leaves a trip of 15.
trap = ([0.0, 10.0], [4.95, -5.0])
# Each pile fits into one hole only, and the way there is a thousand times as long.
torn = ([[1000.0, 1.0], [1.0, 1000.0]], [0.51, 0.49], [0.51, 0.49])
claims = {
    # On the line with the distance as the cost, overtaking costs nothing.
    "A": ([[1, 2], [0, 1]], [0.5, 0.5], [0.5, 0.5], [[0.5, 0], [0, 0.5]], [[0, 0.5], [0.5, 0]]),
    "B": True,
    "C": ([0.0, 0.5], [1.0, 1.5], [3.0, 3.5]),
    "D": ([-2.0, 0.0, 0.0, 2.0], [-(2**0.5), 2**0.5]),
    "E": True,
}

# %% right: searched for by small random steps, with numpy
_rng = np.random.default_rng(0)
_best = 0.0
_x, _y = np.array([0.0, 2.0]), np.array([-1.0, 0.95])
for _ in range(2000):
    _u, _v = _x + 0.05 * _rng.normal(size=2), _y + 0.05 * _rng.normal(size=2)
    _C = (_u[:, None] - _v) ** 2
    _two = np.array([_C[0, 0] + _C[1, 1], _C[0, 1] + _C[1, 0]])
    _greedy = _two[0 if _C.argmin() in (0, 3) else 1]
    if _greedy / _two.min() > _best:
        _best, _x, _y = _greedy / _two.min(), _u, _v
trap = (_x, _y)
_equal = np.array([0.505, 0.495])
torn = (np.eye(2) + 1e-4, _equal, _equal)
_line = np.arange(3.0)
claims = {
    "A": (
        np.abs(_line[:, None] - (_line + 1)),
        np.ones(3) / 3,
        np.ones(3) / 3,
        np.eye(3) / 3,
        np.roll(np.eye(3), -1, axis=1) / 3,
    ),
    "B": np.bool_(True),
    "C": (np.zeros(1), np.array([1.0]), np.array([2.0])),
    "D": (np.array([0.0, 1.0]), 0.5 + np.array([-1.0, 0.0, 0.0, 1.0]) / 2**0.5),
    "E": 1,
}

# %% wrong: all claims are true, and greed is not fooled
trap = (np.array([0.0, 1.0, 2.0]), np.array([0.1, 1.2, 2.3]))
torn = (np.ones((2, 2)), np.array([0.5, 0.5]), np.array([0.5, 0.5]))
claims = {key: True for key in "ABCDE"}

# %% wrong: all claims are false, without counterexamples
trap = (np.array([0.0, 1.0]), np.array([0.0, 1.0]))
torn = (np.zeros((2, 2)), np.array([0.6, 0.4]), np.array([0.6, 0.4]))
claims = {key: False for key in "ABCDE"}

# %% wrong: a tie that greed happens to break well, and a map that fits nowhere
trap = (np.array([0.0, 2.0]), np.array([-1.0, 1.0]))
torn = (np.eye(2), np.array([0.51, 0.49]), np.array([0.5, 0.5]))
claims = {"A": True, "B": True, "C": True, "D": (np.zeros(2), np.zeros(3)), "E": True}

# %% wrong: a trap for the distance that is too small for its square
trap = (np.array([0.0, 1.4]), np.array([-1.0, 0.4]))
torn = (np.array([[10.0, 0.0], [0.0, 10.0]]), np.array([0.6, 0.4]), np.array([0.6, 0.4]))
claims = {}

# %% wrong: the cheapest plan costs nothing, so that every ratio is large
trap = (np.array([0.0, 1.0]), np.array([0.0, 1.0]))
torn = (np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))

# %% wrong: too many points and piles
trap = (
    np.append(np.array([0.0, 1.99]), 100.0 + np.arange(9)),
    np.append([-1.0, 0.99], 100.0 + np.arange(9)),
)
torn = (
    np.eye(6),
    np.array([0.26, 0.25, 0.13, 0.12, 0.12, 0.12]),
    np.array([0.26, 0.25, 0.13, 0.12, 0.12, 0.12]),
)
claims = {}

# %% wrong: negative costs
trap = (np.zeros(0), np.zeros(0))
torn = (np.array([[1.0, -1.0], [-0.96, 1.0]]), np.array([0.51, 0.49]), np.array([0.51, 0.49]))

# %% wrong: a weight of zero makes a pile that fits everywhere
torn = (np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 0.0]), np.array([1.0, 0.0]))
claims = {
    "A": (np.ones((2, 2)), np.ones(2), np.ones(2), np.eye(2), np.ones((2, 2)) / 2),
    "B": True,
    "C": (np.zeros(1), np.ones(1), 2 * np.ones(1)),
    "D": False,
    "E": False,
}

# %% wrong: the two cheapest plans are the same
claims = {
    "A": (np.ones((2, 2)), np.ones(2) / 2, np.ones(2) / 2, np.eye(2) / 2, np.eye(2) / 2),
    "B": True,
    "C": (np.zeros(1), np.ones(1), 2 * np.ones(1)),
    "D": True,
    "E": True,
}

# %% wrong: one of the two plans is not cheapest, and the variances differ
claims = {
    "A": (np.eye(2), np.ones(2) / 2, np.ones(2) / 2, np.eye(2) / 2, np.eye(2)[::-1] / 2),
    "B": True,
    "C": (np.zeros(1), np.ones(1), 2 * np.ones(1)),
    "D": (np.array([-1.0, 1.0]), np.array([-1.0, 0.0, 1.0])),
    "E": True,
}

# %% wrong: W_2 in the place of its square, for which the detour is never shorter
claims = {
    "A": (np.ones((2, 2)), np.ones(2) / 2, np.ones(2) / 2, np.eye(2) / 2, np.eye(2)[::-1] / 2),
    "B": True,
    "C": (np.zeros(1), np.array([5.0]), np.ones(1)),
    "D": True,
    "E": True,
}

# %% wrong: claim B is denied [points 1]
claims = {
    "A": (np.ones((2, 2)), np.ones(2) / 2, np.ones(2) / 2, np.eye(2) / 2, np.eye(2)[::-1] / 2),
    "B": False,
    "C": (np.zeros(1), np.ones(1), 2 * np.ones(1)),
    "D": (np.array([-1.0, 1.0]), np.array([-1.0, 0.0, 0.0, 1.0]) * 2**0.5),
    "E": True,
}

# %% wrong: only the trap [points 1]
trap = (np.array([0.0, 1.99]), np.array([-1.0, 0.99]))

# %% wrong: a trap and a torn pile, and no claims [points 2]
trap = (np.array([0.0, 1.99]), np.array([-1.0, 0.99]))
torn = (np.eye(2), np.array([0.51, 0.49]), np.array([0.51, 0.49]))

# %% wrong: words in the place of claims that are true [points 2]
trap = (np.array([0.0, 1.99]), np.array([-1.0, 0.99]))
torn = (np.eye(2), np.array([0.51, 0.49]), np.array([0.51, 0.49]))
half = np.ones(2) / 2
claims = {
    "A": (np.ones((2, 2)), half, half, np.eye(2) / 2, np.ones((2, 2)) / 4),
    "B": "False",
    "C": (np.array([0.0]), np.array([1.0]), np.array([2.0])),
    "D": (np.array([-1.0, 1.0]), np.array([-(2**0.5), 0.0, 0.0, 2**0.5])),
    "E": "no",
}
