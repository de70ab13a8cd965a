"""Neural-network modules, losses and initialisers on grad-core, named and laid out as in torch.nn."""

__all__: list[str] = ["__version__"]

__version__ = "0.1.0"
