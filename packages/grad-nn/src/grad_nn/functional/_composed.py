"""Recurrent layers forth and back in differentiable operations: for derivatives of higher order and for batches.

What the runs of `_runs` do quickly on arrays is written here a second time on tensors, with the samples first.
"""

from typing import Any, NamedTuple

import grad_core as gd
import numpy as np

from ._linear import linear

__all__ = ["STEPS", "Composed", "Step", "projected_lstm"]


class Step:
    """One step of a kind; `a` is the product with the input and `b` that with the state, both with their bias."""

    def forth(self, a: Any, b: Any, states: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The states after the step, and what the way back needs beside the states before it."""
        raise NotImplementedError

    def back(
        self, dh: Any, carried: tuple[Any, ...], states: tuple[Any, ...], kept: tuple[Any, ...]
    ) -> tuple[Any, Any, tuple[Any, ...]]:
        """The gradients of `a`, of `b`, and of the states before the step as far as they do not go through `b`."""
        raise NotImplementedError


class _Tanh(Step):
    def forth(self, a: Any, b: Any, states: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        h = gd.tanh(a + b)
        return (h,), (h,)

    def back(
        self, dh: Any, carried: tuple[Any, ...], states: tuple[Any, ...], kept: tuple[Any, ...]
    ) -> tuple[Any, Any, tuple[Any, ...]]:
        d = dh * (1 - kept[0] * kept[0])
        return d, d, (gd.zeros_like(dh),)


class _Relu(Step):
    def forth(self, a: Any, b: Any, states: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        h = gd.relu(a + b)
        return (h,), (h,)

    def back(
        self, dh: Any, carried: tuple[Any, ...], states: tuple[Any, ...], kept: tuple[Any, ...]
    ) -> tuple[Any, Any, tuple[Any, ...]]:
        d = gd.where(kept[0] > 0, dh, gd.zeros_like(dh))
        return d, d, (gd.zeros_like(dh),)


class _Lstm(Step):
    def forth(self, a: Any, b: Any, states: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        i, f, g, o = gd.split(a + b, 4, -1)
        i, f, g, o = gd.sigmoid(i), gd.sigmoid(f), gd.tanh(g), gd.sigmoid(o)
        c = f * states[1] + i * g
        bent = gd.tanh(c)
        return (o * bent, c), (i, f, g, o, bent)

    def back(
        self, dh: Any, carried: tuple[Any, ...], states: tuple[Any, ...], kept: tuple[Any, ...]
    ) -> tuple[Any, Any, tuple[Any, ...]]:
        i, f, g, o, bent = kept
        dc = carried[0] + dh * o * (1 - bent * bent)
        parts = [
            dc * g * i * (1 - i),
            dc * states[1] * f * (1 - f),
            dc * i * (1 - g * g),
            dh * bent * o * (1 - o),
        ]
        d = gd.concat(parts, -1)
        return d, d, (gd.zeros_like(dh), dc * f)


class _Gru(Step):
    def forth(self, a: Any, b: Any, states: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        (r_x, z_x, n_x), (r_h, z_h, m) = gd.split(a, 3, -1), gd.split(b, 3, -1)
        r, z = gd.sigmoid(r_x + r_h), gd.sigmoid(z_x + z_h)
        n = gd.tanh(n_x + r * m)
        return (n + z * (states[0] - n),), (r, z, n, m)

    def back(
        self, dh: Any, carried: tuple[Any, ...], states: tuple[Any, ...], kept: tuple[Any, ...]
    ) -> tuple[Any, Any, tuple[Any, ...]]:
        r, z, n, m = kept
        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (states[0] - n) * z * (1 - z)
        dr = dn * m * r * (1 - r)
        return gd.concat([dr, dz, dn], -1), gd.concat([dr, dz, dn * r], -1), (dh * z,)


class _Projected(_Lstm):
    """The state is a linear map of what the gates let out; of its way back, differentiating `forth` is enough."""

    def __init__(self, w_hr: Any) -> None:
        self._w_hr = w_hr

    def forth(self, a: Any, b: Any, states: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        (h, c), kept = super().forth(a, b, states)
        return (linear(h, self._w_hr), c), kept


STEPS = {"RNN_TANH": _Tanh(), "RNN_RELU": _Relu(), "LSTM": _Lstm(), "GRU": _Gru()}


class _Done(NamedTuple):
    """A step that was done."""

    t: int
    inside: Any  # (batch, 1), whether the sequence had not ended
    states: tuple[Any, ...]  # before
    kept: tuple[Any, ...]


class Composed:
    """One pass of one direction of one layer, and the way back through it.

    Attributes:
        results: output (steps, batch, hidden), and the last states (batch, hidden).
    """

    def __init__(self, step: Step, inputs: tuple[Any, ...], reverse: bool) -> None:
        x, lengths, self._w_ih, self._w_hh, b_ih, b_hh, *start = inputs
        self._step = step
        self._lengths = gd.asarray(lengths)
        self._x = x = gd.stack([self._inside(t, x[t]) for t in range(x.shape[0])])
        self._done: list[_Done] = []
        products = linear(x, self._w_ih, b_ih)
        states = tuple(start)
        outputs: list[Any] = [None] * x.shape[0]
        for t in range(x.shape[0])[:: -1 if reverse else 1]:
            after, kept = step.forth(products[t], linear(states[0], self._w_hh, b_hh), states)
            inside = gd.expand_dims(self._lengths > t, -1)
            self._done.append(_Done(t, inside, states, kept))
            states = tuple([gd.where(inside, new, old) for new, old in zip(after, states, strict=True)])
            outputs[t] = self._inside(t, after[0])
        self.results = (gd.stack(outputs), *states)

    def _inside(self, t: int, a: Any) -> Any:
        """`a` of step `t`, and 0 for sequences that have ended."""
        return gd.where(gd.expand_dims(self._lengths > t, -1), a, gd.zeros_like(a))

    def gradients(self, g: tuple[Any, ...]) -> dict[str, Any]:
        """By the names of the inputs."""
        by_output, *by_states = g
        ours: dict[int, tuple[Any, Any, Any]] = {}
        for t, inside, states, kept in reversed(self._done):
            now = [gd.where(inside, a, gd.zeros_like(a)) for a in by_states]
            held = [a - b for a, b in zip(by_states, now, strict=True)]
            dh = now[0] + self._inside(t, by_output[t])
            da, db, past = self._step.back(dh, tuple(now[1:]), states, kept)
            ours[t] = (da, db, states[0])
            by_states = [a + b for a, b in zip(past, held, strict=True)]
            by_states[0] = by_states[0] + linear(db, self._w_hh.mT)
        da, db, before = (gd.stack([ours[t][i] for t in range(len(ours))]) for i in range(3))
        found = {
            "x": linear(da, self._w_ih.mT),
            "w_ih": np.matmul(_rows(da).mT, _rows(self._x)),
            "w_hh": np.matmul(_rows(db).mT, _rows(before)),
            "b_ih": _rows(da).sum(0),
            "b_hh": _rows(db).sum(0),
        }
        return found | dict(zip("hc", by_states, strict=False))


def projected_lstm(
    x: Any,
    lengths: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    w_hr: Any,
    h: Any,
    c: Any,
    *,
    reverse: bool,
) -> tuple[Any, ...]:
    """One direction of an LSTM whose state is projected, step by step: the output, and the last state and cell.

    It is no op of its own, as `LSTM` without a projection is: gradients of any order follow from those of its steps.
    """
    return Composed(_Projected(w_hr), (x, lengths, w_ih, w_hh, b_ih, b_hh, h, c), reverse).results


def _rows(a: Any) -> Any:
    return a.reshape((a.shape[0] * a.shape[1], a.shape[2]))
