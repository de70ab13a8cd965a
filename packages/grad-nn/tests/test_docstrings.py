"""What the reference says of each module: a formula or what it does, its shapes, its paper, an example."""

import inspect
import re

import grad_nn as nn
import pytest

MODULES = {
    name: value
    for name, value in vars(nn).items()
    if name in nn.__all__ and isinstance(value, type) and issubclass(value, nn.Module)
}
# what holds modules and parameters has no shapes of its own
CONTAINERS = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList"}
# what nobody has written a paper about, or everybody knew before
WITHOUT_A_PAPER = CONTAINERS | {
    *("Sequential", "Lambda", "Identity", "Flatten", "Unflatten", "MLP"),  # shapes and order
    *("Bilinear", "Sigmoid", "Tanh", "LogSigmoid", "LogSoftmax", "Softmax2d", "Softmin"),  # elementary
    *("Tanhshrink", "Threshold", "Hardtanh", "Hardsigmoid"),
    *("MSELoss", "L1Loss", "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "NLLLoss", "PoissonNLLLoss"),
    *("HingeEmbeddingLoss", "MarginRankingLoss", "MultiMarginLoss", "SoftMarginLoss", "CosineEmbeddingLoss"),
    *("MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "CosineSimilarity", "PairwiseDistance"),
    *(
        f"{kind}Pad{rank}d"
        for kind in ("Circular", "Constant", "Reflection", "Replication", "Zero")
        for rank in (1, 2, 3)
    ),
    *(f"{kind}Pool{rank}d" for kind in ("Avg", "Max", "AdaptiveAvg", "AdaptiveMax") for rank in (1, 2, 3)),
    *("Fold", "Unfold", "UpsamplingBilinear2d", "UpsamplingNearest2d"),
}
each = pytest.mark.parametrize("name", sorted(MODULES))


def text(name):
    return inspect.getdoc(MODULES[name]) or ""


def others(name):
    """The modules that a text refers to: `BatchNorm2d` is ``BatchNorm1d`` for images."""
    return [other for other in re.findall(r"\b[A-Z]\w+\b", text(name).split("Example:")[0]) if other in MODULES]


@each
def test_an_example(name):
    assert re.search(r"^Example:\n +>>> |^    >>> ", text(name), re.MULTILINE)


@each
def test_arguments_are_explained(name):
    """Those of the constructor, here or where the text refers to."""
    told = "\n".join(text(other) for other in [name, *others(name)])
    for parameter in list(inspect.signature(MODULES[name].__init__).parameters.values())[1:]:
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) and name not in CONTAINERS:
            assert re.search(rf"^    {parameter.name}: ", told, re.MULTILINE), parameter.name


@each
def test_shapes(name):
    """Those that `forward` takes and gives."""
    if name not in CONTAINERS:
        told = (inspect.getdoc(MODULES[name].forward) or "") + text(name)
        assert re.search(r"\([^)\n]*\b(N|C|L|H|batch|steps|\.\.\.)\b[^)\n]*\)|[Ss]hape|[Aa]ny|same|[Ww]hat", told)


@each
def test_a_paper(name):
    """With its year; in a table here stands what has none."""
    year = r"\b(19|20)\d\d\b"
    found = any(re.search(year, text(other)) for other in [name, *others(name)])
    assert found or name in WITHOUT_A_PAPER


def test_the_table_is_up_to_date():
    assert set(MODULES) >= WITHOUT_A_PAPER
    assert [name for name in WITHOUT_A_PAPER if re.search(r"\b(19|20)\d\d\b", text(name))] == []


@each
def test_the_first_line_says_what_it_computes(name):
    first = text(name).splitlines()[0]
    assert len(first) > 10
    assert first.endswith(".")
