"""Early stopping: end a training that has stopped getting better, and go back to its best moment."""

import copy
import math
from collections.abc import Mapping
from typing import Any, Literal, SupportsFloat

from ._checks import COUNT, NOT_NEGATIVE, one_of

__all__ = ["EarlyStopping"]

_NUMBERS = ("best", "best_epoch", "last_epoch", "num_bad_epochs")


class EarlyStopping:
    """Say when a measure has not become better for `patience` epochs, and keep what was there at its best.

    With the best value b so far, a measure is better if ``measure < b - min_delta`` (mode "min"), or ``measure > b +
    min_delta`` ("max"). NaN is never better. The measure has to come from examples that are not trained on.

    L. Prechelt, "Early Stopping - But When?" (1998), compares this rule, there called UP, with others.

    Args:
        patience: how many epochs in a row without improvement end the training, at least 1.
        min_delta: by how much a measure must be better to count, at least 0.
        mode: "min" for a loss, "max" for an accuracy.
        keep: the model, or whatever else has ``state_dict`` and ``load_state_dict``; its state is copied at each
            improvement, and ``restore`` brings back the best one. None keeps nothing.

    Attributes:
        best: the best measure so far.
        best_epoch: when that was, counted from 1; 0 before there is one.
        last_epoch: how many measures there were.
        num_bad_epochs: how many since the best one.

    Raises:
        TypeError: `keep` has no ``state_dict`` and ``load_state_dict``.
        ValueError: a value that makes no sense.

    Example:
        >>> import grad_optim as optim
        >>> stopping = optim.EarlyStopping(patience=2)
        >>> for loss in [3.0, 1.0, 2.0, 1.5, 0.5]:
        ...     if stopping.step(loss):
        ...         break
        >>> stopping.best, stopping.best_epoch, stopping.last_epoch
        (1.0, 2, 4)
    """

    def __init__(
        self, patience: int = 10, min_delta: float = 0.0, mode: Literal["min", "max"] = "min", *, keep: Any = None
    ) -> None:
        wrong = [
            f"{name} must be {rule.expected}, and {value!r} was given"
            for name, value, rule in (
                ("patience", patience, COUNT),
                ("min_delta", min_delta, NOT_NEGATIVE),
                ("mode", mode, one_of("min", "max")),
            )
            if not rule.holds(value)
        ]
        if wrong:
            raise ValueError(f"EarlyStopping: {'; '.join(wrong)}")
        if keep is not None and not (hasattr(keep, "state_dict") and hasattr(keep, "load_state_dict")):
            raise TypeError(
                f"EarlyStopping: keep is a {type(keep).__name__}, which has no state_dict and load_state_dict: pass "
                "the model, or nothing"
            )
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best = math.inf if mode == "min" else -math.inf
        self.best_epoch = 0
        self.last_epoch = 0
        self.num_bad_epochs = 0
        self._keep = keep
        self._state: Any = None

    def step(self, metrics: SupportsFloat) -> bool:
        """Look at a measure, once in each epoch; True if it is time to stop.

        Args:
            metrics: the loss of the validation, or what else is measured: a number, or a tensor of one.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> stopping = optim.EarlyStopping(patience=1, mode="max")
            >>> [stopping.step(gd.tensor(accuracy)) for accuracy in (0.5, 0.75, 0.75)]
            [False, False, True]
        """
        measure = float(metrics)
        self.last_epoch += 1
        better = measure < self.best - self.min_delta if self.mode == "min" else measure > self.best + self.min_delta
        if better:
            self.best = measure
            self.best_epoch = self.last_epoch
            self.num_bad_epochs = 0
            if self._keep is not None:
                self._state = copy.deepcopy(self._keep.state_dict())
        else:
            self.num_bad_epochs += 1
        return self.stopped

    @property
    def stopped(self) -> bool:
        """Whether it is time to stop."""
        return self.num_bad_epochs >= self.patience

    def restore(self) -> None:
        """Bring what is kept back to the state that it had at the best measure.

        Raises:
            ValueError: nothing is kept, or no measure was better than none, as when all were NaN.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=1.0)
            >>> stopping = optim.EarlyStopping(keep=optimizer)
            >>> _ = stopping.step(0.5)
            >>> optimizer.param_groups[0]["lr"] = 0.25
            >>> stopping.restore()
            >>> optimizer.param_groups[0]["lr"]
            1.0
        """
        if self._keep is None:
            raise ValueError("EarlyStopping: nothing is kept, so nothing can be restored: pass keep=model")
        if self._state is None:
            raise ValueError(
                f"EarlyStopping: none of the {self.last_epoch} measures so far is a best one, so there is no state to "
                "restore; measures that are NaN never are"
            )
        self._keep.load_state_dict(copy.deepcopy(self._state))

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later, for a checkpoint: the counts, and the best state.

        Example:
            >>> import grad_optim as optim
            >>> optim.EarlyStopping().state_dict()
            {'best': inf, 'best_epoch': 0, 'last_epoch': 0, 'num_bad_epochs': 0, 'kept': None}
        """
        return {**{name: getattr(self, name) for name in _NUMBERS}, "kept": copy.deepcopy(self._state)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave. `patience`, `min_delta` and `mode` are those of this object.

        Raises:
            ValueError: it is not the state dict of an EarlyStopping; nothing has been changed.

        Example:
            >>> import grad_optim as optim
            >>> first, second = optim.EarlyStopping(), optim.EarlyStopping()
            >>> _ = first.step(0.5)
            >>> second.load_state_dict(first.state_dict())
            >>> second.best
            0.5
        """
        wanted = {*_NUMBERS, "kept"}
        if not isinstance(state_dict, Mapping) or set(state_dict) != wanted:
            given = list(state_dict) if isinstance(state_dict, Mapping) else type(state_dict).__name__
            raise ValueError(
                f"EarlyStopping: this state dict does not fit, and nothing was loaded: it must have the keys "
                f"{sorted(wanted)}, and it is {given}"
            )
        self.best = float(state_dict["best"])
        self.best_epoch = int(state_dict["best_epoch"])
        self.last_epoch = int(state_dict["last_epoch"])
        self.num_bad_epochs = int(state_dict["num_bad_epochs"])
        self._state = copy.deepcopy(state_dict["kept"])
