"""Which normalising layers with running statistics are recorded, on inputs of which shape: class, options, shape."""

from typing import Any

LAYERS: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("BatchNorm1d", {}, (4, 3)),
    ("BatchNorm1d", {"momentum": None}, (2, 3, 4)),
    ("BatchNorm2d", {"affine": False, "momentum": 0.3}, (2, 3, 2, 2)),
    ("BatchNorm2d", {"track_running_stats": False}, (2, 3, 2, 2)),
    ("BatchNorm3d", {"eps": 1e-2}, (2, 2, 2, 1, 2)),
    ("InstanceNorm1d", {}, (2, 3, 4)),
    ("InstanceNorm2d", {"affine": True, "track_running_stats": True}, (2, 3, 2, 2)),
    ("InstanceNorm3d", {"affine": True}, (2, 2, 2, 1, 2)),
]
STEPS = 2
