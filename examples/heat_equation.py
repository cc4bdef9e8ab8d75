"""A physics-informed network (Raissi et al. 2019) solves the heat equation u_t = u_xx / 10.

The rod is cold at both ends and starts as sin(πx); the solution is exp(-π² t / 10) sin(πx).
"""

import math

import steepest as torch
from steepest import nn
from steepest.autograd import grad

CONDUCTIVITY = 0.1


def main(steps: int = 500) -> list[float]:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

    def u(x, t):
        return model(torch.stack([x, t], dim=1)).squeeze(1)

    @torch.compile
    def step(x, t):
        x, t = x.requires_grad_(), t.requires_grad_()
        inside = u(x, t)
        u_x, u_t = grad(inside.sum(), (x, t), create_graph=True)
        (u_xx,) = grad(u_x.sum(), x, create_graph=True)
        start, nothing = x.detach(), torch.zeros_like(x)
        begins = u(start, nothing) - torch.sin(math.pi * start)
        loss = (
            ((u_t - CONDUCTIVITY * u_xx) ** 2).mean()
            + (begins**2).mean()
            + (u(nothing, t.detach()) ** 2).mean()
            + (u(nothing + 1, t.detach()) ** 2).mean()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(torch.rand(128), torch.rand(128)).item() for _ in range(steps)]
    with torch.no_grad():
        x, t = torch.rand(1000), torch.rand(1000)
        exact = torch.exp(-CONDUCTIVITY * math.pi**2 * t) * torch.sin(math.pi * x)
        off = (u(x, t) - exact).abs().max().item()
    print(f"at most {off:.3f} off the exact solution")
    return losses


if __name__ == "__main__":
    main()
