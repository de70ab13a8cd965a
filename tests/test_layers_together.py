"""The four layers in one training: what no layer can promise on its own."""

from __future__ import annotations

import gc
import threading
import tracemalloc

import grad_core as gd
import grad_data as data
import grad_nn as nn
import grad_optim as optim
import numpy as np
import pytest
from grad_nn.errors import StateDictError

OPTIMIZERS = {
    "SGD": lambda parameters: optim.SGD(parameters, lr=0.1),
    "SGD with momentum": lambda parameters: optim.SGD(parameters, lr=0.05, momentum=0.9, nesterov=True),
    "RMSProp": lambda parameters: optim.RMSprop(parameters, lr=0.001),
    "Adam": lambda parameters: optim.Adam(parameters, lr=0.002),
}
each_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())


@pytest.fixture(scope="module")
def digits():
    """Images and labels to train on, and others to test on."""
    return [data.Digits(n, seed=n).as_arrays(flatten=True, normalize=True) for n in (2000, 500)]


def network(seed, sizes=(784, 32, 10), dropout=0.1, dtype=None):
    rng = gd.random.Generator(seed)
    inputs, hidden, outputs = sizes
    return nn.Sequential(
        nn.Linear(inputs, hidden, generator=rng, dtype=dtype),
        nn.ReLU(),
        nn.Dropout(dropout, generator=rng),
        nn.Linear(hidden, outputs, generator=rng, dtype=dtype),
    )


def train(model, optimizer, loader, epochs=1):
    loss_of = nn.CrossEntropyLoss()
    for _ in range(epochs):
        for images, labels in loader:
            loss = loss_of(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def outputs(model, images):
    model.eval()
    with gd.no_grad():
        scores = model(images).numpy()
    model.train()
    return scores


def numbers(model):
    """All parameters as bytes: equal only where they are equal to the last bit."""
    return {name: array.tobytes() for name, array in model.state_dict().items()}


@each_optimizer
def test_every_optimizer_learns_digits(make, digits):
    (x, y), (x_test, y_test) = digits
    model = network(0)
    before = data.accuracy(outputs(model, x_test), y_test)
    train(model, make(model.parameters()), data.DataLoader((x, y), 50, shuffle=True, seed=0), epochs=4)
    assert before < 0.3
    assert data.accuracy(outputs(model, x_test), y_test) > 0.9


@each_optimizer
def test_layers_that_share_a_matrix_share_it_after_steps_and_loading(make):
    """The optimizer moves parameters into one array: both layers follow, and it is updated once, by both gradients."""
    rng = gd.random.Generator(1)
    model = nn.ModuleDict({"embed": nn.Embedding(7, 5, generator=rng), "head": nn.Linear(5, 7, bias=False)})
    model["head"].weight = model["embed"].weight
    alone = gd.tensor(model["embed"].weight.data, requires_grad=True)
    optimizer, other = make(model.parameters()), make([alone])
    ids = np.array([1, 3, 3, 6])

    def go():
        for each, first, second in (
            (optimizer, model["embed"].weight, model["head"].weight),
            (other, alone, alone),
        ):
            each.zero_grad()
            nn.functional.cross_entropy(first[ids] @ second.T, np.array([0, 2, 4, 1])).backward()
            each.step()
        np.testing.assert_array_equal(model["head"].weight.data, alone.data)
        assert model["head"].weight is model["embed"].weight

    for _ in range(3):
        go()
    assert len(optimizer.state_dict()["param_groups"][0]["params"]) == 1
    model.load_state_dict({name: array * 0.5 for name, array in model.state_dict().items()})
    alone.data[...] *= 0.5
    optimizer.load_state_dict(other.state_dict())
    go()
    np.testing.assert_array_equal(model["head"](gd.eye(5)).detach().numpy(), alone.data.T)


@each_optimizer
def test_2000_steps_leave_memory_as_it_was_without_the_garbage_collector(make):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 6)).astype(np.float32), rng.integers(0, 3, 200)
    model = network(0, (6, 8, 3))
    optimizer = make(model.parameters())
    loader = data.DataLoader((x, y), 10, shuffle=True, seed=0)
    train(model, optimizer, loader, epochs=5)  # what is made at first use is there now
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        used = []
        for epochs in (5, 100):
            train(model, optimizer, loader, epochs)
            assert gc.collect() == 0  # no cycles; it also empties Python's own lists of tuples to use again
            used.append(tracemalloc.get_traced_memory()[0])
        assert used[1] - used[0] < 2000  # less than a byte a step, and the smallest array takes a hundred
    finally:
        tracemalloc.stop()
        gc.enable()


def test_training_in_two_threads_gives_each_what_it_gets_alone(digits):
    (x, y), _ = digits
    tasks = dict(enumerate(OPTIMIZERS.values()))
    start = threading.Barrier(len(tasks))

    def learn(seed, results, wait):
        model = network(seed)
        loader = data.DataLoader((x, y), 50, shuffle=True, seed=seed)
        optimizer = tasks[seed](model.parameters())
        if wait:
            start.wait(timeout=60)
        for _ in range(2):
            train(model, optimizer, loader)
            outputs(model, x)  # no_grad here must not stop the others from recording
        results[seed] = numbers(model)

    alone, together = {}, {}
    for seed in tasks:
        learn(seed, alone, wait=False)
    threads = [threading.Thread(target=learn, args=(seed, together, True)) for seed in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert together == alone
    assert len({tuple(result.items()) for result in alone.values()}) == len(tasks)


@pytest.mark.parametrize("by", ["dict", "file"])
def test_a_fresh_model_becomes_the_trained_one(by, digits, tmp_path):
    (x, y), (x_test, _) = digits
    trained, fresh = network(0), network(1)
    train(trained, optim.Adam(trained.parameters()), data.DataLoader((x, y), 100, seed=0))
    wanted = outputs(trained, x_test)
    assert not np.array_equal(outputs(fresh, x_test), wanted)
    if by == "file":
        nn.save(trained, tmp_path / "weights.npz")
        fresh.load_state_dict(nn.load(tmp_path / "weights.npz"))
    else:
        fresh.load_state_dict(trained.state_dict())
    assert np.array_equal(outputs(fresh, x_test), wanted)


@each_optimizer
def test_a_training_goes_on_from_its_state_to_the_last_bit(make, digits):
    """The optimizer made before loading still moves the parameters that are loaded into the model."""
    (x, y), _ = digits

    def part(number):
        return data.DataLoader((x, y), 100, shuffle=True, seed=number)

    through = network(0, dropout=0.0)
    optimizer = make(through.parameters())
    train(through, optimizer, part(1))
    weights, state = through.state_dict(), optimizer.state_dict()
    train(through, optimizer, part(2))

    resumed = network(7, dropout=0.0)
    another = make(resumed.parameters())
    train(resumed, another, part(3))
    resumed.load_state_dict(weights)
    another.load_state_dict(state)
    train(resumed, another, part(2))
    assert numbers(resumed) == numbers(through)


def test_the_state_of_another_model_is_refused_whole(digits):
    (x, y), _ = digits
    model, other = network(0), network(1, (784, 16, 10))
    optimizer = optim.Adam(model.parameters())
    train(model, optimizer, data.DataLoader((x, y), 100, seed=0))
    before = numbers(model)
    state = {**other.state_dict(), "4.weight": np.zeros((2, 2), np.float32)}
    del state["3.bias"]
    with pytest.raises(StateDictError) as error:
        model.load_state_dict(state)
    for expected in (
        r"0.weight: has shape (16, 784), and the module needs (32, 784)",
        r"0.bias: has shape (16,), and the module needs (32,)",
        r"3.weight: has shape (10, 16), and the module needs (10, 32)",
        r"3.bias: is missing",
        r"4.weight: ",
    ):
        assert expected in str(error.value)
    assert numbers(model) == before


@each_optimizer
def test_small_batches_added_up_are_one_large_batch(make):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 6)), rng.integers(0, 3, 60)
    loss_of = nn.CrossEntropyLoss()
    large, small = (network(0, (6, 8, 3), dropout=0.0, dtype="float64") for _ in range(2))
    one, several = make(large.parameters()), make(small.parameters())
    for _ in range(5):
        one.zero_grad()
        loss_of(large(x), y).backward()
        several.zero_grad()
        for images, labels in data.DataLoader((x, y), 20):
            (loss_of(small(images), labels) / 3).backward()
        for p, q in zip(large.parameters(), small.parameters(), strict=True):
            np.testing.assert_allclose(q.grad.data, p.grad.data, rtol=1e-9, atol=1e-12)
        one.step()
        several.step()
    for p, q in zip(large.parameters(), small.parameters(), strict=True):
        np.testing.assert_allclose(q.data, p.data, rtol=1e-7, atol=1e-9)


def test_an_anomaly_inside_a_layer_names_the_line_that_called_it():
    model = nn.Sequential(nn.Linear(2, 2, generator=gd.random.Generator(0)), nn.ReLU())
    nn.init.constant_(model[0].weight, 10.0)
    x = gd.full((3, 2), 3e38)
    text = r"forward of '\w+': Inf .*test_layers_together\.py:\d+"
    with pytest.raises(gd.errors.AnomalyError, match=text) as caught, gd.detect_anomaly():
        model(x * 1.0)
    assert "`model(x * 1.0)`" in str(caught.value)


def test_a_model_with_its_loss_is_drawn_with_the_names_given():
    model = nn.Sequential(nn.Linear(4, 3, generator=gd.random.Generator(0)), nn.ReLU())
    for name, parameter in model.named_parameters():
        parameter.name = name
    loss = nn.CrossEntropyLoss()(model(gd.ones((5, 4))), np.array([0, 1, 2, 0, 1]))
    svg = gd.graph.draw(loss).svg
    assert all(f">{name}</text>" in svg for name, _ in model.named_parameters())
