"""Row C5: norms of gradients and clipping. The numbers are compared with torch's in the oracle."""

import math

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest


def parameters(rng, dtype="float32"):
    params = [gd.zeros(shape, dtype=dtype, requires_grad=True) for shape in ((3, 2), (), (4,), (0,), (2,))]
    for p in params[:-1]:
        p.grad = rng.normal(size=p.shape).astype(dtype)
    return params


def flat(params):
    return np.concatenate([p.grad.data.ravel() for p in params if p.grad is not None])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("order", [2, 2.0, 1, 3, 0.5, math.inf, "inf", -math.inf])
def test_the_norm_is_that_of_one_vector(order, dtype, rng):
    params = parameters(rng, dtype)
    params[0].grad = params[0].grad.data.copy(order="F")
    whole = params[:3] if order == -math.inf else params  # an empty one has no smallest number
    expected = np.linalg.norm(flat(whole).astype(np.float64), float(order))
    total = optim.get_total_norm([p.grad for p in whole if p.grad is not None], order)
    assert total.dtype == dtype
    assert total.shape == ()
    np.testing.assert_allclose(total.item(), expected, rtol=2e-3 if dtype == "float16" else 1e-6)


def test_a_norm_of_one_of_none_and_of_several_dtypes():
    assert optim.get_total_norm(gd.tensor([3.0, 4.0])).item() == 5
    assert optim.get_total_norm([]).item() == 0
    assert optim.get_total_norm([]).dtype == np.float32
    both = [gd.tensor([3.0]), gd.tensor([4.0], dtype="float64")]
    assert optim.get_total_norm(both).dtype == np.float64
    assert optim.get_total_norm(both, 0).item() == 2


@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e-40, 0.0])
def test_squares_out_of_range_are_no_matter(scale):
    g = gd.tensor(np.array([3 * scale, 4 * scale], np.float32))
    np.testing.assert_allclose(optim.get_total_norm([g]).item(), 5 * scale, rtol=1e-4)


@pytest.mark.parametrize("order", [1, 2, math.inf])
@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_gradients_are_scaled_together(order, limit, rng):
    params = parameters(rng)
    before = flat(params)
    norm = np.linalg.norm(before, order)
    kept = [p.grad for p in params]
    total = optim.clip_grad_norm_((p for p in params), limit, order)
    np.testing.assert_allclose(total.item(), norm, rtol=1e-6)
    np.testing.assert_allclose(flat(params), before * min(1, limit / (norm + 1e-6)), rtol=1e-6)
    assert all(p.grad is g for p, g in zip(params, kept, strict=True))  # in place
    assert params[-1].grad is None


def test_numbers_are_limited(rng):
    params = parameters(rng)
    params[2].grad = [math.nan, math.inf, -math.inf, 0.25]
    before = flat(params)
    optim.clip_grad_value_(params, 0.5)
    np.testing.assert_array_equal(flat(params), np.clip(before, np.float32(-0.5), np.float32(0.5)))


def test_a_gradient_that_may_not_be_written_is_replaced():
    w = gd.zeros((3,), requires_grad=True)
    w.grad = np.broadcast_to(np.float32(4), (3,))
    optim.clip_grad_value_(w, 1.0)
    assert w.grad.tolist() == [1, 1, 1]
    w.grad = np.broadcast_to(np.float32(4), (3,))
    optim.clip_grad_norm_(w, math.sqrt(3))
    np.testing.assert_allclose(w.grad.tolist(), [1, 1, 1], rtol=1e-5)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_norm_that_is_not_finite_is_an_error_on_request(value, rng):
    params = parameters(rng)
    params[0].grad = np.full((3, 2), value, np.float32)
    before = flat(params)
    with pytest.raises(
        RuntimeError, match=r"total norm of order 2.0 is (nan|inf), .*optimizer.step\(error_if_nonfinite=True\)"
    ):
        optim.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(flat(params), before)
    with np.errstate(invalid="ignore"):
        assert not math.isfinite(optim.clip_grad_norm_(params, 1.0).item())
    assert not np.array_equal(flat(params), before)


def test_a_used_up_generator_is_warned_of():
    with pytest.warns(UserWarning, match=r"generator of parameters is empty.*call model.parameters\(\) anew"):
        assert optim.clip_grad_norm_((p for p in ()), 1.0).item() == 0
    assert optim.clip_grad_norm_([], 1.0).item() == 0


def test_clipping_counts_in_the_next_step():
    w = gd.tensor([0.0, 0.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)
    (w * gd.tensor([30.0, 40.0])).sum().backward()
    optim.clip_grad_norm_([w], 5.0)
    optimizer.step()
    np.testing.assert_allclose(w.tolist(), [-3, -4], rtol=1e-6)
