"""The most memory that a process had at a time, beyond what it had at a start."""

from pathlib import Path

__all__ = ["memory_of", "start_of_memory"]

PROCESS = Path("/proc/self")


def start_of_memory() -> float:
    """Forget earlier peaks; the MB in use now."""
    (PROCESS / "clear_refs").write_text("5", encoding="ascii")
    return _megabytes("VmRSS")


def memory_of(before: float) -> float:
    """MB at the peak since then, beyond those `before`."""
    return _megabytes("VmHWM") - before


def _megabytes(name: str) -> float:
    for line in (PROCESS / "status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"no {name} in /proc/self/status: this figure needs Linux")
