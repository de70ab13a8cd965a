"""Every public class and function of torch.nn beside ours by name and signature; what differs stands in tables here."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import grad_nn.init as init
import pytest
import torch
import torch.nn.functional as T  # noqa: N812 - as everybody writes it

P = inspect.Parameter

# What torch.nn has and grad-nn has not, and why.
INSTEAD_OF_A_CLASS = {
    "CrossMapLRN2d": "the older form of LocalResponseNorm",
    "Container": "deprecated in torch: Sequential, ModuleList",
    "DataParallel": "copies of a model on several devices, and there is one here",
    "LinearCrossEntropyLoss": "for logits that do not fit into a device's memory: Linear, and CrossEntropyLoss",
    "LinearCrossEntropyOptions": "of LinearCrossEntropyLoss",
    "NLLLoss2d": "deprecated in torch: NLLLoss takes images",
    "RNNBase": "what RNN, LSTM and GRU have in common is private here",
    "RNNCellBase": "what the cells have in common is private here",
    "SyncBatchNorm": "statistics of several devices, and there is one here",
    "UninitializedBuffer": "of the lazy layers",
    "UninitializedParameter": "of the lazy layers",
    **{
        name: "sizes are given here, so that parameters are there before the first call, for an optimizer say"
        for name in dir(torch.nn)
        if name.startswith("Lazy")
    },
}
INSTEAD_OF_A_FUNCTION = {
    **{
        f"{kind}_max_pool{rank}d_with_indices".removeprefix("plain_"): "return_indices=True"
        for kind in ("plain", "adaptive")
        for rank in (1, 2, 3)
    },
    **{
        f"{name}_": "x = relu(x) and so on: nothing is written in place that a gradient needs"
        for name in (
            "celu",
            "elu",
            "hardtanh",
            "leaky_relu",
            "relu",
            "rrelu",
            "selu",
            "threshold",
        )
    },
    **dict.fromkeys(("upsample", "upsample_bilinear", "upsample_nearest"), "deprecated in torch: interpolate"),
    **{f"fractional_max_pool{rank}d_with_indices": "return_indices=True" for rank in (2, 3)},
    **dict.fromkeys(
        ("grouped_mm", "scaled_mm", "scaled_grouped_mm"), "products in formats of numbers of graphics cards"
    ),
    "conv_tbc": "conv1d with the axes exchanged",
    "linear_cross_entropy": "for logits that do not fit into a device's memory: linear, and cross_entropy",
    "multi_head_attention_forward": "the inside of MultiheadAttention",
    "native_channel_shuffle": "channel_shuffle, which torch has twice",
}
INSTEAD_OF_A_METHOD = {
    **dict.fromkeys(("cpu", "cuda", "ipu", "mtia", "xpu", "share_memory", "to_empty"), "there is one device"),
    **dict.fromkeys(
        ("T_destination", "call_super_init", "dump_patches", "register_backward_hook"),
        "of torch's own machinery, or deprecated there",
    ),
    **dict.fromkeys(
        (
            "get_extra_state",
            "set_extra_state",
            "register_load_state_dict_post_hook",
            "register_load_state_dict_pre_hook",
            "register_state_dict_post_hook",
            "register_state_dict_pre_hook",
        ),
        "a state dict is a plain dict of arrays: change it before it is loaded, or after it was made",
    ),
    "bfloat16": "NumPy has no such numbers",
    "compile": "there is no compiler",
    "set_submodule": "assignment: model.block[2] = layer",
    "type": "to(dtype)",
}

# Parameters of torch that are left out wherever they occur, and why.
LEFT_OUT = {
    "device": "there is one",
    "dtype": "where torch casts its result to it: result.astype(dtype)",
    "inplace": "nothing is written in place that a gradient needs",
    "out": "nothing is written in place that a gradient needs",
    "size_average": "deprecated in torch: reduction",
    "reduce": "deprecated in torch: reduction",
    "sparse": "gradients are dense arrays",
    "_random_samples": "private in torch: generator",
    "_stacklevel": "where a warning of torch's points",
    "_weight": "private in torch: from_pretrained",
    "_freeze": "private in torch: from_pretrained",
    "min_value": "deprecated in torch: min_val",
    "max_value": "deprecated in torch: max_val",
}
# And those that are left out of one.
LEFT_OUT_OF = {
    ("functional.gumbel_softmax", "eps"): "deprecated in torch, without effect",
    ("functional.interpolate", "antialias"): "blur the image first",
    ("Module.load_state_dict", "assign"): "values are copied, for optimizers hold the arrays",
    ("Module.modules", "remove_duplicate"): "each module once",
    ("Module.named_modules", "memo"): "of the recursion in torch",
    ("Module.state_dict", "destination"): "update that dict with this one",
    ("Module.state_dict", "keep_vars"): "named_parameters",
    ("Module.state_dict", "prefix"): "{prefix + k: v for k, v in model.state_dict().items()}",
}
# Ours alone, wherever they occur.
OURS = {"generator": "all that is random takes one", "dtype": "torch has it where parameters are made"}
OURS_IN = {
    ("Buffer", "name"): "for messages and graphs",
    ("GRU.forward", "lengths"): "instead of a packed sequence",
    ("LSTM.forward", "lengths"): "instead of a packed sequence",
    ("Parameter", "name"): "for messages and graphs",
    ("RNN.forward", "lengths"): "instead of a packed sequence",
    ("Softmax", "temperature"): "of sampling and distillation",
    ("functional.relu", "out"): "functions of arrays take it",
    ("functional.sigmoid", "out"): "functions of arrays take it",
    ("functional.silu", "out"): "functions of arrays take it",
    ("functional.softmax", "temperature"): "of sampling and distillation",
}
# The same parameter by another name: `input` is x in all functions, and what it holds where that is something special.
RENAMED = {"input": "x", "input1": "x1", "input2": "x2"}
RENAMED_IN = {
    ("AdaptiveLogSoftmaxWithLoss.forward", "input_"): "x",
    ("AdaptiveLogSoftmaxWithLoss.forward", "target_"): "target",
    ("CrossEntropyLoss.forward", "input"): "logits",
    ("Embedding.forward", "input"): "ids",
    ("EmbeddingBag.forward", "input"): "ids",
    ("Module.load_state_dict", "state_dict"): "state",
    ("PoissonNLLLoss.forward", "log_input"): "x",
    ("functional.cross_entropy", "input"): "logits",
    ("functional.embedding", "input"): "ids",
    ("functional.embedding_bag", "input"): "ids",
    ("functional.one_hot", "tensor"): "x",
}
# Defaults that differ: ours, and why.
DEFAULTS: dict[tuple[str, str], tuple[Any, str]] = {
    **{
        (name, "dim"): (-1, "for None torch guesses an axis, with a warning")
        for name in ("LogSoftmax", "Softmax", "Softmin")
    },
    **{
        (f"functional.{name}", "dim"): (-1, "for None torch guesses an axis, with a warning")
        for name in ("log_softmax", "softmax", "softmin")
    },
    **{
        (f"functional.{name}", "align_corners"): (False, "what torch takes None for, with a warning")
        for name in ("affine_grid", "grid_sample")
    },
    **{
        (name, "activation"): ("relu", "the same function, by its name")
        for name in ("Transformer", "TransformerDecoderLayer", "TransformerEncoderLayer")
    },
    **dict.fromkeys(
        [
            ("ModuleDict", "modules"),
            ("ModuleList", "modules"),
            ("ParameterDict", "parameters"),
            ("ParameterList", "values"),
        ],
        ((), "none, as torch means with None"),
    ),
    ("Buffer", "data"): (P.empty, "an empty one is of no use"),
    ("Parameter", "data"): (P.empty, "an empty one is of no use"),
}
# Signatures that say nothing: torch's in C or with *args; the names, in order, are those of its documentation, and
# behind a star those that are given by name.
WRITTEN = {
    "GRU": "input_size hidden_size num_layers bias batch_first dropout bidirectional",
    "LSTM": "input_size hidden_size num_layers bias batch_first dropout bidirectional proj_size",
    "RNN": "input_size hidden_size num_layers nonlinearity bias batch_first dropout bidirectional",
    "Buffer": "data persistent",
    "Sequential": "",
    "Module": "",
    "Module.to": "dtype",
    "Module.state_dict": "",
    "functional.adaptive_avg_pool1d": "input output_size",
    "functional.avg_pool1d": "input kernel_size stride padding ceil_mode count_include_pad",
    "functional.avg_pool2d": "input kernel_size stride padding ceil_mode count_include_pad divisor_override",
    "functional.avg_pool3d": "input kernel_size stride padding ceil_mode count_include_pad divisor_override",
    "functional.bilinear": "input1 input2 weight bias",
    "functional.channel_shuffle": "input groups",
    "functional.cosine_similarity": "x1 x2 dim eps",
    **{
        f"functional.fractional_max_pool{rank}d": "input kernel_size output_size output_ratio return_indices"
        for rank in (2, 3)
    },
    "functional.gelu": "input * approximate",
    "functional.hardshrink": "input lambd",
    "functional.linear": "input weight bias",
    "functional.logsigmoid": "input",
    "functional.one_hot": "tensor num_classes",
    "functional.pairwise_distance": "x1 x2 p eps keepdim",
    "functional.pdist": "input p",
    "functional.pixel_shuffle": "input upscale_factor",
    "functional.pixel_unshuffle": "input downscale_factor",
    "functional.prelu": "input weight",
    "functional.scaled_dot_product_attention": "query key value attn_mask dropout_p is_causal * scale enable_gqa",
    "functional.softplus": "input beta threshold",
    "functional.softshrink": "input lambd",
    **{f"functional.conv{rank}d": "input weight bias stride padding dilation groups" for rank in (1, 2, 3)},
    **{
        f"functional.conv_transpose{rank}d": "input weight bias stride padding output_padding groups dilation"
        for rank in (1, 2, 3)
    },
    **{
        f"functional.max_pool{rank}d": "input kernel_size stride padding dilation ceil_mode return_indices"
        for rank in (1, 2, 3)
    },
    **{f"functional.adaptive_max_pool{rank}d": "input output_size return_indices" for rank in (1, 2, 3)},
}


def functions(module: Any) -> list[str]:
    """Those that are no helpers of torch's own."""
    helpers = {"assert_int_or_pair", "boolean_dispatch", "handle_torch_function", "has_torch_function"}
    found = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and not isinstance(value, type)
    ]
    typing = {"Callable", "Optional", "Literal", "ParamSpec", "TypeVar"}
    return [name for name in found if name not in helpers | typing and not name.startswith("has_torch_function")]


CLASSES = [name for name, value in vars(torch.nn).items() if isinstance(value, type)]
OLD_INIT = {name[:-1] for name in init.__all__ if name.endswith("_")}  # deprecated names without the underscore


def pairs() -> Iterator[tuple[str, Any, Any]]:
    """All that both have: the name here, ours and torch's."""
    for name in CLASSES:
        if hasattr(nn, name):
            ours, theirs = getattr(nn, name), getattr(torch.nn, name)
            yield name, ours, theirs
            if "forward" in vars(theirs) and name not in ("Module", "ModuleDict", "ModuleList"):
                yield f"{name}.forward", ours.forward, theirs.forward
    for where, ours, theirs in (("functional", F, T), ("init", init, torch.nn.init)):
        yield from (
            (f"{where}.{name}", getattr(ours, name), getattr(theirs, name))
            for name in functions(theirs)
            if hasattr(ours, name)
        )
    for name, method in vars(torch.nn.Module).items():
        if not name.startswith("_") and hasattr(nn.Module, name) and name != "forward" and callable(method):
            yield f"Module.{name}", getattr(nn.Module, name), method
    for name in ("weight_norm", "spectral_norm"):
        yield name, getattr(nn, name), getattr(torch.nn.utils.parametrizations, name)


def parameters(function: Callable[..., Any]) -> list[P]:
    return [p for p in inspect.signature(function).parameters.values() if p.name != "self"]


def theirs_of(name: str, function: Any) -> tuple[list[str], list[str], dict[str, Any]]:
    """All names, those that may be given by position, and the defaults, as far as they are to be read."""
    if name in WRITTEN:
        before, _, behind = WRITTEN[name].partition("*")
        return [*before.split(), *behind.split()], before.split(), {}
    found = parameters(function)
    if [p.kind for p in found] == [P.VAR_POSITIONAL, P.VAR_KEYWORD]:  # what torch.nn.Module inherits: no parameters
        return [], [], {}
    positional = [p.name for p in found if p.kind in (P.POSITIONAL_ONLY, P.POSITIONAL_OR_KEYWORD)]
    return [p.name for p in found], positional, {p.name: p.default for p in found}


PAIRS = list(pairs())


@pytest.mark.parametrize(("name", "ours", "theirs"), PAIRS, ids=[name for name, _, _ in PAIRS])
def test_parameters(name: str, ours: Any, theirs: Any) -> None:
    """The same names and defaults, and by position the same until one is left out: behind it, by name only."""
    names, positional, defaults = theirs_of(name, theirs)
    here = {p.name: p for p in parameters(ours) if p.kind not in (P.VAR_POSITIONAL, P.VAR_KEYWORD)}

    def renamed(parameter: str) -> str:
        return RENAMED_IN.get((name, parameter)) or (
            parameter if parameter in here else RENAMED.get(parameter, parameter)
        )

    missing = [p for p in names if renamed(p) not in here and p not in LEFT_OUT and (name, p) not in LEFT_OUT_OF]
    assert not missing
    extra = set(here) - {renamed(p) for p in names} - set(OURS)
    assert extra == {p for at, p in OURS_IN if at == name}
    for parameter, value in defaults.items():
        if renamed(parameter) in here:
            found = here[renamed(parameter)].default
            wanted, _ = DEFAULTS.get((name, parameter), (value, ""))
            assert found is wanted or found == wanted, parameter
    kept = [renamed(p) for p in positional]
    ordered = [p for p, made in here.items() if made.kind == P.POSITIONAL_OR_KEYWORD and (p in kept or p not in OURS)]
    gap = next((i for i, p in enumerate(kept) if p not in here), len(kept))
    assert ordered[: gap if gap == len(kept) else None] == kept[:gap]  # more may be given by position where torch ends


def test_what_is_not_there_stands_in_a_table() -> None:
    assert {name for name in CLASSES if not hasattr(nn, name)} == set(INSTEAD_OF_A_CLASS)
    assert {name for name in functions(T) if not hasattr(F, name)} == set(INSTEAD_OF_A_FUNCTION)
    missing = {name for name in functions(torch.nn.init) if not hasattr(init, name)}
    assert missing == {name for name in OLD_INIT if hasattr(torch.nn.init, name)}
    methods = {name for name in vars(torch.nn.Module) if not name.startswith("_") and name != "training"}
    assert {name for name in methods if not hasattr(nn.Module, name)} == set(INSTEAD_OF_A_METHOD)


def test_no_line_of_the_tables_is_out_of_date() -> None:
    known = {
        name: ({p.name for p in parameters(ours)}, set(theirs_of(name, theirs)[0])) for name, ours, theirs in PAIRS
    }
    for name, parameter in LEFT_OUT_OF:
        assert parameter not in known[name][0], (name, parameter)
    for name, parameter in OURS_IN:
        assert parameter in known[name][0] - known[name][1], (name, parameter)
    for (name, parameter), mine in RENAMED_IN.items():
        assert mine in known[name][0] - known[name][1], (name, parameter)
        assert parameter in known[name][1] - known[name][0], (name, parameter)
    for name, parameter in DEFAULTS:
        assert parameter in known[name][0] & known[name][1], (name, parameter)
    assert set(WRITTEN) <= set(known)
