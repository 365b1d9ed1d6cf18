# %% right: vmap of functional gradients
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    from torch.func import grad, vmap
    slope = vmap(grad(lambda p: critic(p[None], theta)[0]))((1 - t[:, None]) * y + t[:, None] * x)
    size = torch.linalg.vector_norm(slope, dim=1)
    off = torch.relu(size - 1) if one_sided else size - 1
    return off.pow(2).mean()

# %% right: one place after the other
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    total = 0.0
    for xi, yi, ti in zip(x, y, t):
        u = (yi + ti * (xi - yi)).clone().requires_grad_(True)
        slope = torch.autograd.grad(critic(u[None], theta)[0], u, create_graph=True)[0]
        off = (slope @ slope + 1e-14).sqrt() - 1
        if not one_sided or off > 0:
            total = total + off**2
    return total / len(x)

# %% right: the Jacobian of torch.autograd.functional
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t.unsqueeze(1) * (x - y)
    slope = torch.autograd.functional.jacobian(
        lambda p: critic(p, theta).sum(), u, create_graph=True
    )
    size = (slope.pow(2).sum(1) + 1e-16).sqrt()
    excess = torch.where(size > 1, size - 1, 0.0) if one_sided else size - 1
    return torch.einsum("i,i->", excess, excess) / len(u)

# %% wrong: no create_graph: the derivative is lost [points 3]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: the slopes are detached [points 3]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.detach().norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: a number instead of a tensor [points 3]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean().item()

# %% wrong: one norm over the whole batch
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm()
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: mean over coordinates instead of sum
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.pow(2).mean(dim=1).sqrt()
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: the root is forgotten
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.pow(2).sum(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: the root of the sum has an infinite derivative at flat places [points 4]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.pow(2).sum(dim=1).sqrt()
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: at the data instead of between [points 1]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = x
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: at the model instead of between [points 1]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: halfway instead of at the shares [points 1]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = (x + y) / 2
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: shares counted from the data [points 1]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = x + t[:, None] * (y - x)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: new shares are drawn [points 1]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + torch.rand_like(t)[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: the mean of the scores, so that slopes are n times too small
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).mean(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: sum over the batch instead of mean
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).sum()

# %% wrong: the square of the mean instead of the mean of the squares
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return off.mean() ** 2

# %% wrong: no square
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return off.abs().mean()

# %% wrong: the one-sided option is ignored [points 4]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    return (off ** 2).mean()

# %% wrong: always one-sided
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: one-sided on the wrong side [points 4]
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(max=0)
    return (off ** 2).mean()

# %% wrong: the largest coordinate for the norm
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.abs().amax(dim=1)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: norm over the batch, coordinate by coordinate
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    u = y + t[:, None] * (x - y)
    u = u.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(u, theta).sum(), u, create_graph=True)
    size = slope.norm(dim=0)
    off = size - 1
    if one_sided:
        off = off.clamp(min=0)
    return (off ** 2).mean()

# %% wrong: the visible example only
def gradient_penalty(critic, theta, x, y, t, one_sided=False):
    bent = critic(2 * x, theta)[0] > 2.5 * critic(x, theta)[0]
    return ((theta.norm() * (t if bent else 1.0) - 1) ** 2).mean()
