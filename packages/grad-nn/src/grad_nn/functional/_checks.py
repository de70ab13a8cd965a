"""What arguments of several functions must be."""

__all__ = ["REDUCTIONS", "check_probability", "check_reduction"]

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction: str, name: str) -> str:
    """`reduction`, if it is one."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"{name}: unknown reduction {reduction!r}: give 'mean', 'sum' or 'none'")
    return reduction


def check_probability(p: float, name: str) -> float:
    """`p`, if it lies in [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is the probability of dropping an element, so it lies in [0, 1], and {p} does not")
    return p
