"""A deep Q-network learns to balance a pole on a cart, from falls.

    python3 examples/dqn.py
    python3 examples/dqn.py --steps 12000 --carts 16

The world is a cart that is pushed left or right fifty times a second, and a pole that falls; its equations are below.
What is learned is what each push will cost in the end. Eight carts play at once and fill a memory, and a batch from it
is learned from at each step. A second network that follows slowly says what comes later (Mnih and others, 2015), at the
push that the first would choose (van Hasselt and others, 2015). The same options give the same numbers and the same
files.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

# One thread, before NumPy is imported: then the numbers are the same on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _picture import BLUE, INK, ORANGE, canvas, heading, legend, plain, save
from _program import COUNT, RATE, SHARE, finite, options, parsed, progress, start

LIMIT_X, LIMIT_ANGLE = 2.4, np.radians(12)  # beyond them the pole counts as fallen
AWAY = 0.1  # what a moment costs at those limits, where a fall costs 1; nothing in the middle
LONGEST = 500  # moments of 0.02 s that a pole has to be balanced
SCALE = np.array([2.4, 3.0, LIMIT_ANGLE, 3.0], np.float32)  # place, speed, angle, and its speed, to numbers near 1


class Carts:
    """Carts with poles, all at once: states (N, 4) of place, speed, angle and its speed."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        """So many, each nearly at rest."""
        self.rng = rng
        self.states = self.fresh(count)
        self.ages = np.zeros(count, int)

    def fresh(self, count: int) -> np.ndarray:
        """States to begin with."""
        return self.rng.uniform(-0.05, 0.05, (count, 4))

    def push(self, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Push carts (N,) right (1) or left (0): the next states, and which poles have fallen.

        The equations are Barto's, Sutton's and Anderson's of 1983 without friction: a cart of 1 kg, a pole of 0.1 kg
        and 1 m, a force of 10 N. Carts that are done begin anew; their next states are returned as they were before.
        """
        _, speed, angle, turning = self.states.T
        sin, cos = np.sin(angle), np.cos(angle)
        pushed = (np.where(right, 10.0, -10.0) + 0.05 * turning**2 * sin) / 1.1
        bend = (9.8 * sin - cos * pushed) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        change = np.stack([speed, pushed - 0.05 * bend * cos / 1.1, turning, bend], axis=1)
        after = self.states + 0.02 * change
        fallen = (np.abs(after[:, 0]) > LIMIT_X) | (np.abs(after[:, 2]) > LIMIT_ANGLE)
        self.ages += 1
        done = fallen | (self.ages >= LONGEST)
        self.states = np.where(done[:, None], self.fresh(len(after)), after)
        self.ages[done] = 0
        return after, fallen


class Memory:
    """The last moments seen: state, push, next state, and whether the pole fell."""

    def __init__(self, size: int) -> None:
        """For so many; the oldest are forgotten."""
        self.before, self.after = np.empty((2, size, 4), np.float32)
        self.pushes, self.fallen = np.empty(size, np.int64), np.empty(size, np.float32)
        self.seen = 0

    def add(self, before: np.ndarray, pushes: np.ndarray, after: np.ndarray, fallen: np.ndarray) -> None:
        """Keep some moments, (N, ...) of each."""
        places = (self.seen + np.arange(len(before))) % len(self.pushes)
        self.before[places], self.after[places] = before, after
        self.pushes[places], self.fallen[places] = pushes, fallen
        self.seen += len(before)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Moments drawn at random, so that those of a batch have little to do with each other."""
        places = rng.integers(min(self.seen, len(self.pushes)), size=count)
        return self.before[places], self.pushes[places], self.after[places], self.fallen[places]


def network(seed: int) -> nn.Sequential:
    """From states (N, 4) to values (N, 2) of a push left and right."""
    return nn.MLP(4, [64, 64], 2, generator=gd.random.Generator(seed))


def values(model: nn.Module, states: np.ndarray) -> np.ndarray:
    """The model's values (N, 2) of both pushes, without history."""
    with gd.no_grad():
        return model((states / SCALE).astype(np.float32)).numpy()


def learn(model: nn.Module, target: nn.Module, optimizer: optim.Optimizer, batch: tuple, discount: float) -> float:
    """One step: the value of a push comes nearer to what followed; the loss.

    A fall costs 1 and ends all. A moment costs the more, the farther cart and pole are from the middle.
    """
    before, pushes, after, fallen = batch
    best = values(model, after).argmax(axis=1)
    later = values(target, after)[np.arange(len(best)), best]
    away = ((after[:, [0, 2]] / (LIMIT_X, LIMIT_ANGLE)) ** 2).mean(axis=1)
    wanted = np.where(fallen, -1, discount * later - AWAY * away).astype(np.float32)
    found = gd.take_along_axis(model(before / SCALE), pushes[:, None], axis=1)[:, 0]
    loss = nn.functional.smooth_l1_loss(found, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def follow(target: nn.Module, model: nn.Module, share: float) -> None:
    """Move the second network's weights by a share of the way to the first's."""
    for slow, fast in zip(target.parameters(), model.parameters(), strict=True):
        slow.data += share * (fast.data - slow.data)


def train(model: nn.Module, args: argparse.Namespace) -> list[tuple[int, float]]:
    """Play and learn; (step, moments balanced) now and then, tested on other carts without chance pushes."""
    target = network(args.seed)
    target.load_state_dict(model.state_dict())
    optimizer = optim.Adam(model.parameters(), args.lr)
    rng = np.random.default_rng(args.seed)
    carts, memory = Carts(args.carts, rng), Memory(50_000)
    history = [(0, balance(model).mean())]
    with progress("learning", args.steps, " steps") as bar:
        for step in range(1, args.steps + 1):
            left = 1 - step / args.steps
            optimizer.param_groups[0]["lr"] = args.lr * min(1.0, 2 * left + 0.01)  # falls in the second half
            chance = max(0.05, 1 - 2.5 * (1 - left))  # of a push at random: from 1 down to 0.05 at two fifths
            before = carts.states
            random = rng.random(args.carts) < chance
            pushes = np.where(random, rng.integers(2, size=args.carts), values(model, before).argmax(axis=1))
            memory.add(before, pushes, *carts.push(pushes))
            if memory.seen >= 1000:
                loss = learn(model, target, optimizer, memory.draw(args.batch_size, rng), args.discount)
                finite(loss, f"a smaller --lr than {args.lr} may help")
                follow(target, model, args.follow)
            bar.update()
            if step % max(1, args.steps // 20) == 0:
                history.append((step, balance(model).mean()))
                bar.set_postfix(balanced=f"{history[-1][1]:.0f}", refresh=False)
    return history


def balance(model: nn.Module | None, count: int = 50, seed: int = 1_000_003) -> np.ndarray:
    """For how many moments (N,), at most LONGEST, carts are balanced by the model; without one, by chance."""
    carts = Carts(count, np.random.default_rng(seed))
    standing, moments = np.ones(count, bool), np.zeros(count)
    for _ in range(LONGEST):
        pushes = carts.rng.integers(2, size=count) if model is None else values(model, carts.states).argmax(axis=1)
        standing &= ~carts.push(pushes)[1]
        moments += standing
        if not standing.any():
            break
    return moments


def main() -> None:
    """Train, test on other carts, and draw."""
    began = time.perf_counter()
    args = arguments()
    model = network(args.seed)
    chance = balance(None).mean()
    print(f"pushed at random, a pole stands for {chance:.0f} moments of 0.02 s; {LONGEST} are wanted", flush=True)
    history = train(model, args)
    print(f"\n{'step':>6}  {'balanced for':>12}")
    for step, moments in history[:: 1 if len(history) < 12 else 2]:
        print(f"{step:6d}  {moments:12.1f}")
    end = balance(model, 200, args.seed)
    draw(args.out / "dqn.png", model, history, chance)
    nn.save(model, args.out / "weights.npz", overwrite=True)
    print(f"\nwrote weights.npz and dqn.png into the folder {args.out}; in all {time.perf_counter() - began:.1f} s")
    print(f"of 200 poles {np.sum(end == LONGEST)} stand to the end; on average {end.mean():.1f} moments of {LONGEST}")


def draw(path: Path, model: nn.Module, history: list[tuple[int, float]], chance: float) -> None:
    """How it learned, what it does in each position of the pole, and one pole that it balances."""
    figure = canvas("A pole on a cart", "pushed left or right by a network that has learned from falls")
    axes = figure.add_axes((0.06, 0.13, 0.26, 0.6))
    heading(axes, "Learning", "moments balanced, of 500")
    plain(axes, "step")
    axes.axhline(chance, color=ORANGE, linewidth=1.4, label="by chance")
    axes.plot(*zip(*history, strict=True), ".-", color=BLUE, linewidth=1.6, label="network")
    axes.set_ylim(0, LONGEST * 1.04)
    legend(axes, "lower right")

    axes = figure.add_axes((0.4, 0.13, 0.23, 0.6))
    heading(axes, "What it does", "left (blue) or right (red); cart at rest")
    plain(axes, "angle of the pole in degrees", "degrees per second")
    angle, turning = np.meshgrid(np.linspace(-12, 12, 80), np.linspace(-80, 80, 80))
    states = np.zeros((angle.size, 4))
    states[:, 2], states[:, 3] = np.radians(angle).ravel(), np.radians(turning).ravel()
    more = np.subtract(*values(model, states).T[::-1]).reshape(angle.shape)
    axes.contourf(angle, turning, np.tanh(3 * more / more.std()), np.linspace(-1, 1, 16), cmap="RdBu_r")
    axes.contour(angle, turning, more, [0.0], colors=INK, linewidths=1)

    paths = leaning(None), leaning(model)
    for bottom, column, name, size in ((0.46, 2, "degrees", 14), (0.13, 0, "metres", LIMIT_X)):
        axes = figure.add_axes((0.73, bottom, 0.24, 0.27))
        plain(axes, "" if column else "seconds", name)
        for states, color in zip(paths, (ORANGE, BLUE), strict=True):
            shown = np.degrees(states[:, column]) if column else states[:, column]
            axes.plot(0.02 * np.arange(len(states)), shown, color=color, linewidth=1.6)
        axes.set(xlim=(0, 0.02 * LONGEST), ylim=(-size, size))
        if column:
            axes.set_xticklabels([])
            heading(axes, "A pole that leans by 8 degrees", "its angle, and the place of the cart")
    save(figure, path)


def leaning(model: nn.Module | None) -> np.ndarray:
    """States (T, 4) of a cart at rest whose pole leans by 8 degrees, pushed by the model or chance, until it falls."""
    carts = Carts(1, np.random.default_rng(0))
    carts.states[:] = 0, 0, np.radians(8), 0
    states, fallen = [carts.states[0]], np.zeros(1, bool)
    while len(states) <= LONGEST and not fallen[0]:
        push = carts.rng.integers(2, size=1) if model is None else values(model, carts.states).argmax(axis=1)
        after, fallen = carts.push(push)
        states.append(after[0])
    return np.array(states)


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    parser = options(
        "Learn to balance a pole on a cart by a deep Q-network.",
        seed="weights, starts, pushes by chance and batches",
        quick="1,500 steps, to see that it works",
        out="dqn",
    )
    add = parser.add_argument
    add("--steps", type=COUNT, metavar="N", help="of playing and learning (6000; with --quick 1500)")
    add("--carts", type=COUNT, default=8, metavar="N", help="that play at once (8)")
    add("--batch-size", type=COUNT, default=256, metavar="N", help="moments in a step of learning (256)")
    add("--follow", type=SHARE, default=0.02, metavar="X", help="of the way that the second network goes (0.02)")
    add("--discount", type=SHARE, default=0.99, metavar="X", help="of what comes a moment later (0.99)")
    add("--lr", type=RATE, default=0.001, metavar="X", help="highest learning rate of Adam (0.001)")
    return parsed(parser, steps=(6000, 1500))


if __name__ == "__main__":
    start(main)
