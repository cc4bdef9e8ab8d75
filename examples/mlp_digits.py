"""A multi-layer perceptron reads handwritten digits; the learning rate falls as a cosine."""

from sklearn.datasets import load_digits

import steepest as torch
import steepest.nn.functional as F
from steepest import nn


def main(epochs: int = 10) -> list[float]:
    torch.manual_seed(0)
    pixels, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels)
    seen, kept = slice(0, 1500), slice(1500, None)

    model = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)

    @torch.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    losses = []
    for _ in range(epochs):
        order = torch.randperm(1500)
        for start in range(0, 1500, 50):
            rows = order[start : start + 50]
            losses.append(step(x[seen][rows], y[seen][rows]).item())
        schedule.step()
    with torch.no_grad():
        right = (model(x[kept]).argmax(dim=1) == y[kept]).float().mean().item()
    print(f"{right:.1%} of the digits that it never saw are read rightly")
    return losses


if __name__ == "__main__":
    main()
