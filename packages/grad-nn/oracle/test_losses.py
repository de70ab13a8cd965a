"""Every loss and option of torch.nn beside ours: value, gradients by outputs and targets, second order."""

import functools

import grad_core as gd
import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
import torch
import torch.nn.functional as T  # noqa: N812 - as everybody writes it
from comparing import COUNT, RNG, compare, same

SHAPES = [(5,), (1,), (4, 3), (2, 1, 3), ()]
REDUCTIONS = ["mean", "sum", "none"]
SEEN = set()


@pytest.fixture(scope="module", autouse=True)
def report(request):
    yield
    print(f"\ngrad-nn losses, {next(COUNT)} arrays compared so far: {', '.join(sorted(SEEN))}")


pytestmark = [
    pytest.mark.parametrize("dtype", ["float32", "float64"]),
    pytest.mark.parametrize("reduction", REDUCTIONS),
]


def matched(name, options, arrays, dtype, order=2, constants=(), factor=1):
    """The modules of this name; `constants` follow the arrays, as they are."""
    SEEN.add(name + "".join(f" {key}" for key in sorted(options) if key != "reduction"))
    ours = getattr(nn, name)(**{k: v.astype(dtype) if isinstance(v, np.ndarray) else v for k, v in options.items()})
    theirs = getattr(torch.nn, name)(
        **{k: torch.tensor(v.astype(dtype)) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    )
    compare(
        lambda *xs: ours(*xs, *constants),
        lambda *xs: theirs(*xs, *[torch.tensor(c) for c in constants]),
        arrays,
        dtype,
        order,
        factor,
    )


def normal(*shape):
    return RNG.normal(size=shape) * 2


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("MSELoss", {}),
        ("L1Loss", {}),
        *[("SmoothL1Loss", {"beta": beta}) for beta in (1.0, 0.3, 2.0)],
        *[("HuberLoss", {"delta": delta}) for delta in (1.0, 0.3, 2.0)],
    ],
    ids=repr,
)
def test_differences(name, options, shape, reduction, dtype):
    x, y = normal(*shape), normal(*shape)
    matched(name, {**options, "reduction": reduction}, [x, y], dtype, 1 if name == "L1Loss" else 2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("name", "options"), [("mse_loss", {}), ("l1_loss", {}), ("huber_loss", {"delta": 0.7})], ids=repr
)
def test_weighted_differences(name, options, shape, reduction, dtype):
    SEEN.add(f"{name} weight")
    options = {**options, "reduction": reduction}
    compare(
        lambda x, y, w: getattr(F, name)(x, y, weight=w, **options),
        lambda x, y, w: getattr(T, name)(x, y, weight=w, **options),
        [normal(*shape), normal(*shape), RNG.uniform(0.5, 2, shape)],
        dtype,
        1 if name == "l1_loss" else 2,
    )


def test_differences_at_their_kinks(reduction, dtype):
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 1000.0])
    for name, options in [
        ("L1Loss", {}),
        ("SmoothL1Loss", {"beta": 2.0}),
        ("HuberLoss", {}),
        ("SmoothL1Loss", {"beta": 0}),
    ]:
        matched(name, {**options, "reduction": reduction}, [x, np.zeros(6)], dtype, 1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_bce(shape, weighted, reduction, dtype):
    options = {"reduction": reduction} | ({"weight": RNG.uniform(0.5, 2, shape)} if weighted else {})
    matched("BCELoss", options, [RNG.uniform(0.1, 0.9, shape), RNG.uniform(0.1, 0.9, shape)], dtype, factor=5)


def test_saturated_bce(reduction, dtype):
    x = np.array([0.0, 1.0, 0.0, 1.0, 0.5])
    y = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    compare(
        lambda x: F.binary_cross_entropy(x, y.astype(dtype), reduction=reduction),
        lambda x: T.binary_cross_entropy(x, torch.tensor(y.astype(dtype)), reduction=reduction),
        [x],
        dtype,
        1,
        1e3 if dtype == "float64" else 1,  # torch's 1e-12 is one of float32
    )
    SEEN.add("BCELoss at 0 and 1")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("positive", [False, True])
def test_bce_with_logits(shape, weighted, positive, reduction, dtype):
    options = {"reduction": reduction} | ({"weight": RNG.uniform(0.5, 2, shape)} if weighted else {})
    options |= {"pos_weight": RNG.uniform(0.5, 2, shape[-1:])} if positive else {}
    matched("BCEWithLogitsLoss", options, [normal(*shape), RNG.uniform(0, 1, shape)], dtype)
    x = np.full(shape, -1000.0)
    x.reshape(-1)[:1] = 1000
    matched("BCEWithLogitsLoss", options, [x, np.ones(shape)], dtype, 1)


CLASSES = [((5, 3), (5,)), ((1, 2), (1,)), ((4, 1), (4,)), ((3,), ()), ((2, 3, 4), (2, 4)), ((2, 3, 2, 5), (2, 2, 5))]


def ids_for(shape, ids, ignored):
    y = RNG.integers(0, shape[min(1, len(shape) - 1)], ids)
    if ignored and y.size > 1:
        y.reshape(-1)[1] = ignored
    return y


@pytest.mark.parametrize("shapes", CLASSES, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [None, -100, 1])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_ids(shapes, weighted, ignore, smoothing, reduction, dtype):
    shape, ids = shapes
    classes = shape[min(1, len(shape) - 1)]
    options = {"reduction": reduction, "label_smoothing": smoothing}
    options |= {"weight": RNG.uniform(0.5, 2, classes)} if weighted else {}
    options |= {} if ignore is None else {"ignore_index": ignore}
    y = ids_for(shape, ids, ignore)
    if ignore == 1 and reduction == "mean" and (y == 1).all():
        y[...] = 0
    matched("CrossEntropyLoss", options, [normal(*shape)], dtype, constants=[y])
    if not smoothing:
        del options["label_smoothing"]
        matched("NLLLoss", options, [normal(*shape)], dtype, constants=[y])


@pytest.mark.parametrize("shapes", CLASSES, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_probabilities(shapes, weighted, smoothing, reduction, dtype):
    shape, _ = shapes
    options = {"reduction": reduction, "label_smoothing": smoothing}
    options |= {"weight": RNG.uniform(0.5, 2, shape[min(1, len(shape) - 1)])} if weighted else {}
    matched("CrossEntropyLoss", options, [normal(*shape), RNG.uniform(0, 1, shape)], dtype)


@pytest.mark.parametrize("shapes", CLASSES[:4], ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("margin", [1.0, 0.3])
def test_multi_margin(shapes, weighted, p, margin, reduction, dtype):
    shape, ids = shapes
    options = {"reduction": reduction, "p": p, "margin": margin}
    options |= {"weight": RNG.uniform(0.5, 2, shape[-1])} if weighted else {}
    matched("MultiMarginLoss", options, [normal(*shape)], dtype, 1, constants=[ids_for(shape, ids, None)])
    scores = np.full(shape, 2.0)
    scores[..., :1] += margin if margin == 1 else 0  # at the kink
    matched("MultiMarginLoss", options, [scores], dtype, 1, constants=[np.zeros(ids, int)])


@pytest.mark.parametrize("shape", SHAPES[:4])
@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
def test_kl_div(shape, log_target, reduction, dtype):
    for way in {reduction, "batchmean"}:
        options = {"reduction": way, "log_target": log_target}
        matched(
            "KLDivLoss", options, [normal(*shape), normal(*shape) if log_target else RNG.uniform(0.1, 1, shape)], dtype
        )
    compare(
        lambda x: F.kl_div(x, np.zeros(shape, dtype), reduction=reduction),
        lambda x: T.kl_div(x, torch.zeros(shape, dtype=x.dtype), reduction=reduction),
        [normal(*shape)],
        dtype,
        1,
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_soft_margin_and_hinges(shape, reduction, dtype):
    signs = RNG.choice([-1.0, 1.0], shape)
    matched("SoftMarginLoss", {"reduction": reduction}, [normal(*shape)], dtype, constants=[signs.astype(dtype)])
    for margin in (1.0, 0.0, -0.5):
        options = {"reduction": reduction, "margin": margin}
        signs = signs.astype(dtype)
        matched("HingeEmbeddingLoss", options, [normal(*shape)], dtype, 1, constants=[signs])
        matched("HingeEmbeddingLoss", options, [np.full(shape, margin)], dtype, 1, constants=[signs])
        matched("MarginRankingLoss", options, [normal(*shape), normal(*shape)], dtype, constants=[signs])
        matched(
            "MarginRankingLoss",
            options,
            [np.full(shape, margin), np.zeros(shape)],
            dtype,
            1,
            constants=[np.ones_like(signs)],
        )


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("margin", [0.0, 0.4])
def test_cosine_embedding(count, margin, reduction, dtype):
    signs = RNG.choice([-1, 1], count)
    options = {"reduction": reduction, "margin": margin}
    matched("CosineEmbeddingLoss", options, [normal(count, 3), normal(count, 3)], dtype, constants=[signs])
    matched("CosineEmbeddingLoss", options, [normal(3), normal(3)], dtype, constants=[np.array(-1)])


@pytest.mark.parametrize("shape", [(4, 3), (1, 2), (3,)])
@pytest.mark.parametrize("p", [2.0, 1.0, 3.0])
@pytest.mark.parametrize("swap", [False, True])
def test_triplet_margin(shape, p, swap, reduction, dtype):
    options = {"reduction": reduction, "p": p, "swap": swap, "margin": 1.5, "eps": 1e-5}
    matched("TripletMarginLoss", options, [normal(*shape) for _ in range(3)], dtype)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    "shapes", [((4, 3), (4, 3)), ((4, 3), (4, 1)), ((4, 3), (4,)), ((5,), (5,)), ((1, 2), (1, 1))], ids=repr
)
def test_gaussian_nll(shapes, full, reduction, dtype):
    shape, of_variance = shapes
    options = {"reduction": reduction, "full": full, "eps": 0.5}
    matched("GaussianNLLLoss", options, [normal(*shape), normal(*shape), RNG.uniform(0, 2, of_variance)], dtype)
    compare(
        lambda x: F.gaussian_nll_loss(x, np.ones(shape, dtype), 0.7, reduction=reduction),
        lambda x: T.gaussian_nll_loss(x, torch.ones(shape, dtype=x.dtype), 0.7, reduction=reduction),
        [normal(*shape)],
        dtype,
    )


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("log_input", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_poisson_nll(shape, full, log_input, reduction, dtype):
    options = {"reduction": reduction, "full": full, "log_input": log_input, "eps": 1e-3}
    matched("PoissonNLLLoss", options, [RNG.uniform(0.1, 2, shape), RNG.uniform(0.2, 4, shape)], dtype)


@pytest.mark.parametrize(
    ("frames", "classes", "lengths", "wanted"),
    [
        (6, 4, [6, 4, 5], [2, 3, 0]),
        (12, 5, [12, 7, 9], [5, 2, 4]),
        (1, 3, [1], [1]),
        (4, 2, [4, 3], [1, 2]),
        (9, 3, [9, 9], [4, 4]),
    ],
)
@pytest.mark.parametrize("blank", [0, 1])
@pytest.mark.parametrize("zero_infinity", [False, True])
def test_ctc(frames, classes, lengths, wanted, blank, zero_infinity, reduction, dtype):
    labels = [c for c in range(classes) if c != blank]
    targets = RNG.choice(labels, (len(lengths), max(wanted)))
    x = normal(frames, len(lengths), classes)
    ours = nn.CTCLoss(blank, reduction, zero_infinity)
    theirs = torch.nn.CTCLoss(blank, reduction, zero_infinity)
    losses = F.ctc_loss(gd.log_softmax(x, 2), targets, lengths, wanted, blank, "none").data
    if not zero_infinity and not np.isfinite(losses).all():  # there torch's gradient is NaN
        z = theirs(
            torch.tensor(x.astype(dtype)).log_softmax(2),
            torch.tensor(targets),
            torch.tensor(lengths),
            torch.tensor(wanted),
        )
        same(ours(gd.log_softmax(x.astype(dtype), 2), targets, lengths, wanted), z, dtype)
        return
    SEEN.add("CTCLoss blank zero_infinity")

    def ours_of(x, targets=targets):
        return ours(gd.log_softmax(x, 2), targets, lengths, wanted)

    def theirs_of(x, targets=targets):
        return theirs(x.log_softmax(2), torch.tensor(targets), torch.tensor(lengths), torch.tensor(wanted))

    compare(ours_of, theirs_of, [x], dtype, 1, factor=5)
    joined = np.concatenate([row[:n] for row, n in zip(targets, wanted, strict=True)])
    compare(
        functools.partial(ours_of, targets=joined),
        functools.partial(theirs_of, targets=joined),
        [x],
        dtype,
        1,
        factor=5,
    )


def test_ctc_of_one_sequence(reduction, dtype):
    compare(
        lambda x: F.ctc_loss(gd.log_softmax(x, 1), [1, 2], 5, 2, reduction=reduction),
        lambda x: T.ctc_loss(
            x.log_softmax(1), torch.tensor([1, 2]), torch.tensor(5), torch.tensor(2), reduction=reduction
        ),
        [normal(5, 3)],
        dtype,
        1,
        factor=5,
    )


LABELS = [((4, 5), [[0, 3, -1, 2, 1], [4, 1, 0, 2, 3], [-1, 0, 0, 0, 0], [2, 2, -1, 4, -1]]), ((5,), [1, 4, 0, -1, 2])]


@pytest.mark.parametrize(("shape", "target"), [*LABELS, ((1, 2), [[1, -1]])], ids=repr)
def test_multi_label_margin(shape, target, reduction, dtype):
    options = {"reduction": reduction}
    matched("MultiLabelMarginLoss", options, [normal(*shape)], dtype, 1, constants=[np.array(target)])


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (1, 1), (5,)])
@pytest.mark.parametrize("weighted", [False, True])
def test_multi_label_soft_margin(shape, weighted, reduction, dtype):
    options = {"reduction": reduction} | ({"weight": RNG.uniform(0.5, 2, shape[-1])} if weighted else {})
    matched("MultiLabelSoftMarginLoss", options, [normal(*shape), RNG.uniform(0, 1, shape)], dtype)
    targets = RNG.integers(0, 2, shape).astype(dtype)
    matched("MultiLabelSoftMarginLoss", options, [normal(*shape)], dtype, constants=[targets])


@pytest.mark.parametrize("shape", [(4, 3), (1, 2)])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("swap", [False, True])
def test_triplet_margin_with_distance(shape, own, swap, reduction, dtype):
    options = {"reduction": reduction, "swap": swap, "margin": 1.5}
    if own:
        options["distance_function"] = lambda x, y: ((x - y) ** 2).sum(-1)
    matched("TripletMarginWithDistanceLoss", options, [normal(*shape) for _ in range(3)], dtype)
