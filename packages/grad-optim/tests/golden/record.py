"""Record what torch's optimizers do, into the .npz files beside this script: `python record.py` (needs torch 2.13).

Each file holds, for one optimizer, the options of every case as JSON and, for both dtypes, the parameters after some of
the 100 steps and the states after the last. Gradients are drawn here and stored in gradients.npz; NaN stands for none.
"""

import json
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
SHAPES = [(3, 4), (4,), (), (2, 3, 2), (1,)]
SIZES = [int(np.prod(shape)) for shape in SHAPES]
STEPS = [1, 2, 3, 5, 10, 11, 20, 50, 75, 100]

CASES = {
    "sgd": (
        torch.optim.SGD,
        [
            {},
            {"lr": 0.1},
            {"lr": 0.1, "momentum": 0.9},
            {"lr": 0.1, "momentum": 0.5, "dampening": 0.25},
            {"lr": 0.1, "momentum": 0.9, "nesterov": True},
            {"lr": 0.1, "weight_decay": 0.1},
            {"lr": 0.1, "maximize": True},
            {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.1, "maximize": True},
            {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True},
        ],
    ),
    "rmsprop": (
        torch.optim.RMSprop,
        [
            {},
            {"lr": 0.02, "alpha": 0.9},
            {"alpha": 0.0},
            {"eps": 0.1},
            {"weight_decay": 0.1},
            {"momentum": 0.9},
            {"centered": True},
            {"maximize": True},
            {"alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1, "momentum": 0.9, "centered": True, "maximize": True},
        ],
    ),
    "adam": (
        torch.optim.Adam,
        [
            {},
            {"lr": 0.1},
            {"betas": (0.5, 0.9)},
            {"betas": (0.0, 0.0)},
            {"eps": 0.1},
            {"weight_decay": 0.1},
            {"lr": 0.1, "amsgrad": True},
            {"maximize": True},
            {
                "lr": 0.01,
                "betas": (0.8, 0.99),
                "eps": 1e-6,
                "weight_decay": 0.1,
                "amsgrad": True,
                "maximize": True,
            },
        ],
    ),
}


def main() -> None:
    rng = np.random.default_rng(7)
    start = rng.normal(size=sum(SIZES))
    gradients = rng.normal(size=(STEPS[-1], sum(SIZES))) * 10 ** rng.uniform(-3, 1, size=sum(SIZES))
    starts = np.cumsum([0, *SIZES])
    gradients[3::7, starts[1] : starts[2]] = np.nan  # now and then
    gradients[:10, starts[4] :] = np.nan  # later than the others
    np.savez_compressed(
        HERE / "gradients.npz",
        start=start.astype(np.float32),
        gradients=gradients.astype(np.float32),
        shapes=json.dumps(SHAPES),
        steps=STEPS,
    )
    for name, (make, cases) in CASES.items():
        arrays = {"cases": np.array([json.dumps(case) for case in cases]), "torch": np.array(torch.__version__)}
        for dtype in ("float32", "float64"):
            for i, options in enumerate(cases):
                params = [
                    torch.tensor(part.astype(dtype).reshape(shape), requires_grad=True)
                    for part, shape in zip(np.split(start.astype(np.float32), starts[1:-1]), SHAPES, strict=True)
                ]
                optimizer = make(params, **options)
                rows = []
                for step, row in enumerate(gradients.astype(np.float32), 1):
                    for p, g, shape in zip(params, np.split(row, starts[1:-1]), SHAPES, strict=True):
                        p.grad = None if np.isnan(g).any() else torch.tensor(g.astype(dtype).reshape(shape))
                    optimizer.step()
                    if step in STEPS:
                        rows.append(np.concatenate([p.detach().numpy().ravel() for p in params]))
                arrays[f"{dtype}/{i}/params"] = np.stack(rows)
                for k, state in optimizer.state_dict()["state"].items():
                    for key, value in state.items():
                        arrays[f"{dtype}/{i}/state/{k}/{key}"] = np.asarray(value)
        np.savez_compressed(HERE / f"{name}.npz", **arrays)


if __name__ == "__main__":
    main()
