import numpy as np
import pytest
from grad_data import accuracy, confusion_matrix, masked_accuracy, top_k_accuracy

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


# --- the others ---

TABLE = np.random.default_rng(0).random((50, 7)).round(1)  # with many ties
TRUTH = np.random.default_rng(1).integers(0, 7, 50)


@pytest.mark.parametrize("k", range(1, 8))
def test_top_k_is_a_stable_sort_cut_off(k):
    best = np.argsort(-TABLE, axis=1, kind="stable")[:, :k]
    assert top_k_accuracy(TABLE, TRUTH, k) == (best == TRUTH[:, None]).any(axis=1).mean()


def test_top_1_is_accuracy_and_nan_comes_last():
    assert top_k_accuracy(TABLE, TRUTH, 1) == accuracy(TABLE, TRUTH)
    assert top_k_accuracy(TABLE, TRUTH, 7) == 1.0
    assert top_k_accuracy([[np.nan, 1.0, 0.0]], [1], 1) == 0.0


@pytest.mark.parametrize("scores", [False, True])
def test_masked_accuracy_counts_what_the_mask_says(scores):
    labels = TRUTH.reshape(5, 10)
    given = TABLE.reshape(5, 10, 7)
    guesses = given.argmax(axis=-1)
    mask = np.random.default_rng(2).random((5, 10)) < 0.4
    expected = (guesses == labels)[mask].mean()
    assert masked_accuracy(given if scores else guesses, labels, mask) == pytest.approx(expected, abs=1e-15)
    assert masked_accuracy(guesses, labels, np.ones_like(mask)) == accuracy(guesses.ravel(), TRUTH)


@pytest.mark.parametrize("classes", [None, 7, 9])
def test_confusion_matrix(classes):
    guesses = TABLE.argmax(axis=1)
    expected = np.zeros((classes or 7,) * 2, int)
    for truth, guess in zip(TRUTH, guesses, strict=True):
        expected[truth, guess] += 1
    for given in (TABLE, guesses):
        found = confusion_matrix(given, TRUTH, classes)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.int64
    assert np.trace(expected) / 50 == accuracy(TABLE, TRUTH)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: top_k_accuracy(TABLE, TRUTH, 8), "k is 8, expected 1 to the number of classes, 7"),
        (lambda: top_k_accuracy(TABLE, TRUTH, 0), "k is 0"),
        (lambda: top_k_accuracy(TABLE, TRUTH[:3]), r"scores \(50, 7\), labels \(3,\)"),
        (lambda: top_k_accuracy(TABLE, TRUTH + 1, 2), "labels are 1 to 7, expected 0 to 6"),
        (lambda: top_k_accuracy(TABLE[:0], TRUTH[:0], 2), "nothing to count"),
        (lambda: top_k_accuracy(TABLE, TRUTH / 2, 2), "have to be integers, these are float64"),
        (lambda: masked_accuracy([1], [1], [1]), "the mask has to be of bools, not int64"),
        (lambda: masked_accuracy([1, 2], [1, 2], [False, False]), "the mask is false everywhere"),
        (lambda: masked_accuracy([1, 2], [1, 2], [True]), r"labels and mask need the same shape.*mask \(1,\)"),
        (lambda: masked_accuracy(np.ones((2, 3, 4)), [1, 2], [True, True]), "predictions that or one more axis"),
        (lambda: confusion_matrix([0, 3], [0, 1], 3), "class ids are 0 to 3, expected 0 to 2"),
        (lambda: confusion_matrix([0, -1], [0, 1]), "class ids are -1 to 1"),
        (lambda: confusion_matrix([0.5], [0]), "have to be integers"),
    ],
)
def test_what_cannot_be_counted(call, message):
    with pytest.raises(ValueError, match=message):
        call()
