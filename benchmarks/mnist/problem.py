"""784-128-10 with relu, batch 64, Adam: the size of the main job."""

from mlp import Problem

__all__ = ["PROBLEM"]

PROBLEM = Problem(inputs=784, hidden=128, classes=10, batch=64, lr=1e-3, warmup=50, count=600, quick=150)
