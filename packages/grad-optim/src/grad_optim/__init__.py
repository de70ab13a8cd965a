"""Optimizers on grad-core: SGD, RMSProp, Adam, equal to PyTorch's step for step."""

__all__: list[str] = ["__version__"]

__version__ = "0.1.0"
