"""Schedules: learning rates that change in the course of a training, equal to PyTorch's step for step."""

from ._base import LRScheduler
from ._combine import ChainedScheduler, SequentialLR
from ._curves import ConstantLR, CosineAnnealingLR, LinearLR, NoamLR, PolynomialLR
from ._cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from ._decay import ExponentialLR, LambdaLR, MultiplicativeLR, MultiStepLR, StepLR
from ._plateau import ReduceLROnPlateau
from ._swa import SWALR

__all__ = [
    "SWALR",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "NoamLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
