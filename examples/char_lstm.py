"""A recurrent network with long memory learns a rhyme, letter by letter, and recites it."""

import steepest as torch
import steepest.nn.functional as F
from steepest import nn

TEXT = """\
twinkle twinkle little star
how i wonder what you are
up above the world so high
like a diamond in the sky
when the blazing sun is gone
when he nothing shines upon
then you show your little light
twinkle twinkle all the night
"""
LETTERS = sorted(set(TEXT))
LENGTH, BATCH = 24, 16


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(LETTERS), 16)
        self.lstm = nn.LSTM(16, 48, batch_first=True)
        self.linear = nn.Linear(48, len(LETTERS))

    def forward(self, letters, state=None):
        hidden, state = self.lstm(self.embedding(letters), state)
        return self.linear(hidden), state


def main(steps: int = 300) -> list[float]:
    torch.manual_seed(0)
    letters = torch.tensor([LETTERS.index(letter) for letter in TEXT])
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    @torch.compile
    def step(seen, following):
        optimizer.zero_grad()
        logits, _ = model(seen)
        loss = F.cross_entropy(logits.reshape(-1, len(LETTERS)), following.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss

    losses = []
    for _ in range(steps):
        starts = torch.randint(0, len(TEXT) - LENGTH - 1, (BATCH,)).tolist()
        seen = torch.stack([letters[s : s + LENGTH] for s in starts])
        following = torch.stack([letters[s + 1 : s + LENGTH + 1] for s in starts])
        losses.append(step(seen, following).item())
    print(recited(model, "twinkle "))
    return losses


def recited(model, text, count=60):
    """The text, and the letters that the model thinks most likely to follow, one at a time."""
    with torch.no_grad():
        logits, state = model(torch.tensor([[LETTERS.index(letter) for letter in text]]))
        for _ in range(count):
            best = logits[0, -1].argmax().item()
            text += LETTERS[best]
            logits, state = model(torch.tensor([[best]]), state)
    return text


if __name__ == "__main__":
    main()
