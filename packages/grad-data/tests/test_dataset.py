import numpy as np
import pytest
from grad_data import ArrayDataset

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6)


@pytest.mark.parametrize(
    "index",
    [0, -1, np.int32(3), np.array(2), slice(None), slice(4, 1, -1), [5, 0, 0], np.array([-6, 5], np.int8), Y % 2 == 0],
    ids=str,
)
def test_an_index_applies_to_every_array(index):
    x, y = ArrayDataset(X, Y)[index]
    np.testing.assert_array_equal(x, X[index])
    np.testing.assert_array_equal(y, Y[index])


def test_length_arrays_and_repr():
    dataset = ArrayDataset(X, Y.tolist())
    assert len(dataset) == 6
    assert dataset.arrays[0] is X
    assert repr(dataset) == "ArrayDataset(float64[6, 2], int64[6])"
    assert len(list(dataset)) == 6


def test_slices_are_views_and_integer_arrays_are_copies():
    dataset = ArrayDataset(X)
    assert np.shares_memory(dataset[1:3][0], X)
    assert not np.shares_memory(dataset[[1, 2]][0], X)


def test_no_sample_is_still_an_index():
    assert ArrayDataset(X)[[]][0].shape == (0, 2)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((), r"at least one array, for example ArrayDataset\(x, y\)"),
        ((X, Y[:5]), r"different lengths \[6, 5\] \(shapes \(6, 2\), \(5,\)\); the first axis"),
        ((X, 3.0), "array 1 is a single number; its first axis has to run over the samples"),
    ],
)
def test_arrays_that_do_not_fit(arrays, message):
    with pytest.raises(ValueError, match=message):
        ArrayDataset(*arrays)


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (6, IndexError, "index 6 is out of range for 6 samples"),
        (-7, IndexError, "index -7 is out of range for 6 samples"),
        ([0, 6], IndexError, "index 6 is out of bounds for axis 0 with size 6"),
        (np.ones(5, bool), IndexError, "the mask has 5 entries for 6 samples"),
        (np.zeros((2, 2), int), IndexError, r"has one axis, this one has the shape \(2, 2\)"),
        ([0.0, 1.0], TypeError, "holds integers or bools, not float64; convert it"),
        ((0, 1), TypeError, "indexed by an int, a slice, an integer array or a mask, not by tuple"),
        ("0", TypeError, "not by str"),
        (1.0, TypeError, "not by float"),
        (None, TypeError, "not by NoneType"),
    ],
    ids=str,
)
def test_an_index_that_does_not_fit(index, error, message):
    with pytest.raises(error, match=message):
        ArrayDataset(X, Y)[index]
