"""Generators: reproducible, separate, saved and put back; and distributions with the right bounds and moments."""

import json
from typing import Any

import grad_core as gd
import numpy as np
import pytest

DRAWS: list[Any] = [
    lambda g: g.uniform((3, 4), -1, 1),
    lambda g: g.normal((3, 4), 2.0, 0.5),
    lambda g: g.integers(0, 10, (3, 4)),
    lambda g: g.bernoulli(0.3, (3, 4)),
    lambda g: g.permutation(7),
    lambda g: g.permutation(gd.arange(5)),
    lambda g: g.choice(9, (4,)),
    lambda g: g.choice(gd.arange(5), 3, replace=False),
]


@pytest.mark.parametrize("draw", DRAWS)
def test_the_same_seed_gives_the_same_draw(draw: Any) -> None:
    a, b, c = gd.random.Generator(1), gd.random.Generator(1), gd.random.Generator(2)
    first = draw(a)
    assert first.tolist() == draw(b).tolist()
    assert [draw(a).tolist() for _ in range(3)] != [draw(c).tolist() for _ in range(3)]


@pytest.mark.parametrize("draw", DRAWS)
def test_the_state_is_saved_as_json_and_put_back(draw: Any) -> None:
    g = gd.random.Generator(5)
    g.normal(3)
    state = json.loads(json.dumps(g.get_state()))
    wanted = [draw(g).tolist() for _ in range(2)]
    other = gd.random.Generator(99)
    other.set_state(state)
    assert [draw(other).tolist() for _ in range(2)] == wanted


@pytest.mark.parametrize("draw", DRAWS)
def test_functions_draw_from_the_default_generator(draw: Any) -> None:
    gd.random.seed(3)
    first = draw(gd.random).tolist()
    gd.random.default_generator().seed(3)
    assert draw(gd.random).tolist() == first
    assert draw(gd.random.Generator(3)).tolist() == first


def test_drawing_elsewhere_changes_nothing() -> None:
    a = gd.random.Generator(0)
    np.random.seed(1)  # noqa: NPY002 - that the old global state has no influence is the point
    first = a.normal(3).tolist()
    a.seed(0)
    gd.random.normal(100)
    assert a.normal(3).tolist() == first


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_distributions(dtype: str) -> None:
    g = gd.random.Generator(0)
    u = g.uniform(20_000, -1, 3, dtype=dtype)
    n = g.normal(20_000, 2.0, 0.5, dtype=dtype)
    b = g.bernoulli(0.3, 20_000, dtype=dtype)
    assert u.dtype == n.dtype == b.dtype == np.dtype(dtype)
    u64, n64, b64 = (x.numpy().astype(np.float64) for x in (u, n, b))
    assert u64.min() >= -1
    assert u64.max() <= 3
    np.testing.assert_allclose([u64.mean(), u64.std()], [1.0, 4 / 12**0.5], atol=0.03)
    np.testing.assert_allclose([n64.mean(), n64.std()], [2.0, 0.5], atol=0.02)
    np.testing.assert_allclose(b64.mean(), 0.3, atol=0.02)


def test_probabilities_per_element_and_unequal_choices() -> None:
    g = gd.random.Generator(0)
    assert g.bernoulli([0.0, 1.0]).tolist() == [0.0, 1.0]
    assert g.choice(3, 50, p=[0.0, 1.0, 0.0]).tolist() == [1] * 50


def test_draws_may_require_grad() -> None:
    assert gd.random.normal(2, requires_grad=True).requires_grad
    assert gd.random.uniform(2, requires_grad=True).requires_grad


def test_repr_names_the_algorithm() -> None:
    assert "PCG64" in repr(gd.random.Generator(0))
