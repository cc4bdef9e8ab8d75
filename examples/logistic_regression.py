"""Logistic regression: is a tumour benign? 569 patients, 30 measurements and weights each."""

from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

import steepest as torch
from steepest import nn
from steepest.utils.data import DataLoader, TensorDataset


def main(epochs: int = 20) -> list[float]:
    torch.manual_seed(0)
    cells, benign = load_breast_cancer(return_X_y=True)
    x = torch.tensor(StandardScaler().fit_transform(cells), dtype=torch.float32)
    y = torch.tensor(benign, dtype=torch.float32)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    model = nn.Linear(30, 1)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-3)

    @torch.compile
    def step(x, y):
        loss = criterion(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(*batch).item() for _ in range(epochs) for batch in loader]
    with torch.no_grad():
        right = ((model(x).squeeze(1) > 0) == (y > 0.5)).float().mean().item()
    print(f"{right:.1%} of the patients are told rightly")
    return losses


if __name__ == "__main__":
    main()
