"""Which layers for images are recorded, and on inputs of which shape: class, options, shape."""

from typing import Any

LAYERS: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("Conv1d", {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "padding": "same", "dilation": 2}, (2, 2, 7)),
    (
        "Conv2d",
        {"in_channels": 2, "out_channels": 4, "kernel_size": (3, 2), "stride": (2, 1), "groups": 2},
        (2, 2, 5, 4),
    ),
    (
        "Conv2d",
        {"in_channels": 2, "out_channels": 2, "kernel_size": 3, "padding": 1, "padding_mode": "reflect", "bias": False},
        (1, 2, 4, 4),
    ),
    (
        "Conv3d",
        {"in_channels": 1, "out_channels": 2, "kernel_size": 2, "padding": 1, "padding_mode": "circular"},
        (1, 3, 3, 3),
    ),
    ("ConvTranspose1d", {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "stride": 2, "padding": 1}, (2, 2, 4)),
    (
        "ConvTranspose2d",
        {"in_channels": 2, "out_channels": 4, "kernel_size": 3, "stride": 2, "output_padding": 1, "groups": 2},
        (1, 2, 3, 4),
    ),
    ("MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, (2, 2, 6, 5)),
    ("AvgPool2d", {"kernel_size": 2, "padding": 1, "count_include_pad": False}, (2, 2, 5, 4)),
    ("AdaptiveAvgPool2d", {"output_size": (3, 2)}, (1, 2, 5, 4)),
    ("AdaptiveMaxPool1d", {"output_size": 3}, (2, 2, 7)),
    ("ReflectionPad2d", {"padding": (1, 2, 0, 1)}, (1, 2, 3, 4)),
    ("ReplicationPad1d", {"padding": 2}, (2, 2, 3)),
    ("CircularPad2d", {"padding": 1}, (1, 2, 3, 3)),
    ("ConstantPad1d", {"padding": (1, 2), "value": 0.5}, (2, 2, 3)),
    ("ZeroPad2d", {"padding": 1}, (1, 2, 2, 2)),
    ("Upsample", {"scale_factor": 2}, (1, 2, 3, 3)),
    ("Upsample", {"size": (5, 2), "mode": "bilinear", "align_corners": False}, (1, 2, 3, 4)),
    ("Upsample", {"size": 7, "mode": "linear", "align_corners": True}, (1, 2, 4)),
    ("Upsample", {"scale_factor": 1.5, "mode": "bicubic"}, (1, 1, 4, 4)),
]
