import numpy as np
import pytest
from grad_data import accuracy

LOGITS = np.array([[0.0, 1.0, 2.0], [3.0, 1.0, 2.0], [-5.0, -1.0, -2.0], [1.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("predictions", "labels", "expected"),
    [
        (LOGITS, [2, 0, 1, 0], 1.0),
        (LOGITS, [2, 0, 1, 1], 0.75),
        (LOGITS, [0, 1, 2, 2], 0.0),
        (LOGITS.astype(np.float32), np.array([2, 1, 1, 1], np.uint8), 0.5),
        (LOGITS.tolist(), (2, 0, 1, 0), 1.0),
        ([1, 2, 3], [1, 2, 4], 2 / 3),
        ([True, False], [1, 1], 0.5),
        (np.array([255], np.uint8), np.array([-1], np.int8), 0.0),
    ],
)
def test_share_of_right_answers(predictions, labels, expected):
    share = accuracy(predictions, labels)
    assert share == expected
    assert type(share) is float


def test_anything_that_numpy_takes_as_an_array():
    class Box:
        def __array__(self, dtype=None, copy=None):
            return LOGITS

    assert accuracy(Box(), [2, 0, 1, 0]) == 1.0


@pytest.mark.parametrize(
    ("predictions", "labels", "message"),
    [
        (
            LOGITS,
            [0, 1, 2],
            r"the shape \(N, C\) or \(N,\) with the N of the labels: predictions \(4, 3\), labels \(3,\)",
        ),
        (LOGITS[None], [0, 1, 2], r"predictions \(1, 4, 3\)"),
        (3, [1], r"predictions \(\), labels \(1,\)"),
        (LOGITS, np.eye(3)[[0, 1, 2, 0]], r"labels \(4, 3\); for one-hot labels pass labels.argmax\(axis=1\)"),
        ([1], 1, r"labels need the shape \(N,\): predictions \(1,\), labels \(\)"),
        ([], [], r"nothing to count: predictions \(0,\), labels \(0,\)"),
        (np.empty((0, 3)), np.empty(0, int), "nothing to count"),
        (
            [0.2, 0.9],
            [0, 1],
            r"predictions of the shape \(2,\) are class ids and have to be integers, these are float64",
        ),
        ([0, 1], [0.0, 1.0], "labels of the shape .* integers, these are float64; threshold .*astype"),
        (LOGITS[:, :1], [0, 1, 0, 1], r"at least two: .* pass \(scores\[:, 0\] > 0\) instead"),
    ],
)
def test_what_cannot_be_compared(predictions, labels, message):
    with pytest.raises(ValueError, match=message):
        accuracy(predictions, labels)
