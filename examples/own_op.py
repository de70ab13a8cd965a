"""Ops of one's own at work: find how well each part of a rod conducts heat, from how its temperatures even out.

    python3 noxfile.py -s examples
    python examples/own_op.py --cells 40 --steps 600

Each step in time solves equations with three diagonals. grad has no such function, so it is declared here, outside of
the package, with its derivative: as a class, because the gradients of all its inputs come from one more solution. That
the conductivities stay between bounds is a second op, of single elements. Both are checked to the second order first.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import grad_core as gd
import grad_optim as optim
import numpy as np
from _program import COUNT, number, options, parsed, start
from grad_core.extend import Context, Function, elementwise
from grad_core.testing import check_grads

LOW, HIGH = 0.05, 2.0  # bounds of the conductivity
TIME_STEPS = 8


class SolveTridiagonal(Function):
    """The solution y of A y = b, where only three diagonals of A are not 0.

    Args:
        lower: (n - 1,) the diagonal below the main one.
        main: (n,)
        upper: (n - 1,) the diagonal above.
        b: (n, m), m right sides at once.

    With z the solution of Aᵀ z = g, the gradient by b is z, and the gradient by an element A[i, j] is -z[i] · y[j].
    """

    @staticmethod
    def forward(ctx: Context, lower: Any, main: Any, upper: Any, b: Any) -> Any:
        """Elimination downwards and substitution upwards (Thomas): n steps, each for all right sides."""
        n = len(main)
        ratio, y = np.empty_like(upper), np.array(b)
        pivot = main[0]
        for i in range(n - 1):
            ratio[i] = upper[i] / pivot
            y[i] = y[i] / pivot
            pivot = main[i + 1] - lower[i] * ratio[i]
            y[i + 1] -= lower[i] * y[i]
        y[n - 1] = y[n - 1] / pivot
        for i in range(n - 2, -1, -1):
            y[i] -= ratio[i] * y[i + 1]
        ctx.save(lower, main, upper, y)
        return y

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        """One solution with the transposed matrix serves all four; being this op again, it has derivatives too."""
        lower, main, upper, y = ctx.saved
        z = SolveTridiagonal.on(upper, main, lower, g)
        return -(z[1:] * y[:-1]).sum(axis=1), -(z * y).sum(axis=1), -(z[:-1] * y[1:]).sum(axis=1), z


@elementwise(lambda ans, _x, low, high: (ans - low) * (high - ans) / (high - low))
def between(x: Any, *, low: float, high: float) -> Any:
    """Any number as one between two bounds: low + (high - low) · sigmoid(x)."""
    return low + (high - low) * (1 + np.tanh(x / 2)) / 2


def temperatures(conductivity: Any, start: Any) -> Any:
    """The temperatures (cells, runs) after some time, from those at the start; no heat leaves at the ends.

    Steps of implicit Euler: (1 + K) y_new = y, where row i of K holds what flows between cell i and its neighbours.
    """
    none = np.zeros(1)
    main = 1 + gd.concat([conductivity, none]) + gd.concat([none, conductivity])
    y = start
    for _ in range(TIME_STEPS):
        y = SolveTridiagonal.apply(-conductivity, main, -conductivity, y)
    return y


def check(rng: np.random.Generator) -> None:
    """Compare first and second derivatives of both ops, and of them together, with differences."""
    lower, upper, main = rng.normal(size=4), rng.normal(size=4), 4 + rng.random(5)
    check_grads(SolveTridiagonal.apply, [lower, main, upper, rng.normal(size=(5, 2))], order=2)
    check_grads(lambda x: between(x, low=LOW, high=HIGH), [rng.normal(size=6)], order=2)
    check_grads(lambda x: temperatures(between(x, low=LOW, high=HIGH), np.eye(3)), [rng.normal(size=2)], order=2)
    dense = np.diag(main) + np.diag(lower, -1) + np.diag(upper, 1)
    np.testing.assert_allclose(SolveTridiagonal.on(lower, main, upper, np.eye(5)), np.linalg.inv(dense), atol=1e-12)


def main() -> None:
    """Check, train, and print the conductivities beside the true ones."""
    args = arguments()
    cells, steps = args.cells, args.steps
    rng = np.random.default_rng(args.seed)
    check(rng)
    print("first and second derivatives of both ops agree with central differences")

    true = np.where(np.arange(cells - 1) < cells // 2, 1.2, 0.3)
    hot = np.eye(cells)[:, ::2]  # a run for every second cell, which alone is hot at first
    measured = temperatures(gd.asarray(true), hot).numpy()
    measured = measured + rng.normal(scale=1e-4, size=measured.shape)

    raw = gd.tensor(np.zeros(cells - 1), requires_grad=True, name="raw")
    opt = optim.Adam([raw], lr=0.1)
    began = time.perf_counter()
    print(f"\n{'step':>6}  {'loss':>9}  largest error of a conductivity")
    for step in range(steps + 1):
        found = between(raw, low=LOW, high=HIGH)
        loss = gd.square(temperatures(found, hot) - measured).mean()
        opt.zero_grad()
        loss.backward()
        if step % max(1, steps // 8) == 0:
            print(f"{step:6d}  {loss.item():9.2e}  {np.abs(found.detach().numpy() - true).max():8.4f}")
        opt.step()
    print(f"\n{'between cells':<14} {'found':>8} {'true':>8}")
    for i, (a, b) in enumerate(zip(found.tolist(), true, strict=True)):
        print(f"{f'{i} and {i + 1}':<14} {a:8.4f} {b:8.4f}")
    print(f"\n{steps} steps in {time.perf_counter() - began:.1f} s")
    worst = np.abs(found.detach().numpy() - true).max()
    if steps >= 240 and worst > 0.05:
        sys.exit(f"own_op.py: the conductivities should be found to 0.05, and one is {worst:.3f} away from the truth")


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    cells = number(int, "a whole number of at least 2", lambda n: n >= 2)
    parser = options(
        "Find how well each part of a rod conducts heat, through ops declared here.",
        seed="the noise in the measurements",
        quick="8 cells and 240 steps, to see that it works",
    )
    add = parser.add_argument
    add("--cells", type=cells, metavar="N", help="parts of the rod (16; with --quick 8)")
    add("--steps", type=COUNT, metavar="N", help="of training (400; with --quick 240)")
    return parsed(parser, cells=(16, 8), steps=(400, 240))


if __name__ == "__main__":
    start(main)
