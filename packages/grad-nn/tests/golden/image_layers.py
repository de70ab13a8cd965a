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
    ("UpsamplingNearest2d", {"size": (5, 3)}, (1, 2, 3, 4)),
    ("UpsamplingBilinear2d", {"scale_factor": 2}, (1, 2, 3, 4)),
    ("PixelShuffle", {"upscale_factor": 2}, (1, 8, 3, 2)),
    ("PixelUnshuffle", {"downscale_factor": 3}, (1, 1, 3, 6)),
    ("ChannelShuffle", {"groups": 3}, (1, 6, 2, 3)),
    ("LPPool1d", {"norm_type": 2, "kernel_size": 3, "stride": 2, "ceil_mode": True}, (2, 2, 8)),
    ("LPPool2d", {"norm_type": 4, "kernel_size": (2, 3)}, (1, 2, 5, 6)),
    ("LPPool3d", {"norm_type": 2, "kernel_size": 2}, (1, 1, 3, 4, 2)),
    ("LocalResponseNorm", {"size": 2, "alpha": 0.9, "beta": 0.6, "k": 1.5}, (1, 5, 2, 3)),
    ("Softmax2d", {}, (1, 3, 2, 2)),
    ("GroupNorm", {"num_groups": 2, "num_channels": 4, "bias": False}, (2, 4, 3)),
]
