"""A small, fast tensor with reverse-mode automatic differentiation of any order, on NumPy alone."""

__all__: list[str] = ["__version__"]

__version__ = "0.1.0"
