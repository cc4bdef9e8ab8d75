"""A convolutional network with batch normalisation reads handwritten digits."""

from sklearn.datasets import load_digits

import steepest as torch
import steepest.nn.functional as F
from steepest import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.linear = nn.Linear(16 * 2 * 2, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.linear(torch.flatten(x, 1))


def main(epochs: int = 3) -> list[float]:
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images / 16, dtype=torch.float32).view(-1, 1, 8, 8)
    y = torch.tensor(labels)
    model = Network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)

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
        for rows in order.split(50):
            losses.append(step(x[rows], y[rows]).item())
    model.eval()
    with torch.no_grad():
        right = (model(x[1500:]).argmax(dim=1) == y[1500:]).float().mean().item()
    print(f"{right:.1%} of the digits that it never saw are read rightly")
    return losses


if __name__ == "__main__":
    main()
