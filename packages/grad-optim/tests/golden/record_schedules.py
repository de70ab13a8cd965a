"""Record the learning rates of torch's schedules, into schedules.json beside this script (needs torch 2.13).

Each case is a name, and options as JSON: a schedule inside options is again such a pair, and "lr_lambda" the name of
one of the functions in `LAMBDAS`, which the tests have too.
"""

import json
import warnings
from pathlib import Path

import torch

LAMBDAS = {"inverse": lambda t: 1 / (1 + t), "constant": lambda t: 0.9, "wave": lambda t: 1 + 0.5 * (-1) ** t}
STEPS = 40
CASES = [
    ["LambdaLR", {"lr_lambda": "inverse"}],
    ["LambdaLR", {"lr_lambda": ["inverse", "wave"]}],
    ["MultiplicativeLR", {"lr_lambda": "constant"}],
    ["MultiplicativeLR", {"lr_lambda": ["wave", "constant"]}],
    ["StepLR", {"step_size": 7}],
    ["StepLR", {"step_size": 3, "gamma": 0.5}],
    ["MultiStepLR", {"milestones": [3, 11, 11, 20]}],
    ["MultiStepLR", {"milestones": [30, 5], "gamma": 0.5}],
    ["ConstantLR", {}],
    ["ConstantLR", {"factor": 0.5, "total_iters": 12}],
    ["LinearLR", {}],
    ["LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 20}],
    ["ExponentialLR", {"gamma": 0.9}],
    ["PolynomialLR", {}],
    ["PolynomialLR", {"total_iters": 25, "power": 2.5}],
    ["CosineAnnealingLR", {"T_max": 10}],
    ["CosineAnnealingLR", {"T_max": 15, "eta_min": 0.01}],
    ["CosineAnnealingWarmRestarts", {"T_0": 7}],
    ["CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}],
    ["SWALR", {"swa_lr": 0.1}],
    ["SWALR", {"swa_lr": [0.2, 0.01], "anneal_epochs": 15, "anneal_strategy": "linear"}],
    ["SWALR", {"swa_lr": 0.1, "anneal_epochs": 0}],
    ["OneCycleLR", {"max_lr": 1.0, "total_steps": 40}],
    ["OneCycleLR", {"max_lr": [1.0, 0.1], "epochs": 5, "steps_per_epoch": 8, "anneal_strategy": "linear"}],
    ["OneCycleLR", {"max_lr": 1.0, "total_steps": 41, "three_phase": True, "pct_start": 0.2}],
    [
        "OneCycleLR",
        {"max_lr": 1.0, "total_steps": 40, "div_factor": 5.0, "final_div_factor": 10.0, "base_momentum": 0.5},
    ],
    [
        "OneCycleLR",
        {"max_lr": 1.0, "total_steps": 40, "max_momentum": [0.9, 0.7], "base_momentum": 0.6},
    ],
    ["OneCycleLR", {"max_lr": 1.0, "total_steps": 40, "cycle_momentum": False}],
    ["CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 5}],
    ["CyclicLR", {"base_lr": 0.1, "max_lr": [1.0, 2.0], "step_size_up": 4, "step_size_down": 9, "mode": "triangular2"}],
    ["CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 5, "mode": "exp_range", "gamma": 0.95}],
    ["CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 5, "cycle_momentum": False}],
    ["CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 5, "base_momentum": 0.3, "max_momentum": 0.7}],
    ["CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 5, "scale_fn": "inverse", "scale_mode": "iterations"}],
    ["ReduceLROnPlateau", {"patience": 1}],
    ["ReduceLROnPlateau", {"patience": 2, "mode": "max", "factor": 0.5, "threshold": 0.3, "threshold_mode": "abs"}],
    ["ReduceLROnPlateau", {"patience": 0, "threshold_mode": "abs", "cooldown": 3, "min_lr": [0.05, 0.001]}],
    ["ReduceLROnPlateau", {"patience": 0, "mode": "max", "threshold": 0.2, "min_lr": 0.01, "eps": 0.02}],
    [
        "SequentialLR",
        {"schedulers": [["LinearLR", {"total_iters": 6}], ["CosineAnnealingLR", {"T_max": 20}]], "milestones": [6]},
    ],
    [
        "SequentialLR",
        {
            "schedulers": [
                ["ConstantLR", {"factor": 0.1}],
                ["ExponentialLR", {"gamma": 0.9}],
                ["StepLR", {"step_size": 4}],
                ["CosineAnnealingWarmRestarts", {"T_0": 5}],
            ],
            "milestones": [5, 12, 25],
        },
    ],
    [
        "SequentialLR",
        {
            "schedulers": [
                ["ChainedScheduler", {"schedulers": [["LinearLR", {}], ["ExponentialLR", {"gamma": 0.9}]]}],
                ["PolynomialLR", {"total_iters": 20}],
            ],
            "milestones": [10],
        },
    ],
    ["SequentialLR", {"schedulers": [["StepLR", {"step_size": 4}], ["SWALR", {"swa_lr": 0.1}]], "milestones": [6]}],
    [
        "ChainedScheduler",
        {"schedulers": [["LinearLR", {}], ["ExponentialLR", {"gamma": 0.95}], ["MultiStepLR", {"milestones": [20]}]]},
    ],
    ["ChainedScheduler", {"schedulers": [["CosineAnnealingLR", {"T_max": 8}], ["StepLR", {"step_size": 5}]]}],
]


def measure(step: int) -> float:
    """A loss that falls, rests and jumps."""
    return 2.0 / (1 + step // 6) + (0.5 if step % 5 == 3 else 0.0)


def build(module, optimizer, name: str, options: dict):
    """A schedule from its name and options."""
    options = dict(options)
    for key in ("lr_lambda", "scale_fn"):
        if isinstance(options.get(key), list):
            options[key] = [LAMBDAS[each] for each in options[key]]
        elif key in options:
            options[key] = LAMBDAS[options[key]]
    if "schedulers" in options:
        options["schedulers"] = [build(module, optimizer, *part) for part in options["schedulers"]]
    make = torch.optim.swa_utils.SWALR if name == "SWALR" else getattr(module, name)
    return make(**options) if name == "ChainedScheduler" else make(optimizer, **options)


def main() -> None:
    out = []
    for kind in ("SGD", "Adam"):
        for name, options in CASES:
            params = [torch.zeros(2, requires_grad=True) for _ in range(2)]
            momentum = {"momentum": 0.9} if kind == "SGD" else {}
            groups = [{"params": params[:1]}, {"params": params[1:], "lr": 0.05}]
            optimizer = getattr(torch.optim, kind)(groups, lr=0.5, **momentum)
            scheduler = build(torch.optim.lr_scheduler, optimizer, name, options)
            rates, momenta = [], []
            for step in range(STEPS):
                optimizer.step()
                scheduler.step(*([measure(step)] if name == "ReduceLROnPlateau" else []))
                rates.append(list(scheduler.get_last_lr()))
                momenta.append(
                    optimizer.param_groups[1].get("momentum", optimizer.param_groups[1].get("betas", [0])[0])
                )
            out.append({"optimizer": kind, "name": name, "options": options, "rates": rates, "momenta": momenta})
    (Path(__file__).parent / "schedules.json").write_text(json.dumps(out))


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
