"""Optimizer: groups, gradients, resuming. What happens to the numbers stands in the file of each optimizer."""

import copy
import functools
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import grad_core as gd
import numpy as np
from grad_core.extend import mark_changed

from ._checks import Rule, as_groups, check_floating, check_memory, read_parameters, refuse_nonfinite
from ._flat import Flat, Run
from ._state import Entry, Problems, Saved, pack, unpack
from ._threads import threads, with_help

__all__ = ["Group", "Optimizer"]

Group = dict[str, Any]

# keys of a group that are no options: schedulers and users put them there
_LABELS = ("initial_lr", "name", "param_names", "params")


class Optimizer:
    """The base of all optimizers: everything but the formula.

    A new optimizer is a class with ``rules``, ``state_names``, an ``__init__`` with its defaults, and ``update``. What
    ``update`` does not care about is done here: weight decay that is added to the gradient, ``maximize``, parameters
    without gradient, step counts, memory, state dicts, denormal numbers.

    Args:
        params: tensors; or (name, tensor) pairs, as ``model.named_parameters()`` gives them; or groups: dicts with
            ``"params"`` and options that differ from the defaults.
        defaults: the options of groups that do not say otherwise.

    Attributes:
        param_groups: the groups, dicts of ``"params"`` (a tuple of tensors) and options. Options are read at each step,
            so ``param_groups[0]["lr"] = 0.01`` counts from the next one on.
        rules: per option, what it may be.
        state_names: the arrays that an update keeps for each parameter, zeros at first, by PyTorch's names.
        scalar_names: single numbers that an update keeps for each parameter, with their values at the start.
        decoupled: whether ``update`` sees to ``weight_decay`` itself, as it does too where a group has the option
            ``decoupled_weight_decay``.
        extensions: options that PyTorch has not; a state dict without them has their defaults.
        counts: whether the formula needs the number of the step.
        scratch: how many scratch arrays ``update`` wants.
        pieces: whether ``update`` iterates over pieces of memory; if not, over ``run.parameters()``.
        parallel: whether two threads may be in ``update`` at once, each with a run of its own that yields some of the
            pieces: it then changes nothing but what its run gives. Counts for the ``update`` of the same class only.

    Raises:
        TypeError: something that is not a tensor of floating dtype among the parameters.
        ValueError: no parameters at all, the same one twice, one that was computed from others, different ones on the
            same memory, none that requires grad, an unknown option, or one that is out of range.

    Example:
        >>> import grad_core as gd
        >>> import numpy as np
        >>> import grad_optim as optim
        >>> class SignSGD(optim.Optimizer):
        ...     def __init__(self, params, lr=0.5):
        ...         super().__init__(params, {"lr": lr})
        ...
        ...     def update(self, group, run):
        ...         (lr,) = run.numbers(group["lr"])
        ...         for p, g, states, (t,) in run:
        ...             np.sign(g, t)
        ...             np.multiply(t, lr, t)
        ...             np.subtract(p, t, p)
        >>> w = gd.tensor([3.0, -3.0], requires_grad=True)
        >>> optimizer = SignSGD([w])
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.detach()
        tensor([ 2.5, -2.5])
    """

    rules: ClassVar[dict[str, Rule]] = {}
    state_names: ClassVar[tuple[str, ...]] = ()
    scalar_names: ClassVar[dict[str, float]] = {}
    decoupled: ClassVar[bool] = False
    extensions: ClassVar[tuple[str, ...]] = ()
    counts: ClassVar[bool] = True
    scratch: ClassVar[int] = 1
    pieces: ClassVar[bool] = True
    parallel: ClassVar[bool] = False

    param_groups: list[Group]

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        self.defaults = dict(defaults)
        self.param_groups = []
        self._flats: list[list[Flat]] = []
        self._params: list[tuple[gd.Tensor, ...]] = []
        self._stepped = False  # whether a step was ever taken; schedulers look
        # The class that has written `update` decides: one that inherits from it may do other things in its own.
        self._parallel = next(bool(vars(c).get("parallel")) for c in type(self).__mro__ if "update" in vars(c))
        read: list[Group] = []
        for group in as_groups(params, self._title):
            read.append(self._read_group(group, read))
        everything = [p for group in read for p in group["params"]]
        if not any(p.requires_grad for p in everything):
            raise ValueError(
                f"{self._title}: none of the {len(everything)} parameters requires grad, so no step would change any: "
                "make them with requires_grad=True, or unfreeze some before making the optimizer"
            )
        self._add(read)

    # For the formula of each optimizer

    def states(self, group: Group) -> tuple[str, ...]:
        """The names of the states that these options need; all of ``state_names`` unless overridden."""
        return self.state_names

    def factors(self, group: Group) -> dict[str, float]:
        """By name, what the array kept here must be multiplied by to be what its name says, where that is not 1.

        A running average kept without its factor ``1 - beta`` is updated in fewer passes over memory.
        """
        return {}

    def initial(self, group: Group) -> dict[str, float]:
        """By name, the value of the states that are not 0 before the first update."""
        return {}

    def check(self, group: Group) -> list[str]:
        """What is wrong with options that do not go together."""
        return []

    def check_parameter(self, p: gd.Tensor) -> str | None:
        """What is wrong with a parameter that this formula cannot be used on."""
        return None

    def update(self, group: Group, run: Run) -> None:
        """Change the parameters of a run, and their states, in place, by the formula of this optimizer."""
        raise NotImplementedError(f"{self._title} has no update(group, run)")

    # For users

    def step(self, closure: Callable[[], Any] | None = None, *, error_if_nonfinite: bool = False) -> Any:
        """Update every parameter that has a gradient; the others and their states stay as they are.

        Args:
            closure: computes the loss again, with gradients, before the update; its result is returned.
            error_if_nonfinite: look at all gradients first, and change nothing if one is NaN or infinite.

        Raises:
            RuntimeError: a gradient is not finite, and `error_if_nonfinite` is set. The message names them all.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> w = gd.tensor([3.0, -3.0], requires_grad=True)
            >>> optimizer = optim.SGD([w], lr=0.25)
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
        helped = self._parallel and threads() > 1
        for i, group in enumerate(self.param_groups):
            flats = self._current(i)
            names = self.states(group)
            factors = self.factors(group)
            start = self.initial(group)
            decoupled = self.decoupled or group.get("decoupled_weight_decay", False)
            decay = 0.0 if decoupled else group.get("weight_decay", 0.0)
            maximize = group.get("maximize", False)
            for flat in flats:
                flat.keep(names, factors)
                for run in flat.runs(decay, maximize):
                    if start and run.step == 1:
                        flat.begin(run, start)
                    twin = flat.twin(run) if helped else None
                    if twin is None:
                        self.update(group, run)
                    else:
                        with_help(
                            functools.partial(self.update, group, run), functools.partial(self.update, group, twin)
                        )
                    if flat.scalars:
                        flat.finish(run)
                    for p in flat.params[run.first : run.last]:
                        mark_changed(p)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: ``.grad`` becomes None, or zeros for ``set_to_none=False``.

        With zeros, parameters that get no gradient in the next backward pass are still updated by momentum.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> w = gd.tensor([3.0, -3.0], requires_grad=True)
            >>> optimizer = optim.SGD([w], lr=0.25)
            >>> (w * w).sum().backward()
            >>> optimizer.zero_grad()
            >>> print(w.grad)
            None
        """
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None if set_to_none or p.grad is None else np.zeros(p.shape, p.dtype)

    def add_param_group(self, param_group: Group) -> None:
        """Add a group: a dict of ``"params"`` and those options that differ from the defaults.

        Raises:
            TypeError, ValueError: as for the optimizer itself; nothing is added then.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=0.1)
            >>> optimizer.add_param_group({"params": [gd.zeros(2, requires_grad=True)], "lr": 0.01})
            >>> [group["lr"] for group in optimizer.param_groups]
            [0.1, 0.01]
        """
        self._add([self._read_group(param_group, self.param_groups)])

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later, bit for bit: a copy, of arrays, numbers and strings only.

        The form is PyTorch's: ``{"state": {index: {"step": ..., name: array, ...}}, "param_groups": [{"params": [index,
        ...], option: value, ...}]}``, where parameters are counted through all groups. For states that are kept without
        a factor, ``name`` is the true value and ``name + "_rest"`` what rounding took from it.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> w = gd.tensor([3.0, -3.0], requires_grad=True)
            >>> optimizer = optim.SGD([w], lr=0.25, momentum=0.5)
            >>> (w * w).sum().backward()
            >>> optimizer.step()
            >>> optimizer.state_dict()["state"]
            {0: {'step': 1, 'momentum_buffer': array([ 6., -6.], dtype=float32)}}
        """
        state: dict[int, Entry] = {}
        groups: list[Group] = []
        count = 0
        for i, group in enumerate(self.param_groups):
            names, factors = self.states(group), self.factors(group)
            place = {id(p): count + k for k, p in enumerate(group["params"])}
            for flat in self._current(i):
                flat.keep(names, factors)  # as the next step would: it and the copy start from the same
                for k, p in enumerate(flat.params):
                    if flat.steps[k]:
                        state[place[id(p)]] = pack(flat.steps[k], flat.read(k), flat.factors, flat.read_scalars(k))
            options = {key: copy.copy(value) for key, value in group.items() if key != "params"}
            groups.append({**options, "params": list(place.values())})
            count += len(place)
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave: options, step counts and states. Parameters are not in it.

        A state dict of PyTorch's optimizer of the same name, with its tensors turned into arrays, is understood as
        well.

        Raises:
            ValueError: it does not fit. The message lists everything that does not, and nothing has been changed.

        Example:
            >>> import grad_core as gd
            >>> import grad_optim as optim
            >>> saved = optim.SGD([gd.zeros(3, requires_grad=True)], lr=0.25).state_dict()
            >>> optimizer = optim.SGD([gd.zeros(3, requires_grad=True)], lr=0.5)
            >>> optimizer.load_state_dict(saved)
            >>> optimizer.param_groups[0]["lr"]
            0.25
        """
        problems = Problems(self._title)
        groups = problems.groups(state_dict, [len(group["params"]) for group in self.param_groups])
        state = state_dict["state"] if groups else {}
        fresh: list[Group] = []
        loaded: list[dict[int, Saved]] = []
        expected: set[Any] = set()
        for i, (old, new) in enumerate(zip(self.param_groups, groups, strict=True)):
            where = f"param_groups[{i}]"
            options = {key: self.defaults[key] for key in self.extensions}
            options.update({key: value for key, value in new.items() if key != "params"})
            wrong = [f"{where} has no {key!r}" for key in self.defaults if key not in options]
            wrong = wrong or [f"{where}: {text}" for text in self._wrong_options(options)]
            problems.add(*wrong)
            fresh.append({**options, **{key: old[key] for key in ("params", "param_names") if key in old}})
            entries: dict[int, Saved] = {}
            for p, key in zip(old["params"], new["params"], strict=True):
                expected.add(key)
                if key in state and not wrong:
                    needed = self.states(options)
                    known, single, place = self.state_names, self.scalar_names, f"state[{key!r}]"
                    entry = unpack(state[key], p, needed, known, single, self.counts, place, problems)
                    if entry is not None:
                        entries[id(p)] = entry
            loaded.append(entries)
        problems.add(
            *[f"state[{key!r}] belongs to no parameter of param_groups" for key in state if key not in expected]
        )
        problems.raise_if_any()
        flats = [self._current(i) for i in range(len(groups))]
        for i, (group, options) in enumerate(zip(self.param_groups, fresh, strict=True)):
            group.clear()
            group.update(options)
            factors = self.factors(group)
            for flat in flats[i]:
                flat.forget()
                for k, p in enumerate(flat.params):
                    saved = loaded[i].get(id(p))
                    if saved is not None:
                        flat.write(k, saved.step, saved.kept(factors), factors, saved.scalars)

    def __getstate__(self) -> dict[str, Any]:
        """For copies: without memory, which is laid out anew, as views of one array would not survive being copied."""
        inside = ("_flats", "_params")
        return {**{k: v for k, v in vars(self).items() if k not in inside}, "saved": self.state_dict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        saved = state.pop("saved")
        vars(self).update(state)
        self._params = [group["params"] for group in self.param_groups]
        self._flats = [self._lay_out(params) for params in self._params]
        self.load_state_dict(saved)

    def __repr__(self) -> str:
        lines = [f"{self._title} ("]
        for i, group in enumerate(self.param_groups):
            options = ", ".join(
                f"{key}={value}" for key, value in sorted(group.items()) if key not in ("param_names", "params")
            )
            numbers = sum(p.size for p in group["params"])
            lines.append(f"  group {i}: tensors={len(group['params'])}, numbers={numbers}, {options}")
        return "\n".join([*lines, ")"])

    # Inside

    @property
    def _title(self) -> str:
        return type(self).__name__

    def _read_group(self, group: Any, others: list[Group]) -> Group:
        """A group as it will be kept, checked against the groups before it."""
        owner = f"{self._title}: group {len(others)}" if others else self._title
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(
                f"{owner} must be a dict with 'params', such as {{'params': [...], 'lr': 0.1}}, not {group!r}"
            )
        taken = {id(p): f"a parameter of group {j}" for j, other in enumerate(others) for p in other["params"]}
        tensors, names = read_parameters(group["params"], owner, taken)
        options = {**self.defaults, **{key: value for key, value in group.items() if key != "params"}}
        wrong = [
            f"unknown option {key!r}: the options are {', '.join(self.defaults)}"
            for key in options
            if key not in self.defaults and key not in _LABELS
        ]
        wrong += self._wrong_options(options)
        unfit = [(k, self.check_parameter(p)) for k, p in enumerate(tensors)]
        wrong += [f"parameter {names[k] if names else k!r} {text}" for k, text in unfit if text]
        if wrong:
            raise ValueError(f"{owner}: {'; '.join(wrong)}")
        if names is not None:
            options["param_names"] = names
        return {"params": tuple(tensors), **options}

    def _wrong_options(self, options: Group) -> list[str]:
        wrong = [
            f"{key} must be {rule.expected}, and {options[key]!r} was given"
            for key, rule in self.rules.items()
            if not rule.holds(options[key])
        ]
        return wrong or self.check(options)

    def _add(self, groups: list[Group]) -> None:
        check_memory([p for group in [*self.param_groups, *groups] for p in group["params"]], self._title)
        self._flats += [self._lay_out(group["params"]) for group in groups]
        self._params += [group["params"] for group in groups]
        self.param_groups += groups

    def _lay_out(self, params: Iterable[gd.Tensor]) -> list[Flat]:
        """One Flat for each dtype, in order of appearance."""
        kinds: dict[Any, list[gd.Tensor]] = {}
        for p in params:
            check_floating(p, self._title)
            kinds.setdefault(p.dtype, []).append(p)
        return [Flat(same, self.scratch, not self.pieces, self.scalar_names) for same in kinds.values()]

    def _current(self, i: int) -> list[Flat]:
        """The Flats of a group, brought up to date with what was done to its parameters since the last step."""
        if i >= len(self._params) or self.param_groups[i]["params"] is not self._params[i]:
            raise ValueError(
                f"{self._title}: the parameters of param_groups[{i}] were replaced by assignment, and have no place in "
                "the memory of the optimizer: call add_param_group, or make a new optimizer"
            )
        flats = self._flats[i]
        for flat in flats:
            if not flat.follow():
                break
        else:
            return flats
        new = self._lay_out(self._params[i])  # a dtype has changed
        where = {id(p): (flat, k) for flat in flats for k, p in enumerate(flat.params)}
        for flat in new:
            for k, p in enumerate(flat.params):
                old, j = where[id(p)]
                flat.write(k, old.steps[j], old.read(j), old.factors, old.read_scalars(j))
        self._flats[i] = new
        return new
