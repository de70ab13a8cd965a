"""2-8-2 with tanh, batch 32, SGD: so small that only overhead counts."""

from mlp import Problem

__all__ = ["PROBLEM"]

PROBLEM = Problem(inputs=2, hidden=8, classes=2, batch=32, lr=0.1, warmup=200, count=4000, quick=800)
