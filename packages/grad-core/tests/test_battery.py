"""The same checks for every function: an op without samples fails, and so does a sample without a check."""

import functools
import importlib
import inspect
import operator
import pkgutil
from typing import Any

import grad_core as gd
import grad_core.ops
import numpy as np
import pytest
from grad_core import extend
from grad_core._op import wrap
from grad_core.errors import DTypeError, GradientError
from grad_core.testing import check_grads
from samples import Sample, load

MODULES = [
    importlib.import_module(f"grad_core.ops.{found.name}") for found in pkgutil.iter_modules(grad_core.ops.__path__)
]
THEMES = [module for module in MODULES if not module.__name__.split(".")[-1].startswith("_")]
NOT_OF_TENSORS = {"meshgrid", "one_hot"}  # tested in test_grids.py
OF_SYMMETRIC = {"cholesky", "eigh", "eigvalsh"}  # they read one triangle only, and take the other for the same
SAMPLES = load()
DIFFERENTIABLE = [s for s in SAMPLES if s.differentiable]
by_id = functools.partial(pytest.mark.parametrize, "sample", ids=lambda s: s.id)


def call(sample: Sample, *inputs: Any) -> Any:
    args = sample.pack(*inputs) if sample.pack else inputs
    if sample.function == "scatter_add":
        return gd.scatter_add(args[0], sample.params["index"], args[1])
    if sample.function == "setitem":
        changed = gd.asarray(args[0]) + 0
        changed[sample.params["key"]] = args[1] if isinstance(args[1], gd.Tensor) else gd.tensor(args[1])
        return changed
    result = operator.attrgetter(sample.function)(gd)(*args, **sample.params)
    return sample.join(result) if sample.join else result


def expected(sample: Sample, *inputs: Any) -> Any:
    result = sample.reference(
        *(sample.pack(*inputs) if sample.pack and sample.function != "scatter_add" else inputs), **sample.params
    )
    return sample.join(result) if sample.join else result


def cast(sample: Sample, dtype: Any) -> list[Any]:
    return [x.astype(dtype) if np.asarray(x).dtype.kind == "f" else x for x in sample.inputs]


def tracked(arrays: list[Any]) -> list[Any]:
    return [gd.tensor(x, requires_grad=np.asarray(x).dtype.kind == "f") for x in arrays]


def calls_of(sample: Sample, backward: bool = False, twice: bool = False) -> list[tuple[Any, ...]]:
    """Every op call that a sample makes: (op, inputs, params, outputs); with its gradient, and that of the gradient."""
    calls: list[tuple[Any, ...]] = []
    inputs = tracked(list(sample.inputs)) if backward else [gd.asarray(x) for x in sample.inputs]

    def now(values: tuple[Any, ...]) -> tuple[Any, ...]:  # an assignment gives a tensor another value later
        return tuple(wrap(x._data) if isinstance(x, gd.Tensor) else x for x in values)

    with extend.recording(lambda op, inputs, params, outputs: calls.append((op, now(inputs), params, now(outputs)))):
        result = call(sample, *inputs)
        if backward and result.requires_grad:
            result.backward(np.ones(result.shape), create_graph=twice)
        grads = [x.grad for x in inputs if twice and x.grad is not None and x.grad.requires_grad]
        if grads:
            gd.gradients(sum(g.sum() for g in grads), [x for x in inputs if x.requires_grad])
    return calls


def registry() -> dict[str, extend.Op]:
    found = {}
    for module in (*MODULES, extend):
        for value in vars(module).values():
            if isinstance(value, extend.Op):
                found[f"{value.__module__}.{value.__name__}"] = value
    return found


def test_every_public_function_has_samples() -> None:
    public = {name for module in THEMES for name in module.__all__}
    assert public - NOT_OF_TENSORS == {s.function.removeprefix("linalg.") for s in SAMPLES} - {"setitem"}


def test_every_op_is_reached_by_a_sample() -> None:
    reached = {op for s in SAMPLES for op, *_ in calls_of(s, s.differentiable, twice=True)}
    missing = {name for name, op in registry().items() if op not in reached and op.name not in NOT_OF_TENSORS}
    assert not missing
    assert len(registry()) > 50


@by_id(SAMPLES)
def test_value_is_that_of_numpy(sample: Sample) -> None:
    result = call(sample, *sample.inputs)
    wanted = np.asarray(expected(sample, *sample.inputs))
    assert result.shape == wanted.shape
    assert result.dtype == wanted.dtype
    np.testing.assert_allclose(result.numpy(), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@by_id(DIFFERENTIABLE)
def test_dtype_goes_through_value_and_gradient(sample: Sample, dtype: str) -> None:
    wanted = np.dtype(sample.params["dtype"]) if "dtype" in sample.params else np.dtype(dtype)
    inputs = tracked(cast(sample, dtype))
    if dtype == "float16" and not sample.half:
        with pytest.raises(DTypeError, match=r"cannot take float16.*use x\.astype\('float32'\)"):
            call(sample, *inputs)
        return
    result = call(sample, *inputs)
    assert result.dtype == wanted
    reference = np.asarray(expected(sample, *sample.inputs), np.float64)
    tolerance = {"float16": 2e-2, "float32": 1e-5, "float64": 1e-12}[dtype]
    if sample.function not in ("floor_divide", "remainder"):  # a jump may fall on the other side of the rounding
        np.testing.assert_allclose(result.detach().numpy(), reference, rtol=tolerance, atol=tolerance)
    result.backward(np.linspace(-1, 1, result.size).reshape(result.shape))
    for x in inputs:
        if x.requires_grad:
            assert x.grad.shape == x.shape
            assert x.grad.dtype == np.dtype(dtype)


@by_id(DIFFERENTIABLE)
def test_derivatives_agree_with_differences(sample: Sample) -> None:
    check_grads(lambda *inputs: call(sample, *inputs), sample.inputs, order=2, tolerance=2e-4, step=1e-5)


@by_id(DIFFERENTIABLE)
def test_memory_layout_does_not_matter(sample: Sample) -> None:
    def scattered(x: Any) -> Any:
        spread = np.zeros([2 * n for n in x.shape][::-1], x.dtype)
        view = spread.T[(*[slice(None, None, 2)] * x.ndim, ...)]
        view[...] = x
        assert x.size < 2 or not view.flags.c_contiguous
        return view

    plain = tracked(list(sample.inputs))
    strided = [gd.asarray(scattered(x.data)).requires_grad_(x.requires_grad) for x in plain]
    results = [call(sample, *plain), call(sample, *strided)]
    np.testing.assert_allclose(results[0].detach().numpy(), results[1].detach().numpy(), rtol=1e-12, atol=1e-12)
    g = np.linspace(-1, 1, results[0].size).reshape(results[0].shape)
    results[0].backward(g)
    results[1].backward(scattered(g))
    for a, b in zip(plain, strided, strict=True):
        if a.requires_grad:
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12, atol=1e-12)


@by_id(DIFFERENTIABLE)
def test_upstream_gradients_are_not_taken_for_ones(sample: Sample) -> None:
    """Twice the cotangent gives twice the gradient, and the cotangent itself is left as it was."""
    grads = []
    for factor in (1.0, 2.0):
        inputs = tracked(list(sample.inputs))
        result = call(sample, *inputs)
        g = factor * np.random.default_rng(3).normal(size=result.shape)
        kept = g.copy()
        result.backward(g)
        np.testing.assert_array_equal(g, kept)
        grads.append([x.grad.numpy() for x in inputs if x.requires_grad])
    for once, twice in zip(*grads, strict=True):
        np.testing.assert_allclose(2 * once, twice, rtol=1e-12)


@by_id(DIFFERENTIABLE)
def test_tangents_agree_with_differences(sample: Sample) -> None:
    """`push_forward` of every op that the sample calls, by its own rule or by two backward passes."""
    rng = np.random.default_rng(4)
    for op, inputs, params, (out, *_) in calls_of(sample):
        values = [x.numpy() if isinstance(x, gd.Tensor) else np.asarray(x) for x in inputs]
        if op.rules is None or any(
            v.dtype.kind != "f" for v, r in zip(values, op.rules_for(len(values)), strict=True) if r
        ):
            continue
        tangents = [rng.normal(size=v.shape) if v.dtype.kind == "f" else None for v in values]
        if op.name in OF_SYMMETRIC:
            tangents = [t + t.mT for t in tangents]
        if op.name == "full_svd":
            with pytest.raises(GradientError, match="has no derivative"):
                extend.push_forward(op, values, tangents, params)
            continue
        _, tangent = extend.push_forward(op, values, tangents, params)
        h = 1e-6
        ends = [
            op.forward(*[v if t is None else v + sign * h * t for v, t in zip(values, tangents, strict=True)], **params)
            for sign in (1, -1)
        ]
        found = tangent if isinstance(tangent, tuple) else (tangent,)
        assert found[0].shape == out.shape
        for t, *of_t in zip(found, *[end if type(end) is tuple else (end,) for end in ends], strict=True):
            np.testing.assert_allclose(t.detach().numpy(), (of_t[0] - of_t[1]) / (2 * h), rtol=1e-5, atol=1e-6)


@by_id(SAMPLES)
def test_batches_agree_with_a_loop(sample: Sample) -> None:
    """`push_batch` of every op that the sample calls, with the batch axis at the front, at the back, and absent."""
    for op, inputs, params, _ in calls_of(sample, backward=sample.differentiable):
        values = [x.detach().numpy() if isinstance(x, gd.Tensor) else np.asarray(x) for x in inputs]
        floating = [v.dtype.kind == "f" for v in values]
        if not any(floating):
            continue
        for place in (0, -1):
            for alone in (None, *range(len(values))):
                axes = [place if f and (alone is None or i == alone) else None for i, f in enumerate(floating)]
                if all(a is None for a in axes):
                    continue
                batch = [
                    v if a is None else np.stack([v, v + 0.01, v - 0.01], a) for v, a in zip(values, axes, strict=True)
                ]
                rows = [
                    op.forward(
                        *[v if a is None else np.take(v, i, a) for v, a in zip(batch, axes, strict=True)], **params
                    )
                    for i in range(3)
                ]
                result, axis = extend.push_batch(op, batch, axes, params)
                several = type(rows[0]) is tuple
                for i, part in enumerate(result if several else (result,)):
                    wanted = np.stack([row[i] if several else row for row in rows])
                    found = part.numpy() if axis is None else np.moveaxis(part.numpy(), axis, 0)
                    np.testing.assert_allclose(found, wanted[0] if axis is None else wanted, rtol=1e-9, atol=1e-12)


@by_id(SAMPLES)
def test_results_can_be_written_into_memory_that_is_there(sample: Sample) -> None:
    """`into(..., out=)`, for every op that takes it, gives what the forward gives."""
    for op, inputs, params, (out, *_) in calls_of(sample):
        values = [x.numpy() if isinstance(x, gd.Tensor) else x for x in inputs]
        if isinstance(op.into, np.ufunc) or "out" in inspect.signature(op.into).parameters:
            buffer = np.empty(out.shape, out.dtype)
            op.into(*values, **params, out=buffer)
            np.testing.assert_array_equal(buffer, out.numpy())


def test_ops_that_numpy_can_replay_take_out() -> None:
    takes = [
        n
        for n, op in registry().items()
        if isinstance(op.into, np.ufunc) or "out" in inspect.signature(op.into).parameters
    ]
    assert len(takes) > 40
