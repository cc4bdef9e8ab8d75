"""Two networks play against each other (Goodfellow et al. 2014): one draws, one judges."""

import math

import steepest as torch
import steepest.nn.functional as F
from steepest import nn

BATCH = 64


def network(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, 32),
        nn.LeakyReLU(0.2),
        nn.Linear(32, 32),
        nn.LeakyReLU(0.2),
        nn.Linear(32, outputs),
    )


def main(steps: int = 500) -> list[float]:
    torch.manual_seed(0)
    artist, judge = network(2, 2), network(2, 1)
    draws = torch.optim.Adam(artist.parameters(), lr=1e-3, betas=(0.5, 0.999))
    judges = torch.optim.Adam(judge.parameters(), lr=1e-3, betas=(0.5, 0.999))
    yes, no = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

    @torch.compile
    def step(real, noise):
        drawn = artist(noise)
        judges.zero_grad()
        judged = F.binary_cross_entropy_with_logits(judge(real), yes)
        judged = judged + F.binary_cross_entropy_with_logits(judge(drawn.detach()), no)
        judged.backward()
        judges.step()

        draws.zero_grad()
        deceived = F.binary_cross_entropy_with_logits(judge(drawn), yes)
        deceived.backward()
        draws.step()
        return judged, deceived

    losses = []
    for _ in range(steps):
        angle = 2 * math.pi * torch.rand(BATCH)
        ring = torch.stack([angle.cos(), angle.sin()], dim=1)
        losses += [loss.item() for loss in step(ring, torch.randn(BATCH, 2))]
    with torch.no_grad():
        radius = artist(torch.randn(1000, 2)).norm(dim=1)
    print(f"radius {radius.mean().item():.2f} ± {radius.std().item():.2f}; a perfect ring has 1")
    return losses


if __name__ == "__main__":
    main()
