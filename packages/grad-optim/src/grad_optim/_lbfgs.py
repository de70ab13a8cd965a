"""L-BFGS."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import grad_core as gd
import numpy as np
from grad_core.extend import mark_changed

from ._checks import COUNT, FLAG, LR, NOT_NEGATIVE, Rule, one_of, refuse_nonfinite
from ._flat import Flat
from ._line_search import Array, strong_wolfe
from ._optimizer import Group, Optimizer

__all__ = ["LBFGS"]

_ARRAYS = ("d", "prev_flat_grad")
_LISTS = ("old_dirs", "old_stps")
_NUMBERS = ("t", "H_diag", "prev_loss")
_COUNTS = ("func_evals", "n_iter")


class LBFGS(Optimizer):
    """Newton's method with a curvature that is guessed from the last gradients; each step calls the closure often.

    With all parameters as one vector p, its gradient g and pairs s = p' - p, y = g' - g of the last `history_size`
    iterations, ``step`` repeats `max_iter` times:

    ```text
    q = -g;  for each pair, newest first:   a = (s . q) / (y . s);  q <- q - a * y
    d = (y . s) / (y . y) * q               with the newest pair; d = -g in the first iteration
    for each pair, oldest first:            d <- d + s * (a - (y . d) / (y . s))
    t = lr                                  in the first iteration lr * min(1, 1 / sum |g|)
    t by a line search from there           if line_search_fn = "strong_wolfe"
    p <- p + t * d
    ```

    Pairs with y . s <= 1e-10 are not kept. The line search finds t with loss(p + t d) <= loss(p) + 1e-4 t g . d and
    abs(g(p + t d) . d) <= 0.9 abs(g . d), by cubic interpolation.

    From D. Liu and J. Nocedal, "On the Limited Memory BFGS Method for Large Scale Optimization" (1989); line search as
    in M. Schmidt's minFunc (2005). All numbers are those of ``torch.optim.LBFGS``. Different from it: `maximize`, and
    numbers such as t and the products above are float64 also for parameters of float32.

    Choose it for smooth problems whose loss is computed over all data, with few parameters, to high precision: curve
    fitting, physics, calibration. Noise, as of small batches, spoils it. Set `line_search_fn` unless you know better.

    Args:
        params: tensors, or (name, tensor) pairs, of one dtype, in one group; see ``Optimizer``.
        lr: the step length, at least 0; with a line search, where it begins.
        max_iter: iterations in each step, at least 1.
        max_eval: calls of the closure in each step after which it ends; None is ``max_iter * 5 // 4``.
        tolerance_grad: a step ends when no element of the gradient is larger.
        tolerance_change: a step ends when neither the parameters nor the loss change by more.
        history_size: how many pairs are kept, at least 1.
        line_search_fn: "strong_wolfe", or None for a step length of `lr`.
        maximize: climb instead of descend.

    Raises:
        TypeError, ValueError: see ``Optimizer``; also for several groups or dtypes, and for a step without closure.

    Example:
        >>> import grad_core as gd
        >>> import grad_optim as optim
        >>> w = gd.tensor([3.0, -4.0], requires_grad=True)
        >>> optimizer = optim.LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = ((w - 1) ** 2 * gd.tensor([1.0, 100.0])).sum()
        ...     loss.backward()
        ...     return loss
        >>> optimizer.step(closure).item()
        2504.0
        >>> gd.round(w.detach(), 3)
        tensor([1., 1.])
    """

    rules: ClassVar[dict[str, Rule]] = {
        "lr": LR,
        "max_iter": COUNT,
        "max_eval": COUNT,
        "tolerance_grad": NOT_NEGATIVE,
        "tolerance_change": NOT_NEGATIVE,
        "history_size": COUNT,
        "line_search_fn": one_of(None, "strong_wolfe"),
        "maximize": FLAG,
    }

    extensions: ClassVar[tuple[str, ...]] = ("maximize",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        if max_eval is None and COUNT.holds(max_iter):
            max_eval = max_iter * 5 // 4
        self._memory: dict[str, Any] = {}
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
                "maximize": maximize,
            },
        )

    def _add(self, groups: list[Group]) -> None:
        if len(self.param_groups) + len(groups) > 1:
            raise ValueError(
                "LBFGS takes one group: all parameters move along one line, so none has options of its own"
            )
        kinds = sorted({str(p.dtype) for p in groups[0]["params"]})
        if len(kinds) > 1:
            raise TypeError(
                f"LBFGS: parameters have dtypes {' and '.join(kinds)}, and they make one vector: convert some"
            )
        super()._add(groups)

    def step(self, closure: Callable[[], Any] | None = None, *, error_if_nonfinite: bool = False) -> Any:
        """Iterate from where the last step ended; parameters without a gradient stay as they are.

        Args:
            closure: forgets the gradients, computes the loss and its gradients, and returns the loss. Its first result
                is returned.
            error_if_nonfinite: whether a first gradient that is NaN or infinite is an error.

        Raises:
            TypeError: there is no closure.
            RuntimeError: a gradient is not finite, and `error_if_nonfinite` is set.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> w = gd.tensor([3.0], requires_grad=True)
            >>> optimizer = optim.LBFGS([w], lr=0.5, max_iter=1)
            >>> def closure():
            ...     optimizer.zero_grad()
            ...     loss = w.sum()
            ...     loss.backward()
            ...     return loss
            >>> optimizer.step(closure).item()
            3.0
            >>> w.detach()
            tensor([2.5])
        """
        if closure is None:
            raise TypeError(
                "LBFGS.step needs a closure, since it computes the loss several times: pass a function that calls "
                "zero_grad(), computes the loss, calls its backward() and returns it"
            )
        group = self.param_groups[0]
        (flat,) = self._current(0)
        sign = -1.0 if group["maximize"] else 1.0

        def evaluate() -> tuple[Any, float, Array]:
            with gd.enable_grad():
                result = closure()
            return result, sign * float(result), self._gradient(flat, sign)

        original, loss, g = evaluate()
        if error_if_nonfinite:
            refuse_nonfinite(self.param_groups, self._title)
        self._stepped = True
        memory = self._remember(flat.dtype)
        memory["func_evals"] += 1
        if g.size and np.abs(g).max() > group["tolerance_grad"]:
            self._iterate(group, flat, memory, evaluate, loss, g)
        return original

    def _iterate(
        self,
        group: Group,
        flat: Flat,
        memory: dict[str, Any],
        evaluate: Callable[[], tuple[Any, float, Array]],
        loss: float,
        g: Array,
    ) -> None:
        """The iterations of one step, from the loss and gradient at its start."""
        calls = 1
        x = flat.data.astype(flat.dtype)

        def move(x: Array) -> None:
            flat.data[...] = x
            for p in flat.params:
                mark_changed(p)

        def along(t: float, d: Array) -> tuple[float, Array]:
            move(x + flat.dtype.type(t) * d)
            _, value, slope = evaluate()
            move(x)
            return value, slope

        for iteration in range(1, group["max_iter"] + 1):
            memory["n_iter"] += 1
            d = _direction(memory, g, group["history_size"])
            before = loss
            memory.update(d=d, prev_flat_grad=g, prev_loss=loss)
            t = group["lr"] * (min(1.0, 1.0 / float(np.abs(g).sum())) if memory["n_iter"] == 1 else 1.0)
            memory["t"] = t
            slope = float(g @ d)
            if slope > -group["tolerance_change"]:
                break
            more = 0
            if group["line_search_fn"] is not None:
                left = group["max_eval"] - calls
                loss, g, t, more = strong_wolfe(along, t, d, loss, g, slope, left, group["tolerance_change"])
                memory["t"] = t
            move(x + flat.dtype.type(t) * d)
            x = flat.data.astype(flat.dtype)
            if group["line_search_fn"] is None and iteration != group["max_iter"]:
                _, loss, g = evaluate()
                more = 1
            calls += more
            memory["func_evals"] += more
            if (
                calls >= group["max_eval"]
                or np.abs(g).max() <= group["tolerance_grad"]
                or np.abs(d * t).max() <= group["tolerance_change"]
                or abs(loss - before) < group["tolerance_change"]
            ):
                break

    def _gradient(self, flat: Flat, sign: float) -> Array:
        """The gradients of all parameters as one vector, 0 where there is none."""
        g = np.zeros(flat.data.size, flat.dtype)
        for p, start in zip(flat.params, flat.offsets, strict=False):
            if p.grad is not None:
                np.multiply(p.grad.data, sign, out=g[start : start + p.size].reshape(p.shape), casting="same_kind")
        return g

    def _remember(self, dtype: Any) -> dict[str, Any]:
        """What earlier steps have left, in the dtype that the parameters have now."""
        memory = self._memory
        if not memory:
            memory.update(func_evals=0, n_iter=0, old_dirs=[], old_stps=[], H_diag=1.0)
        elif memory["n_iter"] and memory["d"].dtype != dtype:
            memory.update({name: memory[name].astype(dtype) for name in _ARRAYS})
            memory.update({name: [a.astype(dtype) for a in memory[name]] for name in _LISTS})
        return memory

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later, in PyTorch's form; see ``Optimizer``. The vectors stand under index 0.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optim.LBFGS([gd.zeros(3, requires_grad=True)]).state_dict()["param_groups"][0]["history_size"]
            100
        """
        out = super().state_dict()
        if self._memory and self._memory["n_iter"]:
            memory = copy.deepcopy(self._memory)
            memory["ro"] = [1.0 / float(y @ s) for y, s in zip(memory["old_dirs"], memory["old_stps"], strict=True)]
            out["state"] = {0: memory}
        return out

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave; see ``Optimizer``.

        Raises:
            ValueError: it does not fit, and nothing has been changed.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> saved = optim.LBFGS([gd.zeros(3, requires_grad=True)], lr=0.25).state_dict()
            >>> optimizer = optim.LBFGS([gd.zeros(3, requires_grad=True)])
            >>> optimizer.load_state_dict(saved)
            >>> optimizer.param_groups[0]["lr"]
            0.25
        """
        memory: dict[str, Any] = {}
        if isinstance(state_dict, Mapping) and isinstance(state_dict.get("state"), Mapping):
            entries = list(state_dict["state"].values())
            if entries and entries[0]:
                (flat,) = self._current(0)
                memory = _read(entries[0], flat.data.size, flat.dtype)
            state_dict = {**state_dict, "state": {key: {} for key in list(state_dict["state"])[1:]}}
        super().load_state_dict(state_dict)
        self._memory = memory


def _direction(memory: dict[str, Any], g: Array, size: int) -> Array:
    """Where to go from a point with this gradient; what the last move has shown is noted."""
    ys, ss = memory["old_dirs"], memory["old_stps"]
    if memory["n_iter"] == 1:
        return -g
    y = g - memory["prev_flat_grad"]
    s = memory["d"] * g.dtype.type(memory["t"])
    curvature = float(y @ s)
    if curvature > 1e-10:
        del ys[: max(0, len(ys) - size + 1)], ss[: max(0, len(ss) - size + 1)]
        ys.append(y)
        ss.append(s)
        memory["H_diag"] = curvature / float(y @ y)
    d = -g
    shares = []
    for y, s in zip(reversed(ys), reversed(ss), strict=True):
        product = float(y @ s)
        shares.append((float(s @ d) / product, product))
        d -= g.dtype.type(shares[-1][0]) * y
    d *= g.dtype.type(memory["H_diag"])
    for y, s, (share, product) in zip(ys, ss, reversed(shares), strict=True):
        d += g.dtype.type(share - float(y @ d) / product) * s
    return d


def _read(entry: Any, size: int, dtype: Any) -> dict[str, Any]:
    """Check what a state dict has of the earlier steps."""
    problems = []
    memory: dict[str, Any] = {}
    wanted = {*_ARRAYS, *_LISTS, *_NUMBERS, *_COUNTS}
    if not isinstance(entry, Mapping) or wanted - set(entry):
        missing = sorted(wanted - set(entry)) if isinstance(entry, Mapping) else sorted(wanted)
        problems.append(f"state[0] has no {', '.join(map(repr, missing))}")
    else:
        for name in (*_ARRAYS, *_LISTS):
            arrays = [np.asarray(a) for a in ([entry[name]] if name in _ARRAYS else entry[name])]
            if any(a.shape != (size,) or a.dtype.kind != "f" for a in arrays):
                shapes = ", ".join(f"{a.dtype} of shape {a.shape}" for a in arrays)
                problems.append(f"state[0][{name!r}] is {shapes}, and the parameters have {size} numbers")
            copies = [a.astype(dtype) for a in arrays]
            memory[name] = copies[0] if name in _ARRAYS else copies
        if not problems and len(memory["old_dirs"]) != len(memory["old_stps"]):
            problems.append("state[0] has not as many 'old_dirs' as 'old_stps'")
        try:
            memory.update({name: float(entry[name]) for name in _NUMBERS})
            memory.update({name: int(entry[name]) for name in _COUNTS})
        except (TypeError, ValueError) as error:
            problems.append(f"state[0] has something that is not a number: {error}")
    if problems:
        listed = "".join(f"\n  - {text}" for text in problems)
        raise ValueError(
            f"LBFGS: this state dict does not fit, and nothing was loaded:{listed}\n"
            "It must come from the same optimizer, made for the same parameters in the same order and groups."
        )
    return memory
