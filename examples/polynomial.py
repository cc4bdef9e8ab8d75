"""A polynomial of third degree is fitted to a sine wave, from nothing but tensors and gradients."""

import math

import steepest as torch


def main(steps: int = 2000) -> list[float]:
    torch.manual_seed(0)
    x = torch.linspace(-math.pi, math.pi, 2000)
    y = torch.sin(x)
    powers = torch.stack([x**n for n in range(4)], dim=1)
    coefficients = torch.randn(4, requires_grad=True)
    optimizer = torch.optim.RMSprop([coefficients], lr=1e-3)

    @torch.compile
    def step(powers, y):
        loss = ((powers @ coefficients - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return [step(powers, y).item() for _ in range(steps)]


if __name__ == "__main__":
    losses = main()
    print(f"mean squared error {losses[0]:.4f} at first, {losses[-1]:.4f} at the end")
