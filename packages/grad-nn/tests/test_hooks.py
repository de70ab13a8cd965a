"""Functions that are called around forward, and with the gradients that pass a module."""

import copy
import gc
import re
import weakref

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import GradientError


class Bare(nn.Module):
    """No super().__init__() anywhere."""

    def __init__(self):
        self.scale = nn.Parameter([2.0])

    def forward(self, x, shift=0.0):
        return x * self.scale + shift


def test_pre_hooks_see_and_change_the_arguments():
    model = Bare()
    seen = []
    model.register_forward_pre_hook(lambda module, args: seen.append((module, args)))
    model.register_forward_pre_hook(lambda module, args: args[0] * 10)
    model.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    assert model(gd.tensor([1.0])).tolist() == [22.0]
    assert seen[0][0] is model
    assert seen[0][1][0].tolist() == [1.0]


def test_pre_hooks_with_keywords():
    model = Bare()
    model.register_forward_pre_hook(
        lambda module, args, kwargs: (args, {"shift": kwargs["shift"] * 2}), with_kwargs=True
    )
    model.register_forward_pre_hook(lambda module, args, kwargs: None, with_kwargs=True)
    assert model(gd.tensor([1.0]), shift=3.0).tolist() == [8.0]


@pytest.mark.parametrize("given", [3, (1, {}), ((), 1), ((),)])
def test_what_a_pre_hook_with_keywords_may_return(given):
    model = Bare()
    model.register_forward_pre_hook(lambda module, args, kwargs: given, with_kwargs=True)
    with pytest.raises(TypeError, match=re.escape(f"was registered with_kwargs=True and returned {given!r}: return")):
        model(gd.ones(1))


def test_forward_hooks_see_and_change_the_result():
    model = Bare()
    seen = []
    model.register_forward_hook(lambda module, args, output: seen.append((args[0].item(), output.item())))
    model.register_forward_hook(lambda module, args, kwargs, output: output + kwargs["shift"], with_kwargs=True)
    model.register_forward_hook(lambda module, args, output: output * 10)
    assert model(gd.tensor([1.0]), shift=1.0).tolist() == [40.0]
    assert seen == [(1.0, 3.0)]


def test_order_of_hooks():
    model = Bare()
    seen = []
    for kind in ("register_forward_pre_hook", "register_forward_hook"):
        for i, prepend in enumerate([False, False, True, True]):
            getattr(model, kind)(lambda *_, i=i: seen.append(i), prepend=prepend)
    model(gd.ones(1))
    assert seen == [3, 2, 0, 1] * 2


def test_handles_take_hooks_away():
    model = Bare()
    seen = []
    first = model.register_forward_hook(lambda *_: seen.append(1))
    with model.register_forward_hook(lambda *_: seen.append(2)) as second:
        model(gd.ones(1))
    first.remove()
    first.remove()
    second.remove()
    model(gd.ones(1))
    assert seen == [1, 2]


def test_a_hook_may_take_itself_away():
    model = Bare()
    seen = []

    def once(module, args, output):
        seen.append(1)
        handle.remove()

    handle = model.register_forward_hook(once)
    model(gd.ones(1))
    model(gd.ones(1))
    assert seen == [1]


def test_hooks_that_are_called_after_errors_too():
    model = Bare()
    seen = []
    model.register_forward_hook(lambda module, args, output: seen.append("not"))
    model.register_forward_hook(lambda module, args, output: seen.append(output), always_call=True)
    model.register_forward_hook(
        lambda module, args, kwargs, output: seen.append(kwargs), always_call=True, with_kwargs=True
    )
    with pytest.raises(TypeError, match="unexpected keyword"):
        model(gd.ones(1), wrong=1)
    assert seen == [None, {"wrong": 1}]


def test_hooks_are_no_members_and_are_copied_with_the_module():
    model = Bare()
    seen = []
    handle = model.register_forward_hook(lambda module, *_: seen.append(module))
    assert list(model.state_dict()) == ["scale"]
    assert model.eval().training is False
    twin = copy.deepcopy(model)
    handle.remove()
    model(gd.ones(1))
    twin(gd.ones(1))
    assert seen == [twin]


def test_a_handle_keeps_nothing_alive():
    model = Bare()
    handle = model.register_forward_hook(lambda *_: None)
    gone = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert gone() is None
    finally:
        gc.enable()
    handle.remove()


@pytest.mark.parametrize(
    "kind",
    [
        "register_forward_hook", "register_forward_pre_hook",
        "register_full_backward_hook", "register_full_backward_pre_hook",
    ],
)  # fmt: skip
def test_a_hook_is_a_function(kind):
    with pytest.raises(TypeError, match="a hook is a function, and a int cannot be called"):
        getattr(Bare(), kind)(3)


# Gradients


class Two(nn.Module):
    def forward(self, x, k, y):
        return x * y, k, x + y


def test_backward_hooks_see_all_gradients_at_once():
    model = Two()
    seen = []
    model.register_full_backward_hook(lambda module, inputs, outputs: seen.append((module, inputs, outputs)))
    x, y = gd.tensor([2.0], requires_grad=True), gd.tensor([3.0], requires_grad=True)
    a, k, b = model(x, 5, y)
    assert k == 5
    (a * 10 + b).sum().backward()
    ((module, inputs, outputs),) = seen
    assert module is model
    assert [None if g is None else g.tolist() for g in inputs] == [[31.0], None, [21.0]]
    assert [None if g is None else g.tolist() for g in outputs] == [[10.0], None, [1.0]]
    assert (x.grad.tolist(), y.grad.tolist()) == ([31.0], [21.0])


def test_backward_hooks_change_gradients():
    model = Bare()
    model.register_full_backward_pre_hook(lambda module, outputs: (outputs[0] * 10,))
    model.register_full_backward_hook(lambda module, inputs, outputs: (inputs[0] + outputs[0],))
    x = gd.tensor([1.0], requires_grad=True)
    model(x).sum().backward()
    assert model.scale.grad.tolist() == [10.0]
    assert x.grad.tolist() == [30.0]


def test_backward_hooks_where_no_input_needs_a_gradient():
    model = Bare()
    seen = []
    handle = model.register_full_backward_hook(lambda module, *grads: seen.append(grads))
    model(gd.ones(1)).sum().backward()
    ((inputs, outputs),) = seen
    assert (inputs, outputs[0].tolist()) == ((None,), [1.0])
    handle.remove()
    model(gd.ones(1)).sum().backward()
    with gd.no_grad():
        model(gd.ones(1))
    assert len(seen) == 1


def test_backward_hooks_of_higher_order_and_in_vmap():
    model = Bare()
    seen = []
    model.register_full_backward_hook(lambda module, inputs, outputs: seen.append(inputs[0]))
    cube = nn.Sequential(model, nn.Lambda(lambda x: x * x * x))
    x = gd.tensor([1.0], requires_grad=True)
    (g,) = gd.gradients(cube(x).sum(), [x], create_graph=True).values()
    assert g.tolist() == [24.0]
    assert gd.gradients(g.sum(), [x])[x].tolist() == [48.0]
    assert len(seen) >= 2
    xs = np.array([[1.0], [2.0]], "float32")
    np.testing.assert_array_equal(gd.vmap(gd.grad(lambda x: cube(x).sum()))(xs).detach().numpy(), 24 * xs**2)


def test_backward_hooks_leave_no_reference_cycle():
    model = Bare()
    model.register_full_backward_hook(lambda module, inputs, outputs: None)
    gc.disable()
    try:
        x = gd.tensor([1.0], requires_grad=True)
        loss = model(x).sum()
        loss.backward()
        gone = weakref.ref(loss), weakref.ref(x)
        del loss, x
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


def test_what_backward_hooks_refuse():
    model = nn.Lambda(lambda x: [x])
    model.register_full_backward_hook(lambda module, inputs, outputs: None)
    with pytest.raises(TypeError, match="Lambda has hooks for its gradients, so forward must return a tensor or a tup"):
        model(gd.ones(1))
    bare = Bare()
    bare.register_full_backward_pre_hook(lambda module, outputs: (outputs[0], outputs[0]))
    with pytest.raises(GradientError, match=r"the hook '<lambda>' of Bare returned 2 gradients, and there are 1: ret"):
        bare(gd.ones(1)).sum().backward()
