"""A small transformer encoder learns to sort digits: every place asks which digit belongs there."""

import steepest as torch
import steepest.nn.functional as F
from steepest import nn

LENGTH, DIGITS, WIDTH, BATCH = 8, 10, 32, 32


class Sorter(nn.Module):
    def __init__(self):
        super().__init__()
        self.digit = nn.Embedding(DIGITS, WIDTH)
        self.place = nn.Parameter(0.1 * torch.randn(LENGTH, WIDTH))
        layer = nn.TransformerEncoderLayer(
            WIDTH, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.linear = nn.Linear(WIDTH, DIGITS)

    def forward(self, digits):
        return self.linear(self.encoder(self.digit(digits) + self.place))


def main(steps: int = 300) -> list[float]:
    torch.manual_seed(0)
    model = Sorter()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    @torch.compile
    def step(digits, ordered):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(digits).view(-1, DIGITS), ordered.view(-1))
        loss.backward()
        optimizer.step()
        return loss

    losses = []
    for _ in range(steps):
        digits = torch.randint(0, DIGITS, (BATCH, LENGTH))
        losses.append(step(digits, digits.sort(dim=1).values).item())
    model.eval()
    digits = torch.randint(0, DIGITS, (1, LENGTH))
    print(digits.tolist()[0], "->", model(digits).argmax(dim=-1).tolist()[0])
    return losses


if __name__ == "__main__":
    main()
