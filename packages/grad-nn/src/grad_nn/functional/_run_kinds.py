"""The kinds of recurrent layers: what a step does, forth and back.

A sigmoid is computed as (1 + tanh(a / 2)) / 2: one call serves all gates of a step, with the halves of `a` in the
matrix beforehand.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ._runs import Run

__all__ = ["Gru", "Lstm", "ProjectedLstm", "Relu", "Tanh"]

Array = np.ndarray[Any, Any]


class Tanh(Run):
    """The network of Elman: h = tanh(W x + U h + b)."""

    def room(self, p: int) -> Array:
        place: Array = self.output[p]
        return place

    def forth(self, start: list[Array], *kept: Array) -> Callable[[int, Array, Array], None]:
        def step(p: int, before: Array, after: Array) -> None:
            np.tanh(after, after)

        return step

    def back(self, carried: list[Array]) -> Callable[[int, Array, Array], Array | None]:
        output = self.output

        def step(p: int, dh: Array, d: Array) -> None:
            np.multiply(output[p], output[p], d)
            np.subtract(1, d, d)
            np.multiply(d, dh, d)

        return step


class Relu(Tanh):
    """The same with h = max(W x + U h + b, 0)."""

    def forth(self, start: list[Array], *kept: Array) -> Callable[[int, Array, Array], None]:
        def step(p: int, before: Array, after: Array) -> None:
            np.maximum(after, 0, out=after)

        return step

    def back(self, carried: list[Array]) -> Callable[[int, Array, Array], Array | None]:
        output = self.output

        def step(p: int, dh: Array, d: Array) -> None:
            d.fill(0)
            np.copyto(d, dh, where=output[p] > 0)

        return step


class Lstm(Run):
    """i, f, o = sigmoid(...), g = tanh(...), c = f c + i g, h = o tanh(c); the rows in the order i, f, o, g."""

    states = 2
    blocks = 4

    def in_rows(self, w: Array) -> Array:
        """Rows in PyTorch's order, i, f, g, o, as i, f, o, g; and back."""
        n = self.hidden
        return np.concatenate([w[: 2 * n], w[3 * n :], w[2 * n : 3 * n]])

    def matrix(self, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> Array:
        joined = super().matrix(*[self.in_rows(w) for w in (w_ih, w_hh, b_ih, b_hh)])
        joined[: 3 * self.hidden] *= 0.5
        return joined

    def parts(self, whole: Array) -> dict[str, Array]:
        return super().parts(self.in_rows(whole))

    def by_input(self, w_ih: Array) -> Array:
        return self.in_rows(w_ih)

    def by_state(self, w_hh: Array) -> Array:
        return self.in_rows(w_hh)

    def room(self, p: int) -> Array:
        place: Array = self.gates[p, :4].reshape(4 * self.hidden, self.batch)
        return place

    def shapes(self) -> list[tuple[int, ...]]:
        n, batch = self.hidden, self.batch
        return [(self.steps + 1, 5, n, batch), (self.steps, n, batch)]

    def forth(self, start: list[Array], *kept: Array) -> Callable[[int, Array, Array], None]:
        # gates: of each step i, f, o, g and, beside g, the cell before it, so that i and f meet both in one call
        self.gates, self.bent = kept  # bent: tanh(c)
        self.gates[0, 4] = start[1]
        products = np.empty((2, self.hidden, self.batch), self.dtype)
        kept_of_before, new = products
        half = np.array(0.5, self.dtype)  # quicker than a number

        def step(p: int, before: Array, after: Array) -> None:
            gates, cell, bent = self.gates[p], self.gates[p + 1, 4], self.bent[p]
            active, open_ = gates[:4], gates[:3]
            np.tanh(active, active)
            np.multiply(open_, half, open_)
            np.add(open_, half, open_)
            np.multiply(gates[:2], gates[3:], products)
            np.add(new, kept_of_before, cell)
            np.tanh(cell, bent)
            np.multiply(gates[2], bent, after)

        return step

    def hold(self, p: int, ended: Array) -> None:
        np.copyto(self.gates[p + 1, 4], self.gates[p, 4], where=ended)

    def last(self) -> list[Array]:
        return [self.gates[-1, 4].T.copy("K")]

    def bare(self) -> Array:
        """Of each step o tanh(c)."""
        return self.output

    def back(self, carried: list[Array]) -> Callable[[int, Array, Array], Array | None]:
        (dc,) = carried
        bare = self.bare()
        small = np.empty_like(dc)
        slopes = np.empty((4, *dc.shape), self.dtype)
        of_open, of_new = slopes[:3], slopes[3]
        one = np.array(1, self.dtype)

        def step(p: int, dh: Array, d: Array) -> None:
            gates, bent = self.gates[p], self.bent[p]
            active, open_ = gates[:4], gates[:3]
            d = d.reshape(slopes.shape)
            np.multiply(dh, bent, d[2])
            np.multiply(bare[p], bent, small)  # o tanh(c)^2, for the derivative o (1 - tanh(c)^2)
            np.subtract(gates[2], small, small)
            np.multiply(dh, small, small)
            np.add(dc, small, dc)
            np.multiply(dc, gates[3:], d[:2])
            np.multiply(dc, gates[0], d[3])
            np.multiply(dc, gates[1], dc)
            np.multiply(active, active, slopes)
            np.subtract(open_, of_open, of_open)
            np.subtract(one, of_new, of_new)
            np.multiply(d, slopes, d)

        return step


class ProjectedLstm(Lstm):
    """The same, with h = W_hr (o tanh(c)): the state is narrower than the cell."""

    further = 1

    def features(self, w_hh: Array) -> int:
        return len(w_hh) // 4

    def shapes(self) -> list[tuple[int, ...]]:
        return [*super().shapes(), (self.steps, self.hidden, self.batch)]

    def bare(self) -> Array:
        return self.wide

    def forth(self, start: list[Array], *kept: Array) -> Callable[[int, Array, Array], None]:
        *kept_of_all, self.wide = kept
        within = super().forth(start, *kept_of_all)
        (w_hr,) = self.more

        def step(p: int, before: Array, after: Array) -> None:
            within(p, before, self.wide[p])
            np.dot(w_hr, self.wide[p], after)

        return step

    def back(self, carried: list[Array]) -> Callable[[int, Array, Array], Array | None]:
        within = super().back(carried)
        (w_hr,) = self.more
        self.by_w_hr = np.zeros_like(w_hr)

        def step(p: int, dh: Array, d: Array) -> Array | None:
            np.add(self.by_w_hr, dh.dot(self.wide[p].T), self.by_w_hr)
            return within(p, w_hr.T.dot(dh), d)

        return step

    def parts(self, whole: Array) -> dict[str, Array]:
        return {**super().parts(whole), "w_hr": self.by_w_hr}


class Gru(Run):
    """r, z = sigmoid(...), m = U h + c, n = tanh(W x + b + r m), h = n + z (h - n); rows in the order r, z, m, n."""

    blocks = 4

    def matrix(self, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> Array:
        n, inputs = self.hidden, self.inputs
        joined = np.zeros((4 * n, len(self.entered)), self.dtype)
        joined[: 2 * n, :inputs] = w_ih[: 2 * n]
        joined[3 * n :, :inputs] = w_ih[2 * n :]
        joined[: 3 * n, inputs:-1] = w_hh
        joined[: 3 * n, -1] = b_hh
        joined[: 2 * n, -1] += b_ih[: 2 * n]
        joined[3 * n :, -1] = b_ih[2 * n :]
        joined[: 2 * n] *= 0.5
        return joined

    def parts(self, whole: Array) -> dict[str, Array]:
        n = self.hidden
        by_input = np.concatenate([whole[: 2 * n], whole[3 * n :]])
        return {
            "w_ih": by_input[:, : self.inputs],
            "w_hh": whole[: 3 * n, self.inputs : -1],
            "b_ih": by_input[:, -1],
            "b_hh": whole[: 3 * n, -1],
        }

    def by_input(self, w_ih: Array) -> Array:
        n = self.hidden
        return np.concatenate([w_ih[: 2 * n], np.zeros_like(w_ih[:n]), w_ih[2 * n :]])

    def room(self, p: int) -> Array:
        place: Array = self.gates[p]
        return place

    def shapes(self) -> list[tuple[int, ...]]:
        return [(self.steps, 4 * self.hidden, self.batch)]

    def forth(self, start: list[Array], *kept: Array) -> Callable[[int, Array, Array], None]:
        n, shape = self.hidden, (self.hidden, self.batch)
        (self.gates,) = kept
        half = np.array(0.5, self.dtype)  # quicker than a number

        def step(p: int, before: Array, after: Array) -> None:
            gates = self.gates[p]
            open_ = gates[: 2 * n]
            np.tanh(open_, open_)
            np.multiply(open_, half, open_)
            np.add(open_, half, open_)
            r, z, m, new = gates.reshape(4, *shape)
            np.multiply(r, m, after)
            np.add(new, after, new)
            np.tanh(new, new)
            np.subtract(before, new, after)
            np.multiply(after, z, after)
            np.add(after, new, after)

        return step

    def back(self, carried: list[Array]) -> Callable[[int, Array, Array], Array | None]:
        n, shape = self.hidden, (self.hidden, self.batch)
        states = self.entered[self.inputs : -1].transpose(1, 0, 2)
        large = np.empty((2 * n, self.batch), self.dtype)
        small = large[:n]
        past = np.empty(shape, self.dtype)

        def step(p: int, dh: Array, d: Array) -> Array:
            gates = self.gates[p]
            r, z, m, new = gates.reshape(4, *shape)
            dr, dz, dm, dn = d.reshape(4, *shape)
            np.subtract(states[p], new, dz)
            np.multiply(dz, dh, dz)
            np.multiply(dh, z, past)
            np.subtract(dh, past, dn)
            np.multiply(new, new, small)
            np.subtract(1, small, small)
            np.multiply(dn, small, dn)
            np.multiply(dn, r, dm)
            np.multiply(dn, m, dr)
            open_, within = gates[: 2 * n], d[: 2 * n]
            np.multiply(open_, open_, large)
            np.subtract(open_, large, large)
            np.multiply(within, large, within)
            return past

        return step
