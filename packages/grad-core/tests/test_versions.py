"""Values changed in place between forward and backward: what is noticed, and what may change."""

from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core.errors import InPlaceError


def leaf(*values: float, dtype: str = "float64") -> gd.Tensor:
    return gd.tensor(values[0] if len(values) == 1 else list(values), dtype=dtype, requires_grad=True)


def change_by_setter(x: gd.Tensor) -> None:
    x.data = x.data + 1


def change_in_place(x: gd.Tensor) -> None:
    x.data += 1


def change_by_assignment(x: gd.Tensor) -> None:
    x.detach()[0] = 9.0


def change_by_mark(x: gd.Tensor) -> None:
    array = x.data
    array += 1
    extend.mark_changed(x)


CHANGES = [change_by_setter, change_in_place, change_by_assignment, change_by_mark]


@pytest.mark.parametrize("change", CHANGES)
def test_a_saved_input_changed_in_place_is_noticed(change: Any) -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    change(x)
    with pytest.raises(
        InPlaceError,
        match=r"'multiply' saved an input of shape \(2,\) at version 0, and it is at version 1 now.*Change a copy",
    ):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize("change", CHANGES)
def test_a_saved_result_changed_in_place_is_noticed(change: Any) -> None:
    x = leaf(1.0, 2.0)
    middle = gd.exp(x)
    y = middle.sum()
    change(middle)
    with pytest.raises(InPlaceError, match=r"'exp' saved its result of shape \(2,\) at version 0"):
        y.backward()


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.reshape(2, 1),
        lambda x: x[1:],
        lambda x: x.T,
        lambda x: gd.broadcast_to(x, (3, 2)),
        lambda x: x.detach(),
    ],
)
def test_views_share_the_version(view: Any) -> None:
    x = gd.tensor([1.0, 2.0])
    w = leaf(3.0, 4.0, dtype="float32")
    seen = view(x)
    y = (x * w).sum()
    extend.mark_changed(seen)
    with pytest.raises(InPlaceError):
        y.backward()
    again = (seen * 2.0 * gd.ones(seen.shape, requires_grad=True)).sum()
    change_in_place(x)
    again.backward()  # the product was saved, not the view


def test_a_copy_has_a_version_of_its_own() -> None:
    x = gd.tensor([1.0, 2.0])
    w = leaf(3.0, 4.0, dtype="float32")
    copy = x[[0, 1]]
    y = (copy * w).sum()
    change_in_place(x)
    y.backward()
    assert w.grad.tolist() == [1.0, 2.0]


def test_a_change_of_what_no_rule_reads_is_allowed() -> None:
    x = leaf(1.0, 2.0)
    y = (x + x).sum()
    change_in_place(x)
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_scalars_are_saved_by_value() -> None:
    x = leaf(3.0)
    y = x * x
    x.data = 5.0
    y.backward()
    assert x.grad.item() == 6.0


def test_a_changed_scalar_leaf_is_noticed_where_it_is_needed_itself() -> None:
    x = leaf(3.0)
    y = x * x
    x.data = np.float64(5.0)
    with pytest.raises(InPlaceError, match="'multiply' saved an input"):
        gd.gradients(y, [x], create_graph=True)


@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_noticed_in_second_order_too(change: Any) -> None:
    x = leaf(1.0, 2.0)
    g = gd.gradients((x * x * x).sum(), [x], create_graph=True)[x]
    change(x)
    with pytest.raises(InPlaceError):
        g.sum().backward()


@pytest.mark.parametrize("saved", ["an input", "its result"])
def test_changes_of_values_on_the_way_are_noticed_in_second_order_too(saved: str) -> None:
    x = leaf(1.0, 2.0)
    middle = x + 0.0 if saved == "an input" else gd.exp(x)
    y = (middle**3).sum() if saved == "an input" else middle.sum()
    g = gd.gradients(y, [x], create_graph=True)[x]
    change_in_place(middle)
    with pytest.raises(InPlaceError):
        g.sum().backward()


@extend.op(vjp=(lambda g, ans, _x: g[0] * ans[1] - g[1] * ans[0],))
def sincos(x: Any) -> Any:
    return np.sin(x), np.cos(x)


def test_a_changed_result_of_several_is_noticed() -> None:
    s, c = sincos(leaf(0.3, 0.4))
    total = (s + c).sum()
    change_in_place(c)
    with pytest.raises(InPlaceError, match="'sincos' saved its result"):
        total.backward()
