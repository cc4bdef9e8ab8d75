"""A variational autoencoder (Kingma and Welling 2014) learns to draw handwritten digits."""

from sklearn.datasets import load_digits

import steepest as torch
import steepest.nn.functional as F
from steepest import nn

LATENT = 4


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(64, LATENT), nn.Linear(64, LATENT)
        self.decoder = nn.Sequential(nn.Linear(LATENT, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x, noise):
        hidden = self.encoder(x)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        z = mean + noise * torch.exp(0.5 * log_variance)
        return self.decoder(z), mean, log_variance


def bound(logits, x, mean, log_variance):
    """The negative evidence lower bound, in nats per image."""
    drawn = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    return (drawn + divergence) / x.shape[0]


def main(epochs: int = 10) -> list[float]:
    torch.manual_seed(0)
    x = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    model = Autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    @torch.compile
    def step(x, noise):
        optimizer.zero_grad()
        logits, mean, log_variance = model(x, noise)
        loss = bound(logits, x, mean, log_variance)
        loss.backward()
        optimizer.step()
        return loss

    losses = []
    for _ in range(epochs):
        order = torch.randperm(1750)
        for rows in order.view(-1, 50):
            losses.append(step(x[rows], torch.randn(50, LATENT)).item())
    print(f"{losses[0]:.1f} nats per image at first, {losses[-1]:.1f} at the end")
    return losses


if __name__ == "__main__":
    main()
