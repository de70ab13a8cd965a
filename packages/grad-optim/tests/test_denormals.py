"""States of dead units end at 0, not among the denormal numbers, with which arithmetic is up to ten times as slow."""

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest

CASES = [
    pytest.param(optim.SGD, {"momentum": 0.9}, id="SGD"),
    pytest.param(optim.SGD, {"momentum": 0.5, "nesterov": True}, id="SGD-nesterov"),
    pytest.param(optim.RMSProp, {"alpha": 0.9, "momentum": 0.9}, id="RMSProp"),
    pytest.param(optim.RMSProp, {"alpha": 0.7, "centered": True}, id="RMSProp-centered"),
    pytest.param(optim.Adam, {}, id="Adam"),
    pytest.param(optim.Adam, {"betas": (0.8, 0.9)}, id="Adam-quick"),
    pytest.param(optim.Adam, {"betas": (0.9, 0.95), "amsgrad": True}, id="Adam-amsgrad"),
    pytest.param(optim.NAdam, {"betas": (0.9, 0.95)}, id="NAdam"),
    pytest.param(optim.RAdam, {"betas": (0.9, 0.95)}, id="RAdam"),
    pytest.param(optim.Adadelta, {}, id="Adadelta"),
    pytest.param(optim.LAMB, {"betas": (0.9, 0.95)}, id="LAMB"),
    pytest.param(optim.Adamax, {"betas": (0.9, 0.95)}, id="Adamax"),
    pytest.param(optim.Lion, {"betas": (0.9, 0.9)}, id="Lion"),
    pytest.param(optim.Muon, {"momentum": 0.9}, id="Muon"),
]


def states(optimizer):
    return [array for flats in optimizer._flats for flat in flats for array in flat.states.values()]


def denormal(array):
    return (array != 0) & (np.abs(array) < np.finfo(array.dtype).tiny)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("make", "options"), CASES)
def test_1500_steps_with_dead_units_leave_no_denormal_number(make, options, dtype):
    rng = np.random.default_rng(0)
    params = [gd.tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in ((40, 5), (7, 1))]
    optimizer = make(params, **options)
    dead = np.arange(40) % 2 == 0
    for step in range(1500 if dtype == "float32" else 9000):
        for p in params:
            g = rng.normal(size=p.shape) * 10.0 ** rng.integers(-9, 9)
            if step >= 10:
                g[dead[: len(g)]] = 0
            p.grad = g
        optimizer.step()
    assert not any(denormal(array).any() for array in states(optimizer))
    assert all(array[:200].reshape(40, 5)[~dead].all() for array in states(optimizer))  # the others live


def test_without_the_cut_they_would_be_denormal():
    b = np.float32(1)
    for _ in range(1500):
        b *= np.float32(0.9)
    assert denormal(np.array([b])).all()
    assert b * np.float32(0.9) == b


@pytest.mark.parametrize(("make", "options"), CASES[:7])  # the others depend on the scale of gradients
def test_small_gradients_are_not_taken_for_dead_units(make, options):
    large, small = (gd.tensor([1.0], requires_grad=True) for _ in range(2))
    scale = 2.0**-42  # 2e-13: its square is far above the cut
    optimizer = make([large], **options, lr=1.0)
    if make is optim.SGD:
        other = make([small], **options, lr=1 / scale)
    else:
        other = make([small], **options, lr=1.0, eps=1e-8 * scale)
    for step in range(100):
        large.grad = [1.0 + step % 3]
        small.grad = [scale * (1.0 + step % 3)]
        optimizer.step()
        other.step()
    np.testing.assert_allclose(large.data, small.data, rtol=1e-5)


def test_cutting_does_not_move_parameters():
    w = gd.tensor(np.float32([1.0, 1.0]), requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0, momentum=0.9)
    w.grad = [1.0, 0.0]
    optimizer.step()
    w.grad = [0.0, 0.0]
    seen = []
    for _ in range(1500):
        optimizer.step()
        seen.append(w.data.copy())
    assert np.array_equal(seen[300], seen[-1])
    assert seen[-1][1] == 1
    assert optimizer.state_dict()["state"][0]["momentum_buffer"].tolist() == [0, 0]


def test_centered_rmsprop_survives_a_constant_gradient():
    w = gd.tensor([0.0] * 50, requires_grad=True)
    optimizer = optim.RMSProp([w], centered=True, alpha=0.5)
    w.grad = np.linspace(0.1, 100, 50)
    for _ in range(200):
        optimizer.step()  # the two averages differ by rounding only, in either direction
    assert np.isfinite(w.data).all()
