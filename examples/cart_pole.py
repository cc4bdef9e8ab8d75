"""Policy gradient (Williams 1992): a network learns to balance a pole on a cart."""

import math

import numpy as np

import steepest as torch
from steepest import nn

LONGEST, EPISODES = 100, 8


def moved(state, right):
    """The cart and its pole a fiftieth of a second later (Barto, Sutton and Anderson 1983)."""
    x, speed, angle, turn = state
    push = (10.0 if right else -10.0) + 0.05 * turn**2 * math.sin(angle)
    push /= 1.1
    cosine = math.cos(angle)
    falls = (9.8 * math.sin(angle) - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
    drives = push - 0.05 * falls * cosine / 1.1
    return x + 0.02 * speed, speed + 0.02 * drives, angle + 0.02 * turn, turn + 0.02 * falls


def episode(policy, random):
    """States, actions and how long it went on after each."""
    state, states, actions = random.uniform(-0.05, 0.05, 4), [], []
    while abs(state[0]) < 2.4 and abs(state[2]) < 0.2 and len(states) < LONGEST:
        with torch.no_grad():
            logit = policy(torch.tensor(np.array(state), dtype=torch.float32)).item()
        right = random.random() < 1 / (1 + math.exp(-logit))
        states.append(state)
        actions.append(right)
        state = moved(state, right)
    return states, actions, range(len(states), 0, -1)


def main(updates: int = 30) -> list[float]:
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)

    @torch.compile
    def step(states, actions, advantages):
        optimizer.zero_grad()
        chosen = nn.functional.logsigmoid(policy(states).squeeze(1) * actions)
        loss = -(chosen * advantages).sum() / EPISODES
        loss.backward()
        optimizer.step()
        return loss

    losses = []
    for _ in range(updates):
        # shorter episodes leave rows that weigh nothing, so that every update has the same shapes
        states = np.zeros((EPISODES * LONGEST, 4), np.float32)
        actions, returns, weights = np.zeros((3, EPISODES * LONGEST), np.float32)
        for number in range(EPISODES):
            seen, done, left = episode(policy, random)
            rows = slice(number * LONGEST, number * LONGEST + len(seen))
            states[rows], returns[rows], weights[rows] = seen, left, 1
            actions[rows] = np.where(done, 1, -1)
        advantages = weights * (returns - (weights @ returns) / weights.sum()) / LONGEST
        losses.append(step(*(torch.from_numpy(x) for x in (states, actions, advantages))).item())
    print(f"the pole stands for {weights.sum() / EPISODES:.0f} of at most {LONGEST} moments")
    return losses


if __name__ == "__main__":
    main()
