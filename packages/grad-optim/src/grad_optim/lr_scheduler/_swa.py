"""The rate at which weights are averaged."""

import math
from typing import Literal

from grad_optim._checks import WHOLE
from grad_optim._optimizer import Optimizer

from ._base import LRScheduler, per_group, refuse

__all__ = ["SWALR"]


class SWALR(LRScheduler):
    """From the rate that is there to `swa_lr` in `anneal_epochs` steps, and `swa_lr` from then on.

    With a = t / anneal_epochs for "linear" and a = (1 - cos(pi * t / anneal_epochs)) / 2 for "cos", both at most 1:

    ```text
    lr = swa_lr * a + base_lr * (1 - a)
    ```

    From P. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization" (2018), whose averages
    are taken at a constant, rather high rate; as ``torch.optim.swa_utils.SWALR``. The average itself is
    ``grad_nn.AveragedModel``. It may be made at the beginning and stepped late: each step goes on from the rate that
    another schedule left.

    Args:
        optimizer: whose learning rates are set.
        swa_lr: the rate at the end; for all groups, or a list of one for each. It is kept in the groups.
        anneal_epochs: the steps of the way, at least 0.
        anneal_strategy: "cos" or "linear".
        last_epoch: see ``LRScheduler``.

    Raises:
        TypeError, ValueError: see ``LRScheduler``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
        >>> scheduler = optim.lr_scheduler.SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
        >>> for epoch in range(3):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print(scheduler.get_last_lr())
        [0.75]
        [0.5]
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        groups = self.take(optimizer).param_groups
        problems = []
        if not WHOLE.holds(anneal_epochs):
            problems.append(f"anneal_epochs must be {WHOLE.expected}, and {anneal_epochs!r} was given")
        if anneal_strategy not in ("cos", "linear"):
            problems.append(f"anneal_strategy must be 'cos' or 'linear', and {anneal_strategy!r} was given")
        refuse("SWALR", problems)
        for group, lr in zip(groups, per_group("SWALR", "swa_lr", swa_lr, optimizer), strict=True):
            group["swa_lr"] = lr
        self.anneal_epochs = anneal_epochs
        self._anneal_strategy = anneal_strategy
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """As the class says, from the rates that are there."""
        t = self._step_count - 1
        if self.anneal_epochs == 0:
            t = max(1, t)
        before, now = self._share(t - 1), self._share(t)
        rates = []
        for group in self.optimizer.param_groups:
            lr, end = group["lr"], group["swa_lr"]
            base = end if before == 1 else (lr - before * end) / (1 - before)
            rates.append(end * now + base * (1 - now))
        return rates

    def _share(self, t: int) -> float:
        """How much of the way lies behind after t steps."""
        x = max(0.0, min(1.0, t / max(1, self.anneal_epochs)))
        return x if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * x)) / 2
