"""Adafactor: the squares of a matrix of gradients remembered by its rows and its columns only."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import grad_core as gd
import numpy as np
from grad_core.extend import mark_changed

from ._checks import FLAG, LR, NOT_NEGATIVE, NUMBER, Rule, refuse_nonfinite
from ._flat import FLUSH_EVERY
from ._optimizer import Group, Optimizer
from ._state import Entry, Problems

__all__ = ["Adafactor"]

Array = np.ndarray[Any, Any]
Place = tuple[int, int]  # the group, and where in it

NOT_POSITIVE = Rule(lambda value: NUMBER.holds(value) and value <= 0, "a finite number of at most 0")
AT_LEAST_ONE = Rule(lambda value: NUMBER.holds(value) and value >= 1, "a finite number of at least 1")
EPS = Rule(
    lambda value: (
        isinstance(value, list | tuple)
        and len(value) == 2
        and (value[0] is None or NOT_NEGATIVE.holds(value[0]))
        and NOT_NEGATIVE.holds(value[1])
    ),
    "two finite numbers of at least 0, of which the first may be None, such as (None, 1e-3)",
)


class Adafactor(Optimizer):
    """Steps by running averages of squared gradients, kept for the rows and columns of a matrix, not for its elements.

    For each parameter p with gradient g, at its step t = 1, 2, ..., with rms the root of the mean of squares, and r, c
    and v zero at first:

    ```text
    g <- -g                                            if maximize
    b  = t**beta2_decay
    a  = max(eps2, rms(p)) * min(lr, 1 / sqrt(t))
    p <- p - lr * weight_decay * p
    r <- (1 - b) * r + b * mean of g * g over the columns
    c <- (1 - b) * c + b * mean of g * g over the rows
    v  = r c / max(mean of r, eps1)                    if p has two axes or more, the last two of which count
    v <- (1 - b) * v + b * g * g                       if p has fewer
    u  = g / max(sqrt(v), eps1)
    p <- p - a * u / max(1, rms(u) / d)
    ```

    From N. Shazeer and M. Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost" (2018), in PyTorch's
    variant: the largest relative step is `lr`, not 0.01; `eps1` bounds what is divided by, and is not added to g * g;
    and weight decay is that of ``AdamW``. All numbers are those of ``torch.optim.Adafactor``. Different from it: an
    `eps1` of None is the precision of each parameter's dtype, where PyTorch takes the first one's for a whole group;
    for float16 the arithmetic is that of float32; and elements of states under 2**20 times the smallest normal number
    (1.2e-32 in float32) become 0.

    Choose it where the memory of ``Adam`` is too much, as with large embeddings: a matrix of A rows and B columns has a
    state of A + B numbers, and Adam's has 2 A B. The steps are relative to the size of a parameter, so that one `lr`
    suits large models and small ones.

    Args:
        params: tensors, (name, tensor) pairs, or groups; see ``Optimizer``.
        lr: the largest step as a share of the root mean square of a parameter, at least 0.
        beta2_decay: power of t with which new squares count, at most 0.
        eps: eps1, against division by 0, or None for the precision of the dtype; and eps2, the size that parameters
            nearer to 0 are taken to have. Both at least 0.
        d: the root mean square to which u is shortened where it is longer, at least 1.
        weight_decay: share of a parameter, times `lr`, that is taken away in each step, at least 0.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([[3.0, -3.0], [3.0, -3.0]], requires_grad=True)
        >>> optimizer = optim.Adafactor([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([[ 1.5, -1.5],
                [ 1.5, -1.5]])
        >>> {name: array.shape for name, array in optimizer.state_dict()["state"][0].items() if name != "step"}
        {'row_var': (2, 1), 'col_var': (1, 2)}
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "beta2_decay": NOT_POSITIVE,
        "eps": EPS,
        "d": AT_LEAST_ONE,
        "weight_decay": NOT_NEGATIVE,
        "maximize": FLAG,
    }
    decoupled: ClassVar[bool] = True
    pieces: ClassVar[bool] = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        self._memory: dict[Place, Entry] = {}  # not in the flat arrays: these states have shapes of their own
        super().__init__(
            params,
            {
                "lr": lr,
                "beta2_decay": beta2_decay,
                "eps": eps,
                "d": d,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def step(self, closure: Callable[[], Any] | None = None, *, error_if_nonfinite: bool = False) -> Any:
        """Update every parameter that has a gradient; see ``Optimizer.step``.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> w = gd.tensor([3.0, -3.0], requires_grad=True)
            >>> optimizer = optim.Adafactor([w], lr=0.5)
            >>> (w * w).sum().backward()
            >>> optimizer.step()
            >>> w.detach()
            tensor([ 1.5, -1.5])
        """
        loss = None
        if closure is not None:
            with gd.enable_grad():
                loss = closure()
        if error_if_nonfinite:
            refuse_nonfinite(self.param_groups, self._title)
        self._stepped = True
        for i, group in enumerate(self.param_groups):
            where = {id(p): k for k, p in enumerate(group["params"])}
            for flat in self._current(i):
                for run in flat.runs(0.0, group["maximize"]):
                    for k, (p, g, _, (u,)) in enumerate(run.parameters(), run.first):
                        tensor = flat.params[k]
                        place = (i, where[id(tensor)])
                        entry = self._memory.setdefault(place, {"step": 0})
                        _remember(entry, g, u, group["beta2_decay"], flat.floor)
                        _update(group, entry, p, g, u, float(np.finfo(tensor.dtype).eps))
                        mark_changed(tensor)
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later, in PyTorch's form; see ``Optimizer``.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optim.Adafactor([gd.zeros(3, requires_grad=True)]).state_dict()["param_groups"][0]["beta2_decay"]
            -0.8
        """
        out = super().state_dict()
        for (i, k), entry in sorted(self._memory.items()):
            out["state"][out["param_groups"][i]["params"][k]] = {
                name: value.copy() if isinstance(value, np.ndarray) else value for name, value in entry.items()
            }
        return out

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave, here or in PyTorch; see ``Optimizer``.

        Raises:
            ValueError: it does not fit. The message lists what does not, and nothing has been changed.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> saved = optim.Adafactor([gd.zeros(3, requires_grad=True)], lr=0.25).state_dict()
            >>> optimizer = optim.Adafactor([gd.zeros(3, requires_grad=True)])
            >>> optimizer.load_state_dict(saved)
            >>> optimizer.param_groups[0]["lr"]
            0.25
        """
        problems = Problems(self._title)
        groups = problems.groups(state_dict, [len(group["params"]) for group in self.param_groups])
        memory: dict[Place, Entry] = {}
        for i, (old, new) in enumerate(zip(self.param_groups, groups, strict=True)):
            for k, (p, key) in enumerate(zip(old["params"], new["params"], strict=True)):
                if state_dict["state"].get(key):
                    memory[i, k] = _read(state_dict["state"][key], p, f"state[{key!r}]", problems)
        problems.raise_if_any()
        super().load_state_dict({**state_dict, "state": {key: {} for key in state_dict["state"]}})
        self._memory = memory


def _names(shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The states of a parameter of this shape, with their shapes."""
    if len(shape) < 2:
        return {"variance": shape}
    return {"row_var": (*shape[:-1], 1), "col_var": (*shape[:-2], 1, shape[-1])}


def _remember(entry: Entry, g: Array, u: Array, power: float, floor: float) -> None:
    """Count the step, and let the squares of this gradient into the averages; `u` is scratch."""
    entry["step"] += 1
    share = float(entry["step"]) ** power
    np.multiply(g, g, u)
    for name, shape in _names(g.shape).items():
        kept = entry.get(name)
        if kept is None or kept.dtype != g.dtype:  # at first, and when the dtype of the parameter has changed
            kept = entry[name] = np.zeros(shape, g.dtype) if kept is None else kept.astype(g.dtype)
        if not g.size:
            continue
        new = u if name == "variance" else u.mean(-1 if name == "row_var" else -2, keepdims=True)
        kept += share * (new - kept)
        if floor and entry["step"] % FLUSH_EVERY == 0:
            kept[kept < floor] = 0


def _update(group: Group, entry: Entry, p: Array, g: Array, u: Array, precision: float) -> None:
    """Change one parameter in place; `u` is scratch."""
    if not p.size:
        return
    lr = float(group["lr"])
    least, size = group["eps"]
    least = precision if least is None else float(least)
    step = max(float(size), _rms(p)) * min(lr, 1 / math.sqrt(entry["step"]))
    if group["weight_decay"]:
        p *= 1 - lr * float(group["weight_decay"])
    if "variance" in entry:
        np.maximum(entry["variance"], least * least, out=u)
    else:
        np.multiply(entry["row_var"], entry["col_var"], u)
        np.divide(u, np.maximum(entry["row_var"].mean(-2, keepdims=True), least), u)
        np.maximum(u, least * least, out=u)
    np.sqrt(u, u)
    np.divide(g, u, u)
    np.multiply(u, step / max(1.0, _rms(u) / float(group["d"])), u)
    np.subtract(p, u, p)


def _rms(x: Array) -> float:
    flat = x.reshape(-1)
    return math.sqrt(np.dot(flat, flat) / flat.size)


def _read(entry: Any, p: gd.Tensor, where: str, problems: Problems) -> Entry:
    """What a state dict has for one parameter, checked."""
    out: Entry = {"step": 0}
    if not isinstance(entry, Mapping):
        problems.add(f"{where} is a {type(entry).__name__} and not a dict")
        return out
    names = _names(p.shape)
    dtype = np.dtype(np.float32) if p.dtype.itemsize == 2 else p.dtype
    problems.add(*[f"{where} has no {name!r}" for name in ("step", *names) if entry.get(name) is None])
    for name, value in entry.items():
        array = np.asarray(value)
        if name == "step":
            if array.dtype.kind not in "fiu" or array.shape or not (array >= 1 and float(array).is_integer()):
                problems.add(f"{where} has no 'step' that is a whole number of at least 1: {value!r}")
            else:
                out["step"] = int(array)
        elif name not in names:
            problems.add(
                f"{where} has {name!r}, and for a parameter of shape {p.shape} it would be {' and '.join(names)}"
            )
        elif array.dtype.kind != "f" or array.shape != names[name]:
            problems.add(
                f"{where}[{name!r}] is {array.dtype} of shape {array.shape}, and for a parameter of shape {p.shape} it "
                f"would be {names[name]}"
            )
        else:
            out[name] = array.astype(dtype)
    return out
