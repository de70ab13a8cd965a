"""Record what torch's optimizers do, into the .npz files beside this script: `python record.py` (needs torch 2.13).

Each file holds, for one optimizer, the options of every case as JSON and, for both dtypes, the parameters after some of
the 100 steps and the states after the last. Gradients are drawn here and stored in gradients.npz; NaN stands for none.
"""

import functools
import json
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
SHAPES = [(3, 4), (4,), (), (2, 3, 2), (1,)]
MATRICES = [(3, 4), (4, 1), (1, 1), (6, 2), (1, 1)]  # for Muon: of the same sizes
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
            {"weight_decay": 0.1, "decoupled_weight_decay": True},
        ],
    ),
    "adamw": (
        torch.optim.AdamW,
        [
            {},
            {"lr": 0.1, "weight_decay": 0.5},
            {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.0, "amsgrad": True},
            {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True, "maximize": True},
        ],
    ),
    "nadam": (
        torch.optim.NAdam,
        [
            {},
            {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3},
            {"momentum_decay": 0.1, "weight_decay": 0.1},
            {"momentum_decay": 0.0, "weight_decay": 0.1, "decoupled_weight_decay": True},
            {"maximize": True},
        ],
    ),
    "radam": (
        torch.optim.RAdam,
        [
            {},
            {"lr": 0.01, "betas": (0.5, 0.9), "eps": 1e-3},
            {"weight_decay": 0.1},
            {"weight_decay": 0.1, "decoupled_weight_decay": True},
            {"betas": (0.9, 0.5), "maximize": True},
        ],
    ),
    "adamax": (
        torch.optim.Adamax,
        [
            {},
            {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3},
            {"weight_decay": 0.1},
            {"maximize": True},
        ],
    ),
    "adagrad": (
        torch.optim.Adagrad,
        [
            {},
            {"lr": 0.1, "lr_decay": 0.1},
            {"initial_accumulator_value": 0.5, "eps": 1e-3},
            {"weight_decay": 0.1},
            {"maximize": True},
        ],
    ),
    "adadelta": (
        torch.optim.Adadelta,
        [
            {},
            {"lr": 0.1, "rho": 0.5, "eps": 1e-3},
            {"weight_decay": 0.1},
            {"maximize": True},
        ],
    ),
    "adafactor": (
        torch.optim.Adafactor,
        [
            {},
            {"lr": 0.1, "beta2_decay": -0.5},
            {"eps": (0.1, 0.1), "d": 2.0},
            {"lr": 1.0, "eps": (None, 1.0), "weight_decay": 0.1},
            {"maximize": True},
        ],
    ),
    "asgd": (
        torch.optim.ASGD,
        [
            {},
            {"lr": 0.1, "lambd": 0.1, "alpha": 0.5},
            {"t0": 20.0},
            {"weight_decay": 0.1},
            {"t0": 50.0, "maximize": True},
        ],
    ),
    "rprop": (
        torch.optim.Rprop,
        [
            {},
            {"lr": 0.1, "etas": (0.25, 1.5)},
            {"step_sizes": (1e-3, 0.02)},
            {"maximize": True},
        ],
    ),
    "muon": (
        torch.optim.Muon,
        [
            {},
            {"lr": 0.1, "weight_decay": 0.0, "momentum": 0.5},
            {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"},
            {"ns_coefficients": (2.0, -1.5, 0.5), "ns_steps": 3, "adjust_lr_fn": "original"},
            {"eps": 1.0},
        ],
    ),
}


def rosenbrock(params: list[torch.Tensor]) -> torch.Tensor:
    """A narrow bent valley through both parameters."""
    x = torch.cat([p.reshape(-1) for p in params])
    return ((1 - x[:-1]) ** 2 + 10 * (x[1:] - x[:-1] ** 2) ** 2).sum()


LBFGS = [
    {"lr": 0.05, "max_iter": 4},
    {"lr": 0.1, "max_iter": 3, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "max_iter": 4},
    {"line_search_fn": "strong_wolfe", "max_iter": 10, "max_eval": 4},
    {"line_search_fn": "strong_wolfe", "max_iter": 4, "tolerance_grad": 1.0, "lr": 0.5},
    {"line_search_fn": "strong_wolfe", "max_iter": 4, "tolerance_change": 0.05},
    {"line_search_fn": "strong_wolfe", "max_iter": 3, "lr": 30.0},
    {"line_search_fn": "strong_wolfe", "max_iter": 3, "max_eval": 30, "lr": 1000.0},
]


def evaluate(optimizer: torch.optim.Optimizer, params: list[torch.Tensor]) -> torch.Tensor:
    """The closure."""
    optimizer.zero_grad()
    loss = rosenbrock(params)
    loss.backward()
    return loss


def record_lbfgs() -> None:
    """The parameters after each of ten steps over `rosenbrock`, and the numbers of the state after the last."""
    arrays = {"cases": np.array([json.dumps(case) for case in LBFGS]), "torch": np.array(torch.__version__)}
    for dtype in ("float32", "float64"):
        for i, options in enumerate(LBFGS):
            params = [torch.tensor(np.array(a, dtype), requires_grad=True) for a in ([[-0.5, 1.5]], [0.5, -1.0, 0.25])]
            optimizer = torch.optim.LBFGS(params, **options)
            rows = []
            for _ in range(10):
                optimizer.step(functools.partial(evaluate, optimizer, params))
                rows.append(np.concatenate([p.detach().numpy().ravel() for p in params]))
            arrays[f"{dtype}/{i}/params"] = np.stack(rows)
            state = optimizer.state_dict()["state"][0]
            arrays[f"{dtype}/{i}/counts"] = np.array([state["n_iter"], state["func_evals"]])
    np.savez_compressed(HERE / "lbfgs.npz", **arrays)


def main() -> None:
    torch.set_default_dtype(torch.float64)
    torch.Tensor.bfloat16 = lambda self: self.clone()
    record_lbfgs()
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
        shapes = MATRICES if name == "muon" else SHAPES
        arrays = {"cases": np.array([json.dumps(case) for case in cases]), "torch": np.array(torch.__version__)}
        for dtype in ("float32", "float64"):
            for i, options in enumerate(cases):
                params = [
                    torch.tensor(part.astype(dtype).reshape(shape), requires_grad=True)
                    for part, shape in zip(np.split(start.astype(np.float32), starts[1:-1]), shapes, strict=True)
                ]
                optimizer = make(params, **options)
                rows = []
                for step, row in enumerate(gradients.astype(np.float32), 1):
                    for p, g, shape in zip(params, np.split(row, starts[1:-1]), shapes, strict=True):
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
