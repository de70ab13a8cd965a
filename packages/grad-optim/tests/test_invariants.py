"""What holds for every optimizer, in one table; and the two that PyTorch has not, against their papers."""

import copy

import grad_core as gd
import grad_optim as optim
import numpy as np
import pytest

ALL = {
    "SGD": (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "SGD-EMA": (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.9}),
    "RMSProp": (optim.RMSProp, {"momentum": 0.5, "centered": True}),
    "Adam": (optim.Adam, {"lr": 0.01, "amsgrad": True}),
    "AdamW": (optim.AdamW, {"lr": 0.01}),
    "NAdam": (optim.NAdam, {"lr": 0.01}),
    "RAdam": (optim.RAdam, {"lr": 0.01}),
    "Adamax": (optim.Adamax, {"lr": 0.01}),
    "Adagrad": (optim.Adagrad, {"initial_accumulator_value": 0.1}),
    "Adadelta": (optim.Adadelta, {}),
    "Adafactor": (optim.Adafactor, {"lr": 0.05, "weight_decay": 0.01}),
    "ASGD": (optim.ASGD, {"t0": 4.0}),
    "Rprop": (optim.Rprop, {}),
    "Lion": (optim.Lion, {"lr": 0.01, "weight_decay": 0.1}),
    "LAMB": (optim.LAMB, {"lr": 0.01}),
    "Muon": (optim.Muon, {"lr": 0.01}),
    "LBFGS": (optim.LBFGS, {"lr": 0.1, "max_iter": 2}),
    "LBFGS-search": (optim.LBFGS, {"max_iter": 2, "line_search_fn": "strong_wolfe"}),
}
every_optimizer = pytest.mark.parametrize(("make", "options"), ALL.values(), ids=ALL.keys())
SHAPES = [(3, 2), (2, 5), (1, 4)]
TARGETS = [np.linspace(-1, 2, 6).reshape(3, 2), np.linspace(1, -2, 10).reshape(2, 5), np.full((1, 4), 0.25)]


def test_the_table_is_whole():
    assert {make for make, _ in ALL.values()} == {
        each
        for name in optim.__all__
        if isinstance(each := getattr(optim, name), type)
        and issubclass(each, optim.Optimizer)
        and each is not optim.Optimizer
    }


def parameters(dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    return [gd.tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in SHAPES]


def closure_of(params, optimizer, sign=1.0):
    """A loss of each parameter whose curvature differs from number to number."""
    targets = [t.astype(p.dtype) for p, t in zip(params, TARGETS, strict=True)]
    scales = [np.linspace(0.5, 1.5, t.size, dtype=t.dtype).reshape(t.shape) for t in targets]

    def closure():
        optimizer.zero_grad()
        loss = sum((gd.tensor(s) * (p - t) ** 2).sum() for p, t, s in zip(params, targets, scales, strict=True)) * sign
        loss.backward()
        return loss

    return closure


def values(params):
    return [p.data.copy() for p in params]


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_the_dtype_is_kept_and_the_loss_falls(make, options, dtype):
    params = parameters(dtype)
    optimizer = make(params, **options)
    closure = closure_of(params, optimizer)
    first = optimizer.step(closure)
    assert isinstance(first, gd.Tensor)
    for _ in range(20):
        last = optimizer.step(closure)
    assert last.item() < first.item()
    assert all(p.dtype == dtype for p in params)
    for entry in optimizer.state_dict()["state"].values():
        arrays = [each for value in entry.values() for each in (value if isinstance(value, list) else [value])]
        wide = "float32" if dtype == "float16" else dtype
        assert {a.dtype for a in arrays if isinstance(a, np.ndarray)} <= {np.dtype(wide)}


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_goes_on_bit_for_bit(make, options, dtype):
    params = parameters(dtype)
    optimizer = make(params, **options)
    for _ in range(7):
        optimizer.step(closure_of(params, optimizer))
    saved = copy.deepcopy(optimizer.state_dict())
    again = [gd.tensor(p, requires_grad=True) for p in params]
    other = make(again, **{**options, "lr": 0.77})
    other.load_state_dict(saved)
    np.testing.assert_equal(other.state_dict(), saved)
    copied = copy.deepcopy(optimizer)
    third = list(copied.param_groups[0]["params"])
    for tensors, each in ((params, optimizer), (again, other), (third, copied)):
        for _ in range(40):  # past the step that looks for denormal numbers
            each.step(closure_of(tensors, each))
    for p, q, r in zip(params, again, third, strict=True):
        assert p.data.tobytes() == q.data.tobytes() == r.data.tobytes()


@every_optimizer
def test_parameters_without_gradient_stay_as_they_are(make, options):
    params = parameters()
    frozen, unused = parameters(seed=1)[:2]
    frozen.requires_grad = False
    before = values([frozen, unused])
    optimizer = make([frozen, params[0], unused, *params[1:]], **options)
    for _ in range(3):
        optimizer.step(closure_of(params, optimizer))
    assert all(np.array_equal(a, b) for a, b in zip(values([frozen, unused]), before, strict=True))
    if make is not optim.LBFGS:  # whose state is one for all
        assert not {0, 2} & set(optimizer.state_dict()["state"])


@every_optimizer
def test_maximize_is_the_step_of_the_negative(make, options):
    params, twins = parameters(), parameters()
    up = make(params, **options, maximize=True)
    down = make(twins, **options)
    for _ in range(5):
        up.step(closure_of(params, up, -1.0))
        down.step(closure_of(twins, down))
    for p, q in zip(params, twins, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


@every_optimizer
def test_a_closure_is_called_with_gradients_on(make, options):
    params = parameters()
    optimizer = make(params, **options)
    seen = []

    def closure():
        seen.append(gd.is_grad_enabled())
        return closure_of(params, optimizer)()

    with gd.no_grad():
        loss = optimizer.step(closure)
    assert seen
    assert all(seen)
    assert loss.item() == closure_of(parameters(), make(parameters(), **options))().item() or loss.item() > 0


@every_optimizer
def test_gradients_that_are_not_finite_are_an_error_on_request(make, options):
    params = parameters()
    params[1].name = "second"
    optimizer = make(params, **options)
    before = values(params)

    def closure():
        for p in params:
            p.grad = np.ones(p.shape, p.dtype)
        params[1].grad = np.where(np.arange(10).reshape(2, 5) < 3, np.nan, 1).astype(np.float32)
        params[2].grad = np.full((1, 4), np.inf, np.float32)
        return gd.tensor(1.0)

    with pytest.raises(RuntimeError, match=r"gradients are not finite, and nothing was changed:") as error:
        optimizer.step(closure, error_if_nonfinite=True)
    assert "\n  - group 0, parameter 'second' of shape (2, 5): 3 of 10 numbers" in str(error.value)
    assert "\n  - group 0, parameter 2 of shape (1, 4): 4 of 4 numbers" in str(error.value)
    assert "parameter 0" not in str(error.value)
    assert all(np.array_equal(a, b) for a, b in zip(values(params), before, strict=True))
    assert optimizer.state_dict()["state"] == {}
    optimizer.step(closure_of(params, optimizer), error_if_nonfinite=True)
    assert not np.array_equal(params[0].data, before[0])


@every_optimizer
@pytest.mark.parametrize(
    ("params", "text"),
    [
        ([], "got an empty list of parameters"),
        ([(w := gd.zeros((2, 2), requires_grad=True)), w], "is the same tensor as parameter 0 .* pass it once"),
        ([w * 2], "was computed .*, and only leaves can be optimized"),
    ],
)
def test_what_cannot_be_optimized(make, options, params, text):
    with pytest.raises(ValueError, match=f"{make.__name__}: .*{text}|{make.__name__} {text}"):
        make(params, **options)


@every_optimizer
def test_the_gradients_are_left_as_they_are(make, options):
    params = parameters()
    optimizer = make(params, **options)
    for _ in range(2):
        closure_of(params, optimizer)()
        kept = [p.grad.data.copy() for p in params]
        given = [p.grad for p in params]
        optimizer.step(lambda: gd.tensor(1.0))
        assert all(np.array_equal(p.data, g) for p, g in zip(given, kept, strict=True))


def lion(p, g, m, lr, betas, weight_decay):
    p *= 1 - lr * weight_decay
    p -= lr * np.sign(betas[0] * m + (1 - betas[0]) * g)
    m[...] = betas[1] * m + (1 - betas[1]) * g


@pytest.mark.parametrize("options", [{}, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.3}, {"betas": (0.0, 0.0)}])
def test_lion_is_that_of_the_paper(options, rng):
    params = parameters("float64")
    expected, moments = values(params), [np.zeros(shape) for shape in SHAPES]
    optimizer = optim.Lion(params, **options)
    full = {**optimizer.defaults}
    del full["maximize"]
    for step in range(100):
        full["lr"] = optimizer.param_groups[0]["lr"] = 0.01 * (1 + step % 3)
        for p, q, m in zip(params, expected, moments, strict=True):
            p.grad = rng.normal(size=p.shape) if step % 5 else None
            if p.grad is not None:
                lion(q, p.grad.data, m, **full)
        optimizer.step()
    for p, q in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.data, q, rtol=1e-12)


def lamb(p, g, m, v, t, lr, betas, eps, weight_decay):
    m[...] = betas[0] * m + (1 - betas[0]) * g
    v[...] = betas[1] * v + (1 - betas[1]) * g * g
    r = (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps) + weight_decay * p
    norms = np.linalg.norm(p), np.linalg.norm(r)
    p -= lr * (norms[0] / norms[1] if all(norms) else 1.0) * r


@pytest.mark.parametrize(
    "options", [{}, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.0, "eps": 1e-3}, {"weight_decay": 0.5}]
)
def test_lamb_is_that_of_the_paper(options, rng):
    params = [*parameters("float64"), gd.zeros((2, 2), dtype="float64", requires_grad=True)]
    expected = values(params)
    moments, squares = [[np.zeros_like(q) for q in expected] for _ in range(2)]
    optimizer = optim.LAMB(params, **options)
    full = {**optimizer.defaults}
    del full["maximize"]
    steps = [0] * len(params)
    for step in range(100):
        full["lr"] = optimizer.param_groups[0]["lr"] = 0.01 * (1 + step % 3)
        for k, (p, q) in enumerate(zip(params, expected, strict=True)):
            p.grad = rng.normal(size=p.shape) if (step + k) % 5 else None
            if p.grad is not None:
                steps[k] += 1
                lamb(q, p.grad.data, moments[k], squares[k], steps[k], **full)
        optimizer.step()
    for p, q in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.data, q, rtol=1e-11)


def test_dampening_by_the_momentum_makes_a_running_average(rng):
    w = gd.tensor(np.zeros(3), requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0, momentum=0.75, dampening=0.75)
    gradients = rng.normal(size=(20, 3))
    average, expected = gradients[0], np.zeros(3)
    for g in gradients:
        w.grad = g
        optimizer.step()
        average = 0.75 * average + 0.25 * g
        expected -= average
    np.testing.assert_allclose(w.data, expected, rtol=1e-12)


def test_muon_makes_the_step_orthogonal(rng):
    w = gd.tensor(np.zeros((6, 4)), requires_grad=True)
    optimizer = optim.Muon([w], lr=1.0, weight_decay=0.0, ns_coefficients=(1.875, -1.25, 0.375), ns_steps=40)
    w.grad = rng.normal(size=(6, 4))
    optimizer.step()
    left, _, right = np.linalg.svd(w.grad.data, full_matrices=False)
    np.testing.assert_allclose(w.data, -np.sqrt(6 / 4) * left @ right, atol=1e-9)


@pytest.mark.parametrize("shape", [(3,), (), (2, 3, 4)])
def test_muon_is_for_matrices(shape):
    params = [("w", gd.zeros((2, 2), requires_grad=True)), ("b", gd.zeros(shape, requires_grad=True))]
    with pytest.raises(ValueError, match=r"Muon: parameter 'b' has shape .*, and Muon is for matrices.*AdamW"):
        optim.Muon(params)


def test_lbfgs_says_what_it_cannot_do():
    w = gd.zeros(3, requires_grad=True)
    with pytest.raises(TypeError, match=r"LBFGS.step needs a closure, .* pass a function that calls zero_grad\(\)"):
        optim.LBFGS([w]).step()
    with pytest.raises(ValueError, match="LBFGS takes one group"):
        optim.LBFGS([{"params": [w]}, {"params": [gd.zeros(1, requires_grad=True)]}])
    with pytest.raises(ValueError, match="LBFGS takes one group"):
        optim.LBFGS([w]).add_param_group({"params": [gd.zeros(1, requires_grad=True)]})
    with pytest.raises(TypeError, match="parameters have dtypes float32 and float64, and they make one vector"):
        optim.LBFGS([w, gd.zeros(2, dtype="float64", requires_grad=True)])


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda e: e.pop("d"), r"state\[0\] has no 'd'"),
        (
            lambda e: e.update(d=np.zeros(3)),
            r"state\[0\]\['d'\] is float64 of shape \(3,\), and the parameters have 20",
        ),
        (lambda e: e["old_dirs"].pop(), r"has not as many 'old_dirs' as 'old_stps'"),
        (lambda e: e.update(t="far"), r"something that is not a number"),
    ],
)
def test_a_state_dict_that_does_not_fit_lbfgs(spoil, text):
    params = parameters()
    optimizer = optim.LBFGS(params, lr=0.1, max_iter=3)
    optimizer.step(closure_of(params, optimizer))
    saved = optimizer.state_dict()
    before = copy.deepcopy(saved)
    spoil(saved["state"][0])
    with pytest.raises(ValueError, match=text):
        optimizer.load_state_dict(saved)
    np.testing.assert_equal(optimizer.state_dict(), before)


def test_lbfgs_follows_a_dtype_that_changes():
    params = parameters()
    optimizer = optim.LBFGS(params, max_iter=3, line_search_fn="strong_wolfe")
    optimizer.step(closure_of(params, optimizer))
    for p in params:
        p.data = p.data.astype(np.float64)
        p.grad = None
    for _ in range(10):
        loss = optimizer.step(closure_of(params, optimizer))
    assert loss.item() < 1e-9
    assert all(p.dtype == np.float64 for p in params)


def test_adagrad_takes_what_torch_writes_before_the_first_step():
    optimizer = optim.Adagrad(parameters())
    saved = optimizer.state_dict()
    saved["state"] = {k: {"step": np.array(0.0), "sum": np.zeros(shape)} for k, shape in enumerate(SHAPES)}
    optimizer.load_state_dict(saved)
    assert optimizer.state_dict()["state"] == {}


@pytest.mark.parametrize(
    ("make", "options", "text"),
    [
        (optim.NAdam, {"momentum_decay": -1}, "momentum_decay must be a finite number of at least 0"),
        (optim.RAdam, {"decoupled_weight_decay": 1}, "decoupled_weight_decay must be True or False"),
        (optim.Adadelta, {"rho": 1.0}, "rho must be a number of at least 0 and less than 1"),
        (optim.Rprop, {"etas": (1.2, 0.5)}, r"etas must be two numbers, one between 0 and 1 and one above 1"),
        (optim.Rprop, {"step_sizes": (2, 1)}, "step_sizes must be two numbers of at least 0, the smaller one first"),
        (optim.Lion, {"betas": (0.9, 1.0)}, "betas must be two numbers of at least 0 and less than 1"),
        (optim.Muon, {"ns_steps": 0}, "ns_steps must be a whole number of at least 1, and 0 was given"),
        (optim.Muon, {"ns_coefficients": (1, 2)}, "ns_coefficients must be three finite numbers"),
        (optim.Muon, {"adjust_lr_fn": "rms"}, "adjust_lr_fn must be one of None, 'original', 'match_rms_adamw'"),
        (optim.LBFGS, {"max_iter": 0}, "max_iter must be a whole number of at least 1, and 0 was given"),
        (optim.LBFGS, {"line_search_fn": "wolfe"}, "line_search_fn must be one of None, 'strong_wolfe', and 'wolfe'"),
        (optim.ASGD, {"lambd": -1}, "lambd must be a finite number of at least 0"),
        (optim.Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value must be a finite number of at"),
    ],
)
def test_options_that_make_no_sense(make, options, text):
    with pytest.raises(ValueError, match=text):
        make([gd.zeros((2, 2), requires_grad=True)], **options)


@pytest.mark.parametrize("make", [optim.NAdam, optim.ASGD])
def test_parameters_of_equal_steps_keep_numbers_of_their_own(make, rng):
    """Both have taken two steps in the end, but the options were others at the first step of the second."""
    together, apart = parameters("float64")[:2], parameters("float64")[:2]
    optimizer = make(together, lr=0.5)
    others = [make([p], lr=0.5) for p in apart]
    change = {"lr": 0.1, "betas": (0.5, 0.9)} if make is optim.NAdam else {"lr": 0.1, "lambd": 0.5}
    for step, active in enumerate([(0,), (1,), (0, 1), (0, 1)]):
        if step == 1:
            for each in (optimizer, *others):
                each.param_groups[0].update(change)
        for k, (p, q) in enumerate(zip(together, apart, strict=True)):
            p.grad = q.grad = rng.normal(size=p.shape) if k in active else None
        optimizer.step()
        for each in others:
            each.step()
    for p, q in zip(together, apart, strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-12)
