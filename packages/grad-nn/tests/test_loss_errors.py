"""What the losses say to inputs that do not fit."""

import grad_nn as nn
import grad_nn.functional as F  # noqa: N812 - as everybody writes it
import numpy as np
import pytest
from grad_core.errors import DTypeError, ShapeError
from grad_nn.errors import RangeError

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


def share(*shape):
    return RNG.uniform(0.1, 0.9, shape)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.binary_cross_entropy([1.5], [1.0]),
            RangeError,
            "the output holds probabilities, from 0 to 1, .* 1.5: .*_with_logits",
        ),
        (lambda: F.binary_cross_entropy([0.5], [-1.0]), RangeError, "the target holds probabilities"),
        (lambda: F.binary_cross_entropy([float("nan")], [1.0]), RangeError, "the output holds probabilities"),
        (
            lambda: F.binary_cross_entropy(share(2, 3), share(2, 3), share(2)),
            ShapeError,
            r"weight has shape \(2,\), which does",
        ),
        (
            lambda: F.binary_cross_entropy_with_logits(share(3), share(3), pos_weight=share(2)),
            ShapeError,
            r"pos_weight has shape \(2,\)",
        ),
        (lambda: F.kl_div([0.0], [-0.5]), RangeError, "kl_div: the target holds probabilities, .* log_target=True"),
        (
            lambda: F.gaussian_nll_loss([0.0], [0.0], [-1.0]),
            RangeError,
            r"a variance is not negative, .* var=gd.exp\(log",
        ),
        (
            lambda: F.gaussian_nll_loss(share(2, 3), share(2, 3), share(3)),
            ShapeError,
            r"var has shape \(3,\); .* \(2, 1\)",
        ),
        (lambda: nn.GaussianNLLLoss(eps=0.0), ValueError, "GaussianNLLLoss: eps keeps numbers away from 0"),
        (lambda: nn.HuberLoss(delta=0.0), ValueError, "HuberLoss: a line begins at delta, .* 0.0 is not"),
        (lambda: nn.SmoothL1Loss(beta=-1.0), ValueError, "SmoothL1Loss: a line begins at beta, .* -1.0 is not"),
        (lambda: nn.TripletMarginLoss(0.0), ValueError, "TripletMarginLoss: .* above 0, and 0.0 is not"),
        (lambda: nn.MultiMarginLoss(3), ValueError, "MultiMarginLoss: p is 1 or 2, and not 3"),
        (
            lambda: F.cosine_embedding_loss(share(2, 3), share(2, 3), [1]),
            ShapeError,
            r"targets of shape \(N,\), .* \(1,\)",
        ),
        (
            lambda: F.cosine_similarity([1], [1], 0),
            DTypeError,
            "cosine_similarity: it takes floats, and was given int64",
        ),
        (
            lambda: F.cross_entropy(share(2, 3), [0, 1], share(2)),
            ShapeError,
            r"weight has shape \(2,\), and there are 3 classes",
        ),
        (
            lambda: F.cross_entropy(share(2, 3), share(2, 3), share(2)),
            ShapeError,
            r"weight has shape \(2,\), and there are 3",
        ),
        (
            lambda: F.cross_entropy(share(2, 3), [-100, -100]),
            RangeError,
            "the mean is over samples whose weights sum to 0",
        ),
        (
            lambda: nn.CrossEntropyLoss(label_smoothing=1.5),
            ValueError,
            r"CrossEntropyLoss: label_smoothing .* 1.5 does not",
        ),
        (
            lambda: F.nll_loss(share(2, 3), [0, 3]),
            IndexError,
            r"nll_loss: class id 3 is out of range: outputs with 3 classes",
        ),
        (
            lambda: F.nll_loss(share(2, 3), [0.0, 1.0]),
            DTypeError,
            r"nll_loss: the target holds class ids, .*astype\('int64'\)",
        ),
        (
            lambda: F.nll_loss(share(2, 3), [[0], [1]]),
            ShapeError,
            r"class ids of shape \(2,\); .* target.reshape\(\(2,\)\)",
        ),
        (lambda: F.nll_loss(share(0, 3), np.zeros(0, int)), ShapeError, "nll_loss: the mean over no samples"),
        (lambda: F.multi_margin_loss(share(2, 3, 4), np.zeros((2, 4), int)), ShapeError, r"scores have shape \(N, C\)"),
        (
            lambda: F.ctc_loss(share(4), [1], 4, 1),
            ShapeError,
            r"ctc_loss: log-probabilities are floats of shape \(T, N, C\)",
        ),
        (
            lambda: F.ctc_loss(share(4, 1, 3), [[1]], [5], [1]),
            RangeError,
            "input_lengths lie from 1 to 4, and one of them is 5",
        ),
        (
            lambda: F.ctc_loss(share(4, 1, 3), [[1]], [4], [2]),
            RangeError,
            "target_lengths lie from 0 to 1, and one of them is 2",
        ),
        (
            lambda: F.ctc_loss(share(4, 1, 3), [[0]], [4], [1]),
            RangeError,
            "classes from 0 to 2 without the blank, 0, .* is 0",
        ),
        (lambda: F.ctc_loss(share(4, 1, 3), [[3]], [4], [1]), RangeError, "classes from 0 to 2 .* one of them is 3"),
        (lambda: F.ctc_loss(share(4, 1, 3), [[1]], [4], [1], blank=3), RangeError, "blank=3 is not one of 3 classes"),
        (
            lambda: F.ctc_loss(share(4, 1, 3), [[1]], [4, 4], [1]),
            ShapeError,
            r"input_lengths has shape \(2,\), .* \(1,\)",
        ),
        (
            lambda: F.ctc_loss(share(4, 2, 3), [1, 2], [4, 4], [1, 2]),
            ShapeError,
            "2 labels one after the other, .* sum to 3",
        ),
        (lambda: F.ctc_loss(share(4, 2, 3), [[1]], [4, 4], [1, 1]), ShapeError, r"targets have shape \(1, 1\)"),
        (lambda: F.ctc_loss(share(4, 1, 3), [[1.0]], [4], [1]), DTypeError, "targets are class ids, integers"),
        (lambda: F.ctc_loss(share(4, 1, 3), [[1]], [4.0], [1]), DTypeError, "input_lengths are integers"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
