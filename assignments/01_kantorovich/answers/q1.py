# %% right: loops
def transport_value(P, C):
    total = 0.0
    for i in range(P.shape[0]):
        for j in range(P.shape[1]):
            total += P[i, j] * C[i, j]
    return total

# %% wrong: halved
def transport_value(P, C):
    return (P * C).sum() / 2

# %% wrong: hangs
def transport_value(P, C):
    while True:
        pass

# %% wrong: sleeps
def transport_value(P, C):
    import time
    time.sleep(1000)

# %% wrong: equals
class E:
    def __eq__(self, o): return True
def transport_value(P, C):
    return E()

# %% wrong: raises
def transport_value(P, C):
    return P[7, 8]

# %% wrong: syntax
def transport_value(P, C)
    return P[7, 8]

# %% wrong: prints
def transport_value(P, C):
    while 1: print("x"*1000)

# %% wrong: blank
def transport_value(P, C):
    ...
