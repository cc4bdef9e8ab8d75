"""One epoch as one native call, and one for each look at a part, compiled from the eager code."""

import numpy as np

from steepest.compiler import Epochs, Mistaken, NotCompilable, Rows
from steepest.tensors import Tensor
from steepest.training.measure import outputs
from steepest.training.result import Fit

__all__ = ["NativeEpochs", "NativeOutputs"]


class NativeEpochs:
    """The epochs of one training, compiled at the first of them.

    Where the step cannot be compiled, `fit.compile` decides: True raises the reason, "auto" says it
    once among the notes and leaves every epoch to the eager loop.
    """

    def __init__(self, fit: Fit):
        self.fit = fit
        self.wanted = fit.compile in (True, "auto")
        model, loss, optimizer = fit.model, fit.loss, fit.optimizer
        # The learning rates are data of the program, so that a schedule makes no new one.
        self.rates = [Tensor(np.zeros(())) for _ in optimizer.param_groups]

        def step(x: Tensor, y: Tensor) -> Tensor:
            value = loss(model(x), y)  # forward, loss
            optimizer.zero_grad()
            value.backward()  # gradients
            optimizer.step()  # update
            return value

        self.epochs = Epochs(step, self.rates)
        self._control = np.zeros(3, np.int64)

    def stop(self) -> None:
        """From another thread: end the epoch that runs, within a step."""
        self._control[0] = 1

    def run(
        self, x: np.ndarray, y: np.ndarray, order: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """As `run_epoch`: the loss and the learning rate of every step; None to do it eagerly."""
        if not self.wanted:
            return None
        try:
            return self._native(x, y, order)
        except NotCompilable as reason:
            if self.fit.compile is True:
                mistake = reason.__cause__ if isinstance(reason, Mistaken) else None
                raise mistake or reason from None
            self.wanted = False
            self.fit.notes.append(f"trained eagerly, {reason}")
            return None

    def _native(
        self, x: np.ndarray, y: np.ndarray, order: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        groups = self.fit.optimizer.param_groups
        held = [group["lr"] for group in groups]
        steps = -(-len(order) // self.fit.batch_size)
        self.fit.model.train()
        self.fit.optimizer.prepare()  # some start their state from the learning rate, a number yet
        try:
            for group, rate in zip(groups, self.rates, strict=True):
                group["lr"] = rate
            values = [np.full(steps, float(lr)) for lr in held]
            self._control.fill(0)
            size, control = self.fit.batch_size, self._control
            losses = self.epochs.run([x, y], order, size, values, control=control)
        finally:
            for group, lr in zip(groups, held, strict=True):
                group["lr"] = lr
        return losses, np.full(len(losses), float(held[0]))


class NativeOutputs:
    """The model's outputs for a whole part, in use and not in training.

    A model that cannot be compiled is looked at eagerly; the notes say so once.
    """

    def __init__(self, fit: Fit):
        self.fit = fit
        self.wanted = fit.compile in (True, "auto")
        self.rows = Rows(fit.model)

    def run(self, x: np.ndarray) -> np.ndarray:
        """The outputs for all rows of x, at least one."""
        if self.wanted:
            try:
                return self.rows.run(x)
            except NotCompilable as reason:
                self.wanted = False
                self.fit.notes.append(f"looked at the parts eagerly, {reason}")
        return outputs(self.fit.model, x)
